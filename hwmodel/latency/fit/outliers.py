"""The evidence of samples under many sets of weights at once, some samples disturbed.

A phone that was too hot, or busy, gives now and then a time that its other times say nothing of. Noise is therefore a
mixture of two normal laws: a sample is disturbed with a small probability, and its variance then is greater by
DISTURBED (Box and Tiao, A Bayesian approach to some outlier problems, Biometrika 55, 1968). Of the 2^n ways to share
samples out, the likeliest is sought for each set of weights, one sample after the other.
"""

from collections.abc import Sequence

import numpy as np

RARE = 0.02  # of samples are disturbed
DISTURBED = 0.1  # variance that a disturbance adds: tens of percent of a time
MOST_DISTURBED = 4  # a sample in so many at most
AT_ONCE = 1 << 24  # numbers of one array of covariances


def evidences(weights: np.ndarray, parts: Sequence[np.ndarray], residual: np.ndarray,
              trouble: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Logarithm of the evidence of `residual` (n,) under each of `weights` (M, P + 1), and what is added to the
    variance of each sample's noise (M, n), whose share of the noise's variance is `trouble` (n,).

    Minus infinity where the covariance is not positive to the precision of floats.
    """
    n, step = len(residual), max(1, AT_ONCE // len(residual) ** 2)
    values, added = np.empty(len(weights)), np.zeros((len(weights), n))
    for first in range(0, len(weights), step):
        own = slice(first, first + step)
        with np.errstate(all="ignore"):
            values[own], added[own] = some(weights[own], np.array(parts), residual, trouble)
    return np.where(np.isfinite(values), values, -np.inf), added


def some(weights: np.ndarray, parts: np.ndarray, residual: np.ndarray,
         trouble: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """As `evidences`, of as many sets of weights as memory holds; what is no number stands where floats fail."""
    n, every = len(residual), np.arange(len(weights))
    total = np.einsum("mp,pij->mij", np.exp(weights[:, :-1]), parts, optimize=True)
    total[:, np.arange(n), np.arange(n)] += np.exp(weights[:, -1:]) * trouble
    lower, good = triangles(total)
    inverse = np.linalg.inv(lower)
    inverse = inverse.transpose(0, 2, 1) @ inverse
    value = -np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
    fitted = inverse @ residual
    value += -0.5 * fitted @ residual - 0.5 * n * np.log(2 * np.pi)
    value[~good] = -np.inf
    added, odds = np.zeros((len(weights), n)), np.log(RARE / (1 - RARE))
    for _ in range(n // MOST_DISTURBED):
        grown = 1 + DISTURBED * np.diagonal(inverse, axis1=1, axis2=2)
        gain = odds + 0.5 * DISTURBED * fitted**2 / grown - 0.5 * np.log(grown)
        gain[added > 0] = -np.inf
        place = gain.argmax(axis=1)
        more = np.flatnonzero(good & (gain[every, place] > 0))
        if not len(more):
            break
        place = place[more]
        column = inverse[more, :, place]
        share = (DISTURBED / grown[more, place])[:, None]
        value[more] += gain[more, place]
        inverse[more] -= (share * column)[:, :, None] * column[:, None, :]
        fitted[more] -= share * fitted[more, place][:, None] * column
        added[more, place] = DISTURBED
    return value, added


def triangles(total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower triangles of covariances (M, n, n), and which of them there are (M,): an identity stands for others."""
    try:
        return np.linalg.cholesky(total), np.ones(len(total), bool)
    except np.linalg.LinAlgError:
        found, good = np.tile(np.eye(total.shape[1]), (len(total), 1, 1)), np.zeros(len(total), bool)
        for place, one in enumerate(total):
            try:
                found[place], good[place] = np.linalg.cholesky(one), True
            except np.linalg.LinAlgError:
                continue
        return found, good
