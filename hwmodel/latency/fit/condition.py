"""From samples to the mixture over what kind of device they are of.

Weights of each source device, moved over a grid of noise, sources and features, are hypotheses; so are those of no
source at all, which take over where samples contradict the sources. The evidence of the samples is their share.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.fit.features import Features
from hwmodel.latency.fit.kernel import BASE, Component, Shapes, components
from hwmodel.latency.fit.outliers import evidences
from hwmodel.latency.fit.posterior import Posterior, member
from hwmodel.latency.fit.prior import FIRMNESS, LINKS, Prior, most_evident, without_sources
from hwmodel.latency.fit.trouble import trouble

# Steps of the grid, in logarithms: noise, what sources say, what features say; a step costs half its square over 2.
STEPS = ((-2.0, 0.0, 2.0), (-1.5, 0.0, 1.5), (-1.5, 0.0, 1.5))
SPREAD = 2.0
QUIETEST = -12.0  # logarithm of the least variance of noise: a millionth, times 6
LIKELIEST = 12  # sources around whose weights others are tried, where there are more
MANY = 60  # samples from which weights are sought anew instead of on a grid
ENOUGH = 300  # samples by which they are sought; all then condition
SHARE = 1e-3  # members of a smaller share are left out
KINDS_SHARE = 0.1  # of belief that a new device is like one kind of source alone
NO_SOURCE_SHARE = 0.1  # of belief, before a sample is seen, that no source says anything
PULL = 0.5  # firmness with which many samples' weights are drawn to the source's that they began from


@dataclass(frozen=True)
class View:
    """Some of the sources, by their places (k,), and what they teach with either link: a kind of device.

    `squares` (k, N) are how far each is from what those of other `families` say of it, as `trouble.squares`; none where
    sources are described by their choices, or have no other families.
    """

    places: np.ndarray
    priors: Sequence[Prior]
    families: Sequence[str] = ()
    squares: np.ndarray | None = None

    def without(self, others: np.ndarray) -> "View | None":
        """The view of those sources alone that `others` (S,) keeps; None where none is left."""
        kept = others[self.places]
        if not kept.any():
            return None
        families = [name for name, stays in zip(self.families, kept, strict=False) if stays]
        priors = [replace(prior, weights=prior.weights[kept]) for prior in self.priors]
        return View(self.places[kept], priors, families, None if self.squares is None else self.squares[kept])

    def trouble(self, networks: int) -> np.ndarray:
        """Each network's share of the noise's variance (N,)."""
        return np.ones(networks) if self.squares is None else trouble(self.squares, self.families)


@dataclass(frozen=True)
class Hypothesis:
    """Weights (M, P + 1) of some components, the logarithm of belief in each set, networks' trouble (N,), and the
    places of the sources that it knows.
    """

    shapes: Shapes
    terms: Sequence[Component]
    weights: np.ndarray
    names: Sequence[str]
    believed: float
    trouble: np.ndarray
    places: np.ndarray


def hypotheses(views: Sequence[View], described: np.ndarray, features: Features,
               choices: np.ndarray | None) -> Iterator[Hypothesis]:  # fmt: skip
    """What a new device may be like; see `condition`."""
    networks = described.shape[1]
    for view, prior in [(one, prior) for one in views for prior in one.priors]:
        own = choices[view.places] if prior.alike and choices is not None else None
        shapes = Shapes.of(described[view.places], prior.link, own)
        part = 1 if len(views) == 1 else 1 - KINDS_SHARE if view is views[0] else KINDS_SHARE / (len(views) - 1)
        believed = np.log((1 - NO_SOURCE_SHARE) * part / len(prior.weights) / len(view.priors))
        terms = components(shapes, features)
        yield Hypothesis(shapes, terms, prior.weights, prior.names, believed, view.trouble(networks), view.places)
    for link in LINKS:
        shapes, terms, first = without_sources(networks, features, link)
        names = (*(term.name for term in terms), "noise")
        believed = np.log((NO_SOURCE_SHARE if views else 1) / 2)
        yield Hypothesis(shapes, terms, first[None], names, believed, np.ones(networks), np.zeros(0, int))


def condition(views: Sequence[View], described: np.ndarray, features: Features, rows: np.ndarray,
              times: np.ndarray, choices: np.ndarray | None = None) -> Posterior:  # fmt: skip
    """From samples' `times` (n,), positive, at `rows` of the table; `described` (S, N) is what sources say, `choices`
    (S, L, C) of each layer's choice, where times are made of them.

    Raises:
        InputError: where no model explains the samples.
    """
    found = []
    for one in hypotheses(views, described, features, choices):
        residual, scale, jacobian = one.shapes.residual(times, rows)
        parts = [term.between(rows, rows) for term in one.terms]
        weights, belief = candidates(one, parts, residual, one.trouble[rows])
        values, added = evidences(weights, parts, residual, one.trouble[rows])
        values += jacobian + belief + one.believed
        found += [
            (values[place], (one.shapes, one.terms, weights[place], scale, parts, residual, rows, one.trouble,
             added[place], one.places)) for place in np.flatnonzero(np.isfinite(values))
        ]  # fmt: skip
    if not found:
        raise InputError("samples: no model explains them; are they times of the architectures beside them?")
    shares = np.exp(np.array([value for value, _ in found]) - max(value for value, _ in found))
    kept = np.flatnonzero(shares >= SHARE * shares.sum())
    shares /= shares[kept].sum()
    return Posterior([member(shares[place], *found[place][1]) for place in kept], rows)


def candidates(one: Hypothesis, parts: Sequence[np.ndarray], residual: np.ndarray,
               trouble: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Sets of weights worth a try (M, P + 1), and the logarithm of belief in each: a grid around each source's; of many
    samples, the best found from the best three.
    """
    weights = one.weights
    many = len(residual) >= MANY
    if len(weights) > (3 if many else LIKELIEST):
        values, _ = evidences(weights, parts, residual, trouble)
        weights = weights[np.argsort(-values, kind="stable")[: 3 if many else LIKELIEST]]
    if not many:
        steps, costs = grid(one.names)
        moved = weights[:, None, :] + steps
        moved[..., -1] = np.maximum(moved[..., -1], QUIETEST)
        return moved.reshape(-1, weights.shape[1]), np.tile(-costs, len(weights))
    firmness = PULL / SPREAD**2 if len(one.weights) > 1 else FIRMNESS
    few = np.linspace(0, len(residual) - 1, min(len(residual), ENOUGH)).astype(int)
    parts, residual, trouble = [part[np.ix_(few, few)] for part in parts], residual[few], trouble[few]
    _, added = evidences(weights, parts, residual, trouble)
    found = [most_evident(parts, residual, own, firmness, trouble=trouble, added=more)[0]
             for own, more in zip(weights, added, strict=True)]  # fmt: skip
    return np.array(found), np.zeros(len(found))


def grid(names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Steps around one source's weights (M, P + 1), and what each costs of belief (M,)."""
    bases = np.array([name in BASE for name in names[:-1]])
    steps, costs = [], []
    for noise in STEPS[0]:
        for source in STEPS[1] if bases.any() else (0.0,):
            for feature in STEPS[2]:
                steps.append([*np.where(bases, source, feature), noise])
                costs.append((noise**2 + source**2 + feature**2) / (2 * SPREAD**2))
    return np.array(steps), np.array(costs)
