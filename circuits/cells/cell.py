"""What an array needs to know of a bit cell, whatever it stores its bit in."""

from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class Cell:
    """A bit cell at a node. Widths are gated widths of transistors; zero where a cell has no such thing.

    The word line of a read (write) drives `read_gate_m` (`write_gate_m`) of gate a cell; the bit line sees
    `read_drain_m` (`write_drain_m`) of drain a cell, shared with the neighbour. Set takes a cell from high to low
    resistance, reset the opposite; a cell that stores charge has two alike. A cell that senses by current has a
    `read_current_A`, the mean of both states, and a `signal_A`, what the weakest cell that its read's error rate allows
    has beyond the reference; `device["half_difference_A"]` is the nominal cell's. One that senses by voltage
    discharges its bit line with `read_current_A`; one that senses by charge shares `device["storage_F"]` with it.
    Energies are of one bit, in the cell and its access devices, without the bit line's charge.

    `retention_s` is None where a powered cell keeps its bit for ever, `endurance_cycles` where writing wears nothing
    out (or no figure is given); a cell with `refresh_s` has every row read and written back so often.
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
    retention_s: float | None = None
    endurance_cycles: float | None = None
    refresh_s: float | None = None
    works: dict[str, str] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()

    @property
    def area_m2(self) -> float:
        return self.width_m * self.height_m

    @property
    def volatile(self) -> bool:
        return self.kind in ("sram", "sram8t", "edram", "gain")

    @property
    def separate(self) -> bool:
        """Whether a read and a write open a row with word lines, or word-line drivers, of their own."""
        return self.kind in ("sot", "sram8t", "gain", "fefet")

    @property
    def destructive(self) -> bool:
        """Whether a read spends the bit, and writes it back."""
        return self.kind == "edram"

    @property
    def write_latency_s(self) -> float:
        """The later of set and reset; their sum where a row of cells shares its gate, whose sign decides."""
        if self.kind == "fefet":
            return self.set_latency_s + self.reset_latency_s
        return max(self.set_latency_s, self.reset_latency_s)

    def as_dict(self) -> dict[str, Any]:
        """Return the cell as a JSON-able document in SI units."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        found["assumptions"] = list(self.assumptions)
        found["retention_s"] = self.device.get("retention_s") if self.retention_s is None else self.retention_s
        found |= {"destructive_read": self.destructive, "write_latency_s": self.write_latency_s}
        front = ("name", "kind", "node")
        return {"cell" if k == "name" else k: found.pop(k) for k in front} | {"area_m2": self.area_m2} | found
