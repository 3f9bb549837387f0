"""One transistor, one capacitor: embedded DRAM. A read shares the charge with a bit line, and must write it back."""

import math
from dataclasses import dataclass

from circuits.cells.cell import Cell
from circuits.cells.keeping import Leak, droop_s
from circuits.cells.layout import FinRules, PlanarRules, planar_cell, strip_width
from circuits.cells.sense import latch_s
from circuits.cells.spread import read_spreads
from circuits.data import DataFile
from circuits.devices.node import Node
from circuits.errors import InputError


@dataclass(frozen=True)
class Storage:
    """The capacitor, the least area of a cell that holds it, the share of Vdd it may lose until refreshed,
    and the share of a subarray's time that refresh may take.
    """

    storage_F: float
    least_area_m2: float
    droop_share: float
    busy_share: float


@dataclass(frozen=True)
class Access:
    """The access device: its width in units, its drive against the logic device's, how far its gate is boosted."""

    units: float
    drive_share: float
    word_line_boost_V: float


@dataclass(frozen=True)
class Reading:
    """The amplifier's offset, by how much the signal exceeds it, and the bit line that the bare cell is quoted with."""

    offset_V: float
    margin: float
    latch_fins: float
    reference_rows: float


def build(file: DataFile, node: Node) -> Cell:
    """Return the embedded DRAM cell that a data file describes, at a node."""
    file.only(("name", "kind", "finfet", "planar", "storage", "access", "read", "leak", "spread"))
    storage = file.record(Storage, "storage", file.section("storage"))
    access = file.record(Access, "access", file.section("access"))
    reading = file.record(Reading, "read", file.section("read"))
    leak = file.record(Leak, "leak", file.section("leak"))
    if storage.droop_share >= 0.5:
        raise InputError(f"{file.path}: storage.droop_share: leaves no signal above Vdd/2; give less than 0.5")
    if node.kind == "finfet":
        rules = file.record(FinRules, "finfet", file.section("finfet"))
        width, height = strip_width(node, [round(access.units)]), rules.gate_pitches * node.gate_pitch_m
    else:
        width, height = planar_cell(node, file.record(PlanarRules, "planar", file.section("planar")))
    grown = math.sqrt(max(storage.least_area_m2 / (width * height), 1.0))
    width, height = width * grown, height * grown
    gate, supply = access.units * node.unit_m, node.vdd_V
    ohm = node.resistance(gate) / access.drive_share
    left_V = (0.5 - storage.droop_share) * supply
    leak_A, (spread, common) = leak.at(node.temperature_K), read_spreads(file)
    weakest = leak.weakest(node, spread, gate)  # over the nominal cell's, whose leakage the chip's sum is made of
    retention = droop_s(storage.storage_F, storage.droop_share * supply, leak_A)
    line = reading.reference_rows * (node.wires["local"].F_per_m * height + node.drain_F(gate) / 2)
    shared = storage.storage_F * line / (storage.storage_F + line)
    signal = left_V * storage.storage_F / (storage.storage_F + line)
    restore = math.log(10) * ohm * storage.storage_F  # to a tenth of the way
    charge_J = storage.storage_F * supply**2 / 2  # a one in two takes C V^2 from the supply
    sense = math.log(10) * ohm * shared + float(latch_s(node, signal, reading.latch_fins, line))
    return Cell(
        file.text("name"), "edram", node.name, width, height,
        read_gate_m=gate, write_gate_m=gate, read_drain_m=gate, write_drain_m=gate,
        word_line_V=supply + access.word_line_boost_V, bit_line_write_V=supply,
        read_current_A=left_V / ohm, signal_A=left_V / ohm, read_V=left_V, write_current_A=supply / ohm,
        leakage_W=leak_A / weakest * supply,
        sense_latency_s=sense, sense_energy_J=line * supply**2 / 2 + charge_J,
        set_latency_s=restore, reset_latency_s=restore, set_energy_J=charge_J, reset_energy_J=charge_J,
        fins={"access": round(access.units)}, temperature_K=node.temperature_K, leakage=node.leakage,
        device={"storage_F": storage.storage_F, "access_ohm": ohm, "offset_V": reading.offset_V,
                "margin": reading.margin, "signal_V": signal, "write_back_s": restore,
                "busy_share": storage.busy_share, "hold_s": retention * weakest},
        retention_s=retention, refresh_s=retention,
        works=file.works | common.works, assumptions=(*file.assumptions, *common.assumptions),
    )  # fmt: skip
