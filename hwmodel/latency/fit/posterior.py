"""A device's times from a few samples: a mixture over what kind of device it may be.

A member of the mixture is one set of weights: a source device's own, moved by a grid of noise, sources and features, or
that of no source at all. Each explains the samples more or less well, and its evidence is its share. Where samples
contradict the sources, the members without sources take over by the same rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from hwmodel.latency.fit.kernel import Component, Shapes, covariance

JOINT = 16  # members, the likeliest, of which covariances between networks are made
_NOBODY = np.zeros(0, int)  # places of no sources


@dataclass(frozen=True)
class Member:
    """One set of weights and what it makes of the samples (n,).

    `trouble` (N,) is each network's share of the noise's variance, `added` (n,) what disturbed samples have beside it.
    """

    shapes: Shapes
    terms: Sequence[Component]
    weights: np.ndarray
    scale: float
    lower: np.ndarray
    fitted: np.ndarray
    share: float
    trouble: np.ndarray
    added: np.ndarray
    places: np.ndarray = field(default_factory=lambda: _NOBODY)  # of the sources that it knows

    def mean(self, between: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Of the components' covariances of n networks with the samples: the mean (n,), and what samples take from the
        variance, whose product with itself is that (samples, n).
        """
        total = covariance(between, self.weights)
        return total @ self.fitted, solve_triangular(self.lower, total.T, lower=True, check_finite=False)

    @property
    def noise(self) -> float:
        return float(np.exp(self.weights[-1]))


@dataclass(frozen=True)
class Posterior:
    """What samples at `rows` say of every network of the table."""

    members: Sequence[Member]
    rows: np.ndarray

    def kinds(self) -> list[list[Member]]:
        """Members by the components that they share, which are then computed once."""
        found: dict[int, list[Member]] = {}
        for member in self.members:
            found.setdefault(id(member.terms), []).append(member)
        return list(found.values())

    def logarithm(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance of the logarithm of the time of one more run at `rows` (n,)."""
        mean, square = np.zeros(len(rows)), np.zeros(len(rows))
        for kind in self.kinds():
            between = [term.between(rows, self.rows) for term in kind[0].terms]
            alone = [term.alone(rows) for term in kind[0].terms]
            for member in kind:
                residual, known = member.mean(between)
                unknown = np.maximum(covariance(alone, member.weights) - (known**2).sum(axis=0), 0)
                own, variance = member.shapes.logarithm(
                    residual, unknown + member.noise * member.trouble[rows], member.scale, rows
                )
                mean += member.share * own
                square += member.share * (variance + own**2)
        return mean, np.maximum(square - mean**2, 1e-12)

    def joint(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Mean (n,) and covariance (n, n) of the logarithm of what runs have in common, and their noise's variance."""
        members = sorted(self.members, key=lambda member: -member.share)[:JOINT]
        total = sum(member.share for member in members)
        chosen = Posterior([replace(member, share=member.share / total) for member in members], self.rows)
        means, among, noise = [], np.zeros((len(rows), len(rows))), 0.0
        for kind in chosen.kinds():
            between = [term.between(rows, self.rows) for term in kind[0].terms]
            parts = [term.between(rows, rows) for term in kind[0].terms]
            for member in kind:
                residual, known = member.mean(between)
                own, unit = member.shapes.logarithm(residual, np.ones(len(rows)), member.scale, rows)
                root = np.sqrt(unit)
                among += member.share * (covariance(parts, member.weights) - known.T @ known) * np.outer(root, root)
                noise += member.share * member.noise * float(unit.mean())
                means.append((member.share, own))
        mean = np.einsum("k,kn->n", [share for share, _ in means], np.array([own for _, own in means]))
        for share, own in means:
            among += share * np.outer(own - mean, own - mean)
        return mean, among, noise

    @property
    def without_sources(self) -> float:
        """Share of the members that know no other device."""
        return float(sum(member.share for member in self.members if not len(member.shapes.departures)))


def factored(weights: np.ndarray, parts: Sequence[np.ndarray], residual: np.ndarray,
             noise: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The lower triangle (n, n) of samples' covariance with the variance of their `noise`, and the residual solved."""
    total = covariance(parts, weights)
    total[np.diag_indices(len(residual))] += noise
    lower = cholesky(total, lower=True, check_finite=False)
    return lower, cho_solve((lower, True), residual, check_finite=False)


def member(share: float, shapes: Shapes, terms: Sequence[Component], weights: np.ndarray, scale: float,
           parts: Sequence[np.ndarray], residual: np.ndarray, rows: np.ndarray, trouble: np.ndarray | None = None,
           added: np.ndarray | None = None, places: np.ndarray = _NOBODY) -> Member:  # fmt: skip
    """From samples' `residual` (n,) at `rows`, none disturbed and no network noisier than another unless said."""
    trouble = np.ones(len(shapes.base)) if trouble is None else trouble
    added = np.zeros(len(rows)) if added is None else added
    lower, fitted = factored(weights, parts, residual, np.exp(weights[-1]) * trouble[rows] + added)
    return Member(shapes, terms, weights, scale, lower, fitted, share, trouble, added, places)
