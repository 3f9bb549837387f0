"""The spin-orbit write line: resistance, critical current and switching time of a free layer on a heavy metal."""

import math
from dataclasses import dataclass

from circuits.devices.junction import ELECTRON_C, GAMMA_RAD_PER_TS, HBAR_JS, Junction


@dataclass(frozen=True)
class WriteLine:
    """Figures of the heavy-metal line under the junction."""

    width_m: float
    thickness_m: float
    length_m: float
    resistivity_ohm_m: float
    spin_hall_angle: float
    in_plane_field_T: float
    edge_s: float

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
    """Return the critical current: (2e/hbar) (Ms t/theta) (mu0 Hk/2 - mu0 Hx/sqrt 2) over the line's section.

    K.-S. Lee et al., Appl. Phys. Lett. 102, 112410 (2013).
    """
    field = junction.anisotropy_T / 2 - line.in_plane_field_T / math.sqrt(2)
    return _moment_per_spin(line, junction) * max(field, 0.0) * line.section_m2


def switching_s(line: WriteLine, junction: Junction, current_A: float) -> float:
    """Return the pulse [s] that switches: two edges, and the time to carry the free layer's angular momentum.

    The spin current above threshold must bring the momentum Ms t / gamma to every area of the layer; infinite at or
    below the critical current.
    """
    excess = (current_A - critical_A(line, junction)) / line.section_m2
    if excess <= 0:
        return math.inf
    return 2 * line.edge_s + _moment_per_spin(line, junction) / GAMMA_RAD_PER_TS / excess
