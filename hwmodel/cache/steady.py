"""When windows that are alike also do alike: what was measured of a kind of window, and what is then said of others.

A kind's windows are measured until two in a row differ by no more than the tolerance, and three, five or nine where it
was found otherwise before, but for turns such as a wave's beginning; then one is skipped, and while the windows
measured after each skip agree with those before it, five, twenty-one, ... up to MOST_SKIPPED. What is skipped is given
the mean of the rates measured before and after it. The bound has two parts: what would be added or taken off were all
of it like the most different window measured since the kind last changed, or ever, where it has changed again and
again; and, for what no measurement met, that of n + 1 windows one, where n were measured, is off by UNSEEN of its
accesses.

Of what is written back, no rate is taken: it comes a cache's worth of lines after the writing, in bursts. What is
steady is how many lines and sectors a window makes dirty, and these are written back but for those that stay dirty,
which are counted in the cache.
"""

import numpy as np

from hwmodel.cache.lru import COUNTERS
from hwmodel.cache.waves import HEAD, MIX, PASS, READS, WAVE, WRITES

LONG = 6  # windows of a pass at whose beginning and end counts are measured anew
MOST_SKIPPED = 85  # windows of a kind between two that are measured
TURNS = 3  # times in a row that a kind was found as before at a turn, such as a wave's beginning, that make it settled
MOST_NEEDED = 8  # windows that have to agree with those before them, where a kind has changed again and again
UNSEEN = 1 / 128  # of a window's reads, or writes: how far off a window may be that is unlike all that were measured
ALIKE = 1 / 32  # of a window's sectors: by how much windows of one kind may differ
SHARE, RELATIVE = 2e-3, 0.05  # of accesses, of the rate itself: by how much rates may differ that are called steady


class Kind:
    """Windows of a kernel that read and write as much of the same tensors, and what each cache made of them.

    Args:
        window: the first of them, of hwmodel.cache.waves.
        caches: how many caches there are.
    """

    def __init__(self, window: np.ndarray, caches: int) -> None:
        self._like, self._head = window[[READS, WRITES, MIX]].copy(), window[HEAD]
        sectors = window[READS] + window[WRITES]
        self._slack = ALIKE * np.array([sectors, sectors, window[MIX]])
        self.left = np.zeros(caches, np.int64)  # windows to skip before the next is measured
        self._jump = np.zeros(caches, np.int64)
        self._turned, self._turns = np.zeros(caches, np.bool_), np.zeros(caches, np.int64)
        self._need = np.ones(caches, np.int64)  # windows that have to agree with those before them until one is skipped
        self._many = np.zeros(caches, np.int64)  # measured since it changed
        self.latest = np.zeros((caches, COUNTERS))  # what each cache has skipped since it was last shown what it missed
        self.open = np.zeros((caches, COUNTERS))  # and before, since it was last measured; in the unit of each rate
        shape = caches, COUNTERS
        self._least, self._most = np.zeros(shape), np.zeros(shape)  # that what is open can have counted
        self._last, self._low, self._high = np.full(shape, np.nan), np.zeros(shape), np.zeros(shape)

    def takes(self, window: np.ndarray) -> bool:
        """Return whether a window is of this kind."""
        near = np.abs(window[[READS, WRITES, MIX]] - self._like) <= self._slack
        return bool(window[HEAD] == self._head and near.all())

    @property
    def settled(self) -> np.ndarray:
        """Whether each cache has found it steady from turn to turn, bool."""
        return self._turns >= TURNS

    def turn(self, settled_too: bool) -> None:
        """Have each cache measure the next, unless it is settled; those that are, only if `settled_too`."""
        self.left[...] = np.where(self.settled & (not settled_too), self.left, 0)
        self._turned[:] = True

    def skip(self, caches: np.ndarray, window: np.ndarray) -> None:
        """Note that some caches (bool, a place each) did not see a window."""
        self.left[caches] -= 1
        self.latest[caches] += units(window)

    def shown(self, cache: int, least: np.ndarray, most: np.ndarray, sure: np.ndarray) -> None:
        """Take in, where a cache was shown what it missed, the least and most shares of it that can have counted.

        What is `sure` (bool, a counter each) is counted elsewhere.
        """
        latest = np.where(sure, 0, self.latest[cache])
        self.open[cache] += latest
        self._least[cache] += least * latest
        self._most[cache] += most * latest
        self.latest[cache] = 0

    def _taken(self, caches: "np.ndarray | slice", used: np.ndarray, off: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what is open at the rate `used`, off by `off` at most, within what it can have counted."""
        plain = self.open[caches] * used
        found = np.clip(plain, self._least[caches], self._most[caches])
        bound = self.open[caches] * off + np.abs(found - plain)
        for kept in (self.open, self._least, self._most):
            kept[caches] = 0
        return found, bound

    def measured(self, caches: np.ndarray, window: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take in what caches (their numbers) counted of a window; return what they skipped before it would have had.

        Args:
            caches: numbers.
            window: of hwmodel.cache.waves.
            counts: a row a cache, columns read misses, write misses, lines and sectors made dirty.

        Returns: counts, and by how much each may be wrong; both of the shape of `counts`.
        """
        unit = units(window)
        rate = np.divide(counts, unit, out=np.zeros(counts.shape), where=unit > 0)
        last = self._last[caches]
        low, high = np.minimum(self._low[caches], rate), np.maximum(self._high[caches], rate)
        used = np.where(np.isnan(last), rate, (last + rate) / 2)
        unseen = UNSEEN / (self._many[caches, None] + 1)
        found, bound = self._taken(caches, used, np.maximum(high - used, used - low) + unseen)
        near = np.abs(rate - last) * unit <= SHARE * (window[READS] + window[WRITES]) + RELATIVE * counts
        steady = near.all(1)  # false for the first, of which `last` is nan
        broken = ~steady & (self._many[caches] > 0) & ~self._turned[caches]
        wild = broken & (self._need[caches] == MOST_NEEDED)  # it changes for ever: what was measured before counts
        self._need[caches] = np.minimum(self._need[caches] << broken, MOST_NEEDED)
        proven = steady & (self._many[caches] >= self._need[caches])
        self._jump[caches] = np.where(proven, np.minimum(4 * self._jump[caches] + 1, MOST_SKIPPED), 0)
        self._turns[caches] = np.where(steady, self._turns[caches] + self._turned[caches], 0)
        self._turned[caches] = False
        self._many[caches] = np.where(steady, self._many[caches] + 1, 1)
        self._low[caches] = np.where((steady | wild)[:, None], low, rate)
        self._high[caches] = np.where((steady | wild)[:, None], high, rate)
        self._last[caches], self.left[caches] = rate, self._jump[caches]
        return found, bound

    def closed(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what `measured` returns, of all caches, where no window comes after those skipped."""
        last = np.nan_to_num(self._last)
        unseen = UNSEEN / (self._many[:, None] + 1)
        return self._taken(slice(None), last, np.maximum(self._high - last, last - self._low) + unseen)


class Kinds:
    """The kinds of a kernel's windows, and which pass over its tensors, and wave, it is in."""

    def __init__(self, caches: int) -> None:
        self._caches = caches
        self.all: list[Kind] = []
        self._at, self._passed = (0, 0), 0  # pass and wave, and windows of it so far

    def of(self, window: np.ndarray) -> Kind:
        """Return a window's kind."""
        for kind in self.all:
            if kind.takes(window):
                return kind
        self.all.append(Kind(window, self._caches))
        return self.all[-1]

    def turn(self, window: np.ndarray) -> None:
        """Have kinds measured anew where a long pass begins, or a wave that is cut, unless they are settled."""
        at = int(window[PASS]), int(window[WAVE])
        if at != self._at:
            for kind in self.all if self._passed >= LONG else ():
                kind.turn(settled_too=at[0] != self._at[0])
            self._at, self._passed = at, 0
        self._passed += 1


def ends_of(kinds: list[Kind], passes: np.ndarray, last: bool) -> set[int]:
    """Return the windows that are the last of their kind in a long pass, or, if it is the kernel's `last`, in any.

    Args:
        kinds: a window each.
        passes: the pass, or wave, that it is of.
        last: whether the last of these passes ends here.
    """
    found: dict[tuple[int, int], list[int]] = {}
    for i, (kind, number) in enumerate(zip(kinds, passes.tolist(), strict=True)):
        found.setdefault((number, id(kind)), []).append(i)
    return {
        places[-1]
        for (number, _), places in found.items()
        if (number < passes[-1] and len(places) >= LONG) or (number == passes[-1] and last)
    }


def units(window: np.ndarray) -> np.ndarray:
    """Return what each counter is a rate of: read misses of reads, all else of writes."""
    reads, writes = float(window[READS]), float(window[WRITES])
    return np.array([reads, writes, writes, writes])
