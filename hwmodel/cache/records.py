"""From addresses and intervals to records (visits to lines, see hwmodel.cache.lru), block by block, and on to caches.

A block of records is made once and applied to every cache of the same line size; it stays in this machine's first
caches meanwhile. Neighbouring accesses to one line of one kind are one record: the later ones cannot change the order
of use, so no count changes.

The records of a block are counted in rows, such as one a kernel: `ends` and `rows` of the block say up to which record
each row reaches.
"""

from typing import NamedTuple

import numba as nb
import numpy as np

from hwmodel.cache import words
from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.config import SECTOR_BYTES
from hwmodel.cache.gather import gather
from hwmodel.cache.index import locate, pack, spread
from hwmodel.cache.lru import tally, visit, visit_wide

BLOCK = 2048  # records; with where they fall and what they find 64 KiB
SETS, SLICES, WAYS, START, END, INDEX, SECTORED, WIDE, SHAPE = range(9)
INTERVAL, ROW, LINE, PLACES = range(4)  # where in a batch the next block begins: interval, row of it, line of that
MOST = 1 << 40  # accesses of one interval that are counted for work, so that no sum overflows
PACK = 64  # intervals looked at together where they may be alike
TOP = 1 << 62  # addresses of intervals stay below, so that no sum overflows
_SECTOR_BITS = SECTOR_BYTES.bit_length() - 1
_ZERO, _ONE, _TWO = np.uint32(0), np.uint32(1), np.uint32(2)
_WRITE, _WRITE_UNIT = np.uint32(0xFF << 24), np.uint32(1 << 24)
_WIDTHS = np.uint32(0xFFF)  # no line is longer
_UNIT = np.uint64(1)


class Block(NamedTuple):
    """Room for a block of records, and for where they fall and what they find in the cache at hand."""

    line: np.ndarray  # uint64
    what: np.ndarray  # uint32
    places: np.ndarray  # uint32
    seen: np.ndarray  # uint32
    quotients: np.ndarray  # uint64
    wanted: np.ndarray  # uint32, slots of a packed cache
    ends: np.ndarray  # int64, past the last record of each run of records that count in one row
    rows: np.ndarray  # int64, that row
    at: np.ndarray  # int64 (PLACES,), where the next block begins
    rest: np.ndarray  # uint64 (65,), the last addresses
    rest_writes: np.ndarray  # bool (65,), and kinds of an array, which no whole word follows

    @classmethod
    def empty(cls, size: int = BLOCK) -> "Block":
        """Return room for so many records."""
        kinds = (np.uint64, np.uint32, np.uint32, np.uint32, np.uint64, np.uint32, np.int64, np.int64)
        records = [np.empty(size + words.SLACK, kind) for kind in kinds]
        rest = np.zeros(words.WORD + 1, np.uint64), np.zeros(words.WORD + 1, np.bool_)
        return cls(*[*records, np.zeros(PLACES, np.int64), *rest])


class Caches(NamedTuple):
    """The state and the counts of several caches, those of one layout one after another in the same arrays."""

    shape: np.ndarray  # int64, a row a cache: sets, slices, ways, first slot and end, index, sectored?, wide?
    tables: np.ndarray  # uint32 (cache, 8, 256), of hwmodel.cache.index.remainders
    packed: np.ndarray  # uint32, a slot each of the packed caches
    tags: np.ndarray  # uint64, a slot each of the wide caches
    bits: np.ndarray  # uint16, a slot each of the wide caches
    misses: np.ndarray  # uint64 (cache, row, counter of hwmodel.cache.lru)


@kernel
def apply(block: Block, count: Whole, runs: Whole, members: np.ndarray, caches: Caches, misses: np.ndarray) -> None:
    """Apply a block's records, in `runs` runs, to the caches numbered `members`; count in `misses`."""
    line, what, places, quotients, seen = block.line, block.what, block.places, block.quotients, block.seen
    for cache in members:
        shape = caches.shape[cache]
        wide = shape[WIDE] != 0
        locate(line, count, shape[SETS], shape[SLICES], shape[INDEX], not wide, caches.tables[cache], places, quotients)
        spread(places, count)
        if not wide:
            pack(quotients, what, count, block.wanted)
        use(places, block.wanted, quotients, what, count, runs, block.ends, block.rows, cache, caches, seen, misses)


@kernel
def use(
    places: np.ndarray, wanted: np.ndarray, quotients: np.ndarray, what: np.ndarray, count: Whole, runs: Whole,
    ends: np.ndarray, rows: np.ndarray, cache: Whole, caches: Caches, seen: np.ndarray, misses: np.ndarray,
) -> None:  # fmt: skip
    """Let a cache see records of which it is known where they fall, and count run by run what they cause."""
    shape = caches.shape[cache]
    slots, wide = slice(shape[START], shape[END]), shape[WIDE] != 0
    if wide:
        visit_wide(places, quotients, what, count, shape[WAYS], caches.tags[slots], caches.bits[slots], seen)
    else:
        visit(places, wanted, count, shape[WAYS], caches.packed[slots], seen)
    begin, sectored, dirty_at = 0, shape[SECTORED] != 0, 8 if wide else 4
    for run in range(runs):
        end = ends[run]
        tally(seen[begin:end], what[begin:end], end - begin, sectored, dirty_at, misses[cache, rows[run]])
        begin = end


@kernel
def feed_addresses(
    address: np.ndarray, is_write: np.ndarray, line_bits: int, joined: bool, begin: Whole, limit: np.uint64,
    members: np.ndarray, block: Block, caches: Caches, accesses: np.ndarray,
) -> Whole:  # fmt: skip
    """Apply sector accesses, given as byte addresses (uint64) and kinds (bool), to the caches `members`.

    From access `begin` on, until a block holds an address above `limit`, too high for the caches' layout; return where
    that begins. `joined`: make one record of reads and writes next to each other; right for caches that fill whole
    lines, where only the first of them can miss. `accesses`, uint64 (1, 2), grows by the number of reads and of writes.
    """
    block.rows[0] = 0
    while begin < address.size:
        end = min(begin + BLOCK, address.size)
        if top_of(address, begin, end) > limit:
            break
        count, writes = gather(address, is_write, begin, end, line_bits, joined, block)
        block.ends[0] = count
        apply(block, count, 1, members, caches, caches.misses)
        accesses[0, 0] += np.uint64(end - begin - writes)
        accesses[0, 1] += np.uint64(writes)
        begin = end
    return begin


@kernel
def top_of(address: np.ndarray, begin: Whole, end: Whole) -> np.uint64:
    highest = np.uint64(0)
    for i in range(np.uint64(begin), np.uint64(end)):
        highest = max(highest, address[i])
    return highest


@nb.njit(inline="always")
def what_of(first: Whole, last: Whole, write: bool) -> np.uint32:
    """Return a record's sectors for the bytes `first` to `last` of a line."""
    mask = (_TWO << np.uint32(last >> _SECTOR_BITS)) - (_ONE << np.uint32(first >> _SECTOR_BITS))
    begin, end = (first + SECTOR_BYTES - 1) >> _SECTOR_BITS, (last + 1) >> _SECTOR_BITS
    whole = (_ONE << np.uint32(max(end, begin))) - (_ONE << np.uint32(begin))
    writes = _ZERO - np.uint32(write)  # all ones, or none: kinds are hard to predict, so there is no branch
    valid = mask ^ ((mask ^ whole) & writes)
    return valid | ((mask & writes) << np.uint32(8)) | (mask << np.uint32(16)) | (writes & _WRITE)


@nb.njit(inline="always")
def _append(lines: np.ndarray, whats: np.ndarray, first: Whole, count: Whole, line: Whole, what: np.uint32) -> Whole:
    """Append a record, or join it to the one before, unless that comes before record `first`; return the new count."""
    here, place = np.uint64(line), np.uint64(count)  # unsigned: an index that cannot count from the end
    before = place - _UNIT
    if count > first and lines[before] == here and ((whats[before] ^ what) & _WRITE) == _ZERO:
        whats[before] |= what
        return count
    lines[place] = here
    whats[place] = what
    return count + 1


@nb.njit(inline="always")
def _fill(
    lines: np.ndarray, whats: np.ndarray, count: Whole, begin: Whole, step: Whole, room: Whole, what: np.uint32
) -> None:
    """Write records of `room` lines, `step` apart; slices would be safer to read and cost a count of references."""
    line = np.uint64(begin)
    for place in range(np.uint64(count), np.uint64(count + room)):
        lines[place] = line
        whats[place] = what
        line += np.uint64(step)


@nb.njit(inline="always")
def _crossing(
    lines: np.ndarray, whats: np.ndarray, count: Whole, start: Whole, step: Whole, times: Whole, length: Whole,
    write: bool, line_bits: int,
) -> tuple[Whole, Whole, Whole]:  # fmt: skip
    """Append rows of at most a line, a line or more apart; return the new count, the rows done and their accesses.

    Each row writes two records and keeps one or both: whether a row crosses into a second line is hard to predict.
    """
    within = (1 << line_bits) - 1
    sectors = done = 0
    size = np.int64(lines.size) - words.SLACK
    while done < times and count < size - 1:
        first = start & within
        last = first + length - 1
        crosses = last > within
        sectors += (last >> _SECTOR_BITS) - (first >> _SECTOR_BITS) + 1
        place, line = np.uint64(count), np.uint64(start >> line_bits)
        lines[place] = line
        whats[place] = what_of(first, min(last, within), write)
        lines[place + _UNIT] = line + _UNIT
        whats[place + _UNIT] = what_of(0, last & within, write)
        count += 2 if crosses else 1
        start += step
        done += 1
    return count, done, sectors


@nb.njit(inline="always")
def _row(
    lines: np.ndarray, whats: np.ndarray, opened: Whole, count: Whole, start: Whole, length: Whole, done: Whole,
    write: bool, line_bits: int,
) -> tuple[Whole, Whole]:  # fmt: skip
    """Append a row's lines after the first `done`, while there is room; return the new count and the lines done."""
    within = (1 << line_bits) - 1
    size = np.int64(lines.size) - words.SLACK
    end = start + length
    first, last = start >> line_bits, end >> line_bits  # the last is whole, or is the tail, or has no byte of the row
    if done == 0 and start & within and count < size:
        stop = (end - 1) & within if first == (end - 1) >> line_bits else within
        count = _append(lines, whats, opened, count, first, what_of(start & within, stop, write))
        done = 1
    room = min(last - first - done, size - count)
    if room > 0:
        _fill(lines, whats, count, first + done, 1, room, what_of(0, within, write))
        count += room
        done += room
    if done == last - first and end & within and count < size:
        count = _append(lines, whats, opened, count, last, what_of(0, (end - 1) & within, write))
        done += 1
    return count, done


@kernel
def _alike(
    base: np.ndarray, rows: np.ndarray, width: np.ndarray, owner: np.ndarray, begin: Whole, line_bits: int
) -> np.uint32:
    """Return 0 where PACK intervals from `begin` on are one row within one line each, and of one owner."""
    within = np.uint32((1 << line_bits) - 1)
    own, other = owner[begin], np.uint32(0)
    for i in range(np.uint64(begin), np.uint64(begin + PACK)):
        last = (np.uint32(base[i]) & within) + width[i] - _ONE
        other |= (np.uint32(rows[i]) ^ _ONE) | (np.uint32(owner[i] != own)) | (last & ~within) | (width[i] & ~_WIDTHS)
    return other


@kernel
def _pack(
    base: np.ndarray, width: np.ndarray, write: np.ndarray, begin: Whole, line_bits: int, lines: np.ndarray,
    whats: np.ndarray, count: Whole,
) -> tuple[np.uint32, np.uint32]:  # fmt: skip
    """Write the records of PACK intervals that `_alike` found so; return the accesses, and how many of them write.

    A plain loop, so that LLVM vectorises it.
    """
    low, sector = np.uint64(line_bits), np.uint32(_SECTOR_BITS)
    within, rest = np.uint32((1 << line_bits) - 1), np.uint32(SECTOR_BYTES - 1)
    sectors = written = _ZERO
    shift = np.uint64(begin - count)
    for place in range(np.uint64(count), np.uint64(count + PACK)):
        i = place + shift
        first = np.uint32(base[i]) & within
        end = first + width[i]
        begins, ends = first >> sector, (end - _ONE) >> sector
        mask = (_TWO << ends) - (_ONE << begins)
        full, past = (first + rest) >> sector, end >> sector
        whole = (_ONE << max(past, full)) - (_ONE << full)
        writes = _ZERO - np.uint32(write[i])
        valid = mask ^ ((mask ^ whole) & writes)
        lines[place] = base[i] >> low
        whats[place] = valid | ((mask & writes) << np.uint32(8)) | (mask << np.uint32(16)) | (writes & _WRITE)
        touched = ends - begins + _ONE
        sectors += touched
        written += touched & writes
    return sectors, written


@kernel
def _repeats(lines: np.ndarray, whats: np.ndarray, first: Whole, end: Whole) -> bool:
    """Return whether any record from `first` to `end` could be joined to the one before."""
    found = np.uint8(0)
    for place in range(np.uint64(first + 1), np.uint64(end)):
        alike = np.uint8(lines[place] == lines[place - _UNIT])
        found |= alike & np.uint8((whats[place] ^ whats[place - _UNIT]) < _WRITE_UNIT)
    return found != 0


@nb.njit(inline="always")
def _singles(
    base: np.ndarray, rows: np.ndarray, width: np.ndarray, write: np.ndarray, owner: np.ndarray, i: Whole,
    line_bits: int, lines: np.ndarray, whats: np.ndarray, first: Whole, count: Whole, accesses: np.ndarray,
) -> tuple[Whole, Whole]:  # fmt: skip
    """Append intervals of one row within one line, as long as one owner's follow; return the next, and the count."""
    within = (1 << line_bits) - 1
    own, reads, writes = owner[i], 0, 0
    size = np.int64(lines.size) - words.SLACK
    while i + PACK <= base.size and count + PACK < size and _alike(base, rows, width, owner, i, line_bits) == _ZERO:
        if owner[i] != own:
            break
        sectors, written = _pack(base, width, write, i, line_bits, lines, whats, count)
        begin, count = count, count + PACK
        if _repeats(lines, whats, max(begin - 1, first), count):
            count = begin
            for place in range(begin, begin + PACK):
                count = _append(lines, whats, first, count, np.int64(lines[place]), whats[place])
        writes += np.int64(written)
        reads += np.int64(sectors - written)
        i += PACK
    while i < base.size and count < size - 1 and rows[i] == 1 and owner[i] == own:
        start = np.int64(base[i])
        offset, length = start & within, np.int64(width[i])
        if offset + length > within + 1:
            break
        kind = np.int64(write[i])
        count = _append(lines, whats, first, count, start >> line_bits, what_of(offset, offset + length - 1, kind != 0))
        sectors = ((offset + length - 1) >> _SECTOR_BITS) - (offset >> _SECTOR_BITS) + 1
        writes += sectors & -kind
        reads += sectors & (kind - 1)
        i += 1
    accesses[own, 0] += np.uint64(reads)
    accesses[own, 1] += np.uint64(writes)
    return i, count


@kernel
def unroll(
    base: np.ndarray, stride: np.ndarray, rows: np.ndarray, width: np.ndarray, write: np.ndarray, owner: np.ndarray,
    line_bits: int, block: Block, accesses: np.ndarray,
) -> tuple[Whole, Whole]:  # fmt: skip
    """Fill a block with the records of intervals from `block.at` on; return how many, and their runs; 0 at the end."""
    within = (1 << line_bits) - 1
    lines, whats, ends, owners = block.line, block.what, block.ends, block.rows
    size = np.int64(lines.size) - words.SLACK
    i, row, done = block.at
    count = runs = opened = 0
    while i < base.size and count < size - 1:
        if runs == 0 or owner[i] != owners[runs - 1]:
            if runs > 0 and count == opened:  # the run before came to nothing
                runs -= 1
            elif runs > 0:
                ends[runs - 1] = count
            owners[runs] = owner[i]
            opened = count
            runs += 1
        if rows[i] == 1:
            here = i
            i, count = _singles(base, rows, width, write, owner, i, line_bits, lines, whats, opened, count, accesses)
            if i > here:
                continue
        start, step, times, length = np.int64(base[i]), stride[i], np.int64(rows[i]), np.int64(width[i])
        if step == length and ((start | length) & (SECTOR_BYTES - 1)) == 0:  # rows without gaps are one row
            length *= times
            times = 1
        kind, sectors = bool(write[i]), 0
        if (times == 1 or step & within == 0) and (start & within) + length <= within + 1:  # one line a row, all alike
            what = what_of(start & within, (start & within) + length - 1, kind)
            room = min(times - row, size - count)
            _fill(lines, whats, count, (start >> line_bits) + row * (step >> line_bits), step >> line_bits, room, what)
            count += room
            row += room
            sectors = room * (((start + length - 1) >> _SECTOR_BITS) - (start >> _SECTOR_BITS) + 1)
        elif length <= within + 1 and abs(step) > within:
            count, room, sectors = _crossing(
                lines, whats, count, start + row * step, step, times - row, length, kind, line_bits
            )
            row += room
        else:
            while row < times and count < size:
                at = start + row * step
                if done == 0:
                    sectors += ((at + length - 1) >> _SECTOR_BITS) - (at >> _SECTOR_BITS) + 1
                count, done = _row(lines, whats, opened, count, at, length, done, kind, line_bits)
                if done > ((at + length - 1) >> line_bits) - (at >> line_bits):
                    row += 1
                    done = 0
        accesses[owner[i], 1 if kind else 0] += np.uint64(sectors)
        if row == times:
            i += 1
            row = done = 0
    block.at[INTERVAL], block.at[ROW], block.at[LINE] = i, row, done
    if runs > 0:
        ends[runs - 1] = count
    return count, runs


@kernel
def feed_intervals(
    base: np.ndarray, stride: np.ndarray, rows: np.ndarray, width: np.ndarray, write: np.ndarray, owner: np.ndarray,
    line_bits: int, members: np.ndarray, block: Block, caches: Caches, accesses: np.ndarray,
) -> None:  # fmt: skip
    """Apply intervals (see traces.stream) to the caches `members`; `owner` are rows of the counts.

    `accesses`, uint64 (rows, 2), grows by the number of reads and of writes.
    """
    block.at[:] = 0
    while block.at[INTERVAL] < base.size:
        count, runs = unroll(base, stride, rows, width, write, owner, line_bits, block, accesses)
        apply(block, count, runs, members, caches, caches.misses)


@kernel
def survey(base: np.ndarray, stride: np.ndarray, rows: np.ndarray, width: np.ndarray) -> tuple[Whole, Whole, Whole]:
    """Return (place of the first interval that cannot be, or -1; highest byte address; sector accesses, about)."""
    wrong, highest, sectors = _surveyed(base, stride, rows, width)
    if not wrong:
        return -1, highest, sectors
    for i in range(base.size):
        one = slice(i, i + 1)
        if _surveyed(base[one], stride[one], rows[one], width[one])[0]:
            return i, 0, 0
    return -1, highest, sectors


@kernel
def _surveyed(base: np.ndarray, stride: np.ndarray, rows: np.ndarray, width: np.ndarray) -> tuple[bool, Whole, Whole]:
    """Return whether some interval cannot be, and what `survey` does; a plain loop, so that LLVM vectorises it."""
    wrong, highest, sectors = np.uint8(0), np.int64(0), np.int64(0)
    for i in range(np.uint64(base.size)):
        apart = abs((np.float64(rows[i]) - 1.0) * np.float64(stride[i])) < TOP
        steps = (np.int64(rows[i]) - 1) * (stride[i] if apart else 0)
        first = np.int64(base[i])
        end = first + max(steps, 0) + np.int64(width[i])
        inside = (base[i] < TOP) & (first + min(steps, 0) >= 0) & (end < TOP)
        wrong |= np.uint8((rows[i] == 0) | (width[i] == 0) | (not apart) | (not inside))
        highest = max(highest, end - 1)
        sectors += min(np.int64(rows[i]) * ((np.int64(width[i]) >> _SECTOR_BITS) + 1), MOST)
    return wrong != 0, highest, sectors
