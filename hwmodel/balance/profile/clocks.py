"""Time that is told by one clock, and what the others say of it: a machine that slept, a clock that was set."""

import time

LEAST_S = 0.5  # of a jump that is told; clocks are slewed by less


class Clocks:
    """Seconds since this object was made, by the monotonic clock, which stands while the machine sleeps.

    Attributes:
        slept_s: for how long the machine was suspended.
        set_by_s: by how much the wall's clock was set in all, forward or back.
        epoch_s: the wall's clock at the beginning.
    """

    def __init__(self) -> None:
        self._start_ns = time.monotonic_ns()
        self._boot = self._asleep_s()
        self._wall = self._ahead_s()
        self.epoch_s = time.time()
        self.slept_s = self.set_by_s = 0.0

    def now_s(self) -> float:
        """Return the seconds since the beginning."""
        return (time.monotonic_ns() - self._start_ns) / 1e9

    def check(self) -> str:
        """Return what happened to the clocks since the last call, in a sentence; mostly the empty text."""
        asleep, ahead = self._asleep_s(), self._ahead_s()
        slept, jump = asleep - self._boot, ahead - self._wall - (asleep - self._boot)
        self._boot, self._wall = asleep, ahead
        told = []
        if slept > LEAST_S:
            self.slept_s += slept
            told.append(f"the machine was suspended for {slept:.1f} s at {self.now_s():.1f} s; times leave that out")
        if abs(jump) > LEAST_S:
            self.set_by_s += abs(jump)
            told.append(f"the wall's clock was set by {jump:+.1f} s at {self.now_s():.1f} s; times do not follow it")
        return "; ".join(told)

    @staticmethod
    def _asleep_s() -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)

    @staticmethod
    def _ahead_s() -> float:
        return time.clock_gettime(time.CLOCK_REALTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
