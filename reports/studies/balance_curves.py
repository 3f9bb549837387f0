"""What the model says of a job over numbers of actors and threads: both models, bounds, what is busy, what limits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwmodel.balance.model.demands import Demands
from hwmodel.balance.model.fixed_point import flows
from hwmodel.balance.model.job import Job
from hwmodel.balance.model.predict import limit, predict
from hwmodel.balance.model.settings import Setting, settled

LEAST_REACH, REACH, MOST = 64, 16, 512  # actors shown: so many times those measured, within these
KNEE = 0.95  # of the most frames/s
MAP = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

# the parts of a request's time, in order: CPU, then device, then the learner's share
PARTS = ("actor, CPU", "gather, CPU", "device", "reply, CPU", "learner, CPU", "learner, device", "other waits")


@dataclass(frozen=True)
class Curves:
    """A job over numbers of actors, on the threads that it was calibrated with.

    Attributes:
        actors: rising.
        simulated: rows of `predict`.
        closed: frames/s in closed form.
        bounds: name -> float64[actors], frames/s that this alone would allow at the largest batch.
        line: frames/s were they to grow as from the run with the fewest actors; none without runs.
    """

    actors: list[int]
    simulated: list[dict[str, Any]]
    closed: list[float]
    bounds: dict[str, np.ndarray]
    line: np.ndarray | None

    @property
    def best(self) -> dict[str, Any]:
        """Return the row with the most frames/s."""
        return max(self.simulated, key=lambda row: row["frames_per_second"])

    @property
    def knee(self) -> dict[str, Any]:
        """Return the row with the fewest actors that has 95 % of the most frames/s."""
        enough = KNEE * self.best["frames_per_second"]
        return next(row for row in self.simulated if row["frames_per_second"] >= enough)

    def limits(self) -> list[tuple[float, float, str]]:
        """Return (from, to, what limits) of each stretch of actors, as the simulation has it."""
        edges = [math.sqrt(a * b) for a, b in zip(self.actors, self.actors[1:], strict=False)]
        edges = [self.actors[0] / 1.12, *edges, self.actors[-1] * 1.12]
        found: list[tuple[float, float, str]] = []
        for low, high, row in zip(edges, edges[1:], self.simulated, strict=False):
            if found and found[-1][2] == row["limit"]:
                found[-1] = (found[-1][0], high, row["limit"])
            else:
                found.append((low, high, row["limit"]))
        return found


def curves_of(job: Job) -> Curves:
    """Return what the model says over actors."""
    reach = min(max(LEAST_REACH, REACH * job.most_measured), MOST)
    actors = sorted({n for power in range(12) for n in (1 << power, 3 << power) if n <= reach}
                    | {int(run["actors"]) for run in job.runs})  # fmt: skip
    settings = [Setting(number, job.threads) for number in actors]
    asked = settled(job, settings)
    alike = [run for run in job.runs if int(run.get("threads", job.threads)) == job.threads]
    first = min((run for run in alike if "frames_per_second" in run), key=lambda run: run["actors"], default=None)
    line = None if first is None else np.array(actors) * float(first["frames_per_second"]) / float(first["actors"])
    closed = [flow.requests_per_s * _frames(job) for flow in flows(asked)]
    return Curves(actors, predict(job, settings), closed, _bounds(job, asked), line)


def _frames(job: Job) -> float:
    """Return the frames of a request, times what the rates were off in the runs."""
    return job.frames_per_request * math.exp(job.bias)


def _bounds(job: Job, asked: Sequence[Demands]) -> dict[str, np.ndarray]:
    """Return frames/s that CPU and device alone would allow, were all actors in each batch."""
    frames = _frames(job)
    rows = [parts(one, min(one.actors, one.most)) for one in asked]
    cpu = np.array([sum(row[name] for name in PARTS if name.endswith("CPU")) / one.threads
                    for row, one in zip(rows, asked, strict=True)])  # fmt: skip
    device = np.array([row["device"] + row["learner, device"] for row in rows])
    found = {"CPU": frames / cpu}
    if (device > 0).all():
        found["device"] = frames / device
    else:
        found["server"] = frames / np.array([one.serve_s(n) / n for one in asked for n in (min(one.actors, one.most),)])
    return found


def parts(asked: Demands, batch: float) -> dict[str, float]:
    """Return seconds of a request by part, at a mean batch."""
    learn = 1 / asked.learn_every if asked.learn_every else 0.0
    values = (
        asked.actor_s,
        asked.gather_s / batch + asked.gather_each_s,
        asked.device_s / batch + asked.device_each_s,
        asked.reply_s / batch + asked.reply_each_s,
        learn * asked.learn_cpu_s,
        learn * asked.learn_device_s,
        asked.delay_s,
    )
    return dict(zip(PARTS, values, strict=True))


def shares(job: Job, curves: Curves) -> dict[str, dict[str, float]]:
    """Return the parts of a request, a row a number of actors: the measured ones and the most."""
    numbers = sorted({1, *(int(run["actors"]) for run in job.runs), curves.knee["actors"], curves.actors[-1]})
    found = {}
    for number in numbers[:4] + numbers[4:][-3:]:
        (asked,) = settled(job, [Setting(number, job.threads)])
        batch = max(next(row["batch"] for row in curves.simulated if row["actors"] == number), 1.0)
        name = f"{number} actor{'s' * (number > 1)}, batch {batch:.1f}"
        found[name] = {part: value for part, value in parts(asked, batch).items() if value > 0}
    return found


def limit_map(job: Job) -> list[tuple[int, int, float, str]]:
    """Return (actors, threads, frames/s, what limits) over both, in closed form."""
    reach = min(max(LEAST_REACH, REACH * job.most_measured), MOST)
    threads = sorted({max(1, round(job.threads * factor)) for factor in (0.25, 0.5, 1, 2, 4, 8, 16)})
    settings = [Setting(number, thread) for thread in threads for number in MAP if number <= reach]
    asked = settled(job, settings)
    return [(one.actors, one.threads, flow.requests_per_s * _frames(job), limit(flow, demand))
            for one, demand, flow in zip(settings, asked, flows(asked), strict=True)]  # fmt: skip
