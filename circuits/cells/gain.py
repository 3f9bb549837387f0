"""Gain cells: a write device, a storage device whose gate holds the charge, and with three transistors a read device.

A read discharges a line of its own through the storage device, and does not spend the bit; the charge leaks away.
"""

import math
from dataclasses import dataclass

from circuits.cells.cell import Cell
from circuits.cells.keeping import Leak, droop_s
from circuits.cells.layout import FinRules, PlanarRules, planar_cell, strip_width
from circuits.cells.spread import read_spreads
from circuits.cells.sram import Limits
from circuits.data import DataFile
from circuits.devices.node import Node
from circuits.errors import InputError


@dataclass(frozen=True)
class Widths:
    """Widths in units of the smallest device; without `read` the cell has two, and is read by its source."""

    write: float
    store: float
    read: float = 0.0


@dataclass(frozen=True)
class Storage:
    """What the wires add to the storage gate, how much of Vdd may leak away, how far the write gate is boosted, and the
    share of a subarray's time that refresh may take.
    """

    extra_F: float
    droop_share: float
    word_line_boost_V: float
    busy_share: float


def series_current(node: Node, read_m: float, store_m: float, stored_V: float) -> float:
    """Return the current [A] of a read device in series with a storage device whose gate is at `stored_V`."""
    if not read_m:
        return node.current(store_m, stored_V, node.vdd_V)
    low, high = 0.0, node.vdd_V
    for _ in range(60):
        middle = (low + high) / 2
        through = node.current(read_m, node.vdd_V - middle, node.vdd_V - middle)
        low, high = (middle, high) if through > node.current(store_m, stored_V, middle) else (low, middle)
    return node.current(store_m, stored_V, low)


def build(file: DataFile, node: Node) -> Cell:
    """Return the gain cell that a data file describes, at a node; its read is that of a cell about to be refreshed.

    Without a read device the read word line drives the storage device's source: it feels a drain in place of a gate.
    """
    file.only(("name", "kind", "finfet", "planar", "storage", "read", "leak", "spread"))
    part = dict(file.section(node.kind))
    widths = file.record(Widths, f"{node.kind}.widths", part.pop("widths", {}))
    if node.kind == "finfet":
        rules = file.record(FinRules, "finfet", part)
        strips = [round(widths.write), round(max(widths.store, widths.read))]
        width, height = strip_width(node, strips), rules.gate_pitches * node.gate_pitch_m
    else:
        width, height = planar_cell(node, file.record(PlanarRules, "planar", part))
    storage = file.record(Storage, "storage", file.section("storage"))
    limits = file.record(Limits, "read", file.section("read"))
    leak = file.record(Leak, "leak", file.section("leak"))
    write, store, read = (w * node.unit_m for w in (widths.write, widths.store, widths.read))
    supply = node.vdd_V
    held_F = storage.extra_F + node.gate_F(store) + node.drain_F(write)
    current = series_current(node, read, store, (1 - storage.droop_share) * supply)
    if current <= 0:
        raise InputError(f"{file.path}: storage.droop_share: leaves no read current; give less")
    leak_A, (spread, common) = leak.at(node.temperature_K), read_spreads(file)
    weakest = leak.weakest(node, spread, write)  # over the nominal cell's, whose leakage the chip's sum is made of
    retention = droop_s(held_F, storage.droop_share * supply, leak_A)
    fill = math.log(10) * node.resistance(write) * held_F
    port = read or store
    line = limits.reference_rows * (node.wires["local"].F_per_m * height + node.drain_F(port) / 2)
    charge_J = held_F * supply**2 / 2
    return Cell(
        file.text("name"), "gain", node.name, width, height,
        read_gate_m=read or store * node.drain_F(1.0) / node.gate_F(1.0), write_gate_m=write,
        read_drain_m=port, write_drain_m=write,
        word_line_V=supply + storage.word_line_boost_V, bit_line_write_V=supply,
        read_current_A=current, signal_A=current, read_V=limits.sense_swing_V,
        write_current_A=supply / node.resistance(write),
        # half the cells hold a one, and their read device is off
        leakage_W=leak_A / weakest * supply + node.leak_W(port) / 2,
        sense_latency_s=line * limits.sense_swing_V / current, sense_energy_J=line * supply * limits.sense_swing_V,
        set_latency_s=fill, reset_latency_s=fill, set_energy_J=charge_J, reset_energy_J=charge_J,
        fins={name: round(units) for name, units in vars(widths).items() if units},
        temperature_K=node.temperature_K, leakage=node.leakage,
        device={"storage_F": held_F, "busy_share": storage.busy_share, "hold_s": retention * weakest,
                "storage_leak_W": leak_A / weakest * supply},
        retention_s=retention, refresh_s=retention,
        works=file.works | common.works, assumptions=(*file.assumptions, *common.assumptions),
    )  # fmt: skip
