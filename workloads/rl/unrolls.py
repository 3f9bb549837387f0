"""Cuts what each environment goes through into unrolls of a fixed length, which a learner takes."""

import numpy as np

Unroll = dict[str, np.ndarray]


class Unrolls:
    """The unroll that each environment is in.

    An unroll of length T has `observation` [T + 1, ...], `action`, `reward` and `ended` [T], of the steps from each
    observation to the next, and what the policy recorded [T, ...]. Its last observation is the next one's first.

    Args:
        environments: how many.
        length: T.
        overlap: steps at an unroll's end that the next one begins with again.
        shape, dtype: of an observation.
        records: name -> shape of what a policy records of a step, float32.
    """

    def __init__(
        self,
        environments: int,
        length: int,
        shape: tuple[int, ...],
        dtype: str,
        records: dict[str, tuple[int, ...]],
        overlap: int = 0,
    ) -> None:
        self._length, self._overlap = length, overlap
        self._at = np.zeros(environments, np.int64)  # steps done in the unroll; its observation is to come
        self._kept: Unroll = {
            "observation": np.zeros((environments, length + 1, *shape), dtype),
            "action": np.zeros((environments, length), np.int64),
            "reward": np.zeros((environments, length), np.float32),
            "ended": np.zeros((environments, length), np.uint8),
        } | {name: np.zeros((environments, length, *size), np.float32) for name, size in records.items()}

    def add(
        self,
        rows: np.ndarray,
        observation: np.ndarray,
        reward: np.ndarray,
        ended: np.ndarray,
        action: np.ndarray,
        records: Unroll,
    ) -> list[Unroll]:
        """Add what environments see and what is done about it; return unrolls that are complete with that.

        Args:
            rows: the environments, int[n].
            observation: what they see now.
            reward: of the step that led there; of no meaning at an environment's first.
            ended: of the same step.
            action: of the step that leads away.
            records: of the same step.
        """
        kept, at = self._kept, self._at[rows]
        went = np.flatnonzero(at)
        kept["reward"][rows[went], at[went] - 1] = reward[went]
        kept["ended"][rows[went], at[went] - 1] = ended[went]
        kept["observation"][rows, at] = observation
        full = rows[at == self._length]
        complete = [{name: values[row].copy() for name, values in kept.items()} for row in full]
        if len(full):
            self._begin_again(full)
            at = self._at[rows]
        kept["action"][rows, at] = action
        for name, values in records.items():
            kept[name][rows, at] = values
        self._at[rows] = at + 1
        return complete

    def _begin_again(self, full: np.ndarray) -> None:
        """Move the overlap and the last observation to the front."""
        start = self._length - self._overlap
        for name, values in self._kept.items():
            last = self._overlap + (name == "observation")
            values[full, :last] = values[full, start : start + last]
        self._at[full] = self._overlap
