"""Stable-Baselines3: a callback that counts frames, environments, inference and the learner.

`model.learn(100_000, callback=MeterCallback())`.
"""

import time

try:
    from stable_baselines3.common.callbacks import BaseCallback
except ImportError as error:
    raise ImportError(
        f"hwmodel.balance.adapters.sb3: {error}; install Stable-Baselines3: pip install stable-baselines3"
    ) from error

from hwmodel.balance.adapters.stepping import Stepping
from hwmodel.balance.meter import Meter


class MeterCallback(BaseCallback):
    """Counts `frames`, `environment` (all that step at once), `inference` and `learner`.

    `inference` is what lies between two steps: the policy and the buffer. `learner` is what lies between two rollouts;
    its size is the frames of the rollout before. In algorithms without rollouts of some length (a step each), it is
    small, and so may be its times.

    Args:
        frames_per_step: frames that an action lasts, where environments repeat it.
    """

    def __init__(self, frames_per_step: int = 1) -> None:
        super().__init__()
        self._frames = frames_per_step
        self._meter = Meter()
        self._stepping: Stepping | None = None
        self._rollout = 0.0  # frames of this rollout
        self._wall = self._cpu = 0.0  # when the last rollout ended

    def _on_training_start(self) -> None:
        env = self.training_env
        self._stepping = Stepping(env.step, self._meter, env.num_envs)
        vars(env)["step"] = self._stepping  # before the method, of this one object

    def _on_rollout_start(self) -> None:
        self._learned()
        self._rollout = 0.0

    def _on_step(self) -> bool:
        frames = self.training_env.num_envs * self._frames
        self._meter.frames(frames)
        self._rollout += frames
        return True

    def _on_rollout_end(self) -> None:
        if self._stepping is not None:
            self._stepping.pause()
        self._wall, self._cpu = time.perf_counter(), time.thread_time()

    def _on_training_end(self) -> None:
        self._learned()
        vars(self.training_env).pop("step", None)

    def _learned(self) -> None:
        if self._wall and self._rollout:
            wall, cpu = time.perf_counter() - self._wall, time.thread_time() - self._cpu
            self._meter.add("learner", self._rollout, wall, cpu)
        self._wall = 0.0
