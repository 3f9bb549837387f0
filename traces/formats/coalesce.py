"""From a warp's addresses to the sectors it asks for: each once an instruction, in the order lanes first touch them.

A read asks for whole sectors. A write covers the bytes its lanes write; where they leave gaps within a sector, only
those up to the first gap count, so that the sector is one written in part, which a cache cannot take for complete.
"""

import numpy as np

from traces.formats.compiled import Truth, Whole, inner
from traces.formats.room import Room
from traces.formats.scan import COUNT, fits

LANES = 32
MOST = 4 * LANES  # accesses of an instruction: two sectors a lane, and an atomic reads and writes them
SECTOR = 32  # bytes
_SECTOR, _BITS, _ONE = np.uint64(SECTOR), np.uint64(5), np.uint64(1)
_FULL = np.uint64(0xFFFFFFFF)


@inner
def touch(sectors: np.ndarray, masks: np.ndarray, count: Whole, base: np.uint64, width: np.uint64) -> Whole:
    """Add a lane's bytes to the sectors touched so far; return how many those are now."""
    last = base + (width - _ONE)
    for sector in range(base >> _BITS, (last >> _BITS) + _ONE):
        sector = np.uint64(sector)
        begin = base - (sector << _BITS) if base >> _BITS == sector else np.uint64(0)
        end = last - (sector << _BITS) + _ONE if last >> _BITS == sector else _SECTOR
        mask = ((_ONE << end) - _ONE) & ~((_ONE << begin) - _ONE)
        place = count - 1  # neighbours mostly share the sector touched last
        while place >= 0 and sectors[place] != sector:
            place -= 1
        if place < 0:
            sectors[count] = sector
            masks[count] = mask
            count += 1
        else:
            masks[place] |= mask
    return count


@inner
def put(room: Room, state: np.ndarray, base: np.uint64, width: np.uint64, write: Truth, tag: Whole) -> None:
    """Add an access."""
    count = state[COUNT]
    room.base[count] = base
    room.width[count] = np.uint32(width)
    room.write[count] = write
    room.tag[count] = np.uint32(tag)
    state[COUNT] = count + 1


@inner
def emit(
    sectors: np.ndarray, masks: np.ndarray, count: Whole, write: Truth, room: Room, state: np.ndarray, tag: Whole
) -> None:
    """Add the sectors touched, neighbours that follow each other as one access."""
    base, width = np.uint64(0), np.uint64(0)
    for place in range(count):
        begin, length = np.uint64(0), _SECTOR
        if write and masks[place] != _FULL:
            mask = masks[place]
            while mask & _ONE == np.uint64(0):
                mask >>= _ONE
                begin += _ONE
            length = np.uint64(0)
            while mask & _ONE != np.uint64(0):
                mask >>= _ONE
                length += _ONE
        start = (sectors[place] << _BITS) + begin
        # Not `start == base + width` alone: past the last sector comes 0.
        if width != np.uint64(0) and begin == np.uint64(0) and start > base and start == base + width:
            width += length
            continue
        if width != np.uint64(0):
            put(room, state, base, width, write, tag)
        base, width = start, length
    if width != np.uint64(0):
        put(room, state, base, width, write, tag)


@inner
def access(
    addresses: np.ndarray, lanes: Whole, width: Whole, reads: Truth, writes: Truth, room: Room, state: np.ndarray,
    tag: Whole, sectors: np.ndarray, masks: np.ndarray,
) -> bool:  # fmt: skip
    """Add what one instruction asks for: reads before writes; return whether all its bytes lie below 2**64."""
    count = 0
    for lane in range(lanes):
        if not fits(addresses[lane], np.uint64(width)):
            return False
        count = touch(sectors, masks, count, addresses[lane], np.uint64(width))
    if reads:
        emit(sectors, masks, count, False, room, state, tag)
    if writes:
        emit(sectors, masks, count, True, room, state, tag)
    return True
