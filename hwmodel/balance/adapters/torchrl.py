"""TorchRL: a hook for its Trainer, and a loop over a collector, that count frames, collection and learner.

    MeterHook().register(trainer)
    for batch in metered(collector): ...

Times of environments: `GymWrapper(gymnasium.make(...))` of a Gymnasium environment that
`hwmodel.balance.adapters.gym.metered` counts (frames as well: then leave these out).
"""

import time
from collections.abc import Iterator
from typing import Any

try:
    from torchrl.trainers import TrainerHookBase  # pyright: ignore[reportMissingImports]
except ImportError as error:
    raise ImportError(f"hwmodel.balance.adapters.torchrl: {error}; install TorchRL: pip install torchrl") from error

from hwmodel.balance.meter import Meter


class MeterHook(TrainerHookBase):
    """Counts `frames`; `collection`, from the end of learning to the next batch; `learner`, the rest.

    Args:
        frames_per_step: frames that an action lasts, where environments repeat it.
    """

    def __init__(self, frames_per_step: int = 1) -> None:
        self._frames = frames_per_step
        self._turns = _Turns()

    def register(self, trainer: Any, name: str = "meter") -> None:
        """Hook into a trainer."""
        trainer.register_module(name, self)
        trainer.register_op("batch_process", self.collected)
        trainer.register_op("post_steps", self.learned)

    def collected(self, batch: Any) -> Any:
        """Count a batch, which is returned as it is."""
        self._turns.collected(batch.numel() * self._frames)
        return batch

    def learned(self) -> None:
        self._turns.learned()

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        pass


def metered(collector: Any, frames_per_step: int = 1) -> Iterator[Any]:
    """Yield a collector's batches: what passes until each is `collection`, what is done with each is `learner`."""
    turns = _Turns()
    for batch in collector:
        turns.collected(batch.numel() * frames_per_step)
        yield batch
        turns.learned()


class _Turns:
    def __init__(self) -> None:
        self._meter, self._frames = Meter(), 0
        self._since = time.perf_counter(), time.thread_time()

    def collected(self, frames: int) -> None:
        self._frames = frames
        self._meter.frames(frames)
        self._turn("collection")

    def learned(self) -> None:
        self._turn("learner")

    def _turn(self, phase: str) -> None:
        now = time.perf_counter(), time.thread_time()
        self._meter.add(phase, self._frames, now[0] - self._since[0], now[1] - self._since[1])
        self._since = now
