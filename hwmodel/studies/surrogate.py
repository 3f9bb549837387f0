"""Search by a model of the objectives: Gaussian processes learn from what was computed, and say what to compute next.

The processes see a design as its place in each list of choices. Designs that they hold, with some optimism, to extend
the front most are computed next; a batch is chosen one by one, each taken to turn out as predicted.
"""

import numpy as np

from hwmodel.studies.pareto import front, hypervolume
from hwmodel.studies.process import Process
from hwmodel.studies.search import distances, unseen
from hwmodel.studies.space import FACTORS, Space

OPTIMISM = 1.0  # standard deviations
MOST = 1 << 14  # designs looked at; of a larger space, neighbours of the front and some drawn at random
LEARN_FROM = 250  # designs at most, from which lengths are learnt
ALLOWANCE = 1.1  # a reference a little beyond the worst, so that the ends of the front count


class Surrogate:
    """Proposes what is predicted to extend the front most.

    After J. Knowles, ParEGO, IEEE TEC 10(1), 2006, and W. Ponweiser et al., Multiobjective optimization on a limited
    budget of evaluations using model-assisted S-metric selection, PPSN 2008.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self.space, self.random = space, np.random.default_rng(seed)
        self._apart = distances(space)
        self._lengths: list[np.ndarray] = []
        self._learnt = 0  # designs that the lengths were learnt from

    def propose(self, seen: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
        if not len(seen):
            return self._first(count)
        low, high = values.min(axis=0), values.max(axis=0)
        scaled = (values - low) / np.where(high > low, high - low, 1.0)
        codes = self.space.codes[seen]
        if len(seen) >= 1.3 * self._learnt and self._learnt < LEARN_FROM:
            self._learnt = len(seen)
            self._lengths = [Process.learn(self._apart, codes[-LEARN_FROM:], column[-LEARN_FROM:])
                             for column in scaled.T]  # fmt: skip
        others = self._candidates(seen, scaled)
        means, spreads = [], []
        for column, lengths in zip(scaled.T, self._lengths, strict=True):
            mean, spread = Process(self._apart, codes, column, lengths).predict(self.space.codes[others])
            means.append(mean)
            spreads.append(spread)
        mean, spread = np.stack(means, axis=1), np.stack(spreads, axis=1)
        # Rounded, so that the last bits of a machine's arithmetic decide nothing.
        hoped = np.round(mean - OPTIMISM * spread, 9)
        return others[_best(hoped, np.round(mean, 9), scaled[front(scaled)], count)]

    def _first(self, count: int) -> np.ndarray:
        """Return designs in which each factor's choices come equally often, as near as may be."""
        columns = []
        for size in self.space.shape:
            places = np.resize(self.random.permutation(size), count)
            columns.append(self.random.permutation(places))
        chosen = np.unique(self.space.numbers(np.stack(columns, axis=1)))[:count]
        return np.concatenate([chosen, unseen(self.space, chosen, count - len(chosen), self.random)])

    def _candidates(self, seen: np.ndarray, scaled: np.ndarray) -> np.ndarray:
        """Return designs not yet seen, to choose from."""
        if len(self.space) <= MOST:
            return np.setdiff1d(np.arange(len(self.space)), seen)
        best = self.space.codes[seen[front(scaled)]].astype(np.int64)
        near = [best]
        for place in range(len(FACTORS)):
            for choice in range(self.space.shape[place]):
                moved = best.copy()
                moved[:, place] = choice
                near.append(moved)
        drawn = self.random.choice(len(self.space), MOST // 2, replace=False)
        crossed = np.stack([self.random.choice(best[:, place], MOST // 4) for place in range(len(FACTORS))], axis=1)
        numbers = self.space.numbers(np.concatenate([*near, crossed]))
        return np.setdiff1d(np.concatenate([numbers, drawn]), seen)


def _best(hoped: np.ndarray, mean: np.ndarray, known: np.ndarray, count: int) -> np.ndarray:
    """Return the places of `count` rows that extend a front most, one after another.

    Args:
        hoped: optimistic predictions, shape (designs, objectives).
        mean: predictions, which a row that was taken adds to the front.
        known: the front so far.
        count: how many to take.
    """
    reference = np.full(hoped.shape[1], ALLOWANCE)
    left, taken = np.arange(len(hoped)), []
    while len(taken) < count and len(left):
        layer = left[front(hoped[left])]  # what none of the others is hoped to beat
        gains = np.full(len(layer), np.inf)
        while len(taken) < count and len(layer):
            base = hypervolume(known, reference)
            # A gain only shrinks as the front grows, so what stood highest and still does is the highest.
            while True:
                top = int(gains.argmax())
                fresh = hypervolume(np.concatenate([known, hoped[layer[top : top + 1]]]), reference) - base
                if fresh >= np.delete(gains, top).max(initial=-np.inf):
                    break
                gains[top] = fresh
            taken.append(int(layer[top]))
            known = np.concatenate([known, mean[layer[top : top + 1]]])
            known = known[front(known)]
            layer, gains = np.delete(layer, top), np.delete(gains, top)
        left = np.setdiff1d(left, [*taken, *layer]) if len(taken) < count else left
    return np.array(taken, np.int64)
