"""What flows through a job in closed form: a fixed point for the mean batch, for thousands of settings at once.

While a batch of n is in the server, N - n actors are away. Where they are no more than the threads can keep going, each
comes back at a rate of 1 / away, with away = actor_s + delay_s; where they are more, as many do as there are slots,
slots = threads * away / actor_s. Those that come back meanwhile are the next batch; if none does, the server waits for
the first. So the mean batch solves

    n = D(n) + P(n),    P(n) = (1 - D(n) / (N - n)) ** (N - n),    rate = n / (s(n) + P(n) * away / slots)

with D(n) the actors that come back in the time s(n) of a batch. The waits for a thread and for the device, which are in
s(n), follow from what flows, so the whole is solved again until they stay. The learner goes on beside at the speed that
its fair share of threads and device leaves; what it is then still behind by, the actors wait for. In lockstep, where a
batch is of all actors, these begin together, and the next begins with the last of them.

`simulate` finds the same flow event by event; benchmarks/balance/models.py tells how far the two are apart.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hwmodel.balance.model.compiled import inner, kernel
from hwmodel.balance.model.demands import Demands, Flow, columns

_ROUNDS, _STEPS = 60, 45
_STEP = 0.3  # of the way towards the new waits in each round
_QUEUE = 0.25  # of the tasks that wait for a thread, those that a server which becomes ready is put behind
_LEAST_SHARE = 0.3  # of a thread that actors keep while the server has one
_VARY = 0.3  # coefficient of variation of actors' times, where the last of all is waited for
_TINY = 1e-9
_CLOSE = 1e-12  # of a batch; nearer than this to the fixed point is there


def flows(settings: Sequence[Demands]) -> list[Flow]:
    """Return what flows through each setting, as `simulate` would find it, nearly."""
    return [Flow(*row) for row in solve(columns(settings)).tolist()]


def solve(d: Any) -> np.ndarray:
    """Return float64[settings, len(Flow._fields)]; `d` as `columns` has it."""
    return _solve(np.ascontiguousarray(np.column_stack(d), dtype=np.float64))


@kernel
def _solve(table: np.ndarray) -> np.ndarray:
    """Return what `solve` does; `table` is float64[settings, len(Demands._fields)]."""
    found = np.empty((len(table), 11))
    for i in range(len(table)):
        r = table[i]
        d = Demands(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14],
                    r[15], r[16], r[17])  # fmt: skip
        _flow(d, found[i])
    return found


@inner
def _device_s(d: Demands, n: float) -> float:
    return d.device_s + n * d.device_each_s


@inner
def _cpu_s(d: Demands, n: float) -> float:
    return d.gather_s + d.reply_s + n * (d.gather_each_s + d.reply_each_s)


@inner
def _flow(d: Demands, found: np.ndarray) -> None:
    """Write the fields of `Flow` of a setting, all of whose fields are float64."""
    away = max(d.actor_s + d.delay_s, 1e-3 * _TINY)
    turns = 2 if d.device_s + d.device_each_s > 0 else 1  # on a thread in a batch
    learner = held_up = wait = inside = 0.0
    n = period = rate = steps = cpu = 1.0
    moved = np.inf  # n, in the last round
    ready = min(d.actors, d.threads)
    for _ in range(_ROUNDS):
        threads = max(d.threads - learner, 0.05 * d.threads)
        before = n
        n, service, idle, about = _batch(d, away, threads, wait, held_up, n, 2 * moved)
        moved = abs(n - before)
        period = service + idle
        cpu = _cpu_s(d, n)
        rate, steps, learns = _with_learner(d, n / period, ready, idle)
        period = n / rate
        behind = _QUEUE * max(ready - d.threads, 0.0)
        turn = steps * period * _turn(d, period - _device_s(d, n))
        learner += _STEP * (min(steps * d.learn_cpu_s, 1.0) - learner)
        held_up += _STEP * ((0.0 if d.turns > 0 else 0.5 * learns) - held_up)
        wait += _STEP * (turns * min(d.actor_s, d.slice_s) / d.threads * behind + turn - wait)
        inside += _STEP * (min(about * service / period, d.actors) - inside)
        ready += _STEP * (min(max(d.actors - inside - rate * d.delay_s, 0.0), d.actors) - ready)
    actors = rate * d.actor_s
    found[0], found[1], found[2], found[3] = rate, n, actors, cpu / period
    found[4], found[5], found[6] = steps * d.learn_cpu_s, _device_s(d, n) / period, steps * d.learn_device_s
    found[7], found[8], found[9] = max(ready - actors, 0.0), min(wait / period, 1.0), inside / rate
    found[10] = steps


@inner
def _slots(d: Demands, threads: float, away: float) -> float:
    """Return how many actors that are away so many threads keep going, each as if it were alone."""
    return threads * away / d.actor_s if d.actor_s * d.actors > threads * away else max(d.actors, threads)


@inner
def _back(d: Demands, others: float, threads: float, away: float, time: float) -> float:
    """Return how many of those that are away come back within a time."""
    slots = _slots(d, threads, away)
    until_few = max(others - slots, 0.0) * away / slots
    back = min(time, until_few) * slots / away
    if time > until_few:
        back -= min(others, slots) * math.expm1(-(time - until_few) / away)
    return min(back, others * (1 - 1e-12))


@inner
def _at(
    d: Demands, n: float, away: float, threads: float, wait: float, held_up: float, part: float
) -> tuple[float, float, float]:
    """Return who comes back in a part of a batch's time, the chance that none does, and that time."""
    cpu = _cpu_s(d, n)
    service = max(cpu + wait + _device_s(d, n) / (1 - held_up), 1e-12)
    beside = max(threads - cpu / service, _LEAST_SHARE * min(1.0, threads))
    others = max(d.actors - n, _TINY)
    come = _back(d, others, beside, away, part * service)
    return come, math.exp(others * math.log1p(-come / others)), service


@inner
def _batch(
    d: Demands, away: float, threads: float, wait: float, held_up: float, guess: float, near: float
) -> tuple[float, float, float, float]:
    """Return the mean batch, its time in the server, the time idle before the next, the mean requests about."""
    n = _mean(d, away, threads, wait, held_up, guess, near)
    come, none, service = _at(d, n, away, threads, wait, held_up, 1.0)
    idle = none * away / min(d.actors, _slots(d, threads, away))
    if d.least > 1:
        idle = max(idle, _until(d, come, threads, away))
    half, _, _ = _at(d, n, away, threads, wait, held_up, 0.5)
    return n, service, idle, n + (4 * half + come) / 6  # Simpson's rule for those that wait


@inner
def _over(d: Demands, n: float, away: float, threads: float, wait: float, held_up: float) -> float:
    come, none, _ = _at(d, n, away, threads, wait, held_up, 1.0)
    return come + none - n


@inner
def _mean(d: Demands, away: float, threads: float, wait: float, held_up: float, guess: float, near: float) -> float:
    """Return the n at which D(n) + P(n) is n, by regula falsi (Illinois), looked for near a guess first."""
    most = min(d.actors, d.most)
    least = min(d.least, most)
    low, high = max(guess - near, least), min(guess + near, most)
    over = under = 0.0
    if low < high:
        over = _over(d, low, away, threads, wait, held_up)
        under = _over(d, high, away, threads, wait, held_up)
    if over <= 0 or under >= 0:
        low, high = least, most
        over = _over(d, low, away, threads, wait, held_up)
        under = _over(d, high, away, threads, wait, held_up)
        if over <= 0:
            return low
        if under >= 0:
            return high
    side = 0
    for _ in range(_STEPS):
        n = (low * under - high * over) / (under - over)
        off = _over(d, n, away, threads, wait, held_up)
        if abs(off) <= _CLOSE * n or high - low <= _CLOSE * n:
            return n
        if off > 0:
            low, over = n, off
            under = under / 2 if side == 1 else under
            side = 1
        else:
            high, under = n, off
            over = over / 2 if side == -1 else over
            side = -1
    return (low + high) / 2


@inner
def _until(d: Demands, come: float, threads: float, away: float) -> float:
    """Return the time from a batch's end until the least number of requests for the next wait."""
    slots = _slots(d, threads, away)
    if min(d.least, d.most) >= d.actors:  # all begin together, and the last is waited for
        last = 1 + _VARY * max(math.sqrt(2 * math.log(d.actors)) - 0.5, 0.0)
        return max(d.actors / slots + 0.5 * (d.actors > slots), last) * away
    lacking = max(min(d.least, d.most) - come, 0.0)
    computing = max(d.actors - come, lacking)
    many = min(max(computing - slots, 0.0), lacking)
    few = lacking - many
    left = min(computing - many, max(slots, few))
    return many * away / slots + away * math.log((left + 0.5) / (left - few + 0.5))


@inner
def _turn(d: Demands, gap: float) -> float:
    """Return how long the server waits for the device each time the learner takes its turn.

    The server wants it again at any time within the gap between its own turns.
    """
    if d.turns == 0:
        return 0.0
    gap = max(gap, 1e-12)
    turn = d.learn_device_s
    return turn - gap / 2 if turn > gap else turn**2 / (2 * gap)


@inner
def _with_learner(d: Demands, rate: float, ready: float, idle: float) -> tuple[float, float, float]:
    """Return the rate that the learner lets through, its steps a second, the share of the time it is on the device.

    Between two steps' worth of requests the learner gets on at the speed `beside`; what of a step is left then is done
    while the actors wait. With nothing ahead, it has the time in which the server is idle.
    """
    if d.learn_every == 0:
        return rate, 0.0, 0.0
    alone = d.learn_cpu_s + d.learn_device_s
    crowded = d.learn_cpu_s * max(1.0, (ready + 1) / d.threads) + d.learn_device_s
    beside = alone / crowded if crowded > 0 else 0.0
    due = d.learn_every / rate
    taken = due + max(alone - idle, 0.0) if d.ahead == 0 else max(due, alone + (1 - min(beside, 1.0)) * due)
    rate *= due / taken
    steps = rate / d.learn_every
    return rate, steps, min(steps * d.learn_device_s, 0.95)
