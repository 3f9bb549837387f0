"""What stack distances say: misses, write-backs and DRAM traffic of fully associative LRU caches of every capacity."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from circuits.errors import InputError
from hwmodel.cache import stack
from hwmodel.cache.config import SECTOR_BYTES

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Distances:
    """Accesses by stack distance, and the dirty lines and sectors of each capacity.

    Attributes:
        line: bytes of a line.
        sector: 32 for sectored caches, None for caches that fill whole lines.
        lines: distinct lines; a cache of so many misses only what every cache misses.
        reads, writes: accesses by distance d, shape (lines,), int64: they hit in caches of more than d lines. d is the
            number of other lines since the line's last access; for sectored caches the most of these numbers since the
            sector came.
        cold_reads, cold_writes: accesses that miss whatever the capacity.
        writebacks, writeback_sectors: dirty lines evicted and, where sectored, dirty sectors in them, for capacities of
            0, 1, ... lines; shape (lines + 1,), the last for all larger ones too.
        dirty_lines_left, dirty_sectors_left: those still there at the end, likewise.
    """

    line: int
    sector: int | None
    lines: int
    reads: np.ndarray
    writes: np.ndarray
    cold_reads: int
    cold_writes: int
    writebacks: np.ndarray
    dirty_lines_left: np.ndarray
    writeback_sectors: np.ndarray
    dirty_sectors_left: np.ndarray

    @property
    def accesses(self) -> int:
        return int(self.reads.sum() + self.writes.sum()) + self.cold_reads + self.cold_writes

    def curve(self, capacities: Sequence[int] | np.ndarray | None = None) -> "pd.DataFrame":
        """Return misses, write-backs and DRAM's sectors, a row a capacity, as the replay counts them.

        Args:
            capacities: numbers of lines, from 1; None for every one from 1 to the number of distinct lines.

        Columns: capacity_bytes, lines, accesses, read_misses, write_misses, miss_ratio, writebacks, dram_read_sectors,
        dram_write_sectors, dirty_lines_left and, where sectored, dirty_sectors_left.

        Raises:
            InputError: for capacities that are no positive whole numbers.
        """
        import pandas as pd

        sizes = np.arange(1, self.lines + 1) if capacities is None else np.asarray(capacities)
        if sizes.size and (sizes.dtype.kind not in "ui" or sizes.ndim != 1 or sizes.min() < 1):
            raise InputError("capacities: not a flat list of positive whole numbers; give numbers of lines")
        sizes = sizes.astype(np.int64)
        within = np.minimum(sizes, self.lines)
        reads = self.cold_reads + beyond(self.reads)[within]
        writes = self.cold_writes + beyond(self.writes)[within]
        whole = self.line // SECTOR_BYTES
        sectored = self.sector is not None
        columns = {
            "capacity_bytes": sizes * self.line,
            "lines": sizes,
            "accesses": self.accesses,
            "read_misses": reads,
            "write_misses": writes,
            "miss_ratio": (reads + writes) / max(self.accesses, 1),
            "writebacks": self.writebacks[within],
            "dram_read_sectors": reads if sectored else (reads + writes) * whole,
            "dram_write_sectors": self.writeback_sectors[within] if sectored else self.writebacks[within] * whole,
            "dirty_lines_left": self.dirty_lines_left[within],
        }
        return pd.DataFrame(columns | ({"dirty_sectors_left": self.dirty_sectors_left[within]} if sectored else {}))


def beyond(counts: np.ndarray) -> np.ndarray:
    """Return how many lie at or beyond each place: shape (places + 1,), the last 0."""
    return np.concatenate([np.cumsum(counts[::-1])[::-1], np.zeros(1, np.int64)])


def distances_of(now: stack.Stack, line: int) -> Distances:
    """Return what the accesses so far say, were they all."""
    stack.close_ranks(now)
    lines = int(now.clock[stack.LINES])
    order = now.owner[:lines]  # of all lines, the latest used last
    depth = np.arange(lines - 1, -1, -1)
    level = now.level[order]
    writebacks, left = _settled(now.change, np.where(level > 0, level, stack.NEVER), depth)
    sectors = len(now.dirty) // len(now.last)
    dirty = now.dirty.reshape(-1, sectors)[order] if sectors else np.empty((lines, 0), np.int32)
    writeback_sectors, sectors_left = _settled(now.sector_change, dirty.ravel(), np.repeat(depth, sectors))
    return Distances(
        line, SECTOR_BYTES if sectors else None, lines, now.distances[0, :lines].copy(),
        now.distances[1, :lines].copy(), int(now.cold[0]), int(now.cold[1]), writebacks[: lines + 1], left[: lines + 1],
        writeback_sectors[: lines + 1], sectors_left[: lines + 1],
    )  # fmt: skip


def _settled(change: np.ndarray, level: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (evicted, left) by capacity: dirty from capacity `level` on, and evicted from up to `depth` lines."""
    length = len(change)
    gone = level <= depth
    change = change + np.bincount(level[gone], minlength=length) - np.bincount(depth[gone] + 1, minlength=length)
    left = np.maximum(level, depth + 1)[level != stack.NEVER]
    return np.cumsum(change), np.cumsum(np.bincount(left, minlength=length))
