"""What NVBit's mem_trace tool prints: a line a launch, and a line a warp's memory instruction.

    MEMTRACE: CTX 0x.. - LAUNCH - Kernel pc 0x.. - Kernel name NAME - grid launch id N - grid size x,y,z - block size ..
    MEMTRACE: CTX 0x.. - grid_launch_id N - CTA x,y,z - warp w - LDG.E - 0x.. 0x.. (one address a lane, 32 of them)

An address of 0 is an inactive lane's. Other lines, the traced program's among them, are skipped. The order is the
file's: that in which records left the GPU, so warps interleave as they ran.

Source: tools/mem_trace/mem_trace.cu of NVBit 1.5 to 1.7.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from traces.errors import InputError
from traces.formats import source
from traces.formats.coalesce import LANES, MOST, access
from traces.formats.compiled import Whole, inner, kernel
from traces.formats.opcode import classify, width_of
from traces.formats.room import Room, complaint, foreign, new_state, parsed
from traces.formats.scan import (
    COUNT,
    FAULT,
    LINE,
    NEWLINE,
    STATE,
    begins,
    decimal,
    hexadecimal,
    is_word,
    next_line,
    refuse,
    token,
)
from traces.stream import Intervals
from traces.trace import Kernel, Trace

FAULTS = (
    "",
    "not a launch's number from 0 to 10**17",
    "not the dash before an instruction's opcode or addresses",
    "not a lane's hexadecimal address below 2**64; 32 of them follow an opcode",
    "a 33rd address of a warp of 32 lanes",
    "an access that reaches beyond 2**64 - 1",
)
NOTES = [
    "Read from NVBit mem_trace text, in the order in which records left the GPU.",
    "Each sector is accessed once a warp instruction; atomics read and write; no first-level cache filters the stream.",
]
MAX_LAUNCHES = 1 << 20
MAX_NAMES = 1 << 27  # bytes of all launches' names
_ID, LAUNCHES = STATE, 2  # the launch seen last; places of `state`
_MEMTRACE, _LAUNCH = np.frombuffer(b"MEMTRACE:", np.uint8), np.frombuffer(b"grid_launch_id", np.uint8)
_DASH = np.frombuffer(b"-", np.uint8)
_NAME, _LAUNCHED = b"Kernel name ", b"- LAUNCH -"
_GRID = re.compile(
    rb" - grid launch id (\d{1,17}) - grid size (\d{1,10}),(\d{1,10}),(\d{1,10})"
    rb" - block size (\d{1,10}),(\d{1,10}),(\d{1,10})"
)


@inner
def _launch(text: np.ndarray, at: Whole) -> tuple[Whole, Whole]:
    """Return where the launch's number starts and stops in a line of an access; -1 in any other line."""
    start, stop = token(text, at)
    if not is_word(text, start, stop, _MEMTRACE):
        return -1, -1
    for _ in range(3):  # CTX, its address, a dash
        start, stop = token(text, stop)
    start, stop = token(text, stop)
    return token(text, stop) if begins(text, start, stop, _LAUNCH) else (-1, -1)


@kernel
def parse(text: np.ndarray, at: Whole, state: np.ndarray, room: Room, ids: np.ndarray, order: np.ndarray) -> Whole:
    """Add the accesses of the text's lines from `at` on, tagged by kernel; return where it stopped.

    `ids` are the launches' numbers in ascending order, `order` the kernel of each.
    """
    addresses = np.empty(LANES, np.uint64)
    sectors, masks = np.empty(2 * LANES, np.uint64), np.empty(2 * LANES, np.uint64)
    while at < len(text) and state[COUNT] + MOST <= len(room.base):
        start, stop = _launch(text, at)
        if start >= 0:
            number, good = decimal(text, start, stop)
            if not good:
                refuse(state, 1, start, stop)
                return at
            for _ in range(5):  # a dash, CTA and its place, a dash, warp
                start, stop = token(text, stop)
            start, stop = token(text, stop)
            start, stop = token(text, stop)
            if not is_word(text, start, stop, _DASH):
                refuse(state, 2, start, stop)
                return at
            first, last = token(text, stop)
            start, stop = token(text, last)
            if not is_word(text, start, stop, _DASH):
                refuse(state, 2, start, stop)
                return at
            lanes = 0
            for _ in range(LANES):
                start, stop = token(text, stop)
                addresses[lanes], good = hexadecimal(text, start, stop)
                if not good:
                    refuse(state, 3, start, stop)
                    return at
                lanes += addresses[lanes] != 0
            start, stop = token(text, stop)
            if stop > start:
                refuse(state, 4, start, stop)
                return at
            reads, writes = classify(text, first, last)
            tag = order[np.searchsorted(ids, number)]
            if not access(
                addresses, lanes, width_of(text, first, last), reads, writes, room, state, tag, sectors, masks
            ):
                refuse(state, 5, first, last)
                return at
            at = stop
        at = next_line(text, at)
        state[LINE] += 1
    return at


@kernel
def survey(text: np.ndarray, at: Whole, state: np.ndarray, found: np.ndarray) -> Whole:
    """Add each launch's number to `found` where it differs from the line's before; return where it stopped."""
    while at < len(text) and state[COUNT] < len(found):
        start, stop = _launch(text, at)
        if start >= 0:
            number, good = decimal(text, start, stop)
            if not good or number < 0:
                refuse(state, 1, start, stop)
                return at
            if number != state[_ID]:
                state[_ID] = number
                found[state[COUNT]] = number
                state[COUNT] += 1
        at = next_line(text, at)
        state[LINE] += 1
    return at


def _kernels(path: Path) -> dict[int, Kernel]:
    """Return the launches by number, in the order of their first line; one pass over the file."""
    launches: dict[int, Kernel] = {}
    state, found = new_state(LAUNCHES), np.empty(1 << 16, np.int64)
    state[_ID], names = -1, 0
    for text, line in source.lines(path):
        state[LINE], at = line, 0
        if _LAUNCHED in (raw := text.tobytes()):
            for number, kernel in filter(None, map(_named, raw.split(bytes([NEWLINE])))):
                launches[number] = kernel
                names += len(kernel.name)
            if names > MAX_NAMES:
                raise InputError(f"{path}: more than {MAX_NAMES >> 20} MiB of kernels' names; give a shorter trace")
        while at < len(text):
            at = survey(text, at, state, found)
            if state[FAULT]:
                raise complaint(path, text, state, FAULTS)
            for number in found[: state[COUNT]].tolist():
                launches.setdefault(number, Kernel(f"launch {number}", "", "", "forward", 1, 0))
            state[COUNT] = 0
            if len(launches) > MAX_LAUNCHES:
                raise InputError(f"{path}: more than {MAX_LAUNCHES} launches; give a shorter trace")
    if not launches:
        raise InputError(f"{path}: holds no launch and no access; give lines that begin with MEMTRACE: CTX")
    return launches


def _named(line: bytes) -> tuple[int, Kernel] | None:
    """Return the number and the kernel of a launch's line; None for any other. A kernel's name may hold anything."""
    start, end = line.find(_NAME) + len(_NAME), line.rfind(b" - grid launch id ")
    ours = line.lstrip().startswith(b"MEMTRACE: ") and _LAUNCHED in line
    if not ours or not len(_NAME) <= start <= end:
        return None
    found = _GRID.match(line, end)
    if found is None:
        return None
    number, *lengths = map(int, found.groups())
    grid, block = ("x".join(map(str, three)) for three in (lengths[:3], lengths[3:]))
    name = line[start:end].decode(errors="backslashreplace")
    blocks = min(lengths[0] * lengths[1] * lengths[2], 2**63)
    return number, Kernel(name, "", f"launch {number} grid {grid} block {block}", "forward", blocks, 0)


def read(path: Path) -> Trace:
    """Return an NVBit trace: its launches from a first pass, its accesses as `batches` yields them.

    Raises:
        InputError: here or while batches are read, naming the line that is wrong.
    """
    launches = _kernels(path)
    numbers = np.array(list(launches), np.int64)
    order = np.argsort(numbers)

    def stream() -> Iterator[Intervals]:
        more = numbers[order], order.astype(np.int64)
        for found in parsed(path, parse, new_state(LAUNCHES), FAULTS, *more):
            yield found.batch(found.tag)

    return foreign(path, list(launches.values()), stream, NOTES)
