"""What source devices teach about devices: how much each component of the covariance weighs, and which link holds.

Each source device in turn plays the new one, with its whole family left out of what the others say (the variants of one
phone resemble each other more than a new phone will), and the weights are those of greatest evidence: empirical Bayes.
The weights of all of them together are the prior of a device nobody has seen.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cho_solve, cholesky
from scipy.optimize import minimize

from hwmodel.latency.fit.features import Features
from hwmodel.latency.fit.kernel import BASE, Component, Link, Shapes, components, covariance

LINKS: tuple[Link, ...] = ("linear", "log")
ROWS = 300  # networks of each source from which its weights are learned
LOWEST, HIGHEST = -14.0, 3.0  # of a logarithm of a weight
# What weights are before any device is seen, and how firmly: slope and offset tens of percent, features percents.
START = {"constant": -1.0, "shape": -2.0, "sources": -0.5}
START_FEATURE, START_SMOOTH, START_NOISE = -4.0, -6.0, -5.0
FIRMNESS = 0.02


@dataclass(frozen=True)
class Prior:
    """Logarithms of weights, a row a source device (K, P + 1), their names, the link, its evidence per network, and
    whether it looks at how choices vary together.
    """

    link: Link
    names: tuple[str, ...]
    weights: np.ndarray
    evidence: float
    alike: bool = False


def start(terms: Sequence[Component]) -> np.ndarray:
    """Logarithms of the weights before any device is seen (P + 1,)."""
    values = [START.get(term.name, START_SMOOTH if term.smooth or term.power > 1 else START_FEATURE) for term in terms]
    return np.array([*values, START_NOISE])


def evidence(weights: np.ndarray, parts: Sequence[np.ndarray], residual: np.ndarray, trouble: np.ndarray | float = 1.0,
             added: np.ndarray | float = 0.0) -> tuple[float, np.ndarray]:  # fmt: skip
    """Logarithm of the evidence of `residual` (n,), and its slope by each logarithm of a weight. A sample's variance is
    that of the noise times its network's `trouble`, and what is `added` to it.

    Raises:
        numpy.linalg.LinAlgError: where the covariance is not positive to the precision of floats.
    """
    n = len(residual)
    total = covariance(parts, weights)
    noise = np.exp(weights[-1])
    total[np.diag_indices(n)] += noise * trouble + added
    lower = np.asarray(cholesky(total, lower=True, check_finite=False))
    inverse = cho_solve((lower, True), np.eye(n), check_finite=False)
    fitted = inverse @ residual
    value = float(-0.5 * residual @ fitted - np.log(np.diag(lower)).sum() - 0.5 * n * np.log(2 * np.pi))
    pull = np.outer(fitted, fitted) - inverse
    slopes = [0.5 * np.exp(w) * np.vdot(pull, part) for w, part in zip(weights[:-1], parts, strict=True)]
    return value, np.array([*slopes, 0.5 * noise * (trouble * np.diag(pull)).sum()])


def most_evident(parts: Sequence[np.ndarray], residual: np.ndarray, centre: np.ndarray, firmness: float,
                 trouble: np.ndarray | float = 1.0,
                 added: np.ndarray | float = 0.0) -> tuple[np.ndarray, float]:  # fmt: skip
    """Weights of greatest evidence, drawn to `centre` by `firmness`, and their evidence (minus infinity where floats
    cannot tell it).
    """

    def objective(weights: np.ndarray) -> tuple[float, np.ndarray]:
        try:
            value, slope = evidence(weights, parts, residual, trouble, added)
        except np.linalg.LinAlgError:
            return 1e10, np.zeros_like(weights)
        away = weights - centre
        return float(firmness * away @ away) - value, 2 * firmness * away - slope

    limits = [(LOWEST, HIGHEST)] * len(centre)
    found: Any = minimize(objective, np.clip(centre, LOWEST, HIGHEST), jac=True,
                     method="L-BFGS-B", bounds=limits, options={"maxiter": 80})  # fmt: skip
    try:
        return found.x, evidence(found.x, parts, residual, trouble, added)[0]
    except np.linalg.LinAlgError:
        return found.x, -math.inf


def learn(
    sources: np.ndarray,
    described: np.ndarray,
    families: Sequence[str],
    features: Features,
    link: Link,
    seed: int = 0,
    report: Callable[[], None] = lambda: None,
    choices: np.ndarray | None = None,
) -> Prior:
    """From source devices' times (S, N) and what describes them without their noise (S, N), of named `families`; with
    their `choices` (S, L, C), by how those vary together.

    With one family there is nothing to learn from leaving it out: its devices are then left out one by one.
    """
    names = np.array(families)
    if len(set(families)) == 1:
        names = np.arange(len(families)).astype(str)
    rng = np.random.default_rng(seed)
    weights, total = [], 0.0
    terms: list[Component] = []
    for device, family in enumerate(names):
        others = described[names != family]
        shapes = Shapes.of(others, link, None if choices is None else choices[names != family])
        terms = components(shapes, features)
        rows = rng.choice(sources.shape[1], min(ROWS, sources.shape[1]), replace=False)
        residual, _, jacobian = shapes.residual(sources[device, rows], rows)
        found, value = most_evident([term.between(rows, rows) for term in terms], residual, start(terms), FIRMNESS)
        weights.append(found)
        total += (value + jacobian) / len(rows)
        report()
    return Prior(
        link, (*(term.name for term in terms), "noise"), np.array(weights), total / len(names), choices is not None
    )


def unlearned(described: np.ndarray, features: Features, link: Link) -> Prior:
    """What is believed of a new device before any device taught how devices differ."""
    terms = components(Shapes.of(described, link), features)
    return Prior(link, (*(term.name for term in terms), "noise"), start(terms)[None], math.nan)


def without_sources(rows: int, features: Features, link: Link) -> tuple[Shapes, list[Component], np.ndarray]:
    """Shapes, components and first weights of the model that knows no other device: the guard against bad advice."""
    shapes = Shapes.of(np.zeros((0, rows)), link)
    terms = [term for term in components(shapes, features) if term.name not in BASE[1:]]
    return shapes, terms, start(terms)
