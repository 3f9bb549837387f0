"""Sample Factory: an observer that counts frames where its runner counts them.

    cfg, runner = make_runner(cfg)
    runner.register_observer(MeterObserver())
    runner.init(); runner.run()

Environments run in processes of its own: `hwmodel.balance.adapters.gym.metered` in the function that makes them counts
their times (and frames as well: then leave the observer out).
"""

from typing import Any

try:
    from sample_factory.algo.runners.runner import AlgoObserver  # pyright: ignore[reportMissingImports]
except ImportError as error:
    raise ImportError(
        f"hwmodel.balance.adapters.sample_factory: {error}; install Sample Factory: pip install sample-factory"
    ) from error

from hwmodel.balance.meter import Meter


class MeterObserver(AlgoObserver):
    """Counts `frames`, frame skip included, as the runner learns of them from its learners."""

    def __init__(self) -> None:
        super().__init__()
        self._meter, self._seen = Meter(), 0

    def on_training_step(self, runner: Any, training_iteration_since_resume: int) -> None:  # noqa: ARG002
        self._count(runner)

    def on_stop(self, runner: Any) -> None:
        self._count(runner)

    def _count(self, runner: Any) -> None:
        total = runner.total_env_steps_since_resume or 0
        if total > self._seen:
            self._meter.frames(total - self._seen)
            self._seen = total
