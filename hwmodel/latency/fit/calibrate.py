"""Intervals that hold what they promise, from rehearsals: sources that play the new device.

A source's family is taken out of everything that was learned, the networks that were measured on the new device are its
samples, and the others tell how far, in standard deviations, a truth lies from what is predicted. The wanted share of
those distances is the reach of an interval on that device; the middle one of all devices is taken. With many samples
the new device's own, each predicted from the others, say it better than any other device's.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.linalg import cho_solve
from scipy.stats import norm

from hwmodel.latency.fit.condition import MANY, View, condition
from hwmodel.latency.fit.features import Features
from hwmodel.latency.fit.posterior import Posterior

DEVICES = 16  # sources that play the new device, drawn where there are more
ROWS = 1000  # networks whose truths are looked at
LEVELS = (0.5, 0.68, 0.8, 0.9, 0.95, 0.99)
# Reaches are kept between these shares of the normal law's: a rehearsal is evidence, not proof.
LEAST, MOST = 0.7, 1.5
Report = Callable[[float, float], None]  # is told how many steps are done, of how many


def unheard(done: float, total: float) -> None:
    """Tell nobody."""


def rehearse(views: Sequence[View], sources: np.ndarray, described: np.ndarray, families: Sequence[str],
             features: Features, measured: np.ndarray, seed: int = 0,
             report: Report = unheard, choices: np.ndarray | None = None) -> np.ndarray:  # fmt: skip
    """Distances of truths from predictions, in standard deviations, signed (sources, truths), where the networks
    `measured` (n,) are each source's samples.
    """
    rng = np.random.default_rng(seed)
    named = np.array(families) if len(set(families)) > 1 else np.arange(len(families)).astype(str)
    truths = rng.permutation(np.setdiff1d(np.arange(sources.shape[1]), measured))[:ROWS]
    played = np.arange(len(sources)) if len(sources) <= DEVICES else np.sort(rng.choice(len(sources), DEVICES, False))
    found = []
    for number, device in enumerate(played, 1):
        times = sources[device]
        others = named != named[device]
        known = [kept for view in views if (kept := view.without(others))]
        mean, variance = condition(known, described, features, measured, times[measured], choices).logarithm(truths)
        found.append((np.log(times[truths]) - mean) / np.sqrt(variance))
        report(number, len(played))
    return np.array(found)


def left_out(posterior: Posterior) -> np.ndarray:
    """Distances of each sample from what the others predict (1, n), signed."""
    best = max(posterior.members, key=lambda entry: entry.share)
    unknown = 1 / np.diag(cho_solve((best.lower, True), np.eye(len(best.fitted)), check_finite=False))
    # A disturbed sample is far off, in deviations of those that are not.
    return (best.fitted * unknown / np.sqrt(unknown - best.added))[None]


def left_out_errors(posterior: Posterior) -> np.ndarray:
    """Relative errors of each sample as predicted from the others (n,), to first order."""
    best = max(posterior.members, key=lambda entry: entry.share)
    inverse = cho_solve((best.lower, True), np.eye(len(best.fitted)), check_finite=False)
    return np.abs(best.fitted / np.diag(inverse))


def reach(distances: np.ndarray, level: float) -> float:
    """Standard deviations to each side that hold `level` of the distances (devices, n) of the middle device."""
    normal = float(norm.ppf(0.5 + level / 2))
    if not distances.size:
        return normal
    own = float(np.median(np.quantile(np.abs(distances), level, axis=1)))
    return float(np.clip(own, LEAST * normal, MOST * normal))


__all__ = ["LEVELS", "MANY", "Report", "left_out", "left_out_errors", "reach", "rehearse", "unheard"]
