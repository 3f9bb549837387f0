"""Which networks are hard to predict on any device, as sources show it.

Of a network little may be known: its MACs and bytes, not its layers. What these leave out (grouped convolutions, layers
too small to fill a processor) is then noise, and more of it in some networks than in others. Each source is predicted
from those of other families, and the squares of what remains, in predicted variances, say by how much.
"""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from hwmodel.latency.fit.features import Features
from hwmodel.latency.fit.kernel import Shapes, components, covariance
from hwmodel.latency.fit.prior import ROWS, Prior

WORST = 25.0  # the most that one source's square counts
FAMILIES = 1.0  # families' worth of belief that every network is like any other


def squares(sources: np.ndarray, described: np.ndarray, families: Sequence[str], features: Features, prior: Prior,
            seed: int = 0) -> np.ndarray:  # fmt: skip
    """Squares of each source's departures from what the other families' say (S, N), in predicted variances."""
    names = np.array(families)
    found = np.ones_like(sources)
    rng = np.random.default_rng(seed)
    for device, times in enumerate(sources):
        shapes = Shapes.of(described[names != names[device]], prior.link)
        terms, weights = components(shapes, features), prior.weights[device]
        rows, every = rng.choice(len(times), min(ROWS, len(times)), replace=False), np.arange(len(times))
        residual, scale, _ = shapes.residual(times[rows], rows)
        total = covariance([term.between(rows, rows) for term in terms], weights)
        total[np.diag_indices(len(rows))] += np.exp(weights[-1])
        lower = cholesky(total, lower=True)
        between = covariance([term.between(every, rows) for term in terms], weights)
        known = solve_triangular(lower, between.T, lower=True)
        mean = between @ cho_solve((lower, True), residual)
        variance = covariance([term.alone(every) for term in terms], weights) - (known**2).sum(axis=0)
        log, variance = shapes.logarithm(mean, np.maximum(variance, 0) + np.exp(weights[-1]), scale, every)
        found[device] = (np.log(times) - log) ** 2 / variance
        inverse = cho_solve((lower, True), np.eye(len(rows)))  # each of the rows is predicted from the others
        found[device, rows] = (inverse @ residual) ** 2 / np.diag(inverse)
    return np.minimum(found, WORST)


def trouble(found: np.ndarray, families: Sequence[str]) -> np.ndarray:
    """By how much each network's noise differs in variance (N,), from sources' `squares` (S, N): a family is a vote."""
    names = np.array(families)
    votes = np.array([found[names == name].mean(axis=0) for name in sorted(set(families))])
    return (FAMILIES + votes.sum(axis=0)) / (FAMILIES + len(votes))
