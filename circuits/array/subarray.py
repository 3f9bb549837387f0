"""A subarray: rows of cells behind a row decoder, columns behind multiplexers, sense amplifiers and write drivers."""

from dataclasses import dataclass
from typing import Any

from circuits.array.columns import Columns, current_sensed, voltage_sensed
from circuits.array.dynamic import charge_sensed, gain_sensed
from circuits.array.figures import Figures
from circuits.array.gates import Cost
from circuits.array.row import Layout, rows
from circuits.cells.cell import Cell
from circuits.devices.node import Node


@dataclass(frozen=True)
class Subarray:
    """A subarray for each organisation.

    An access opens a row (`read_row`, or `write_row` where a cell writes through another word line), then goes through
    the columns: bit line, select, sense; or write. Leakage and area are of the whole, both word lines included;
    `refresh_W` is what it takes to read and write back all rows in time, where a cell forgets.
    """

    width_m: Any
    height_m: Any
    cells_m2: Any
    leakage_W: Any
    read_row: Cost
    write_row: Cost
    columns: Columns
    refresh_W: Any


SENSING = {"sram": voltage_sensed, "sram8t": voltage_sensed, "gain": gain_sensed, "edram": charge_sensed}


def build(node: Node, cell: Cell, figures: Figures, at: Layout) -> Subarray:
    """Return a subarray for every organisation in `at`."""
    separate = cell.separate
    read_V = node.vdd_V if separate else cell.word_line_V
    read_row = write_row = rows(node, cell, figures, at, cell.read_gate_m, read_V)
    rows_W, rows_m2 = read_row.leakage_W, read_row.area_m2
    if separate:
        write_row = rows(node, cell, figures, at, cell.write_gate_m, cell.word_line_V)
        rows_W, rows_m2 = rows_W + write_row.leakage_W, rows_m2 + write_row.area_m2
    columns = SENSING.get(cell.kind, current_sensed)(node, cell, figures, at)
    refresh_J = read_row.energy_J + (write_row.energy_J if separate else 0.0) + columns.restore_J
    foot_m2 = columns.area_m2 + node.row_area(0.0, 0.0, figures.control_gates)
    cells_wide_m, cells_high_m = at.columns * cell.width_m, at.rows * cell.height_m
    control_W = node.leak_W(figures.control_gates * node.unit_m)
    return Subarray(
        cells_wide_m + rows_m2 / cells_high_m,
        cells_high_m + foot_m2 / cells_wide_m,
        cells_wide_m * cells_high_m,
        at.rows * at.columns * cell.leakage_W + rows_W + columns.leakage_W + control_W,
        read_row,
        write_row,
        columns,
        at.rows * (refresh_J / cell.refresh_s if cell.refresh_s else 0.0),
    )
