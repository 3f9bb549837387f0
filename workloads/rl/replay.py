"""Prioritised replay of sequences.

T. Schaul, J. Quan, I. Antonoglou, D. Silver. Prioritized Experience Replay. ICLR 2016, sections 3.3 and 3.4.
"""

from dataclasses import dataclass

import numpy as np

from workloads.rl.feeds import Feed
from workloads.rl.recipe import R2d2Recipe
from workloads.rl.unrolls import Unroll


@dataclass(frozen=True)
class Drawn:
    """Sequences drawn. `slots`, `serials`: where they stand and which they are. `weights`: importance, at most 1."""

    unrolls: list[Unroll]
    slots: np.ndarray
    serials: np.ndarray
    weights: np.ndarray


class Priorities:
    """Draws slots in proportion to a power of their priorities.

    Args:
        slots: how many.
        power: of priorities; 0 draws evenly.
        correction: power of the weights that correct for it; 1 does so wholly.
    """

    def __init__(self, slots: int, power: float, correction: float) -> None:
        self._powered = np.zeros(slots)
        self._power, self._correction = power, correction
        self._largest = 1.0

    def new(self, slot: int) -> None:
        """Give a slot the largest priority so far, as of what nobody learned from."""
        self._powered[slot] = self._largest**self._power

    def set(self, slots: np.ndarray, priorities: np.ndarray) -> None:
        self._largest = max(self._largest, float(priorities.max(initial=0.0)))
        self._powered[slots] = priorities**self._power

    def draw(self, number: int, filled: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return slots among the first `filled`, and their weights, which are at most 1."""
        upto = self._powered[:filled].cumsum()
        slots = np.searchsorted(upto, random.random(number) * upto[-1], side="right").clip(max=filled - 1)
        share = self._powered[slots] / upto[-1]
        weights = (filled * share) ** -self._correction
        return slots, weights / weights.max()


class Replay(Feed):
    """Keeps the latest sequences, and has the learner learn as often as the recipe says.

    Args:
        told: the recipe.
        seed: of what is drawn.
        lockstep: as of `Feed`.
    """

    def __init__(self, told: R2d2Recipe, seed: int, lockstep: bool = False) -> None:
        super().__init__(lockstep)
        self._told, self._random = told, np.random.default_rng(seed)
        self._unrolls: list[Unroll] = []
        self._serials = np.zeros(told.replay, np.int64)
        self._priorities = Priorities(told.replay, told.priority_power, told.importance_power)
        self._added = 0
        self._due = 0.0  # steps to learn from

    def set(self, drawn: Drawn, priorities: np.ndarray) -> None:
        """Give sequences new priorities, unless others stand in their place by now."""
        with self._changed:
            same = self._serials[drawn.slots] == drawn.serials
            self._priorities.set(drawn.slots[same], priorities[same])

    def _keep(self, unrolls: list[Unroll], steps: int) -> None:
        for unroll in unrolls:
            slot = self._added % self._told.replay
            if slot == len(self._unrolls):
                self._unrolls.append(unroll)
            else:
                self._unrolls[slot] = unroll
            self._added += 1
            self._serials[slot] = self._added
            self._priorities.new(slot)
        if len(self._unrolls) >= self._least:
            self._due += steps * self._told.replay_ratio

    @property
    def _least(self) -> int:
        return min(self._told.least, self._told.replay)

    @property
    def _batch_steps(self) -> int:
        return self._told.batch * self._told.unroll

    def _ready(self) -> bool:
        return len(self._unrolls) >= self._least and self._due >= self._batch_steps

    def _full(self) -> bool:
        return self._due >= 2 * self._batch_steps

    def _draw(self) -> Drawn:
        self._due -= self._batch_steps
        slots, weights = self._priorities.draw(self._told.batch, len(self._unrolls), self._random)
        return Drawn([self._unrolls[slot] for slot in slots], slots, self._serials[slots].copy(), weights)
