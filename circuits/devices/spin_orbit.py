"""The spin-orbit write line: resistance, critical current and switching time of a free layer on a heavy metal."""

import bisect
import csv
import functools
import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from circuits.devices.junction import ELECTRON_C, GAMMA_RAD_PER_TS, HBAR_JS, Junction

if TYPE_CHECKING:
    from circuits.devices.spin.macrospin import Macrospin

TABLE = Path(__file__).parent / "spin" / "spin_orbit_pulses.csv"
LEAST_RARE = 0.05  # the error rate that the table starts from
AXES = ("over_threshold", "field", "stability")


@dataclass(frozen=True)
class WriteLine:
    """Figures of the heavy-metal line under the junction; the ratio is field-like over damping-like torque."""

    width_m: float
    thickness_m: float
    length_m: float
    resistivity_ohm_m: float
    spin_hall_angle: float
    in_plane_field_T: float
    field_like_ratio: float
    rise_s: float
    fall_s: float

    @property
    def section_m2(self) -> float:
        return self.width_m * self.thickness_m

    @property
    def resistance_ohm(self) -> float:
        return self.resistivity_ohm_m * self.length_m / self.section_m2


def _moment_per_spin(line: WriteLine, junction: Junction) -> float:
    """Return current density over field [A/m2/T] that the damping-like torque balances: (2e/hbar) Ms t / theta."""
    sheet = junction.saturation_A_per_m * junction.free_layer_m
    return 2 * ELECTRON_C / HBAR_JS * sheet / line.spin_hall_angle


def critical_A(line: WriteLine, junction: Junction) -> float:
    """Return the critical current of the damping-like torque: (2e/hbar) (Ms t/theta) (mu0 Hk/2 - mu0 Hx/sqrt 2) A.

    K.-S. Lee et al., Appl. Phys. Lett. 102, 112410 (2013).
    """
    field = junction.anisotropy_T / 2 - line.in_plane_field_T / math.sqrt(2)
    return _moment_per_spin(line, junction) * max(field, 0.0) * line.section_m2


def _torque_T(line: WriteLine, junction: Junction, current_A: float) -> float:
    return current_A / line.section_m2 / _moment_per_spin(line, junction)


def macrospin(line: WriteLine, junction: Junction, current_A: float, temperature_K: float) -> "Macrospin":
    """Return the free layer, starting up, under a current whose torque and in-plane field turn it down.

    Current and field run along x, the spins point along -y; the field-like torque acts as a field along them, the sign
    that helps the write.
    """
    from circuits.devices.spin.macrospin import Macrospin

    torque = _torque_T(line, junction, current_A)
    return Macrospin(junction.anisotropy_T, junction.damping, junction.stability(temperature_K), (0.0, -torque, 0.0),
                     (0.0, -line.field_like_ratio * torque, 0.0), (line.in_plane_field_T, 0.0, 0.0))  # fmt: skip


@functools.cache
def _table() -> tuple[list[list[float]], dict[tuple[float, ...], tuple[float, float]]]:
    """Return the table's three axes, and offset and slope at every point of them."""
    rows = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines()))
    points = {tuple(float(row[axis]) for axis in AXES): (float(row["offset"]), float(row["slope"])) for row in rows}
    return [sorted({point[n] for point in points}) for n in range(len(AXES))], points


def _between(axis: list[float], value: float) -> list[tuple[float, float]]:
    """Return the axis points either side of a value and their weights; beyond its ends the last point holds."""
    value = min(max(value, axis[0]), axis[-1])
    k = min(max(bisect.bisect_right(axis, value), 1), len(axis) - 1)
    part = (value - axis[k - 1]) / (axis[k] - axis[k - 1])
    return [(axis[k - 1], 1 - part), (axis[k], part)]


def switching_s(line: WriteLine, junction: Junction, current_A: float, error_rate: float,
                temperature_K: float) -> float:  # fmt: skip
    """Return the pulse [s], at half its height, that leaves a write-error rate; infinite where none does.

    Interpolated in a table of stochastic trajectories, w = (a + b ln(1/WER)) / (gamma Bk), against the torque over the
    threshold, the in-plane field over Bk, and Delta. `benchmarks/circuits/spin_orbit_table.py` makes it, for a
    field-like torque as large as the damping-like one, damping 0.012, edges of 50 and 150 ps at Bk = 0.26 T. Counted
    down to 1e-4, carried on in a straight line beyond; trajectories of the shipped cell err 0.4 to 0.85 times as often
    as asked at 1e-2 and 1e-3, and less than half as often at 1e-5. No pulse is sure below the critical current, nor at
    a small field far above it, where the spin comes to rest on either side.
    """
    axes, points = _table()
    field = junction.anisotropy_T
    over = current_A / critical_A(line, junction) if critical_A(line, junction) > 0 else math.inf
    if over < axes[0][0]:
        return math.inf
    place = (over, line.in_plane_field_T / field, junction.stability(temperature_K))
    sides = [_between(axis, at) for axis, at in zip(axes, place, strict=True)]
    time = 0.0
    for corner in itertools.product(*sides):
        offset, slope = points[tuple(at for at, _ in corner)]
        weight = math.prod(part for _, part in corner)
        if weight > 0:
            time += weight * (offset - slope * math.log(min(error_rate, LEAST_RARE)))
    return time / (GAMMA_RAD_PER_TS * field) + (line.fall_s - line.rise_s) / 2
