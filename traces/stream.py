"""The stream that reaches a last-level cache, as intervals: rows of bytes at a constant stride.

An interval is `rows` rows of `width` bytes; row i starts at byte address `base + i * stride`. It stands for one
access to each sector a row overlaps, rows in order, sectors of a row in ascending order. A written sector that a row
covers only in part keeps its other bytes (a byte mask), so it cannot serve a later read without a fetch.

Intervals travel in batches (`Intervals`): arrays of equal length, one entry an interval, in the order the cache
sees them.
"""

from typing import NamedTuple, Self

import numpy as np

SECTOR_BYTES = 32

# Column by column: what a batch holds, and what the trace container stores.
COLUMNS: dict[str, type[np.generic]] = {
    "base": np.uint64,  # byte address of the first row
    "stride": np.int64,  # bytes from a row to the next
    "rows": np.uint32,  # at least 1
    "width": np.uint32,  # bytes of a row, at least 1
    "write": np.bool_,  # written, else read
    "tensor": np.uint32,  # index into the trace's tensors
    "kernel": np.uint32,  # index into the trace's kernels
}


class Intervals(NamedTuple):
    """A batch of intervals: arrays of one length, typed as `COLUMNS` says."""

    base: np.ndarray
    stride: np.ndarray
    rows: np.ndarray
    width: np.ndarray
    write: np.ndarray
    tensor: np.ndarray
    kernel: np.ndarray

    @classmethod
    def empty(cls, length: int) -> Self:
        """Return a batch of `length` intervals, not initialised, to be filled by a kernel."""
        return cls(*(np.empty(length, dtype) for dtype in COLUMNS.values()))

    def part(self, start: int, stop: int) -> Self:
        """Return the intervals from `start` to `stop` as views."""
        return type(self)(*(column[start:stop] for column in self))
