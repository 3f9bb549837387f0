"""Widths that trade loss for cost best, by Gaussian processes of both."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hwmodel.studies.pareto import front
from workloads.joslim.cost import Cost
from workloads.joslim.scalarise import Bound, Chosen, bisect, confidence
from workloads.joslim.searchers import Proposal, Seen
from workloads.joslim.space import WidthSpace
from workloads.joslim.surrogate import Surrogate, require

SPREAD, ALIKE = 128, 64  # candidates drawn over the whole space, and those whose units are all at one place
SCATTER = 0.15  # by which as many again depart from such a place, of the way from the smallest to the full network
ROUNDS, KEPT = 2, 12  # how often the best candidates' neighbours join them, and of how many of the best
STRIDES = (1, 2, 4)  # channels by which a neighbour differs in one unit
REFINED, BETWEEN, NEAR = (
    3,
    24,
    0.03,
)  # how often candidates join between two on either side of a target; how many; where


@dataclass
class Pool:
    """Candidates: rows; bounds of loss and cost, shape (n, 2); the shares of the full cost that they should have."""

    rows: np.ndarray
    bounds: np.ndarray
    costs: np.ndarray


class Gaussian:
    """Proposes widths by the bounds of two Gaussian processes: T.-W. Chin et al., arXiv:2007.11752.

    The scalarisation's best at any weight is among the candidates that no other beats in both bounds. So candidates are
    gathered once a call around those, and every step of every bisection chooses among them.

    Args:
        space: the widths there are.
        cost: whose share of the full network's is aimed at.
        bound: see `confidence`.
        beta, base: see `confidence`, `scalarise`.
        tolerance: see `bisect`.
    """

    def __init__(
        self, space: WidthSpace, cost: Cost, bound: Bound = "optimistic", beta: float = 0.1, base: float = -3.0,
        tolerance: float = 0.02,
    ) -> None:  # fmt: skip
        require()
        self.space, self.cost, self.beta, self.base, self.tolerance = space, cost, beta, base, tolerance
        self.bound: Bound = bound
        self._loss, self._cost = Surrogate("loss", len(space)), Surrogate("cost", len(space))

    def propose(self, seen: Seen, count: int, draw: np.random.Generator) -> list[Proposal]:
        points = self.space.unit(seen.rows)
        self._loss.condition(points, seen.losses)
        self._cost.condition(points, seen.costs)
        pool = self._gathered(seen, draw)
        targets = draw.uniform(self.cost.share(self.space.least), 1.0, count)
        return [self._aimed(pool, float(target), draw) for target in targets]

    def _aimed(self, pool: Pool, target: float, draw: np.random.Generator) -> Proposal:
        """Return the best at the weight that gives the wanted cost, with more candidates where none is near it."""
        chosen = self._bisected(pool, target)
        for _ in range(REFINED):
            if abs(chosen.cost - target) <= self.tolerance * target:
                break
            ends = self.space.unit(pool.rows[[chosen.cheaper, chosen.dearer]])
            way = draw.random((BETWEEN, 1))
            apart = NEAR * draw.standard_normal((BETWEEN, len(self.space)))
            self._add(pool, self.space.snap(way * ends[0] + (1 - way) * ends[1] + apart))
            chosen = self._bisected(pool, target)
        pool.bounds[chosen.place] = np.inf  # not twice at once
        return Proposal(pool.rows[chosen.place], target, chosen.cost)

    def _bisected(self, pool: Pool, target: float) -> Chosen:
        def true(place: int) -> float:
            return self.cost.share(pool.rows[place]) if self.cost.quick else float(pool.costs[place])

        loss, cost = pool.bounds[:, 0], pool.bounds[:, 1]
        return bisect(loss, cost, true, target, base=self.base, tolerance=self.tolerance)

    def _gathered(self, seen: Seen, draw: np.random.Generator) -> Pool:
        units = len(self.space)
        near = draw.random((SPREAD, 1)) + SCATTER * draw.standard_normal((SPREAD, units))
        points = np.concatenate([draw.random((SPREAD, units)), near])
        alike = self.space.alike(np.linspace(0, 1, ALIKE))
        pool = Pool(np.empty((0, units), np.int64), np.empty((0, 2)), np.empty(0))
        self._add(pool, np.concatenate([self.space.snap(points), alike, seen.rows]))
        for _ in range(ROUNDS):
            best = np.flatnonzero(front(pool.bounds))
            best = best[np.argsort(pool.bounds[best, 1], kind="stable")]
            best = best[np.unique(np.linspace(0, len(best) - 1, KEPT).round().astype(int))]
            self._add(pool, self._neighbours(pool.rows[best], draw))
        return pool

    def _add(self, pool: Pool, rows: np.ndarray) -> None:
        rows = np.unique(rows, axis=0)
        rows = rows[~(rows[:, None] == pool.rows[None]).all(axis=2).any(axis=1)]
        if not len(rows):
            return
        points = self.space.unit(rows)
        loss, cost = self._loss.at(points), self._cost.at(points)
        bounds = np.stack([confidence(*one, self.beta, self.bound) for one in (loss, cost)], axis=1)
        pool.rows = np.concatenate([pool.rows, rows])
        pool.bounds = np.concatenate([pool.bounds, bounds])
        pool.costs = np.append(pool.costs, cost[0] * self._cost.deviation + self._cost.mean)

    def _neighbours(self, rows: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        units = len(self.space)
        moves = np.concatenate([np.eye(units, dtype=np.int64), -np.eye(units, dtype=np.int64)])
        strides = draw.choice(STRIDES, (len(rows), len(moves), 1))
        near = np.clip(rows[:, None] + strides * moves, self.space.least, self.space.most)
        return np.unique(near.reshape(-1, units), axis=0)

    def state_dict(self) -> dict[str, Any]:
        return {"loss": self._loss.state_dict(), "cost": self._cost.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._loss.load_state_dict(state["loss"])
        self._cost.load_state_dict(state["cost"])
