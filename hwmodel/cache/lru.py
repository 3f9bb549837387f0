"""Records against one cache's state: exact LRU by moving each touched line to the front of its set.

A record is a visit to one line: its number (uint64) and what happens there (uint32, four bytes from the lowest):

    valid   sectors that are whole in the cache afterwards: those read, and those written over their whole length
    dirty   sectors written
    mask    sectors visited
    write   255 for a write, 0 for a read

State of a set: `slots` tags in order of use, the latest first, 0 where empty; and beside each, in a uint16, the valid
(low byte) and dirty (high byte) bits of its sectors. A set's sixteen 4-byte tags are one 64 B line of this machine.
"""

import numba as nb
import numpy as np

from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.config import SLOTS
from hwmodel.cache.vectors import lowest, match, ones, push

READ_MISSES, WRITE_MISSES, WRITEBACKS, WRITEBACK_SECTORS, COUNTERS = range(5)

_BYTE = np.uint32(0xFF)
_ZERO, _ONE, _EIGHT = np.uint32(0), np.uint32(1), np.uint32(8)
_HALF = np.uint32(0xFFFF)
_ALL = np.uint32((1 << SLOTS) - 1)


@nb.njit(inline="always")
def _missed(kept: np.uint32, what: np.uint32, hit: bool, sectored: bool) -> np.uint32:
    """Return how many of a record's accesses miss: the sectors absent, or, for whole lines, the first access."""
    if not sectored:
        return _ZERO if hit else _ONE
    present = kept | ((kept >> _EIGHT) & (what >> np.uint32(24)))
    return ones((what >> np.uint32(16)) & _BYTE & ~present)


@kernel
def visit_one_group(
    places: np.ndarray,
    wanted: np.ndarray,
    what: np.ndarray,
    count: Whole,
    ways: int,
    sectored: bool,
    tags: np.ndarray,
    bits: np.ndarray,
    counters: np.ndarray,
) -> None:
    """Apply `count` records to a cache of at most 16 ways; add to `counters` what they caused."""
    last = np.uint32(1 << (ways - 1))
    misses = write_misses = writebacks = writeback_sectors = np.uint64(0)
    for i in range(count):
        start = np.intp(places[i]) * SLOTS
        does = what[i]
        found = match(tags, start, wanted[i])
        hit = found != _ZERO
        # On a miss the least recently used slot is the one taken; it is also where a search that fails ends.
        ends = found | last
        old = np.uint32(bits[start + np.intp(lowest(ends))])
        kept = old if hit else _ZERO
        gone = (old ^ kept) >> _EIGHT
        writebacks += _ZERO if gone == _ZERO else _ONE
        writeback_sectors += ones(gone)
        missed = _missed(kept, does, hit, sectored)
        misses += missed
        write_misses += missed & (does >> np.uint32(24))
        places_moved = ends ^ (ends - _ONE)
        push(tags, start, wanted[i], places_moved)
        push(bits, start, np.uint16((kept | does) & _HALF), places_moved)
    counters[READ_MISSES] += misses - write_misses
    counters[WRITE_MISSES] += write_misses
    counters[WRITEBACKS] += writebacks
    counters[WRITEBACK_SECTORS] += writeback_sectors


@kernel
def visit_groups(
    places: np.ndarray,
    wanted: np.ndarray,
    what: np.ndarray,
    count: Whole,
    ways: int,
    sectored: bool,
    tags: np.ndarray,
    bits: np.ndarray,
    counters: np.ndarray,
) -> None:
    """Do as `visit_one_group` does, for any number of ways: sixteen slots after sixteen."""
    groups = (ways + SLOTS - 1) // SLOTS
    last = np.uint32(1 << ((ways - 1) % SLOTS))
    misses = write_misses = writebacks = writeback_sectors = np.uint64(0)
    for i in range(count):
        first = np.intp(places[i]) * SLOTS * groups
        end = first + (groups - 1) * SLOTS
        does = what[i]
        start = first
        found = match(tags, start, wanted[i])
        while found == _ZERO and start < end:
            start += SLOTS
            found = match(tags, start, wanted[i])
        hit = found != _ZERO
        ends = found if hit else last
        old = np.uint32(bits[start + np.intp(lowest(ends))])
        kept = old if hit else _ZERO
        gone = (old ^ kept) >> _EIGHT
        writebacks += _ZERO if gone == _ZERO else _ONE
        writeback_sectors += ones(gone)
        missed = _missed(kept, does, hit, sectored)
        misses += missed
        write_misses += missed & (does >> np.uint32(24))
        tag, state = wanted[i], np.uint16((kept | does) & _HALF)
        for before in range(first, start, SLOTS):
            next_tag, next_state = tags[before + SLOTS - 1], bits[before + SLOTS - 1]
            push(tags, before, tag, _ALL)
            push(bits, before, state, _ALL)
            tag, state = next_tag, next_state
        places_moved = ends ^ (ends - _ONE)
        push(tags, start, tag, places_moved)
        push(bits, start, state, places_moved)
    counters[READ_MISSES] += misses - write_misses
    counters[WRITE_MISSES] += write_misses
    counters[WRITEBACKS] += writebacks
    counters[WRITEBACK_SECTORS] += writeback_sectors
