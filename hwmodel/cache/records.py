"""From addresses and intervals to records (visits to lines, see hwmodel.cache.lru), block by block, and on to caches.

A block of records is made once and applied to every cache of the same line size; it stays in this machine's first
caches meanwhile. Neighbouring accesses to one line of one kind are one record: the later ones cannot change the order
of use, so no count changes.
"""

from typing import NamedTuple

import numba as nb
import numpy as np

from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.config import SECTOR_BYTES
from hwmodel.cache.index import locate, locate_wide
from hwmodel.cache.lru import tally, visit, visit_wide

BLOCK = 2048  # records; with where they fall and what they find 48 KiB
SETS, WAYS, SLOTS_A_SET, START, HASHED, SECTORED, WIDE, SHAPE = range(8)
TOP = 1 << 62  # addresses of intervals stay below, so that no sum overflows
_SECTOR_BITS = SECTOR_BYTES.bit_length() - 1
_ZERO, _ONE, _TWO = np.uint32(0), np.uint32(1), np.uint32(2)
_WRITE = np.uint32(0xFF << 24)
_EACH = np.uint32(0x010001)  # times a sector's bit: in valid and in mask
_ZERO_LONG, _UNIT, _BEFORE = np.uint64(0), np.uint64(1), np.uint64(2**64 - 1)


class Block(NamedTuple):
    """Room for a block of records, and for where they fall and what they find in the cache at hand."""

    line: np.ndarray  # uint64
    what: np.ndarray  # uint32
    places: np.ndarray  # uint32
    seen: np.ndarray  # uint32
    wanted: np.ndarray  # uint32, slots of a packed cache
    tags: np.ndarray  # uint64, tags of a wide cache

    @classmethod
    def empty(cls) -> "Block":
        kinds = (np.uint64, np.uint32, np.uint32, np.uint32, np.uint32, np.uint64)
        return cls(*(np.empty(BLOCK, kind) for kind in kinds))


class Caches(NamedTuple):
    """The state and the counts of several caches, those of one layout one after another in the same arrays."""

    shape: np.ndarray  # int64, a row a cache: number of sets, ways, slots a set, first slot, hashed?, sectored?, wide?
    packed: np.ndarray  # uint32, a slot each of the packed caches
    tags: np.ndarray  # uint64, a slot each of the wide caches
    bits: np.ndarray  # uint16, a slot each of the wide caches
    misses: np.ndarray  # uint64 (cache, kernel, counter of hwmodel.cache.lru)


@kernel
def _apply(block: Block, count: Whole, members: np.ndarray, caches: Caches, row: Whole) -> None:
    """Apply a block's records to the caches numbered `members`, counting in row `row`."""
    line, what, places, seen = block.line, block.what, block.places, block.seen
    for cache in members:
        shape = caches.shape[cache]
        sets, ways, hashed = shape[SETS], shape[WAYS], shape[HASHED] != 0
        slots = slice(shape[START], shape[START] + sets * shape[SLOTS_A_SET])
        if shape[WIDE]:
            locate_wide(line, count, sets, hashed, places, block.tags)
            visit_wide(places, block.tags, what, count, ways, caches.tags[slots], caches.bits[slots], seen)
        else:
            locate(line, what, count, sets, hashed, places, block.wanted)
            visit(places, block.wanted, count, ways, caches.packed[slots], seen)
        tally(seen, what, count, shape[SECTORED] != 0, 8 if shape[WIDE] else 4, caches.misses[cache, row])


@kernel
def feed_addresses(
    address: np.ndarray,
    is_write: np.ndarray,
    line_bits: int,
    joined: bool,
    members: np.ndarray,
    block: Block,
    caches: Caches,
    accesses: np.ndarray,
) -> None:
    """Apply sector accesses, given as byte addresses (uint64) and kinds (bool), to the caches `members`.

    `joined`: make one record of reads and writes next to each other; right for caches that fill whole lines, where
    only the first of them can miss. `accesses`, uint64 (1, 2), grows by the number of reads and of writes.
    """
    low, sector = np.uint64(line_bits), np.uint64(_SECTOR_BITS)
    within = np.uint64((1 << (line_bits - _SECTOR_BITS)) - 1)
    kinds = _ZERO_LONG if joined else _UNIT
    for begin in range(0, address.size, BLOCK):
        end = min(begin + BLOCK, address.size)
        last, now = _BEFORE, _BEFORE  # no line has this number, so that the first access opens record 0
        what, kind = _ZERO, _ZERO
        writes = 0
        for i in range(begin, end):
            write = np.uint32(is_write[i])
            line = address[i] >> low
            place = (line << _UNIT) | (np.uint64(write) & kinds)
            unit = _ONE << np.uint32((address[i] >> sector) & within)
            does = unit * (_EACH + (write << np.uint32(8)))
            opens = place != now
            last += np.uint64(opens)
            what = does if opens else what | does
            kind = write if opens else kind  # of a record's first access, the only one that may miss where joined
            now = place
            writes += np.intp(write)
            block.line[last] = line
            block.what[last] = what | (kind * _WRITE)
        _apply(block, np.int64(last + _UNIT), members, caches, 0)
        accesses[0, 0] += np.uint64(end - begin - writes)
        accesses[0, 1] += np.uint64(writes)


@nb.njit(inline="always")
def _what(first: Whole, last: Whole, write: bool) -> np.uint32:
    """Return a record's sectors for the bytes `first` to `last` of a line."""
    mask = (_TWO << np.uint32(last >> _SECTOR_BITS)) - (_ONE << np.uint32(first >> _SECTOR_BITS))
    if not write:
        return mask | (mask << np.uint32(16))
    begin, end = (first + SECTOR_BYTES - 1) >> _SECTOR_BITS, (last + 1) >> _SECTOR_BITS
    whole = (_ONE << np.uint32(end)) - (_ONE << np.uint32(begin)) if end > begin else _ZERO
    return whole | (mask << np.uint32(8)) | (mask << np.uint32(16)) | _WRITE


@nb.njit(inline="always")
def _append(block: Block, count: Whole, line: Whole, what: np.uint32) -> Whole:
    """Append a record, or join it to the one before; return how many there are."""
    here, place = np.uint64(line), np.uint64(count)  # unsigned: an index that cannot count from the end
    before = place - _UNIT
    if count > 0 and block.line[before] == here and ((block.what[before] ^ what) & _WRITE) == _ZERO:
        block.what[before] |= what
        return count
    block.line[place] = here
    block.what[place] = what
    return count + 1


@nb.njit(inline="always")
def _fill(block: Block, count: Whole, begin: Whole, step: Whole, room: Whole, what: np.uint32) -> None:
    """Write records of `room` lines, `step` apart; in slices, which LLVM knows not to be indexed from their end."""
    lines, whats = block.line[count : count + room], block.what[count : count + room]
    for i in range(room):
        lines[i] = np.uint64(begin + i * step)
        whats[i] = what


@kernel
def _append_lines(
    block: Block,
    count: Whole,
    begin: Whole,
    step: Whole,
    times: Whole,
    what: np.uint32,
    members: np.ndarray,
    caches: Caches,
    row: Whole,
) -> Whole:
    """Append `times` lines, `step` apart, applying the block each time it is full; return how many records it holds."""
    while times > 0:
        if count == BLOCK:
            _apply(block, count, members, caches, row)
            count = 0
        room = min(times, BLOCK - count)
        _fill(block, count, begin, step, room, what)
        begin += room * step
        times -= room
        count += room
    return count


@kernel
def _append_rows(
    block: Block,
    count: Whole,
    start: Whole,
    step: Whole,
    times: Whole,
    length: Whole,
    write: bool,
    line_bits: int,
    members: np.ndarray,
    caches: Caches,
    row: Whole,
) -> tuple[Whole, Whole]:
    """Append rows of at most a line, a line or more apart; return how many records the block holds, and the accesses.

    Each row writes two records and keeps one or both: whether a row crosses into a second line is hard to predict.
    """
    within = (1 << line_bits) - 1
    sectors = 0
    for _ in range(times):
        if count >= BLOCK - 2:
            _apply(block, count, members, caches, row)
            count = 0
        first = start & within
        last = first + length - 1
        crosses = last > within
        sectors += (last >> _SECTOR_BITS) - (first >> _SECTOR_BITS) + 1
        place, line = np.uint64(count), np.uint64(start >> line_bits)
        block.line[place] = line
        block.what[place] = _what(first, min(last, within), write)
        block.line[place + _UNIT] = line + _UNIT
        block.what[place + _UNIT] = _what(0, last & within, write)
        count += 2 if crosses else 1
        start += step
    return count, sectors


@kernel
def _append_any(
    block: Block,
    count: Whole,
    start: Whole,
    step: Whole,
    times: Whole,
    length: Whole,
    write: bool,
    line_bits: int,
    members: np.ndarray,
    caches: Caches,
    row: Whole,
) -> tuple[Whole, Whole]:
    """Append rows of any kind; return how many records the block holds, and the accesses."""
    within = (1 << line_bits) - 1
    full = _what(0, within, write)
    sectors = 0
    for _ in range(times):
        end = start + length - 1
        sectors += (end >> _SECTOR_BITS) - (start >> _SECTOR_BITS) + 1
        first, last = start >> line_bits, end >> line_bits
        if count >= BLOCK - 2:
            _apply(block, count, members, caches, row)
            count = 0
        if first == last:
            count = _append(block, count, first, _what(start & within, end & within, write))
        else:
            count = _append(block, count, first, _what(start & within, within, write))
            count = _append_lines(block, count, first + 1, 1, last - first - 1, full, members, caches, row)
            if count == BLOCK:
                _apply(block, count, members, caches, row)
                count = 0
            count = _append(block, count, last, _what(0, end & within, write))
        start += step
    return count, sectors


@kernel
def feed_intervals(
    base: np.ndarray,
    stride: np.ndarray,
    rows: np.ndarray,
    width: np.ndarray,
    write: np.ndarray,
    kernels: np.ndarray,
    line_bits: int,
    members: np.ndarray,
    block: Block,
    caches: Caches,
    accesses: np.ndarray,
) -> None:
    """Apply intervals (see traces.stream) to the caches `members`; `kernels` are rows of the counts.

    `accesses`, uint64 (kernels, 2), grows by the number of reads and of writes.
    """
    within = (1 << line_bits) - 1
    count, now = 0, np.int64(0)
    for i in range(base.size):
        if kernels[i] != now:
            _apply(block, count, members, caches, now)
            count, now = 0, np.int64(kernels[i])
        start, step, times, length = np.int64(base[i]), stride[i], np.int64(rows[i]), np.int64(width[i])
        if step == length and ((start | length) & (SECTOR_BYTES - 1)) == 0:  # rows without gaps are one row
            length *= times
            times = 1
        kind = bool(write[i])
        if (times == 1 or step & within == 0) and (start & within) + length <= within + 1:  # one line a row, all alike
            what = _what(start & within, (start & within) + length - 1, kind)
            first = start >> line_bits
            if times == 1:
                if count == BLOCK:
                    _apply(block, count, members, caches, now)
                    count = 0
                count = _append(block, count, first, what)
            elif times <= BLOCK - count:
                _fill(block, count, first, step >> line_bits, times, what)
                count += times
            else:
                count = _append_lines(block, count, first, step >> line_bits, times, what, members, caches, now)
            sectors = times * (((start + length - 1) >> _SECTOR_BITS) - (start >> _SECTOR_BITS) + 1)
            accesses[now, 1 if kind else 0] += np.uint64(sectors)
            continue
        if length <= within + 1 and abs(step) > within:
            count, sectors = _append_rows(
                block, count, start, step, times, length, kind, line_bits, members, caches, now
            )
        else:
            count, sectors = _append_any(
                block, count, start, step, times, length, kind, line_bits, members, caches, now
            )
        accesses[now, 1 if kind else 0] += np.uint64(sectors)
    _apply(block, count, members, caches, now)


@kernel
def survey(base: np.ndarray, stride: np.ndarray, rows: np.ndarray, width: np.ndarray) -> tuple[Whole, Whole, float]:
    """Return (place of the first interval that cannot be, or -1; highest byte address; sector accesses, about)."""
    highest, sectors = np.int64(0), 0.0
    for i in range(base.size):
        reach = (np.float64(rows[i]) - 1.0) * np.float64(stride[i])
        if rows[i] == 0 or width[i] == 0 or base[i] >= TOP or abs(reach) >= TOP:
            return i, 0, 0.0
        steps = (np.int64(rows[i]) - 1) * stride[i]
        first = np.int64(base[i])
        end = first + max(steps, 0) + np.int64(width[i])
        if first + min(steps, 0) < 0 or end >= TOP:
            return i, 0, 0.0
        highest = max(highest, end - 1)
        sectors += np.float64(rows[i]) * (np.float64(width[i]) / SECTOR_BYTES + 1.0)
    return -1, highest, sectors
