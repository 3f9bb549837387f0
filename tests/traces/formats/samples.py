"""Valid texts of each format, the same with something wrong, and what a reader finds in a file."""

import gzip
import lzma
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
from hypothesis import strategies as st

from traces.errors import InputError
from traces.trace import Trace

HEAD = b"""-kernel name = _Z3addPf
-kernel id = 1
-grid dim = (2,1,1)
-block dim = (64,1,1)
-shmem = 0
-nregs = 10
-binary version = 70
-cuda stream id = 0
-shmem base_addr = 0x00007f0000000000
-local mem base_addr = 0x00007f1000000000
-nvbit version = 1.5
-accelsim tracer version = %d
-enable lineinfo = %d

#traces format = PC mask dest_num [reg_dests] opcode src_num [reg_srcs] mem_width [mode] [mem_addresses] immediate

"""
PACKED = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: pa.compress(data, "zstd", asbytes=True),
}


def put(path: Path, data: bytes, packed: str = "") -> Path:
    path = path.with_name(path.name + packed)
    path.write_bytes(PACKED[packed](data))
    return path


def rows(trace: Trace, *more: str) -> list[tuple]:
    """The accesses of a trace as (base, width, write), and further columns."""
    names = ("base", "width", "write", *more)
    return [
        row for batch in trace.batches() for row in zip(*(getattr(batch, name).tolist() for name in names), strict=True)
    ]


def outcome(read, twin):
    """What a reader and its twin make of one file: rows, or None where either refuses it in the right way."""
    try:
        found = read()
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017  (that it is raised is not the point)
        found = None
    try:
        expected = twin()
    except ValueError:
        expected = None
    return found, expected


def pick(*options):
    return st.sampled_from(options)


near = st.one_of(st.integers(0, 2**12), st.integers(2**40, 2**40 + 4096))
number = st.one_of(near, near, near, st.integers(0, 2**64 - 1))
odd = st.one_of(
    st.binary(max_size=6).filter(lambda word: b"\n" not in word),
    pick(b"", b"-", b"-1", b"0x", b"x", b"1" * 10_000, b"0" * 10_000, b"0x" + b"0" * 99 + b"f", b"ffffffffffffffff",
         b"10000000000000000", b"100000000000000000", b"100000000000000001", b"3.5", b"#END_TB", b"warp", b"R1"),
)  # fmt: skip
blank = pick(b" ", b" ", b" ", b"  ", b"\t")


@st.composite
def line(draw, *words, wrong=20):
    """Words with blanks between them; now and then, the rarer the higher `wrong`, one is replaced by something odd."""
    found = list(words)
    if draw(st.integers(0, wrong)) == wrong // 3 + 7:  # not an end of the range, which Hypothesis likes too well
        found[draw(st.integers(0, len(words) - 1))] = draw(odd)
    return draw(blank).join(found) + draw(pick(b"", b"", b" ", b"\r"))


@st.composite
def text(draw, lines, most=12):
    found = draw(st.lists(st.one_of(lines, lines, lines, lines, pick(b"", b" ", b"\r")), min_size=1, max_size=most))
    return b"\n".join(found) + draw(pick(b"\n", b""))


@st.composite
def din_line(draw):
    wrong = draw(pick(1000, 1000, 20))
    address = draw(pick("%x", "0x%x", "%X", "%016x")) % draw(number)
    if draw(st.booleans()):
        return draw(line(draw(pick(b"0", b"1", b"2", b"3", b"4")), address.encode(), b"12", wrong=wrong))
    size = b"%x" % draw(st.one_of(st.integers(1, 300), st.integers(0, 2**32)))
    return draw(line(draw(pick(b"r", b"w", b"i", b"m", b"c", b"v")), address.encode(), size, wrong=wrong))


@st.composite
def lackey_line(draw):
    wrong = draw(pick(1000, 1000, 20))
    access = b"%x,%d" % (draw(number), draw(st.one_of(st.integers(1, 64), st.integers(0, 2**32))))
    kind = draw(pick(b"I", b" L", b" S", b" M", b"==12== a b", b"--12-- c"))
    return draw(line(kind, access, wrong=wrong))


opcode = pick(
    b"LDG.E", b"LDG.E.128.SYS", b"LD.E.64", b"LDL", b"LDS.U.32", b"LDSM.16.M88.4", b"LDC.64", b"STG.E.U16", b"STG.E.S8",
    b"ST.E.256", b"STL.128", b"STS.64", b"ATOM.E.ADD", b"ATOMG.E.CAS.64.STRONG.GPU", b"ATOMS.ADD", b"RED.E.ADD.F32",
    b"REDG.E.MAX.64", b"REDUX.SUM", b"LDGSTS.E.BYPASS.LTC128B.128", b"LDGSTS.E", b"IMAD.MOV.U32", b"BRA", b"LDGDEPBAR",
    b"CCTL.IVALL", b"HGMMA.64x64x16.F32", b"L", b"LD", b".", b"STG.E.7.08.128", b"LDT", b"STT.64", b"LDGSTS.E.U8",
)  # fmt: skip


@st.composite
def lanes(draw):
    """Addresses of a warp, most of them near each other."""
    base = draw(number)
    step = draw(pick(0, 1, 4, 8, 16, 32, 128, -4, -64, None))
    if step is None:
        return [(base + draw(st.integers(0, 400))) % 2**64 for _ in range(32)]
    return [(max(base, 2048) + step * lane) % 2**64 for lane in range(32)]


@st.composite
def nvbit_line(draw):
    kind = draw(pick(0, 0, 0, 0, 1, 2))
    if kind == 1:
        return b"the program's own line"
    if kind == 2:
        return (
            b"MEMTRACE: CTX 0x0000000000000001 - LAUNCH - Kernel pc 0x1 - Kernel name f(int*, int) - grid launch id %d"
            b" - grid size 2,1,1 - block size 32,1,1 - nregs 8 - shmem 0 - cuda stream id 0" % draw(st.integers(0, 3))
        )
    addresses = [b"0x%016x" % (one * draw(pick(1, 1, 1, 0))) for one in draw(lanes())]
    words = b"MEMTRACE: CTX 0x01 - grid_launch_id %d - CTA 0,0,0 - warp 1 -" % draw(st.integers(0, 5))
    return draw(line(*words.split(), draw(opcode), b"-", *addresses, wrong=draw(pick(1000, 30))))


@st.composite
def instruction(draw, numbered=False):
    wrong = draw(pick(1000, 1000, 1000, 20))
    mask = draw(st.one_of(pick(0xFFFFFFFF, 0xFFFF, 0xF0, 0, 1, 1 << 31), st.integers(0, 2**32 - 1)))
    active = [address for lane, address in enumerate(draw(lanes())) if mask >> lane & 1] or [0]
    steps = [b"%d" % (after - before) for before, after in pairwise(active)]
    tensor = draw(st.integers(0, 9)) == 0
    gaps = mask & (mask + (mask & -mask)) != 0  # between active lanes, which a stride cannot say
    mode = draw(pick(3, 4)) if tensor else draw(pick(0, 2, 2, *[1] * (not gaps or not draw(st.integers(0, 8)))))
    base = b"0x%016x" % active[0]
    words = {
        0: [b"0x%x" % one for one in active],
        1: [base, draw(pick(b"4", b"0", b"-16", b"128"))],
        2: [base, *steps, *draw(pick([], [], [b"8"]))],
        3: [b"%d" % len(active), *(b"0x%x" % one for one in active)],
        4: [base, b"%d" % len(active), *steps],
    }[mode]
    name = draw(opcode)
    if tensor:
        name = draw(pick(b"UTMALDG.2D", b"UTMASTG.2D", b"UTMAREDG.2D.ADD", b"UTMAPF", b"UBLKCP.S.G", b"UBLKCP.G.S",
                         b"UBLKRED"))  # fmt: skip
        words = [
            *draw(pick([], [b"0x10", b"0", b"512", b"0"], [b"0x10", b"1", b"3", b"512", b"0"])),
            b"%d" % mode,
            *words,
        ]
    else:
        words = [b"%d" % mode, *words]
    if name.startswith((b"IMAD", b"BRA", b"LDGDEP")) and not draw(st.integers(0, 3)):
        width, words = b"0", []
    else:
        width = draw(pick(b"4", b"16", b"128"))
    front = [b"12"] if numbered else []
    pc = b"%04x" % draw(pick(0x10, 0x20))
    registers = draw(pick([b"0"], [b"1", b"R1"], [b"2", b"R1", b"UP0"]))
    sources = draw(pick([b"0"], [b"1", b"R2"], [b"3", b"R2", b"UR4", b"255"]))
    return draw(line(*front, pc, b"%08x" % mask, *registers, name, *sources, width, *words, b"0", wrong=wrong))


@st.composite
def traceg(draw, numbered=False, whole=True):
    """The thread blocks of a kernel; now and then with a line lost or doubled, unless all must be `whole`."""
    found = []
    for block in range(draw(st.integers(0, 4))):
        found += [b"#BEGIN_TB", b"", b"thread block = %d,0,0" % block, *draw(pick([], [b"cluster id = 0,0,0"])), b""]
        for warp in range(draw(st.integers(0, 3))):
            body = draw(st.lists(instruction(numbered), max_size=4))
            if body and draw(st.booleans()):
                body.insert(0, body[0])  # an LDGSTS may be listed twice
            found += [b"warp = %d" % warp, b"insts = %d" % len(body), *body, b""]
        found += [b"#END_TB", b""]
    if not whole and found and not draw(st.integers(0, 2)):
        place = draw(st.integers(0, len(found) - 1))
        found[place : place + 1] = draw(pick([], [found[place]] * 2, [found[place][:-1]], [draw(odd)]))
    return b"\n".join(found) + b"\n"
