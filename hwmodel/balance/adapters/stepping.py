"""Times what a framework does around each step of its environments, from the calls of `step` alone."""

import time
from collections.abc import Callable
from typing import Any

from hwmodel.balance.meter import Meter


class Stepping:
    """Stands before `step`: counts `environment`, and as `inference` what lies between one step and the next.

    What lies between is the policy, and whatever the framework does with its inputs and outputs. `pause` says that what
    follows is neither.

    Args:
        step: of an environment, or of many that step at once.
        meter: counts.
        size: environments.
        between: whether to count what lies between.
    """

    def __init__(self, step: Callable[..., Any], meter: Meter, size: int, between: bool = True) -> None:
        self._step, self._meter, self._size, self._between = step, meter, size, between
        self._wall = self._cpu = 0.0  # when the last step ended; 0: paused since

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        wall, cpu = time.perf_counter(), time.thread_time()
        if self._wall:
            self._meter.add("inference", self._size, wall - self._wall, cpu - self._cpu)
        found = self._step(*arguments, **named)
        ended, used = time.perf_counter(), time.thread_time()
        self._meter.add("environment", self._size, ended - wall, used - cpu)
        if self._between:
            self._wall, self._cpu = ended, used
        return found

    def pause(self) -> None:
        """Leave what comes before the next step uncounted."""
        self._wall = 0.0
