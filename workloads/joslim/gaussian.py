"""Widths that trade loss for cost best, by Gaussian processes of both."""

from typing import Any

import numpy as np

from hwmodel.studies.pareto import front
from workloads.joslim.cost import Cost
from workloads.joslim.scalarise import Bound, bisect, confidence
from workloads.joslim.searchers import Proposal, Seen
from workloads.joslim.space import WidthSpace
from workloads.joslim.surrogate import Surrogate, require

SPREAD, ALIKE = 128, 64  # candidates drawn over the whole space, and those whose units are all at one place
SCATTER = 0.15  # by which as many again depart from such a place, of the way from the smallest to the full network
ROUNDS, KEPT = 2, 12  # how often the best candidates' neighbours join them, and of how many of the best
STRIDES = (1, 2, 4)  # channels by which a neighbour differs in one unit


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
        rows, bounds, costs = self._candidates(seen, draw)
        least = self.cost.share(self.space.least)
        found: list[Proposal] = []
        for target in draw.uniform(least, 1.0, count):

            def true(place: int) -> float:
                return self.cost.share(rows[place]) if self.cost.quick else float(costs[place])

            chosen = bisect(bounds[:, 0], bounds[:, 1], true, float(target), base=self.base, tolerance=self.tolerance)
            found.append(Proposal(rows[chosen.place], float(target), chosen.cost))
            bounds[(rows == rows[chosen.place]).all(axis=1)] = np.inf  # not twice at once
        return found

    def _candidates(self, seen: Seen, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return rows, both bounds of each, and the share of the full cost that each is expected to have."""
        units = len(self.space)
        near = draw.random((SPREAD, 1)) + SCATTER * draw.standard_normal((SPREAD, units))
        points = np.concatenate([draw.random((SPREAD, units)), near])
        alike = self.space.alike(np.linspace(0, 1, ALIKE))
        rows = np.unique(np.concatenate([self.space.snap(points), alike, seen.rows]), axis=0)
        bounds, costs = self._bounds(rows)
        for _ in range(ROUNDS):
            best = np.flatnonzero(front(bounds))
            best = best[np.argsort(bounds[best, 1], kind="stable")]
            best = best[np.unique(np.linspace(0, len(best) - 1, KEPT).round().astype(int))]
            more = self._neighbours(rows[best], draw)
            more = more[~(more[:, None] == rows[None]).all(axis=2).any(axis=1)]
            if not len(more):
                break
            further, shares = self._bounds(more)
            rows, bounds, costs = (
                np.concatenate([rows, more]),
                np.concatenate([bounds, further]),
                np.append(costs, shares),
            )
        return rows, bounds, costs

    def _neighbours(self, rows: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        units = len(self.space)
        moves = np.concatenate([np.eye(units, dtype=np.int64), -np.eye(units, dtype=np.int64)])
        strides = draw.choice(STRIDES, (len(rows), len(moves), 1))
        near = np.clip(rows[:, None] + strides * moves, self.space.least, self.space.most)
        return np.unique(near.reshape(-1, units), axis=0)

    def _bounds(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        points = self.space.unit(rows)
        loss, cost = self._loss.at(points), self._cost.at(points)
        bounds = np.stack([confidence(*one, self.beta, self.bound) for one in (loss, cost)], axis=1)
        return bounds, cost[0] * self._cost.deviation + self._cost.mean

    def state_dict(self) -> dict[str, Any]:
        return {"loss": self._loss.state_dict(), "cost": self._cost.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._loss.load_state_dict(state["loss"])
        self._cost.load_state_dict(state["cost"])
