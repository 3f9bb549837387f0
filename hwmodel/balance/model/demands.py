"""What one setting of a job asks of a machine: times by the parts of a cycle, all in seconds of that machine.

Actors compute on the CPU until each has a request; a server takes the requests that wait, as one batch: it gathers them
on the CPU, runs them on the device, and replies on the CPU; a learner takes a step whenever enough requests were
served, on the CPU and on the device too. A server that computes on the CPU has no device times.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Demands(NamedTuple):
    """A setting's times and counts. A request stands for all environments of one actor, stepped once.

    numba's kernels take this tuple as it is; floats are float64, counts int64.
    """

    actors: int
    threads: int  # of the CPU, each of the speed that the times were measured at
    actor_s: float  # CPU time between a reply and the next request
    delay_s: float  # time between the two that is not the CPU's
    gather_s: float  # CPU time of a batch before it is on the device
    gather_each_s: float  # and of each request in it
    device_s: float  # time of a batch on the device
    device_each_s: float
    reply_s: float  # CPU time of a batch after the device
    reply_each_s: float
    least: int  # requests that must wait before a batch begins
    most: int  # requests that a batch holds
    learn_every: float  # requests served for each step of the learner; 0: no learner
    learn_cpu_s: float  # CPU time of a step
    learn_device_s: float  # time of a step on the device
    ahead: float  # steps that may be due beside the one under way before the server waits for the learner
    turns: int  # 1: server and learner have the device one after the other; 0: while both want it, half of it each
    slice_s: float  # for which the scheduler lets a task run while others wait

    def serve_s(self, batch: Any) -> Any:
        """Return the time of a batch in the server when nobody else is about, s."""
        once = self.gather_s + self.device_s + self.reply_s
        return once + batch * (self.gather_each_s + self.device_each_s + self.reply_each_s)

    def server_cpu_s(self, batch: Any) -> Any:
        """Return the CPU time of a batch in the server, s."""
        return self.gather_s + self.reply_s + batch * (self.gather_each_s + self.reply_each_s)


class Flow(NamedTuple):
    """What comes of it: rates and shares in the long run."""

    requests_per_s: float
    batch: float  # mean requests of a batch
    actor_cores: float  # threads busy with actors
    server_cores: float
    learner_cores: float
    device_serve: float  # share of the time in which the device is the server's
    device_learn: float
    actor_wait: float  # actors that are ready to run and have no thread
    server_wait: float  # share of the time in which the server is
    queue_s: float  # mean time from a request to its reply
    steps_per_s: float  # of the learner


def columns(settings: Sequence[Demands]) -> Any:
    """Return `Demands` whose fields are float64[settings], as `fixed_point.solve` takes them."""
    table: Any = np.array(settings, dtype=np.float64).reshape(-1, len(Demands._fields)).T
    return Demands(*table)
