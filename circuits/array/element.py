"""A bit cell as the older tool's cell files give it: measured resistances, currents, pulses and energies."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from circuits.array.assumptions import Assumptions
    from circuits.array.organisation import Form
    from circuits.array.process import Metal, Process
    from circuits.array.subarray import Subarray


@dataclass(frozen=True)
class Pulse:
    """How a state is written: by a voltage or a current, for how long, at what energy (0: from the other three)."""

    by_voltage: bool
    V: float
    A: float
    s: float
    J: float

    def energy_J(self, supply_V: float, on_ohm: float, drop_V: float, other_V: float) -> float:
        """Return the energy of one bit; `other_V` is the RESET voltage, which decides for both pulses."""
        if self.J:
            return self.J
        if self.by_voltage:
            return abs(self.V) * (abs(self.V) - drop_V) / on_ohm * self.s
        return (abs(self.V) if other_V else supply_V) * abs(self.A) * self.s


@dataclass(frozen=True)
class Element:
    """A bit cell: sizes in feature sizes, the rest in SI units; zero where a cell has no such thing.

    `kind` is SRAM, MRAM, PCRAM or memristor; `access` is CMOS or none (a cross-point cell).
    """

    kind: str
    width_features: float
    height_features: float
    access: str
    access_features: float
    pull_down_features: float
    pull_up_features: float
    on_ohm: float
    off_ohm: float
    write_ohm: float
    half_select_ohm: float
    own_F: float
    drop_V: float
    access_leak_A: float
    voltage_sensed: bool
    read_V: float
    read_A: float
    read_W: float
    sense_V: float
    reset: Pulse
    set: Pulse

    @property
    def volatile(self) -> bool:
        return self.kind == "SRAM"

    def reading_W(self, supply_V: float) -> float:
        """Return the power of the cell while it is read: given, or Vdd times the current through it."""
        if self.read_W:
            return self.read_W
        if self.voltage_sensed and not self.read_V:
            return supply_V * self.read_A
        series = (self.on_ohm * self.off_ohm) ** 0.5 if self.voltage_sensed else 0.0
        return supply_V * (self.read_V - self.drop_V) / (self.on_ohm + series)

    def set_J(self, supply_V: float) -> float:
        ohm = self.write_ohm if self.kind == "memristor" and self.access != "CMOS" else self.on_ohm
        return self.set.energy_J(supply_V, ohm, self.drop_V, self.reset.V)

    def reset_J(self, supply_V: float) -> float:
        ohm = self.write_ohm if self.kind == "memristor" and self.access != "CMOS" else self.on_ohm
        return self.reset.energy_J(supply_V, ohm, self.drop_V, self.reset.V)

    def subarray(self, process: "Process", given: "Assumptions", local: "Metal", at: "Form",
                 ramp_of: Callable[[Any, Any], Any]) -> "Subarray":  # fmt: skip
        from circuits.array.described import build

        return build(process, given, self, local, at, ramp_of)

    def most_rows(self, process: "Process") -> float:
        from circuits.array.described import most_rows

        return most_rows(process, self)
