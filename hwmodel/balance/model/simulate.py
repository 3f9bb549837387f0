"""A training job, event by event: every actor, the server and the learner on the CPU's threads and the device.

Threads are shared as Linux's EEVDF scheduler shares them, as one queue for all: a task that runs keeps its thread for a
slice; of those that wait and had no more than their fair share so far, the one whose slice would end first comes next.
A task that blocks keeps what it is owed, up to a slice.
[Stoica, Abdel-Wahab, "Earliest Eligible Virtual Deadline First", 1995; Linux's kernel/sched/fair.c]
"""

import math

import numpy as np

from hwmodel.balance.model.compiled import inner, kernel
from hwmodel.balance.model.demands import Demands, Flow

WARM = 0.25  # of the requests come before what is counted
_ROUNDS = 4  # of all actors that are simulated at least
_STEPS = 4  # of the learner, likewise, if they take no more than so many requests:
_MOST = 1 << 20
_TINY = 1e-12  # s; a phase with less left is over

_BLOCKED, _QUEUED, _RUNS = 0, 1, 2
_GATHER, _REPLY = 0, 1


def simulate(demands: Demands, requests: int = 20_000, cv: float = 0.0, seed: int = 0) -> Flow:
    """Return what flows through a job.

    Args:
        demands: the setting.
        requests: how many are served before the answer; more where there are many actors, or seldom a step.
        cv: coefficient of variation of actors' CPU times, from a gamma distribution.
        seed: of these.
    """
    drawn = np.random.default_rng(seed)
    pool = drawn.gamma(1 / cv**2, cv**2, 1 << 14) if cv > 0 else np.ones(1)
    requests = max(requests, _ROUNDS * demands.actors)
    steps = _STEPS * demands.learn_every  # whole ones come before what is counted, and whole ones after
    if 0 < steps < _MOST:
        requests = round(math.ceil(requests / steps) * steps)
    return Flow(*run(typed(demands), pool, requests).tolist())


def typed(demands: Demands) -> Demands:
    """Return the demands with counts as int and times as float, as kernels are compiled for."""
    kinds = Demands.__annotations__
    return Demands(*(kinds[name](value) for name, value in demands._asdict().items()))


@inner
def _take(d: Demands, batch: np.ndarray, ring: np.ndarray, first: int, waiting: int) -> tuple[int, int, int]:
    """Move the requests that wait into the batch; return how many, and what is left in the ring."""
    taken = min(waiting, d.most)
    for k in range(taken):
        batch[k] = ring[(first + k) % d.actors]
    return taken, (first + taken) % d.actors, waiting - taken


@kernel
def run(d: Demands, pool: np.ndarray, requests: int) -> np.ndarray:
    """Return the fields of `Flow`, float64.

    Args:
        d: the setting.
        pool: float64, factors of actors' CPU times, used one after another and again.
        requests: how many are served before the answer.
    """
    tasks = d.actors + 2
    server, learner = d.actors, d.actors + 1
    state = np.full(tasks, _QUEUED, np.int8)
    left = np.zeros(tasks)  # CPU time that a task's phase still needs
    slice_left = np.zeros(tasks)
    virtual = np.zeros(tasks)  # CPU time had, on the scale of the fair share
    deadline = np.full(tasks, d.slice_s)
    lag = np.zeros(tasks)  # what a task that blocks is owed
    wake_at = np.full(d.actors, np.inf)
    posted_at = np.zeros(d.actors)
    ring = np.zeros(d.actors, np.int64)  # actors whose requests wait, in order
    first = waiting = 0
    batch = np.zeros(d.actors, np.int64)
    in_batch = 0
    running = np.zeros(d.threads, np.int64)
    busy = 0  # threads
    queued = d.actors
    drawn = 0
    for actor in range(d.actors):
        left[actor] = d.actor_s * pool[drawn % pool.size]
        drawn += 1
    state[server] = state[learner] = _BLOCKED
    phase = _GATHER
    serve_left = learn_left = 0.0  # on the device
    serving = learning = learner_busy = False
    serve_first = True  # where they take turns
    credit = 0.0  # requests served and not yet learned from
    fair = 0.0  # virtual time of the fair share
    now = 0.0
    served = steps = batches = 0
    warm = int(requests * WARM)
    sums = np.zeros(11)
    begun = np.zeros(11)
    begun_at = 0.0
    counted = False

    while served < requests:
        # Threads that are free take tasks.
        while busy < d.threads and queued:
            best = -1
            for task in range(tasks):
                eligible = virtual[task] <= fair + _TINY or queued <= d.threads - busy
                if state[task] == _QUEUED and eligible and (best < 0 or deadline[task] < deadline[best]):
                    best = task
            if best < 0:  # none: what those that blocked are owed is not the others' share
                for task in range(tasks):
                    if state[task] == _QUEUED and (best < 0 or virtual[task] < virtual[best]):
                        best = task
            state[best] = _RUNS
            slice_left[best] = d.slice_s
            running[busy] = best
            busy += 1
            queued -= 1
            if best == server and phase == _GATHER and in_batch == 0:  # it takes what waits once it runs
                in_batch, first, waiting = _take(d, batch, ring, first, waiting)
                left[server] = d.gather_s + in_batch * d.gather_each_s

        # To the next event.
        step = np.inf
        for k in range(busy):
            step = min(step, left[running[k]], slice_left[running[k]])
        serve_rate = learn_rate = 1.0
        if serving and learning and d.turns:
            serve_rate, learn_rate = (1.0, 0.0) if serve_first else (0.0, 1.0)
        elif serving and learning:
            serve_rate = learn_rate = 0.5
        if serving and serve_rate > 0:
            step = min(step, serve_left / serve_rate)
        if learning and learn_rate > 0:
            step = min(step, learn_left / learn_rate)
        if d.delay_s > 0:
            for actor in range(d.actors):
                step = min(step, wake_at[actor] - now)
        if step == np.inf:
            break  # nothing can ever happen: `least` or `ahead` leave no way on
        step = max(step, 0.0)
        now += step
        runnable = busy + queued
        if runnable:
            fair += step * min(1.0, d.threads / runnable)
        for k in range(busy):
            task = running[k]
            left[task] -= step
            slice_left[task] -= step
            virtual[task] += step
            sums[2 if task < server else 3 if task == server else 4] += step
        serve_waits = state[server] == _QUEUED
        sums[8] += step * serve_waits
        sums[7] += step * (queued - serve_waits - (state[learner] == _QUEUED))
        if serving:
            serve_left -= step * serve_rate
            sums[5] += step * serve_rate
        if learning:
            learn_left -= step * learn_rate
            sums[6] += step * learn_rate

        replied = False
        # Phases on threads that ended, and slices, in the order in which they got their thread.
        kept = 0
        for k in range(busy):
            task = running[k]
            if left[task] <= _TINY and task == server and phase == _GATHER and d.device_s + d.device_each_s == 0:
                phase = _REPLY  # it computes on this thread and goes on
                left[task] = d.reply_s + in_batch * d.reply_each_s
            if left[task] > _TINY and slice_left[task] <= _TINY:
                deadline[task] = virtual[task] + d.slice_s
                slice_left[task] = d.slice_s
                if queued:
                    state[task] = _QUEUED
                    queued += 1
            elif left[task] <= _TINY:
                state[task] = _BLOCKED
                lag[task] = min(max(fair - virtual[task], -d.slice_s), d.slice_s)
                if task == learner:
                    learning = True
                    serve_first = serving
                    learn_left = d.learn_device_s
                elif task == server:
                    if phase == _GATHER:
                        phase = _REPLY
                        serving = True
                        serve_first = not learning
                        serve_left = d.device_s + in_batch * d.device_each_s
                    else:
                        replied = True
                elif d.delay_s > 0:
                    wake_at[task] = now + d.delay_s
                else:
                    posted_at[task] = now
                    ring[(first + waiting) % d.actors] = task
                    waiting += 1
            if state[task] == _RUNS:
                running[kept] = task
                kept += 1
        busy = kept

        if d.delay_s > 0:
            for actor in range(d.actors):
                if wake_at[actor] <= now + _TINY:
                    wake_at[actor] = np.inf
                    posted_at[actor] = now
                    ring[(first + waiting) % d.actors] = actor
                    waiting += 1
        if serving and serve_left <= _TINY:
            serving = False
            left[server] = d.reply_s + in_batch * d.reply_each_s
            state[server] = _QUEUED
            queued += 1
            virtual[server] = fair - lag[server]
            deadline[server] = virtual[server] + d.slice_s
        if replied:
            for k in range(in_batch):
                actor = batch[k]
                sums[9] += now - posted_at[actor]
                left[actor] = d.actor_s * pool[drawn % pool.size]
                drawn += 1
                state[actor] = _QUEUED
                virtual[actor] = fair - lag[actor]
                deadline[actor] = virtual[actor] + d.slice_s
            queued += in_batch
            served += in_batch
            batches += 1
            credit += in_batch
            in_batch = 0
            phase = _GATHER
        if learning and learn_left <= _TINY:
            learning = learner_busy = False
            steps += 1
        if d.learn_every > 0 and not learner_busy and credit >= d.learn_every:
            credit -= d.learn_every
            learner_busy = True
            left[learner] = d.learn_cpu_s
            state[learner] = _QUEUED
            queued += 1
            virtual[learner] = fair - lag[learner]
            deadline[learner] = virtual[learner] + d.slice_s
        if state[server] == _BLOCKED and not serving and in_batch == 0 and waiting >= d.least:
            due = credit + (d.learn_every if learner_busy else 0.0)
            if d.learn_every == 0 or due < (1 + d.ahead) * d.learn_every:
                if replied:  # it goes on, on the thread that it has
                    state[server] = _RUNS
                    running[busy] = server
                    busy += 1
                    in_batch, first, waiting = _take(d, batch, ring, first, waiting)
                    left[server] = d.gather_s + in_batch * d.gather_each_s
                else:
                    state[server] = _QUEUED
                    queued += 1
                    virtual[server] = fair - lag[server]
                    deadline[server] = virtual[server] + d.slice_s
        sums[0], sums[1], sums[10] = served, batches, steps
        if not counted and served >= warm:
            counted = True
            begun[:] = sums
            begun_at = now

    span = now - begun_at
    out = (sums - begun) / span if span > 0 else np.zeros(11)
    out[1] = out[0] / out[1] if out[1] > 0 else 0.0
    out[9] = out[9] / out[0] if out[0] > 0 else 0.0
    return out
