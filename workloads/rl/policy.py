"""What the server asks for actions."""

from typing import Protocol

import numpy as np

from hwmodel.balance import Meter
from workloads.rl.settings import Service
from workloads.rl.timed import TimedDevice


class Policy(Protocol):
    """Chooses actions for a batch, and tells what a learner needs to know of the choice.

    Attributes:
        records: what is kept of each step beside observation, action, reward and end: name -> shape of float32.
    """

    records: dict[str, tuple[int, ...]]

    def act(
        self, observation: np.ndarray, rows: np.ndarray, began: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the actions, int[n], and `records`' values, float32[n, ...].

        Args:
            observation: n observations; the memory is used again for the next batch.
            rows: the environments that they are of, int[n].
            began: whether an episode begins with them, bool[n].
        """
        ...


class Timed:
    """Acts at random on an emulated device."""

    def __init__(self, device: TimedDevice, service: Service, actions: int, seed: int) -> None:
        self.records: dict[str, tuple[int, ...]] = {}
        self._device, self._service, self._actions = device, service, actions
        self._meter = Meter()
        self._random = np.random.default_rng(seed)

    def act(
        self,
        observation: np.ndarray,  # noqa: ARG002
        rows: np.ndarray,
        began: np.ndarray,  # noqa: ARG002
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        self._meter.add("device", len(rows), self._device.serve(self._service, len(rows)))
        return self._random.integers(self._actions, size=len(rows)), {}
