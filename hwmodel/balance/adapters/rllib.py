"""RLlib: callbacks that count frames, environments and inference in env runners, and the learner where it learns.

`metered(config).build_algo()`; `ray.init(runtime_env=runtime_env())` only to join a cluster that runs already.
"""

import inspect
import os
import time
from pathlib import Path
from typing import Any

try:
    from ray.rllib.callbacks.callbacks import RLlibCallback
except ImportError as error:
    raise ImportError(f'hwmodel.balance.adapters.rllib: {error}; install RLlib: pip install "ray[rllib]"') from error

from hwmodel.balance.adapters.stepping import Stepping
from hwmodel.balance.meter import FOLDER, Meter


def runtime_env() -> dict[str, Any]:
    """Return a `runtime_env` of Ray by which workers count where this process does.

    A cluster that this process starts needs none, if `HWMODEL_METER` was set before: its workers inherit it.
    """
    folder = os.environ.get(FOLDER)
    return {"env_vars": {FOLDER: str(Path(folder).resolve())}} if folder else {}


class MeterCallbacks(RLlibCallback):
    """Counts in each env runner: `frames`, `environment` (all that step at once), `inference` (between two steps)."""

    frames_per_step = 1

    def __init__(self) -> None:
        super().__init__()
        self._meter = Meter()
        self._steppings: list[Stepping] = []

    def on_algorithm_init(self, *, algorithm: Any, **_: Any) -> None:
        """See that every env runner counts where this process does.

        Raises:
            RuntimeError: some do not.
        """
        group = getattr(algorithm, "env_runner_group", None)
        wanted = os.environ.get(FOLDER)
        if group is None or not wanted:
            return
        found = group.foreach_env_runner(lambda _: os.environ.get(FOLDER), local_env_runner=False)
        missed = sum(folder is None or Path(folder).resolve() != Path(wanted).resolve() for folder in found)
        if missed:
            raise RuntimeError(
                f"{FOLDER}={wanted} does not reach {missed} of {len(found)} env runners: "
                "Ray ran before it was set; call ray.init(runtime_env=hwmodel.balance.adapters.rllib.runtime_env())"
            )

    def on_environment_created(self, *, env: Any, **_: Any) -> None:
        self._watch(env, getattr(env, "num_envs", 1))

    def on_sub_environment_created(self, *, sub_environment: Any, **_: Any) -> None:  # the old API stack
        self._watch(sub_environment, 1)

    def on_sample_end(self, *, samples: Any, **_: Any) -> None:
        steps = sum(map(len, samples)) if isinstance(samples, list) else samples.env_steps()
        self._meter.frames(steps * self.frames_per_step)
        for stepping in self._steppings:
            stepping.pause()

    def _watch(self, env: Any, size: int) -> None:
        stepping = Stepping(env.step, self._meter, size)
        env.step = stepping
        self._steppings.append(stepping)


def metered_learner(kind: type, frames_per_step: int = 1) -> type:
    """Return a `Learner`'s class that counts `learner`: the rows of an update's batches, all epochs; its times."""

    class Metered(kind):  # type: ignore[misc,valid-type]
        _rows = 0.0

        def before_gradient_based_update(self, **named: Any) -> None:
            self._began, self._rows = (time.perf_counter(), time.thread_time()), 0.0
            super().before_gradient_based_update(**named)

        def _update(self, batch: dict[str, Any], **named: Any) -> Any:
            self._rows += max(map(len, batch.values()), default=0)
            return super()._update(batch, **named)

        def after_gradient_based_update(self, **named: Any) -> None:
            super().after_gradient_based_update(**named)
            if not hasattr(self, "_meter"):
                self._meter = Meter()  # in the learner's own process
            wall, cpu = time.perf_counter() - self._began[0], time.thread_time() - self._began[1]
            self._meter.add("learner", self._rows * frames_per_step, wall, cpu)

    Metered.__name__ = Metered.__qualname__ = f"Metered{kind.__name__}"
    return Metered


def metered(config: Any, frames_per_step: int = 1) -> Any:
    """Have an algorithm count, beside what callbacks it has; returns the configuration.

    Args:
        config: an `AlgorithmConfig`.
        frames_per_step: frames that an action lasts, where environments repeat it.
    """
    kind = type("MeterCallbacks", (MeterCallbacks,), {"frames_per_step": frames_per_step})
    before = config.callbacks_class
    config.callbacks([*(before if isinstance(before, (list, tuple)) else [before]), kind])
    if config.enable_rl_module_and_learner:
        learner = metered_learner(config.learner_class, frames_per_step)
        told = "learner_class" in inspect.signature(config.learners).parameters  # since Ray 2.5x; before, of `training`
        (config.learners if told else config.training)(learner_class=learner)
    return config
