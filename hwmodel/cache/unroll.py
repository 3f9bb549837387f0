"""From intervals to records (visits to lines, see hwmodel.cache.lru), block by block.

Neighbouring accesses to one line of one kind are one record: the later ones cannot change the order of use, so no count
changes.
"""

import numba as nb
import numpy as np

from hwmodel.cache.block import INTERVAL, LINE, ROW, Block
from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.config import SECTOR_BYTES
from hwmodel.cache.words import SLACK

PACK = 64  # intervals looked at together where they may be alike
_BITS = SECTOR_BYTES.bit_length() - 1
_SECTOR_BITS, _LAST_BYTE = np.uint32(_BITS), np.uint32(SECTOR_BYTES - 1)
_ZERO, _ONE, _TWO = np.uint32(0), np.uint32(1), np.uint32(2)
_WRITE, _WRITE_UNIT = np.uint32(0xFF << 24), np.uint32(1 << 24)
_WIDTHS = np.uint32(0xFFF)  # no line is longer
_UNIT = np.uint64(1)


@nb.njit(inline="always")
def what_of(first: Whole | np.uint32, last: Whole | np.uint32, write: bool) -> np.uint32:
    """Return a record's sectors for the bytes `first` to `last` of a line."""
    first, last = np.uint32(first), np.uint32(last)
    mask = (_TWO << (last >> _SECTOR_BITS)) - (_ONE << (first >> _SECTOR_BITS))
    begin, end = (first + _LAST_BYTE) >> _SECTOR_BITS, (last + _ONE) >> _SECTOR_BITS
    whole = (_ONE << max(end, begin)) - (_ONE << begin)
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
    size = np.int64(lines.size) - SLACK
    while done < times and count < size - 1:
        first = start & within
        last = first + length - 1
        crosses = last > within
        sectors += (last >> _BITS) - (first >> _BITS) + 1
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
    size = np.int64(lines.size) - SLACK
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
    low, within = np.uint64(line_bits), np.uint32((1 << line_bits) - 1)
    sectors = written = _ZERO
    shift = np.uint64(begin - count)
    for place in range(np.uint64(count), np.uint64(count + PACK)):
        i = place + shift
        first = np.uint32(base[i]) & within
        last = first + width[i] - _ONE
        lines[place] = base[i] >> low
        whats[place] = what_of(first, last, write[i])
        touched = (last >> _SECTOR_BITS) - (first >> _SECTOR_BITS) + _ONE
        sectors += touched
        written += touched & (_ZERO - np.uint32(write[i]))
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
    size = np.int64(lines.size) - SLACK
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
        sectors = ((offset + length - 1) >> _BITS) - (offset >> _BITS) + 1
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
    size = np.int64(lines.size) - SLACK
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
            sectors = room * (((start + length - 1) >> _BITS) - (start >> _BITS) + 1)
        elif length <= within + 1 and abs(step) > within:
            count, room, sectors = _crossing(
                lines, whats, count, start + row * step, step, times - row, length, kind, line_bits
            )
            row += room
        else:
            while row < times and count < size:
                at = start + row * step
                if done == 0:
                    sectors += ((at + length - 1) >> _BITS) - (at >> _BITS) + 1
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
