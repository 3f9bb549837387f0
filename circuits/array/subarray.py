"""A subarray: rows of cells behind a row decoder, columns behind multiplexers, sense amplifiers and write drivers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.array.figures import Figures
from circuits.array.gates import NAND3_EFFORT, Inverter, chain, steady, wire_delay_s
from circuits.cells.cell import Cell
from circuits.cells.sense import SenseFigures, integrate_s, latch_s, settle_s
from circuits.devices.node import Node


@dataclass(frozen=True)
class Subarray:
    """A subarray for each organisation: the steps of an access, in order.

    `open` ends when the word line is up, `bit_line` when an SRAM cell has moved its bit line, `select` when a late
    column select has reached the multiplexer, `sense` at data; `write` goes from the open row to a written bit.

    Energies are of one access to this subarray: `open_J` for the row, and for reading or writing its selected columns.
    """

    width_m: Any
    height_m: Any
    cells_m2: Any
    open_read_s: Any
    open_write_s: Any
    bit_line_s: Any
    select_s: Any
    sense_s: Any
    write_s: Any
    open_read_J: Any
    open_write_J: Any
    read_J: Any
    write_J: Any
    leakage_W: Any
    fits: Any


def _row(node: Node, inverter: Inverter, cell: Cell, figures: Figures, rows: Any, columns: Any, fanout: Any,
         gate_m: float, word_line_V: float) -> tuple[Any, Any, Any, Any]:  # fmt: skip
    """Return delay, energy, leakage and area of predecoding, row gates, word-line drivers and the word line."""
    wire = node.wires["local"]
    bits = np.maximum(np.ceil(np.log2(rows)), 1.0)
    groups = np.ceil(bits / figures.decode_bits)
    lines = 2.0 ** np.minimum(bits, figures.decode_bits)
    gate_F = inverter.gate_F * NAND3_EFFORT
    line_m = rows * cell.height_m
    line_F = node.wires["intermediate"].F_per_m * line_m + rows / lines * gate_F
    pre = chain(inverter, line_F, fanout)
    along = wire_delay_s(node.wires["intermediate"].ohm_per_m, line_F / line_m, line_m)
    length = columns * cell.width_m
    load_F = wire.F_per_m * length + columns * node.gate_F(gate_m)
    drive = chain(inverter, load_F, fanout, voltage_V=word_line_V)
    # long word lines run in a strapped upper wire, tapped by the local one
    across = wire_delay_s(node.wires["intermediate"].ohm_per_m, load_F / length, length)
    nand_s = steady(inverter.ohm * (inverter.gate_F + 3 * inverter.drain_F) * NAND3_EFFORT, inverter.gain)
    nand_m = 3 * node.unit_m
    energy = groups * pre.energy_J + drive.energy_J
    leakage = rows * (drive.leakage_W + node.leak_W(nand_m / 2)) + groups * lines * pre.leakage_W
    area = rows * (drive.area_m2 + node.row_area(nand_m / 3, nand_m / 3, 3.0)) + groups * lines * pre.area_m2
    return pre.delay_s + along + nand_s + drive.delay_s + across, energy, leakage, area


def _half(area_m2: Any) -> Any:
    """Return the area of single-type devices: they fill one half of a row."""
    return area_m2 / 2


def build(node: Node, cell: Cell, figures: Figures, rows: Any, columns: Any, mux: Any, fanout: Any) -> Subarray:
    """Return a subarray for every organisation.

    `rows` and `columns` are the cells along a bit line and a word line; `mux` columns share an amplifier, so that
    `columns / mux` bits are read or written at a time; `fanout` is that of the decoder's and the word line's drivers.
    """
    inverter = Inverter.of(node)
    selected = columns / mux
    resistive = not cell.volatile
    wire = node.wires["intermediate" if resistive else "local"]
    bit_m = rows * cell.height_m
    drains = node.drain_F(cell.read_drain_m) * rows / 2
    read_F = wire.F_per_m * bit_m + drains
    write_F = wire.F_per_m * bit_m + node.drain_F(cell.write_drain_m) * rows / 2
    bit_ohm = wire.ohm_per_m * bit_m
    unit = node.unit_m
    if resistive:  # drivers and pass devices of both lines share the path that the cell's write allows for
        device_ohm = figures.write_device_share * cell.device["path_ohm"]
        drive_m = pass_m = 1 / (device_ohm * 4 * node.transconductance(1.0))  # four gm: conductance at small voltage
        write_ohm = 2 * device_ohm
    else:
        drive_m = pass_m = figures.mux_units * unit
        write_ohm = 2 * node.resistance(drive_m)
    mux_F = node.drain_F(pass_m) * mux
    separate = cell.kind == "sot"

    read_row = _row(node, inverter, cell, figures, rows, columns, fanout, cell.read_gate_m,
                    node.vdd_V if separate else cell.word_line_V)  # fmt: skip
    write_row = read_row
    if separate:  # the write word line is another line, with its own gates and drivers
        write_row = _row(node, inverter, cell, figures, rows, columns, fanout, cell.write_gate_m, cell.word_line_V)
    row_W = read_row[2] + (write_row[2] if separate else 0.0)
    row_m2 = read_row[3] + (write_row[3] if separate else 0.0)

    latch_m = figures.sense_latch_units * unit
    select = chain(inverter, columns / mux * 2 * node.gate_F(pass_m), fanout)
    if resistive:
        sense_s, read_J, bit_line_s = _sense_current(node, cell, read_F + mux_F, bit_ohm, selected)
        sense_m2 = node.row_area(latch_m, latch_m, figures.sense_clamp_gates)
        sense_W = node.leak_W(figures.sense_clamp_gates / 2 * latch_m)
        # bit line and source line of a selected column swing to the write supply
        write_J = selected * (2 * write_F * cell.bit_line_write_V**2 + (cell.set_energy_J + cell.reset_energy_J) / 2)
        charge_s = 2.2 * (write_ohm + bit_ohm / 2) * (write_F + mux_F)
        write_s = charge_s + max(cell.set_latency_s, cell.reset_latency_s)
        lines = 3 if separate else 2
        driver_m2 = node.row_area(drive_m, drive_m, 2.0) + node.row_area(0.0, 0.0, figures.write_driver_gates)
        driver_W = node.leak_W(2 * drive_m * (1 + node.p_to_n) / 2)
        column_m2 = lines * _half(node.row_area(pass_m, 0.0, 1.0))
        column_W = 0.0 * rows  # bit and source lines rest at ground
    else:
        discharge = read_F * cell.read_V / cell.read_current_A
        bit_line_s = discharge + 0.38 * bit_ohm * read_F
        load = node.gate_F(latch_m) + mux_F
        latch = latch_s(node, cell.read_V, figures.sense_latch_units, 0.0)
        sense_s = np.log(2) * node.resistance(pass_m) * load + latch
        # every column of the open row discharges, selected or not, and is charged again: precharge is this energy
        swing_V = np.minimum(figures.swing_factor * cell.read_V, node.vdd_V)
        idle_J = columns * read_F * swing_V * node.vdd_V
        precharge_J = columns * 3 * node.gate_F(figures.precharge_units * unit) * node.vdd_V**2
        latch_J = selected * 4 * (node.gate_F(latch_m) + node.drain_F(latch_m)) * node.vdd_V**2
        read_J = idle_J + precharge_J + latch_J
        write_J = (selected * (write_F * node.vdd_V**2 + cell.set_energy_J)
                   + idle_J * (1 - selected / columns) + precharge_J)  # fmt: skip
        write_s = (np.log(2) * (write_ohm + bit_ohm / 2) * (write_F + mux_F)
                   + max(cell.set_latency_s, cell.reset_latency_s))  # fmt: skip
        sense_m2 = node.row_area(latch_m, latch_m, figures.sense_latch_gates)
        sense_W = node.leak_W(figures.sense_latch_gates / 2 * latch_m)
        driver_m2 = node.row_area(drive_m, drive_m, figures.write_driver_gates)
        driver_W = node.leak_W(drive_m * (1 + node.p_to_n))
        precharge_m2 = _half(node.row_area(figures.precharge_units * unit, 0.0, 1.0))
        column_m2 = 3 * precharge_m2 + np.where(mux > 1, 2 * _half(node.row_area(pass_m, 0.0, 1.0)), 0.0)
        column_W = node.leak_W(pass_m) + 0.0 * rows
    control_m2 = node.row_area(0.0, 0.0, figures.control_gates)
    foot_m2 = columns * column_m2 + selected * (sense_m2 + driver_m2) + mux * select.area_m2 + control_m2
    height = rows * cell.height_m + foot_m2 / (columns * cell.width_m)
    width = columns * cell.width_m + row_m2 / (rows * cell.height_m)
    leakage = (rows * columns * cell.leakage_W + row_W + columns * column_W + selected * (sense_W + driver_W)
               + mux * select.leakage_W + node.leak_W(figures.control_gates * unit))  # fmt: skip
    fits = np.ones_like(rows, dtype=bool)
    if resistive:  # four devices and two lines to the far row make up the path
        fits = 2 * bit_ohm <= (1 - 4 * figures.write_device_share) * cell.device["path_ohm"]
    return Subarray(
        width, height, rows * columns * cell.area_m2, read_row[0], write_row[0], bit_line_s,
        select.delay_s, sense_s, write_s, read_row[1], write_row[1], read_J + select.energy_J,
        write_J + select.energy_J, leakage, fits,
    )  # fmt: skip


def _sense_current(node: Node, cell: Cell, line_F: Any, bit_ohm: Any, selected: Any) -> tuple[Any, Any, Any]:
    """Return sense time, energy of all selected columns, and the time before the column select: none, it is first."""
    sense = SenseFigures(
        *(cell.device[k] for k in ("clamp_overdrive_V", "sense_capacitance_F", "offset_V", "latch_fins"))
    )
    sense_s = settle_s(cell.read_current_A, cell.signal_A, sense.clamp_overdrive_V, line_F) + 0.38 * bit_ohm * line_F
    sense_s = sense_s + integrate_s(sense, cell.signal_A)
    sense_s = sense_s + latch_s(node, sense.offset_V, sense.latch_fins, sense.sense_capacitance_F)
    # the cell's branch and the reference's draw the read current from Vdd until the latch has decided
    one_J = 2 * cell.read_current_A * node.vdd_V * sense_s + line_F * cell.read_V * node.vdd_V
    one_J = one_J + 2 * sense.sense_capacitance_F * node.vdd_V**2
    return sense_s, selected * one_J, 0.0 * line_F
