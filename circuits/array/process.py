"""Transistors, drawn gates and wires of a process at one temperature, as the array equations need them."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Layout:
    """How gates are drawn: two rows of devices that fold to a region's height. Lengths in metres.

    A device of a gated width stands `drawn_per_gated` as high: as high as wide if planar, else fins at their pitch.
    """

    drawn_per_gated: float
    gate_m: float
    gate_gap_m: float
    contact_m: float
    well_gap_m: float
    diffusion_gap_m: float
    rail_m: float
    fold_loss_m: float
    gate_region_m: float
    drain_region_m: float


@dataclass(frozen=True)
class Process:
    """A process at a temperature: SI units, currents, capacitances and conductances per metre of gated width.

    Widths are counted in `unit_m`: a feature size, or the gated width of one fin. `resistance_factor` k gives the
    switching resistance k Vdd/Ion; `p_to_n` is the width ratio of an inverter. `drawn` is the layout of a FinFET
    process; a planar one's follows from its feature size and the assumptions.
    """

    feature_m: float
    unit_m: float
    vdd_V: float
    threshold_V: float
    gate_F_per_m: float
    junction_F_per_m2: float
    sidewall_F_per_m: float
    channel_F_per_m: float
    gm_n_S_per_m: float
    gm_p_S_per_m: float
    p_to_n: float
    resistance_factor: float
    on_n_A_per_m: float
    on_p_A_per_m: float
    off_n_A_per_m: float
    off_p_A_per_m: float
    drawn: Layout | None = None

    def resistance(self, width_m: Any) -> Any:
        """Return the switching resistance [ohm] of an N device."""
        return self.resistance_factor * self.vdd_V / (self.on_n_A_per_m * width_m)

    def conductance_n(self, width_m: Any) -> Any:
        """Return the transconductance [S] of an N device."""
        return self.gm_n_S_per_m * width_m

    def conductance_p(self, width_m: Any) -> Any:
        return self.gm_p_S_per_m * width_m

    @property
    def gain(self) -> float:
        """1/(R gm) of an N device, whatever its width."""
        return 1 / (self.resistance(1.0) * self.gm_n_S_per_m)


@dataclass(frozen=True)
class Metal:
    """A metal level at a temperature; `style` says whether it carries repeaters or a low swing."""

    ohm_per_m: float
    F_per_m: float
    pitch_m: float
    style: str = "bare"
