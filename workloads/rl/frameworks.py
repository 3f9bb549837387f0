"""Drives Stable-Baselines3 and RLlib, the latter on a cluster too, so that their jobs are profiled as ours are.

Each runs its own algorithm with its own defaults and counts through `hwmodel.balance.adapters`.
"""

import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from circuits.errors import InputError

RECENT = 100  # episodes, over which returns are averaged
SB3, RLLIB = ("ppo", "a2c", "dqn"), ("ppo", "impala", "appo", "dqn")


@dataclass(frozen=True)
class Job:
    """What to run.

    Attributes:
        env: a Gymnasium id.
        algorithm: of the framework.
        actors: processes that step environments; envs_per_actor: environments of each.
        seconds, steps: when to end, whichever comes first; steps are of environments.
        seed: of environments and networks.
        address: of a Ray cluster that runs already; none: one is started here.
    """

    env: str
    algorithm: str
    actors: int = 1
    envs_per_actor: int = 1
    seconds: float | None = None
    steps: int | None = None
    seed: int = 0
    address: str | None = None

    def __post_init__(self) -> None:
        """Check what there is to check before anything is imported.

        Raises:
            InputError: a number below 1, or no end.
        """
        for name in ("actors", "envs_per_actor"):
            if getattr(self, name) < 1:
                raise InputError(f"--{name.replace('_', '-')}: {getattr(self, name)}: give 1 or more")
        if self.seconds is None and self.steps is None:
            raise InputError("--steps and --seconds: neither is given; say when to end by one or both")
        if not all(limit is None or limit > 0 for limit in (self.seconds, self.steps)):
            raise InputError("--steps and --seconds: give numbers above 0")

    def over(self, begin: float, steps: int) -> bool:
        """Return whether the job has run for long enough."""
        late = self.seconds is not None and time.monotonic() - begin >= self.seconds
        return late or (self.steps is not None and steps >= self.steps)


def run_sb3(job: Job) -> dict[str, Any]:
    """Run Stable-Baselines3; several actors are processes of its own, each with one environment.

    Raises:
        InputError: it is not installed, there is no such environment, or it does not suit the algorithm.
    """
    try:
        import stable_baselines3
        from stable_baselines3.common.callbacks import BaseCallback
        from stable_baselines3.common.env_util import make_vec_env
        from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv
    except ImportError as error:
        raise InputError(f'Stable-Baselines3 cannot be imported: {error}; pip install "hwmodel[sb3]"') from error
    from hwmodel.balance.adapters.sb3 import MeterCallback

    _check_env(job.env)
    returns: deque[float] = deque(maxlen=RECENT)

    class Until(BaseCallback):
        def _on_step(self) -> bool:
            returns.extend(info["episode"]["r"] for info in self.locals.get("infos", ()) if "episode" in info)
            return not job.over(begin, self.num_timesteps)

    number = job.actors * job.envs_per_actor
    envs = make_vec_env(job.env, number, job.seed, vec_env_cls=SubprocVecEnv if job.actors > 1 else DummyVecEnv)
    try:
        policy = "CnnPolicy" if len(envs.observation_space.shape or ()) == 3 else "MlpPolicy"
        try:
            model = getattr(stable_baselines3, job.algorithm.upper())(policy, envs, device="cpu", seed=job.seed)
        except (AssertionError, ValueError) as error:  # as it tells what an algorithm cannot do
            raise InputError(f"{job.algorithm} on {job.env}: {' '.join(str(error).split())[:300]}") from None
        begin = time.monotonic()
        model.learn(1 << 40, callback=[MeterCallback(), Until()])
        return _told("stable-baselines3", stable_baselines3.__version__, job, model.num_timesteps, begin, list(returns))
    finally:
        envs.close()


def run_rllib(job: Job) -> dict[str, Any]:
    """Run RLlib: actors are its env runners, on a cluster of this machine or on one that runs already.

    Raises:
        InputError: it is not installed, there is no such environment, or the cluster cannot be reached.
    """
    try:
        import ray
        from ray.tune.registry import get_trainable_cls
    except ImportError as error:
        raise InputError(f'RLlib cannot be imported: {error}; pip install "hwmodel[rllib]"') from error
    from hwmodel.balance.adapters.rllib import metered, runtime_env

    _check_env(job.env)
    config: Any = get_trainable_cls(job.algorithm.upper()).get_default_config().environment(job.env)
    config.env_runners(num_env_runners=job.actors, num_envs_per_env_runner=job.envs_per_actor)
    config.learners(num_learners=0).debugging(seed=job.seed)
    try:
        if job.address:
            ray.init(address=job.address, log_to_driver=False, runtime_env=runtime_env())
        else:
            ray.init(num_cpus=job.actors + 1, include_dashboard=False, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(f"--address {job.address}: {' '.join(str(error).split())[:300]}") from None
    try:
        built = metered(config).build_algo()
        begin, steps, mean = time.monotonic(), 0, None
        while not job.over(begin, steps):
            runners = built.train().get("env_runners", {})
            steps = int(runners.get("num_env_steps_sampled_lifetime", steps))
            mean = runners.get("episode_return_mean", mean)
        told = _told("rllib", ray.__version__, job, steps, begin, [] if mean is None else [float(mean)])
        built.stop()
        return told
    finally:
        ray.shutdown()


def _check_env(name: str) -> None:
    import gymnasium

    if name.startswith("ALE/"):
        import ale_py

        gymnasium.register_envs(ale_py)
    try:
        gymnasium.spec(name)
    except gymnasium.error.Error as error:
        raise InputError(f"--env {name}: {' '.join(str(error).split())[:300]}") from None


def _told(framework: str, version: str, job: Job, steps: int, begin: float, returns: list[float]) -> dict[str, Any]:
    seconds = time.monotonic() - begin
    return {
        "framework": framework, "version": version, "env": job.env, "algorithm": job.algorithm, "actors": job.actors,
        "envs_per_actor": job.envs_per_actor, "steps": steps, "seconds": seconds, "steps_per_second": steps / seconds,
        "return_mean": sum(returns) / len(returns) if returns else None,
    }  # fmt: skip
