"""What a GPU's last-level cache makes of a trace, kernel by kernel, as a profiler counts it: cold or warm."""

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hwmodel.cache import CacheConfig, Replay
    from traces.gpus import Gpu
    from traces.stream import Intervals
    from traces.trace import Trace

# Our quantity -> columns of a replay whose sum it is.
QUANTITIES = {
    "l2_reads": ("read_hits", "read_misses"),
    "l2_writes": ("write_hits", "write_misses"),
    "l2_read_hits": ("read_hits",),
    "dram_reads": ("dram_read_sectors",),
    "dram_writes": ("dram_write_sectors",),
}


def cache_of(gpu: "Gpu") -> "CacheConfig":
    """Return a GPU's L2 as it is replayed: sectored, with a hashed index."""
    from hwmodel.cache import CacheConfig

    return CacheConfig(gpu.l2_simulated_bytes, gpu.l2_ways, gpu.line_bytes, sector=gpu.sector_bytes)


def by_kernel(trace: "Trace", gpu: "Gpu", mode: str) -> list[dict[str, float | None]]:
    """Return the sectors of each of a trace's kernels: l2_reads, l2_writes, l2_read_hits, dram_reads, dram_writes.

    Args:
        trace: one run.
        gpu: whose L2 it goes through.
        mode: `cold`, where each kernel finds the cache empty, and what it leaves dirty is not written back; `warm`,
            where the cache holds what a run before this one and the kernels before have left.
    """
    counts = _cold(trace, gpu) if mode == "cold" else _warm(trace, gpu)
    return [dict(zip(QUANTITIES, map(float, row), strict=True)) for row in counts]


def _warm(trace: "Trace", gpu: "Gpu") -> np.ndarray:
    """Return counts, kernels x quantities: of a second run, after a first."""
    from hwmodel.cache.run import Replay

    run = Replay([cache_of(gpu)], len(trace.kernels))
    seen = []
    for _ in range(2):
        for batch in trace.batches():
            run.feed(batch)
        seen.append(_counts(run))
    return seen[1] - seen[0]


def _cold(trace: "Trace", gpu: "Gpu") -> np.ndarray:
    """Return counts, kernels x quantities: each kernel through a cache of its own."""
    from hwmodel.cache.run import Replay

    config = cache_of(gpu)
    counts = np.zeros((len(trace.kernels), len(QUANTITIES)), np.int64)
    at, run = -1, None
    for batch in trace.batches():
        for kernel, part in _by_kernel(batch):
            if run is None or kernel != at:
                if run is not None:
                    counts[at] = _counts(run)[0]
                at, run = kernel, Replay([config])
            run.feed(part)
    if run is not None:
        counts[at] = _counts(run)[0]
    return counts


def _by_kernel(batch: "Intervals") -> "list[tuple[int, Intervals]]":
    """Return a batch's intervals, kernel by kernel, as views."""
    cuts = np.flatnonzero(np.diff(batch.kernel)) + 1
    bounds = [0, *cuts.tolist(), len(batch.kernel)]
    return [(int(batch.kernel[low]), batch.part(low, high)) for low, high in pairwise(bounds) if high > low]


def _counts(run: "Replay") -> np.ndarray:
    table = run.result()
    columns = [table[list(names)].to_numpy(np.int64).sum(axis=1) for names in QUANTITIES.values()]
    return np.stack(columns, axis=1)
