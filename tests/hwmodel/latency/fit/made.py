"""Devices made up: times that are sums over layers, of families whose devices resemble each other."""

from dataclasses import dataclass

import numpy as np

from hwmodel.latency.fit.features import Features, basis, of_codes
from hwmodel.latency.fit.transfer import Transfer, prepare

LAYERS, CHOICES = 10, 4


@dataclass(frozen=True)
class Made:
    """Networks (N, L), source devices' times (S, N) and their families, and a target's times (N,)."""

    codes: np.ndarray
    sources: np.ndarray
    families: list[str]
    target: np.ndarray

    @property
    def features(self) -> Features:
        return of_codes(self.codes)

    def transfer(self, kept: int | None = None) -> Transfer:
        return prepare(self.sources[:kept], self.families[:kept], self.features, basis(self.codes))


def devices(seed: int, networks: int = 300, of_family: int = 2, noise: float = 0.02, layers: int = LAYERS,
            families: str = "abc", *, own: bool = False) -> Made:  # fmt: skip
    """Families of devices; the target is a mixture of them and a departure of its own, or of its `own` family."""
    draw = np.random.default_rng(seed)
    codes = draw.integers(0, CHOICES, (networks, layers))
    common = draw.gamma(2.0, 1.0, (layers, CHOICES))
    makers = [common * np.exp(0.4 * draw.normal(size=common.shape)) for _ in range(len(families) + 1)]
    makers, other = makers[:-1], makers[-1]

    def timed(table: np.ndarray) -> np.ndarray:
        times = 3.0 + table[np.arange(layers), codes].sum(axis=1)
        return 1e-3 * np.exp(draw.normal()) * times * np.exp(noise * draw.normal(size=networks))

    sources = [
        timed(maker * np.exp(0.1 * draw.normal(size=common.shape))) for maker in makers for _ in range(of_family)
    ]
    mixed = np.einsum("f,flc->lc", draw.dirichlet(np.ones(len(families))), np.array(makers))
    mixed = other if own else mixed
    target = timed(mixed * np.exp(0.1 * draw.normal(size=common.shape)))
    return Made(codes, np.array(sources), [name for name in families for _ in range(of_family)], target)


def unrelated(made: Made, seed: int) -> np.ndarray:
    """Times of a device that shares nothing with the others but what its networks are (N,)."""
    draw = np.random.default_rng(seed)
    table = draw.gamma(0.5, 1.0, (made.codes.shape[1], CHOICES))
    times = 0.5 + table[np.arange(made.codes.shape[1]), made.codes].sum(axis=1)
    return times * np.exp(0.02 * draw.normal(size=len(made.codes)))


def error(posterior, times: np.ndarray) -> float:
    """The mean relative error on networks that were not measured."""
    rest = np.setdiff1d(np.arange(len(times)), posterior.rows)
    return float(np.abs(np.exp(posterior.logarithm(rest)[0]) / times[rest] - 1).mean())
