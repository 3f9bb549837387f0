"""Valgrind's lackey with `--trace-mem=yes`: one access a line.

`I  04015f0,3` fetches an instruction, ` L 1ffeffe7e,8` loads, ` S 1ffeffe7e,8` stores, ` M 04222c4,4` modifies: loads
and stores. Addresses are hexadecimal, sizes decimal. Lines that begin with == or -- are Valgrind's own and skipped.

Source: the comment at the head of lackey/lk_main.c, and Valgrind's manual.
"""

from pathlib import Path

import numpy as np

from traces.formats.coalesce import put
from traces.formats.compiled import Whole, kernel
from traces.formats.room import Room, text_trace
from traces.formats.scan import COUNT, LINE, decimal, fits, hexadecimal, next_line, refuse, token
from traces.trace import Trace

FAULTS = (
    "",
    "not a kind of access; give I, L, S or M",
    "not an access; give an address and a size such as 1ffeffe7e,8",
    "not a hexadecimal address below 2**64 before the comma",
    "not a size from 1 to 2147483647 after the comma",
    "an access that reaches beyond 2**64 - 1",
)
NOTES = [
    "Read from Valgrind lackey text; instruction fetches are reads, a modification is a read and a write.",
    "One kernel: the format knows none.",
]
_COMMA = 44


@kernel
def parse(text: np.ndarray, at: Whole, state: np.ndarray, room: Room) -> Whole:
    """Add the accesses of the text's lines from `at` on; return where it stopped."""
    while at < len(text) and state[COUNT] + 2 <= len(room.base):
        start, stop = token(text, at)
        mark = text[start]
        own = stop - start >= 2 and (mark in (61, 45)) and text[start + 1] == mark  # == or --
        if stop > start and not own:
            if stop - start != 1 or mark not in (73, 76, 83, 77):  # I L S M
                refuse(state, 1, start, stop)
                return at
            start, stop = token(text, stop)
            comma = start
            while comma < stop and text[comma] != _COMMA:
                comma += 1
            if comma == stop:
                refuse(state, 2, start, stop)
                return at
            base, good = hexadecimal(text, start, comma)
            if not good:
                refuse(state, 3, start, comma)
                return at
            size, good = decimal(text, comma + 1, stop)
            if not good or size < 1 or size >> 31 != 0:
                refuse(state, 4, comma + 1, stop)
                return at
            width = np.uint64(size)
            if not fits(base, width):
                refuse(state, 5, start, stop)
                return at
            if mark != 83:
                put(room, state, base, width, False, 0)
            if mark in (83, 77):
                put(room, state, base, width, True, 0)
        at = next_line(text, stop)
        state[LINE] += 1
    return at


def read(path: Path) -> Trace:
    """Return a lackey trace; its lines are read as `batches` yields them.

    Raises:
        InputError: while batches are read, naming the line that is wrong.
    """
    return text_trace(path, parse, FAULTS, NOTES)
