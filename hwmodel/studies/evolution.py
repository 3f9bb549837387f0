"""Search by evolution: pymoo's NSGA-II, or AGE-MOEA for more than three objectives, over places among choices."""

from typing import Any

import numpy as np
from pymoo.algorithms.moo.age import AGEMOEA
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.duplicate import DuplicateElimination
from pymoo.core.mutation import Mutation
from pymoo.core.problem import Problem
from pymoo.core.sampling import Sampling
from pymoo.core.termination import NoTermination
from pymoo.operators.crossover.ux import UX

from hwmodel.studies.space import FACTORS, UNORDERED, Space

CROWDED = 3  # objectives, up to which crowding tells designs apart


class Evolution:
    """Proposes the offspring of the best designs so far.

    K. Deb et al., A fast and elitist multiobjective genetic algorithm: NSGA-II, IEEE TEC 6(2), 2002; A. Panichella, An
    adaptive evolutionary algorithm based on non-Euclidean geometry for many-objective optimization, GECCO 2019.
    """

    def __init__(self, space: Space, seed: int, population: int, objectives: int) -> None:
        self.space = space
        self._known = np.zeros(len(space), bool)
        self._pending: Any = None
        top = np.array(space.shape) - 1
        problem = Problem(n_var=len(FACTORS), n_obj=objectives, xl=0, xu=top, vtype=int)
        kind: Any = NSGA2 if objectives <= CROWDED else AGEMOEA
        self._algorithm = kind(pop_size=population, sampling=Drawn(space), crossover=UX(), mutation=Moved(space),
                               eliminate_duplicates=Unknown(space, self._known))  # fmt: skip
        self._algorithm.setup(problem, termination=NoTermination(), seed=seed, verbose=False)

    def propose(self, seen: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
        self._known[seen] = True
        if self._pending is not None:
            self._tell(seen, values)
        self._pending = self._algorithm.ask()
        if self._pending is None:  # mating finds nothing new
            return np.empty(0, np.int64)
        return self._numbers(self._pending)[:count]

    def _tell(self, seen: np.ndarray, values: np.ndarray) -> None:
        """Let what was proposed last compete, as far as it was computed."""
        at = {number: place for place, number in enumerate(seen.tolist())}
        numbers = self._numbers(self._pending).tolist()
        infills = self._pending[[place for place, one in enumerate(numbers) if one in at]]
        infills.set("F", values[[at[one] for one in numbers if one in at]])
        self._algorithm.evaluator.eval(self._algorithm.problem, infills, evaluate_values_of=[])
        self._algorithm.tell(infills=infills)

    def _numbers(self, population: Any) -> np.ndarray:
        return self.space.numbers(population.get("X"))


class Drawn(Sampling):
    """Designs drawn at random, none twice."""

    def __init__(self, space: Space) -> None:
        super().__init__()
        self.space = space

    def _do(self, problem: Any, n_samples: int, *_: Any, random_state: Any = None, **__: Any) -> Any:  # noqa: ARG002
        size = len(self.space)
        return self.space.codes[random_state.choice(size, min(n_samples, size), replace=False)].astype(int)


class Moved(Mutation):
    """A factor or so goes to a neighbouring choice, or to any where choices have no order."""

    def __init__(self, space: Space) -> None:
        super().__init__(prob=1.0)
        self.space = space

    def _do(self, problem: Any, X: np.ndarray, *_: Any, random_state: Any = None, **__: Any) -> np.ndarray:  # noqa: ARG002
        X, shape = X.astype(int), self.space.shape
        free = [place for place, size in enumerate(shape) if size > 1]
        for row in X:
            for place in free:
                if random_state.random() < 1 / len(free):
                    if FACTORS[place] in UNORDERED:
                        row[place] = (row[place] + random_state.integers(1, shape[place])) % shape[place]
                    else:
                        row[place] = np.clip(row[place] + random_state.choice([-1, 1]), 0, shape[place] - 1)
        return self.space.codes[self.space.numbers(X)].astype(int)


class Unknown(DuplicateElimination):
    """Takes away what comes twice, and what was computed before."""

    def __init__(self, space: Space, known: np.ndarray) -> None:
        super().__init__()
        self.space, self.known = space, known

    def _do(self, pop: Any, other: Any, is_duplicate: np.ndarray) -> np.ndarray:
        numbers = self.space.numbers(pop.get("X"))
        is_duplicate |= self.known[numbers]
        if other is None:
            is_duplicate |= ~np.isin(np.arange(len(numbers)), np.unique(numbers, return_index=True)[1])
        else:
            is_duplicate |= np.isin(numbers, self.space.numbers(other.get("X")))
        return is_duplicate
