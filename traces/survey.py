"""One pass over intervals that checks them and counts their sectors, kernel by kernel."""

from pathlib import Path
from typing import Any

import numpy as np

from traces import stream
from traces.compiled import inner, kernel, stamp_of
from traces.errors import InputError
from traces.stream import COLUMNS, Intervals
from traces.trace import Totals, Trace

MAX_SECTORS = 1 << 40  # of one interval: 32 TiB, above any memory; keeps the counts within 64 bits

FAULTS = (
    "",
    "has no rows",
    "has rows without bytes",
    "names a kernel the trace has not",
    "names a tensor the trace has not",
    "reaches below address 0 or beyond 2**64 - 1",
    f"holds more than {MAX_SECTORS} sectors",
)


_STAMP = stamp_of(Path(__file__), Path(stream.__file__))


@kernel(_STAMP, _nrt=False)
def _fits(base: Any, stride: Any, rows: Any, width: Any) -> bool:
    top = np.uint64(0xFFFFFFFFFFFFFFFF) - (np.uint64(width) - np.uint64(1))
    if base > top:
        return False
    steps = np.uint64(rows) - np.uint64(1)
    if stride == 0 or steps == 0:
        return True
    if stride > 0:
        return steps <= (top - base) // np.uint64(stride)
    return steps <= base // (np.uint64(-(stride + 1)) + np.uint64(1))


@inner
def sectors_of(base: Any, stride: Any, rows: Any, width: Any, bits: Any) -> Any:
    """Return the sectors of all rows of an interval, 2**bits bytes each, for kernels to call.

    A row's first byte within its sector repeats after at most a sector's bytes of rows.
    """
    mask = (np.int64(1) << bits) - 1
    first, step = np.int64(base) & mask, stride & mask
    if step == 0:
        return (((first + width - 1) >> bits) + 1) * rows
    total, period = np.int64(0), np.int64(1)
    while (step * period) & mask:
        period *= 2
    for row in range(min(period, rows)):
        offset = (first + row * step) & mask
        total += (((offset + width - 1) >> bits) + 1) * ((rows - row + period - 1) // period)
    return total


@kernel(_STAMP, _nrt=False)
def _survey(batch: Any, tensors: Any, bits: Any, counts: Any) -> tuple[int, int]:
    """Add (intervals, sectors read, sectors written) to counts[kernel]; return the first fault and its position."""
    for i in range(len(batch.base)):
        rows, width, kernel = np.int64(batch.rows[i]), np.int64(batch.width[i]), np.int64(batch.kernel[i])
        if rows < 1:
            return 1, i
        if width < 1:
            return 2, i
        if kernel >= len(counts):
            return 3, i
        if np.int64(batch.tensor[i]) >= tensors:
            return 4, i
        if not _fits(batch.base[i], batch.stride[i], rows, width):
            return 5, i
        if rows > MAX_SECTORS // ((width >> bits) + 2):
            return 6, i
        counts[kernel, 0] += 1
        counts[kernel, 2 if batch.write[i] else 1] += sectors_of(batch.base[i], batch.stride[i], rows, width, bits)
    return 0, 0


@kernel(_STAMP)
def differences(base: Any, tensor: Any, tensors: int) -> Any:
    """Return each base address less the one before it of the same tensor, modulo 2**64, as int64.

    Args:
        base: uint64, shape (n,).
        tensor: below `tensors`, shape (n,).
        tensors: number of tensors; the first interval of each is taken from address 0.
    """
    before = np.zeros(tensors, np.uint64)
    out = np.empty(len(base), np.int64)
    for i in range(len(base)):
        out[i] = np.int64(base[i] - before[tensor[i]])
        before[tensor[i]] = base[i]
    return out


@kernel(_STAMP)
def sums(delta: Any, tensor: Any, tensors: int) -> Any:
    """Return the base addresses, uint64, whose `differences` are `delta`."""
    at = np.zeros(tensors, np.uint64)
    out = np.empty(len(delta), np.uint64)
    for i in range(len(delta)):
        at[tensor[i]] += np.uint64(delta[i])
        out[i] = at[tensor[i]]
    return out


class Survey:
    """Checks batches against a trace's tables and adds up what they hold.

    Args:
        tensors: number of the trace's tensors.
        kernels: number of its kernels.
        sector_bytes: a power of two.
    """

    def __init__(self, tensors: int, kernels: int, sector_bytes: int) -> None:
        self._tensors = tensors
        self._bits = sector_bytes.bit_length() - 1
        self._batch = np.zeros((kernels, 3), np.int64)
        self._counts = [[0] * kernels for _ in range(3)]

    def add(self, batch: Intervals) -> None:
        """Check and count a batch.

        Raises:
            InputError: naming the first interval that cannot be, and why.
        """
        for (name, kind), column in zip(COLUMNS.items(), batch, strict=True):
            if column.dtype != kind or column.shape != batch.base.shape or column.ndim != 1:
                raise InputError(f"column {name}: {column.dtype} of shape {column.shape}; give {np.dtype(kind)}, flat")
        self._batch[:] = 0
        fault, position = _survey(batch, self._tensors, self._bits, self._batch)
        if fault:
            interval = ", ".join(f"{name} {column[position]}" for name, column in zip(COLUMNS, batch, strict=True))
            raise InputError(f"interval ({interval}) {FAULTS[fault]}")
        for number in np.flatnonzero(self._batch[:, 0]):
            for count, more in zip(self._counts, self._batch[number], strict=True):
                count[number] += int(more)

    def totals(self) -> Totals:
        """Return the counts so far."""
        return Totals(*(list(count) for count in self._counts))


def count(trace: Trace) -> Totals:
    """Return the totals of a trace, from the file it was read from or by running through its stream.

    Raises:
        InputError: where the stream holds an interval that cannot be.
    """
    if trace.totals is not None:
        return trace.totals
    survey = Survey(len(trace.tensors), len(trace.kernels), trace.header.sector_bytes)
    for batch in trace.batches():
        survey.add(batch)
    return survey.totals()
