"""A new device from a few samples, with other devices' times of the same networks as what is known beforehand."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from hwmodel.latency.fit.calibrate import Report, left_out, rehearse, unheard
from hwmodel.latency.fit.condition import MANY, View, condition
from hwmodel.latency.fit.features import CHOICES, COUNTS, ROWS_A_COLUMN, Features
from hwmodel.latency.fit.posterior import Posterior
from hwmodel.latency.fit.prior import LINKS, learn, unlearned
from hwmodel.latency.fit.trouble import squares
from hwmodel.latency.query.evidence import Reach

FEWEST_FOR_KINDS = 6  # sources
KINDS = 3
RIDGE = 0.3  # rows' worth of shrinkage when a source's noise is taken out


@dataclass(frozen=True)
class Transfer:
    """Sources' knowledge of the N networks of a table, learned once; `fit` takes a device's samples.

    sources (S, N) are seconds (or joules) as measured, described (S, N) the same without their noise.
    """

    sources: np.ndarray
    described: np.ndarray
    families: Sequence[str]
    features: Features
    weights: np.ndarray | None  # of a space's columns, (S, d), where sources are described by them
    views: Sequence[View]
    names: Sequence[str] = ()  # of the sources

    @property
    def choices(self) -> np.ndarray | None:
        return choices_of(self.weights, self.features)

    def fit(self, rows: np.ndarray, times: np.ndarray) -> Posterior:
        """From `times` (n,) at `rows` of the table.

        Raises:
            ValueError: on times that are not positive and finite, or fewer than one.
        """
        if not len(times) or not np.all(np.isfinite(times) & (times > 0)):
            raise ValueError("samples must be positive, finite numbers, and at least one")
        return condition(
            self.views, self.described, self.features, np.asarray(rows), np.asarray(times, float), self.choices
        )

    def reach_from(self, samples: int) -> Reach:
        """From what the reach of intervals is learned."""
        if samples >= MANY:
            return "left out"
        alone = len(set(self.families)) < 2 or samples * 2 > self.sources.shape[1]
        return "normal law" if alone else "sources"

    def distances(self, posterior: Posterior, report: Report = unheard) -> np.ndarray:
        """What `calibrate.reach` turns into intervals, (devices, n): of rehearsals with as many samples, or of the
        samples themselves where they are many; none (0, 0) where there is nothing to rehearse with.
        """
        samples = len(posterior.rows)
        if self.reach_from(samples) == "left out":
            return left_out(posterior)
        if self.reach_from(samples) == "normal law":
            return np.zeros((0, 0))
        return rehearse(self.views, self.sources, self.described, self.families, self.features, posterior.rows,
                        report=report, choices=self.choices)  # fmt: skip


def without_noise(sources: np.ndarray, columns: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Sources' times (S, N) as weighted sums of what describes the networks, where there are networks enough, and the
    weights (S, d).

    Noise of a source's measurements would otherwise be taken for something that the new device shares.
    """
    if columns is None or len(columns) < ROWS_A_COLUMN * columns.shape[1]:
        return sources, None
    described, found = np.empty_like(sources), np.empty((len(sources), columns.shape[1]))
    for device, times in enumerate(sources):
        scaled = times / times.mean()
        trust = 1 / np.maximum(scaled**2, 1 / 20)  # relative errors count, but no single tiny time outweighs all others
        normal = (columns.T * trust) @ columns
        normal[np.diag_indices(len(normal))] += RIDGE
        weights = np.linalg.solve(normal, (columns.T * trust) @ scaled)
        # A sum of choices can fall to zero where a cell is nearly empty; a time cannot.
        described[device] = np.maximum(columns @ weights, scaled.min()) * times.mean()
        found[device] = weights * times.mean()
    return described, found


def choices_of(weights: np.ndarray | None, features: Features) -> np.ndarray | None:
    """Sources' numbers for each layer's choice (S, L, C), where nothing else describes them."""
    if weights is None or CHOICES not in features.additive:
        return None
    columns, counts = features.additive[CHOICES].shape[1], features.additive[COUNTS].shape[1]
    if weights.shape[1] != 1 + columns:
        return None  # of a cell, whose choices act on each other
    return weights[:, 1:].reshape(len(weights), columns // counts, counts)


def prepare(sources: np.ndarray, families: Sequence[str], features: Features, columns: np.ndarray | None = None,
            report: Report = unheard) -> Transfer:  # fmt: skip
    """Learn from source devices' times (S, N), of named `families`.

    Both links are learned: which of them holds is for a new device's samples to say. `report` is told steps, done and
    all.
    """
    if not len(sources):
        return Transfer(sources, sources, families, features, None, ())
    described, weights = without_noise(sources, columns)
    if len(sources) == 1:
        # One source is a base shape, but shows nothing of how devices differ.
        guesses = [unlearned(described, features, link) for link in LINKS]
        return Transfer(sources, described, families, features, weights, [View(np.zeros(1, int), guesses)])
    choices = choices_of(weights, features)
    found = kinds(described, families)
    looks = (False,) if choices is None else (False, True)
    done, total = itertools.count(1), len(LINKS) * len(looks) * sum(map(len, found))
    views = []
    for places in found:
        own, names = described[places], [families[int(place)] for place in places]
        priors = [
            learn(
                sources[places], own, names, features, link, report=lambda: report(next(done), total),
                choices=choices[places] if look and choices is not None else None,
            )
            for link in LINKS
            for look in looks
        ]  # fmt: skip
        most = max(priors, key=lambda prior: prior.evidence)
        apart = None
        if weights is None and len(set(names)) > 1:
            apart = squares(sources[places], own, names, features, most)
        views.append(View(places, priors, names, apart))
    return Transfer(sources, described, families, features, weights, views)


def kinds(described: np.ndarray, families: Sequence[str]) -> list[np.ndarray]:
    """Places of sources that resemble each other, all of them first: a new device may be like some and unlike others.

    Sources are joined by the correlation of their logarithms; a kind has devices of two families or more.
    """
    everything = np.arange(len(described))
    if len(described) < FEWEST_FOR_KINDS:
        return [everything]
    logs = np.log(described)
    tree = linkage(logs - logs.mean(axis=1, keepdims=True), "average", metric="correlation")
    found = [everything]
    labels = fcluster(tree, KINDS, "maxclust")
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        if len({families[int(place)] for place in places}) > 1 and len(places) < len(everything):
            found.append(places)
    return found
