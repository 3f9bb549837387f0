"""One transistor whose gate holds a ferroelectric: its polarisation shifts the threshold."""

import math
from dataclasses import dataclass
from typing import Any

from circuits.cells.cell import Cell
from circuits.cells.keeping import Keeping
from circuits.cells.layout import FinRules, PlanarRules, planar_cell, strip_width
from circuits.cells.margin import at_quantile, nominal_A, of_array
from circuits.cells.resistive import Reading
from circuits.cells.scatter import Device, Draws
from circuits.cells.sense import Amplifier, current_latch_s
from circuits.cells.spread import Spreads, read_spreads
from circuits.cells.states import CHIP, DIE, FILM, ReadPath, film_thresholds, of_threshold
from circuits.data import DataFile
from circuits.devices.node import Node
from circuits.errors import InputError

SOURCES = (*FILM, "cell.threshold", "cell.width", *CHIP, *DIE["fefet"])


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

    def exponent(self, across_V: float) -> float:
        """Return the activation field over the field of a voltage."""
        return self.activation_V_per_m * self.thickness_m / across_V

    def switching_s(self, across_V: float) -> float:
        """Return the pulse [s] that switches: t0 exp(Ea t/V). W. J. Merz, Phys. Rev. 95, 690 (1954)."""
        return self.attempt_s * math.exp(min(self.exponent(across_V), 500.0))


@dataclass(frozen=True)
class Gate:
    """The transistor: width in units, channel length, the low threshold and the slope below it, and gate voltages."""

    units: float
    length_m: float
    low_threshold_V: float
    subthreshold_ideality: float
    read_V: float
    write_V: float
    inhibit_share: float
    path_ohm: float


def read_currents(node: Node, spread: Spreads, film: Film, gate: Gate, bias_V: float,
                  draws: Draws) -> tuple[Any, Any]:  # fmt: skip
    """Return the drain currents [A] of the high and the low threshold, each scattered, at the gate's read voltage."""
    device = Device.draw(node, spread, "cell", gate.units, draws)
    exponent = film.exponent(gate.write_V)
    low_V, high_V = film_thresholds(gate.low_threshold_V, film.window_V, exponent, spread, draws)
    path = ReadPath(gate.read_V, bias_V, gate.path_ohm).drawn(spread, draws)
    low, high = (of_threshold(device, path, v, gate.subthreshold_ideality) for v in (high_V, low_V))
    return low, high


def build(file: DataFile, node: Node) -> Cell:
    """Return the ferroelectric cell that a data file describes, at a node."""
    file.only(("name", "kind", "finfet", "planar", "film", "gate", "read", "sense", "keeping", "spread"))
    film = file.record(Film, "film", file.section("film"))
    gate = file.record(Gate, "gate", file.section("gate"))
    reading = file.record(Reading, "read", file.section("read"))
    amplifier = file.record(Amplifier, "sense", file.section("sense"))
    keeping = file.record(Keeping, "keeping", file.section("keeping"))
    if node.kind == "finfet":
        rules = file.record(FinRules, "finfet", file.section("finfet"))
        width, height = strip_width(node, [round(gate.units)]), rules.gate_pitches * node.gate_pitch_m
    else:
        width, height = planar_cell(node, file.record(PlanarRules, "planar", file.section("planar")))
    gated = gate.units * node.unit_m
    spread, common = read_spreads(file)

    def currents(draws: Draws) -> tuple[Any, Any]:
        return read_currents(node, spread, film, gate, reading.bias_V, draws)

    low, high = nominal_A(currents, SOURCES)
    if high < 1.01 * low:
        raise InputError(f"{file.path}: film: the memory window gives no signal at a read gate of {gate.read_V:g} V")
    mean = (low + high) / 2
    margin = at_quantile(currents, SOURCES, node, spread, amplifier, reading.bias_V, reading.error_rate, file.path)
    line = reading.reference_rows * (node.wires["intermediate"].F_per_m * height + node.drain_F(gated) / 2)
    latency = current_latch_s(node, amplifier, margin.figures(amplifier), mean, margin.signal_A, line)
    pulse = film.switching_s(gate.write_V)
    switched_C = 2 * film.remanent_C_per_m2 * gated * gate.length_m
    return Cell(
        file.text("name"), "fefet", node.name, width, height,
        read_gate_m=gated, write_gate_m=gated, read_drain_m=gated, write_drain_m=gated,
        word_line_V=gate.write_V, bit_line_write_V=gate.inhibit_share * gate.write_V,
        read_current_A=mean, signal_A=margin.signal_A, read_V=reading.bias_V, write_current_A=switched_C / pulse,
        leakage_W=0.0,  # bit and source lines rest at ground
        sense_latency_s=latency,
        sense_energy_J=2 * mean * node.vdd_V * latency + amplifier.sense_capacitance_F * node.vdd_V**2,
        set_latency_s=pulse, reset_latency_s=pulse,
        # current flows only while the polarisation turns over; charging the gate is the word line's
        set_energy_J=switched_C * gate.write_V, reset_energy_J=switched_C * gate.write_V,
        fins={"cell": round(gate.units)}, temperature_K=node.temperature_K, leakage=node.leakage,
        device={"memory_window_V": film.window_V, "low_ohm": reading.bias_V / high, "high_ohm": reading.bias_V / low}
        | of_array(amplifier, margin, gate.path_ohm, mean),
        retention_s=keeping.at(node.temperature_K), endurance_cycles=keeping.endurance_cycles,
        works=file.works | common.works, assumptions=(*file.assumptions, *common.assumptions),
    )  # fmt: skip
