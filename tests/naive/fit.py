"""A Gaussian process the slow way: one covariance after the other, from the equations, and matrices inverted."""

import math
from typing import Any

import numpy as np


def covariance(shapes: Any, features: Any, weights: Any, i: int, j: int) -> float:
    """Return how the residuals of networks `i` and `j` covary, without their noise; weights are logarithms."""
    linear = shapes.link == "linear"
    m, n = float(shapes.base[i]), float(shapes.base[j])
    unit = 1 / (m * n) if linear else 1.0

    def product(values: Any) -> float:
        total = 0.0
        for x, y in zip(values[i], values[j], strict=True):
            total += float(x) * float(y)
        return total

    def near(values: Any) -> float:
        return math.exp(-sum((float(x) - float(y)) ** 2 for x, y in zip(values[i], values[j], strict=True)) / 2)

    terms = [1.0, unit if linear else m * n, product(shapes.departures.T) * unit]
    terms += [product(values) * unit for values in features.additive.values()]
    if shapes.alike is not None:
        choices, together = features.additive["choices"], 0.0
        for p, row in enumerate(shapes.alike):
            for q, other in enumerate(shapes.alike):
                together += float(choices[i][p]) * float(row @ other) * float(choices[j][q])
        terms.append(together * unit)
    terms += [product(values) for values in features.relative.values()]
    terms += [product(values) ** 2 * unit for values in features.pairs.values()]
    terms += [near(values) for values in features.smooth.values()]
    return math.fsum(math.exp(weight) * term for weight, term in zip(weights[:-1], terms, strict=True))


def matrix(shapes: Any, features: Any, weights: Any, left: Any, right: Any) -> np.ndarray:
    return np.array([[covariance(shapes, features, weights, i, j) for j in right] for i in left])


def posterior(
    shapes: Any, features: Any, weights: Any, rows: Any, residual: np.ndarray, asked: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of the residuals of one more run of each network in `asked`."""
    noise = math.exp(weights[-1])
    inverse = np.linalg.inv(matrix(shapes, features, weights, rows, rows) + noise * np.eye(len(rows)))
    between = matrix(shapes, features, weights, asked, rows)
    alone = np.array([covariance(shapes, features, weights, i, i) for i in asked])
    return between @ inverse @ residual, alone - np.einsum("ij,jk,ik->i", between, inverse, between) + noise
