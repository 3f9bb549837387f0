"""LRU stack depths within sets: every associativity up to 64 in one pass, as hwmodel.cache.stack for every capacity."""

import numpy as np

from hwmodel.cache import index
from hwmodel.cache.compiled import kernel
from hwmodel.cache.config import MAX_WAYS, SLOTS
from hwmodel.cache.vectors import lowest, match, push

BLOCK = 2048
_NONE, _ALL = np.uint32(0), np.uint32((1 << SLOTS) - 1)
_ONE, _SAME = np.uint32(1), np.uint64(1)


@kernel
def follow_sets(
    address: np.ndarray, write: np.ndarray, line_bits: int, sets: int, kind: int, table: np.ndarray, line: np.ndarray,
    places: np.ndarray, quotients: np.ndarray, tags: np.ndarray, levels: np.ndarray, depths: np.ndarray,
    change: np.ndarray,
) -> None:  # fmt: skip
    """Take in accesses (uint64 byte addresses, bool kinds).

    `tags` (uint64) and `levels` (uint8, the fewest ways with which a line is dirty, or 0) have 64 slots a set, the
    latest used first. `depths`, int64 (2, 65), are reads and writes by depth, the last for what is deeper or new;
    `change`, int64 (66,), is by how much write-backs differ from those of one way less.
    """
    for begin in range(0, address.size, BLOCK):
        count = min(address.size - begin, BLOCK)
        for i in range(count):
            line[i] = address[begin + i] >> np.uint64(line_bits)
        index.locate(line, count, sets, 1, kind, False, table, places, quotients)
        index.spread(places, count)
        for i in range(count):
            first = np.intp(places[i]) * MAX_WAYS
            does = np.int64(write[begin + i])
            wanted = quotients[i] + _SAME
            start = first
            found = match(tags, start, wanted, _SAME)
            while found == _NONE and start < first + MAX_WAYS - SLOTS:
                start += SLOTS
                found = match(tags, start, wanted, _SAME)
            hit = found != _NONE
            ends = found if hit else _ONE << np.uint32(SLOTS - 1)
            place = start + np.intp(lowest(ends))
            depth = place - first if hit else MAX_WAYS
            depths[does, depth] += 1
            least = np.int64(levels[place])
            if 0 < least <= depth:
                change[least] += 1
                change[depth + 1] -= 1
                least = depth + 1
            if not hit:
                least = 0
            level, tag = np.uint8(1 if does != 0 else least), wanted
            for before in range(first, start, SLOTS):
                next_tag, next_level = tags[before + SLOTS - 1], levels[before + SLOTS - 1]
                push(tags, before, tag, _ALL)
                push(levels, before, level, _ALL)
                tag, level = next_tag, next_level
            moved = ends ^ (ends - _ONE)
            push(tags, start, tag, moved)
            push(levels, start, level, moved)
