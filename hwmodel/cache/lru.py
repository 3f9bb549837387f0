"""Records against one cache's state: exact LRU by moving each touched line to the front of its set.

A record is a visit to one line: its number (uint64) and what happens there (uint32, four bytes from the lowest):

    valid   sectors that are whole in the cache afterwards: those read, and those written over their whole length
    dirty   sectors written
    mask    sectors visited
    write   255 for a write, 0 for a read

State of a set: `slots` tags in order of use, the latest first, 0 where empty; and beside each, in a uint16, the valid
(low byte) and dirty (high byte) bits of its sectors. A set's sixteen 4-byte tags are one 64 B line of this machine.
"""

import numpy as np

from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.config import SLOTS
from hwmodel.cache.vectors import lowest, match, ones, push

READ_MISSES, WRITE_MISSES, WRITEBACKS, WRITEBACK_SECTORS, COUNTERS = range(5)

_BYTE = np.uint32(0xFF)
_ZERO, _ONE, _EIGHT = np.uint32(0), np.uint32(1), np.uint32(8)
_HALF = np.uint32(0xFFFF)
_HIT = np.uint32(1 << 16)
_ALL = np.uint32((1 << SLOTS) - 1)


@kernel
def visit_one_group(
    places: np.ndarray,
    wanted: np.ndarray,
    what: np.ndarray,
    count: Whole,
    ways: int,
    tags: np.ndarray,
    bits: np.ndarray,
    seen: np.ndarray,
) -> None:
    """Apply `count` records to a cache of at most 16 ways.

    `seen`, uint32, says what each found: the sector bits of the slot it took, and bit 16 where its line was there.
    """
    last = np.uint32(1 << (ways - 1))
    for i in range(count):
        start = np.intp(places[i]) * SLOTS
        found = match(tags, start, wanted[i])
        hit = found != _ZERO
        # On a miss the least recently used slot is the one taken; it is also where a search that fails ends.
        ends = found | last
        old = np.uint32(bits[start + np.intp(lowest(ends))])
        seen[i] = old | (_HIT if hit else _ZERO)
        moved = ends ^ (ends - _ONE)
        push(tags, start, wanted[i], moved)
        push(bits, start, np.uint16(((old if hit else _ZERO) | what[i]) & _HALF), moved)


@kernel
def visit_groups(
    places: np.ndarray,
    wanted: np.ndarray,
    what: np.ndarray,
    count: Whole,
    ways: int,
    tags: np.ndarray,
    bits: np.ndarray,
    seen: np.ndarray,
) -> None:
    """Do as `visit_one_group` does, for any number of ways: sixteen slots after sixteen."""
    groups = (ways + SLOTS - 1) // SLOTS
    last = np.uint32(1 << ((ways - 1) % SLOTS))
    for i in range(count):
        first = np.intp(places[i]) * SLOTS * groups
        end = first + (groups - 1) * SLOTS
        start = first
        found = match(tags, start, wanted[i])
        while found == _ZERO and start < end:
            start += SLOTS
            found = match(tags, start, wanted[i])
        hit = found != _ZERO
        ends = found if hit else last
        old = np.uint32(bits[start + np.intp(lowest(ends))])
        seen[i] = old | (_HIT if hit else _ZERO)
        tag, state = wanted[i], np.uint16(((old if hit else _ZERO) | what[i]) & _HALF)
        for before in range(first, start, SLOTS):
            next_tag, next_state = tags[before + SLOTS - 1], bits[before + SLOTS - 1]
            push(tags, before, tag, _ALL)
            push(bits, before, state, _ALL)
            tag, state = next_tag, next_state
        moved = ends ^ (ends - _ONE)
        push(tags, start, tag, moved)
        push(bits, start, state, moved)


@kernel
def tally(seen: np.ndarray, what: np.ndarray, count: Whole, sectored: bool, counters: np.ndarray) -> None:
    """Add to `counters` what `count` records caused, from what they found; a plain loop, so that LLVM vectorises it."""
    misses = write_misses = writebacks = writeback_sectors = _ZERO  # a block's records are too few to overflow
    for i in range(count):
        hit = (seen[i] & _HIT) != _ZERO
        kept = seen[i] & _HALF if hit else _ZERO
        gone = _ZERO if hit else (seen[i] >> _EIGHT) & _BYTE
        writes = what[i] >> np.uint32(24)
        if sectored:  # each access of a sector that is not there misses; a sector written is there for a write
            present = kept | ((kept >> _EIGHT) & writes)
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
