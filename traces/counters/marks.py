"""Puts an NVTX range round each operator of a run on a device, numbered as the recording without one numbers it."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from traces.recording.layers import Layers
from traces.recording.recorder import moves_data

Push = Callable[[str], Any]
Pop = Callable[[], Any]


class Marks(TorchDispatchMode):
    """Numbers the calls of the watched step, and tells a profiler where each begins and ends.

    Args:
        layers: of the module that runs.
        push: opens a range of that name, on the thread that launches the kernels.
        pop: closes it.
        started: called once, before the first call is marked.
    """

    def __init__(self, layers: Layers, push: Push, pop: Pop, started: Callable[[], Any]) -> None:
        super().__init__()
        self.layers = layers
        self.phase = "forward"
        self.recording = False  # whether the step that runs is the one to watch
        self.calls: list[tuple[str, str]] = []  # operator, phase
        self._push, self._pop, self._started = push, pop, started

    def finished(self) -> None:
        """Nothing is kept of what a run leaves."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not (self.recording and moves_data(func)):
            return func(*args, **(kwargs or {}))
        if not self.calls:
            self._started()
        self.calls.append((str(func), self.phase))
        self._push(f"hwmodel#{len(self.calls)} {func}")
        try:
            return func(*args, **(kwargs or {}))
        finally:
            self._pop()


def synchronise(device: str) -> None:
    """Wait for a device to finish what it was given."""
    if device != "cpu":
        torch.cuda.synchronize()
