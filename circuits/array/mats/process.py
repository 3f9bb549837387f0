"""Transistors and wires of a process at one temperature, as the array equations need them."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Process:
    """A planar process at a temperature: SI units, currents and capacitances per metre of gated width.

    `resistance_factor` k gives the switching resistance k Vdd/Ion; `p_to_n` is the width ratio of an inverter.
    """

    feature_m: float
    vdd_V: float
    threshold_V: float
    gate_length_m: float
    gate_F_per_m: float
    junction_F_per_m2: float
    sidewall_F_per_m: float
    channel_F_per_m: float
    oxide_F_per_m2: float
    mobility_n_m2_per_Vs: float
    mobility_p_m2_per_Vs: float
    saturation_n_V: float
    saturation_p_V: float
    p_to_n: float
    resistance_factor: float
    on_n_A_per_m: float
    on_p_A_per_m: float
    off_n_A_per_m: float
    off_p_A_per_m: float

    def resistance(self, width_m: Any) -> Any:
        """Return the switching resistance [ohm] of an N device."""
        return self.resistance_factor * self.vdd_V / (self.on_n_A_per_m * width_m)

    def conductance_n(self, width_m: Any) -> Any:
        """Return the transconductance [S] of an N device: mu Cox/2 W/L min(Vdsat, Vdd - Vth)."""
        drive = min(self.saturation_n_V, self.vdd_V - self.threshold_V)
        return self.mobility_n_m2_per_Vs * self.oxide_F_per_m2 / 2 * width_m / self.gate_length_m * drive

    def conductance_p(self, width_m: Any) -> Any:
        drive = min(self.saturation_p_V, self.vdd_V - self.threshold_V)
        return self.mobility_p_m2_per_Vs * self.oxide_F_per_m2 / 2 * width_m / self.gate_length_m * drive

    @property
    def gain(self) -> float:
        """1/(R gm) of an N device, whatever its width."""
        return 1 / (self.resistance(1.0) * self.conductance_n(1.0))


@dataclass(frozen=True)
class Metal:
    """A metal level at a temperature; `style` says whether it carries repeaters or a low swing."""

    ohm_per_m: float
    F_per_m: float
    pitch_m: float
    style: str = "bare"
