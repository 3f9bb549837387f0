"""What `hwmodel balance profile` says of jobs of other frameworks, by their adapters' meters, beside our own loop.

    python benchmarks/balance/frameworks.py [--seconds 30] [--jobs ours,sb3,rllib-ppo,rllib-impala] [--json]
    python benchmarks/balance/frameworks.py --run sb3 --seconds 30      # a job alone, without the profile

CartPole-v1 each. Needs Stable-Baselines3 and RLlib (`pip install "hwmodel[sb3,rllib]"`) for their jobs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PHASES = ("environment", "inference", "learner", "queue")


def sb3(seconds: float) -> None:
    """PPO of Stable-Baselines3, eight environments."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env

    from hwmodel.balance.adapters.sb3 import MeterCallback

    class Until(BaseCallback):
        def _on_step(self) -> bool:
            return time.monotonic() < end

    model = PPO("MlpPolicy", make_vec_env("CartPole-v1", 8), n_steps=128, device="cpu", seed=0)
    end = time.monotonic() + seconds
    model.learn(1 << 40, callback=[MeterCallback(), Until()])


def rllib(algorithm: str, seconds: float) -> None:
    """PPO or IMPALA of RLlib, two env runners of four environments."""
    import ray
    from ray.rllib.algorithms.impala import IMPALAConfig
    from ray.rllib.algorithms.ppo import PPOConfig

    from hwmodel.balance.adapters.rllib import metered

    config = {"ppo": PPOConfig, "impala": IMPALAConfig}[algorithm]().environment("CartPole-v1")
    config.env_runners(num_env_runners=2, num_envs_per_env_runner=4).learners(num_learners=0)
    ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False)
    built = metered(config).build_algo()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        built.train()
    built.stop()
    ray.shutdown()


def ours(seconds: float) -> None:
    """IMPALA of `hwmodel rl train`, two actors of four environments."""
    from workloads.rl.settings import Settings
    from workloads.rl.train import train

    train(Settings("CartPole-v1", 2, 4, seconds=seconds))


JOBS = {
    "ours": ours,
    "sb3": sb3,
    "rllib-ppo": lambda seconds: rllib("ppo", seconds),
    "rllib-impala": lambda seconds: rllib("impala", seconds),
}


def profile(job: str, seconds: float, folder: Path) -> dict[str, Any]:
    """Return what the profile of a job says, of the time in which its rate of frames was steady."""
    child = [sys.executable, __file__, "--run", job, "--seconds", f"{seconds:g}"]
    command = [sys.executable, "-c", "from hwmodel.cli import main; main()", "balance", "profile", "--json"]
    command += ["-o", str(folder), "--", *child]
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
    parser.add_argument("--run", choices=JOBS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.run:
        JOBS[given.run](given.seconds)
        return
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
