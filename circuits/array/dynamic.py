"""The columns of cells whose whole open row must be written back: one-transistor DRAM, and gain cells.

Every column has an amplifier; the multiplexers stand behind them. A write to some columns of a row first reads the row.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from circuits.array.choices import ColumnChoices
from circuits.array.organisation import Form
from circuits.array.sensing import BitLine, Columns, one_type, voltage_sensed
from circuits.cells.cell import Cell
from circuits.cells.sense import latch_s
from circuits.devices.node import Node


def _behind(node: Node, cell: Cell, choices: ColumnChoices, at: Form, every: Columns, flip_J: Any) -> Columns:
    """Return columns of which `at.selected` are chosen behind the amplifiers of `every` column.

    A word that is only a part of the row is written by reading the row, and turning over what differs at `flip_J`.
    An organisation fits whose rows are all refreshed within the share of the retention that the cell allows.
    """
    busy_s = at.rows * (every.early_s + every.sense_s + every.write_s)
    pass_m, latch_m = choices.mux_units * node.unit_m, choices.sense_latch_units * node.unit_m
    part = at.muxes > 1
    through_s = np.log(2) * node.resistance(pass_m) * (node.gate_F(latch_m) + node.drain_F(pass_m) * at.muxes)
    through_J = at.selected * (node.gate_F(latch_m) + node.drain_F(pass_m) * at.muxes) * node.vdd_V**2
    mux_m2 = at.columns * np.where(part, 2 * one_type(node, pass_m), 0.0)
    return replace(
        every,
        select_F=at.selected * 2 * node.gate_F(pass_m),
        early_s=every.early_s + every.sense_s,
        sense_s=through_s,
        write_s=every.write_s + np.where(part, every.early_s + every.sense_s, 0.0),
        read_J=every.read_J + through_J,
        write_J=np.where(part, every.read_J + flip_J, every.write_J + every.way_J),
        way_J=0.0,
        leakage_W=every.leakage_W,
        area_m2=every.area_m2 + mux_m2,
        fits=every.fits & (busy_s <= cell.device["busy_share"] * (cell.refresh_s or 0.0)),
    )


def gain_sensed(node: Node, cell: Cell, choices: ColumnChoices, at: Form) -> Columns:
    """Return the columns of a gain cell: read as an SRAM's, but the write word line opens the whole row's cells."""
    one = np.ones_like(at.mux)
    every = voltage_sensed(node, cell, choices, replace(at, mux=one, mux_1=one, mux_2=one))
    written_J = every.write_J + every.way_J
    every = replace(every, restore_J=every.read_J + written_J)
    return _behind(node, cell, choices, at, every, written_J)


def charge_sensed(node: Node, cell: Cell, choices: ColumnChoices, at: Form) -> Columns:
    """Return the columns of a capacitor behind one transistor: it shares its charge with a bit line at Vdd/2.

    The signal is V Cs/(Cs + Cbl), V what a stored one has left above Vdd/2 at the end of its retention; the amplifier
    drives the pair of bit lines apart, and so writes the cell back. An organisation fits whose signal exceeds the
    offset by the margin asked for. Lines return to Vdd/2 by sharing, without charge from the supply.
    """
    line, unit, supply = BitLine.of(node, cell, "local", at.rows), node.unit_m, node.vdd_V
    storage_F, access_ohm = cell.device["storage_F"], cell.device["access_ohm"]
    pass_m, latch_m, charge_m = (
        x * unit for x in (choices.mux_units, choices.sense_latch_units, choices.precharge_units)
    )
    shared_F = storage_F * line.read_F / (storage_F + line.read_F)
    signal_V = cell.read_V * storage_F / (storage_F + line.read_F)
    drive_s = np.log(2) * (2 * node.resistance(pass_m) + line.ohm / 2) * line.write_F
    latch_J = 4 * (node.gate_F(latch_m) + node.drain_F(latch_m)) * supply**2
    swing_J = line.read_F * supply**2 / 2 + cell.set_energy_J
    gates_J = at.columns * 3 * node.gate_F(charge_m) * supply**2
    read_J = at.columns * (swing_J + latch_J) + gates_J
    amplifier_W = node.leak_W((choices.sense_latch_gates / 2) * latch_m)
    amplifier_m2 = node.row_area(latch_m, latch_m, choices.sense_latch_gates) + 3 * one_type(node, charge_m)
    driver_m2 = node.row_area(pass_m, pass_m, choices.write_driver_gates)
    every = Columns(
        0.0,
        2.3 * access_ohm * shared_F + 0.38 * line.ohm * line.read_F,
        latch_s(node, signal_V, choices.sense_latch_units, line.read_F),
        drive_s + cell.write_latency_s,
        read_J,
        read_J,
        0.0,
        at.columns * amplifier_W + at.selected * node.leak_W(pass_m * (1 + node.p_to_n)),
        at.columns * amplifier_m2 + at.selected * driver_m2,
        signal_V >= cell.device["margin"] * cell.device["offset_V"],
        restore_J=read_J,
    )
    flip_J = choices.activity * at.selected * (2 * line.write_F * supply**2 + cell.set_energy_J)
    return _behind(node, cell, choices, at, every, flip_J)
