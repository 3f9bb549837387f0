"""Rare failures: the first-order reliability method, and order statistics of many cells."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

SLOPE = 1e-3  # of a standard deviation, for gradients
MOST_STEPS = 30


def failure(margin: Callable[[Any], Any], places: Any) -> Any:
    """Return the probability that a margin falls below zero over standard normal sources, for each starting place.

    The distance from the origin to the nearest failure, found by the iteration of Hasofer, Lind, Rackwitz and Fiessler,
    is taken as that of a plane. R. Rackwitz, B. Fiessler, Computers & Structures 9(5), 489 (1978).

    Args:
        margin: sources, an array (places, sources) -> margins (places,).
        places: the starting places (places, sources), usually the origin; it is from the origin that one measures.
    """
    u = np.array(places, dtype=float)
    count, sources = u.shape
    sign = np.sign(margin(np.zeros_like(u)))
    best, slope, values = np.zeros(count), np.zeros_like(u), np.zeros((1, count))
    for _ in range(MOST_STEPS):
        around = np.concatenate([u[None], u[None] + SLOPE * np.eye(sources)[:, None, :]])
        values = margin(around.reshape(-1, sources)).reshape(sources + 1, count)
        slope = (values[1:] - values[0]).T / SLOPE
        steep = np.maximum(np.einsum("ij,ij->i", slope, slope), 1e-300)
        target = (np.einsum("ij,ij->i", slope, u) - values[0])[:, None] * slope / steep[:, None]
        size = np.linalg.norm(target, axis=1, keepdims=True)
        target *= np.minimum(1.0, 12.0 / np.maximum(size, 1e-300))  # beyond twelve sigma nothing is told apart
        move = target - u
        u = u + np.where(np.linalg.norm(move, axis=1, keepdims=True) > 3, 0.5, 1.0) * move
        beta = np.linalg.norm(u, axis=1)
        if np.all(np.abs(beta - best) < 1e-4):
            break
        best = beta
    flat = np.max(np.abs(slope), axis=1) < 1e-12 * np.abs(values[0])  # nothing varies: it passes, or never does
    return np.where(flat, (sign < 0).astype(float), special.ndtr(-sign * np.linalg.norm(u, axis=1)))


def any_of(probabilities: Any, count: Any = 1) -> Any:
    """Return the probability that at least one of `count` independent things happens, exact for small ones too."""
    return -np.expm1(count * np.log1p(-np.minimum(np.asarray(probabilities, dtype=float), 1 - 1e-16)))


def word_failure(bit: Any, bits: int, corrected: int) -> Any:
    """Return the probability that a word of `bits` has more than `corrected` failing bits."""
    return special.betainc(corrected + 1, bits - corrected, np.clip(bit, 0.0, 1.0))


def worst_of(values: Any, count: int, part: float = 0.5) -> float:
    """Return the quantile `part` of the largest of `count` draws from the distribution that `values` sample.

    The q quantile of the largest is the q^(1/count) quantile of one: beyond the sample it is carried on along the
    normal scores of its upper tail.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    size = ordered.size
    above = -math.expm1(math.log(part) / count)  # probability above, without losing what is near one
    if ordered[0] == ordered[-1]:
        return float(ordered[0])
    if above * size >= 10:
        return float(np.quantile(ordered, 1 - above, method="inverted_cdf"))
    ends = np.array([0.02, 10 / size if size > 1000 else 0.005])
    score = -special.ndtri(ends)
    heights = np.quantile(ordered, 1 - ends)
    return float(heights[1] + (heights[1] - heights[0]) / (score[1] - score[0]) * (-special.ndtri(above) - score[1]))


def check_bits(bits: int) -> int:
    """Return the check bits of a code that corrects one error and detects two (Hamming, with overall parity)."""
    check = 1
    while 2**check < bits + check + 1:
        check += 1
    return check + 1
