"""Where the next widths come from: chance and evolution here, Gaussian processes in `gaussian`."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from workloads.joslim.space import WidthSpace


class Seen(NamedTuple):
    """Widths that were visited: rows, shape (n, units); losses, nats; costs, shares of the full network's."""

    rows: np.ndarray
    losses: np.ndarray
    costs: np.ndarray


@dataclass(frozen=True)
class Proposal:
    """Widths to visit next.

    Attributes:
        row: channels of each unit.
        target: the share of the full cost that was aimed at, where one was.
        found: the share that the search took it to have.
    """

    row: np.ndarray
    target: float | None = None
    found: float | None = None


class Searcher(Protocol):
    """Proposes widths; all chance is drawn from the generator that it is given."""

    def propose(self, seen: Seen, count: int, draw: np.random.Generator) -> list[Proposal]: ...

    def state_dict(self) -> dict[str, Any]:
        """Return what it must be told to go on as if it had not been interrupted, as JSON has it."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Chance:
    """Widths by chance: all units at one place between smallest and full (`alike`), or each at its own."""

    def __init__(self, space: WidthSpace, alike: bool) -> None:
        self.space, self.alike = space, alike

    def propose(self, seen: Seen, count: int, draw: np.random.Generator) -> list[Proposal]:  # noqa: ARG002
        if self.alike:
            rows = self.space.alike(draw.random(count))
        else:
            rows = draw.integers(self.space.least, self.space.most, (count, len(self.space)), endpoint=True)
        return [Proposal(row) for row in rows]

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Evolution:
    """Offspring of the widths visited so far by NSGA-II (K. Deb et al., IEEE TEC 6(2), 2002), through pymoo.

    Losses change as the weights are trained, so every call ranks all that was visited anew.
    """

    def __init__(self, space: WidthSpace, population: int = 20) -> None:
        self.space, self.population = space, population

    def propose(self, seen: Seen, count: int, draw: np.random.Generator) -> list[Proposal]:
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.core.population import Population
        from pymoo.core.problem import Problem
        from pymoo.core.termination import NoTermination
        from pymoo.operators.crossover.sbx import SBX
        from pymoo.operators.mutation.pm import PM
        from pymoo.operators.repair.rounding import RoundingRepair

        problem = Problem(n_var=len(self.space), n_obj=2, xl=self.space.least, xu=self.space.most, vtype=int)
        values = np.stack([seen.losses, seen.costs], axis=1)
        first: Any = Population.new("X", seen.rows.astype(float), "F", values)
        algorithm: Any = NSGA2(
            pop_size=self.population, n_offsprings=count,
            sampling=first,
            crossover=SBX(prob=0.9, eta=15, vtype=float, repair=RoundingRepair()),
            mutation=PM(eta=20, vtype=float, repair=RoundingRepair()),
        )  # fmt: skip
        algorithm.setup(problem, termination=NoTermination(), seed=int(draw.integers(1 << 31)), verbose=False)
        first = algorithm.ask()
        first.set("F", values)
        algorithm.evaluator.eval(problem, first, evaluate_values_of=[])
        algorithm.tell(infills=first)
        algorithm.pop = algorithm.survival.do(problem, algorithm.pop, n_survive=min(self.population, len(values)))
        offspring = algorithm.ask()  # None where mating finds nothing new
        rows = np.rint(offspring.get("X")).astype(np.int64)[:count] if offspring is not None else []
        fresh = [Proposal(np.clip(row, self.space.least, self.space.most)) for row in rows]
        return fresh + Chance(self.space, alike=False).propose(seen, count - len(fresh), draw)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None: ...
