"""Whether one variant is better than another, over paired seeds, and how well two rankings agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from circuits.errors import InputError

RESAMPLES = 10_000
STATISTICS = {"mean": np.mean, "median": np.median}


@dataclass(frozen=True)
class Interval:
    """An estimate and where it may lie.

    Attributes:
        estimate: of all values. low, high: ends of the interval. level: its confidence. count: of values.
    """

    estimate: float
    low: float
    high: float
    level: float
    count: int


@dataclass(frozen=True)
class NonInferiority:
    """Whether a variant is worse by less than a margin.

    Attributes:
        estimate: mean difference, variant less reference. low: its one-sided lower bound. margin: that was allowed.
        p: of the test that it is worse by the margin or more. holds: `low` is above `-margin`.
    """

    estimate: float
    low: float
    margin: float
    p: float
    holds: bool


def bootstrap(
    differences: ArrayLike,
    statistic: str = "mean",
    *,
    level: float = 0.95,
    method: str = "bca",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return a bootstrap interval of the mean or median of paired differences, one a seed.

    Args:
        differences: variant less reference.
        statistic: `mean` or `median`.
        method: `bca` (bias-corrected and accelerated) or `percentile`: B. Efron, R. J. Tibshirani, An Introduction to
            the Bootstrap, 1993, chapters 13 and 14. Where all resamples agree, as of equal differences, the interval
            is that one value; where BCa has no acceleration it is `percentile`.
        level: confidence of the interval.
        resamples: how many.
        seed: of their draw.
    """
    values = _values(differences, 2)
    function = STATISTICS[statistic]
    draw = np.random.default_rng(seed)
    drawn = function(values[draw.integers(len(values), size=(resamples, len(values)))], axis=1)
    estimate = float(function(values))
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    if method == "bca":
        left_out = function(np.array([np.delete(values, place) for place in range(len(values))]), axis=1)
        tails = _bca(drawn, estimate, left_out, tails)
    elif method != "percentile":
        raise ValueError(f"method {method!r}: bca or percentile")
    low, high = np.quantile(drawn, tails)
    return Interval(estimate, float(low), float(high), level, len(values))


def _bca(drawn: np.ndarray, estimate: float, left_out: np.ndarray, tails: np.ndarray) -> np.ndarray:
    """Return which quantiles of the resamples the interval ends at (Efron and Tibshirani, equation 14.10)."""
    below = (np.mean(drawn < estimate) + np.mean(drawn <= estimate)) / 2
    away = left_out.mean() - left_out
    spread = np.sum(away**2)
    if not 0 < below < 1 or spread <= 1e-24 * max(1.0, abs(estimate)) ** 2:
        return tails
    bias, skew = stats.norm.ppf(below), np.sum(away**3) / (6 * spread**1.5)
    at = bias + stats.norm.ppf(tails)
    return stats.norm.cdf(bias + at / (1 - skew * at))


def noninferior(differences: ArrayLike, margin: float, *, level: float = 0.95) -> NonInferiority:
    """Return whether the mean difference is above `-margin`, by Student's one-sided test over the pairs."""
    if not margin > 0:
        raise InputError(f"margin {margin}: give a number above 0")
    values = _values(differences, 2)
    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    if error <= 1e-15 * max(1.0, abs(mean)):
        return NonInferiority(mean, mean, margin, float(mean <= -margin), mean > -margin)
    low = mean - float(stats.t.ppf(level, len(values) - 1)) * error
    p = float(stats.t.sf((mean + margin) / error, len(values) - 1))
    return NonInferiority(mean, low, margin, p, low > -margin)


def spearman(x: ArrayLike, y: ArrayLike, *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Return Spearman's rank correlation with a percentile bootstrap over the pairs; ties share their mean rank.

    Resamples in which one side does not vary say nothing and are left out. It is NaN where a side never varies.
    """
    first, second = _values(x, 3), _values(y, 3)
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} values")
    estimate = float(_correlation(first[None], second[None])[0])
    draw = np.random.default_rng(seed)
    places = draw.integers(len(first), size=(resamples, len(first)))
    drawn = _correlation(first[places], second[places])
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]) if len(drawn) else (np.nan, np.nan)
    return Interval(estimate, float(low), float(high), level, len(first))


def _correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return Spearman's correlation of each row."""
    x, y = (stats.rankdata(values, axis=1) for values in (x, y))
    x, y = (ranks - ranks.mean(1, keepdims=True) for ranks in (x, y))
    scale = np.sqrt((x**2).sum(1) * (y**2).sum(1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(scale > 0, (x * y).sum(1) / scale, np.nan)


def at_ceiling(values: Sequence[ArrayLike] | np.ndarray) -> float:
    """Return how well a method's results agree between seeds: the mean Spearman correlation of each two.

    No proxy can be expected to agree with them better than they do with each other. NaN where a seed's values are all
    the same.

    Args:
        values: a row a seed, such as each layer's width.
    """
    rows = [_values(row, 3) for row in values]
    if len(rows) < 2:
        raise InputError("a ceiling needs at least two seeds")
    return float(np.mean([_correlation(a[None], b[None])[0] for a, b in combinations(rows, 2)]))


def against_ceiling(
    proxy: Sequence[ArrayLike] | np.ndarray,
    direct: Sequence[ArrayLike] | np.ndarray,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Return how well a proxy's results agree with direct ones, as a share of `at_ceiling(direct)`.

    Numerator and ceiling are means over pairs of different seeds. The interval is a percentile bootstrap over seeds,
    which stay paired; pairs of a seed with itself are left out. Near 1 the proxy is as good as another direct run.

    Args:
        proxy: a row a seed, such as each layer's width as a cheap search found it.
        direct: a row a seed, in the same order of seeds.
        level: confidence of the interval.
        resamples: how many.
        seed: of their draw.
    """
    rows = [[_values(row, 3) for row in side] for side in (proxy, direct)]
    count = len(rows[1])
    if count < 2 or len(rows[0]) != count:
        raise InputError(f"{len(rows[0])} and {count} seeds: a share of the ceiling needs as many, at least two")
    between, ceiling = (np.array([[_correlation(a[None], b[None])[0] for b in rows[1]] for a in side]) for side in rows)
    draw = np.random.default_rng(seed)
    shares = np.empty(resamples)
    for at in range(resamples):
        chosen = draw.integers(count, size=count)
        apart = chosen[:, None] != chosen
        grid = np.ix_(chosen, chosen)
        shares[at] = between[grid][apart].mean() / ceiling[grid][apart].mean() if apart.any() else np.nan
    shares = shares[np.isfinite(shares)]
    apart = ~np.eye(count, dtype=bool)
    low, high = np.quantile(shares, [(1 - level) / 2, (1 + level) / 2]) if len(shares) else (np.nan, np.nan)
    return Interval(float(between[apart].mean() / ceiling[apart].mean()), float(low), float(high), level, count)


def sign_test(differences: ArrayLike) -> float:
    """Return the two-sided p of as many differences of one sign; zeros are left out, and alone give 1."""
    values = _values(differences, 1)
    positive, negative = int((values > 0).sum()), int((values < 0).sum())
    if not positive + negative:
        return 1.0
    return float(stats.binomtest(positive, positive + negative).pvalue)


def wilcoxon(differences: ArrayLike) -> float:
    """Return the two-sided p of Wilcoxon's signed-rank test; zeros are left out, and alone give 1."""
    values = _values(differences, 1)
    if not values.any():
        return 1.0
    found: Any = stats.wilcoxon(values[values != 0])
    return float(found.pvalue)


def _values(given: ArrayLike, least: int) -> np.ndarray:
    values = np.asarray(given, np.float64)
    if values.ndim != 1 or len(values) < least:
        raise InputError(f"{values.size} values: give a list of at least {least}")
    if not np.isfinite(values).all():
        raise InputError("values that are not finite: leave runs that diverged out, and say how many")
    return values
