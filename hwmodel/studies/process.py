"""A Gaussian process over lists of choices: what it predicts of a design from those that are known, and how surely."""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize

LEAST_NOISE = 1e-6  # of the variance: values are computed, not measured, but distant choices may be alike
LEAST_VARIANCE = 1e-30  # of values that are all alike
BOUNDS = (np.log(0.05), np.log(100.0))  # of a length: from no likeness of neighbours to no influence
ADDED = (np.log(1e-3), np.log(1e3))  # of the variance of the sum of factors' own effects, over that of their product
NOISE = (np.log(LEAST_NOISE), np.log(1e-1))


class Process:
    """Values of designs, taken as one draw of a process whose covariance falls with the distance of choices.

    Covariance: exp(-sum_f d_f / l_f) + a mean_f exp(-d_f / l_f), d_f the distance of the choices of factor f: what
    factors do together, and what each does alone. C. E. Rasmussen, C. K. I. Williams, Gaussian processes for machine
    learning, MIT Press 2006.

    Args:
        apart: distances of choices, a matrix a factor.
        codes: choices of the designs, shape (designs, factors).
        values: shape (designs,).
        lengths: what `learn` returned.
    """

    def __init__(self, apart: Sequence[np.ndarray], codes: np.ndarray, values: np.ndarray, lengths: np.ndarray) -> None:
        self._codes, self._added = codes, np.exp(lengths[-2])
        self._alike = [np.exp(-table / np.exp(length)) for table, length in zip(apart, lengths[:-2], strict=True)]
        self._centre = values.mean()
        covariance = self._between(codes, codes)
        covariance[np.diag_indices_from(covariance)] += np.exp(lengths[-1])
        self._factor = cho_factor(covariance, lower=True)
        self._weights = cho_solve(self._factor, values - self._centre)
        self._scale = float(np.sqrt(max((values - self._centre) @ self._weights / len(values), LEAST_VARIANCE)))

    def predict(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return means and standard deviations, shape (designs,)."""
        covariance = self._between(codes, self._codes)
        explained = solve_triangular(self._factor[0], covariance.T, lower=True)
        left = np.maximum(1.0 + self._added - np.einsum("ij,ij->j", explained, explained), 0.0)
        return self._centre + covariance @ self._weights, self._scale * np.sqrt(left)

    def _between(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        together, own = np.ones((len(one), len(other))), np.zeros((len(one), len(other)))
        for place, alike in enumerate(self._alike):
            part = alike[one[:, place]][:, other[:, place]]
            together *= part
            own += part
        return together + self._added * own / len(self._alike)

    @staticmethod
    def learn(apart: Sequence[np.ndarray], codes: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return the most likely logarithms: a length a factor, the variance added, the noise."""
        steps = [table[codes[:, place]][:, codes[:, place]] for place, table in enumerate(apart)]
        centred = values - values.mean()
        if not centred.any():
            centred = centred + 1e-12
        bounds = [BOUNDS] * len(apart) + [ADDED, NOISE]
        start = np.array([0.5] * len(apart) + [0.0, np.log(1e-4)])
        found = minimize(
            unlikelihood, start, (steps, centred), "L-BFGS-B", True, bounds=bounds, options={"maxiter": 60}
        )
        return found.x


def unlikelihood(lengths: np.ndarray, steps: Sequence[np.ndarray], values: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the negative logarithm of the likelihood, but for a constant, and its slope by each of `lengths`.

    The scale of the values is the most likely one.

    Args:
        lengths: logarithms, see `Process.learn`.
        steps: distances of the designs, a matrix a factor.
        values: shape (designs,), with a mean of 0.
    """
    scaled = [step / np.exp(length) for step, length in zip(steps, lengths[:-2], strict=True)]
    alone, together = [np.exp(-one) for one in scaled], np.exp(-sum(scaled, start=np.zeros_like(steps[0])))
    added, noise, size = np.exp(lengths[-2]), np.exp(lengths[-1]), len(values)
    own = np.mean(alone, axis=0)
    factor = cho_factor(together + added * own + noise * np.eye(size), lower=True)
    weights = cho_solve(factor, values)
    variance = max(float(values @ weights) / size, LEAST_VARIANCE)
    value = size * np.log(variance) / 2 + np.log(np.diag(factor[0])).sum()
    # By the covariance K: (K^-1 - w w^T / variance) / 2.
    slope = (cho_solve(factor, np.eye(size)) - np.outer(weights, weights) / variance) / 2
    by_length = [(slope * (together + added * one / len(alone)) * step).sum() for one, step in
                 zip(alone, scaled, strict=True)]  # fmt: skip
    return float(value), np.array([*by_length, added * (slope * own).sum(), noise * np.trace(slope)])
