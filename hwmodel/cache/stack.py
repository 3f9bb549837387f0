"""LRU stack distances, exact: how many other lines were touched since a line's last access.

Each line's last access is a mark on a line of time. A distance is the number of marks after one: marks are bits, 512 of
them a block, and a Fenwick tree adds the blocks. When time runs out, marks close ranks; memory follows the number of
distinct lines, not that of accesses.

A cache of C lines hits at distances below C. For write-backs each line has a level, the least C in which it is dirty:
1 after a write; after a read at distance d at least d + 1, for the caches from the old level to d lines had written it
back when they evicted it, and fetched it clean. So one pass knows the write-backs of every capacity.

In a sectored cache each sector has two such levels, the least C in which it is valid and that in which it is dirty; an
access hits in caches of at least that level, and its `distance` is one less.

Sources: R. L. Mattson, J. Gecsei, D. R. Slutz, I. L. Traiger, IBM Systems Journal 9(2), 1970; B. T. Bennett, V. J.
Kruskal, IBM J. Res. Dev. 19(4), 1975 (trees over time); J. G. Thompson, A. J. Smith, ACM TOCS 7(1), 1989 (levels).
"""

from typing import NamedTuple

import numba as nb
import numpy as np

from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.config import SECTOR_BYTES
from hwmodel.cache.table import EMPTY, find
from hwmodel.cache.vectors import ones

NOW, LINES, CLOCK = range(3)  # the next moment, distinct lines so far
NEVER = 2**31 - 1  # a level that no capacity reaches
TIMES = 4  # moments that there are for each line there is room for
BLOCK_BITS = 9
SECTOR_BITS = SECTOR_BYTES.bit_length() - 1
_WORD_BITS = 6
_NEAR = 16  # words of marks that are counted one by one, rather than asked of the tree
_ONE, _WORD, _LOW, _HALF = np.uint64(1), np.uint64(63), np.uint64(0xFFFFFFFF), np.uint64(32)


class Stack(NamedTuple):
    """Room for a number of lines, a power of two, and what is known of them."""

    keys: np.ndarray  # uint64, a hash table of line numbers
    numbers: np.ndarray  # int32, beside each its number in order of appearance
    last: np.ndarray  # int32 (lines,), when each was last touched
    level: np.ndarray  # int32 (lines,), the least capacity in which each is dirty, or 0
    owner: np.ndarray  # int32 (moments,), whose mark it is
    marks: np.ndarray  # uint64 (moments / 64,)
    tree: np.ndarray  # int32 (moments / 512 + 1,), over the blocks that are past
    clock: np.ndarray  # int64 (CLOCK,)
    valid: np.ndarray  # int32 (lines * sectors,), the least capacity in which each sector is valid; empty: whole lines
    dirty: np.ndarray  # int32, beside it that in which it is dirty
    distances: np.ndarray  # int64 (2, lines), reads and writes by distance
    cold: np.ndarray  # int64 (2,), reads and writes that miss whatever the capacity
    change: np.ndarray  # int64 (lines + 2,), by which the write-backs of a capacity differ from those of one line less
    sector_change: np.ndarray  # int64 (lines + 2,), the same of the dirty sectors in them

    @classmethod
    def empty(cls, lines: int, sectors: int) -> "Stack":
        """Return room for `lines` lines of `sectors` sectors, or of none where whole lines are filled."""
        moments = TIMES * lines
        return cls(
            np.full(2 * lines, EMPTY, np.uint64), np.zeros(2 * lines, np.int32), np.zeros(lines, np.int32),
            np.zeros(lines, np.int32), np.zeros(moments, np.int32), np.zeros(moments >> _WORD_BITS, np.uint64),
            np.zeros((moments >> BLOCK_BITS) + 1, np.int32), np.zeros(CLOCK, np.int64),
            np.full(lines * sectors, NEVER, np.int32), np.full(lines * sectors, NEVER, np.int32),
            np.zeros((2, lines), np.int64), np.zeros(2, np.int64), np.zeros(lines + 2, np.int64),
            np.zeros(lines + 2, np.int64),
        )  # fmt: skip

    def grown(self) -> "Stack":
        """Return the same with twice the room."""
        close_ranks(self)
        more = Stack.empty(2 * len(self.last), len(self.valid) // len(self.last))
        for name in ("last", "level", "owner", "clock", "valid", "dirty", "cold", "change", "sector_change"):
            old = getattr(self, name)
            getattr(more, name)[: len(old)] = old
        more.distances[:, : len(self.last)] = self.distances
        _enter(self.keys, self.numbers, more.keys, more.numbers)
        _mark(more)
        return more


@nb.njit(inline="always")
def _count(word: np.uint64) -> Whole:
    return np.int64(ones(np.uint32(word & _LOW))) + np.int64(ones(np.uint32(word >> _HALF)))


@nb.njit(inline="always")
def _add(tree: np.ndarray, block: Whole, value: Whole) -> None:
    place = block + 1
    while place < tree.size:
        tree[place] += value
        place += place & -place


@nb.njit(inline="always")
def _marks_of(marks: np.ndarray, block: Whole) -> Whole:
    found = 0
    for word in range(block << (BLOCK_BITS - _WORD_BITS), (block + 1) << (BLOCK_BITS - _WORD_BITS)):
        found += _count(marks[word])
    return found


@nb.njit(inline="always")
def _marks_after(stack: Stack, time: Whole) -> Whole:
    """Return how many marks lie after a moment."""
    marks, word = stack.marks, time >> _WORD_BITS
    within = marks[word] >> (np.uint64(time) & _WORD) >> _ONE
    end = (stack.clock[NOW] - 1) >> _WORD_BITS
    found = _count(within)
    if end - word <= _NEAR:
        for i in range(word + 1, end + 1):
            found += _count(marks[i])
        return found
    block = time >> BLOCK_BITS
    for i in range(word + 1, (block + 1) << (BLOCK_BITS - _WORD_BITS)):
        found += _count(marks[i])
    found += stack.clock[LINES]
    place = block + 1
    while place > 0:
        found -= stack.tree[place]
        place -= place & -place
    return found


@nb.njit(inline="always")
def _touch(stack: Stack, number: Whole, sector: Whole, kind: Whole, whole: bool, distance: Whole) -> None:
    """Count an access to a sector of a line at a distance, and set its line's sectors' levels."""
    valid, dirty = stack.valid, stack.dirty
    sectors = valid.size // stack.last.size
    base = number * sectors
    if distance > 0:
        for place in range(base, base + sectors):
            valid[place] = max(valid[place], distance + 1)
            least = dirty[place]
            if least <= distance:
                stack.sector_change[least] += 1
                stack.sector_change[distance + 1] -= 1
                dirty[place] = distance + 1
    here = base + sector
    least = np.int64(valid[here])
    if kind != 0:
        least = min(least, np.int64(dirty[here]))
        dirty[here] = 1
    if kind == 0 or whole:
        valid[here] = 1
    if least == NEVER:
        stack.cold[kind] += 1
    else:
        stack.distances[kind, least - 1] += 1


@kernel
def follow(address: np.ndarray, write: np.ndarray, whole: np.ndarray, line_bits: int, stack: Stack) -> Whole:
    """Take in accesses; return how many, fewer than all where room runs out.

    Byte addresses are uint64; kinds, and whether a sector's whole length is meant, are bool.
    """
    sectored = stack.valid.size > 0
    within = np.uint64((1 << (line_bits - SECTOR_BITS)) - 1)
    clock, keys, distances, level = stack.clock, stack.keys, stack.distances, stack.level
    line, number = EMPTY, np.int64(0)  # of the access before
    for i in range(address.size):
        kind = np.int64(write[i])
        here = address[i] >> np.uint64(line_bits)
        sector = np.int64((address[i] >> np.uint64(SECTOR_BITS)) & within)
        if here == line:
            if sectored:
                _touch(stack, number, sector, kind, whole[i], 0)
            else:
                distances[kind, 0] += 1
            if kind != 0:
                level[number] = 1
            continue
        place = find(keys, here)
        new = keys[place] == EMPTY
        if new and clock[LINES] == level.size:
            return i
        if clock[NOW] == stack.owner.size:
            close_ranks(stack)
        now = np.int64(clock[NOW])
        if new:
            number = np.int64(clock[LINES])
            keys[place] = here
            stack.numbers[place] = number
            if sectored:
                _touch(stack, number, sector, kind, whole[i], 0)
            else:
                stack.cold[kind] += 1
            clock[LINES] += 1
            level[number] = kind
        else:
            number = np.int64(stack.numbers[place])
            time = np.int64(stack.last[number])
            distance = _marks_after(stack, time)
            if sectored:
                _touch(stack, number, sector, kind, whole[i], distance)
            else:
                distances[kind, distance] += 1
            least = np.int64(level[number])
            if 0 < least <= distance:
                stack.change[least] += 1
                stack.change[distance + 1] -= 1
                level[number] = distance + 1
            if kind != 0:
                level[number] = 1
            stack.marks[time >> _WORD_BITS] ^= _ONE << (np.uint64(time) & _WORD)
            if time >> BLOCK_BITS < now >> BLOCK_BITS:
                _add(stack.tree, time >> BLOCK_BITS, -1)
        stack.marks[now >> _WORD_BITS] |= _ONE << (np.uint64(now) & _WORD)
        stack.owner[now] = number
        stack.last[number] = now
        clock[NOW] = now + 1
        if clock[NOW] & ((1 << BLOCK_BITS) - 1) == 0:
            _add(stack.tree, now >> BLOCK_BITS, _marks_of(stack.marks, now >> BLOCK_BITS))
        line = here
    return address.size


@kernel
def close_ranks(stack: Stack) -> None:
    """Move the marks, in their order, to the beginning of time."""
    new = 0
    for word in range(stack.marks.size):
        rest, time = stack.marks[word], word << _WORD_BITS
        while rest != np.uint64(0):
            if rest & _ONE != np.uint64(0):
                number = stack.owner[time]
                stack.owner[new] = number
                stack.last[number] = new
                new += 1
            rest >>= _ONE
            time += 1
    stack.clock[NOW] = new
    _mark(stack)


@kernel
def _mark(stack: Stack) -> None:
    """Set the marks of all moments before now, and no others, and build the tree over them."""
    now = np.int64(stack.clock[NOW])
    for word in range(stack.marks.size):
        count = min(max(now - (word << _WORD_BITS), 0), 64)
        stack.marks[word] = np.uint64(2**64 - 1) if count == 64 else (_ONE << np.uint64(count)) - _ONE
    tree = stack.tree
    for place in range(1, tree.size):
        tree[place] = 1 << BLOCK_BITS if place << BLOCK_BITS <= now else 0
    for place in range(1, tree.size):
        above = place + (place & -place)
        if above < tree.size:
            tree[above] += tree[place]


@kernel
def _enter(keys: np.ndarray, numbers: np.ndarray, more: np.ndarray, more_numbers: np.ndarray) -> None:
    """Copy a hash table into a larger one."""
    for old in range(keys.size):
        if keys[old] != EMPTY:
            place = find(more, keys[old])
            more[place] = keys[old]
            more_numbers[place] = numbers[old]
