"""Which setting of a job a machine should run, what one more actor, thread or SM would bring, and which machine to buy.

A job on several GPUs is that many copies of it, each with its share of the threads. All settings of a machine are
solved in closed form at once; those that are recommended are simulated, with intervals.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel.balance.machine import Machine
from hwmodel.balance.model.demands import columns
from hwmodel.balance.model.fixed_point import solve
from hwmodel.balance.model.job import Job
from hwmodel.balance.model.predict import predict
from hwmodel.balance.model.settings import Setting, settled

KNEE = 0.95  # of the most frames/s, which fewest actors reach there
ACTORS_A_THREAD = 32  # at the most
STEPS = 28  # numbers of actors that are tried
MORE = 0.1  # by which each of actors, threads and SMs is raised for its marginal gain
GOALS = ("frames_per_second", "frames_per_joule", "frames_per_dollar")
HOUR_S = 3600.0
LIFE_S = 3 * 365 * 24 * HOUR_S  # over which a price is spread, without one by the hour


@dataclass(frozen=True)
class Host:
    """The machine that a job's times are of, in the units of `Machine`."""

    thread_speed: float = 1.0
    sm_speed: float = 1.0


def settings_of(job: Job, machine: Machine, host: Host) -> list[tuple[Setting, int, int]]:
    """Return (setting of each copy, copies, threads in all) over actors x threads x SMs of a machine."""
    found = []
    for threads in _threads(int(machine.threads)):
        for copies, sms in _gpus(job, machine):
            each = threads // copies
            if not each:
                continue
            for actors in _actors(job, machine, each, copies):
                found.append((setting_of(job, machine, host, actors, each, copies, sms), copies, each * copies))  # noqa: PERF401
    return found


def setting_of(
    job: Job, machine: Machine, host: Host, actors: int, threads: int, copies: int = 1, sms: int = 0
) -> Setting:
    """Return the setting of one of `copies` of a job on a machine, with so many actors, threads and SMs each."""
    return Setting(
        actors=actors,
        threads=threads,
        sms=sms if job.sms else 0,
        thread_speed=machine.speed(threads * copies) / host.thread_speed,
        device_speed=machine.sm_speed / host.sm_speed if job.sms else 1.0,
    )


def _threads(threads: int) -> list[int]:
    return sorted({max(1, round(threads * share)) for share in (1 / 16, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 3 / 4, 1.0)})


def _gpus(job: Job, machine: Machine) -> list[tuple[int, int]]:
    """Return (GPUs, SMs of each): parts of one, and more whole ones."""
    if not job.sms:
        return [(1, 0)]
    sms, gpus = int(machine.sms), int(machine.gpus)
    if not sms or not gpus:
        raise InputError(f"machine {machine.name}: has no GPU, which the job {job.name} needs")
    parts = sorted({max(1, round(sms * share)) for share in (1 / 8, 1 / 4, 1 / 2, 3 / 4)})
    return [(1, part) for part in parts] + [
        (number, sms) for number in sorted({1, 2, 4, 8, 16, gpus}) if number <= gpus
    ]


def _actors(job: Job, machine: Machine, threads: int, copies: int) -> list[int]:
    most = ACTORS_A_THREAD * threads
    if job.memory_bytes:
        most = min(most, int(machine.memory_bytes / job.memory_bytes / copies))
    if most < 1:
        raise InputError(
            f"machine {machine.name}: its memory has no room for {copies} actors of {job.memory_bytes:g} B"
        )
    return sorted({round(x) for x in np.geomspace(1, most, STEPS)})


def recommend(job: Job, machine: Machine, host: Host = Host(), now: Setting | None = None) -> dict[str, Any]:
    """Return the best settings of a job on a machine, the marginal gains there, the balanced ratio and the knee.

    Args:
        job: as calibrated.
        machine: to run it on.
        host: the machine that it was calibrated on.
        now: a setting that is used now, to be told the gains of.

    Raises:
        InputError: the machine has no GPU or no room for the job.
    """
    tried = settings_of(job, machine, host)
    rows = rows_of(job, machine, tried)
    best = _bests(job, tried, rows)
    top = int(np.argmax(rows["frames_per_second"]))
    copies = tried[top][1]
    at = _knee(tried, rows, top)
    share = float(rows["frames_per_second"][at] / rows["frames_per_second"][top])
    knee = {"actors": tried[at][0].actors * copies, "threads": tried[at][2], "gpus": copies, "of_most": share,
            "frames_per_second": share * best["frames_per_second"]["frames_per_second"]}  # fmt: skip
    return {
        "job": job.name,
        "machine": machine.name,
        "threads": int(machine.threads),
        "sms": int(machine.gpus * machine.sms),
        "cpu_gpu_ratio": machine.cpu_gpu_ratio,
        "balanced_cpu_gpu_ratio": balanced_ratio(job, machine, host, knee["actors"] // knee["gpus"], copies),
        "best": best,
        "knee": knee,
        "gains": gains(job, now or tried[at][0], copies=1 if now else knee["gpus"]),
        "settings": [
            {"actors": one.actors * n, "threads": threads, "gpus": n if job.sms else 0, "sms": (one.sms or 0) * n}
            | {goal: float(rows[goal][i]) for goal in (*GOALS, "power_W") if rows[goal] is not None}
            for i, (one, n, threads) in enumerate(tried)
        ],
        "notes": notes(job, machine),
    }


def rows_of(job: Job, machine: Machine, tried: Sequence[tuple[Setting, int, int]]) -> dict[str, Any]:
    """Return arrays over settings: frames/s, power, frames/J and frames/USD of a whole machine."""
    flow = solve(columns(settled(job, [one for one, _, _ in tried])))
    copies = np.array([n for _, n, _ in tried], dtype=float)
    rates = flow[:, 0] * job.frames_per_request * math.exp(job.bias) * copies
    parts = np.array([(one.sms or machine.sms) / machine.sms if job.sms else 0.0 for one, _, _ in tried])
    power = machine.power_W(flow[:, 2:5].sum(axis=1) * copies, np.minimum(flow[:, 5:7].sum(axis=1), 1) * copies * parts)
    price = machine.price_USD_per_hour
    per_s = price / HOUR_S if price else machine.price_USD / LIFE_S if machine.price_USD else None
    return {"frames_per_second": rates, "power_W": power, "frames_per_joule": rates / power,
            "frames_per_dollar": None if per_s is None else rates / per_s}  # fmt: skip


def _bests(job: Job, tried: Sequence[tuple[Setting, int, int]], rows: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the best setting for each goal, simulated once where it is the same for several."""
    at = {goal: _at(tried, rows[goal]) for goal in GOALS if rows[goal] is not None}
    told = {index: _simulated(job, tried, rows, index) for index in set(at.values())}
    return {goal: dict(told[index]) for goal, index in at.items()}


def _at(tried: Sequence[tuple[Setting, int, int]], values: np.ndarray) -> int:
    """Return which setting has the most; of those that have nearly as much, that with the fewest actors."""
    enough = np.flatnonzero(values >= values.max() * (1 - 0.002))
    return min(enough.tolist(), key=lambda i: tried[i][0].actors * tried[i][1])


def _simulated(job: Job, tried: Sequence[tuple[Setting, int, int]], rows: dict[str, Any], at: int) -> dict[str, Any]:
    """Return what a whole machine does in one of the settings."""
    setting, copies, threads = tried[at]
    (row,) = predict(job, [setting])
    for name in ("frames_per_second", "low_frames_per_second", "high_frames_per_second"):
        row[name] *= copies
    power = float(rows["power_W"][at])
    row |= {
        "actors": setting.actors * copies, "threads": threads, "gpus": copies if job.sms else 0,
        "sms": setting.sms * copies or None, "power_W": power, "frames_per_joule": row["frames_per_second"] / power,
    }  # fmt: skip
    if rows["frames_per_dollar"] is not None:
        each = float(rows["frames_per_dollar"][at] / rows["frames_per_second"][at])
        row["frames_per_dollar"] = each * row["frames_per_second"]
    return row


def _knee(tried: Sequence[tuple[Setting, int, int]], rows: dict[str, Any], top: int) -> int:
    """Return which setting has the fewest actors of those within 5 % of the most, with as many threads and SMs."""
    setting, copies, threads = tried[top]
    most = rows["frames_per_second"][top]
    same = [i for i, (one, n, t) in enumerate(tried) if (one.sms, n, t) == (setting.sms, copies, threads)]
    return min((i for i in same if rows["frames_per_second"][i] >= KNEE * most), key=lambda i: tried[i][0].actors)


def gains(job: Job, setting: Setting, copies: int = 1) -> dict[str, Any]:
    """Return by what share frames/s grow when actors, threads or SMs are raised by a tenth, over that tenth.

    1 says that frames/s grow in proportion, 0 that more of it brings nothing. Threads and SMs that the machine does not
    have are taken to be like those that it has.
    """
    if job.sms and not setting.sms:
        setting = replace(setting, sms=job.sms)
    raised = {name: max(round(getattr(setting, name) * (1 + MORE)), getattr(setting, name) + 1)
              for name in ("actors", "threads", "sms") if getattr(setting, name)}  # fmt: skip
    variants = [setting, *(replace(setting, **{name: number}) for name, number in raised.items())]
    rates = solve(columns(settled(job, variants)))[:, 0]
    found: dict[str, Any] = {
        name: float(math.log(rates[i] / rates[0]) / math.log(number / getattr(setting, name)))
        for i, (name, number) in enumerate(raised.items(), start=1)
    }
    return {"at_actors": setting.actors * copies, "at_threads": setting.threads * copies} | found


def balanced_ratio(job: Job, machine: Machine, host: Host, actors: int, copies: int = 1) -> float | None:
    """Return the threads per SM at which CPU and GPU are both busy: CPU-thread-seconds over SM-seconds of a request.

    Both at the batch that so many actors reach when there are threads for all of them.
    """
    if not job.sms:
        return None
    setting = setting_of(
        job, machine, host, max(actors, 1), max(int(machine.threads) // copies, 1), copies, int(machine.sms)
    )
    (asked,) = settled(job, [setting])
    batch = max(actors / 2, 1.0)  # one half is served while the other acts
    learn = 1 / job.learn_every if job.learn_every else 0.0
    cpu_s = asked.actor_s + asked.server_cpu_s(batch) / batch + learn * asked.learn_cpu_s
    device_s = asked.device_s / batch + asked.device_each_s + learn * asked.learn_device_s
    return cpu_s / (device_s * setting.sms) if device_s > 0 else None


def compare(
    job: Job, machines: Sequence[Machine], host: Host = Host(), power_W: float | None = None,
    USD: float | None = None, USD_per_hour: float | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return a row a machine, best first: what it reaches, and how many of it a budget pays for.

    A budget of power counts what a machine can draw at the most; each machine runs the setting with the most frames/s.
    """
    rows = []
    for machine in machines:
        if job.sms and not machine.gpus:
            continue
        tried = settings_of(job, machine, host)
        best = _bests(job, tried, rows_of(job, machine, tried))
        counts = []
        if power_W is not None:
            counts.append(power_W // machine.max_W)
        for budget, price in ((USD, machine.price_USD), (USD_per_hour, machine.price_USD_per_hour)):
            if budget is not None:
                counts.append(budget // price if price else 0)
        number = int(min(counts)) if counts else 1
        most, per_USD = best["frames_per_second"]["frames_per_second"], best.get("frames_per_dollar", {})
        rows.append({
            "machine": machine.name, "threads": int(machine.threads), "sms": int(machine.gpus * machine.sms),
            "cpu_gpu_ratio": machine.cpu_gpu_ratio, "number": number, "frames_per_second": most,
            "all_frames_per_second": number * most, "power_W": best["frames_per_second"]["power_W"],
            "max_W": machine.max_W, "frames_per_joule": best["frames_per_joule"]["frames_per_joule"],
            "frames_per_dollar": per_USD.get("frames_per_dollar"),
        })  # fmt: skip
    return sorted(rows, key=lambda row: -row["all_frames_per_second"])


def notes(job: Job, machine: Machine) -> list[str]:
    """Return what a recommendation rests on, in sentences."""
    assumed = sorted(key for key, source in machine.sources.items() if source == "assumed")
    recalled = sorted(key for key, source in machine.sources.items() if source == "recalled")
    found = [
        f"Of {machine.name}, assumed: {', '.join(assumed) or 'nothing'}; recalled: {', '.join(recalled) or 'nothing'}."
    ]
    guessed = sorted(name for name, time in job.times.items() if time.basis not in ("measured", "calibrated"))
    if guessed:
        found.append(f"Of the job, not measured: {', '.join(guessed)}.")
    if not job.runs:
        found.append("The job was never run: its rates are modelled alone.")
    if machine.price_USD_per_hour is None and machine.price_USD is not None:
        found.append("Frames per dollar spread the price over three years of use without a pause.")
    return found
