"""A Gaussian process over lists of choices: what it predicts of a design from those that are known, and how surely."""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize

LEAST_NOISE = 1e-6  # of the variance: values are computed, not measured, but distant choices may be alike
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
        self._apart, self._codes, self._lengths = apart, codes, lengths
        self._centre = values.mean()
        covariance = self._between(codes, codes)
        covariance[np.diag_indices_from(covariance)] += np.exp(lengths[-1])
        self._factor = cho_factor(covariance, lower=True)
        self._weights = cho_solve(self._factor, values - self._centre)
        self._scale = float(np.sqrt(max((values - self._centre) @ self._weights / len(values), 1e-30)))

    def predict(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return means and standard deviations, shape (designs,)."""
        covariance = self._between(codes, self._codes)
        explained = solve_triangular(self._factor[0], covariance.T, lower=True)
        prior = 1.0 + np.exp(self._lengths[-2])
        left = np.maximum(prior - np.einsum("ij,ij->j", explained, explained), 0.0)
        return self._centre + covariance @ self._weights, self._scale * np.sqrt(left)

    def _between(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        steps = [table[one[:, place]][:, other[:, place]] for place, table in enumerate(self._apart)]
        return _covariance(steps, self._lengths)

    @staticmethod
    def learn(apart: Sequence[np.ndarray], codes: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return the most likely logarithms: a length a factor, the variance added, the noise."""
        steps = [table[codes[:, place]][:, codes[:, place]] for place, table in enumerate(apart)]
        centred = values - values.mean()
        if not centred.any():
            centred = centred + 1e-12

        def unlikely(lengths: np.ndarray) -> tuple[float, np.ndarray]:
            alone = [np.exp(-step / np.exp(length)) for step, length in zip(steps, lengths[:-2], strict=True)]
            together = np.exp(-sum(step / np.exp(length) for step, length in zip(steps, lengths[:-2], strict=True)))
            added, noise, size = np.exp(lengths[-2]), np.exp(lengths[-1]), len(values)
            own = sum(alone) / len(alone)
            covariance = together + added * own + noise * np.eye(size)
            factor = cho_factor(covariance, lower=True)
            weights = cho_solve(factor, centred)
            variance = max(float(centred @ weights) / size, 1e-30)
            value = size * np.log(variance) / 2 + np.log(np.diag(factor[0])).sum()
            # d value / d k = trace((K^-1 - w w^T / variance) dK) / 2
            slope = (cho_solve(factor, np.eye(size)) - np.outer(weights, weights) / variance) / 2
            found = [
                (slope * (together + added * one / len(alone)) * step).sum() / np.exp(length)
                for one, step, length in zip(alone, steps, lengths[:-2], strict=True)
            ]
            found += [added * (slope * own).sum(), noise * np.trace(slope)]
            return float(value), np.array(found)

        bounds = [BOUNDS] * len(apart) + [ADDED, NOISE]
        start = np.array([0.5] * len(apart) + [0.0, np.log(1e-4)])
        return minimize(unlikely, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 60}).x


def _covariance(steps: Sequence[np.ndarray], lengths: np.ndarray) -> np.ndarray:
    total, own = np.zeros_like(steps[0]), np.zeros_like(steps[0])
    for step, length in zip(steps, lengths[:-2], strict=True):
        scaled = step / np.exp(length)
        total += scaled
        own += np.exp(-scaled)
    return np.exp(-total) + np.exp(lengths[-2]) * own / len(steps)
