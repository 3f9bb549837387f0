"""What a stream leaves in an LRU cache, from its end backwards: each line once, by its last visit.

Under LRU a set holds the lines visited last, in order of their last visits, whatever the capacity. So a cache that has
not seen a stretch of a stream comes to hold the right lines, in the right order, once it is shown each line of the
stretch once, in the order of last visits. The sectors it then finds valid and dirty are all that the stretch touched of
the line: more than a cache holds which lost the line on the way and brought it in anew.
"""

from typing import NamedTuple, Self

import numpy as np

from hwmodel.cache.block import BLOCK, Block
from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.records import END, START, WIDE, Caches, apply
from hwmodel.cache.unroll import what_of
from hwmodel.cache.vectors import ones

_RECENT = 1 << 13
_SECTOR, _SHIFT, _MIXER = np.uint64(5), np.uint64(64 - 13), np.uint64(0x9E3779B97F4A7C15)
_ONE, _TWO, _THREE, _NIBBLE, _FIVE, _SECTORS = (np.uint32(number) for number in (1, 2, 3, 4, 5, 15))
_NONE, _BYTE, _LOW, _HIGH = np.uint32(0), np.uint32(8), np.uint32(0x00FFFFFF), np.uint32(0xFF000000)


class Touched(NamedTuple):
    """Room for lines and what was done to them, the line visited last first."""

    table: np.ndarray  # uint32, a power of two: where a line may stand, found by its lowest bits
    recent: np.ndarray  # int64, intervals gone through, found by their base
    line: np.ndarray  # uint64
    what: np.ndarray  # uint32, as of a record (hwmodel.cache.lru), but the highest byte: sectors read before written

    @classmethod
    def room(cls, lines: int) -> Self:
        """Return room for so many lines."""
        table = np.zeros(1 << (4 * lines).bit_length(), np.uint32)
        return cls(table, np.zeros(_RECENT, np.int64), np.zeros(lines, np.uint64), np.zeros(lines, np.uint32))


@kernel
def gather_back(
    base: np.ndarray, stride: np.ndarray, rows: np.ndarray, width: np.ndarray, write: np.ndarray, begin: Whole,
    end: Whole, last: Whole, line_bits: int, limit: Whole, touched: Touched, count: Whole,
) -> Whole:  # fmt: skip
    """Add the lines of intervals `begin` to `end`, from the last visit on; return how many there are then.

    Those from `end` to `last` are there already; an interval like one of them, or one gone through since, adds nothing.
    Stops at `limit` lines. A line may stand twice where two share a place of the table; its last visit comes first all
    the same.
    """
    within = (1 << line_bits) - 1
    table, recent, lines, whats = touched
    mask, count, limit = np.uint64(table.size - 1), np.int64(count), np.int64(limit)
    for i in range(end - 1, begin - 1, -1):
        if count >= limit:
            break
        step, times, length, kind = stride[i], np.int64(rows[i]), np.int64(width[i]), bool(write[i])
        slot = ((base[i] >> _SECTOR) * _MIXER) >> _SHIFT
        other = recent[slot]
        alike = i < other < last and base[other] == base[i] and stride[other] == step and rows[other] == rows[i]
        if alike and width[other] == width[i] and write[other] == write[i]:
            continue
        recent[slot] = i
        start = np.int64(base[i]) + (times - 1) * step
        alike = step & within == 0 and (start & within) + length <= within + 1  # a line a row, all touched alike
        what = what_of(start & within, (start & within) + length - 1, kind) & _LOW if alike else _NONE
        for _ in range(times):
            line = (start + length - 1) >> line_bits
            first = start >> line_bits
            while line >= first and count < limit:
                if not alike:
                    low = (start & within) if line == first else 0
                    what = what_of(low, min(start + length - (line << line_bits), within + 1) - 1, kind) & _LOW
                first_here = (what << _BYTE) & _HIGH
                here = np.uint64(line)
                place = np.uint64(table[here & mask])
                if place < np.uint64(count) and lines[place] == here:
                    whats[place] = (whats[place] | what | first_here) ^ (first_here if kind else _NONE)
                else:
                    table[here & mask] = count
                    lines[np.uint64(count)] = here
                    whats[np.uint64(count)] = what | (_NONE if kind else first_here)
                    count += 1
                line -= 1
            start -= step
    return count


@kernel
def once(touched: Touched, count: Whole) -> tuple[Whole, Whole, Whole, bool]:
    """Return how many sectors of the first `count` lines were read first, written first, and written at all, and
    whether no line holds some of the first kind and some of the second.
    """
    read = written = dirtied = np.int64(0)
    apart = True
    for place in range(np.uint64(count)):
        what = touched.what[place]
        mask, first = (what >> np.uint32(16)) & np.uint32(255), what >> np.uint32(24)
        read += ones(first)
        written += ones(mask ^ first)
        dirtied += ones((what >> _BYTE) & np.uint32(255))
        apart &= (first == _NONE) | (first == mask)
    return read, written, dirtied, apart


@kernel
def show(touched: Touched, count: Whole, members: np.ndarray, block: Block, caches: Caches) -> None:
    """Visit the first `count` lines, the last of them first, in the caches `members`; counts go to row 0."""
    block.rows[0] = 0
    while count > 0:
        many = min(count, BLOCK)
        for i in range(np.uint64(many)):
            place = np.uint64(count - 1) - i
            what = touched.what[place]
            block.line[i] = touched.line[place]
            block.what[i] = (what & _LOW) | (_HIGH if what <= _LOW else _NONE)
        block.ends[0] = many
        apply(block, many, 1, members, caches, caches.misses)
        count -= many


@kernel
def dirty(members: np.ndarray, caches: Caches, out: np.ndarray) -> None:
    """Write how many lines and how many sectors of the caches `members` are dirty, int64, to out[cache]."""
    for cache in members:
        start, end = caches.shape[cache, START], caches.shape[cache, END]
        if caches.shape[cache, WIDE] != 0:
            lines = sectors = np.int64(0)
            for bits in caches.bits[start:end]:
                here = np.uint32(bits) >> _BYTE
                lines += here != _NONE
                sectors += ones(here)
            out[cache, 0], out[cache, 1] = lines, sectors
        else:
            _dirty_packed(caches.packed[start:end], out[cache])


@kernel
def _dirty_packed(slots: np.ndarray, out: np.ndarray) -> None:
    """Do so for a packed cache, without a branch, so that LLVM vectorises it."""
    lines, sectors = _NONE, _NONE
    for i in range(slots.size):
        here = (slots[i] >> _NIBBLE) & _SECTORS
        lines += np.uint32(here != _NONE)
        here -= (here >> _ONE) & _FIVE
        sectors += (here & _THREE) + (here >> _TWO)
    out[0], out[1] = lines, sectors
