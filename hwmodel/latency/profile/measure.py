"""One visit to a network: loaded anew, warmed up until it is no longer getting quicker, then timed run by run.

A run is timed by the wall and by the processor's time that it took; short ones are timed several at once, so that the
clocks' own time does not count. What else the processor did meanwhile is kept beside: context switches, stolen time.
"""

import gc
import math
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hwmodel.latency.runtimes import Prepared

WARM_LEAST, WARM_MOST = 3, 20  # runs
WARM_GAIN = 0.02  # of the time, by which a run must be quicker to count as still getting warm
WARM_S = 1.0  # no longer, once the least is done
SAMPLE_S = 1e-3  # runs are timed together until they take as long
VISIT_S = 0.1  # of timed runs
RUNS_LEAST, RUNS_MOST = 5, 50


@dataclass(frozen=True)
class Clock:
    """What tells the time: by the wall, by what this thread and this process took of processors, and since 1970."""

    wall_ns: Callable[[], int] = time.perf_counter_ns
    thread_ns: Callable[[], int] = time.thread_time_ns
    process_ns: Callable[[], int] = time.process_time_ns
    now_s: Callable[[], float] = time.time


@dataclass(frozen=True)
class Visit:
    """What was measured in one visit."""

    at_s: float  # since 1970, when its timed runs began
    inner: int  # runs that were timed together
    wall_s: list[float]  # of a run: one number for each time that was taken
    cpu_s: list[float]
    warm_runs: int
    voluntary_switches: int
    involuntary_switches: int
    energy_J: float | None = None  # that the counter counted from the first timed run to the last
    energy_wall_s: float | None = None  # how long that took

    def as_json(self) -> dict[str, Any]:
        """Return it with times to the nanosecond, as a line of a session's file has them."""
        rounded = {name: [round(value, 11) for value in getattr(self, name)] for name in ("wall_s", "cpu_s")}
        return asdict(self) | rounded


def visit(
    prepared: Prepared,
    inputs: Sequence[np.ndarray],
    clock: Clock,
    cpu_ns: Callable[[], int],
    energy_J: Callable[[], float] | None = None,
) -> Visit:
    """Load a network, warm it up, time it and unload it."""
    prepared.load(inputs)
    collecting = gc.isenabled()
    gc.disable()
    try:
        warm_runs, quickest = _warm(prepared, clock)
        inner = max(1, math.ceil(SAMPLE_S / max(quickest, 1e-9)))
        runs = min(max(math.ceil(VISIT_S / max(inner * quickest, 1e-9)), RUNS_LEAST), RUNS_MOST)
        wall, cpu = [0] * runs, [0] * runs
        before, at_s, counted = (
            resource.getrusage(resource.RUSAGE_SELF),
            clock.now_s(),
            energy_J() if energy_J else None,
        )
        began = clock.wall_ns()
        for number in range(runs):
            cpu_from, wall_from = cpu_ns(), clock.wall_ns()
            for _ in range(inner):
                prepared.run()
            wall_to, cpu_to = clock.wall_ns(), cpu_ns()
            wall[number], cpu[number] = wall_to - wall_from, cpu_to - cpu_from
        took = (clock.wall_ns() - began) * 1e-9
        counted = energy_J() - counted if energy_J and counted is not None else None
        after = resource.getrusage(resource.RUSAGE_SELF)
    finally:
        if collecting:
            gc.enable()
        prepared.unload()
    return Visit(
        at_s=at_s,
        inner=inner,
        wall_s=[ns * 1e-9 / inner for ns in wall],
        cpu_s=[ns * 1e-9 / inner for ns in cpu],
        warm_runs=warm_runs,
        voluntary_switches=after.ru_nvcsw - before.ru_nvcsw,
        involuntary_switches=after.ru_nivcsw - before.ru_nivcsw,
        energy_J=counted,
        energy_wall_s=None if counted is None else took,
    )


def _warm(prepared: Prepared, clock: Clock) -> tuple[int, float]:
    """Run until two runs in a row were hardly quicker than any before; return how many runs, and the quickest time."""
    quickest, idle, number, began = math.inf, 0, 0, clock.wall_ns()
    while number < WARM_MOST:
        number += 1
        start = clock.wall_ns()
        prepared.run()
        took = (clock.wall_ns() - start) * 1e-9
        idle = idle + 1 if took > quickest * (1 - WARM_GAIN) else 0
        quickest = min(quickest, took)
        if number >= WARM_LEAST and (idle >= 2 or (clock.wall_ns() - began) * 1e-9 > WARM_S):
            break
    return number, quickest


def cpu_clock(prepared: Prepared, inputs: Sequence[np.ndarray], clock: Clock, threads: int) -> str:
    """Say whose processor time is a run's: the measuring `thread`'s, or the `process`'s, where others compute."""
    if threads > 1:
        return "process"
    prepared.load(inputs)
    try:
        prepared.run()
        thread, process = clock.thread_ns(), clock.process_ns()
        for _ in range(RUNS_LEAST):
            prepared.run()
        thread, process = clock.thread_ns() - thread, clock.process_ns() - process
    finally:
        prepared.unload()
    return "thread" if thread > 0.8 * process else "process"
