"""The row side of a subarray: predecoders, row gates, word-line drivers and the word line."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.array.figures import Figures
from circuits.array.gates import NAND3_EFFORT, Cost, Inverter, chain, steady, wire_delay_s
from circuits.cells.cell import Cell
from circuits.devices.node import Node


@dataclass(frozen=True)
class Layout:
    """Organisations of a subarray: cells along a bit line and a word line, columns an amplifier, drivers' fan-out."""

    rows: Any
    columns: Any
    mux: Any
    fanout: Any

    @property
    def selected(self) -> Any:
        """Bits read or written at a time."""
        return self.columns / self.mux


def rows(node: Node, cell: Cell, figures: Figures, at: Layout, gate_m: float, word_line_V: float) -> Cost:
    """Return opening a row whose word line drives `gate_m` of gate a cell up to `word_line_V`; the cost of all rows.

    Groups of address bits are predecoded; each line of a group runs along the subarray to the row gates, three-input
    NANDs, each of which drives a chain and the word line. Word lines are strapped in an upper metal.
    """
    inverter, strap = Inverter.of(node), node.wires["intermediate"]
    bits = np.maximum(np.ceil(np.log2(at.rows)), 1.0)
    groups = np.ceil(bits / figures.decode_bits)
    lines = 2.0 ** np.minimum(bits, figures.decode_bits)
    line_m = at.rows * cell.height_m
    line_F = strap.F_per_m * line_m + at.rows / lines * inverter.gate_F * NAND3_EFFORT
    before = chain(inverter, line_F, at.fanout)
    along_s = wire_delay_s(strap.ohm_per_m, line_F / line_m, line_m)
    gate_s = steady(inverter.ohm * (inverter.gate_F + 3 * inverter.drain_F) * NAND3_EFFORT, inverter.gain)
    word_m = at.columns * cell.width_m
    word_F = node.wires["local"].F_per_m * word_m + at.columns * node.gate_F(gate_m)
    drive = chain(inverter, word_F, at.fanout, voltage_V=word_line_V)
    across_s = wire_delay_s(strap.ohm_per_m, word_F / word_m, word_m)
    unit = node.unit_m
    return Cost(
        before.delay_s + along_s + gate_s + drive.delay_s + across_s,
        groups * before.energy_J + drive.energy_J,
        at.rows * (drive.leakage_W + node.leak_W(1.5 * unit)) + groups * lines * before.leakage_W,
        at.rows * (drive.area_m2 + node.row_area(unit, unit, 3.0)) + groups * lines * before.area_m2,
    )
