"""Covariance of the networks' times on one device, as a sum of components with a weight each.

A device's time of network x, relative to a base shape m (the mean over source devices, each scaled to mean 1), is

    link "linear":  y / (scale m) - 1  =  c0 + c1 / m + sum_s a_s R_s / m + sum_f w_f . F_f / m + g(x) + noise
    link "log":     log y - scale - m  =  c0 + c1 m   + sum_s a_s R_s     + sum_f w_f . F_f     + g(x) + noise

with R the source devices' departures from the base, F features of the network (counts of each choice, the choices of
each layer, FLOPs, ...), g a smooth function, and every coefficient normal around zero: a Gaussian process whose
covariance is the weighted sum of the components below. Coefficients of a group are of one variance each; those of the
choices may besides vary together, as the sources' do (`alike`). Times add up along a network, which is why the linear
link divides what is additive by m and leaves relative noise (Rasmussen and Williams, Gaussian Processes for Machine
Learning, chapter 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hwmodel.latency.fit.alike import mixing
from hwmodel.latency.fit.features import CHOICES, Features

Link = Literal["linear", "log"]
# Names of the components that stand before a table's own features.
BASE = ("constant", "shape", "sources")


@dataclass(frozen=True)
class Shapes:
    """What the source devices say of N networks: `base` (N,), departures from it, `departures` (S, N), and how choices
    vary together, as `alike.mixing`, where that is looked at.
    """

    link: Link
    base: np.ndarray
    departures: np.ndarray
    alike: np.ndarray | None = None

    @classmethod
    def of(cls, sources: np.ndarray, link: Link, choices: np.ndarray | None = None) -> "Shapes":
        """Of source devices' times (S, N), which are positive; without sources (0, N) the base is flat. `choices`
        (S, L, C) are sources' numbers for each layer's choice, of which times are made by adding.
        """
        if not len(sources):
            flat = np.zeros(sources.shape[1]) if link == "log" else np.ones(sources.shape[1])
            return cls(link, flat, np.zeros((0, sources.shape[1])))
        if link == "log":
            logs = np.log(sources)
            scaled = logs - logs.mean(axis=1, keepdims=True)
        else:
            scaled = sources / sources.mean(axis=1, keepdims=True)
        base = scaled.mean(axis=0)
        alike = None if choices is None else mixing(choices / sources.mean(axis=1)[:, None, None])
        return cls(link, base, (scaled - base) / np.sqrt(len(sources)), alike)

    def residual(self, times: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, float, float]:
        """Of a device's times (n,) at `rows`: what the process explains, the scale taken out, and the logarithm of the
        Jacobian that makes densities of different links comparable.
        """
        if self.link == "log":
            departure = np.log(times) - self.base[rows]
            scale = float(np.median(departure))
            return departure - scale, scale, -float(np.log(times).sum())
        ratio = times / self.base[rows]
        scale = float(np.median(ratio))
        return ratio / scale - 1, scale, -float(np.log(scale * self.base[rows]).sum())

    def logarithm(self, mean: np.ndarray, variance: np.ndarray, scale: float,
                  rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """Mean and variance of the logarithm of the time, from those of the residual (n,)."""
        if self.link == "log":
            return self.base[rows] + scale + mean, variance
        factor = np.maximum(1 + mean, 0.05)  # a relative time near or below zero has left what the model can say
        return np.log(scale * self.base[rows] * factor), variance / factor**2


@dataclass(frozen=True)
class Component:
    """One term: `factor` (N, d), whose products are the covariance, or a smooth one over the places that it holds.

    `mix` (d, d) is multiplied to those of its rows that are asked for.
    """

    name: str
    factor: np.ndarray
    smooth: bool = False
    power: int = 1
    mix: np.ndarray | None = None

    def at(self, rows: np.ndarray) -> np.ndarray:
        return self.factor[rows] if self.mix is None else self.factor[rows] @ self.mix

    def between(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Covariance of the rows `left` (a,) with the rows `right` (b,): (a, b)."""
        x, y = self.at(left), self.at(right)
        product = x @ y.T
        if not self.smooth:
            return product**self.power
        squares = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2 * product
        return np.exp(-np.maximum(squares, 0) / 2)

    def alone(self, rows: np.ndarray) -> np.ndarray:
        """Variance of each of the rows (a,)."""
        if self.smooth:
            return np.ones(len(rows))
        return (self.at(rows) ** 2).sum(axis=1) ** self.power


def components(shapes: Shapes, features: Features) -> list[Component]:
    """The terms of the covariance, in the order of their weights."""
    ones = np.ones((len(shapes.base), 1))
    if shapes.link == "log":
        unit, shape = ones, shapes.base[:, None]
    else:
        unit = shape = 1 / shapes.base[:, None]
    terms = [Component("constant", ones), Component("shape", shape),
             Component("sources", shapes.departures.T * unit)]  # fmt: skip
    terms += [Component(name, values * unit) for name, values in features.additive.items()]
    if shapes.alike is not None:
        terms.append(Component("alike", features.additive[CHOICES] * unit, mix=shapes.alike))
    terms += [Component(name, values) for name, values in features.relative.items()]
    # The square of an additive covariance is that of products of pairs; its unit goes in by its root.
    terms += [Component(name, values * np.sqrt(unit), power=2) for name, values in features.pairs.items()]
    terms += [Component(name, values, smooth=True) for name, values in features.smooth.items()]
    return terms


def covariance(parts: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """The weighted sum of the components' matrices; `weights` (P + 1,) are logarithms, the noise's last."""
    total = np.exp(weights[0]) * parts[0]
    for part, weight in zip(parts[1:], weights[1:-1], strict=True):
        total += np.exp(weight) * part
    return total
