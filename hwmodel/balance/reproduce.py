"""The paper on CPU/GPU balance: its statements beside what our models say, and how much that hangs on what is assumed.

The job is SEED RL's R2D2 on one V100 of a DGX-1. The device's times come of our own GPU model; an actor's CPU time is
that with which the model gives the frames/s that the framework's authors published; what a call costs is assumed. Each
row is therefore also asked with each time that is not measured halved and doubled.
"""

import math
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel

from circuits.yaml_file import read_yaml
from hwmodel import __version__
from hwmodel.balance.device import device_times, line_of
from hwmodel.balance.machine import Machine, load_machine
from hwmodel.balance.model.demands import columns
from hwmodel.balance.model.fixed_point import solve
from hwmodel.balance.model.job import Job, Time
from hwmodel.balance.model.settings import Setting, scaled, settled
from hwmodel.balance.model.simulate import simulate
from hwmodel.balance.recommend import Host, balanced_ratio, setting_of
from hwmodel.console import Advance

if TYPE_CHECKING:
    from hwmodel.studies.questions import Results

FILE = Path(__file__).with_name("rl_balance.yaml")
FACTORS = (0.5, 2.0)
CURVE = (1, 2, 4, 8, 16, 24, 32, 40, 64, 96, 128, 192, 256, 384, 512)
RATIOS = ("dgx-1", "dgx-a100", "dgx-h100", "gh200")
MACHINE = "dgx-1"
GIVEN = {f"cpu_gpu_ratio.{name}" for name in RATIOS}  # of machines' descriptions alone
ACTORS = (4, 40, 256)  # of the paper's statements
CALLS = ("gather_s", "gather_each_s", "reply_s", "reply_each_s")
UNSURE = (*CALLS, "device_s", "device_each_s", "learn_device_s")
STEP = 512  # observations that a step of the learner is timed with, and then taken in proportion
HALVINGS = 14


class Reproduction(BaseModel):
    """What a reproduction's study.yaml says was asked."""

    study: Literal["reproduce"] = "reproduce"
    paper: Literal["rl-balance"] = "rl-balance"


def seed_job(told: dict[str, Any], machine: Machine, frames_per_second: float) -> Job:
    """Return the job that the paper measured, as far as it can be told.

    Args:
        told: `job` of rl_balance.yaml.
        machine: whose threads the actors' time is of.
        frames_per_second: published, of `cpus` of them.
    """
    sms = int(machine.sms)
    times = device_times(told["network"], told["gpu"], sms=(sms, sms // 2, sms // 4), launch="eager")
    fixed, each, scaling = line_of(times)
    learn, infer = (device_times(told["network"], told["gpu"], (STEP,), phase=phase)[0]["time_s"] / STEP
                    for phase in ("training", "inference"))  # fmt: skip
    steps = told["sequences"] * told["sequence"]
    warm = told["sequences"] * (
        2 * told["burn_in"] + told["sequence"]
    )  # both networks' warming, and the target's steps
    values = {
        "device_s": Time(fixed + told["recurrent_s"], 0.3, "modelled"),
        "device_each_s": Time(each, 0.2, "modelled"),
        "learn_device_s": Time(steps * learn + warm * infer + told["recurrent_step_s"], 0.3, "modelled"),
    }
    values |= {name: Time(told[name], 0.5, "assumed") for name in CALLS}
    job = Job(
        name="seed-r2d2", times=values, frames_per_request=told["frames_per_request"], threads=int(machine.threads),
        sms=sms, learn_every=steps / told["replay_ratio"], ahead=2, scaling=scaling, cv=0.3, machine=machine.name,
    )  # fmt: skip
    return _with_actors(job, told, machine, frames_per_second)


def _with_actors(job: Job, told: dict[str, Any], machine: Machine, frames_per_second: float) -> Job:
    """Return the job with the actors' CPU time that gives the published frames/s; without any, where none does."""
    low, high = 1e-6, told["cpus"] * told["frames_per_request"] / frames_per_second

    def with_time(seconds: float) -> Job:
        return replace(job, times={"actor_s": Time(seconds, 0.1, "calibrated"), **job.times})

    for _ in range(HALVINGS):
        middle = math.sqrt(low * high)
        slower = _rate(with_time(middle), _published(job, told, machine)) * job.frames_per_request < frames_per_second
        low, high = (low, middle) if slower else (middle, high)
    return with_time(math.sqrt(low * high))


def _published(job: Job, told: dict[str, Any], machine: Machine) -> Setting:
    """Return the setting of the published frames/s: so many CPUs, which are threads that share their cores."""
    return Setting(ACTORS[-1], told["cpus"], job.sms, machine.speed(machine.threads) / machine.thread_speed)


def statements(job: Job, machine: Machine, told: dict[str, Any]) -> dict[str, float]:
    """Return what the model says for each figure of the paper, by its name."""
    host = Host(machine.thread_speed, machine.sm_speed)
    threads, sms = int(machine.threads), int(machine.sms)
    few, some, many = (setting_of(job, machine, host, actors, threads, 1, sms) for actors in ACTORS)
    asked = (few, some, many, replace(many, sms=sms // 2), _published(job, told, machine))
    rates = [_rate(job, one) for one in asked]
    found = {
        "seed.frames_per_second.1_gpu_55_cpus": rates[4] * job.frames_per_request,
        "speedup.actors_4_to_40": rates[1] / rates[0],
        "speedup.actors_40_to_256": rates[2] / rates[1],
        "slowdown.half_the_sms": 1 - rates[3] / rates[2],
        "cpu_gpu_ratio.wanted": balanced_ratio(job, machine, host, ACTORS[-1]) or math.nan,
    }
    return found | {f"cpu_gpu_ratio.{name}": load_machine(name).cpu_gpu_ratio for name in RATIOS}


def _rate(job: Job, setting: Setting) -> float:
    (asked,) = settled(job, [setting])
    return simulate(asked, 20_000, job.cv).requests_per_s


def rl_balance(advance: Advance) -> list[dict[str, Any]]:
    """Return a row a figure: name, status, circuits, paper, ours, ratio, basis, low and high (sensitivity), reason."""
    return _tables(advance)[0]


def reproduction(advance: Advance) -> "Results":
    """Return the rows and what they rest on.

    results: as `rl_balance`. caches: the machines' ratios. traffic: frames/s and frames/J against actors, by SMs.
    summary: a row a figure, unsure time and factor.
    """
    import pandas as pd

    from hwmodel.studies.questions import Results

    start = time.perf_counter()
    rows, machines, curve, hangs, job = _tables(advance)
    made = {
        "version": __version__, "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "wall_time_s": round(time.perf_counter() - start, 3),
        "job": {name: [one.value, one.basis] for name, one in job.times.items()},
        "assumptions": _assumptions(job), "works": read_yaml(FILE)["works"],
    }  # fmt: skip
    tables = [pd.DataFrame(one) for one in (rows, machines, curve, hangs)]
    return Results(Reproduction(), tables[0], tables[1], tables[2], tables[3], made)


def _tables(
    advance: Advance,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]], Job]:
    paper = read_yaml(FILE)
    figures = {one["name"]: one for one in paper["figures"]}
    machine, told = load_machine(MACHINE), paper["job"]
    total = 2 + len(UNSURE) * len(FACTORS)
    advance(0, total, "device times")
    job = seed_job(told, machine, figures["seed.frames_per_second.1_gpu_55_cpus"]["value"])
    advance(1, total, "as it is")
    base = statements(job, machine, told)
    hangs = []
    for i, name in enumerate(UNSURE):
        for k, factor in enumerate(FACTORS):
            advance(2 + i * len(FACTORS) + k, total, name)
            moved = statements(scaled(job, {name: factor}), machine, told)
            hangs += [{"name": row, "time": name, "factor": factor, "ours": value, "of_base": value / base[row]}
                      for row, value in moved.items() if row not in GIVEN]  # fmt: skip
    advance(total, total)
    rows = []
    for name, figure in figures.items():
        moved = [one["ours"] for one in hangs if one["name"] == name] or [base[name]]
        rows.append({
            "name": name, "status": figure["status"], "circuits": "ours", "paper": figure["value"], "ours": base[name],
            "ratio": base[name] / figure["value"], "basis": _basis(name), "low": min(moved), "high": max(moved),
            "reason": _reason(base[name], figure["value"], [one for one in hangs if one["name"] == name]),
        })  # fmt: skip
    machines = [{"machine": name, "threads": one.threads, "sms": one.gpus * one.sms, "cpu_gpu_ratio": one.cpu_gpu_ratio}
                for name, one in ((name, load_machine(name)) for name in RATIOS)]  # fmt: skip
    return rows, machines, _curve(job, machine), hangs, job


def _basis(name: str) -> str:
    if name.startswith("seed."):
        return "calibrated"  # the actors' time is of this figure
    return "published" if name in GIVEN else "modelled"


def _reason(ours: float, paper: float, hangs: list[dict[str, Any]]) -> str:
    """Return what a figure that is more than 15 % off hangs on most."""
    if not hangs or abs(ours / paper - 1) <= 0.15:
        return ""
    most = max(hangs, key=lambda one: abs(math.log(max(one["ours"], 1e-9) / max(ours, 1e-9))))
    name = most["time"].removesuffix("_s").replace("_", " ")
    return f"It moves most with the time of {name}: times {most['factor']:g} makes it {most['ours']:.3g}."


def _curve(job: Job, machine: Machine) -> list[dict[str, Any]]:
    host = Host(machine.thread_speed, machine.sm_speed)
    asked = [(actors, sms, setting_of(job, machine, host, actors, int(machine.threads), 1, sms))
             for sms in (int(machine.sms), int(machine.sms) // 2) for actors in CURVE]  # fmt: skip
    flow: Any = solve(columns(settled(job, [one for _, _, one in asked])))
    power: Any = machine.power_W(flow[:, 2:5].sum(axis=1), np.minimum(flow[:, 5:7].sum(axis=1), 1))
    frames = flow[:, 0] * job.frames_per_request
    return [
        {"actors": actors, "sms": sms, "frames_per_second": float(frames[i]), "power_W": float(power[i]),
         "frames_per_joule": float(frames[i] / power[i]), "gpu_busy": float(min(flow[i, 5:7].sum(), 1)),
         "threads_busy": float(flow[i, 2:5].sum() / machine.threads)}
        for i, (actors, sms, _) in enumerate(asked)
    ]  # fmt: skip


def _assumptions(job: Job) -> list[str]:
    guessed = [name for name, one in job.times.items() if one.basis == "assumed"]
    return [
        f"Assumed, halved and doubled for the sensitivity: {', '.join(guessed)}.",
        "One GPU of the machine and all of its threads; the learner shares the GPU in halves.",
        "An actor's CPU time makes 55 CPUs give the published frames/s; these are hardware threads that share cores.",
        "The recurrent layer's time is assumed; the rest of the network's is modelled, in single precision.",
    ]
