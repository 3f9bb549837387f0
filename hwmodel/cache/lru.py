"""Records against one cache's state: exact LRU by moving each touched line to the front of its set.

A record is a visit to one line: its number (uint64) and what happens there (uint32, four bytes from the lowest):

    valid   sectors that are whole in the cache afterwards: those read, and those written over their whole length
    dirty   sectors written
    mask    sectors visited
    write   255 for a write, 0 for a read

A set's slots lie in order of use, the latest first, in one of two layouts:

    packed  a uint32 a slot: tag (three bytes), dirty (four bits), valid (four bits); a set is one 64 B line of this
            machine. For up to 16 ways, lines up to 128 B, and addresses up to 2**24 times capacity / ways.
    wide    a uint64 a tag, and beside it in a uint16 dirty (high byte) and valid (low byte); for everything else.

A slot whose tag is 0 is empty.
"""

import numpy as np

from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.config import SLOTS
from hwmodel.cache.vectors import lowest, match, ones, push, serve, turns

READ_MISSES, WRITE_MISSES, WRITEBACKS, WRITEBACK_SECTORS, COUNTERS = range(5)

_BYTE = np.uint32(0xFF)
_ZERO, _ONE = np.uint32(0), np.uint32(1)
_HALF = np.uint32(0xFFFF)
_TURNS = np.stack([turns(max(ways, 1)) for ways in range(SLOTS + 1)])
_FREE, _SAME = np.uint32(1 << 8), np.uint64(1)
_HIT = np.uint32(1 << 16)
_ALL = np.uint32((1 << SLOTS) - 1)


@kernel
def visit(places: np.ndarray, wanted: np.ndarray, count: Whole, ways: int, slots: np.ndarray, seen: np.ndarray) -> None:
    """Apply `count` records to a packed cache.

    `seen`, uint32, says what each found: the sector bits of the slot it took, and bit 16 where its line was there.
    """
    last, orders = np.uint32(1 << (ways - 1)), _TURNS[ways]
    for i in range(count):
        # On a miss the least recently used slot is the one taken.
        seen[i] = serve(slots, np.intp(places[i]) * SLOTS, wanted[i], last, orders)
    for i in range(count):  # apart from the loop above, so that LLVM vectorises it
        seen[i] = (seen[i] & _BYTE) | (_HIT if (seen[i] ^ wanted[i]) < _FREE else _ZERO)


@kernel
def visit_wide(
    places: np.ndarray,
    quotients: np.ndarray,
    what: np.ndarray,
    count: Whole,
    ways: int,
    tags: np.ndarray,
    bits: np.ndarray,
    seen: np.ndarray,
) -> None:
    """Do as `visit` does for a wide cache of any number of ways, sixteen slots after sixteen."""
    groups = (ways + SLOTS - 1) // SLOTS
    last = np.uint32(1 << ((ways - 1) % SLOTS))
    for i in range(count):
        first = np.intp(places[i]) * SLOTS * groups
        end = first + (groups - 1) * SLOTS
        start = first
        wanted = quotients[i] + _SAME
        found = match(tags, start, wanted, _SAME)
        while found == _ZERO and start < end:
            start += SLOTS
            found = match(tags, start, wanted, _SAME)
        hit = found != _ZERO
        ends = found if hit else last
        old = np.uint32(bits[start + np.intp(lowest(ends))])
        seen[i] = old | (_HIT if hit else _ZERO)
        tag, state = wanted, np.uint16(((old if hit else _ZERO) | what[i]) & _HALF)
        for before in range(first, start, SLOTS):
            next_tag, next_state = tags[before + SLOTS - 1], bits[before + SLOTS - 1]
            push(tags, before, tag, _ALL)
            push(bits, before, state, _ALL)
            tag, state = next_tag, next_state
        moved = ends ^ (ends - _ONE)
        push(tags, start, tag, moved)
        push(bits, start, state, moved)


@kernel
def tally(
    seen: np.ndarray, what: np.ndarray, count: Whole, sectored: bool, dirty_at: int, counters: np.ndarray
) -> None:
    """Add to `counters` what `count` records caused, from what they found; a plain loop, so that LLVM vectorises it.

    `dirty_at` is the lowest bit of a slot's dirty bits: 4 where packed, 8 where wide.
    """
    above = np.uint32(dirty_at)
    low = np.uint32((1 << dirty_at) - 1)
    misses = write_misses = writebacks = writeback_sectors = _ZERO  # a block's records are too few to overflow
    for i in range(count):
        hit = (seen[i] & _HIT) != _ZERO
        valid, dirty = seen[i] & low, (seen[i] >> above) & low
        gone = _ZERO if hit else dirty
        writes = what[i] >> np.uint32(24)
        if sectored:  # each access of a sector that is not there misses; a sector written is there for a write
            present = valid | (dirty & writes) if hit else _ZERO
            missed = ones((what[i] >> np.uint32(16)) & _BYTE & ~present)
        else:  # a record's first access brings the whole line
            missed = _ZERO if hit else _ONE
        misses = np.uint32(misses + missed)
        write_misses = np.uint32(write_misses + (missed & writes))
        writebacks = np.uint32(writebacks + (_ZERO if gone == _ZERO else _ONE))
        writeback_sectors = np.uint32(writeback_sectors + ones(gone))
    counters[READ_MISSES] += np.uint64(misses - write_misses)
    counters[WRITE_MISSES] += np.uint64(write_misses)
    counters[WRITEBACKS] += np.uint64(writebacks)
    counters[WRITEBACK_SECTORS] += np.uint64(writeback_sectors)
