"""What was extrapolated instead of replayed: how much, what it is taken to have counted, how wrong that may be."""

import numpy as np

from hwmodel.cache.config import CacheConfig
from hwmodel.cache.lru import COUNTERS, WRITEBACKS

# Of the lines dirty in a cache at the end of a skip: those that may be clean in truth, or others in their place.
UNSURE = 1 / 32


class Certificate:
    """Estimates, their bounds and the accesses they stand for, by cache, row and counter of hwmodel.cache.lru."""

    def __init__(self, caches: int, rows: int) -> None:
        self._found = np.zeros((caches, rows, COUNTERS))
        self._bound = np.zeros((caches, rows, COUNTERS))
        self._unsure = np.zeros((caches, rows, COUNTERS))
        self._skipped = np.zeros((caches, rows), np.int64)

    def extend(self, more: int) -> None:
        """Make room for `more` rows."""
        wide = (0, 0), (0, more), (0, 0)
        self._found, self._bound, self._unsure = (
            np.pad(counts, wide) for counts in (self._found, self._bound, self._unsure)
        )
        self._skipped = np.pad(self._skipped, wide[:2])

    def skip(self, caches: np.ndarray, row: int, accesses: int) -> None:
        """Note that `caches` (bool, a place each) did not see so many accesses of a row."""
        self._skipped[caches, row] += accesses

    def add(self, caches: "np.ndarray | slice | int", row: int, found: np.ndarray, bound: "np.ndarray | float") -> None:
        """Add what caches are taken to have counted, and by how much that may be wrong, both (caches, COUNTERS)."""
        self._found[caches, row] += found
        self._bound[caches, row] += bound

    def unsure(self, cache: int, row: int, dirty: np.ndarray) -> None:
        """Allow for lines and sectors that are taken for dirty, (2,).

        What is wrongly dirty, or clean, at one time is written back later, or was earlier: a row's allowance is its
        largest, not the sum.
        """
        here = self._unsure[cache, row, WRITEBACKS:]
        here[:] = np.maximum(here, dirty * UNSURE)

    def settled(self, counts: np.ndarray) -> np.ndarray:
        """Return counts, uint64 (caches, rows, COUNTERS), with all that was extrapolated; that is not added again."""
        whole = np.maximum(np.rint(self._found).astype(np.int64), -counts.astype(np.int64))
        self._found -= whole
        return (counts.astype(np.int64) + whole).astype(np.uint64)

    def of(self, number: int, row: int, config: CacheConfig) -> dict[str, int]:
        """Return the columns that a cache's row has of it; differences are of either sign and at most the bounds."""
        bound = np.ceil(self._bound[number, row] + self._unsure[number, row]).astype(np.int64).tolist()
        reads, writes, writebacks, sectors = bound
        whole, lines = config.sector is None, config.sectors_per_line
        return {
            "extrapolated_accesses": int(self._skipped[number, row]),
            "read_misses_bound": reads,
            "write_misses_bound": writes,
            "writebacks_bound": writebacks,
            "dram_read_sectors_bound": (reads + writes) * lines if whole else reads,
            "dram_write_sectors_bound": writebacks * lines if whole else sectors,
        }
