"""What a read has left at the quantile that an array asks for: the signal of its weakest cell, the amplifier's offset.

A read integrates the difference of cell and reference, I - I_ref, on a capacitance C until the strobe T; it errs where
that is below the latch's offset. With independent normal spreads it errs at k sigma where, for the state in question,

    |I - I_ref| = k sqrt(sigma^2 + sigma_T^2),    sigma_T = C sigma_offset / T.

The reference stands where both states are as many sigma away. Of the point where a read most probably errs, the cell's
part is `signal_A`, the amplifier's `offset_V`, and C offset/signal is T. Sigma is the distance that k sigma along the
way that takes most move a state's current, over k. All at the slow corner.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.cells.scatter import Draws, pelgrom_V
from circuits.cells.sense import Amplifier, SenseFigures, sample_s
from circuits.cells.spread import Spreads
from circuits.devices.node import Node
from circuits.errors import InputError

Currents = Callable[[Draws], tuple[Any, Any]]  # draws -> both states' currents [A], the lesser first


@dataclass(frozen=True)
class Margin:
    """A read's signal and offset, and what they were made from.

    `reference_share` is where the reference stands between the two states, from the lesser current up; the sigmas
    without a place are of neighbours.
    """

    signal_A: float
    offset_V: float
    half_difference_A: float
    signal_sigma_A: float
    offset_sigma_V: float
    sense_sigmas: float
    reference_share: float

    def figures(self, amplifier: Amplifier) -> SenseFigures:
        """Return what the time of the read follows from."""
        return SenseFigures(
            amplifier.clamp_overdrive_V, amplifier.sense_capacitance_F, self.offset_V, amplifier.latch_fins
        )


def nominal_A(currents: Currents, names: Sequence[str]) -> tuple[float, float]:
    """Return both states' currents [A] of the nominal cell."""
    low, high = currents(_draws(names, np.zeros((1, len(names)))))
    return float(low[0]), float(high[0])


def mean_A(currents: Currents, names: Sequence[str]) -> float:
    """Return the mean of both states' currents [A] of the nominal cell."""
    return sum(nominal_A(currents, names)) / 2


def sigmas(error_rate: float) -> float:
    """Return how many sigma away a normal variable errs at a rate."""
    from statistics import NormalDist

    return -NormalDist().inv_cdf(error_rate)


def offset_sigma_V(node: Node, spread: Spreads, units: float) -> float:
    """Return sigma [V] of the difference of a pair of devices of so many units."""
    return math.sqrt(2) * pelgrom_V(node, spread, units * node.unit_m)


def mismatch(node: Node, spread: Spreads, amplifier: Amplifier, bias_V: float) -> float:
    """Return sigma of a clamped current, over itself, from the clamps' mismatch that sampling leaves.

    A shift of the clamp's threshold moves the bias, and its own gm = 2 I / Vov takes a part: dI/I = dV/(V + Vov/2).
    """
    sigma = offset_sigma_V(node, spread, amplifier.clamp_units)
    return amplifier.residual * sigma / (bias_V + amplifier.clamp_overdrive_V / 2)


def reference_sigma_A(own: Any, amplifier: Amplifier) -> float:
    """Return sigma [A] of the mean of several cells of both states, whose own sigmas are given."""
    return math.hypot(*own) / math.sqrt(2 * amplifier.reference_cells)


def _draws(names: Sequence[str], places: Any) -> Draws:
    return dict(zip(names, np.ascontiguousarray(np.asarray(places, dtype=float).T), strict=True))


def _ways(currents: Currents, names: Sequence[str], origin: Any, moved: Sequence[int], reach: float) -> Any:
    """Return how far so many sigma of each moved source take the currents: an array (states, sources), zero elsewhere.

    As far as the quantile itself lies: a device that conducts only there shows no slope nearer.
    """
    step = np.zeros((len(moved), len(names)))
    step[np.arange(len(moved)), moved] = reach
    found = np.stack(currents(_draws(names, np.concatenate([origin + step, origin - step]))))
    ways = np.zeros((2, len(names)))
    ways[:, moved] = (found[:, : len(moved)] - found[:, len(moved) :]) / 2
    return ways


def _unit(way: Any) -> Any:
    return way / max(float(np.linalg.norm(way)), 1e-300)


def spreads_at(currents: Currents, names: Sequence[str], k: float, corner_sigmas: float) -> tuple[Any, Any, Any]:
    """Return the states' currents on a nominal chip and on a slow one, and their sigmas there: (low, high) each."""
    die = [i for i, name in enumerate(names) if name.startswith("die.")]
    local = [i for i, name in enumerate(names) if not name.startswith("die.")]
    none = np.zeros(len(names))
    low, high = _ways(currents, names, none, die, corner_sigmas)
    slow = -corner_sigmas * _unit(high - low)
    ways = _ways(currents, names, slow, local, k)
    places = np.stack([none, slow, slow + k * _unit(ways[0]), slow - k * _unit(ways[1])])
    found = np.stack(currents(_draws(names, places)))
    sigma = np.array([found[0, 2] - found[0, 1], found[1, 1] - found[1, 3]]) / k
    return found[:, 0], found[:, 1], sigma


def at_quantile(currents: Currents, names: Sequence[str], node: Node, spread: Spreads, amplifier: Amplifier,
                bias_V: float, error_rate: float, what: object) -> Margin:  # fmt: skip
    """Return the margin of a read that errs at a rate, in either state.

    Args:
        currents: of both states, for arrays of standard normal draws.
        names: of the sources that they draw from, those of a chip starting with `die.`.
        node: the node.
        spread: the spreads.
        amplifier: the amplifier.
        bias_V: across cell and access device.
        error_rate: of a cell's read, between 0 and a half.
        what: names the cell in an error.

    Raises:
        InputError: an error rate of a half or more; or spreads that leave no signal at this rate.
    """
    if not error_rate < 0.5:
        raise InputError(f"{what}: read.error_rate {error_rate:g}: give less than 0.5")
    k = sigmas(error_rate)
    nominal, slow, own = spreads_at(currents, names, k, amplifier.corner_sigmas)
    reference = reference_sigma_A(own, amplifier)
    sigma = np.sqrt(own**2 + reference**2 + (mismatch(node, spread, amplifier, bias_V) * slow) ** 2)
    apart = float(slow[1] - slow[0])
    if not apart > k * sigma.sum() * (1 + 1e-9):
        raise InputError(
            f"{what}: no signal is left at read.error_rate {error_rate:g}, {k:.2f} sigma: both states' currents are "
            f"{apart / sigma.sum():.2f} sigma apart; raise the ratio of the two resistances (TMR, window) or "
            "read.bias_V, lower the spread or sense.residual, or allow a higher error rate"
        )
    low, high = 0.0, apart / k
    for _ in range(80):
        timed = (low + high) / 2
        low, high = (timed, high) if k * np.hypot(sigma, timed).sum() < apart else (low, timed)
    away = k * np.hypot(sigma, low)
    cell = float((k * low) ** 2 / away.max())
    offset = offset_sigma_V(node, spread, amplifier.latch_fins)
    return Margin(cell, float(k * offset * k * low / away.max()), float(nominal[1] - nominal[0]) / 2,
                  float(sigma.mean()), offset, k, float(away[0] / away.sum()))  # fmt: skip


def of_array(amplifier: Amplifier, margin: Margin, path_ohm: float, mean_A: float) -> dict[str, float]:
    """Return what an array that senses by current asks a cell for."""
    asked = {"path_ohm": path_ohm, "sample_s": sample_s(amplifier, mean_A, margin.signal_A)}
    return vars(margin) | vars(amplifier) | vars(margin.figures(amplifier)) | asked
