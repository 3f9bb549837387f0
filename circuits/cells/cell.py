"""What an array needs to know of a bit cell, whatever it stores its bit in."""

from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class Cell:
    """A bit cell at a node. Widths are gated widths of transistors; zero where a cell has no such thing.

    The word line of a read (write) drives `read_gate_m` (`write_gate_m`) of gate a cell; the bit line sees
    `read_drain_m` (`write_drain_m`) of drain a cell, shared with the neighbour. Set turns a junction from anti-parallel
    to parallel, reset the opposite; an SRAM cell's two are alike. A cell that senses by current has a
    `read_current_A`, the mean of both states, and a `signal_A`, their half difference; SRAM discharges its bit line
    with `read_current_A`. Energies are of one bit, in the cell and its access devices, without the bit line's charge.
    """

    name: str
    kind: str
    node: str
    width_m: float
    height_m: float
    read_gate_m: float
    write_gate_m: float
    read_drain_m: float
    write_drain_m: float
    word_line_V: float
    bit_line_write_V: float
    read_current_A: float
    signal_A: float
    read_V: float
    write_current_A: float
    leakage_W: float
    sense_latency_s: float
    sense_energy_J: float
    set_latency_s: float
    reset_latency_s: float
    set_energy_J: float
    reset_energy_J: float
    fins: dict[str, int]
    temperature_K: float
    leakage: str
    device: dict[str, float] = field(default_factory=dict)
    works: dict[str, str] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()

    @property
    def area_m2(self) -> float:
        return self.width_m * self.height_m

    @property
    def volatile(self) -> bool:
        return self.kind == "sram"

    def as_dict(self) -> dict[str, Any]:
        """Return the cell as a JSON-able document in SI units."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        found["assumptions"] = list(self.assumptions)
        front = ("name", "kind", "node")
        return {"cell" if k == "name" else k: found.pop(k) for k in front} | {"area_m2": self.area_m2} | found
