"""A trace's stream as single sector accesses, for the formats that know nothing longer."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from traces.formats.compiled import kernel
from traces.stream import Intervals
from traces.trace import Trace

LENGTH = 1 << 16  # accesses of a batch
_INTERVAL, _ROW, _SECTOR = range(3)  # where the expansion goes on


class Accesses(NamedTuple):
    """Sector accesses, in order."""

    address: np.ndarray  # uint64, the first byte accessed; the sector is the one it lies in
    write: np.ndarray  # bool
    whole: np.ndarray  # bool: all the sector's bytes are accessed
    kernel: np.ndarray  # uint32


@kernel
def _expand(batch: Intervals, bits: int, at: np.ndarray, out: Accesses) -> int:
    """Fill `out` with the accesses from `at` on; return how many there are."""
    count = 0
    one, low = np.uint64(1), np.uint64(bits)
    size = one << low
    while at[_INTERVAL] < len(batch.base) and count < len(out.address):
        i = at[_INTERVAL]
        base = batch.base[i] + np.uint64(at[_ROW]) * np.uint64(batch.stride[i])  # modulo 2**64, as it must
        last = base + (np.uint64(batch.width[i]) - one)
        first = (base >> low) + np.uint64(at[_SECTOR])
        while first <= last >> low and count < len(out.address):
            begin, end = max(base, first << low), min(last, (first << low) + (size - one))
            out.address[count] = begin
            out.write[count] = batch.write[i]
            out.whole[count] = end - begin == size - one
            out.kernel[count] = batch.kernel[i]
            count += 1
            first += one
            at[_SECTOR] += 1
        if first > last >> low:
            at[_SECTOR] = 0
            at[_ROW] += 1
            if at[_ROW] >= batch.rows[i]:
                at[_ROW] = 0
                at[_INTERVAL] += 1
    return count


def accesses(trace: Trace) -> Iterator[Accesses]:
    """Yield a trace's sector accesses, in batches of at most LENGTH."""
    bits = trace.header.sector_bytes.bit_length() - 1
    for batch in trace.batches():
        ready = Intervals(*(np.require(column, requirements=["C", "W"]) for column in batch))
        at = np.zeros(3, np.int64)
        while at[_INTERVAL] < len(ready.base):
            out = Accesses(*(np.empty(LENGTH, kind) for kind in (np.uint64, np.bool_, np.bool_, np.uint32)))
            count = _expand(ready, bits, at, out)
            yield Accesses(*(column[:count] for column in out))
