"""From addresses and intervals to records (visits to lines, see hwmodel.cache.lru), block by block, and on to caches.

A block of records is made once and applied to every cache of the same line size; it stays in this machine's first
caches meanwhile. Neighbouring accesses to one line of one kind are one record: the later ones cannot change the order
of use, so no count changes.
"""

from typing import NamedTuple

import numba as nb
import numpy as np

from hwmodel.cache.config import SECTOR_BYTES, SLOTS
from hwmodel.cache.index import locate
from hwmodel.cache.lru import visit_groups, visit_one_group

BLOCK = 2048  # records; with their places and tags 40 KiB
SETS, WAYS, SLOTS_A_SET, START, HASHED, SECTORED, SHAPE = range(7)
_SECTOR_BITS = SECTOR_BYTES.bit_length() - 1
_ZERO, _ONE, _TWO = np.uint32(0), np.uint32(1), np.uint32(2)
_WRITE = np.uint32(0xFF << 24)


class Block(NamedTuple):
    """Room for a block of records, and for where they fall in the cache at hand."""

    line: np.ndarray  # uint64
    what: np.ndarray  # uint32
    places: np.ndarray  # uint32
    wanted: np.ndarray  # tags, of the state's type

    @classmethod
    def empty(cls, tag: type[np.generic]) -> "Block":
        return cls(*(np.empty(BLOCK, kind) for kind in (np.uint64, np.uint32, np.uint32, tag)))


class Caches(NamedTuple):
    """The state and the counts of several caches, one after another in the same arrays."""

    shape: np.ndarray  # int64, a row a cache: number of sets, ways, slots a set, first slot, hashed?, sectored?
    tags: np.ndarray  # uint32, or uint64 where addresses need it; a slot each
    bits: np.ndarray  # uint16, a slot each
    misses: np.ndarray  # uint64 (cache, kernel, counter of hwmodel.cache.lru)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _apply(block: Block, count: int, members: np.ndarray, caches: Caches, kernel: int | np.int64) -> None:
    """Apply a block's records to the caches numbered `members`."""
    for cache in members:
        shape = caches.shape[cache]
        slots = slice(shape[START], shape[START] + shape[SETS] * shape[SLOTS_A_SET])
        tags, bits, counters = caches.tags[slots], caches.bits[slots], caches.misses[cache, kernel]
        locate(block.line, count, shape[SETS], shape[HASHED] != 0, block.places, block.wanted)
        ways, sectored = shape[WAYS], shape[SECTORED] != 0
        if ways <= SLOTS:
            visit_one_group(block.places, block.wanted, block.what, count, ways, sectored, tags, bits, counters)
        else:
            visit_groups(block.places, block.wanted, block.what, count, ways, sectored, tags, bits, counters)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def feed_addresses(
    address: np.ndarray,
    write: np.ndarray,
    line_bits: int,
    members: np.ndarray,
    block: Block,
    caches: Caches,
    accesses: np.ndarray,
) -> None:
    """Apply sector accesses, given as byte addresses (uint64) and kinds (bool), to the caches `members`.

    `accesses`, uint64 (1, 2), grows by the number of reads and of writes.
    """
    low = np.uint64(line_bits)
    sector, within = np.uint64(_SECTOR_BITS), np.uint64((1 << (line_bits - _SECTOR_BITS)) - 1)
    for begin in range(0, address.size, BLOCK):
        end = min(begin + BLOCK, address.size)
        last = -1
        line, what = np.uint64(0), _ZERO
        writes = 0
        for i in range(begin, end):
            one = _ONE << np.uint32((address[i] >> sector) & within)
            kind = _WRITE if write[i] else _ZERO
            writes += write[i]
            does = kind | (one << np.uint32(16)) | ((one << np.uint32(8)) & (kind >> np.uint32(16))) | one
            here = address[i] >> low
            same = last >= 0 and here == line and ((what ^ does) & _WRITE) == _ZERO
            last += not same
            what = what | does if same else does
            line = here
            block.line[last] = line
            block.what[last] = what
        _apply(block, last + 1, members, caches, 0)
        accesses[0, 0] += np.uint64(end - begin - writes)
        accesses[0, 1] += np.uint64(writes)


@nb.njit(cache=True, inline="always")
def _what(first: int, last: int, write: bool) -> np.uint32:
    """Return a record's sectors for the bytes `first` to `last` of a line."""
    mask = (_TWO << np.uint32(last >> _SECTOR_BITS)) - (_ONE << np.uint32(first >> _SECTOR_BITS))
    if not write:
        return mask | (mask << np.uint32(16))
    begin, end = (first + SECTOR_BYTES - 1) >> _SECTOR_BITS, (last + 1) >> _SECTOR_BITS
    whole = (_ONE << np.uint32(end)) - (_ONE << np.uint32(begin)) if end > begin else _ZERO
    return whole | (mask << np.uint32(8)) | (mask << np.uint32(16)) | _WRITE


@nb.njit(cache=True, inline="always")
def _append(block: Block, count: int, line: int, what: np.uint32) -> int:
    """Append a record, or join it to the one before; return how many there are."""
    place = np.uint64(line)
    if count > 0 and block.line[count - 1] == place and ((block.what[count - 1] ^ what) & _WRITE) == _ZERO:
        block.what[count - 1] |= what
        return count
    block.line[count] = place
    block.what[count] = what
    return count + 1


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _append_lines(
    block: Block,
    count: int,
    begin: int,
    end: int,
    what: np.uint32,
    members: np.ndarray,
    caches: Caches,
    kernel: int | np.int64,
) -> int:
    """Append whole lines `begin` to `end - 1`, applying the block each time it is full; return how many are left."""
    while begin < end:
        if count == BLOCK:
            _apply(block, count, members, caches, kernel)
            count = 0
        room = min(end - begin, BLOCK - count)
        for i in range(room):
            block.line[count + i] = np.uint64(begin + i)
            block.what[count + i] = what
        begin += room
        count += room
    return count


@nb.njit(cache=True, nogil=True, error_model="numpy")
def feed_intervals(
    base: np.ndarray,
    stride: np.ndarray,
    rows: np.ndarray,
    width: np.ndarray,
    write: np.ndarray,
    kernel: np.ndarray,
    line_bits: int,
    members: np.ndarray,
    block: Block,
    caches: Caches,
    accesses: np.ndarray,
) -> None:
    """Apply intervals (see traces.stream) to the caches `members`; `kernel` is a row of the counts.

    `accesses`, uint64 (kernels, 2), grows by the number of reads and of writes.
    """
    within = (1 << line_bits) - 1
    count, now = 0, 0
    for i in range(base.size):
        if kernel[i] != now:
            _apply(block, count, members, caches, now)
            count, now = 0, np.int64(kernel[i])
        start, step, times, length = np.int64(base[i]), stride[i], np.int64(rows[i]), np.int64(width[i])
        if step == length and ((start | length) & (SECTOR_BYTES - 1)) == 0:  # rows without gaps are one row
            length *= times
            times = 1
        kind = bool(write[i])
        full = _what(0, within, kind)
        sectors = 0
        for _ in range(times):
            end = start + length - 1
            sectors += (end >> _SECTOR_BITS) - (start >> _SECTOR_BITS) + 1
            first, last = start >> line_bits, end >> line_bits
            if count >= BLOCK - 2:
                _apply(block, count, members, caches, now)
                count = 0
            if first == last:
                count = _append(block, count, first, _what(start & within, end & within, kind))
            else:
                count = _append(block, count, first, _what(start & within, within, kind))
                count = _append_lines(block, count, first + 1, last, full, members, caches, now)
                if count == BLOCK:
                    _apply(block, count, members, caches, now)
                    count = 0
                count = _append(block, count, last, _what(0, end & within, kind))
            start += step
        accesses[now, 1 if kind else 0] += np.uint64(sectors)
    _apply(block, count, members, caches, now)
