"""Replay of accesses through a hierarchy, exactly, and the tables of what each level and the DRAM did."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from circuits.errors import InputError
from hwmodel.cache import requests, wear
from hwmodel.cache.given import addresses_of, intervals_of, kinds_of
from hwmodel.cache.levels import HOLDS, Dram, Hierarchy, Level
from hwmodel.cache.policies import State
from hwmodel.cache.progress import batches_of
from traces.stream import Intervals

if TYPE_CHECKING:
    import pandas as pd

    from traces.trace import Trace

__all__ = ["Dram", "Hierarchy", "HierarchyCounts", "HierarchyReplay", "Level", "replay_hierarchy",
           "replay_hierarchy_trace"]  # fmt: skip

_CHUNK = 1 << 20  # sector accesses between two chances for Ctrl-C


class HierarchyCounts(NamedTuple):
    """What a hierarchy did: `levels`, a row a level, and `dram`.

    Columns of `levels`: level (from 1), capacity_bytes (of a unit), ways, units, holds; reads and writes (requests: of
    the first level accesses, below it what the level above fetches and writes, of any number of a line's sectors),
    read_misses and write_misses (requests that lack a sector), fill_sectors (fetched from below), writebacks (dirty
    lines evicted), writeback_sectors (what is written of them), through_sectors (written on at once),
    back_invalidations (lines taken out above because they went here), moved_up and moved_down (lines of an exclusive
    level); dirty_lines_left, dirty_sectors_left; where all levels count wear, what hwmodel.cache.wear.figures returns.

    Of `dram`: read_sectors, write_sectors, row_hits, activations (rows opened), precharges (rows closed for another).
    """

    levels: "pd.DataFrame"
    dram: dict[str, int]


class HierarchyReplay:
    """A hierarchy fed piece by piece."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        if not isinstance(hierarchy, Hierarchy):
            raise InputError(
                f"hierarchy: {hierarchy!r} is no Hierarchy; give Hierarchy([Level(CacheConfig(...)), ...])"
            )
        self.hierarchy = hierarchy
        levels, dram = hierarchy.levels, hierarchy.dram
        self._levels = requests.Levels(
            State.empty([(level.cache, level.units) for level in levels]),
            np.array([HOLDS.index(level.holds) for level in levels], np.int64),
            np.zeros((len(levels), len(requests.LEVEL_COUNTS)), np.uint64),
            np.zeros((len(levels), requests.FRAME), np.uint64),
            levels[0].cache.line.bit_length() - 1,
            np.array(dram.pieces, np.int64),
            dram.hashed,
            dram.pieces[0][2] >= levels[0].cache.line.bit_length() - 1,
            np.full(dram.banks, -1, np.int64),
            np.zeros(len(requests.DRAM_COUNTS), np.uint64),
            *(np.zeros(1, kind) for kind in (np.uint64, np.uint32, np.uint64)),
        )

    def feed_addresses(self, address: Any, is_write: Any, source: Any = None) -> None:
        """Replay sector accesses given as byte addresses, kinds (true for a write) and sources (units of level 1).

        Raises:
            InputError: for arrays that do not match or hold what is none of these, and a source without a unit.
        """
        address = addresses_of(address)
        is_write = kinds_of(is_write, len(address))
        source = _sources_of(source, len(address), self.hierarchy.levels[0].units, "address")
        for start in range(0, len(address), _CHUNK):
            part = slice(start, start + _CHUNK)
            columns = (address[part], np.uint64), (is_write[part], np.bool_), (source[part], np.int64)
            where, kinds, units = (np.require(column, kind, ["C", "A", "W"]) for column, kind in columns)
            requests.feed(where, kinds, units, self._levels)

    def feed(self, batch: Intervals, source: Any = None) -> None:
        """Replay a batch of intervals, each from a source (unit of level 1; None for the first).

        Raises:
            InputError: for columns of unlike lengths, an interval without bytes or below address 0, and a source
                without a unit.
        """
        units = self.hierarchy.levels[0].units
        # The column of kernels is not looked at, so sources travel there, through the cutting into parts.
        carried = batch._replace(kernel=_sources_of(source, len(batch.base), units, "interval").astype(np.uint32))
        for part, _ in intervals_of(carried):
            base, stride, rows, width, write, _, units = part
            requests.feed_intervals(base, stride, rows, width, write, units, self._levels)

    def wear(self, level: int) -> np.ndarray:
        """Return how often each slot of a level (from 1) was written, uint64, shape (units, sets, ways).

        Raises:
            InputError: where it does not count wear.
        """
        if not self.hierarchy.levels[level - 1].cache.wear:
            raise InputError(f"wear: not counted at level {level}; give CacheConfig(..., wear=True)")
        return self._levels.caches.of(self._levels.caches.wear, level - 1)

    def result(self) -> HierarchyCounts:
        """Return the counts so far."""
        import pandas as pd

        rows = []
        for number, level in enumerate(self.hierarchy.levels):
            dirty = self._levels.caches.of(self._levels.caches.bits, number) >> 8
            row: dict[str, Any] = {"level": number + 1, "capacity_bytes": level.cache.capacity,
                                   "ways": level.cache.ways, "units": level.units, "holds": level.holds}  # fmt: skip
            row |= dict(zip(requests.LEVEL_COUNTS, map(int, self._levels.counts[number]), strict=True))
            row |= {"dirty_lines_left": int(np.count_nonzero(dirty))}
            row |= {"dirty_sectors_left": sum(int(np.count_nonzero(dirty & (1 << bit))) for bit in range(8))}
            if all(level.cache.wear for level in self.hierarchy.levels):
                row |= wear.figures(self.wear(number + 1))
            rows.append(row)
        dram: dict[str, int] = dict(zip(requests.DRAM_COUNTS, map(int, self._levels.dram), strict=True))
        return HierarchyCounts(pd.DataFrame(rows), dram)


def replay_hierarchy(address: Any, is_write: Any, hierarchy: Hierarchy, source: Any = None) -> HierarchyCounts:
    """Replay sector accesses through a hierarchy that starts empty.

    Args:
        address: byte addresses, whole numbers from 0, shape (accesses,); each is one access to its 32 B sector.
        is_write: booleans, or 0 and 1, of the same shape.
        hierarchy: the levels and the DRAM.
        source: which unit of the first level each access goes to, of the same shape; None for the first.

    Raises:
        InputError: for addresses that are negative or no integers, and arrays that do not match.
    """
    run = HierarchyReplay(hierarchy)
    run.feed_addresses(address, is_write, source)
    return run.result()


def replay_hierarchy_trace(
    trace: "Trace", hierarchy: Hierarchy, on_progress: Callable[[float], None] | None = None
) -> HierarchyCounts:
    """Replay a trace through a hierarchy that starts empty and stays warm from kernel to kernel.

    Args:
        trace: what was captured or read. It does not say which core or SM made an access.
        hierarchy: the levels, of which the first has one unit, and the DRAM.
        on_progress: called after each batch with the fraction done, 0 to 1, by kernels.

    Raises:
        InputError: for a first level of several units, and for intervals that no trace may hold.
    """
    units = hierarchy.levels[0].units
    if units > 1:
        raise InputError(f"units {units}: a trace does not say which core or SM made an access; give 1 at the top")
    run = HierarchyReplay(hierarchy)
    for batch in batches_of(trace, on_progress):
        run.feed(batch)
    return run.result()


def _sources_of(source: Any, length: int, units: int, each: str) -> np.ndarray:
    if source is None:
        return np.zeros(length, np.int64)
    found = np.asarray(source)
    right = f"give a whole number from 0 to {units - 1} each {each}"
    if found.shape != (length,):
        raise InputError(f"source: shape {found.shape} beside {length} of these; {right}")
    if length and (found.dtype.kind not in "ui" or int(found.min()) < 0 or int(found.max()) >= units):
        raise InputError(f"source: holds what is no unit of the first level; {right}")
    return found.astype(np.int64)
