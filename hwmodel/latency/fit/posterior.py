"""A device's times from a few samples: a mixture over what kind of device it may be.

A member of the mixture is one set of weights: a source device's own, moved by a grid of noise, sources and features, or
that of no source at all. Each explains the samples more or less well, and its evidence is its share. Where samples
contradict the sources, the members without sources take over by the same rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.linalg import LinAlgError, cho_solve, cholesky, solve_triangular

from circuits.errors import InputError
from hwmodel.latency.fit.features import Features
from hwmodel.latency.fit.kernel import BASE, Component, Shapes, components, covariance
from hwmodel.latency.fit.prior import FIRMNESS, LINKS, Prior, most_evident, without_sources

# Steps of the grid, in logarithms: noise, what sources say, what features say; a step costs half its square over 2.
STEPS = ((-2.0, 0.0, 2.0), (-1.5, 0.0, 1.5), (-1.5, 0.0, 1.5))
SPREAD = 2.0
QUIETEST = -12.0  # logarithm of the least variance of noise: a millionth, times 6
LIKELIEST = 12  # sources around whose weights others are tried, where there are more
MANY = 60  # samples from which weights are sought anew instead of on a grid
ENOUGH = 300  # samples by which they are sought; all then condition
JOINT = 16  # members, the likeliest, of which covariances between networks are made
SHARE = 1e-3  # members of a smaller share are left out
KINDS_SHARE = 0.1  # of belief that a new device is like one kind of source alone
NO_SOURCE_SHARE = 0.1  # of belief, before a sample is seen, that no source says anything
_NOBODY = np.zeros(0, int)  # places of no sources
PULL = 0.5  # firmness with which many samples' weights are drawn to the source's that they began from


@dataclass(frozen=True)
class Member:
    """One set of weights and what it makes of the samples."""

    shapes: Shapes
    terms: Sequence[Component]
    weights: np.ndarray
    scale: float
    lower: np.ndarray
    fitted: np.ndarray
    share: float
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
                own, variance = member.shapes.logarithm(residual, unknown + member.noise, member.scale, rows)
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


@dataclass(frozen=True)
class View:
    """Some of the sources, by their places (k,), and what they teach with either link: a kind of device."""

    places: np.ndarray
    priors: Sequence[Prior]

    def without(self, others: np.ndarray) -> "View | None":
        """The view of those sources alone that `others` (S,) keeps; None where none is left."""
        kept = others[self.places]
        if not kept.any():
            return None
        return View(self.places[kept], [replace(prior, weights=prior.weights[kept]) for prior in self.priors])


def moved(weights: np.ndarray, names: Sequence[str]) -> list[tuple[np.ndarray, float]]:
    """Weights around one source's, each with the logarithm of its belief."""
    bases = np.array([name in BASE for name in names[:-1]])
    grid = []
    for noise in STEPS[0]:
        for source in STEPS[1] if bases.any() else (0.0,):
            for feature in STEPS[2]:
                step = weights.copy()
                step[:-1] += np.where(bases, source, feature)
                step[-1] = max(step[-1] + noise, QUIETEST)
                grid.append((step, -((noise**2 + source**2 + feature**2) / (2 * SPREAD**2))))
    return grid


def condition(views: Sequence[View], described: np.ndarray, features: Features, rows: np.ndarray,
              times: np.ndarray, choices: np.ndarray | None = None) -> Posterior:  # fmt: skip
    """From samples' `times` (n,), positive, at `rows` of the table; `described` (S, N) is what sources say, `choices`
    (S, L, C) of each layer's choice, where times are made of them.

    Raises:
        InputError: where no model explains the samples.
    """
    hypotheses = []
    for view, prior in [(one, prior) for one in views for prior in one.priors]:
        own = choices[view.places] if prior.alike and choices is not None else None
        shapes = Shapes.of(described[view.places], prior.link, own)
        part = 1 if len(views) == 1 else 1 - KINDS_SHARE if view is views[0] else KINDS_SHARE / (len(views) - 1)
        believed = np.log((1 - NO_SOURCE_SHARE) * part / len(prior.weights) / len(view.priors))
        hypotheses.append((shapes, components(shapes, features), prior.weights, prior.names, believed, view.places))
    for link in LINKS:
        shapes, terms, first = without_sources(described.shape[1], features, link)
        names = (*(term.name for term in terms), "noise")
        believed = np.log((NO_SOURCE_SHARE if views else 1) / 2)
        hypotheses.append((shapes, terms, first[None], names, believed, _NOBODY))
    found = []
    for shapes, terms, weights, names, believed, places in hypotheses:
        residual, scale, jacobian = shapes.residual(times, rows)
        parts = [term.between(rows, rows) for term in terms]
        for own, belief in candidates(weights, names, parts, residual):
            value = evidence_or_none(own, parts, residual)
            if np.isfinite(value):
                weighed = value + jacobian + belief + believed
                found.append((weighed, shapes, terms, own, scale, parts, residual, places))
    if not found:
        raise InputError("samples: no model explains them; are they times of the architectures beside them?")
    best = max(entry[0] for entry in found)
    total = sum(np.exp(entry[0] - best) for entry in found)
    kept = [(np.exp(entry[0] - best) / total, *entry[1:]) for entry in found]
    kept = [entry for entry in kept if entry[0] >= SHARE]
    share = sum(entry[0] for entry in kept)
    return Posterior([member(entry[0] / share, *entry[1:]) for entry in kept], rows)


def candidates(weights: np.ndarray, names: Sequence[str], parts: Sequence[np.ndarray],
               residual: np.ndarray) -> list[tuple[np.ndarray, float]]:  # fmt: skip
    """Sets of weights worth a try: a grid around each source's; of many samples, the best found from the best three."""
    if len(weights) > LIKELIEST:
        weights = np.array(sorted(weights, key=lambda own: -evidence_or_none(own, parts, residual))[:LIKELIEST])
    if len(residual) < MANY:
        return [entry for own in weights for entry in moved(own, names)]
    firsts = sorted(weights, key=lambda own: -evidence_or_none(own, parts, residual))[:3]
    firmness = PULL / SPREAD**2 if len(weights) > 1 else FIRMNESS
    few = np.linspace(0, len(residual) - 1, min(len(residual), ENOUGH)).astype(int)
    parts, residual = [part[np.ix_(few, few)] for part in parts], residual[few]
    return [(most_evident(parts, residual, own, firmness)[0], 0.0) for own in firsts]


def factored(weights: np.ndarray, parts: Sequence[np.ndarray], residual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    total = covariance(parts, weights)
    total[np.diag_indices(len(residual))] += np.exp(weights[-1])
    lower = cholesky(total, lower=True, check_finite=False)
    return lower, cho_solve((lower, True), residual, check_finite=False)


def evidence_only(weights: np.ndarray, parts: Sequence[np.ndarray], residual: np.ndarray) -> float:
    """As `evidence`, without its slope."""
    lower, fitted = factored(weights, parts, residual)
    constant = 0.5 * len(residual) * np.log(2 * np.pi)
    return float(-0.5 * residual @ fitted - np.log(np.diag(lower)).sum() - constant)


def evidence_or_none(weights: np.ndarray, parts: Sequence[np.ndarray], residual: np.ndarray) -> float:
    """As `evidence_only`, minus infinity where the covariance is not positive to the precision of floats."""
    try:
        return evidence_only(weights, parts, residual)
    except LinAlgError:
        return -np.inf


def member(share: float, shapes: Shapes, terms: Sequence[Component], weights: np.ndarray, scale: float,
           parts: Sequence[np.ndarray], residual: np.ndarray, places: np.ndarray = _NOBODY) -> Member:  # fmt: skip
    lower, fitted = factored(weights, parts, residual)
    return Member(shapes, terms, weights, scale, lower, fitted, share, places)
