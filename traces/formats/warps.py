"""The thread blocks of an Accel-Sim kernel trace (.traceg): lines of warps' instructions, parsed into accesses.

    #BEGIN_TB / thread block = x,y,z / [cluster ..] / warp = w / insts = n / n instructions / .. / #END_TB
    [line] PC mask ndst {register} OPCODE nsrc {register} mem_width [mode addresses] [immediate ..]

Some tracers list LDGSTS twice, once for the shared and once for the global address: of two in a row with the same PC
and lanes only the second counts. Instructions without active lanes are skipped, whatever addresses they carry.

Source: gpu-simulator/trace-parser/trace_parser.cc and util/tracer_nvbit of Accel-Sim.
"""

import numpy as np

from traces.formats.coalesce import LANES, MOST, access
from traces.formats.compiled import Whole, inner, kernel
from traces.formats.lanes import is_tensor, lanes_of, tensor_access, tensor_moves
from traces.formats.opcode import classify, width_of
from traces.formats.room import Room
from traces.formats.scan import COUNT, FAULT, LINE, begins, decimal, hexadecimal, is_word, next_line, refuse, token
from traces.formats.warp_state import (
    ACTIVE,
    BEGUN,
    BEYOND,
    COUNTER,
    ENDED,
    ENOUGH,
    INSTS,
    LEFT,
    MASK,
    NUMBERED,
    OPCODE,
    OPEN,
    OUTSIDE,
    PC,
    REGISTERS,
    SOURCE_LINE,
    STRUCTURE,
    TICK,
    WIDTH,
    WITHIN,
)  # fmt: skip


def _word(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


_BEGIN, _END, _THREAD, _CLUSTER = _word("#BEGIN_TB"), _word("#END_TB"), _word("thread"), _word("cluster")
_WARP, _INSTS, _EQUALS, _TWICE = _word("warp"), _word("insts"), _word("="), _word("LDGSTS")
_FORMAT = _word("#traces")


@inner
def _structure(text: np.ndarray, start: Whole, stop: Whole, state: np.ndarray) -> Whole:
    """Take in a line that is no instruction; return where its tokens that matter end."""
    if is_word(text, start, stop, _BEGIN):
        if state[OPEN]:
            refuse(state, WITHIN, start, stop)
        state[OPEN] = 1
        return stop
    if not state[OPEN] and (text[start] == 45 or begins(text, start, stop, _FORMAT)):  # the head: -name, #traces format
        return stop
    known = is_word(text, start, stop, _THREAD) or is_word(text, start, stop, _CLUSTER)
    warp, insts = is_word(text, start, stop, _WARP), is_word(text, start, stop, _INSTS)
    if not (known or warp or insts or is_word(text, start, stop, _END)):
        refuse(state, STRUCTURE, start, stop)
    elif not state[OPEN]:
        refuse(state, OUTSIDE, start, stop)
    elif warp:
        state[TICK], state[ACTIVE] = 0, 0
    elif insts:
        start, stop = token(text, stop)
        equals = is_word(text, start, stop, _EQUALS)
        start, stop = token(text, stop)
        state[LEFT], good = decimal(text, start, stop)
        if not good or not equals or state[LEFT] < 0 or state[LEFT] >> 32 != 0:
            refuse(state, INSTS, start, stop)
    elif not known:
        state[OPEN], state[ACTIVE] = 0, 0
        state[ENDED] += 1
    return stop


@inner
def _registers(text: np.ndarray, at: Whole, state: np.ndarray) -> Whole:
    """Skip a number of registers and as many names; return where they end."""
    start, stop = token(text, at)
    number, good = decimal(text, start, stop)
    if not good or number < 0 or number > 255:
        refuse(state, REGISTERS, start, stop)
        return stop
    for _ in range(number):
        start, stop = token(text, stop)
    return stop


@inner
def _instruction(
    text: np.ndarray, at: Whole, state: np.ndarray, room: Room, addresses: np.ndarray, sectors: np.ndarray,
    masks: np.ndarray,
) -> Whole:  # fmt: skip
    """Add the accesses of an instruction's line; return 1 where the room first has to be emptied, else 0."""
    start, stop = token(text, at)
    if state[NUMBERED]:
        _, good = decimal(text, start, stop)
        if not good:
            refuse(state, SOURCE_LINE, start, stop)
            return 0
        start, stop = token(text, stop)
    pc, good = hexadecimal(text, start, stop)
    if not good:
        refuse(state, COUNTER, start, stop)
        return 0
    start, stop = token(text, stop)
    mask, good = hexadecimal(text, start, stop)
    if not good or mask >> np.uint64(32) != 0:
        refuse(state, MASK, start, stop)
        return 0
    stop = _registers(text, stop, state)
    first, last = token(text, stop)
    if last == first and not state[FAULT]:
        refuse(state, OPCODE, first, last)
    before, state[ACTIVE] = state[ACTIVE], 0
    tensor = is_tensor(text, first, last)
    reads, writes = tensor_moves(text, first, last) if tensor else classify(text, first, last)
    if state[FAULT] or mask == 0 or not (reads or writes):
        return 0
    stop = _registers(text, last, state)
    start, stop = token(text, stop)
    width, good = decimal(text, start, stop)
    if not state[FAULT] and (not good or width < 0 or width >> 31 != 0):
        refuse(state, WIDTH, start, stop)
    if state[FAULT] or width == 0:
        return 0
    if tensor:
        return tensor_access(text, stop, width, reads, writes, room, state)
    lanes = lanes_of(text, stop, mask, addresses, state)
    if state[FAULT]:
        return 0
    if begins(text, first, last, _TWICE):
        if before == np.int64(mask) and state[PC] == np.int64(pc):
            state[COUNT] = state[BEGUN]  # the first of the two was the shared address
        else:
            state[PC], state[ACTIVE], state[BEGUN] = np.int64(pc), np.int64(mask), state[COUNT]
    good = access(
        addresses, lanes, width_of(text, first, last), reads, writes, room, state, state[TICK], sectors, masks
    )
    if not good:
        refuse(state, BEYOND, first, last)
    return 0


@kernel
def parse(text: np.ndarray, at: Whole, state: np.ndarray, room: Room) -> Whole:
    """Add the accesses of the text's lines from `at` on, tagged by the instruction's number within its warp.

    Stops at the text's end, at a fault, after the block that makes ENOUGH of them, and where the room may be too small,
    but never between two listings of one LDGSTS. Returns where it stopped.
    """
    addresses = np.empty(LANES, np.uint64)
    sectors, masks = np.empty(2 * LANES, np.uint64), np.empty(2 * LANES, np.uint64)
    while at < len(text) and state[ENDED] < state[ENOUGH]:
        if state[COUNT] + (MOST if state[ACTIVE] else 2 * MOST) > len(room.base):
            return at
        start, stop = token(text, at)
        if stop > start:
            if state[LEFT] == 0:
                stop = _structure(text, start, stop, state)
            elif _instruction(text, at, state, room, addresses, sectors, masks):
                return at
            else:
                state[LEFT] -= 1
                state[TICK] += 1
            if state[FAULT]:
                return at
        at = next_line(text, stop)
        state[LINE] += 1
    return at
