"""The thread blocks of an Accel-Sim kernel trace (.traceg): lines of warps' instructions, parsed into accesses.

    #BEGIN_TB / thread block = x,y,z / [cluster ..] / warp = w / insts = n / n instructions / .. / #END_TB
    [line] PC mask ndst {register} OPCODE nsrc {register} mem_width [mode addresses] [immediate ..]

Modes of addresses: 0 lists one a lane; 1 is a base and a stride from lane to lane; 2 a base and the step from each
active lane to the next (one a lane but the first: a further one, which a reader of 2022 asks for, is left unread).
Tensor memory accesses (UTMALDG and the like, UBLKCP) have lists of their own: 3 all addresses, 4 a base and steps,
each of mem_width bytes.

Some tracers list LDGSTS twice, once for the shared and once for the global address: of two in a row with the same PC
and lanes only the second counts. Instructions without active lanes are skipped, whatever addresses they carry.

Source: gpu-simulator/trace-parser/trace_parser.cc and util/tracer_nvbit of Accel-Sim.
"""

import numpy as np

from traces.formats.coalesce import LANES, MOST, access, put
from traces.formats.compiled import Truth, Whole, inner, kernel
from traces.formats.opcode import classify, width_of
from traces.formats.room import Room
from traces.formats.scan import (
    COUNT,
    FAULT,
    LINE,
    STATE,
    begins,
    decimal,
    fits,
    hexadecimal,
    is_word,
    moved,
    next_line,
    refuse,
    token,
)

# Places of `state`: does every line begin with a source line's number, is a block open, instructions left of the warp,
# the number of the next, blocks ended, blocks to end before the parser stops, and the last instruction if an LDGSTS:
# its PC, its lanes (0: none) and where its accesses begin.
NUMBERED, OPEN, LEFT, TICK, ENDED, ENOUGH, PC, ACTIVE, BEGUN, WARPS = range(STATE, STATE + 10)
FAULTS = (
    "",
    "where #BEGIN_TB, thread block, warp, insts or #END_TB should stand",
    "outside a thread block; give #BEGIN_TB before it",
    "within a thread block; give #END_TB before it",
    "not a number of instructions from 0 to 2**32 - 1 after insts =",
    "not a source line's number",
    "not an instruction's hexadecimal PC (insts = says that there are more)",
    "not a mask of 32 lanes, in hexadecimal",
    "not a number of registers from 0 to 255",
    "not an opcode",
    "not a memory width from 0 to 2**31 - 1",
    "not a way to list addresses; give 0, 1 or 2 (3 or 4 of a tensor access)",
    "not a hexadecimal address below 2**64",
    "not a stride or step of addresses, in decimal",
    "a stride, but the active lanes are not neighbours",
    "an access that reaches below 0 or beyond 2**64 - 1",
    "not a number of addresses that one instruction may have",
    "not a field of a tensor access",
)


def _word(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


_BEGIN, _END, _THREAD, _CLUSTER = _word("#BEGIN_TB"), _word("#END_TB"), _word("thread"), _word("cluster")
_WARP, _INSTS, _EQUALS, _TWICE = _word("warp"), _word("insts"), _word("="), _word("LDGSTS")
_TENSOR, _BULK, _FORMAT = _word("UTMA"), _word("UBLK"), _word("#traces")


@inner
def _structure(text: np.ndarray, start: Whole, stop: Whole, state: np.ndarray) -> Whole:
    """Take in a line that is no instruction; return where its tokens that matter end."""
    if is_word(text, start, stop, _BEGIN):
        if state[OPEN]:
            refuse(state, 3, start, stop)
        state[OPEN] = 1
        return stop
    if not state[OPEN] and (text[start] == 45 or begins(text, start, stop, _FORMAT)):  # the head: -name, #traces format
        return stop
    known = is_word(text, start, stop, _THREAD) or is_word(text, start, stop, _CLUSTER)
    warp, insts = is_word(text, start, stop, _WARP), is_word(text, start, stop, _INSTS)
    if not (known or warp or insts or is_word(text, start, stop, _END)):
        refuse(state, 1, start, stop)
    elif not state[OPEN]:
        refuse(state, 2, start, stop)
    elif warp:
        state[TICK], state[ACTIVE] = 0, 0
    elif insts:
        start, stop = token(text, stop)
        equals = is_word(text, start, stop, _EQUALS)
        start, stop = token(text, stop)
        state[LEFT], good = decimal(text, start, stop)
        if not good or not equals or state[LEFT] < 0 or state[LEFT] >> 32 != 0:
            refuse(state, 4, start, stop)
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
        refuse(state, 8, start, stop)
        return stop
    for _ in range(number):
        start, stop = token(text, stop)
    return stop


@inner
def _lanes(text: np.ndarray, at: Whole, mask: np.uint64, addresses: np.ndarray, state: np.ndarray) -> Whole:
    """Put the active lanes' addresses into `addresses`; return how many there are."""
    start, stop = token(text, at)
    mode = np.int64(text[start]) - 48
    if stop - start != 1 or mode < 0 or mode > 2:
        refuse(state, 11, start, stop)
        return 0
    active, rest = 0, mask
    while rest != 0:
        active += rest & np.uint64(1) == 1
        rest >>= np.uint64(1)
    step, good = np.int64(0), True
    for lane in range(active):
        if lane == 0 or mode == 0:
            start, stop = token(text, stop)
            addresses[lane], good = hexadecimal(text, start, stop)
            if not good:
                refuse(state, 12, start, stop)
                return 0
            if lane or mode != 1:
                continue
        if mode == 2 or lane == 0:
            start, stop = token(text, stop)
            step, good = decimal(text, start, stop)
            if not good:
                refuse(state, 13, start, stop)
                return 0
        if lane:
            addresses[lane], good = moved(addresses[lane - 1], step)
            if not good:
                refuse(state, 15, start, stop)
                return 0
    while mode == 1 and mask & np.uint64(1) == 0:
        mask >>= np.uint64(1)
    if mode == 1 and mask & (mask + np.uint64(1)) != 0:
        refuse(state, 14, start, stop)
        return 0
    return active


@inner
def _tensor(
    text: np.ndarray, at: Whole, width: Whole, reads: Truth, writes: Truth, room: Room, state: np.ndarray
) -> Whole:
    """Add the accesses of a tensor memory instruction; return 1 where the room first has to be emptied, else 0."""
    start, stop = token(text, at)
    if stop - start != 1 or text[start] not in (51, 52):  # newer: barrier, multicast, bytes, bytes
        _, good = hexadecimal(text, start, stop)
        start, stop = token(text, stop)
        multicast, right = decimal(text, start, stop)
        for _ in range(3 if multicast else 2):
            start, stop = token(text, stop)
        if not good or not right or stop == start:
            refuse(state, 17, start, stop)
            return 0
        start, stop = token(text, stop)
    mode = np.int64(text[start]) - 48
    if stop - start != 1 or mode not in (3, 4):
        refuse(state, 11, start, stop)
        return 0
    base, good = np.uint64(0), True
    if mode == 4:
        start, stop = token(text, stop)
        base, good = hexadecimal(text, start, stop)
        if not good:
            refuse(state, 12, start, stop)
            return 0
    start, stop = token(text, stop)
    number, good = decimal(text, start, stop)
    if not good or number < 0 or 2 * number > len(room.base):
        refuse(state, 16, start, stop)
        return 0
    if state[COUNT] + 2 * number > len(room.base):
        return 1
    begun = state[COUNT]
    for i in range(number):
        if mode == 3 or i:
            start, stop = token(text, stop)
        if mode == 3:
            base, good = hexadecimal(text, start, stop)
        elif i:
            step, good = decimal(text, start, stop)
            if good:
                base, good = moved(base, step)
        if not good:
            refuse(state, 12 if mode == 3 else 13, start, stop)
            return 0
        if not fits(base, np.uint64(width)):
            refuse(state, 15, start, stop)
            return 0
        put(room, state, base, np.uint64(width), not reads, state[TICK])
    if reads and writes:
        for i in range(begun, begun + number):
            put(room, state, room.base[i], np.uint64(width), True, state[TICK])
    return 0


@inner
def _moves(text: np.ndarray, start: Whole, stop: Whole) -> tuple[Truth, Truth]:
    """Return whether a tensor memory instruction reads global memory, and whether it writes it.

    UTMASTG and UBLKCP from shared (S) to global (G), named destination first, write; UTMAREDG and UBLKRED do both.
    """
    if begins(text, start, stop, _TENSOR):
        kind = text[start + 4] if start + 4 < stop else 0
        return kind != 83, kind in (83, 82)  # S, R
    kind = text[start + 4] if start + 4 < stop else 0
    if kind == 82:
        return True, True
    outward = kind == 67 and start + 9 < stop and text[start + 7] == 71 and text[start + 9] == 83  # UBLKCP.G.S
    return not outward, outward


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
            refuse(state, 5, start, stop)
            return 0
        start, stop = token(text, stop)
    pc, good = hexadecimal(text, start, stop)
    if not good:
        refuse(state, 6, start, stop)
        return 0
    start, stop = token(text, stop)
    mask, good = hexadecimal(text, start, stop)
    if not good or mask >> np.uint64(32) != 0:
        refuse(state, 7, start, stop)
        return 0
    stop = _registers(text, stop, state)
    first, last = token(text, stop)
    if last == first and not state[FAULT]:
        refuse(state, 9, first, last)
    before, state[ACTIVE] = state[ACTIVE], 0
    tensor = begins(text, first, last, _TENSOR) or begins(text, first, last, _BULK)
    reads, writes = _moves(text, first, last) if tensor else classify(text, first, last)
    if state[FAULT] or mask == 0 or not (reads or writes):
        return 0
    stop = _registers(text, last, state)
    start, stop = token(text, stop)
    width, good = decimal(text, start, stop)
    if not state[FAULT] and (not good or width < 0 or width >> 31 != 0):
        refuse(state, 10, start, stop)
    if state[FAULT] or width == 0:
        return 0
    if tensor:
        return _tensor(text, stop, width, reads, writes, room, state)
    lanes = _lanes(text, stop, mask, addresses, state)
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
        refuse(state, 15, first, last)
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
