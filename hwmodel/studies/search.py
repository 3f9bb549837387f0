"""How a search goes on: what was computed of a space's designs, and who proposes the next."""

from typing import Protocol

import numpy as np

from hwmodel.studies.space import FACTORS, UNORDERED, Space


class Proposer(Protocol):
    """Proposes designs, generation by generation; a seed and what was found decide what it proposes."""

    def propose(self, seen: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
        """Return the numbers of at most `count` designs, each once and not yet seen.

        Args:
            seen: int64, the designs computed so far, in order.
            values: their objectives, shape (designs, objectives); less is better.
            count: how many are wanted.
        """
        ...


def unseen(space: Space, seen: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Return designs drawn at random of those not yet seen."""
    left = np.setdiff1d(np.arange(len(space)), seen)
    return random.choice(left, min(count, len(left)), replace=False)


class Random:
    """Proposes designs at random, the yardstick of the others."""

    def __init__(self, space: Space, seed: int) -> None:
        self.space, self.random = space, np.random.default_rng(seed)

    def propose(self, seen: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:  # noqa: ARG002
        return unseen(self.space, seen, count, self.random)


def distances(space: Space) -> list[np.ndarray]:
    """Return, for each factor, how far apart its choices are: by place from 0 to 1, or 1 where they have no order."""
    found = []
    for name, size in zip(FACTORS, space.shape, strict=True):
        places = np.arange(size) / max(size - 1, 1)
        apart = np.abs(places[:, None] - places[None])
        found.append(np.sign(apart) if name in UNORDERED else apart)
    return found
