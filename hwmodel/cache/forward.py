"""Replay that skips what it has seen: windows of a kernel that have become steady are extrapolated, with a bound.

Each cache sees every window of a kind (hwmodel.cache.steady) until its counts are steady, then one now and then. Before
each window it is measured on, it is shown the lines that it missed meanwhile (hwmodel.cache.touched), so that it holds
what it would hold. Accesses are counted of all windows.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel.cache import lru, records, touched, waves
from hwmodel.cache.certificate import Certificate
from hwmodel.cache.config import CacheConfig
from hwmodel.cache.given import intervals_of
from hwmodel.cache.run import Replay
from hwmodel.cache.steady import Kind, Kinds, ends_of
from traces.stream import Intervals

HELD = 1 << 20  # intervals of a kernel looked at together
FEW = 8  # windows; a kernel of fewer is replayed whole
WORTH = 3  # times as many accesses as lines to show, for skipping them to be worth it
AGAIN = 1 / 64  # of accesses to sectors that came before, up to which lines shown are taken for all there was
_SECTORS = 4  # of a line of 128 B
SHOWN = 2.0  # lines that a cache is shown at most, for each that it can hold


class Forward(Replay):
    """A Replay that fast-forwards; its counts have bounds, and are complete once `result` was called.

    Args:
        configs: the caches; those that are not LRU with write-back see every access all the same.
        kernels: as of Replay.
    """

    def __init__(self, configs: Sequence[CacheConfig], kernels: int | None = None) -> None:
        super().__init__(configs, kernels)
        self._held: list[Intervals] = []
        self._length = 0
        self._kernel = -1
        self._row: dict[int, int] = {}  # of a kernel
        self._waves = waves.started()
        self._again = np.inf  # accesses to a sector that the kernel at hand touches, as far as that was seen
        self._limits = np.array([int(SHOWN * config.capacity / config.line) for config in self.configs])
        self._room = {kind: touched.Touched.room(int(self._limits[m].max())) for kind, m in self._groups.items()}
        self._unit = max(config.sector or config.line for config in self.configs)
        self._plain = np.array([config.plain for config in self.configs])
        count, rows = len(self.configs), self._caches.misses.shape[1]
        self._kinds = Kinds(count)
        self._since = np.zeros(count, np.int64)  # the first interval that a cache has neither seen nor been shown
        self._dirty = np.zeros((count, 2), np.int64)  # lines and sectors that are dirty, where they were last known
        self._shown = np.zeros((count, 1, lru.COUNTERS), np.uint64)
        self._none = np.zeros((rows, 2), np.uint64)
        self.certificate = Certificate(count, rows)
        self._steps, self._windows = np.zeros((2, HELD, waves.COLUMNS), np.int64)

    def feed(self, batch: Intervals, owner: np.ndarray | None = None) -> None:
        """Take a batch of intervals; what comes of it is counted when its kernel ends, or much of it is there.

        Args and raises: as of Replay; a kernel's intervals must count in one row.
        """
        kernels = np.asarray(batch.kernel)
        if owner is not None and len(owner):
            self._extend(int(owner.max()) + 1)
            first = np.flatnonzero(np.r_[True, kernels[1:] != kernels[:-1]])
            self._row |= dict(zip(kernels[first].tolist(), owner[first].tolist(), strict=True))
        elif self.kernels is not None and len(kernels) and int(kernels.max()) >= self.kernels:
            raise InputError(f"kernel {int(kernels.max())}: the trace has only {self.kernels} kernels")
        for part, top in intervals_of(batch):
            self._widen(top)
            edges = [0, *(np.flatnonzero(np.diff(part.kernel)) + 1).tolist(), len(part.kernel)]
            for start, stop in pairwise(edges):
                self._hold(part.part(start, stop))

    def _hold(self, part: Intervals) -> None:
        """Keep intervals of one kernel until there are enough, or another's come."""
        kernel = int(part.kernel[0])
        if kernel != self._kernel:
            self._end()
            self._kernel = kernel
        part = part._replace(kernel=np.full(len(part.base), self._at(kernel), np.uint32))
        for cache in self._fixed.values():
            cache.feed((*part[:5], part.kernel), self._block)
        start = 0
        while start < len(part.base):
            stop = start + HELD - self._length
            self._held.append(part.part(start, stop))
            self._length += len(self._held[-1].base)
            start = stop
            if self._length == HELD:
                self._work(last=False)

    def _at(self, kernel: int) -> int:
        """Return the row that a kernel counts in."""
        return self._row.get(kernel, 0 if self.kernels is None else kernel)

    def _end(self) -> None:
        """Finish the kernel at hand."""
        if self._length:
            self._work(last=True)
        for kind in self._kinds.all:
            self.certificate.add(slice(None), self._at(self._kernel), *kind.closed())
        self._kinds, self._waves = Kinds(len(self.configs)), waves.started()
        self._again = np.inf

    def _work(self, last: bool) -> None:
        """Go through the intervals held; keep the last window, which may go on, unless they are the kernel's last."""
        whole = Intervals(*map(np.concatenate, zip(*self._held, strict=True)))
        count = waves.steps(*whole[:6], self._steps)
        count = waves.windows(self._steps, count, self._unit, self._waves, self._windows)
        kept = int(not last and count > 1)
        stop = int(self._windows[count - 1, waves.FIRST]) if kept else len(whole.base)
        found = self._windows[: count - kept]
        row = int(whole.kernel[0])
        for counts in self._accesses.values():
            counts[row] += found[:, [waves.READS, waves.WRITES]].sum(0).astype(np.uint64)
        if last and not self._kinds.all and count < FEW:
            self._replay(whole, np.flatnonzero(self._plain))
            touched.dirty(np.flatnonzero(self._plain), self._caches, self._dirty)
            self._held, self._length = [], 0
            return
        kinds = [self._kinds.of(window) for window in found]
        ends, cuts = (ends_of(kinds, found[:, column], last) for column in (waves.PASS, waves.WAVE))
        self._since[:] = 0
        for room in self._room.values():
            room.recent[:] = -1
        for i, (kind, window) in enumerate(zip(kinds, found, strict=True)):
            begin, end = int(window[waves.FIRST]), int(found[i + 1, waves.FIRST]) if i + 1 < len(found) else stop
            self._kinds.turn(window)
            seen = self._plain & ((kind.left <= 0) | (i in ends) | ((i in cuts) & ~kind.settled))
            away = self._plain & ~seen
            if away.any():
                kind.skip(away, window)
                self.certificate.skip(away, row, int(window[waves.READS] + window[waves.WRITES]))
            if seen.any():
                self._measure(whole, begin, end, np.flatnonzero(seen), kind, window)
        behind = np.flatnonzero(self._plain & (self._since < stop))
        self._show(whole, behind, stop)
        rest = whole.part(stop, len(whole.base))
        self._held, self._length = [rest] if kept else [], len(rest.base)

    def _measure(
        self, whole: Intervals, begin: int, end: int, seen: np.ndarray, kind: Kind, window: np.ndarray
    ) -> None:
        """Replay intervals `begin` to `end` on the caches numbered `seen`, and learn from what they count."""
        self._show(whole, seen[self._since[seen] < begin], begin)
        part = whole.part(begin, end)
        row = int(part.kernel[0])
        before, were = self._caches.misses[seen, row].copy(), self._dirty[seen].copy()
        self._replay(part, seen)
        self._since[seen] = end
        counts = (self._caches.misses[seen, row] - before).astype(np.float64)
        if window[waves.WRITES]:
            touched.dirty(seen, self._caches, self._dirty)
        else:
            self._dirty[seen] -= counts[:, lru.WRITEBACKS :].astype(np.int64)
        counts[:, lru.WRITEBACKS :] += self._dirty[seen] - were
        self.certificate.add(seen, row, *kind.measured(seen, window, counts))
        if self._again < WORTH:  # as many lines would have to be shown, but for those beyond what a cache holds
            lines = kind.left[seen] * int(window[waves.READS] + window[waves.WRITES]) // _SECTORS
            kind.left[seen] = np.where(lines >= WORTH * self._limits[seen], kind.left[seen], 0)

    def _replay(self, part: Intervals, seen: np.ndarray) -> None:
        """Replay intervals on the caches numbered `seen`."""
        columns = (*part[:5], part.kernel)
        for name, members in self._groups.items():
            chosen = members[np.isin(members, seen)]
            if len(chosen):
                bits = name[0].bit_length() - 1
                records.feed_intervals(*columns, bits, chosen, self._block, self._caches, self._none)

    def _show(self, whole: Intervals, caches: np.ndarray, upto: int) -> None:
        """Show caches, by number, the lines of the intervals before `upto` that they have not seen."""
        others, row = self._caches._replace(misses=self._shown), int(whole.kernel[0])
        were, self._shown[:] = self._dirty[caches].copy(), 0
        once: dict[int, np.ndarray] = {}
        for name, members in self._groups.items():
            chosen = members[np.isin(members, caches)]
            chosen = chosen[np.argsort(-self._since[chosen], kind="stable")]
            count, at, room = 0, upto, self._room[name]
            for cache in chosen.tolist():
                most, begin = int(self._limits[chosen].max()), int(self._since[cache])
                bits = name[0].bit_length() - 1
                count = touched.gather_back(*whole[:5], begin, at, upto, bits, most, room, count)
                at = begin
                touched.show(room, min(count, int(self._limits[cache])), np.array([cache]), self._block, others)
                if count < self._limits[cache]:
                    once[cache] = np.array(touched.once(room, count))
        touched.dirty(caches, self._caches, self._dirty)
        gone = were - self._dirty[caches]
        self.certificate.add(caches, row, np.pad(gone, ((0, 0), (lru.WRITEBACKS, 0))), 0)
        for cache, less in zip(caches.tolist(), gone, strict=True):
            self._resolve(cache, row, once.get(cache), less)
        self._since[caches] = upto

    def _resolve(self, cache: int, row: int, once: np.ndarray | None, gone: np.ndarray) -> None:
        """Count what a cache skipped by what it made of the lines shown, where nearly each sector came once."""
        skipped = np.sum([kind.latest[cache] for kind in self._kinds.all], axis=0)
        sure, least, most = np.zeros(lru.COUNTERS, np.bool_), np.zeros(lru.COUNTERS), np.ones(lru.COUNTERS)
        if once is not None:
            self._again = skipped[:2].sum() / max(once[:2].sum(), 1)
        if once is not None and self.configs[cache].sector is not None:
            again = np.maximum(skipped - once[[0, 1, 2, 2]], 0)
            known = once[3] or np.array([False, False, True, True])
            sure = (again <= AGAIN * skipped) & known
            shown = self._shown[cache, 0].astype(np.float64)
            shown[lru.WRITEBACKS :] -= gone
            self.certificate.add(cache, row, np.where(sure, shown + again / 2, 0), np.where(sure, again / 2, 0))
            part = np.maximum(skipped, 1)
            least = np.where(known, np.clip(shown / part, 0, 1), 0)
            most = np.where(known, np.clip((shown + again) / part, 0, 1), 1)
        if not sure.all():  # a line may have left, and come back, unseen: its sectors may be dirty here and not there
            self.certificate.unsure(cache, row, self._dirty[cache])
        for kind in self._kinds.all:
            kind.shown(cache, least, most, sure)

    def _extend(self, rows: int) -> None:
        held = self._caches.misses.shape[1]
        super()._extend(rows)
        more = self._caches.misses.shape[1] - held
        if more > 0:
            self.certificate.extend(more)
            self._none = np.pad(self._none, ((0, more), (0, 0)))

    def feed_addresses(self, address: Any, is_write: Any) -> None:
        """Replay sector accesses as Replay does, each of them."""
        self._end()
        super().feed_addresses(address, is_write)
        touched.dirty(np.flatnonzero(self._plain), self._caches, self._dirty)

    def settle(self) -> None:
        """Count what is held, and what was extrapolated."""
        self._end()
        self._caches.misses[:] = self.certificate.settled(self._caches.misses)

    def counted(self, number: int, kernel: int) -> dict[str, int]:
        return super().counted(number, kernel) | self.certificate.of(number, kernel, self.configs[number])
