"""A new device from a few samples, with other devices' times of the same networks as what is known beforehand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from hwmodel.latency.fit.calibrate import left_out, rehearse
from hwmodel.latency.fit.condition import MANY, View, condition
from hwmodel.latency.fit.features import ROWS_A_COLUMN, Features
from hwmodel.latency.fit.posterior import Posterior
from hwmodel.latency.fit.prior import LINKS, learn, unlearned
from hwmodel.latency.fit.trouble import squares

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

    def fit(self, rows: np.ndarray, times: np.ndarray) -> Posterior:
        """From `times` (n,) at `rows` of the table.

        Raises:
            ValueError: on times that are not positive and finite, or fewer than one.
        """
        if not len(times) or not np.all(np.isfinite(times) & (times > 0)):
            raise ValueError("samples must be positive, finite numbers, and at least one")
        return condition(self.views, self.described, self.features, np.asarray(rows), np.asarray(times, float))

    def distances(self, posterior: Posterior, report: Callable[[], None] = lambda: None) -> np.ndarray:
        """What `calibrate.reach` turns into intervals, (devices, n): of rehearsals with as many samples, or of the
        samples themselves where they are many; none (0, 0) where there is nothing to rehearse with.
        """
        samples = len(posterior.rows)
        if samples >= MANY:
            return left_out(posterior)
        if len(set(self.families)) < 2 or samples * 2 > self.sources.shape[1]:
            return np.zeros((0, 0))
        return rehearse(
            self.views, self.sources, self.described, self.families, self.features, posterior.rows, report=report
        )


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


def prepare(sources: np.ndarray, families: Sequence[str], features: Features, columns: np.ndarray | None = None,
            report: Callable[[], None] = lambda: None) -> Transfer:  # fmt: skip
    """Learn from source devices' times (S, N), of named `families`.

    Both links are learned: which of them holds is for a new device's samples to say.
    """
    if not len(sources):
        return Transfer(sources, sources, families, features, None, ())
    described, weights = without_noise(sources, columns)
    if len(sources) == 1:
        # One source is a base shape, but shows nothing of how devices differ.
        guesses = [unlearned(described, features, link) for link in LINKS]
        return Transfer(sources, described, families, features, weights, [View(np.zeros(1, int), guesses)])
    views = []
    for places in kinds(described, families):
        own, names = described[places], [families[int(place)] for place in places]
        priors = [learn(sources[places], own, names, features, link, report=report) for link in LINKS]
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
