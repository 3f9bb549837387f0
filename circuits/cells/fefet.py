"""One transistor whose gate holds a ferroelectric: its polarisation shifts the threshold."""

import math
from dataclasses import dataclass

from circuits.cells.cell import Cell
from circuits.cells.keeping import Keeping
from circuits.cells.layout import FinRules, PlanarRules, planar_cell, strip_width
from circuits.cells.resistive import Reading, sensing
from circuits.cells.sense import SenseFigures, current_latch_s
from circuits.data import DataFile
from circuits.devices.leakage import BOLTZMANN_V_PER_K
from circuits.devices.node import Node
from circuits.errors import InputError


@dataclass(frozen=True)
class Film:
    """The ferroelectric: polarisation, coercive field, thickness, and its switching against field (Merz's law).

    `window_share` is what charges at the interface and the depolarising field leave of the ideal memory window.
    """

    remanent_C_per_m2: float
    coercive_V_per_m: float
    thickness_m: float
    window_share: float
    activation_V_per_m: float
    attempt_s: float

    @property
    def window_V(self) -> float:
        """Return the distance [V] of the two thresholds: 2 Ec t, times the share."""
        return 2 * self.coercive_V_per_m * self.thickness_m * self.window_share

    def switching_s(self, across_V: float) -> float:
        """Return the pulse [s] that switches: t0 exp(Ea t/V). W. J. Merz, Phys. Rev. 95, 690 (1954)."""
        return self.attempt_s * math.exp(min(self.activation_V_per_m * self.thickness_m / across_V, 500.0))


@dataclass(frozen=True)
class Gate:
    """The transistor: width in units, channel length, the low threshold, slope below it, write and inhibit voltages."""

    units: float
    length_m: float
    low_threshold_V: float
    subthreshold_ideality: float
    write_V: float
    inhibit_share: float
    path_ohm: float


def current(node: Node, gate: Gate, threshold_V: float, bias_V: float) -> float:
    """Return the drain current [A] at a read gate of Vdd, with the threshold moved from the node's."""
    width = gate.units * node.unit_m
    slope = gate.subthreshold_ideality * BOLTZMANN_V_PER_K * node.temperature_K
    below = node.off_current_A_per_m * width * math.exp(
        min((node.vdd_V + node.transistors.threshold_V - threshold_V) / slope, 0.0))  # fmt: skip
    return max(node.current(width, node.vdd_V - threshold_V + node.transistors.threshold_V, bias_V), below)


def build(file: DataFile, node: Node) -> Cell:
    """Return the ferroelectric cell that a data file describes, at a node."""
    file.only(("name", "kind", "finfet", "planar", "film", "gate", "read", "sense", "keeping"))
    film = file.record(Film, "film", file.section("film"))
    gate = file.record(Gate, "gate", file.section("gate"))
    reading = file.record(Reading, "read", file.section("read"))
    sense = file.record(SenseFigures, "sense", file.section("sense"))
    keeping = file.record(Keeping, "keeping", file.section("keeping"))
    if node.kind == "finfet":
        rules = file.record(FinRules, "finfet", file.section("finfet"))
        width, height = strip_width(node, [round(gate.units)]), rules.gate_pitches * node.gate_pitch_m
    else:
        width, height = planar_cell(node, file.record(PlanarRules, "planar", file.section("planar")))
    gated = gate.units * node.unit_m
    high, low = (current(node, gate, gate.low_threshold_V + shift, reading.bias_V) for shift in (0.0, film.window_V))
    if high < 1.01 * low:
        raise InputError(f"{file.path}: film: the memory window gives no signal at a read gate of {node.vdd_V:g} V")
    mean, signal = (low + high) / 2, (high - low) / 2
    line = reading.reference_rows * (node.wires["intermediate"].F_per_m * height + node.drain_F(gated) / 2)
    latency = current_latch_s(node, sense, mean, signal, line)
    pulse = film.switching_s(gate.write_V)
    switched_C = 2 * film.remanent_C_per_m2 * gated * gate.length_m
    return Cell(
        file.text("name"), "fefet", node.name, width, height,
        read_gate_m=gated, write_gate_m=gated, read_drain_m=gated, write_drain_m=gated,
        word_line_V=gate.write_V, bit_line_write_V=gate.inhibit_share * gate.write_V,
        read_current_A=mean, signal_A=signal, read_V=reading.bias_V, write_current_A=switched_C / pulse,
        leakage_W=0.0,  # bit and source lines rest at ground
        sense_latency_s=latency,
        sense_energy_J=2 * mean * node.vdd_V * latency + sense.sense_capacitance_F * node.vdd_V**2,
        set_latency_s=pulse, reset_latency_s=pulse,
        # current flows only while the polarisation turns over; charging the gate is the word line's
        set_energy_J=switched_C * gate.write_V, reset_energy_J=switched_C * gate.write_V,
        fins={"cell": round(gate.units)}, temperature_K=node.temperature_K, leakage=node.leakage,
        device={"memory_window_V": film.window_V, "low_ohm": reading.bias_V / high, "high_ohm": reading.bias_V / low}
        | sensing(sense, gate.path_ohm),
        retention_s=keeping.at(node.temperature_K), endurance_cycles=keeping.endurance_cycles,
        works=file.works, assumptions=tuple(file.assumptions),
    )  # fmt: skip
