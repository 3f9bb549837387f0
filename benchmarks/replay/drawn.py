"""Which caches and hierarchies a plain-Python twin was run for, in examples that held; a pytest plugin."""

import functools
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations, product
from typing import Any

import pytest

from hwmodel.cache import CacheConfig
from hwmodel.cache.config import INDICES, LINES, POLICIES, WRITE_MISSES, WRITES
from hwmodel.cache.hierarchy import Hierarchy
from hwmodel.cache.levels import HOLDS
from tests.naive.cache import Cache
from tests.naive.hierarchy import Twin

# A class of caches is a choice in each of these; of hierarchies' levels likewise.
CACHES: dict[str, tuple[Any, ...]] = {
    "policy": POLICIES, "index": INDICES, "write": WRITES, "write_miss": WRITE_MISSES, "sector": (0, 32),
    "line": LINES, "ways": ("1", "2-16", "17-32", "33-64"), "slices": ("one", "more"), "wear": (False, True),
}  # fmt: skip
LEVELS: dict[str, tuple[Any, ...]] = {
    "levels": (1, 2, 3), "level": (1, 2, 3), "holds": HOLDS, "policy": POLICIES, "write": WRITES,
    "write_miss": WRITE_MISSES, "sector": (0, 32), "line": LINES[:3], "units": ("one", "more"),
}  # fmt: skip


def cache_class(config: CacheConfig) -> tuple[Any, ...]:
    """Return a cache's choices, in the order of CACHES."""
    ways = next(name for name in CACHES["ways"] if config.ways <= int(name.split("-")[-1]))
    return (config.policy, config.index, config.write, config.on_write_miss, config.sector or 0, config.line, ways,
            "one" if config.slices == 1 else "more", config.wear)  # fmt: skip


def level_classes(machine: Hierarchy) -> Iterator[tuple[Any, ...]]:
    """Yield the choices of each level, in the order of LEVELS."""
    for number, level in enumerate(machine.levels, 1):
        one = level.cache
        yield (len(machine.levels), number, level.holds, one.policy, one.write, one.on_write_miss, one.sector or 0,
               one.line, "one" if level.units == 1 else "more")  # fmt: skip


def possible(choice: dict[str, Any]) -> bool:
    """Whether caches or levels with these choices can be: see hwmodel.cache.levels.Hierarchy."""
    levels, level, holds = choice.get("levels", 3), choice.get("level", 3), choice.get("holds", "neither")
    return (level <= levels or "level" not in choice) and (
        holds == "neither" or (level > 1 and levels > 1 and (holds, choice.get("write")) != ("exclusive", "through"))
    )


def together(found: Counter[tuple[Any, ...]], kinds: dict[str, tuple[Any, ...]], size: int) -> dict[str, Any]:
    """Return how many combinations of `size` choices there are, how many were met, and the one met least."""
    there, met, least = 0, 0, (float("inf"), "")
    for names in combinations(kinds, size):
        places = [list(kinds).index(name) for name in names]
        counts: Counter[tuple[Any, ...]] = Counter()
        for key, count in found.items():
            counts[tuple(key[place] for place in places)] += count
        for values in product(*(kinds[name] for name in names)):
            choice = dict(zip(names, values, strict=True))
            if possible(choice):
                there, met = there + 1, met + (counts[values] > 0)
                least = min(least, (counts[values], ", ".join(f"{name} {value}" for name, value in choice.items())))
    return {"together": size, "possible": there, "met": met, "least": least[0], "least_met": least[1]}


class Watch:
    """Keeps Hypothesis's tests alone, counts their examples that held, and what twins were run for in these."""

    def __init__(self) -> None:
        self.examples: Counter[str] = Counter()
        self.caches: Counter[tuple[Any, ...]] = Counter()
        self.levels: Counter[tuple[Any, ...]] = Counter()
        self.hybrids = 0
        self.failures: dict[str, str] = {}
        self._seen: set[CacheConfig | Hierarchy] = set()  # in the example under way
        self._notice(Cache)
        self._notice(Twin)

    def _notice(self, twin: Any) -> None:
        begin = twin.__init__

        @functools.wraps(begin)
        def start(one: Any, what: Any, *rest: Any, **named: Any) -> None:
            if isinstance(what, (CacheConfig, Hierarchy)):  # and not a level's cache, nor what no CacheConfig may be
                self._seen.add(what)
            begin(one, what, *rest, **named)

        twin.__init__ = start

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[Any]) -> None:
        """Drop what is no property, and count the runs of each that is."""
        others = [item for item in items if not hasattr(item.obj, "hypothesis")]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if hasattr(item.obj, "hypothesis")]
        for item in items:
            handle = item.obj.hypothesis
            handle.inner_test = self._counted(item.nodeid, handle.inner_test)

    def _counted(self, name: str, property_: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(property_)
        def run(*args: Any, **named: Any) -> None:
            self._seen.clear()
            property_(*args, **named)
            self.examples[name] += 1
            for one in self._seen:
                if isinstance(one, Hierarchy):
                    self.levels.update(level_classes(one))
                else:
                    self.caches[cache_class(one)] += 1
                    self.hybrids += one.hybrid is not None

        return run

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a property that does not hold says, its smallest example among that."""
        if report.failed:
            self.failures[report.nodeid] = report.longreprtext
