"""A device that is not there: batches take the time that a formula says, and no processor.

What shares the device waits for its turn, first come first served, as work on one GPU queue does. The process sleeps
while the device works, so an accelerator's limit shows on a machine that has none.
"""

import ctypes
import math
import threading
import time

from workloads.rl.settings import Service

_PR_SET_TIMERSLACK = 29  # the kernel may wake a thread so much later: 50 us, unless it is told 1 ns
_LEARNED = 0.02  # of each error, for the next time
_LATEST_S = 1e-4  # errors above are of a busy processor, and come at random


class TimedDevice:
    """Serves one at a time.

    Attributes:
        busy_s: time served in all.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._late_s = 0.0  # how late sleep ends, lately
        self._errors = (0, 0.0, 0.0, 0.0)  # count, sum, sum of squares, largest
        self.busy_s = 0.0

    def serve(self, service: Service, size: float) -> float:
        """Return when a batch of `size` has been served: when those before it were, and its own time has passed.

        Returns:
            its own time, s.
        """
        with self._turn:
            begin = time.perf_counter()
            wanted = service.time_s(size)
            _be_punctual()
            time.sleep(max(0.0, wanted - self._late_s))
            error = time.perf_counter() - begin - wanted
            self._late_s = max(0.0, self._late_s + _LEARNED * min(error, _LATEST_S))
            self.busy_s += wanted
            count, total, squares, most = self._errors
            self._errors = count + 1, total + error, squares + error * error, max(most, abs(error))
            return wanted

    def errors(self) -> dict[str, float]:
        """Return by how much services took longer than they should: mean, spread and largest, in seconds."""
        count, total, squares, most = self._errors
        mean = total / count if count else 0.0
        spread = math.sqrt(max(0.0, squares / count - mean * mean)) if count else 0.0
        return {"mean_s": mean, "std_s": spread, "max_s": most}


_punctual = threading.local()


def _be_punctual() -> None:
    """Have the kernel wake this thread in time."""
    if not getattr(_punctual, "told", False):
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1)
        _punctual.told = True
