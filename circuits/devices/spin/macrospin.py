"""A macrospin as data, and what an ensemble of its trajectories shows: switching times and probabilities.

Symbols: Delta = energy barrier over kT, Bk = mu0 Hk, alpha = damping, m = unit vector of the free layer, z = easy axis.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from circuits.devices.spin.kernel import FIGURES, GAMMA_RAD_PER_TS, advance
from circuits.devices.spin.noise import stream

STEP_S = 1e-12
Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Pulse:
    """A trapezoid of current. The width runs from the start of the rise to the start of the fall."""

    width_s: float
    rise_s: float = 0.0
    fall_s: float = 0.0
    start_s: float = 0.0

    @property
    def end_s(self) -> float:
        return self.start_s + self.width_s + self.fall_s

    def array(self) -> np.ndarray:
        return np.array([self.start_s, self.rise_s, self.width_s, self.fall_s])


@dataclass(frozen=True)
class Macrospin:
    """One spin under one current. Torques are fields [T] along the direction of the injected spins.

    `stability` is Delta at the temperature meant; zero takes the thermal field away.
    """

    anisotropy_T: float
    damping: float
    stability: float
    damping_like_T: Vector = (0.0, 0.0, 0.0)
    field_like_T: Vector = (0.0, 0.0, 0.0)
    applied_T: Vector = (0.0, 0.0, 0.0)

    @property
    def time_constant_s(self) -> float:
        return (1 + self.damping**2) / (self.damping * GAMMA_RAD_PER_TS * self.anisotropy_T)

    @property
    def thermal_T_root_s(self) -> float:
        """A component's thermal field [T s^0.5]: its square is 2 alpha kT / (gamma Ms V), kT / (Ms V) = Bk / (2 Delta).

        W. F. Brown, Phys. Rev. 130, 1677 (1963).
        """
        if self.stability == 0:
            return 0.0
        return math.sqrt(self.damping * self.anisotropy_T / (GAMMA_RAD_PER_TS * self.stability))

    def array(self) -> np.ndarray:
        figures = np.zeros(FIGURES)
        figures[:3] = self.anisotropy_T, self.damping, self.thermal_T_root_s
        figures[4:7], figures[7:10], figures[10:13] = self.applied_T, self.damping_like_T, self.field_like_T
        return figures


class Ensemble(NamedTuple):
    """Trajectories at one time: spins (n, 3), and their random streams (n,)."""

    spins: np.ndarray
    states: np.ndarray


def equilibrium(spin: Macrospin, count: int, seed: int = 1) -> Ensemble:
    """Return spins in thermal equilibrium in the upper well, under the applied field and no current.

    Drawn from the Boltzmann density over 1024 x 512 patches of the hemisphere, evenly within a patch.
    """
    states = np.array([stream(np.uint64(seed), np.uint64(n)) for n in range(count)], dtype=np.uint64)
    random = np.random.Generator(np.random.Philox(seed))
    if spin.stability == 0:
        return Ensemble(np.tile(np.array([0.0, 0.0, 1.0]), (count, 1)), states)
    rows, columns = 1024, 512
    u = ((np.arange(rows) + 0.5) / rows)[:, None]  # z = 1 - u^2: fine near the pole, where the spins are
    angle = ((np.arange(columns) + 0.5) * 2 * math.pi / columns)[None, :]
    z = 1 - u**2
    across = np.sqrt(1 - z * z)
    bx, by, bz = (b / spin.anisotropy_T for b in spin.applied_T)
    field = bx * across * np.cos(angle) + by * across * np.sin(angle) + bz * z
    energy = spin.stability * (z * z + 2 * field)
    weight = u * np.exp(energy - energy.max())
    weight = weight / weight.sum()
    patch = random.choice(rows * columns, count, p=weight.ravel())
    u = (patch // columns + random.random(count)) / rows
    angle = (patch % columns + random.random(count)) * 2 * math.pi / columns
    z = 1 - u**2
    across = np.sqrt(1 - z * z)
    return Ensemble(np.column_stack([across * np.cos(angle), across * np.sin(angle), z]), states)


def run(spin: Macrospin, pulse: Pulse, ensemble: Ensemble, stop_s: float, *, start_s: float = 0.0,
        step_s: float = STEP_S, stop_at_equator: bool = False) -> np.ndarray:  # fmt: skip
    """Carry an ensemble on in place; return when each first crossed the equator [s], inf where it did not."""
    crossed = np.full(len(ensemble.spins), np.inf)
    advance(
        ensemble.spins, ensemble.states, spin.array(), pulse.array(), start_s, stop_s, step_s, stop_at_equator, crossed
    )
    return crossed


def switching_times(spin: Macrospin, count: int, stop_s: float, seed: int = 1, step_s: float = STEP_S) -> np.ndarray:
    """Return the times [s] at which so many trajectories first cross the equator under a current that lasts."""
    pulse = Pulse(2 * stop_s)
    return run(spin, pulse, equilibrium(spin, count, seed), stop_s, step_s=step_s, stop_at_equator=True)


class Estimate(NamedTuple):
    """A figure and its standard error from sampling."""

    value: float
    error: float


def median(times: np.ndarray) -> Estimate:
    """Return a sample's median, and half the distance of the order statistics one standard error either side."""
    ordered, n = np.sort(times), len(times)
    reach = math.sqrt(n) / 2
    low, high = (ordered[min(max(round(n / 2 + s * reach), 0), n - 1)] for s in (-1, 1))
    return Estimate(float(np.median(times)), float(high - low) / 2)


def switching_probability(spin: Macrospin, pulse: Pulse, count: int, seed: int = 1, step_s: float = STEP_S,
                          settle_s: float = 1e-9) -> Estimate:  # fmt: skip
    """Return the share of spins found below the equator `settle_s` after the pulse has ended."""
    ensemble = equilibrium(spin, count, seed)
    run(spin, pulse, ensemble, pulse.end_s + settle_s, step_s=step_s)
    share = float(np.mean(ensemble.spins[:, 2] < 0))
    return Estimate(share, math.sqrt(max(share * (1 - share), 1 / count) / count))
