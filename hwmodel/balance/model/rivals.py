"""Curves without a model of what happens: a line, and the Universal Scalability Law. They stand beside ours."""

from collections.abc import Sequence

import numpy as np


def line(actors: Sequence[float], rates: Sequence[float], asked: Sequence[float]) -> np.ndarray:
    """Return rates of a straight line through measured ones, by least squares."""
    slope, at_0 = (
        np.polyfit(np.asarray(actors, float), np.asarray(rates, float), 1) if len(actors) > 1 else (rates[0], 0)
    )
    return slope * np.asarray(asked, float) + at_0


def usl(actors: Sequence[float], rates: Sequence[float], asked: Sequence[float]) -> np.ndarray:
    """Return rates of N * first / (1 + contention * (N - 1) + coherency * N * (N - 1)), fitted by least squares.

    [N. Gunther, Guerrilla Capacity Planning, 2007]
    """
    from scipy.optimize import least_squares

    n, x = np.asarray(actors, float), np.asarray(rates, float)

    def at(values: np.ndarray, of: np.ndarray) -> np.ndarray:
        first, contention, coherency = values
        return of * first / (1 + contention * (of - 1) + coherency * of * (of - 1))

    found = least_squares(
        lambda values: np.log(at(values, n) / x),
        [x[0] / n[0], 0.1, 0.001],
        bounds=([1e-9, 0, 0], np.inf),
        x_scale="jac",
    )
    return at(found.x, np.asarray(asked, float))
