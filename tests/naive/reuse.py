"""Slow, obvious twins of hwmodel.cache.reuse: a list of lines by last use, and one cache at a time."""

from collections import Counter, OrderedDict
from collections.abc import Iterable


def distances(accesses: Iterable[tuple[int, bool]]) -> Counter[tuple[int | None, bool]]:
    """How often each (stack distance, write?) occurs among accesses (line, write?); no distance for a first access."""
    stack: list[int] = []
    found: Counter[tuple[int | None, bool]] = Counter()
    for line, write in accesses:
        place = stack.index(line) if line in stack else None
        found[place, write] += 1
        if place is not None:
            del stack[place]
        stack.insert(0, line)
    return found


def one_cache(accesses: Iterable[tuple[int, bool]], lines: int) -> dict[str, int]:
    """What a fully associative write-back LRU cache of so many lines does."""
    held: OrderedDict[int, bool] = OrderedDict()  # line -> dirty, the least recently used first
    counts = {"read_misses": 0, "write_misses": 0, "writebacks": 0}
    for line, write in accesses:
        if line not in held:
            counts["write_misses" if write else "read_misses"] += 1
            if len(held) == lines:
                counts["writebacks"] += held.popitem(last=False)[1]
        held[line] = held.pop(line, False) or write
    return counts | {"dirty_lines_left": sum(held.values())}
