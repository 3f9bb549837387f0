"""Slow, obvious twins of the readers of other tools' traces: lines split into words, numbers by int().

Each takes a whole text and returns its accesses as tuples (base, width, write, ...); what is no such text is a
ValueError.
"""

import re
from collections.abc import Iterator

SECTOR = 32
LANES = 32
ROOM = 1 << 18
TOP = 2**64


def lines(text: bytes) -> Iterator[list[bytes]]:
    """Yield the words of each line that has any; an empty text is none."""
    if not text:
        raise ValueError("empty")
    for line in text.split(b"\n"):
        words = re.findall(rb"[^ \t\r]+", line)
        if words:
            yield words


def hexadecimal(word: bytes, top: int = TOP) -> int:
    if not re.fullmatch(rb"(0[xX])?[0-9a-fA-F]+", word) or int(word, 16) >= top:
        raise ValueError(word)
    return int(word, 16)


def decimal(word: bytes, low: int = -(10**17), high: int = 10**17) -> int:
    found = re.fullmatch(rb"(-?)0*([0-9]*)", word)
    if not found or not re.search(rb"[0-9]", word) or len(found[2]) > 30:
        raise ValueError(word)
    value = int((found[1] + found[2]) or b"0") if found[2] else 0
    if not low <= value <= high:
        raise ValueError(word)
    return value


def bytes_of(base: int, width: int) -> range:
    if not 0 <= base <= TOP - width:
        raise ValueError(base)
    return range(base, base + width)


class Words:
    """The words of a line, one at a time; empty ones after the last."""

    def __init__(self, words: list[bytes]) -> None:
        self.left = iter(words)

    def __call__(self) -> bytes:
        return next(self.left, b"")


def din(text: bytes) -> list[tuple[int, int, bool]]:
    found = []
    for words in lines(text):
        word = Words(words)
        label = word()
        if label not in {b"0", b"1", b"2", b"3", b"4", b"r", b"w", b"i", b"m", b"c", b"v"}:
            raise ValueError(label)
        base, width = hexadecimal(word()), 4
        if label.isdigit():
            base -= base % 4
        else:
            width = hexadecimal(word(), 2**31)
            if not width:
                raise ValueError(words)
        bytes_of(base, width)
        if label not in {b"4", b"c", b"v"}:
            found.append((base, width, label in {b"1", b"w"}))
    return found


def lackey(text: bytes) -> list[tuple[int, int, bool]]:
    found = []
    for words in lines(text):
        if words[0][:2] in {b"==", b"--"}:
            continue
        if words[0] not in {b"I", b"L", b"S", b"M"}:
            raise ValueError(words)
        address, comma, size = (words[1] if len(words) > 1 else b"").partition(b",")
        if not comma:
            raise ValueError(words)
        base, width = hexadecimal(address), decimal(size, 1, 2**31 - 1)
        bytes_of(base, width)
        if words[0] != b"S":
            found.append((base, width, False))
        if words[0] in {b"S", b"M"}:
            found.append((base, width, True))
    return found


def moves(opcode: bytes) -> tuple[bool, bool]:
    """Return whether an opcode reads memory that the last-level cache serves, and whether it writes it."""
    name = opcode.partition(b".")[0]
    if name.startswith((b"LDS", b"LDC", b"LDT", b"STS", b"STT", b"ATOMS", b"REDS", b"REDU")):
        return False, False
    return name.startswith((b"LD", b"ATOM", b"RED")), name.startswith((b"ST", b"ATOM", b"RED"))


def width_of(opcode: bytes) -> int:
    for suffix in opcode.split(b".")[1:]:
        found = re.fullmatch(rb"[US]?0*(8|16|32|64|128|256)", suffix)
        if found:
            return int(found[1]) // 8
    return 4


def coalesced(addresses: list[int], width: int, reads: bool, writes: bool) -> list[tuple[int, int, bool]]:
    """Return the accesses of a warp's instruction: sectors as first touched, neighbours that follow as one."""
    touched: dict[int, set[int]] = {}
    for base in addresses:
        for byte in bytes_of(base, width):
            touched.setdefault(byte // SECTOR, set()).add(byte % SECTOR)
    found = []
    for write in [False] * reads + [True] * writes:
        here: list[tuple[int, int, bool]] = []
        for sector, offsets in touched.items():
            first = min(offsets) if write else 0
            last = first
            while last < SECTOR and (last in offsets or not write):
                last += 1
            if here and first == 0 and sum(here[-1][:2]) == sector * SECTOR:
                here[-1] = (here[-1][0], here[-1][1] + last, write)
            else:
                here.append((sector * SECTOR + first, last - first, write))
        found += here
    return found


def nvbit(text: bytes) -> list[tuple[int, int, bool, int]]:
    """Return accesses with their launch's number."""
    three = rb"\d{1,10},\d{1,10},\d{1,10}"
    found, launches = [], False
    for line in text.split(b"\n"):
        before, _, after = line.rpartition(b" - grid launch id ")
        named = re.match(rb"\s*MEMTRACE: .*Kernel name ", before, re.DOTALL)
        if (
            named
            and b"- LAUNCH -" in line
            and re.match(rb"\d{1,17} - grid size %b - block size %b" % (three, three), after)
        ):
            launches = True
    for words in lines(text):
        word = Words(words)
        if [word() for _ in range(5)][::4] != [b"MEMTRACE:", words[4] if len(words) > 4 else b""]:
            continue
        if not words[4:5] or not words[4].startswith(b"grid_launch_id"):
            continue
        number = decimal(word(), 0)
        _place, _dashes = [word() for _ in range(6)], word()
        opcode, dash = word(), word()
        if _dashes != b"-" or dash != b"-":
            raise ValueError(words)
        addresses = [hexadecimal(word()) for _ in range(LANES)]
        if word():
            raise ValueError(words)
        active = [one for one in addresses if one]
        found += [(*one, number) for one in coalesced(active, width_of(opcode), *moves(opcode))]
        launches = True
    if not launches:
        raise ValueError(text)
    return found


def lanes_of(mask: int, word: Words) -> list[int]:
    """Return the active lanes' addresses from the words after the memory width."""
    active = [lane for lane in range(LANES) if mask >> lane & 1]
    mode = word()
    if mode == b"0":
        return [hexadecimal(word()) for _ in active]
    if mode == b"1":
        base, stride = hexadecimal(word()), decimal(word())
        if active != list(range(active[0], active[0] + len(active))):
            raise ValueError(mask)
        found = [base + i * stride for i in range(len(active))]
    elif mode == b"2":
        found = [hexadecimal(word())]
        for _ in active[1:]:
            found.append(found[-1] + decimal(word()))
    else:
        raise ValueError(mode)
    if not all(0 <= one < TOP for one in found):
        raise ValueError(found)
    return found


def tensor_of(width: int, reads: bool, writes: bool, word: Words) -> list[tuple[int, int, bool]]:
    mode = word()
    if mode not in {b"3", b"4"}:
        hexadecimal(mode)
        skipped = [word() for _ in range(3 if decimal(word()) else 2)]
        if not skipped[-1]:
            raise ValueError(skipped)
        mode = word()
    if mode == b"3":
        found = [hexadecimal(word()) for _ in range(decimal(word(), 0, ROOM // 2))]
    elif mode == b"4":
        at, found = hexadecimal(word()), []
        for i in range(decimal(word(), 0, ROOM // 2)):
            at += decimal(word()) if i else 0
            bytes_of(at, 1)
            found.append(at)
    else:
        raise ValueError(mode)
    for base in found:
        bytes_of(base, width)
    return [(base, width, False) for base in found if reads] + [(base, width, True) for base in found if writes]


def tensor_moves(opcode: bytes) -> tuple[bool, bool] | None:
    if opcode.startswith(b"UTMA"):
        kind = opcode[4:5]
        return kind != b"S", kind in {b"S", b"R"}
    if opcode.startswith(b"UBLK"):
        if opcode[4:5] == b"R":
            return True, True
        outward = opcode[4:5] == b"C" and opcode[7:8] == b"G" and opcode[9:10] == b"S"
        return not outward, outward
    return None


def instruction(words: list[bytes], numbered: bool) -> tuple[tuple[int, int] | None, list[tuple[int, int, bool]]]:
    """Return the PC and lanes if it is an LDGSTS that accesses memory, and the accesses."""
    word = Words(words)
    if numbered:
        decimal(word())
    pc, mask = hexadecimal(word()), hexadecimal(word(), 2**32)
    for _ in range(decimal(word(), 0, 255)):
        word()
    opcode = word()
    if not opcode:
        raise ValueError(words)
    tensor = tensor_moves(opcode)
    reads, writes = tensor or moves(opcode)
    if not mask or not (reads or writes):
        return None, []
    for _ in range(decimal(word(), 0, 255)):
        word()
    width = decimal(word(), 0, 2**31 - 1)
    if not width:
        return None, []
    if tensor:
        return None, tensor_of(width, reads, writes, word)
    twice = (pc, mask) if opcode.startswith(b"LDGSTS") else None
    return twice, coalesced(lanes_of(mask, word), width_of(opcode), reads, writes)


def traceg(text: bytes, numbered: bool = False) -> list[list[tuple[int, tuple[int, int, bool]]]]:
    """Return for each thread block its accesses, each with its instruction's number within the warp."""
    blocks: list[list[tuple[int, tuple[int, int, bool]]]] = []
    within, left, tick = False, 0, 0
    pending: tuple[tuple[int, int], int] | None = None
    for words in lines(text):
        if left:
            twice, accesses = instruction(words, numbered)
            if pending and twice == pending[0]:
                del blocks[-1][pending[1] :]
                twice = None
            pending = (twice, len(blocks[-1])) if twice else None
            blocks[-1] += [(tick, one) for one in accesses]
            left, tick = left - 1, tick + 1
        elif words[0] == b"#BEGIN_TB":
            if within:
                raise ValueError(words)
            within = True
            blocks.append([])
        elif not within and words[0].startswith((b"-", b"#traces")):
            pass
        elif words[0] not in {b"thread", b"cluster", b"warp", b"insts", b"#END_TB"} or not within:
            raise ValueError(words)
        elif words[0] == b"warp":
            tick, pending = 0, None
        elif words[0] == b"insts":
            if words[1:2] != [b"="]:
                raise ValueError(words)
            left = decimal(words[2] if len(words) > 2 else b"", 0, 2**32 - 1)
        elif words[0] == b"#END_TB":
            within, pending = False, None
    if within or left:
        raise ValueError("truncated")
    return blocks


def in_waves(blocks: list[list[tuple[int, tuple[int, int, bool]]]], resident: int) -> list[tuple[int, int, bool]]:
    """Return accesses as waves of `resident` blocks make them, an instruction of each warp in turn."""
    found = []
    for start in range(0, len(blocks), resident):
        wave = [one for block in blocks[start : start + resident] for one in block]
        found += [access for _, access in sorted(wave, key=lambda one: one[0])]
    return found


def elements(document: object) -> list[dict]:
    """Return the objects in the lists of a JSON document."""
    lists = [document] if isinstance(document, list) else list(document.values()) if isinstance(document, dict) else []
    return [one for found in lists if isinstance(found, list) for one in found if isinstance(one, dict)]


def next_accesses(ids: list[int]) -> list[int]:
    """Return for each access the number, from 1, of the next one of the same id; -1 where there is none."""
    return [next((j + 1 for j in range(i + 1, len(ids)) if ids[j] == ids[i]), -1) for i in range(len(ids))]
