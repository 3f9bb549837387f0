"""Readers of text traces beside their plain twins."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.naive import formats as naive
from tests.traces.formats import samples
from tests.traces.formats.samples import HEAD, outcome, put, rows
from traces.errors import InputError
from traces.formats import accelsim, din, lackey, nvbit, open_trace, room, source
from traces.formats.coalesce import MOST


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("text")


@given(samples.text(samples.din_line()))
@example(b"0 100\n1 0x7f\n2 ffff note\nr 10 20\nw 1f 2\nc 0 1\n4 0")
@example(b"1 ffffffffffffffff\nw fffffffffffffff0 10")
@example(b"w fffffffffffffff0 11")
@settings(max_examples=200)
def test_din(folder, text):
    path = put(folder / "a.din", text)
    found, expected = outcome(lambda: rows(din.read(path)), lambda: naive.din(text))
    assert found == expected


@given(samples.text(samples.lackey_line()))
@example(b"==1== Lackey\nI  04015f0,3\n L 1ffeffe7e,8\n S 1ffeffe7e,8\n M 04222c4,4\n")
@settings(max_examples=200)
def test_lackey(folder, text):
    path = put(folder / "a.lackey", text)
    found, expected = outcome(lambda: rows(lackey.read(path)), lambda: naive.lackey(text))
    assert found == expected


@given(samples.text(samples.nvbit_line()))
@settings(max_examples=200)
def test_nvbit(folder, text):
    path = put(folder / "a.memtrace", text)

    def read():
        trace = nvbit.read(path)
        launch = [int(one.layer.split()[1] if one.layer else one.name.split()[1]) for one in trace.kernels]
        return [(*row, launch[kernel]) for *row, kernel in rows(trace, "kernel")]

    found, expected = outcome(read, lambda: naive.nvbit(text))
    assert found == expected


@given(st.data(), st.booleans(), st.sampled_from([3, 4, 5, 6]))
@settings(max_examples=120)
def test_accelsim_as_listed(folder, data, numbered, version):
    text = HEAD % (version, numbered) + data.draw(samples.traceg(numbered, whole=False))
    path = put(folder / "kernel-1.traceg", text)
    found, expected = outcome(
        lambda: rows(accelsim.read(path, "listed")),
        lambda: [access for block in naive.traceg(text, numbered) for _, access in block],
    )
    assert found == expected


@given(samples.traceg(), st.integers(1, 5))
@settings(max_examples=150)
def test_accelsim_in_waves(folder, body, resident):
    text = HEAD % (5, 0) + body
    path = put(folder / "kernel-2.traceg", text)
    found, expected = outcome(
        lambda: rows(accelsim.read(path, "waves", resident)),
        lambda: naive.in_waves(naive.traceg(text), resident),
    )
    assert found == expected


@given(samples.traceg(), st.integers(1, 5))
@settings(max_examples=50)
def test_the_order_changes_no_access(folder, body, resident):
    path = put(folder / "kernel-4.traceg", HEAD % (5, 0) + body)
    waves, _ = outcome(lambda: sorted(rows(accelsim.read(path, "waves", resident))), list)
    listed, _ = outcome(lambda: sorted(rows(accelsim.read(path, "listed"))), list)
    assert waves == listed


@given(samples.traceg(), st.integers(70, 700))
@settings(max_examples=50)
def test_the_cuts_between_pieces_and_rooms_change_nothing(folder, body, chunk):
    path = put(folder / "kernel-3.traceg", HEAD % (5, 0) + body)
    whole, _ = outcome(lambda: rows(accelsim.read(path, "waves", 2)), list)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "CHUNK", chunk)
        patch.setattr(room.Room.empty.__func__, "__defaults__", (2 * MOST,))
        found, _ = outcome(lambda: rows(accelsim.read(path, "waves", 2)), list)
    assert found == whole


TWICE = b"""#BEGIN_TB
thread block = 0,0,0
warp = 0
insts = 4
0090 0000000f 0 LDGSTS.E.BYPASS.128 2 R1 R2 16 1 0x100 16 0
0090 0000000f 0 LDGSTS.E.BYPASS.128 2 R1 R2 16 1 0x7f580face400 16 0
0090 0000000f 0 LDGSTS.E.BYPASS.128 2 R1 R2 16 1 0x200 16 0
0090 0000000f 0 LDGSTS.E.BYPASS.128 2 R1 R2 16 1 0x7f580face600 16 0
#END_TB
"""


def test_an_ldgsts_listed_twice_counts_once(folder):
    path = put(folder / "twice.traceg", HEAD % (5, 0) + TWICE)
    assert rows(accelsim.read(path)) == [(0x7F580FACE400, 64, False), (0x7F580FACE600, 64, False)]


@pytest.mark.parametrize(
    ("line", "accesses"),
    [
        (b"00a0 ffffffff 1 R12 LDG.E.128.SYS 1 R2 16 1 0x7f580face400 16 0", [(0x7F580FACE400, 512, False)]),
        (b"01a0 000003ff 0 STG.E.U16 2 R2 R9 2 1 0x7f04c2300800 2 0", [(0x7F04C2300800, 20, True)]),
        (b"0010 00000007 0 LDG.E 1 R2 4 2 0x40 100 -100 0", [(0x40, 32, False), (0xA0, 32, False)]),
        (b"0010 00000007 0 LDG.E 1 R2 4 2 0x40 100 -100 4 0", [(0x40, 32, False), (0xA0, 32, False)]),
        (b"0010 00000001 0 LDG.E 1 R2 4 2 0x40 0", [(0x40, 32, False)]),
        (b"0010 00000000 0 STG.E 2 R2 R3 4 1 0x0 0 0", []),
        (b"0010 00000001 0 LDS.U.32 1 R2 4 0 0x40 0", []),
        (b"0010 00000001 0 RED.E.ADD 1 R2 4 0 0x48 0", [(0x40, 32, False), (0x48, 4, True)]),
        (b"0010 00000003 0 STG.E 2 R2 R3 4 0 0x40 0x48 0", [(0x40, 4, True)]),
        (b"0010 00000001 0 UTMALDG.2D 1 UR4 64 3 2 0x100 0x180 0", [(0x100, 64, False), (0x180, 64, False)]),
        (b"0010 00000001 0 UTMASTG.2D 1 UR4 64 0x8 1 ff 128 0 4 0x100 2 -128 0", [(0x100, 64, True), (0x80, 64, True)]),
        (b"0010 00000001 24 " + b"R1 " * 24 + b"HGMMA.64x8x16.F32 2 R2 R3 1 0 0", []),
    ],
)  # fmt: skip
def test_what_an_instruction_asks_for(folder, line, accesses):
    body = b"#BEGIN_TB\nthread block = 0,0,0\nwarp = 0\ninsts = 1\n" + line + b"\n#END_TB\n"
    path = put(folder / "one.traceg", HEAD % (6, 0) + body)
    assert rows(accelsim.read(path)) == accesses


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"0010 ffffffff 0 LDG.E 1 R2 4 1 0x1g 4 0", "line 19: found '0x1g', not a hexadecimal address"),
        (b"0010 ffffffff 0 LDG.E 1 R2 4 7 0x10 4 0", "found '7', not a way to list addresses; give 0, 1 or 2"),
        (b"0010 ffffffff 0 LDG.E 1 R2 4 1 0x10 -4 0", "reaches below 0"),
        (b"0010 1ffffffff 0 LDG.E 1 R2 4 1 0x10 -4 0", "found '1ffffffff', not a mask of 32 lanes"),
        (b"0010 00000005 0 LDG.E 1 R2 4 1 0x10 4 0", "the active lanes are not neighbours"),
        (b"0010 00000005 0 LDG.E 1 R2 4 0 0x10", "found nothing, not a hexadecimal address"),
        (b"0010 ffffffff 900 LDG.E", "found '900', not a number of registers"),
        (b"#END_TB", "found '#END_TB', not an instruction's hexadecimal PC .insts = says that there are more"),
        (b"0010 1 0 LDG.E 1 R2 4 0 0xffffffffffffffff 0", "found 'LDG.E', an access that reaches below 0 or beyond"),
        (b"0010 00000001 0 LDG.E 1 R2 4 0 " + b"9" * 10_000, f"found '{'9' * 60}'..., not a hexadecimal address"),
    ],
)  # fmt: skip
def test_a_wrong_instruction_is_named(folder, line, words):
    body = b"#BEGIN_TB\nwarp = 0\ninsts = 1\n" + line + b"\n#END_TB\n"
    path = put(folder / "one.traceg", HEAD.replace(b"\n\n#", b"\n#").rstrip() % (5, 0) + b"\n\n" + body)
    with pytest.raises(InputError, match=words) as caught:
        rows(accelsim.read(path))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((b"version = 5", b"version = 2"), "of tracer version 2; give one of versions 3 to 6"),
        ((b"-accelsim tracer version = 5\n", b""), "accelsim tracer version = ''; give a whole number"),
        ((b"(2,1,1)", b"(2,1)"), r"grid dim = '\(2,1\)'; give \(x,y,z\)"),
        ((b"(2,1,1)", b"(9999999999,9999999999,1)"), "give less than 2..63"),
        ((b"-nregs = 10", b"-nregs 10"), "line 6: '-nregs 10' sets nothing"),
        ((b"-nregs = 10", b"-nregs = " + b"9" * 10_000), "nregs"),
        ((b"#traces", b"traces"), "not a kernel trace"),
        ((b"#END_TB", b""), "truncated: ends within a thread block"),
        ((b"#BEGIN_TB", b""), "found 'thread', outside a thread block"),
        ((b"insts = 4", b"insts = 5"), "'#END_TB'"),
        ((b"insts = 4", b"insts = -4"), "not a number of instructions"),
        ((b"insts = 4", b"insts = 3"), "where #BEGIN_TB"),
    ],
)
def test_a_wrong_kernel_trace_is_refused(folder, change, words):
    path = put(folder / "wrong.traceg", (HEAD % (5, 0) + TWICE).replace(*change))
    with pytest.raises(InputError, match=words):
        rows(accelsim.read(path))


def test_a_kernel_without_blocks_has_no_access(folder):
    path = put(folder / "none.traceg", HEAD % (5, 0))
    trace = accelsim.read(path)
    assert rows(trace) == []
    assert trace.kernels[0].blocks == 2


def test_a_list_of_kernels(tmp_path):
    put(tmp_path / "kernel-1.traceg", HEAD % (5, 0) + TWICE)
    put(tmp_path / "kernel-2-ctx_0x1.traceg", (HEAD % (5, 0) + TWICE).replace(b"_Z3addPf", b"_Z3mulPf"), ".xz")
    names = (
        b"MemcpyHtoD,0x00007efe7b500000,2052\nkernel-1.traceg\n\nkernel-2-ctx_0x1.traceg.xz\nkernel-2-ctx_0x1.traceg\n"
    )
    path = put(tmp_path / "kernelslist.g", names)
    trace = open_trace(path, gpu="gtx1080ti")
    assert [one.name for one in trace.kernels] == ["_Z3addPf", "_Z3mulPf", "_Z3mulPf"]
    assert trace.kernels[0].layer == "kernel 1 grid 2x1x1 block 64x1x1"
    assert [row[-1] for row in rows(trace, "kernel")] == [0, 0, 1, 1, 2, 2]
    path.write_bytes(b"MemcpyHtoD,0x0,1\nkernel-3.traceg\n")
    with pytest.raises(InputError, match=r"line 2: 'kernel-3.traceg' is not there; put the kernels' files beside"):
        open_trace(path)
    path.write_bytes(b"MemcpyHtoD,0x0,1\n")
    with pytest.raises(InputError, match="names no kernel"):
        open_trace(path)


def test_the_launches_of_nvbit_are_kernels(folder):
    launch = b"MEMTRACE: CTX 0x1 - LAUNCH - Kernel pc 0x1 - Kernel name void f<int>(int*, int) - grid launch id 7 - grid size 2,3,1 - block size 32,1,1 - nregs 8 - shmem 0 - cuda stream id 0\n"  # noqa: E501
    path = put(folder / "b.memtrace", b"hello\n" + launch)
    (kernel,) = nvbit.read(path).kernels
    assert kernel.name == "void f<int>(int*, int)"
    assert kernel.layer == "launch 7 grid 2x3x1 block 32x1x1"
    assert kernel.blocks == 6
    put(folder / "b.memtrace", b"MEMTRACE: - LAUNCH - " + b"Kernel name " * 80_000 + b"\n" + launch)
    assert len(nvbit.read(path).kernels) == 1  # in no time
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nvbit, "MAX_NAMES", 10)
        with pytest.raises(InputError, match="MiB of kernels' names; give a shorter trace"):
            nvbit.read(path)
    with pytest.raises(InputError, match="no launch and no access; give lines that begin with MEMTRACE: CTX"):
        nvbit.read(put(folder / "c.memtrace", b"hello\n"))
