"""Learns a job's times from a few short runs.

What the job counts itself is pooled over the runs: the line `seconds = a + b * requests` of each phase comes of sums
that add up. CPU time that no phase counts is the server's, for each batch. Times that nothing counts, such as those on
a device of which only the busy share is known, are those with which the model gives the rates that were measured.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel.balance.model.demands import columns
from hwmodel.balance.model.fixed_point import solve
from hwmodel.balance.model.job import Job, Time
from hwmodel.balance.model.observe import Observed
from hwmodel.balance.model.predict import rate
from hwmodel.balance.model.settings import Setting, settled

ON_CPU = 0.6  # of inference's time: with more of it on the CPU, the server is taken to compute there
SERVER = ("gather", "inference", "reply", "learner")  # phases whose CPU time is the server's processes'
LEAST_SPREAD = 0.01  # of a time that all runs agree in
CROWDING, CROWDING_SPREAD = 0.08, 0.05  # believed before anything was measured: caches and cores are shared
RUN_NOISE = 0.05  # of a run's CPU time of a request, as a logarithm
DISCREPANCY, RUNS = 0.04, 2.0  # believed before: how far off the model is, as if so many runs had said so


def fit(runs: Sequence[Observed], name: str = "job", **known: Any) -> Job:
    """Return the job that the runs are of.

    Args:
        runs: of the same job, with different numbers of actors.
        name: of the job.
        known: fields of `Job` that are known otherwise, such as `least`, `ahead`, `turns`, `sms`.

    Raises:
        InputError: no runs, or runs of which some count their requests and some do not.
    """
    if not runs:
        raise InputError("no runs: give profiles of at least one, better of three, numbers of actors")
    if len({run.requests_per_s is None for run in runs}) > 1:
        raise InputError("some runs count their requests and some do not: profile all of them alike")
    sums = _pooled(runs)
    requests = sum(run.requests for run in runs)
    each = sums["environment"][1] / sums["environment"][0] if "environment" in sums else 1.0  # environments of an actor
    times, where = _server(runs, sums, each)
    crowding = known["crowding"] if "crowding" in known else _crowding(runs)
    times |= _actors(runs, crowding)
    learner, every = _learner(sums, requests, where)
    job = Job(
        name=name,
        times={key: time for key, time in (times | learner).items() if time.value > 0},
        frames_per_request=sum(run.frames_per_second * run.seconds for run in runs) / requests,
        threads=max(run.threads for run in runs),
        learn_every=every,
        cv=_cv(sums.get("environment")),
        crowding=crowding,
    )
    job = replace(job, **known)
    if "inference" not in sums and "device" not in sums:
        job = _by_rates(job, runs)
    return judged(job, runs)


def judged(job: Job, runs: Sequence[Observed]) -> Job:
    """Return a job with what the model says of the runs that it was learned from, and how far off that is."""
    rows = []
    for run in runs:
        modelled = rate(job, Setting(run.actors, run.threads))
        told: dict[str, Any] = {"actors": run.actors, "threads": run.threads, "seconds": run.seconds}
        told |= {"frames_per_second": run.frames_per_second, "modelled_frames_per_second": modelled}
        rows.append(told | {"foreign_cores": run.foreign_cores})
    off = np.array([math.log(row["frames_per_second"] / row["modelled_frames_per_second"]) for row in rows])
    bias = float(off.sum() / (len(off) + RUNS))
    spread = math.sqrt((RUNS * DISCREPANCY**2 + float(((off - bias) ** 2).sum())) / (RUNS + len(off)))
    return replace(job, runs=tuple(rows), bias=bias, discrepancy=spread)


def _pooled(runs: Sequence[Observed]) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for run in runs:
        for phase, sums in run.sums.items():
            found[phase] = found.get(phase, 0.0) + sums
    return found


def line(sums: np.ndarray, clock: str = "wall", each: float = 1.0) -> tuple[Time, Time]:
    """Return a and b of `seconds = a + b * requests` of a phase, neither below 0.

    Args:
        sums: float64[len(SUMS)] of a phase.
        clock: `wall` or `cpu`.
        each: size of a request.
    """
    count, size, size2 = sums[:3]
    total, squares, product = sums[3:6] if clock == "wall" else sums[6:9]
    x, y = size / each / count, total / count
    xx = size2 / each**2 / count - x * x
    xy = product / each / count - x * y
    yy = max(squares / count - y * y, 0.0)
    if xx <= 1e-9 * x * x or count < 3:  # all of one size: nothing tells the two apart
        return Time(max(y, 0.0), LEAST_SPREAD, "measured"), Time(0.0, 0.0, "measured")
    b = min(max(xy / xx, 0.0), y / x)
    a = y - b * x
    residual = math.sqrt(max(yy - 2 * b * xy + b * b * xx, 0.0) / count)
    spreads = residual * math.sqrt(1 + x * x / xx), residual / math.sqrt(xx)
    return (Time(a, _spread(spreads[0], a), "measured"), Time(b, _spread(spreads[1], b), "measured"))


def _spread(error: float, value: float) -> float:
    return math.hypot(LEAST_SPREAD, min(error / value, 1.0)) if value > 0 else 0.0


def _server(runs: Sequence[Observed], sums: Mapping[str, np.ndarray], each: float) -> tuple[dict[str, Time], str]:
    """Return the server's times, and whether its batches run on the `cpu` or on a `device`."""
    nothing = Time(0.0)
    if "inference" not in sums:
        served = sum(run.server_cpu_s for run in runs) / sum(run.requests for run in runs)
        return {"gather_each_s": Time(served, 0.05, "measured")}, "cpu"
    inference = sums["inference"]
    on_cpu = "device" not in sums and inference[6] > ON_CPU * inference[3]
    lines = {phase: line(sums[phase], "cpu", each) if phase in sums else (nothing, nothing)
             for phase in ("gather", "inference", "reply")}  # fmt: skip
    counted = sum(sums[phase][6] for phase in SERVER if phase in sums)
    rest = max(sum(run.server_cpu_s for run in runs) - counted, 0.0) / inference[0]
    before = lines["gather"][0].value + lines["inference"][0].value + rest
    times = {
        "gather_s": Time(before, lines["inference"][0].spread or LEAST_SPREAD, "measured"),
        "gather_each_s": _sum(lines["gather"][1], lines["inference"][1]),
        "reply_s": lines["reply"][0],
        "reply_each_s": lines["reply"][1],
    }
    if on_cpu:
        return times, "cpu"
    if "device" in sums:
        times["device_s"], times["device_each_s"] = line(sums["device"], "wall", each)
        return times, "device"
    a, b = line(inference, "wall", each)
    waited = sum(run.server_wait_s for run in runs) / inference[0] / 2  # half of its waits for a thread are after it
    fixed = max(a.value - lines["inference"][0].value - waited, 0.0)
    times["device_s"] = Time(fixed, a.spread, "measured")
    times["device_each_s"] = Time(max(b.value - lines["inference"][1].value, 0.0), b.spread, "measured")
    return times, "device"


def _sum(*times: Time) -> Time:
    total = sum(time.value for time in times)
    error = math.sqrt(sum((time.value * time.spread) ** 2 for time in times))
    return Time(total, _spread(error, total), "measured")


def _actors(runs: Sequence[Observed], crowding: float) -> dict[str, Time]:
    """Return the actors' CPU time of a request as it is with all threads busy."""
    full = np.log(_actor_s(runs)) + crowding * (1 - np.array([_busy(run) for run in runs]))
    spread = float(np.std(full, ddof=1)) if len(full) > 1 else RUN_NOISE
    return {"actor_s": Time(float(np.exp(full.mean())), math.hypot(LEAST_SPREAD, spread), "measured")}


def _crowding(runs: Sequence[Observed]) -> float:
    """Return by how much actors' CPU times grow with the busy share of threads; few runs move the belief little."""
    y = np.log(_actor_s(runs))
    x = np.array([_busy(run) for run in runs])
    x, y = x - x.mean(), y - y.mean()
    sure, believed = RUN_NOISE**-2, CROWDING_SPREAD**-2
    return float((sure * (x @ y) + believed * CROWDING) / (sure * (x @ x) + believed))


def _actor_s(runs: Sequence[Observed]) -> np.ndarray:
    return np.array([max(run.actor_cpu_s / run.requests, 1e-9) for run in runs])


def _busy(run: Observed) -> float:
    return min((run.actor_cpu_s + run.server_cpu_s) / (run.seconds * run.threads), 1.0)


def _cv(sums: np.ndarray | None) -> float:
    if sums is None or sums[0] < 3 or sums[6] <= 0:
        return 0.3
    mean = sums[6] / sums[0]
    return min(math.sqrt(max(sums[7] / sums[0] - mean * mean, 0.0)) / mean, 2.0)


def _learner(sums: Mapping[str, np.ndarray], requests: float, where: str) -> tuple[dict[str, Time], float]:
    found = sums.get("learner")
    if found is None or not found[0]:
        return {}, 0.0
    times = {"learn_cpu_s": Time(found[6] / found[0], 0.03, "measured")}
    if "learner_device" in sums:
        times["learn_device_s"] = Time(sums["learner_device"][3] / found[0], 0.03, "measured")
    elif where == "device":
        times["learn_device_s"] = Time(max(found[3] - found[6], 0.0) / found[0], 0.1, "measured")
    return times, requests / found[0]


def _by_rates(job: Job, runs: Sequence[Observed]) -> Job:
    """Return a job with the device's times with which the model gives the measured rates."""
    from scipy.optimize import least_squares

    measured = np.log([run.frames_per_second for run in runs])
    start = math.log(max(1 / max(run.requests / run.seconds for run in runs), 1e-7))

    def off(logs: np.ndarray) -> np.ndarray:
        times = dict(job.times) | {"device_s": Time(math.exp(logs[0])), "device_each_s": Time(math.exp(logs[1]))}
        asked = settled(replace(job, times=times), [Setting(run.actors, run.threads) for run in runs])
        flow = solve(columns(asked))
        rates = np.log(flow[:, 0] * job.frames_per_request)
        return np.r_[(rates - measured) / 0.02, (logs - start + np.array([1.0, 3.0])) / 4]

    found = least_squares(off, np.array([start - 1, start - 3]), bounds=(start - 16, start + 4))
    spread = 0.3  # two numbers from a few rates
    times = {"device_s": Time(math.exp(found.x[0]), spread, "calibrated"),
             "device_each_s": Time(math.exp(found.x[1]), spread, "calibrated")}  # fmt: skip
    return replace(job, times=dict(job.times) | times)
