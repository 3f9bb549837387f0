"""Intervals that hold what they promise, from rehearsals: sources that play the new device.

A source's family is taken out of everything that was learned, a few of its networks are drawn as samples, and the
others tell how far, in standard deviations, a truth lies from what is predicted. The wanted share of those distances is
the reach of an interval. With many samples the new device's own, each left out in turn, say it better than any other
device's.
"""

from dataclasses import replace

import numpy as np
from scipy.linalg import cho_solve
from scipy.stats import norm

from hwmodel.latency.fit.posterior import MANY, Member, Posterior, condition
from hwmodel.latency.fit.prior import Prior

REHEARSALS = 4  # of each source
ROWS = 300  # networks whose truths are looked at in each
FEWEST = 200  # distances from which a quantile is taken


def rehearse(prior: Prior, sources: np.ndarray, described: np.ndarray, families: np.ndarray, features,
             samples: int, seed: int = 0) -> np.ndarray:  # fmt: skip
    """Distances of truths from predictions, in standard deviations (sources, rehearsals, rows), signed."""
    rng = np.random.default_rng(seed)
    found = []
    for device, times in enumerate(sources):
        others = families != families[device]
        known = replace(prior, weights=prior.weights[others])
        own = []
        for _ in range(REHEARSALS):
            drawn = rng.permutation(len(times))
            rows, truths = drawn[:samples], drawn[samples : samples + ROWS]
            mean, variance = condition(known, described[others], features, rows, times[rows]).logarithm(truths)
            own.append((np.log(times[truths]) - mean) / np.sqrt(variance))
        found.append(own)
    return np.array(found)


def left_out(posterior: Posterior) -> np.ndarray:
    """Distances of each sample from what the others predict (n,), signed."""
    best: Member = max(posterior.members, key=lambda entry: entry.share)
    inverse = cho_solve((best.lower, True), np.eye(len(best.fitted)), check_finite=False)
    return best.fitted / np.sqrt(np.diag(inverse))


def reach(distances: np.ndarray, level: float) -> float:
    """Standard deviations to each side that hold `level` of the distances; the normal law's where they are few."""
    normal = float(norm.ppf(0.5 + level / 2))
    if distances.size < FEWEST:
        return normal
    return float(np.quantile(np.abs(distances), level))


__all__ = ["MANY", "left_out", "reach", "rehearse"]
