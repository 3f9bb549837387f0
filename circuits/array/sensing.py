"""The columns of designed cells: bit lines, multiplexers, sense amplifiers, write drivers; by voltage or by current."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.array.choices import ColumnChoices
from circuits.array.gates import LEAKING
from circuits.array.organisation import Form
from circuits.cells.cell import Cell
from circuits.cells.sense import SenseFigures, integrate_s, latch_s, settle_s
from circuits.devices.node import Node


@dataclass(frozen=True)
class Columns:
    """What all columns cost. Energies are of one access; `fits` is false where a far cell could not be written or read.

    A line that selects columns is loaded by `select_F`. What `early_s` holds may happen before they are selected, bit
    lines that move; `sense_s` follows. A write costs `write_J` whatever it drives, and `way_J` for the columns that it
    drives. `restore_J` is of reading every column and writing it back: a refresh.
    """

    select_F: Any
    early_s: Any
    sense_s: Any
    write_s: Any
    read_J: Any
    write_J: Any
    way_J: Any
    leakage_W: Any
    area_m2: Any
    fits: Any
    restore_J: Any = 0.0


@dataclass(frozen=True)
class BitLine:
    """A bit line: capacitance as a read and as a write sees it, and resistance."""

    read_F: Any
    write_F: Any
    ohm: Any

    @classmethod
    def of(cls, node: Node, cell: Cell, level: str, rows: Any) -> "BitLine":
        """Return the line in a metal level; two neighbours share a drain contact, so each brings half a drain."""
        wire, length = node.wires[level], rows * cell.height_m
        widths = (cell.read_drain_m, cell.write_drain_m)
        drains = [(node.drain_F(m) + node.drain_end_F) * rows / 2 for m in widths]
        return cls(wire.F_per_m * length + drains[0], wire.F_per_m * length + drains[1], wire.ohm_per_m * length)


def one_type(node: Node, width_m: float) -> Any:
    """Return the area of a device whose complement is absent: it fills half a row."""
    return node.row_area(width_m, 0.0, 1.0) / 2


def voltage_sensed(node: Node, cell: Cell, choices: ColumnChoices, at: Form) -> Columns:
    """Return the columns of a cell that discharges a precharged pair of bit lines: SRAM.

    Every column of the open row discharges, selected or not, and is charged again, by `swing_factor` times the sense
    swing; a written column swings fully. Amplifiers stand behind the first multiplexer, the others behind them.
    """
    line, unit, supply = BitLine.of(node, cell, "local", at.rows), node.unit_m, node.vdd_V
    pass_m, latch_m, charge_m = (
        x * unit for x in (choices.mux_units, choices.sense_latch_units, choices.precharge_units)
    )
    behind, sensed = at.mux_1 * at.mux_2, at.columns // at.mux
    mux_F = node.drain_F(pass_m) * at.mux
    weak_A = cell.device.get("weak_current_A", cell.read_current_A)
    discharge_s = line.read_F * cell.read_V / weak_A + 0.38 * line.ohm * line.read_F
    share_s = np.log(2) * node.resistance(pass_m) * (node.gate_F(latch_m) + mux_F)
    latch_s_ = latch_s(node, cell.read_V, choices.sense_latch_units)
    swing_V = min(choices.swing_factor * cell.read_V, supply)
    idle_J = at.columns * line.read_F * swing_V * supply
    precharge_J = at.columns * 3 * node.gate_F(charge_m) * supply**2
    latch_J = sensed * 4 * (node.gate_F(latch_m) + node.drain_F(latch_m)) * supply**2
    out_s = np.where(behind > 1, np.log(2) * node.resistance(pass_m) * node.drain_F(pass_m) * (behind + 1), 0.0)
    written_J = at.selected * (line.write_F * supply**2 + cell.set_energy_J)
    drive_s = np.log(2) * (2 * node.resistance(pass_m) + line.ohm / 2) * (line.write_F + mux_F)
    amplifier_W = node.leak_W(choices.sense_latch_gates / 2 * latch_m) + node.leak_W(pass_m * (1 + node.p_to_n))
    amplifier_m2 = node.row_area(latch_m, latch_m, choices.sense_latch_gates)
    driver_m2 = node.row_area(pass_m, pass_m, choices.write_driver_gates)
    column_m2 = 3 * one_type(node, charge_m) + np.where(at.muxes > 1, 2 * one_type(node, pass_m), 0.0)
    return Columns(
        at.selected * 2 * node.gate_F(pass_m),
        discharge_s + np.where(behind > 1, latch_s_ + share_s, 0.0),
        np.where(behind > 1, out_s, latch_s_ + share_s),
        drive_s + cell.write_latency_s,
        idle_J + precharge_J + latch_J,
        idle_J + precharge_J,
        written_J - idle_J / at.muxes,
        at.columns * node.leak_W(pass_m) + sensed * amplifier_W,
        at.columns * column_m2 + sensed * amplifier_m2 + at.selected * driver_m2,
        np.ones_like(at.rows, dtype=bool),
    )


def far_ohm(node: Node, cell: Cell, choices: ColumnChoices, rows: Any) -> tuple[Any, float]:
    """Return the resistance [ohm] of bit and source line to the farthest row of a resistive cell, and the most that
    leaves the write path's devices their share.
    """
    line = BitLine.of(node, cell, "intermediate", rows)
    return 2 * line.ohm, (1 - 4 * choices.write_device_share) * cell.device["path_ohm"]


def current_sensed(node: Node, cell: Cell, choices: ColumnChoices, at: Form) -> Columns:
    """Return the columns of a resistive cell: selected first, then clamped and sensed; written by its own drivers.

    Drivers and pass devices of bit and source line are as wide as the write path that the cell was designed for asks;
    the lines to the farthest row must leave them their share. Unselected columns rest at ground and cost nothing.
    """
    line, unit = BitLine.of(node, cell, "intermediate", at.rows), node.unit_m
    path_ohm = cell.device["path_ohm"]
    device_ohm = choices.write_device_share * path_ohm
    pass_m = 1 / (device_ohm * 4 * node.transconductance(1.0))  # four gm: the conductance at small voltage
    latch_m = choices.sense_latch_units * unit
    mux_F = node.drain_F(pass_m) * at.muxes
    sense_s, sense_J = _sense(node, cell, line.read_F + mux_F, line.ohm)
    # bit line and source line of a selected column swing to the write supply
    bit_J = 2 * line.write_F * cell.bit_line_write_V**2 + (cell.set_energy_J + cell.reset_energy_J) / 2
    charge_s = 2.2 * (2 * device_ohm + line.ohm / 2) * (line.write_F + mux_F)
    amplifier_W = node.leak_W(choices.sense_clamp_gates / 2 * latch_m)
    driver_W = node.leak_W(2 * pass_m * (1 + node.p_to_n) * LEAKING)
    amplifier_m2 = node.row_area(latch_m, latch_m, choices.sense_clamp_gates)
    driver_m2 = node.row_area(pass_m, pass_m, 2.0) + node.row_area(0.0, 0.0, choices.write_driver_gates)
    ohm, most_ohm = far_ohm(node, cell, choices, at.rows)
    lines = 3 if cell.kind == "sot" else 2  # a spin-orbit cell reads through a third line
    return Columns(
        at.selected * 2 * node.gate_F(pass_m),
        np.zeros(np.shape(at.rows)),
        sense_s,
        charge_s + cell.write_latency_s,
        at.selected * sense_J,
        0.0,
        at.selected * bit_J,
        at.selected * (amplifier_W + driver_W),
        at.columns * lines * one_type(node, pass_m) + at.selected * (amplifier_m2 + driver_m2),
        ohm <= most_ohm,
    )


def _sense(node: Node, cell: Cell, line_F: Any, line_ohm: Any) -> tuple[Any, Any]:
    """Return time and energy of sensing one bit by current."""
    names = ("clamp_overdrive_V", "sense_capacitance_F", "offset_V", "latch_fins")
    sense = SenseFigures(*(cell.device[name] for name in names))
    time_s = settle_s(cell.read_current_A, cell.signal_A, sense.clamp_overdrive_V, line_F) + 0.38 * line_ohm * line_F
    time_s = time_s + integrate_s(sense, cell.signal_A) + cell.device["sample_s"]
    time_s = time_s + latch_s(node, sense.offset_V, sense.latch_fins, sense.sense_capacitance_F)
    # the cell's branch and the reference's draw the read current from Vdd until the latch has decided
    drawn_J = 2 * cell.read_current_A * node.vdd_V * time_s + line_F * cell.read_V * node.vdd_V
    return time_s, drawn_J + 2 * sense.sense_capacitance_F * node.vdd_V**2
