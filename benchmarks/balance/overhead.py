"""What `hwmodel balance profile` costs: percent of one core while it watches, and frames/s that the job loses by it.

    python benchmarks/balance/overhead.py [--json] [--seconds 10] [--hz 10,50,100] [--processes 4,64,128] [--pairs 9]

The job forks so many processes. `waiting` ones step for 0.2 ms, then wait for 20 ms, as actors do for their actions;
`busy` ones never wait. Each counts two phases and frames in meters. `cost_percent` is the watcher's processor time from
start to end of the job, storing included, `psutil_percent` that of a loop in the same run that asks psutil for
`children(recursive=True)` and each one's processor time at the same rate. The loss is of runs of four processes that
step as fast as they can, watched and not, in turn: the median of pairs' losses and the interval of it that holds
95 % by the binomial law.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

JOB = """
import os, sys, time
from hwmodel.balance import Meter

number, kind, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
for _ in range(number - 1):
    if not os.fork():
        break
meter = Meter()
end, frames = time.monotonic() + seconds, 0
work = range(4000)
while time.monotonic() < end:
    with meter.phase("environment", size=1 + frames % 4):
        sum(work)
    meter.add("queue", wall_s=0.02)
    meter.frames(1)
    frames += 1
    if kind == "waiting":
        time.sleep(0.02)
"""
WATCH = """
import json, sys, time
from pathlib import Path
from hwmodel.balance.profile import watch

profile = watch(json.loads(sys.argv[1]), Path(sys.argv[2]), hz=float(sys.argv[3]))
frames = profile.about["frames"]["total"]
print(json.dumps(profile.about["watching"] | {"wall_s": profile.about["wall_s"], "frames": frames,
                 "bytes": sum(path.stat().st_size for path in Path(sys.argv[2]).glob("*.parquet"))}))
"""
PSUTIL = """
import sys, time
import psutil

root, hz, end = psutil.Process(int(sys.argv[1])), float(sys.argv[2]), time.monotonic() + float(sys.argv[3])
start, due, ticks = time.process_time(), time.monotonic(), 0
while time.monotonic() < end:
    try:
        for one in root.children(recursive=True):
            one.cpu_times()
    except psutil.NoSuchProcess:
        pass
    ticks += 1
    due = max(due + 1 / hz, time.monotonic())
    time.sleep(max(due - time.monotonic(), 0))
print(time.process_time() - start, ticks)
"""


def job(number: int, kind: str, seconds: float) -> list[str]:
    """Return the command of a job."""
    return [sys.executable, "-c", JOB, str(number), kind, str(seconds)]


def started(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a program of this repository."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, env=environment
    )


def watched(command: list[str], hz: float) -> dict[str, Any]:
    """Watch a job and return what the watcher says of itself."""
    with tempfile.TemporaryDirectory() as folder:
        done = started(WATCH, json.dumps(command), f"{folder}/profile", str(hz))
        out, _ = done.communicate()
        return json.loads(out)


def cost(number: int, kind: str, hz: float, seconds: float) -> dict[str, Any]:
    """Return the percent of one core that watching takes, and psutil's in the same run."""
    with tempfile.TemporaryDirectory() as folder:
        watcher = started(WATCH, json.dumps(job(number, kind, seconds)), f"{folder}/profile", str(hz))
        peer = None
        while peer is None and watcher.poll() is None:  # the job is the watcher's first child
            time.sleep(0.1)
            children = Path(f"/proc/{watcher.pid}/task/{watcher.pid}/children").read_text().split()
            if children:
                peer = started(PSUTIL, children[0], str(hz), str(0.7 * seconds))
        out, _ = watcher.communicate()
        told = json.loads(out)
        row = {"processes": number, "kind": kind, "hz": hz, "cost_percent": 100 * told["share_of_a_core"],
               "late_ticks": told["late_ticks"], "ticks": told["ticks"], "psutil_percent": None,
               "bytes_per_hour": told["bytes"] / told["wall_s"] * 3600}  # fmt: skip
        if peer is not None:
            cpu_s, _ = map(float, peer.communicate()[0].split())
            row["psutil_percent"] = 100 * cpu_s / (0.7 * seconds)
        return row


def unwatched_frames(command: list[str]) -> float:
    """Run a job by itself and return the frames that its meters count."""
    from hwmodel.balance.meters import Meters

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(command, check=True, env=os.environ | {"HWMODEL_METER": folder, "PYTHONPATH": str(ROOT)})
        time.sleep(0.2)  # processes of the job that end after its first
        return sum(sums[1] for (_, phase), sums in Meters(Path(folder)).read().items() if phase == "frames")


def loss(pairs: int, seconds: float, hz: float) -> dict[str, Any]:
    """Return the percent of frames that a watched run does fewer than an unwatched one."""
    command = job(4, "busy", seconds)
    found = []
    for pair in range(pairs):
        runs = [lambda: unwatched_frames(command), lambda: watched(command, hz)["frames"]]
        order = (0, 1) if pair % 2 else (1, 0)
        frames = {which: runs[which]() for which in order}
        found.append(100 * (1 - frames[1] / frames[0]))
    found.sort()
    low = _rank(pairs)
    return {"hz": hz, "pairs": pairs, "seconds": seconds, "median_percent": statistics.median(found),
            "low_percent": found[low], "high_percent": found[pairs - 1 - low]}  # fmt: skip


def _rank(pairs: int) -> int:
    """Return the rank of the value that bounds the median with at most 2.5 % outside, by the binomial law."""
    total, rank = 0.0, 0
    while (total := total + math.comb(pairs, rank) / 2**pairs) <= 0.025:
        rank += 1
    return max(rank - 1, 0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--hz", default="10,50,100")
    parser.add_argument("--processes", default="4,64,128")
    parser.add_argument("--kinds", default="waiting,busy")
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--loss-hz", type=float, default=10.0)
    given = parser.parse_args()
    os.environ["PYTHONPATH"] = str(ROOT)
    kinds, numbers, rates = (one.split(",") if one else [] for one in (given.kinds, given.processes, given.hz))
    rows = [cost(int(number), kind, float(hz), given.seconds) for kind in kinds for number in numbers for hz in rates]
    lost = loss(given.pairs, given.seconds, given.loss_hz) if given.pairs else None
    if given.json:
        print(json.dumps({"cost": rows, "loss": lost}, indent=2))
        return
    print("kind     processes   hz  watch % psutil %      late  MB/hour")
    for row in rows:
        peer = "-" if row["psutil_percent"] is None else f"{row['psutil_percent']:.1f}"
        print(f"{row['kind']:<8} {row['processes']:>9} {row['hz']:>4.0f} {row['cost_percent']:>8.2f} {peer:>8} "
              f"{row['late_ticks']:>4}/{row['ticks']:<4} {row['bytes_per_hour'] / 1e6:>8.1f}")  # fmt: skip
    if lost is not None:
        interval = f"95 % within {lost['low_percent']:.2f} to {lost['high_percent']:.2f} %"
        print(f"frames/s lost at {lost['hz']:g} Hz: {lost['median_percent']:.2f} %, {interval}, {lost['pairs']} pairs")


if __name__ == "__main__":
    main()
