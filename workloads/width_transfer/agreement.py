"""How well widths agree in their ranks: a cheaper search's with direct ones', and direct ones' with each other."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

RESAMPLES = 10_000


@dataclass(frozen=True)
class Agreement:
    """Mean rank correlations over pairs of searches of two seeds, and their intervals over seeds.

    Attributes:
        mean: (estimate, low, high) of the correlation with direct searches of other seeds.
        share: of the ceiling, the correlation of direct searches of two seeds; (0, 0, 1) where these do not agree at
            all, so that there is no ceiling.
        each: the mean of each seed's search with the other seeds' direct ones.
    """

    mean: tuple[float, float, float]
    share: tuple[float, float, float]
    each: np.ndarray


def correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return Spearman's rank correlation of each row of one with each of the other; ties share their mean rank.

    Where a row does not vary it ranks nothing, and the correlation is 0.

    Args:
        first: seeds x units.
        second: seeds x units.
    """
    ranks = [rankdata(one, axis=1) for one in (first, second)]
    a, b = (one - one.mean(1, keepdims=True) for one in ranks)
    scale = np.sqrt((a**2).sum(1)[:, None] * (b**2).sum(1)[None])
    return np.divide(a @ b.T, scale, out=np.zeros_like(scale), where=scale > 0)


def agree(proxy: np.ndarray, direct: np.ndarray, level: float = 0.95, seed: int = 0) -> Agreement:
    """Return how a search's widths agree with direct searches' of other seeds.

    Seeds are drawn again and again, all their pairs with them (pairs of a seed with itself left out), so that the
    interval knows that one seed is in many pairs.

    Args:
        proxy: seeds x units, shares of channels; two seeds at least.
        direct: the same seeds.
        level: of the intervals.
        seed: of the draws.
    """
    ours, ceiling = correlations(proxy, direct), correlations(direct, direct)
    count = len(direct)
    apart = ~np.eye(count, dtype=bool)
    each = np.where(apart, ours, 0.0).sum(1) / (count - 1)
    draws = np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))
    weights = np.zeros((RESAMPLES, count))
    np.add.at(weights, (np.arange(RESAMPLES)[:, None], draws), 1.0)

    def over_pairs(matrix: np.ndarray) -> np.ndarray:
        return np.einsum("ri,ij,rj->r", weights, np.where(apart, matrix, 0.0), weights, optimize=True)

    pairs = over_pairs(np.ones((count, count)))
    kept = pairs > 0
    means, tops = over_pairs(ours)[kept] / pairs[kept], over_pairs(ceiling)[kept] / pairs[kept]
    tails = [(1 - level) / 2, (1 + level) / 2]
    mean, top = float(ours[apart].mean()), float(ceiling[apart].mean())
    ratio = means[tops > 0] / tops[tops > 0]
    mean_low, mean_high = np.quantile(means, tails)
    low, high = np.quantile(ratio, tails) if top > 0 and len(ratio) else (0.0, 1.0)
    share = mean / top if top > 0 else 0.0
    return Agreement((mean, float(mean_low), float(mean_high)), (share, float(low), float(high)), each)
