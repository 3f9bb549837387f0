"""The addresses of a warp's instruction, as the lines of a .traceg list them: lanes', and tensor memory accesses'.

Modes of lanes' addresses: 0 lists one a lane; 1 is a base and a stride from lane to lane; 2 a base and the step from
each active lane to the next (one a lane but the first: a further one, which a reader of 2022 asks for, is left
unread). Tensor memory accesses (UTMALDG and the like, UBLKCP) have lists of their own: 3 all addresses, 4 a base and
steps, each of mem_width bytes; newer tracers put a barrier, a multicast mask and two numbers of bytes before them.

Source: gpu-simulator/trace-parser/trace_parser.cc of Accel-Sim.
"""

import numpy as np

from traces.formats.coalesce import put
from traces.formats.compiled import Truth, Whole, inner
from traces.formats.room import Room
from traces.formats.scan import COUNT, begins, decimal, fits, hexadecimal, moved, refuse, token
from traces.formats.warp_state import ADDRESS, BEYOND, COUNTED, FIELD, GAPS, MODE, STEP, TICK

_TENSOR, _BULK = (np.frombuffer(word, np.uint8) for word in (b"UTMA", b"UBLK"))


@inner
def lanes_of(text: np.ndarray, at: Whole, mask: np.uint64, addresses: np.ndarray, state: np.ndarray) -> Whole:
    """Put the active lanes' addresses into `addresses`; return how many there are."""
    start, stop = token(text, at)
    mode = np.int64(text[start]) - 48
    if stop - start != 1 or mode < 0 or mode > 2:
        refuse(state, MODE, start, stop)
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
                refuse(state, ADDRESS, start, stop)
                return 0
            if lane or mode != 1:
                continue
        if mode == 2 or lane == 0:
            start, stop = token(text, stop)
            step, good = decimal(text, start, stop)
            if not good:
                refuse(state, STEP, start, stop)
                return 0
        if lane:
            addresses[lane], good = moved(addresses[lane - 1], step)
            if not good:
                refuse(state, BEYOND, start, stop)
                return 0
    while mode == 1 and mask & np.uint64(1) == 0:
        mask >>= np.uint64(1)
    if mode == 1 and mask & (mask + np.uint64(1)) != 0:
        refuse(state, GAPS, start, stop)
        return 0
    return active


@inner
def tensor_access(
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
            refuse(state, FIELD, start, stop)
            return 0
        start, stop = token(text, stop)
    mode = np.int64(text[start]) - 48
    if stop - start != 1 or mode not in (3, 4):
        refuse(state, MODE, start, stop)
        return 0
    base, good = np.uint64(0), True
    if mode == 4:
        start, stop = token(text, stop)
        base, good = hexadecimal(text, start, stop)
        if not good:
            refuse(state, ADDRESS, start, stop)
            return 0
    start, stop = token(text, stop)
    number, good = decimal(text, start, stop)
    if not good or number < 0 or 2 * number > len(room.base):
        refuse(state, COUNTED, start, stop)
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
            refuse(state, ADDRESS if mode == 3 else STEP, start, stop)
            return 0
        if not fits(base, np.uint64(width)):
            refuse(state, BEYOND, start, stop)
            return 0
        put(room, state, base, np.uint64(width), not reads, state[TICK])
    if reads and writes:
        for i in range(begun, begun + number):
            put(room, state, room.base[i], np.uint64(width), True, state[TICK])
    return 0


@inner
def tensor_moves(text: np.ndarray, start: Whole, stop: Whole) -> tuple[Truth, Truth]:
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
def is_tensor(text: np.ndarray, start: Whole, stop: Whole) -> Truth:
    """Return whether an opcode is of a tensor memory access."""
    return begins(text, start, stop, _TENSOR) or begins(text, start, stop, _BULK)
