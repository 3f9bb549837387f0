"""Learning curves of `hwmodel rl train`: environment steps to a goal, and the mean return by the steps done.

    python benchmarks/balance/learning.py [--env CartPole-v1] [--seeds 0,1,2,3,4] [--goal 475] [--json]
    python benchmarks/balance/learning.py --env PongNoFrameskip-v4 --seeds 0 --steps 2000000 --each 4 --no-lockstep

Each seed is a run of its own; it ends at the goal (mean return of the last 100 episodes) or at --steps.
Runs without --lockstep depend on which actors come first.
"""

import argparse
import csv
import json
import tempfile
from pathlib import Path
from typing import Any

from workloads.rl.output import CURVE, Output
from workloads.rl.server import RECENT, Server
from workloads.rl.settings import ALGORITHMS, Settings
from workloads.rl.train import train

POINTS = 10  # of a curve, shown


def learn(settings: Settings, goal: float, folder: Path) -> dict[str, Any]:
    """Return the steps and seconds that a run took to a goal (None: it did not get there), and its curve."""

    def tick(self: Output, server: Server, plain: Any = Output.tick) -> None:
        plain(self, server)
        if server.return_mean is not None and server.return_mean >= goal and len(server.returns) == RECENT:
            object.__setattr__(server.settings, "steps", 1)  # it is over

    kept, Output.tick = Output.tick, tick  # type: ignore[method-assign]
    try:
        done = train(settings, folder)
    finally:
        Output.tick = kept  # type: ignore[method-assign]
    with (folder / CURVE).open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["return_mean"]]
    there = done["return_mean"] is not None and done["return_mean"] >= goal
    shown = rows[:: max(1, len(rows) // POINTS)] + rows[-1:]
    return {
        "seed": settings.seed,
        "steps": done["steps"] if there else None,
        "seconds": done["seconds"],
        "frames_per_second": done["frames_per_second"],
        "return_mean": done["return_mean"],
        "curve": [{"steps": int(row["steps"]), "return_mean": float(row["return_mean"])} for row in shown],
    }


def main() -> None:
    """Learn with each seed; print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="CartPole-v1")
    parser.add_argument("--algorithm", choices=ALGORITHMS, default="impala")
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--goal", type=float, default=475)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--actors", type=int, default=2)
    parser.add_argument("--each", type=int, default=8, help="environments an actor")
    parser.add_argument("--lockstep", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    told = tuple((name, value) for name, _, value in (text.partition("=") for text in given.set))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in map(int, given.seeds.split(",")):
            settings = Settings(
                given.env, given.actors, given.each, algorithm=given.algorithm, steps=given.steps, seed=seed,
                lockstep=given.lockstep, replaced=told,
            )  # fmt: skip
            rows.append(learn(settings, given.goal, Path(folder) / str(seed)))
    if given.json:
        print(json.dumps({"env": given.env, "algorithm": given.algorithm, "goal": given.goal, "runs": rows}, indent=2))
        return
    for row in rows:
        end = f"{given.goal:g} after {row['steps']} steps" if row["steps"] else f"{row['return_mean']} at the end"
        print(f"seed {row['seed']}: {end}, {row['seconds']:.0f} s")
        print("  " + ", ".join(f"{point['steps']}: {point['return_mean']:.4g}" for point in row["curve"]))


if __name__ == "__main__":
    main()
