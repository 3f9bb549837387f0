"""What `hwmodel balance profile` says of jobs of other frameworks, by their adapters' meters, beside our own loop.

    python benchmarks/balance/frameworks.py [--seconds 30] [--jobs ours,sb3,rllib-ppo,rllib-impala] [--json]

CartPole-v1 each. Needs Stable-Baselines3 and RLlib (`pip install "hwmodel[sb3,rllib]"`) for their jobs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PHASES = ("environment", "inference", "learner", "queue")


JOBS = {
    "ours": "train --actors 2 --envs-per-actor 4",
    "sb3": "sb3 --algorithm ppo --envs-per-actor 8",
    "rllib-ppo": "rllib --algorithm ppo --actors 2 --envs-per-actor 4",
    "rllib-impala": "rllib --algorithm impala --actors 2 --envs-per-actor 4",
}
HWMODEL = (sys.executable, "-m", "hwmodel")


def profile(job: str, seconds: float, folder: Path) -> dict[str, Any]:
    """Return what the profile of a job says, of the time in which its rate of frames was steady."""
    child = [*HWMODEL, "rl", *JOBS[job].split(), "--env", "CartPole-v1", "--seconds", f"{seconds:g}"]
    command = [*HWMODEL, "balance", "profile", "--json", "-o", str(folder), "--", *child]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    document = json.loads(done.stdout)
    window = document["steady"]
    row = {"job": job, "exit_status": document["ended"]["exit_status"]}
    row |= {name: window[name] for name in ("frames_per_second", "cores", "wait_share", "cpu_s_per_frame")}
    phases = {phase["phase"]: phase for phase in window["phases"]}
    for name in PHASES:
        found = phases.get(name)
        row[f"{name}_share"] = found["per_second"] * found["mean_wall_s"] if found else None
    return row


def main() -> None:
    """Profile each job; print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--jobs", default=",".join(JOBS))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [profile(job, given.seconds, Path(folder) / job) for job in given.jobs.split(",")]
    if given.json:
        print(json.dumps({"seconds": given.seconds, "jobs": rows}, indent=2))
        return
    print(f"{'job':<14}{'frames/s':>10}{'cores':>7}{'waiting':>9}" + "".join(f"{name:>13}" for name in PHASES))
    for row in rows:
        shares = (row[f"{name}_share"] for name in PHASES)
        told = "".join(f"{'-' if share is None else f'{share:.2f}':>13}" for share in shares)
        print(f"{row['job']:<14}{row['frames_per_second']:>10.0f}{row['cores']:>7.2f}{row['wait_share']:>9.2f}{told}")
    print("Phases: seconds within, a second, of all processes.")


if __name__ == "__main__":
    main()
