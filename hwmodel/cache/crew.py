"""Python's side of a replay by several threads: memory, shares, and waiting. See hwmodel.cache.parallel."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from hwmodel.cache import parallel
from hwmodel.cache.block import BLOCK, Block
from hwmodel.cache.config import SECTOR_BYTES
from hwmodel.cache.parallel import ENDLESS, RING, TOTAL, WORDS, Ring
from hwmodel.cache.records import SETS, WIDE, Caches
from hwmodel.cache.signals import STEP
from traces.stream import Intervals

LEAST = 16 * BLOCK  # accesses, or intervals, below which one thread is as fast
_SIZE = 8 * BLOCK  # of a chunk, records


class Crew:
    """Threads that replay a stream together.

    Args:
        threads: at least 2.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._blocks = [Block.empty(_SIZE) for _ in range(threads)]
        self._blocks = [block._replace(at=self._blocks[0].at) for block in self._blocks]
        self._rings: dict[tuple[int, ...], Ring] = {}
        self._words = np.zeros((WORDS, max(threads, RING) * STEP), np.int64)
        self._pool = ThreadPoolExecutor(threads - 1, "replay")
        self._stopped = False

    def addresses(
        self, address: np.ndarray, is_write: np.ndarray, line_bits: int, joined: bool, limit: np.uint64,
        members: np.ndarray, caches: Caches, accesses: np.ndarray,
    ) -> int:  # fmt: skip
        """Do as hwmodel.cache.records.feed_addresses does from the first access on."""
        settled, shares, ring = self._shares(members, caches)
        misses, counts = self._counters(caches.misses), self._counters(accesses)

        def work(thread: int) -> bool:
            stream = [thread, self.threads, address, is_write, line_bits, joined, limit, settled, *shares[thread]]
            own = self._blocks[thread], ring, caches, misses[thread], counts[thread], self._words
            return parallel.work_on_addresses(*[*stream, *own])

        self._together(work, misses, counts)
        return min(int(self._words[TOTAL, 0]) * _SIZE, len(address))

    def intervals(
        self, columns: tuple[np.ndarray, ...], line_bits: int, members: np.ndarray, caches: Caches, accesses: np.ndarray
    ) -> None:
        """Do as hwmodel.cache.records.feed_intervals does."""
        settled, shares, ring = self._shares(members, caches)
        misses, counts = self._counters(caches.misses), self._counters(accesses)
        self._blocks[0].at[:] = 0

        def work(thread: int) -> bool:
            stream = [thread, self.threads, *columns, line_bits, settled, *shares[thread]]
            own = self._blocks[thread], ring, caches, misses[thread], counts[thread], self._words
            return parallel.work_on_intervals(*[*stream, *own])

        self._together(work, misses, counts)

    def _shares(self, members: np.ndarray, caches: Caches) -> tuple[np.ndarray, list[Any], Ring]:
        """Return the caches that are settled, each thread's caches and parts, and the ring.

        Caches are dealt out evenly, and what is left is settled, in as many parts as there are threads; but where all
        are, in half as many, since to make chunks and to settle them is then half of the work.
        """
        order = members[np.argsort(-caches.shape[members, SETS], kind="stable")]
        even = len(order) // self.threads * self.threads
        settled, parts = order[even:], self.threads
        if not even:
            parts = max(self.threads // 2 // len(settled), 1)
        shape = (len(settled), parts, bool(caches.shape[settled, WIDE].any())) if len(settled) else (0, 1, False)
        if shape not in self._rings:
            self._rings[shape] = Ring.empty(*[*shape, _SIZE])
        shares = _dealt(order[:even], self.threads), _dealt(np.arange(len(settled) * parts), self.threads)
        return settled, list(zip(*shares, strict=True)), self._rings[shape]

    def _counters(self, counts: np.ndarray) -> list[np.ndarray]:
        """Return each thread's own counters, the first's being what all are added to."""
        return [counts, *(np.zeros_like(counts) for _ in range(1, self.threads))]

    def _together(self, work: Callable[[int], bool], *counters: list[np.ndarray]) -> None:
        """Let all threads work until each is done, and add up; `work` returns false where it would have to wait."""
        self._words[:] = 0
        self._words[TOTAL, 0] = ENDLESS
        self._stopped = False
        pause = getattr(os, "sched_yield", lambda: time.sleep(0))

        def until_done(thread: int) -> None:
            try:
                while not self._stopped and not work(thread):
                    pause()
            except BaseException:
                self._stopped = True
                raise

        others = [self._pool.submit(until_done, thread) for thread in range(1, self.threads)]
        try:
            until_done(0)
        finally:
            for other in others:
                other.result()
        for total, *rest in counters:
            for one in rest:
                total += one


def much(part: Intervals) -> bool:
    """Return whether intervals are work enough for several threads."""
    if len(part.base) >= LEAST:
        return True
    return float(part.rows.astype(np.float64) @ part.width) >= LEAST * SECTOR_BYTES


def _dealt(items: np.ndarray, hands: int) -> list[np.ndarray]:
    """Return items, the largest first, dealt out there and back again, so that no hand has the larger of each turn."""
    there = np.arange(len(items)) % (2 * hands)
    hand = np.minimum(there, 2 * hands - 1 - there)
    return [items[hand == one] for one in range(hands)]
