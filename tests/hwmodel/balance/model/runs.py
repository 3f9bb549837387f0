"""Runs of a job whose times are known, observed without error: the twin of the simulation counts what a meter would."""

import numpy as np

from hwmodel.balance.meter import SUMS
from hwmodel.balance.model.demands import Demands
from hwmodel.balance.model.observe import Observed
from tests.naive.balance import Job

FRAMES = 4.0  # a request


def sums(sizes, wall_s, cpu_s=0.0) -> np.ndarray:
    """Return the sums of events of such sizes and times, as a meter keeps them."""
    size, wall, cpu = (np.asarray(one, float) * np.ones(len(sizes)) for one in (sizes, wall_s, cpu_s))
    found = [np.ones(len(sizes)), size, size**2, wall, wall**2, size * wall, cpu, cpu**2, size * cpu]
    assert len(found) == len(SUMS)
    return np.array([one.sum() for one in found])


def observed(d: Demands, requests: int = 1500, *, counts: bool = True, device: bool = False) -> Observed:
    """Return what is seen of a run: with `counts`, of its phases too; with `device`, of the device by itself."""
    job, sizes = Job(d, [1.0]), []
    while job.served < requests:
        before = job.served
        job.step()
        if job.served > before:
            sizes.append(job.served - before)
    n = np.array(sizes)
    gather, reply = d.gather_s + n * d.gather_each_s, d.reply_s + n * d.reply_each_s
    on_device = d.device_s + n * d.device_each_s
    ones = np.ones(job.served)
    phases = {
        "environment": sums(ones, d.actor_s, d.actor_s),
        "queue": sums(ones, 0.0),
        "inference": sums(n, gather + on_device, gather),
        "reply": sums(n, reply, reply),
    }
    if device:
        phases["device"] = sums(n, on_device)
    learned = job.steps * d.learn_cpu_s
    if job.steps:
        phases["learner"] = sums(np.full(job.steps, d.learn_every), d.learn_cpu_s + d.learn_device_s, d.learn_cpu_s)
    return Observed(
        actors=d.actors,
        threads=d.threads,
        seconds=job.now,
        frames_per_second=job.served / job.now * FRAMES,
        requests_per_s=job.served / job.now if counts else None,
        actor_cpu_s=job.served * d.actor_s,
        actor_wait_s=0.0,
        server_cpu_s=float(gather.sum() + reply.sum()) + learned,
        server_wait_s=0.0,
        sums=phases if counts else {},
    )
