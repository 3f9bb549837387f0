"""What a stream of accesses takes in a banked cache, where slow writes hold up what comes behind them in their bank.

The sum of latencies that DeepNVM++ charges (hwmodel.gpu.accounting) has every access wait for the one before. Here
banks work side by side, writes may wait in buffers, misses overlap. See hwmodel.cache.banks for the recurrence.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.errors import InputError
from hwmodel.cache import banks
from hwmodel.cache.accesses import CHUNK, accesses_of
from hwmodel.cache.banked import FS, MOST_S, BankedCache
from hwmodel.cache.config import CacheConfig
from hwmodel.cache.outcomes import Cache, Outcomes, replay_outcomes
from hwmodel.cache.progress import batches_of

if TYPE_CHECKING:
    from traces.trace import Trace

ASSUMPTIONS = (
    "A bank serves one access at a time, first come, first served; tags are looked up in order and hold up nothing.",
    "A line's bank is drawn by the hash that spreads lines over slices; a victim lies in the bank of what evicts it.",
    "Accesses are issued in order, and none before the one `outstanding` places ahead of it is done.",
    "What DRAM fetches is handed on at once and written into its bank; what is asked for meanwhile waits for it.",
    "DRAM is a pipe of one latency and one bandwidth, in order; its banks, rows and turnarounds are left out.",
    "A read of what a write buffer holds is done at once; a dirty victim is read from its bank all the same.",
)


class Timing:
    """The time of accesses whose outcomes are known, fed part by part.

    Args:
        config: the cache they went through.
        cache: its banks.
    """

    def __init__(self, config: CacheConfig, cache: BankedCache) -> None:
        self.config, self.cache = config, cache
        self._figures = cache.figures(config)
        self._free_writes = self._figures.copy()  # the same machine, whose writes keep no bank
        self._free_writes[[banks.WRITE, banks.WRITE_CYCLE]] = 0
        self._state = banks.Banks.idle(cache.banks, cache.outstanding)
        self._other = banks.Banks.idle(cache.banks, cache.outstanding)

    def feed(self, part: Outcomes, not_before_s: Any = None) -> None:
        """Serve accesses.

        Args:
            part: what they found.
            not_before_s: seconds from the start before which each may not be issued, ascending or not, shape
                (accesses,); None where only the interval and what is outstanding hold them back.

        Raises:
            InputError: for times that are negative, too large or of another shape, and for a total beyond an hour.
        """
        given = _femtoseconds(not_before_s, len(part.address))
        none = np.empty(0, np.int64)
        for at in range(0, len(part.address), CHUNK):
            here = slice(at, at + CHUNK)
            address, write = _plain(part.address[here], np.uint64), _plain(part.write[here], np.bool_)
            fetched, written = _plain(part.fetched[here], np.uint8), _plain(part.written[here], np.uint8)
            columns = address, write, fetched, written, given[here]
            self._state = banks.serve(*columns, self._figures, self._state, none, none)
            self._other = banks.serve(*columns, self._free_writes, self._other, none, none)
            if self._state.clock[[banks.LAST, banks.PIPE]].max() > MOST_S * FS:
                raise InputError(f"accesses: they take more than {MOST_S:g} s; give fewer, or a faster cache")

    def result(self) -> dict[str, Any]:
        """Return what the accesses so far took, were they all.

        accesses, reads, writes, misses (accesses that fetch), merged (accesses that found theirs under way), forwarded
        (reads served from write buffers); time_s, until the last access, fill and buffered write is done; write_time_s,
        by how much that is longer than for writes that keep no bank; naive_time_s, accesses times latency, as
        hwmodel.gpu.accounting's cache_time_s;
        read_latency_mean_s, _p50_s, _p95_s, _p99_s (to 0.4 %) and _max_s, from issue to data; utilisation (mean over
        banks), utilisation_max, dram_utilisation, bank_utilisation (each); assumptions.
        """
        state, other = self._state.copy(), self._other.copy()
        banks.finish(self._figures.copy(), state)
        banks.finish(self._free_writes.copy(), other)
        counts, time = state.counts, int(state.clock[banks.LAST])
        reads, writes = int(counts[banks.READS]), int(counts[banks.WRITES])
        busy = state.busy / time if time else np.zeros(len(state.busy))
        moved = int(counts[banks.SECTORS]) * int(self._figures[banks.DRAM_SECTOR])
        row: dict[str, Any] = {
            "accesses": reads + writes,
            "reads": reads,
            "writes": writes,
            "misses": int(counts[banks.MISSES]),
            "merged": int(counts[banks.MERGED]),
            "forwarded": int(counts[banks.FORWARDED]),
            "time_s": time / FS,
            "write_time_s": (time - int(other.clock[banks.LAST])) / FS,
            "naive_time_s": reads * self.cache.read_latency_s + writes * self.cache.write_latency_s,
            "read_latency_mean_s": float(state.waits[0]) / reads / FS if reads else None,
        }
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            row[f"read_latency_{name}_s"] = _quantile(state.bins, share) / FS if reads else None
        return row | {
            "read_latency_max_s": int(state.clock[banks.LONGEST]) / FS if reads else None,
            "utilisation": float(busy.mean()),
            "utilisation_max": float(busy.max()),
            "dram_utilisation": moved / time if time else 0.0,
            "bank_utilisation": busy.tolist(),
            "assumptions": list(ASSUMPTIONS),
        }


def time_accesses(
    address: Any, is_write: Any, config: CacheConfig, cache: BankedCache, not_before_s: Any = None
) -> dict[str, Any]:
    """Return what sector accesses take that find a cache empty; see Timing.result.

    Args:
        address: byte addresses, whole numbers from 0, shape (accesses,).
        is_write: booleans, or 0 and 1, of the same shape.
        config: the cache.
        cache: its banks.
        not_before_s: seconds from the start before which each may not be issued.

    Raises:
        InputError: for addresses, kinds and times that cannot be, and arrays that do not match.
    """
    run = Timing(config, cache)
    run.feed(replay_outcomes(address, is_write, config), not_before_s)
    return run.result()


def time_trace(
    trace: "Trace", config: CacheConfig, cache: BankedCache, on_progress: Callable[[float], None] | None = None
) -> dict[str, Any]:
    """Return what a trace's accesses take, kernels one after another without a pause; see Timing.result.

    Args:
        trace: what was captured or read.
        config: the cache.
        cache: its banks.
        on_progress: called after each batch with the fraction done, 0 to 1, by kernels.

    Raises:
        InputError: for intervals that no trace may hold, and a total beyond an hour.
    """
    return time_caches(trace, config, [cache], on_progress)[0]


def time_caches(
    trace: "Trace", config: CacheConfig, caches: Sequence[BankedCache],
    on_progress: Callable[[float], None] | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return what a trace's accesses take in each of several caches that hit and miss alike, as time_trace does."""
    runs, hits = [Timing(config, cache) for cache in caches], Cache(config)
    for batch in batches_of(trace, on_progress):
        for part in accesses_of(batch):
            found = hits.feed(part)
            for run in runs:
                run.feed(found)
    return [run.result() for run in runs]


def _plain(column: np.ndarray, kind: type[np.generic]) -> np.ndarray:
    return np.require(column, kind, ["C", "A", "W"])


def _femtoseconds(times_s: Any, length: int) -> np.ndarray:
    if times_s is None:
        return np.empty(0, np.int64)
    right = f"give {length} times in seconds from 0 to {MOST_S:g}"
    try:
        found = np.asarray(times_s, np.float64)
    except (ValueError, TypeError):
        raise InputError(f"not_before_s: not a flat array of numbers; {right}") from None
    if found.shape != (length,):
        raise InputError(f"not_before_s: shape {found.shape} beside {length} accesses; {right}")
    if length and not (found.min() >= 0 and found.max() <= MOST_S):
        raise InputError(f"not_before_s: holds what is no time; {right}")
    return np.rint(found * FS).astype(np.int64)


def _quantile(bins: np.ndarray, share: float) -> float:
    """Return a quantile of binned times, in the middle of its bin."""
    up_to = np.cumsum(bins)
    place = int(np.searchsorted(up_to, max(np.ceil(share * up_to[-1]), 1)))
    low, high = banks.bin_bounds()[place : place + 2]
    return float(low + high - 1) / 2
