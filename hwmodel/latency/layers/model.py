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

from hwmodel.latency.graph.graph import Graph
from hwmodel.latency.layers.terms import SHAPE, Layers, assumed, guesses, layers

LEAST_S = 1e-12  # of a layer's base: what costs nothing cannot be corrected by a factor
# Logarithms of the corrections' parameters before blocks are seen: lengths of the shape's numbers, variance of what is
# smooth, of classes, of all, and of noise.
START = np.array([*([1.0] * len(SHAPE)), -3.0, -4.0, -4.0, -6.0])
FIRMNESS = 0.05
JITTER = 1e-9


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
        mean, covariance = self.joint(graphs)
        noise = np.exp(self.parameters[-1])
        return mean, np.sqrt(np.maximum(np.diag(covariance), 0) / np.maximum(mean, LEAST_S) ** 2 + noise)

    def joint(self, graphs: Sequence[Graph]) -> tuple[np.ndarray, np.ndarray]:
        """Mean (G,) and covariance (G, G) of what runs of canonical graphs have in common."""
        asked = layers(graphs)
        base = np.maximum(asked.terms @ self.prices, LEAST_S)
        total = np.bincount(asked.of, base, len(graphs))
        own = (asked.classes, asked.shapes, base, asked.of)
        known = (self.classes, self.shapes, self.shares, self.of)
        between = _covariance(self.parameters, own, len(graphs), known, len(self.fitted))
        among = _covariance(self.parameters, own, len(graphs), own, len(graphs))
        return total + between @ self.fitted, among - between @ self.inverse @ between.T

    def left_out(self) -> np.ndarray:
        """Distance of each block from what the others predict, in standard deviations (B,)."""
        return self.fitted / np.sqrt(np.diag(self.inverse))

    def left_out_errors(self) -> np.ndarray:
        """Error of each block as predicted from the others, relative to its base (B,)."""
        return self.fitted / np.diag(self.inverse)


Known = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def fit(graphs: Sequence[Graph], times: np.ndarray) -> LayerModel:
    """From canonical graphs and their times or energies (B,).

    Raises:
        ValueError: on fewer than three graphs, or times that are not positive and finite.
    """
    if len(graphs) < 3 or len(graphs) != len(times) or not np.all(np.isfinite(times) & (times > 0)):
        raise ValueError("needs three blocks or more, each with a positive, finite time")
    seen = layers(graphs)
    prices = _prices(seen, times)
    base = np.maximum(seen.terms @ prices, LEAST_S)
    total = np.bincount(seen.of, base, len(graphs))
    shares = base / total[seen.of]
    known: Known = (seen.classes, seen.shapes, shares, seen.of)
    residual = times / total - 1
    pairs = _Pairs(known, len(graphs))
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
        self.sums = np.zeros((blocks, len(classes)))
        self.sums[of, np.arange(len(classes))] = shares
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
    near = ((left[1][:, None, :] - right[1][None, :, :]) / lengths) ** 2
    layer = (left[0][:, None] == right[0]) * (smooth * np.exp(-near.sum(axis=2) / 2) + alike) + common
    weighted = left[2][:, None] * layer * right[2]
    rows = np.zeros((lefts, layer.shape[1]))
    np.add.at(rows, left[3], weighted)
    found = np.zeros((rights, lefts))
    np.add.at(found, right[3], rows.T)
    return found.T
