"""Every capacity at once, exactly, from LRU stack distances.

For caches that fill whole lines (CacheConfig without `sector`): a sector's own fills do not follow from its line's
distances.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.errors import InputError
from hwmodel.cache import stack
from hwmodel.cache.accesses import accesses_of, parts_of
from hwmodel.cache.config import LINES
from hwmodel.cache.set_reuse import SetReuse, beyond
from traces.stream import Intervals

if TYPE_CHECKING:
    import pandas as pd

    from traces.trace import Trace

_FIRST_LINES = 1 << 12
_MOST_LINES = 1 << 28  # moments are int32


class Reuse:
    """Stack distances of accesses fed piece by piece; memory is some 70 B a distinct line.

    Args:
        line: bytes of a line: 32, 64, 128 or 256.

    Raises:
        InputError: for another line.
    """

    def __init__(self, line: int = 128) -> None:
        if line not in LINES:
            raise InputError(f"line {line!r}: give 32, 64, 128 or 256 bytes")
        self.line = int(line)
        self._stack = stack.Stack.empty(_FIRST_LINES)

    def feed(self, batch: Intervals) -> None:
        """Take in a batch of intervals.

        Raises:
            InputError: for intervals that cannot be, and for more distinct lines than memory holds.
        """
        for part in accesses_of(batch):
            self._follow(part.address, part.write)

    def feed_addresses(self, address: Any, is_write: Any) -> None:
        """Take in sector accesses given as byte addresses and kinds (true for a write).

        Raises:
            InputError: for addresses that are no whole numbers from 0, kinds that are not true or false, and lengths
                that differ.
        """
        for part, kinds in parts_of(address, is_write):
            self._follow(part, kinds)

    def _follow(self, address: np.ndarray, write: np.ndarray) -> None:
        done = 0
        while True:
            done += stack.follow(address[done:], write[done:], self.line.bit_length() - 1, self._stack)
            if done == len(address):
                return
            room = 2 * len(self._stack.last)
            if room > _MOST_LINES:
                raise InputError(f"line {self.line}: more than {_MOST_LINES} distinct lines; give a longer line")
            try:
                self._stack = self._stack.grown()
            except MemoryError:
                raise InputError(f"line {self.line}: no memory for {room} distinct lines; give a longer line") from None

    def result(self) -> "Distances":
        """Return what the accesses so far give."""
        now = self._stack
        stack.close_ranks(now)
        lines = int(now.clock[stack.LINES])
        level = now.level[now.owner[:lines]].astype(np.int64)  # of all lines, the latest used last
        depth = np.arange(lines - 1, -1, -1)
        change = now.change[: lines + 2].copy()
        gone = (level > 0) & (level <= depth)  # dirty where too small to hold the line still
        np.add.at(change, level[gone], 1)
        np.add.at(change, depth[gone] + 1, -1)
        left = np.bincount(np.maximum(level, depth + 1)[level > 0], minlength=lines + 1)
        return Distances(
            self.line,
            now.distances[0, :lines].copy(),
            now.distances[1, :lines].copy(),
            int(now.cold[0]),
            int(now.cold[1]),
            np.cumsum(change)[: lines + 1],
            np.cumsum(left)[: lines + 1],
        )


class Distances:
    """Accesses by stack distance, and what fully associative LRU caches of every capacity make of them.

    Attributes:
        line: bytes of a line.
        reads, writes: accesses of a line after d other lines, shape (distinct lines,), int64, d from 0.
        cold_reads, cold_writes: accesses of lines not seen before.
        writebacks, dirty_lines_left: dirty lines evicted, and still there at the end, for capacities of 0, 1, ...
            lines; shape (distinct lines + 1,), the last for all larger ones too.
    """

    def __init__(
        self, line: int, reads: np.ndarray, writes: np.ndarray, cold_reads: int, cold_writes: int,
        writebacks: np.ndarray, dirty_lines_left: np.ndarray,
    ) -> None:  # fmt: skip
        self.line, self.reads, self.writes = line, reads, writes
        self.cold_reads, self.cold_writes = cold_reads, cold_writes
        self.writebacks, self.dirty_lines_left = writebacks, dirty_lines_left

    @property
    def lines(self) -> int:
        """Distinct lines: a cache of so many misses only what it never saw."""
        return self.cold_reads + self.cold_writes

    @property
    def accesses(self) -> int:
        return int(self.reads.sum() + self.writes.sum()) + self.lines

    def curve(self, capacities: Sequence[int] | np.ndarray | None = None) -> "pd.DataFrame":
        """Return misses and write-backs, a row a capacity.

        Args:
            capacities: numbers of lines, from 1; None for every one from 1 to the number of distinct lines.

        Columns: capacity_bytes, lines, read_misses, write_misses, miss_ratio, writebacks, dirty_lines_left.

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
        return pd.DataFrame(
            {
                "capacity_bytes": sizes * self.line,
                "lines": sizes,
                "read_misses": reads,
                "write_misses": writes,
                "miss_ratio": (reads + writes) / max(self.accesses, 1),
                "writebacks": self.writebacks[within],
                "dirty_lines_left": self.dirty_lines_left[within],
            }
        )


def reuse_distances(address: Any, line: int = 128, is_write: Any = None) -> Distances:
    """Return the LRU stack distances of sector accesses.

    Args:
        address: byte addresses, whole numbers from 0, shape (accesses,).
        line: bytes of a line: 32, 64, 128 or 256.
        is_write: booleans, or 0 and 1, of the same shape; None where all are reads.

    Raises:
        InputError: for addresses, kinds and lines that cannot be, and arrays that do not match.
    """
    run = Reuse(line)
    run.feed_addresses(address, is_write)
    return run.result()


def feed_trace(trace: "Trace", into: Reuse | SetReuse, on_progress: Callable[[float], None] | None = None) -> None:
    """Take in a whole trace.

    Args:
        trace: what was captured or read.
        into: Reuse(line) or SetReuse(sets, line, index).
        on_progress: called after each batch with the fraction done, 0 to 1, by kernels.

    Raises:
        InputError: for intervals that no trace may hold, and for more distinct lines than memory holds.
    """
    done = 0.0
    for batch in trace.batches():
        into.feed(batch)
        if on_progress is not None and len(batch.kernel) and trace.kernels:
            done = max(done, min(int(batch.kernel[-1]) / len(trace.kernels), 1.0))
            on_progress(done)
    if on_progress is not None:
        on_progress(1.0)
