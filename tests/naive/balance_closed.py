"""The closed form of `hwmodel.balance.model.fixed_point` over whole arrays, the mean batch by halving."""

from typing import Any

import numpy as np

from hwmodel.balance.model.demands import Flow

_ROUNDS, _HALVINGS = 60, 45
_STEP = 0.3  # of the way towards the new waits in each round
_QUEUE = 0.25  # of the tasks that wait for a thread, those that a server which becomes ready is put behind
_LEAST_SHARE = 0.3  # of a thread that actors keep while the server has one
_TINY = 1e-9

Array = np.ndarray


def solve(d: Any) -> Array:
    """Return float64[settings, len(Flow._fields)]; `d` as `columns` has it."""
    away = d.actor_s + d.delay_s
    learner, held_up, wait, inside = (np.zeros_like(away) for _ in range(4))
    n = period = rate = steps = cpu = np.ones_like(away)
    ready = np.minimum(d.actors, d.threads)
    for _ in range(_ROUNDS):
        threads = np.maximum(d.threads - learner, 0.05 * d.threads)
        n, service, period, inside_now = _batch(d, away, threads, wait, held_up)
        cpu = d.server_cpu_s(n)
        rate, steps, learns = _with_learner(d, n / period, ready, period - service)
        period = n / rate
        learner = learner + _STEP * (np.minimum(steps * d.learn_cpu_s, 1) - learner)
        held_up = held_up + _STEP * (np.where(d.turns > 0, 0, 0.5 * learns) - held_up)
        turns = np.where(d.device_s + d.device_each_s > 0, 2, 1)  # on a thread in a batch
        behind = _QUEUE * np.maximum(ready - d.threads, 0)
        device_wait = steps * period * _turn(d, period - (d.device_s + n * d.device_each_s))
        wait = wait + _STEP * (turns * np.minimum(d.actor_s, d.slice_s) / d.threads * behind + device_wait - wait)
        inside = inside + _STEP * (np.minimum(inside_now * service / period, d.actors) - inside)
        ready = ready + _STEP * (np.clip(d.actors - inside - rate * d.delay_s, 0, d.actors) - ready)
    actors = rate * d.actor_s
    columns = {
        "requests_per_s": rate, "batch": n, "actor_cores": actors, "server_cores": cpu / period,
        "learner_cores": steps * d.learn_cpu_s, "device_serve": (d.device_s + n * d.device_each_s) / period,
        "device_learn": steps * d.learn_device_s, "actor_wait": np.maximum(ready - actors, 0),
        "server_wait": np.minimum(wait / period, 1), "queue_s": inside / rate, "steps_per_s": steps,
    }  # fmt: skip
    return np.column_stack([columns[name] for name in Flow._fields])


def _slots(d: Any, threads: Array, away: Array) -> Array:
    """Return how many actors that are away the threads keep going."""
    return np.where(
        d.actor_s * d.actors > threads * away,
        threads * away / np.maximum(d.actor_s, 1e-300),
        np.maximum(d.actors, threads),
    )


def _finished(actors: Array, slots: Array, away: Array, time: Array) -> Array:
    """Return how many of the actors come back within a time."""
    until_few = np.maximum(actors - slots, 0) * away / slots
    few = np.minimum(actors, slots)
    return np.minimum(time, until_few) * slots / away + few * -np.expm1(-np.maximum(time - until_few, 0) / away)


def _batch(d: Any, away: Array, threads: Array, wait: Array, held_up: Array) -> tuple[Array, Array, Array, Array]:
    """Return the mean batch, its time in the server, the time to the next, and the mean requests about meanwhile."""
    away = np.maximum(away, _TINY * 1e-3)

    def at(n: Array, part: float = 1.0) -> tuple[Array, Array, Array]:
        cpu = d.server_cpu_s(n)
        service = np.maximum(cpu + wait + (d.device_s + n * d.device_each_s) / (1 - held_up), 1e-12)
        beside = np.maximum(threads - cpu / service, _LEAST_SHARE * np.minimum(1, threads))
        others = np.maximum(d.actors - n, _TINY)
        come = np.minimum(_finished(others, _slots(d, beside, away), away, part * service), others * (1 - 1e-12))
        return come, np.exp(others * np.log1p(-come / others)), service

    most = np.minimum(d.actors, d.most)
    low, high = np.minimum(d.least, most), most
    for _ in range(_HALVINGS):
        n = (low + high) / 2
        come, none, _ = at(n)
        low, high = np.where(come + none > n, n, low), np.where(come + none > n, high, n)
    n = (low + high) / 2
    come, none, service = at(n)
    slots = _slots(d, threads, away)
    idle = none * away / np.minimum(d.actors, slots)
    idle = np.where(d.least > 1, np.maximum(_until(d, come, slots, away), idle), idle)
    return n, service, service + idle, n + (4 * at(n, 0.5)[0] + come) / 6  # Simpson's rule for those that wait


def _until(d: Any, come: Array, slots: Array, away: Array) -> Array:
    """Return the time from a batch's end until the least number of requests for the next wait."""
    last = 1 + 0.3 * np.maximum(np.sqrt(2 * np.log(d.actors)) - 0.5, 0)
    together = np.maximum(d.actors / slots + 0.5 * (d.actors > slots), last) * away
    lacking = np.maximum(np.minimum(d.least, d.most) - come, 0)
    computing = np.maximum(d.actors - come, lacking)
    many = np.minimum(np.maximum(computing - slots, 0), lacking)
    few = lacking - many
    left = np.minimum(computing - many, np.maximum(slots, few))
    some = many * away / slots + away * np.log((left + 0.5) / (left - few + 0.5))
    return np.where(np.minimum(d.least, d.most) >= d.actors, together, some)


def _turn(d: Any, gap: Array) -> Array:
    """Return how long the server waits for the device each time the learner takes its turn.

    The server wants it again at any time within the gap between its own turns.
    """
    gap = np.maximum(gap, 1e-12)
    turn = d.learn_device_s
    return np.where(d.turns > 0, np.where(turn > gap, turn - gap / 2, turn**2 / (2 * gap)), 0.0)


def _with_learner(d: Any, rate: Array, ready: Array, idle: Array) -> tuple[Array, Array, Array]:
    """Return the rate that the learner lets through, its steps a second, the share of the time it is on the device.

    Between two steps' worth of requests the learner gets on at the speed `beside`; what of a step is left then is done
    while the actors wait.
    """
    has = d.learn_every > 0
    alone = d.learn_cpu_s + d.learn_device_s
    crowded = d.learn_cpu_s * np.maximum(1, (ready + 1) / d.threads) + d.learn_device_s
    beside = np.where(d.ahead > 0, alone / np.maximum(crowded, 1e-300), 0)
    due = np.where(has, d.learn_every / rate, 1)
    taken = np.maximum(due, alone + (1 - np.minimum(beside, 1)) * due)
    taken = np.where(d.ahead == 0, due + np.maximum(alone - idle, 0), taken)
    rate = np.where(has, rate * due / taken, rate)
    steps = np.where(has, rate / np.maximum(d.learn_every, 1e-300), 0)
    return rate, steps, np.minimum(steps * d.learn_device_s, 0.95)
