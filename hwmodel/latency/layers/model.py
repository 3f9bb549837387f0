"""Time of a network as a sum over its layers, each its physical terms times a correction learned by a Gaussian process.

    y(graph) = sum_l base_l (1 + g_l) (1 + noise),    base_l = terms_l . prices

Prices are not negative, near what terms.yaml assumes, scaled to the device. The corrections g of two layers vary
together the more alike the layers are: by a constant for all, by another for layers of one class, and smoothly in their
channels, pixels and windows. A measured block is a sum of such layers, so it is a linear look at g, and what blocks say
of layers of other networks follows in closed form (Rasmussen and Williams, Gaussian Processes for Machine Learning,
chapter 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize, nnls
from threadpoolctl import threadpool_limits

from hwmodel.latency.graph.graph import Graph
from hwmodel.latency.layers.terms import CLASSES, SHAPE, Layers, assumed, guesses, layers

LEAST_S = 1e-12  # of a layer's base: what costs nothing cannot be corrected by a factor
# Logarithms of the corrections' parameters before blocks are seen: lengths of the shape's numbers, variance of what is
# smooth, of classes, of all, and of noise.
START = np.array([*([1.0] * len(SHAPE)), -3.0, -4.0, -4.0, -6.0])
FIRMNESS = 0.05
JITTER = 1e-9
LEAST_SHARE = 0.1  # of what its terms cost, that a network takes at least, however much blocks correct
ROWS = 512  # layers that are compared with all others at a time, so that long networks need no more memory


@dataclass(frozen=True)
class LayerModel:
    """What was learned from blocks; arrays alone, so that it is kept as data.

    prices (T,), parameters (10,), the blocks' layers (n): `classes`, `shapes`, `shares` of their block's base, `of` the
    block; `base` (B,) the blocks' bases; `fitted` (B,) and `inverse` (B, B) of the corrections' covariance.
    """

    prices: np.ndarray
    parameters: np.ndarray
    classes: np.ndarray
    shapes: np.ndarray
    shares: np.ndarray
    of: np.ndarray
    fitted: np.ndarray
    inverse: np.ndarray

    def predict(self, graphs: Sequence[Graph]) -> tuple[np.ndarray, np.ndarray]:
        """Mean (G,) and relative deviation (G,) of the time of one more run of canonical graphs."""
        mean, deviation, _ = self.answer(graphs)
        return mean, deviation

    def answer(self, graphs: Sequence[Graph]) -> tuple[np.ndarray, np.ndarray, list[list[str]]]:
        """Mean, relative deviation, and for each graph the classes of its layers that no block has."""
        mean, variance, unseen = np.zeros(len(graphs)), np.zeros(len(graphs)), []
        for place, graph in enumerate(graphs):  # one by one: layers of two need not be compared
            asked = layers([graph])
            found, covariance = self._joint(asked, 1)
            mean[place], variance[place] = found[0], max(covariance[0, 0], 0)
            unseen.append(self._unseen(asked))
        return mean, np.sqrt(variance / np.maximum(mean, LEAST_S) ** 2 + np.exp(self.parameters[-1])), unseen

    def joint(self, graphs: Sequence[Graph]) -> tuple[np.ndarray, np.ndarray]:
        """Mean (G,) and covariance (G, G) of what runs of canonical graphs have in common."""
        return self._joint(layers(graphs), len(graphs))

    def _joint(self, asked: Layers, count: int) -> tuple[np.ndarray, np.ndarray]:
        base = self._base(asked)
        total = np.bincount(asked.of, base, count)
        own = (asked.classes, asked.shapes, base, asked.of)
        between = self._between(own, count)
        among = _covariance(self.parameters, own, count, own, count)
        # Of a class that no block has, the price is what was assumed: one error for all its layers.
        strange = np.zeros((count, len(CLASSES)))
        np.add.at(strange, (asked.of, asked.classes), base * ~np.isin(asked.classes, self.classes))
        among += assumed().unseen ** 2 * (strange @ strange.T)
        mean = np.maximum(total + between @ self.fitted, LEAST_SHARE * total)
        return mean, among - between @ self.inverse @ between.T

    def each(self, graph: Graph) -> tuple[np.ndarray, np.ndarray]:
        """Classes, places in CLASSES, and times (n,) of a canonical graph's layers; their sum is the graph's mean."""
        asked = layers([graph])
        base = self._base(asked)
        own = (asked.classes, asked.shapes, base, np.arange(len(base)))
        parts = np.maximum(base + self._between(own, len(base)) @ self.fitted, LEAST_SHARE * base)
        return asked.classes, parts * (self._joint(asked, 1)[0] / max(parts.sum(), LEAST_S))

    def unseen(self, graph: Graph) -> list[str]:
        """Classes of a canonical graph's layers that no block has."""
        return self._unseen(layers([graph]))

    def left_out(self) -> np.ndarray:
        """Distance of each block from what the others predict, in standard deviations (B,)."""
        return self.fitted / np.sqrt(np.diag(self.inverse))

    def left_out_errors(self) -> np.ndarray:
        """Error of each block as predicted from the others, relative to its base (B,)."""
        return self.fitted / np.diag(self.inverse)

    def without(self, families: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Error of each block as predicted from those of other families, and its deviation, relative to its base (B,).

        A network never seen is not of a family that was seen, either.
        """
        error, deviation = np.empty(len(families)), np.empty(len(families))
        for family in dict.fromkeys(families.tolist()):
            rows = np.flatnonzero(families == family)
            own = np.linalg.inv(self.inverse[np.ix_(rows, rows)])
            error[rows], deviation[rows] = own @ self.fitted[rows], np.sqrt(np.diag(own))
        return error, deviation

    def _base(self, asked: Layers) -> np.ndarray:
        return np.maximum(asked.terms @ self.prices, LEAST_S)

    def _unseen(self, asked: Layers) -> list[str]:
        return [CLASSES[place] for place in np.setdiff1d(asked.classes, self.classes)]

    def _between(self, own: "Known", count: int) -> np.ndarray:
        known = (self.classes, self.shapes, self.shares, self.of)
        return _covariance(self.parameters, own, count, known, len(self.fitted))


Known = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def fit(graphs: Sequence[Graph], times: np.ndarray) -> LayerModel:
    """From canonical graphs and their times or energies (B,).

    Raises:
        ValueError: on fewer than three graphs, one without layers, or times that are not positive and finite.
    """
    if len(graphs) < 3 or len(graphs) != len(times) or not np.all(np.isfinite(times) & (times > 0)):
        raise ValueError("needs three blocks or more, each with a positive, finite time")
    seen = layers(graphs)
    if len(np.unique(seen.of)) < len(graphs):
        raise ValueError("a block has no layer that is run")
    prices = _prices(seen, times)
    base = np.maximum(seen.terms @ prices, LEAST_S)
    total = np.bincount(seen.of, base, len(graphs))
    shares = base / total[seen.of]
    known: Known = (seen.classes, seen.shapes, shares, seen.of)
    residual = times / total - 1
    pairs = _Pairs(known, len(graphs))
    with threadpool_limits(
        1
    ):  # matrices here are small: threads of a library of linear algebra cost more than they bring
        found = minimize(lambda at: pairs.cost(at, residual), START, method="L-BFGS-B", options={"maxiter": 40})
    covariance = pairs.covariance(found.x)
    inverse = np.linalg.inv(covariance)
    return LayerModel(prices, found.x, *known, inverse @ residual, inverse)


def _prices(seen: Layers, times: np.ndarray) -> np.ndarray:
    """Seconds a unit of each term (T,), not negative: least squares of relative errors, near the scaled guesses."""
    terms = np.zeros((len(times), seen.terms.shape[1]))
    np.add.at(terms, seen.of, seen.terms)
    guess, share = guesses()
    guess = guess * np.median(times / np.maximum(terms @ guess, 1e-30))
    firm = assumed().firmness / share
    rows = np.vstack([terms * guess / times[:, None], np.diag(firm)])
    factor, _ = nnls(rows, np.concatenate([np.ones(len(times)), firm]))
    return factor * guess


class _Pairs:
    """Blocks' layers in pairs, so that parameters are tried without measuring anew how alike they are."""

    def __init__(self, known: Known, blocks: int) -> None:
        classes, shapes, shares, of = known
        self.sums = _sums(shares, of, blocks)
        self.same = classes[:, None] == classes
        self.apart = [(shapes[:, [axis]] - shapes[:, axis]) ** 2 for axis in range(shapes.shape[1])]

    def covariance(self, at: np.ndarray) -> np.ndarray:
        lengths, (smooth, alike, common, noise) = np.exp(at[: len(SHAPE)]), np.exp(at[len(SHAPE) :])
        distance = np.zeros(self.same.shape)
        for apart, length in zip(self.apart, lengths, strict=True):
            distance += apart / length**2
        layer = self.same * (smooth * np.exp(-distance / 2) + alike) + common
        return self.sums @ layer @ self.sums.T + (noise + JITTER) * np.eye(len(self.sums))

    def cost(self, at: np.ndarray, residual: np.ndarray) -> float:
        try:
            factor = cho_factor(self.covariance(at), lower=True)
        except np.linalg.LinAlgError:
            return 1e10
        explained = residual @ cho_solve(factor, residual)
        away = at - START
        return float(0.5 * explained + np.log(np.diag(factor[0])).sum() + FIRMNESS * away @ away)


def _covariance(at: np.ndarray, left: Known, lefts: int, right: Known, rights: int) -> np.ndarray:
    """Covariance of sums of layers (lefts, rights)."""
    lengths, (smooth, alike, common) = np.exp(at[: len(SHAPE)]), np.exp(at[len(SHAPE) : -1])
    sums, found = _sums(right[2], right[3], rights), np.zeros((lefts, rights))
    for start in range(0, len(left[0]), ROWS):
        classes, shapes, weights, of = (one[start : start + ROWS] for one in left)
        distance = np.zeros((len(classes), len(right[0])))
        for axis, length in enumerate(lengths):
            distance += ((shapes[:, [axis]] - right[1][:, axis]) / length) ** 2
        layer = (classes[:, None] == right[0]) * (smooth * np.exp(-distance / 2) + alike) + common
        np.add.at(found, of, weights[:, None] * (layer @ sums.T))
    return found


def _sums(weights: np.ndarray, of: np.ndarray, count: int) -> np.ndarray:
    """The matrix (count, n) that sums n layers, each times its weight, by what they are of."""
    sums = np.zeros((count, len(weights)))
    sums[of, np.arange(len(weights))] = weights
    return sums
