"""What `hwmodel balance` leaves, made up: a profile of known rates, a job with known times, a small machine."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hwmodel.balance.profile.folder import BEGUN, JOURNAL
from hwmodel.balance.profile.journal import TABLES, Journal
from hwmodel.balance.profile.results import finish

SECONDS, HZ = 10, 8
ACTOR = {"cpu_s": 0.8, "wait_s": 0.8}  # a second: half of the time that a core was wanted
LEARNER = {"cpu_s": 0.3, "wait_s": 0.003}
# events of the sizes 2 and 4, 100 of them a second, which take 1 ms + 0.5 ms * size of wall time, and no CPU time
BATCHES = {"count": 100, "size": 300, "size2": 1000, "wall_s": 0.25, "wall_s2": 50 * 13e-6, "size_wall_s": 0.8,
           "cpu_s": 0.0, "cpu_s2": 0.0, "size_cpu_s": 0.0}  # fmt: skip
BEGAN = {
    "command": ["python", "train.py", "<b>"], "started": "2026-03-04T05:06:07Z", "hz": float(HZ),
    "frames_by": "the job's meters", "gpu": {"reason": "", "driver": "570", "devices": [
        {"gpu": 0, "name": "H100", "unreadable": {"energy_J": "not supported"}}]},
    "machine": {"processor": "a processor", "allowed_cpus": 2, "logical_cores": 4, "memory_bytes": 2**33},
}  # fmt: skip
ENDED = {"ended": {"how": "exit status 0", "exit_status": 0, "signal": None, "by": None},
         "kernel": {"cpu_s": 11.0, "voluntary_switches": 5, "involuntary_switches": 7}, "processes_seen": 3,
         "watching": {"cpu_s": 0.02, "share_of_a_core": 0.002, "ticks": SECONDS * HZ, "late_ticks": 0},
         "warnings": ["2 processes left <the> processors"]}  # fmt: skip


def write_profile(folder: Path, *, gpu: bool = True) -> Path:
    """A command whose counters grow evenly: 1000 frames/s, an actor that waits half of its time, a GPU half busy."""
    journal = folder / JOURNAL
    journal.mkdir(parents=True)
    (journal / BEGUN).write_text(json.dumps(BEGAN | ({} if gpu else {"gpu": {"reason": "NVML: no library"}})))
    log = Journal(journal, [name for name in TABLES if gpu or name != "gpu"])
    for tick in range(SECONDS * HZ + 1):
        at = tick / HZ
        sums = {name: at * (ACTOR[name] + LEARNER[name]) for name in ACTOR}
        _add(log, "ticks", time_s=at, **sums, slices=40 * tick, processes=2, threads=3, running=2, rss_bytes=3 << 20,
             machine_busy_s=1.2 * at, machine_steal_s=0.0, pressure_cpu_s=0.5 * at, pressure_io_s=0.0,
             pressure_memory_s=0.0, late_s=0.0)  # fmt: skip
        for role, of in (("actor", ACTOR), ("learner", LEARNER)):
            grown = {name: at * value for name, value in of.items()}
            _add(log, "roles", time_s=at, role=role, **grown, slices=20 * tick,
                 processes=1 + (role == "actor"), threads=2, running=1, rss_bytes=1 << 20)  # fmt: skip
        _add(log, "phases", time_s=at, phase="inference", **{name: at * value for name, value in BATCHES.items()})
        _add(log, "phases", time_s=at, phase="frames", **dict.fromkeys(BATCHES, 0.0) | {"count": at, "size": 1e3 * at})
        if gpu:
            _add(log, "gpu", time_s=at, gpu=0, busy=0.5, power_W=300.0, sm_active=0.25, sm_clock_Hz=1e9)
    log.close()
    finish(folder, dict(ENDED))
    return folder


def _add(log: Journal, table: str, **values: Any) -> None:
    log.add(table, tuple(values.get(name) for name in TABLES[table].names))


JOB = """format: 1
name: pong
threads: 2
sms: {sms}
frames_per_request: 4
cv: 0.0
crowding: 0.0
discrepancy: 0.04
learn_every: 64
times:
  actor_s: {{value: 4.0e-4, spread: 0.05, basis: measured}}
  gather_s: {{value: 1.0e-4, spread: 0.05, basis: measured}}
  device_s: {{value: 2.0e-3, spread: 0.02, basis: calibrated}}
  device_each_s: {{value: 2.0e-5, spread: 0.2, basis: calibrated}}
  learn_device_s: {{value: 2.0e-3, basis: assumed}}
runs:
- {{actors: 1, threads: 2, seconds: 5, frames_per_second: 1500, modelled_frames_per_second: 1560, foreign_cores: 0.0}}
- {{actors: 2, threads: 2, seconds: 5, frames_per_second: 1900, modelled_frames_per_second: 1805, foreign_cores: 1.2}}
"""
SMALL = {"threads": 8, "cores": 4, "smt_yield": 1.2, "thread_speed": 1.0, "gpus": 1, "sms": 16, "sm_speed": 1.0,
         "memory_bytes": 2**36, "max_W": 500, "base_W": 100, "thread_idle_W": 1, "thread_busy_W": 5, "gpu_idle_W": 20,
         "gpu_busy_W": 200, "price_USD": 4000}  # fmt: skip


def write_job(path: Path, sms: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(JOB.format(sms=sms))
    return path


def write_machine(path: Path) -> Path:
    lines = [
        f"{name}: {{value: {value}, source: {'assumed' if name.endswith('_W') else 'book'}}}"
        for name, value in SMALL.items()
    ]
    path.write_text("\n".join(["name: desk", "title: a desk", *lines, "works: {book: a book}", ""]))
    return path


FIGURES = (
    ("seed.frames_per_second", "published", 1000.0, 1000.0, "calibrated", 900.0, 1100.0, ""),
    ("speedup.actors_4_to_40", "recalled", 5.0, 5.5, "modelled", 5.2, 6.0, ""),
    ("slowdown.half_the_sms", "recalled", 0.1, -0.01, "modelled", -0.01, 0.2, "It hangs on the device."),
    ("cpu_gpu_ratio.dgx-1", "recalled", 0.125, 0.125, "published", 0.125, 0.125, ""),
)


def write_reproduction(folder: Path, *, bare: bool = False) -> Path:
    """Rows as of `hwmodel reproduce rl-balance -o`; `bare`: those that any reproduction has, and no more tables."""
    folder.mkdir(parents=True)
    heads = ["name", "status", "paper", "ours", "basis", "low", "high", "reason"][: 5 if bare else 8]
    _csv(folder / "results.csv", [*heads, "ratio"], [[*row[: len(heads)], row[3] / row[2]] for row in FIGURES])
    if not bare:
        hangs = [
            [row[0], "device_s", factor, 1.0, moved] for row in FIGURES[:3] for factor, moved in ((0.5, 0.8), (2, 1.5))
        ]
        _csv(folder / "summary.csv", ["name", "time", "factor", "ours", "of_base"], hangs)
        curve = [[actors, sms, 100.0 * actors, 1.0 * actors] for sms in (40, 80) for actors in (1, 2, 4)]
        _csv(folder / "traffic.csv", ["actors", "sms", "frames_per_second", "frames_per_joule"], curve)
        _csv(folder / "caches.csv", ["machine", "threads", "sms", "cpu_gpu_ratio"], [["dgx-1", 80.0, 640.0, 0.125]])
    made = "made: {version: 0.1.0, date: '2026-03-04', assumptions: [One GPU.], works: {a: 'A. Author, A paper, 2020'}}"
    (folder / "study.yaml").write_text(f"study: reproduce\npaper: rl-balance\n{made}\n")
    return folder


def _csv(path: Path, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([heads, *rows])
