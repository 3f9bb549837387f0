"""What a job does in other settings: frames/s with an interval, and what is busy then."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hwmodel.balance.model.demands import Demands, Flow, columns
from hwmodel.balance.model.fixed_point import solve
from hwmodel.balance.model.job import TIMES, Job
from hwmodel.balance.model.settings import Setting, busy_shares, demands, scaled, settled
from hwmodel.balance.model.simulate import simulate

REQUESTS = 30_000  # of a simulation
DRAWS = 64  # of the times, for the interval


def rate(job: Job, setting: Setting, requests: int = REQUESTS) -> float:
    """Return the frames a second that the simulation gives, as the model has them: without `bias`."""
    (asked,) = settled(job, [setting])
    return simulate(asked, requests, job.cv).requests_per_s * job.frames_per_request


def predict(job: Job, settings: Sequence[Setting], model: str = "simulation", seed: int = 0) -> list[dict[str, Any]]:
    """Return a row a setting: frames/s and the interval that should hold 90 % of what is measured; what is busy.

    Args:
        job: as calibrated.
        settings: what to predict for.
        model: `simulation`, or `fixed_point`, which is quicker and nearly the same.
        seed: of the draws.
    """
    if not settings:
        return []
    asked = settled(job, settings)
    closed = solve(columns(asked))
    found = [Flow(*row) for row in closed.tolist()] if model == "fixed_point" else [
        simulate(one, REQUESTS, job.cv, seed) for one in asked
    ]  # fmt: skip
    spreads = _spreads(job, settings, closed[:, 0], seed)
    rows = []
    for setting, flow, one, spread in zip(settings, found, asked, spreads, strict=True):
        beyond = max(math.log2(setting.actors / job.most_measured), 0.0) if job.most_measured else 0.0
        deviation = math.hypot(spread, job.discrepancy + job.per_doubling * beyond)
        rows.append(_row(job, setting, flow, one, deviation))
    return rows


def _spreads(job: Job, settings: Sequence[Setting], rates: np.ndarray, seed: int) -> np.ndarray:
    """Return the standard deviation of the logarithm of each setting's rate that comes of unsure times, by draws."""
    names = [name for name in TIMES if name in job.times and job.times[name].spread > 0]
    if not names:
        return np.zeros(len(settings))
    drawn = np.random.default_rng(seed).standard_normal((DRAWS, len(names)))
    busy, every = busy_shares(job, settings), []
    for row in drawn:
        moved = scaled(job, {name: math.exp(job.times[name].spread * z) for name, z in zip(names, row, strict=True)})
        every += [demands(moved, setting, share) for setting, share in zip(settings, busy, strict=True)]
    flow = solve(columns(every))[:, 0].reshape(DRAWS, len(settings))
    return np.std(np.log(flow / rates), axis=0)


def _row(job: Job, setting: Setting, flow: Flow, asked: Demands, deviation: float) -> dict[str, Any]:
    normal = 1.6449  # of 90 % in the middle
    frames = flow.requests_per_s * job.frames_per_request * math.exp(job.bias)
    ready = flow.actor_cores + flow.actor_wait
    return {
        "actors": setting.actors,
        "threads": setting.threads,
        "sms": setting.sms or job.sms or None,
        "frames_per_second": frames,
        "low_frames_per_second": frames * math.exp(-normal * deviation),
        "high_frames_per_second": frames * math.exp(normal * deviation),
        "batch": flow.batch,
        "threads_busy": min((flow.actor_cores + flow.server_cores + flow.learner_cores) / setting.threads, 1.0),
        "device_busy": min(flow.device_serve + flow.device_learn, 1.0) if _has_device(asked) else None,
        "actor_wait_share": flow.actor_wait / ready if ready > 0 else 0.0,
        "queue_s": flow.queue_s,
        "learner_steps_per_second": flow.steps_per_s if job.learn_every else None,
        "limit": limit(flow, asked),
    }


def _has_device(asked: Demands) -> bool:
    return asked.device_s + asked.device_each_s + asked.learn_device_s > 0


def limit(flow: Flow, asked: Demands) -> str:
    """Return what limits a setting: `threads`, `device`, `learner`, `server`, or `actors`, too few for the rest.

    It is what is busiest, if that is busy or more actors wait for a thread than have one.
    """
    threads = (flow.actor_cores + flow.server_cores + flow.learner_cores) / asked.threads
    learner = flow.steps_per_s * (asked.learn_cpu_s + asked.learn_device_s)
    serving = flow.requests_per_s / max(flow.batch, 1e-12) * asked.serve_s(flow.batch)
    shares = {
        "threads": threads,
        "device": flow.device_serve + flow.device_learn,
        "learner": learner,
        "server": serving if flow.server_cores > flow.device_serve else 0.0,
    }
    name, share = max(shares.items(), key=lambda pair: pair[1])
    return name if share > 0.9 or flow.actor_wait > flow.actor_cores else "actors"
