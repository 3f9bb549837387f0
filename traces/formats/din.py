"""DineroIV's text traces: one access a line, as `-informat d` (label, address) and `D` (with a size) read them.

Traditional lines are `0 7fff5a8` (0 or 3: read, 1: write, 2: instruction fetch, 4: flush), in hexadecimal with or
without 0x; the access is of the 4 bytes of the aligned word, as in DineroIV's dinfmt.c. Extended lines are `r 7fff5a8
10`: r, i and m read, w writes, c and v (copy back, invalidate) access nothing; the size is hexadecimal too. What
follows on a line is a comment. A file may mix both. Instruction fetches are reads: the last level holds them as well.

Sources: dinfmt.c and xdinfmt.c of DineroIV, and its manual page.
"""

from pathlib import Path

import numpy as np

from traces.formats.coalesce import put
from traces.formats.compiled import Whole, inner, kernel
from traces.formats.expand import Accesses, accesses
from traces.formats.room import Room, text_trace
from traces.formats.scan import COUNT, LINE, fits, hexadecimal, next_line, refuse, token
from traces.formats.sink import opened
from traces.trace import Trace

WORD = 4  # bytes of an access without a size
FAULTS = (
    "",
    "not a label; give 0, 1, 2, 3 or 4, or r, w, i, m, c or v",
    "not a hexadecimal address below 2**64",
    "not a hexadecimal size from 1 to 7fffffff",
    "an access that reaches beyond 2**64 - 1",
)
NOTES = [
    "Read from DineroIV text; instruction fetches are reads, accesses without a size are of an aligned 4 B word.",
    "One kernel: the format knows none.",
]


@inner
def _label(text: np.ndarray, start: Whole, stop: Whole) -> Whole:
    """Return 0 for a read, 1 for a write, 2 for no access, plus 4 where a size follows; -1 for no label."""
    if stop - start != 1:
        return -1
    found = text[start]
    if found in (48, 50, 51):  # 0 2 3
        return 0
    if found == 49:  # 1
        return 1
    if found == 52:  # 4
        return 2
    if found in (114, 105, 109):  # r i m
        return 4
    if found == 119:  # w
        return 5
    return 6 if found in (99, 118) else -1  # c v


@kernel
def parse(text: np.ndarray, at: Whole, state: np.ndarray, room: Room) -> Whole:
    """Add the accesses of the text's lines from `at` on; return where it stopped."""
    while at < len(text) and state[COUNT] < len(room.base):
        start, stop = token(text, at)
        if stop > start:
            label = _label(text, start, stop)
            if label < 0:
                refuse(state, 1, start, stop)
                return at
            start, stop = token(text, stop)
            base, good = hexadecimal(text, start, stop)
            if not good:
                refuse(state, 2, start, stop)
                return at
            width = np.uint64(WORD)
            if label >= 4:
                first, last = token(text, stop)
                width, good = hexadecimal(text, first, last)
                if not good or width == 0 or width >> np.uint64(31) != 0:
                    refuse(state, 3, first, last)
                    return at
            else:
                base &= ~np.uint64(WORD - 1)
            if not fits(base, width):
                refuse(state, 4, start, stop)
                return at
            if label & 3 < 2:
                put(room, state, base, width, label & 1 == 1, 0)
        at = next_line(text, stop)
        state[LINE] += 1
    return at


def read(path: Path) -> Trace:
    """Return a DineroIV trace; its lines are read as `batches` yields them.

    Raises:
        InputError: while batches are read, naming the line that is wrong.
    """
    return text_trace(path, parse, FAULTS, NOTES)


@kernel
def _lines(found: Accesses, sector_bytes: int, out: np.ndarray) -> int:
    """Write a line an access into `out`, of at least 20 bytes each; return how many bytes were written."""
    at = 0
    low = np.uint64(sector_bytes - 1)
    for i in range(len(found.address)):
        address = found.address[i] & ~low
        out[at] = 49 if found.write[i] else 48
        out[at + 1] = 32
        at += 2
        shift = 60
        while shift > 0 and address >> np.uint64(shift) == 0:
            shift -= 4
        while shift >= 0:
            digit = np.int64(address >> np.uint64(shift)) & 15
            out[at] = digit + (48 if digit < 10 else 87)
            at += 1
            shift -= 4
        out[at] = 10
        at += 1
    return at


def write(trace: Trace, path: Path) -> None:
    """Write a trace as traditional DineroIV text: a line a sector access, at the sector's address; kernels are lost.

    Raises:
        InputError: for a path that cannot be written.
    """
    with opened(path) as file:
        for found in accesses(trace):
            out = np.empty(20 * len(found.address), np.uint8)
            file.write(out[: _lines(found, trace.header.sector_bytes, out)].tobytes())
