"""How alike the corrections of two layers are, and of what is summed of them: the covariance of `model`."""

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from hwmodel.latency.layers.terms import SHAPE

# Logarithms of the corrections' parameters before blocks are seen: lengths of the shape's numbers, variance of what is
# smooth, of classes, of all, and of noise.
START = np.array([*([1.0] * len(SHAPE)), -3.0, -4.0, -4.0, -6.0])
FIRMNESS = 0.05
JITTER = 1e-9
ROWS = 512  # layers that are compared with all others at a time, so that long networks need no more memory

Known = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # layers' classes, shapes, weights, and what they are of


class Pairs:
    """Blocks' layers in pairs, so that parameters are tried without measuring anew how alike they are."""

    def __init__(self, known: Known, blocks: int) -> None:
        classes, shapes, shares, of = known
        self.sums = sums_of(shares, of, blocks)
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


def covariance_of(at: np.ndarray, left: Known, lefts: int, right: Known, rights: int) -> np.ndarray:
    """Covariance of sums of layers (lefts, rights)."""
    lengths, (smooth, alike, common) = np.exp(at[: len(SHAPE)]), np.exp(at[len(SHAPE) : -1])
    sums, found = sums_of(right[2], right[3], rights), np.zeros((lefts, rights))
    for start in range(0, len(left[0]), ROWS):
        classes, shapes, weights, of = (one[start : start + ROWS] for one in left)
        distance = np.zeros((len(classes), len(right[0])))
        for axis, length in enumerate(lengths):
            distance += ((shapes[:, [axis]] - right[1][:, axis]) / length) ** 2
        layer = (classes[:, None] == right[0]) * (smooth * np.exp(-distance / 2) + alike) + common
        np.add.at(found, of, weights[:, None] * (layer @ sums.T))
    return found


def sums_of(weights: np.ndarray, of: np.ndarray, count: int) -> np.ndarray:
    """The matrix (count, n) that sums n layers, each times its weight, by what they are of."""
    sums = np.zeros((count, len(weights)))
    sums[of, np.arange(len(weights))] = weights
    return sums
