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
from scipy.optimize import minimize, nnls
from threadpoolctl import threadpool_limits

from hwmodel.latency.graph.graph import Graph
from hwmodel.latency.layers.assumed import assumed
from hwmodel.latency.layers.likeness import START, Known, Pairs, covariance_of
from hwmodel.latency.layers.terms import CLASSES, Layers, Tile, counted, guesses, layers, termed

LEAST_S = 1e-12  # of a layer's base: what costs nothing cannot be corrected by a factor
LEAST_SHARE = 0.1  # of what its terms cost, that a network takes at least, however much blocks correct
FOLDS = 10  # that blocks are dealt out to, to see how far off predictions of unseen ones are


@dataclass(frozen=True)
class LayerModel:
    """What was learned from blocks; arrays alone, so that it is kept as data.

    tile (2,), prices (T,), parameters (10,), the blocks' layers (n): `classes`, `shapes`, `shares` of their block's
    base, `of` the block; `fitted` (B,) and `inverse` (B, B) of the corrections' covariance.
    """

    tile: np.ndarray
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
            asked = self._layers([graph])
            found, covariance = self._joint(asked, 1)
            mean[place], variance[place] = found[0], max(covariance[0, 0], 0)
            unseen.append(self._unseen(asked))
        return mean, np.sqrt(variance / np.maximum(mean, LEAST_S) ** 2 + np.exp(self.parameters[-1])), unseen

    def joint(self, graphs: Sequence[Graph]) -> tuple[np.ndarray, np.ndarray]:
        """Mean (G,) and covariance (G, G) of what runs of canonical graphs have in common."""
        return self._joint(self._layers(graphs), len(graphs))

    def _joint(self, asked: Layers, count: int) -> tuple[np.ndarray, np.ndarray]:
        base = self._base(asked)
        total = np.bincount(asked.of, base, count)
        own = (asked.classes, asked.shapes, base, asked.of)
        between = self._between(own, count)
        among = covariance_of(self.parameters, own, count, own, count)
        # Of a class that no block has, the price is what was assumed: one error for all its layers.
        strange = np.zeros((count, len(CLASSES)))
        np.add.at(strange, (asked.of, asked.classes), base * ~np.isin(asked.classes, self.classes))
        among += assumed().unseen ** 2 * (strange @ strange.T)
        mean = np.maximum(total + between @ self.fitted, LEAST_SHARE * total)
        return mean, among - between @ self.inverse @ between.T

    def each(self, graph: Graph) -> tuple[np.ndarray, np.ndarray]:
        """Classes, places in CLASSES, and times (n,) of a canonical graph's layers; their sum is the graph's mean."""
        asked = self._layers([graph])
        base = self._base(asked)
        own = (asked.classes, asked.shapes, base, np.arange(len(base)))
        parts = np.maximum(base + self._between(own, len(base)) @ self.fitted, LEAST_SHARE * base)
        return asked.classes, parts * (self._joint(asked, 1)[0] / max(parts.sum(), LEAST_S))

    def unseen(self, graph: Graph) -> list[str]:
        """Classes of a canonical graph's layers that no block has."""
        return self._unseen(self._layers([graph]))

    def _layers(self, graphs: Sequence[Graph]) -> Layers:
        return layers(graphs, Tile(*(int(side) for side in self.tile)))

    def _base(self, asked: Layers) -> np.ndarray:
        return np.maximum(asked.terms @ self.prices, LEAST_S)

    def _unseen(self, asked: Layers) -> list[str]:
        return [CLASSES[place] for place in np.setdiff1d(asked.classes, self.classes)]

    def _between(self, own: Known, count: int) -> np.ndarray:
        known = (self.classes, self.shapes, self.shares, self.of)
        return covariance_of(self.parameters, own, count, known, len(self.fitted))


def fit(graphs: Sequence[Graph], times: np.ndarray) -> LayerModel:
    """From canonical graphs and their times or energies (B,).

    Raises:
        ValueError: on fewer than three graphs, one without layers, or times that are not positive and finite.
    """
    if len(graphs) < 3 or len(graphs) != len(times) or not np.all(np.isfinite(times) & (times > 0)):
        raise ValueError("needs three blocks or more, each with a positive, finite time")
    counts = counted(graphs)
    if len(np.unique(counts.of)) < len(graphs):
        raise ValueError("a block has no layer that is run")
    tiles = [Tile(rows, columns) for rows in assumed().tile_rows for columns in assumed().tile_columns]
    tile = min(tiles, key=lambda one: _prices(termed(counts, one), times)[1])
    seen = termed(counts, tile)
    prices, _ = _prices(seen, times)
    known, residual = _residual(seen, times, prices)
    pairs = Pairs(known, len(graphs))
    with threadpool_limits(
        1
    ):  # matrices here are small: threads of a library of linear algebra cost more than they bring
        found = minimize(lambda at: pairs.cost(at, residual), START, method="L-BFGS-B", options={"maxiter": 40})
    return _model(tile, prices, found.x, known, residual)


def folds(blocks: int, count: int = FOLDS) -> np.ndarray:
    """The fold to which each block is dealt (B,)."""
    return np.arange(blocks) % count


def crossed(
    model: LayerModel, graphs: Sequence[Graph], times: np.ndarray, count: int = FOLDS
) -> tuple[np.ndarray, np.ndarray]:
    """What a model predicts of each block that never saw it: mean and relative deviation (B,).

    The blocks are dealt out to folds, and each is predicted from the others, whose prices are learned anew; tile and
    parameters stay.
    """
    dealt, tile = folds(len(graphs), count), Tile(*(int(side) for side in model.tile))
    places, mean, deviation = np.arange(len(graphs)), np.zeros(len(graphs)), np.zeros(len(graphs))
    for fold in np.unique(dealt):
        out = dealt == fold
        seen = layers([graphs[place] for place in places[~out]], tile)
        prices, _ = _prices(seen, times[~out])
        known, residual = _residual(seen, times[~out], prices)
        other = _model(tile, prices, model.parameters, known, residual)
        mean[out], deviation[out] = other.predict([graphs[place] for place in places[out]])
    return mean, deviation


def _residual(seen: Layers, times: np.ndarray, prices: np.ndarray) -> tuple[Known, np.ndarray]:
    """Blocks' layers, and how far their times are from what prices say (B,), relative to that."""
    base = np.maximum(seen.terms @ prices, LEAST_S)
    total = np.bincount(seen.of, base, len(times))
    return (seen.classes, seen.shapes, base / total[seen.of], seen.of), times / total - 1


def _model(tile: Tile, prices: np.ndarray, parameters: np.ndarray, known: Known, residual: np.ndarray) -> LayerModel:
    inverse = np.linalg.inv(Pairs(known, len(residual)).covariance(parameters))
    return LayerModel(np.array(tile), prices, parameters, *known, inverse @ residual, inverse)


def _prices(seen: Layers, times: np.ndarray) -> tuple[np.ndarray, float]:
    """Seconds a unit of each term (T,), not negative: least squares of relative errors, near the scaled guesses.

    Also how far errors and guesses are off then.
    """
    terms = np.zeros((len(times), seen.terms.shape[1]))
    np.add.at(terms, seen.of, seen.terms)
    guess, share = guesses()
    guess = guess * np.median(times / np.maximum(terms @ guess, 1e-30))
    firm = assumed().firmness / share
    rows = np.vstack([terms * guess / times[:, None], np.diag(firm)])
    factor, off = nnls(rows, np.concatenate([np.ones(len(times)), firm]))
    return factor * guess, float(off)
