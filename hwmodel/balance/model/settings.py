"""From a job to the demands of one setting of it: how many actors, threads and SMs, on a machine of which speed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from circuits.errors import InputError
from hwmodel.balance.model.demands import Demands
from hwmodel.balance.model.fixed_point import flows
from hwmodel.balance.model.job import Job

SLICE_S, DOUBLINGS = 0.7e-3, 3  # Linux: kernel/sched/fair.c, sysctl_sched_base_slice, by 1 + log2 of up to 8 processors
MOST_ACTORS, MOST_THREADS, MOST_SMS = 1 << 16, 1 << 14, 1 << 14
_SLICES = 64  # of an actor's time between requests, at the most; finer ones change little and take long to simulate
_ROUNDS = 4  # of CPU times and how busy the threads are


@dataclass(frozen=True)
class Setting:
    """How a job is run.

    Attributes:
        actors, threads: numbers of them.
        sms: of the GPU for the job; 0: as many as it was calibrated with.
        thread_speed, device_speed: over those of the machine that the job was calibrated on; of an SM, the latter.
    """

    actors: int
    threads: int
    sms: int = 0
    thread_speed: float = 1.0
    device_speed: float = 1.0

    def __post_init__(self) -> None:
        for name, most in (("actors", MOST_ACTORS), ("threads", MOST_THREADS)):
            if not 1 <= getattr(self, name) <= most:
                raise InputError(f"{name}: {getattr(self, name)}: give 1 to {most}")
        if not 0 <= self.sms <= MOST_SMS:
            raise InputError(f"sms: {self.sms}: give 1 to {MOST_SMS}")
        for name in ("thread_speed", "device_speed"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name}: {getattr(self, name)}: give a number above 0")


def demands(job: Job, setting: Setting, busy: float = 1.0) -> Demands:
    """Return what a setting of a job asks for, where a share `busy` of the threads is busy."""
    cpu = 1 / setting.thread_speed
    more = job.sms / setting.sms if job.sms and setting.sms else 1.0
    each = more / setting.device_speed
    fixed = (1 - job.scaling + job.scaling * more) / setting.device_speed
    time = job.time
    slice_s = SLICE_S * (1 + min(math.log2(setting.threads), DOUBLINGS))
    actor_s = time("actor_s") * cpu * math.exp(-job.crowding * (1 - busy))
    return Demands(
        actors=setting.actors,
        threads=setting.threads,
        actor_s=actor_s,
        delay_s=time("delay_s"),
        gather_s=time("gather_s") * cpu,
        gather_each_s=time("gather_each_s") * cpu,
        device_s=time("device_s") * fixed,
        device_each_s=time("device_each_s") * each,
        reply_s=time("reply_s") * cpu,
        reply_each_s=time("reply_each_s") * cpu,
        least=min(job.least or setting.actors, setting.actors, job.most),
        most=job.most,
        learn_every=job.learn_every,
        learn_cpu_s=time("learn_cpu_s") * cpu,
        learn_device_s=time("learn_device_s") * each,
        ahead=job.ahead,
        turns=int(job.turns),
        slice_s=max(slice_s, actor_s / _SLICES),
    )


def settled(job: Job, settings: Sequence[Setting]) -> list[Demands]:
    """Return the demands of settings, with CPU times for how busy the threads then are."""
    return [demands(job, one, busy) for one, busy in zip(settings, busy_shares(job, settings), strict=True)]


def busy_shares(job: Job, settings: Sequence[Setting]) -> list[float]:
    """Return how busy each setting's threads are; 1 where the job's times do not depend on it."""
    busy = np.ones(len(settings))
    for _ in range(_ROUNDS if job.crowding else 0):
        asked = [demands(job, one, share) for one, share in zip(settings, busy.tolist(), strict=True)]
        shares = [min((one.actor_cores + one.server_cores + one.learner_cores) / of.threads, 1.0)
                  for one, of in zip(flows(asked), asked, strict=True)]  # fmt: skip
        busy = (busy + np.array(shares)) / 2
    return busy.tolist()


def scaled(job: Job, factors: dict[str, float]) -> Job:
    """Return a job whose times are each multiplied by a factor."""
    times = {name: replace(time, value=time.value * factors.get(name, 1.0)) for name, time in job.times.items()}
    return replace(job, times=times)
