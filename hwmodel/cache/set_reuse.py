"""Every associativity at once, exactly, from LRU stack depths within sets; for caches that fill whole lines."""

from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.errors import InputError
from hwmodel.cache import set_stack
from hwmodel.cache.accesses import Accesses, accesses_of, parts_of
from hwmodel.cache.config import INDICES, MAX_WAYS, CacheConfig
from hwmodel.cache.distances import beyond
from hwmodel.cache.index import remainders
from traces.stream import Intervals

if TYPE_CHECKING:
    import pandas as pd


class SetReuse:
    """Every associativity from 1 to 64 of one number of sets, in one pass.

    Args:
        sets: sets of each cache, any whole number, or a power of two for `xor` and `ipoly`.
        line: bytes of a line.
        index: how a line's set is chosen, see CacheConfig.

    Raises:
        InputError: for what CacheConfig refuses.
    """

    def __init__(self, sets: int, line: int = 128, index: str = "hashed") -> None:
        if isinstance(sets, bool) or not isinstance(sets, (int, np.integer)) or sets < 1:
            raise InputError(f"sets {sets!r}: give a positive whole number")
        self.config = CacheConfig(int(sets) * MAX_WAYS * int(line), MAX_WAYS, line, index)
        self._tags = np.zeros(self.config.stored_slots, np.uint64)
        self._levels = np.zeros(self.config.stored_slots, np.uint8)
        self._table = remainders(self.config.sets if index == "ipoly" else 1)
        self._depths = np.zeros((2, MAX_WAYS + 1), np.int64)
        self._change = np.zeros(MAX_WAYS + 2, np.int64)
        self._line, self._quotients = np.empty(set_stack.BLOCK, np.uint64), np.empty(set_stack.BLOCK, np.uint64)
        self._places = np.empty(set_stack.BLOCK, np.uint32)

    def feed(self, batch: Intervals) -> None:
        """Take in a batch of intervals; raises InputError for intervals that cannot be."""
        for part in accesses_of(batch):
            self._follow(part)

    def feed_addresses(self, address: Any, is_write: Any) -> None:
        """Take in sector accesses given as byte addresses and kinds; raises InputError as Reuse does."""
        for part in parts_of(address, is_write):
            self._follow(part)

    def _follow(self, part: Accesses) -> None:
        set_stack.follow_sets(
            part.address, part.write, self.config.line.bit_length() - 1, self.config.sets,
            INDICES.index(self.config.index), self._table, self._line, self._places, self._quotients, self._tags,
            self._levels, self._depths, self._change,
        )  # fmt: skip

    def result(self) -> "pd.DataFrame":
        """Return a row for each number of ways, 1 to 64.

        Columns: capacity_bytes, ways, line_bytes, index, accesses, read_misses, write_misses, miss_ratio, writebacks,
        dirty_lines_left.
        """
        import pandas as pd

        level = self._levels.astype(np.int64)
        depth = np.arange(len(level)) % MAX_WAYS
        dirty = level > 0
        gone = dirty & (level <= depth)
        change = self._change.copy()
        change += np.bincount(level[gone], minlength=len(change))
        change -= np.bincount(depth[gone] + 1, minlength=len(change))
        left = np.bincount(np.maximum(level, depth + 1)[dirty], minlength=MAX_WAYS + 1)
        ways = np.arange(1, MAX_WAYS + 1)
        accesses = int(self._depths.sum())
        reads, writes = (beyond(kind)[1:-1] for kind in self._depths)
        return pd.DataFrame(
            {
                "capacity_bytes": ways * self.config.sets * self.config.line,
                "ways": ways,
                "line_bytes": self.config.line,
                "index": self.config.index,
                "accesses": accesses,
                "read_misses": reads,
                "write_misses": writes,
                "miss_ratio": (reads + writes) / max(accesses, 1),
                "writebacks": np.cumsum(change)[ways],
                "dirty_lines_left": np.cumsum(left)[ways],
            }
        )
