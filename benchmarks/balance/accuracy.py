"""How well runs of a few actors tell those of many: `hwmodel rl train` measured, and predicted from 1, 2 and 4 actors.

    python benchmarks/balance/accuracy.py DIR [--device emulated|cpu] [--services 2ms+0.02ms,2ms+0.4ms]
        [--actors 1,2,4,8,16,32,64] [--learn 1,2,4] [--repeats 5] [--seconds 8] [--json]

Real Atari (Pong) environments. On the emulated device inference takes the time that each of `--services` says and no
processor, so that few threads or the device can be the limit; `cpu` runs the real network. A repeat runs all numbers of
actors in turn; it is predicted from its own first ones. Runs are kept in DIR, and what is there is not run again.
Errors are of the numbers of actors above those learned from: ours by simulation and by fixed point, and beside them the
Universal Scalability Law and a line through the same measurements.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from hwmodel.balance.calibrate import run_or_read
from hwmodel.balance.model.fit import fit
from hwmodel.balance.model.observe import Observed, observe
from hwmodel.balance.model.predict import predict
from hwmodel.balance.model.rivals import line, usl
from hwmodel.balance.model.settings import Setting

METHODS = ("simulation", "fixed_point", "usl", "line")


def run(folder: Path, case: str, actors: int, repeat: int, told: argparse.Namespace) -> Observed:
    """Return what was observed of one run."""
    words = [sys.executable, "-m", "hwmodel", "rl", "train", "--env", "PongNoFrameskip-v4", "--actors", str(actors)]
    words += ["--seconds", str(told.seconds), *told.options.split()]
    if told.device == "emulated":
        service, _, learner = case.partition("/")
        words += ["--device", "emulated", "--service", service]
        words += ["--learner-service", learner] if learner else ["--no-learn"]
    name = case.replace("/", "_")
    profile = run_or_read(folder / f"{name}-{actors}-{repeat}", words, 10 * told.seconds + 120, None, None)
    return observe(profile, actors)


def judged(runs: dict[int, Observed], learned: list[int]) -> list[dict[str, Any]]:
    """Return a row for each number of actors that was not learned from: measured, and told by each method."""
    asked = [number for number in sorted(runs) if number > max(learned)]
    job = fit([runs[number] for number in learned], turns=True)
    settings = [Setting(number, runs[number].threads) for number in asked]
    told = {model: predict(job, settings, model) for model in ("simulation", "fixed_point")}
    seen = learned, [runs[number].frames_per_second for number in learned], asked
    rows = []
    for i, number in enumerate(asked):
        measured = runs[number].frames_per_second
        ours = told["simulation"][i]
        rows.append({
            "actors": number, "measured": measured, "simulation": ours["frames_per_second"],
            "fixed_point": told["fixed_point"][i]["frames_per_second"], "usl": float(usl(*seen)[i]),
            "line": float(line(*seen)[i]), "limit": ours["limit"],
            "held": ours["low_frames_per_second"] <= measured <= ours["high_frames_per_second"],
            "width": ours["high_frames_per_second"] / ours["low_frames_per_second"],
            "foreign_cores": runs[number].foreign_cores,
        })  # fmt: skip
    return rows


def facts(run: Observed) -> dict[str, float]:
    """Return what a run was like: frames/s, CPU time of a request, waits for a thread, batch."""
    inference = run.sums.get("inference")
    wanted = run.actor_cpu_s + run.actor_wait_s
    return {
        "actors": run.actors, "frames_per_second": run.frames_per_second,
        "actor_cpu_us": 1e6 * run.actor_cpu_s / run.requests, "server_cpu_us": 1e6 * run.server_cpu_s / run.requests,
        "actor_wait_share": run.actor_wait_s / wanted if wanted else 0.0,
        "batch": float(inference[1] / inference[0]) if inference is not None else float("nan"),
        "foreign_cores": run.foreign_cores,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", choices=("emulated", "cpu"), default="emulated")
    parser.add_argument("--services", default="2ms+0.02ms,2ms+0.4ms,4ms+0.1ms/20ms+0.05ms")
    parser.add_argument("--actors", default="1,2,4,8,16,32,64")
    parser.add_argument("--learn", default="1,2,4")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--options", default="", help="More options of `hwmodel rl train`.")
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    numbers, learned = ([int(one) for one in text.split(",")] for text in (told.actors, told.learn))
    cases = told.services.split(",") if told.device == "emulated" else ["cpu"]
    rows, seen = [], []
    for repeat in range(told.repeats):
        for case in cases:
            runs = {}
            for number in numbers:
                print(f"repeat {repeat + 1}, {case}, {number} actors", file=sys.stderr)
                runs[number] = run(told.folder, case, number, repeat, told)
                seen.append({"case": case, "repeat": repeat, **facts(runs[number])})
            rows += [{"case": case, "repeat": repeat, **row} for row in judged(runs, learned)]
    document = {"cases": {}, "runs": seen, "rows": rows}
    for case in [*cases, "all"]:
        of = [row for row in rows if case in ("all", row["case"])]
        off = {name: [abs(row[name] / row["measured"] - 1) for row in of] for name in METHODS}
        document["cases"][case] = {
            **{f"{name}_mape": 100 * float(np.mean(values)) for name, values in off.items()},
            "simulation_median": 100 * float(np.median(off["simulation"])),
            "simulation_max": 100 * max(off["simulation"]), "fixed_point_max": 100 * max(off["fixed_point"]),
            "coverage": float(np.mean([row["held"] for row in of])),
            "width": float(np.median([row["width"] for row in of])),
        }  # fmt: skip
    if told.json:
        print(json.dumps(document, indent=2))
        return
    for case, figures in document["cases"].items():
        print(case, "  ".join(f"{name} {value:.2f}" for name, value in figures.items()))
    for case in cases:
        for number in numbers:
            of = [row for row in seen if row["case"] == case and row["actors"] == number]
            print(case, number, "  ".join(f"{key} {np.median([row[key] for row in of]):.4g}" for key in of[0]
                                          if key not in ("case", "repeat", "actors")))  # fmt: skip
    for number in sorted({row["actors"] for row in rows}):
        for case in cases:
            of = [row for row in rows if row["case"] == case and row["actors"] == number]
            print(case, number, "off, %:", "  ".join(
                f"{name} {100 * np.mean([row[name] / row['measured'] - 1 for row in of]):+.1f}" for name in METHODS),
                of[0]["limit"])  # fmt: skip


if __name__ == "__main__":
    main()
