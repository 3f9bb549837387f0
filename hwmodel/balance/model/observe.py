"""What a profile of a run says of a job's times.

Where the job counts its phases, the times follow from their sums; where it does not, only what the CPU did is known,
and `fit` finds what remains from the rates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel.balance.meter import SUMS
from hwmodel.balance.profile import Profile
from hwmodel.balance.profile.machine import given_cpus
from hwmodel.balance.profile.window import since_birth


@dataclass(frozen=True)
class Observed:
    """One run's figures in a window: counts a second, CPU seconds, and the sums of the phases.

    Attributes:
        actors: processes, or other units, that step environments beside each other.
        threads: of the CPU that the run had.
        frames_per_second: of the job.
        requests_per_s: one of each actor counts one; none where nothing counts them.
        actor_cpu_s, actor_wait_s, server_cpu_s, server_wait_s: CPU time, and time without a thread that was
            wanted, of the processes that step environments and of all others, in the window.
        sums: phase -> float64[len(SUMS)], in the window.
        foreign_cores: threads busy with what is not the job.
        gpu_busy: of the busiest GPU; none where there are no figures.
    """

    actors: int
    threads: int
    seconds: float
    frames_per_second: float
    requests_per_s: float | None
    actor_cpu_s: float
    actor_wait_s: float
    server_cpu_s: float
    server_wait_s: float
    sums: Mapping[str, np.ndarray]
    foreign_cores: float = 0.0
    gpu_busy: float | None = None

    @property
    def requests(self) -> float:
        """Requests in the window; without a count, frames stand for them."""
        return (self.frames_per_second if self.requests_per_s is None else self.requests_per_s) * self.seconds


def observe(profile: Profile, actors: int | None = None, start_s: float | None = None) -> Observed:
    """Return what a profile says, in its steady window.

    Args:
        profile: of a run that counted frames.
        actors: that the run had; otherwise the processes that step environments are counted.
        start_s: where the window begins, instead of where the profile finds that the run has settled.

    Raises:
        InputError: the run counted no frames, or it cannot be told how many actors it had.
    """
    steady = profile.steady()
    begin, end = (steady.start_s if start_s is None else start_s), steady.end_s
    if not end > begin:
        raise InputError(f"{profile.folder}: ended before it settled; let it run longer")
    found = profile.window(begin, end)
    if not found["frames_per_second"]:
        raise InputError(f"{profile.folder}: no frames were counted; give --frames, or count them with a Meter")
    sums = _sums(profile, begin, end)
    acting = [row for row in found["roles"] if "actor" in row["role"].split("+")]
    counted = round(sum(row["processes"] for row in acting))
    number = actors or counted
    if not number:
        raise InputError(f"{profile.folder}: no process steps environments by its meters; say how many actors it had")
    others = [row for row in found["roles"] if row not in acting]
    queue = sums.get("queue", sums.get("environment"))
    busy = [one["busy"] for one in found["gpus"] or () if one["busy"] is not None]
    return Observed(
        actors=number,
        threads=_threads(profile),
        seconds=end - begin,
        frames_per_second=found["frames_per_second"],
        requests_per_s=None if queue is None else float(queue[0]) / (end - begin),
        actor_cpu_s=_sum(acting, "cpu_s"),
        actor_wait_s=_sum(acting, "wait_s"),
        server_cpu_s=_sum(others, "cpu_s"),
        server_wait_s=_sum(others, "wait_s"),
        sums=sums,
        foreign_cores=max((found["machine"]["busy_cores"] or 0.0) - (found["cores"] or 0.0), 0.0),
        gpu_busy=max(busy) if busy else None,
    )


def _sum(rows: list[dict[str, Any]], name: str) -> float:
    return float(sum(row[name] or 0.0 for row in rows))


def _sums(profile: Profile, begin: float, end: float) -> dict[str, np.ndarray]:
    """Return what the sums of each phase grew by in a window."""
    found = {}
    table: Any = profile.phases
    for name, of in table.groupby("phase", sort=False):
        grew = [since_birth(of, one, profile.period_s, begin, end) for one in SUMS]
        found[str(name)] = np.array([0.0 if one is None else one for one in grew])
    return {name: sums for name, sums in found.items() if sums[0] > 0}


def _threads(profile: Profile) -> int:
    """Return the processors that the command may use: those that it was found held to, or all that there are for us."""
    held = profile.about.get("cpus")
    if not held:
        return int(profile.about["machine"]["allowed_cpus"])
    if held["found"] is not None and held["found"] != held["asked"]:
        raise InputError(f"{profile.folder}: was to be held to processors {held['asked']}, ran on {held['found']}")
    return len(given_cpus(held["asked"]) or ())
