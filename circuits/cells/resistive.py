"""One transistor and a resistance: a filament in an oxide (ReRAM), or a phase-change element (PCM).

A cell is designed: the fewest fins that pass the write currents beside what the element and the path take.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from circuits.cells.cell import Cell
from circuits.cells.keeping import Keeping
from circuits.cells.layout import AccessRules, FinRules, access_cell, strip_width
from circuits.cells.margin import at_quantile, mean_A, of_array
from circuits.cells.scatter import Device, Draws
from circuits.cells.sense import Amplifier, current_latch_s
from circuits.cells.spread import Spreads, read_spreads
from circuits.cells.states import CHIP, DIE, RESISTANCE, ReadPath, of_resistances
from circuits.data import DataFile
from circuits.devices.node import Node
from circuits.errors import InputError

MOST_UNITS = 64
SOURCES = (*RESISTANCE, "access.threshold", "access.width", *CHIP, *DIE["reram"])


@dataclass(frozen=True)
class Element:
    """Medians of the two states' resistances at the read bias, and the least distance between two elements."""

    low_ohm: float
    high_ohm: float
    pitch_m: float


@dataclass(frozen=True)
class Filament:
    """A filament: it grows to the resistance that its compliance current allows, V = I R; that current breaks it."""

    compliance_V: float
    set_V: float
    reset_V: float
    set_pulse_s: float
    reset_pulse_s: float
    tries: float


@dataclass(frozen=True)
class Melt:
    """A phase change: a current density melts it; a share of it, for longer, crystallises it; V = hold + I R."""

    contact_diameter_m: float
    reset_A_per_m2: float
    set_share: float
    hold_V: float
    dynamic_ohm: float
    set_pulse_s: float
    reset_pulse_s: float
    tries: float


@dataclass(frozen=True)
class Access:
    """The access device and its supplies; a thick oxide drives `drive_share` of what the logic device does.

    `path_ohm` is what drivers and lines of the array may add; `current_margin` lets a weak device still write.
    """

    word_line_V: float
    bit_line_V: float
    drive_share: float
    path_ohm: float
    current_margin: float
    design_temperature_K: float


@dataclass(frozen=True)
class Reading:
    """Bias across cell and access device, the bit line that the bare cell's figures are quoted with, and how often a
    read may err.
    """

    bias_V: float
    reference_rows: float
    error_rate: float


@dataclass(frozen=True)
class Pulse:
    """A write pulse: the element's current and voltage, its time, and whether the element stands at the source."""

    current_A: float
    across_V: float
    time_s: float
    at_source: bool


def pulses(file: DataFile, kind: str, element: Element) -> tuple[Pulse, Pulse, dict[str, float]]:
    """Return the set pulse, the reset pulse and what else they rest on; times include the tries."""
    if kind == "reram":
        film = file.record(Filament, "filament", file.section("filament"))
        current_A = film.compliance_V / element.low_ohm
        to_low = Pulse(current_A, film.set_V, film.set_pulse_s * film.tries, at_source=False)
        to_high = Pulse(current_A, film.reset_V, film.reset_pulse_s * film.tries, at_source=True)
        return to_low, to_high, {"tries": film.tries}
    melt = file.record(Melt, "melt", file.section("melt"))
    reset_A = melt.reset_A_per_m2 * math.pi / 4 * melt.contact_diameter_m**2
    both = [
        Pulse(current_A, melt.hold_V + current_A * melt.dynamic_ohm, time_s * melt.tries, at_source=False)
        for current_A, time_s in ((melt.set_share * reset_A, melt.set_pulse_s), (reset_A, melt.reset_pulse_s))
    ]
    return both[0], both[1], {"tries": melt.tries}


def width_units(node: Node, access: Access, writes: tuple[Pulse, Pulse], what: object) -> int:
    """Return the fewest units of width that pass both pulses' currents, margin included, at the design temperature."""
    corner = replace(node, temperature_K=access.design_temperature_K)
    for units in range(1, MOST_UNITS + 1):
        width = units * node.unit_m * access.drive_share
        passed = []
        for pulse in writes:
            current_A = pulse.current_A * access.current_margin
            gate = access.word_line_V - (pulse.across_V if pulse.at_source else 0.0)
            drain = access.bit_line_V - pulse.across_V - current_A * access.path_ohm
            passed.append(corner.current(width, gate, drain) >= current_A)
        if all(passed):
            return units
    raise InputError(f"{what}: access.bit_line_V: {MOST_UNITS} fins do not pass the write currents; raise the supplies")


def geometry(file: DataFile, node: Node, units: int, pitch_m: float) -> tuple[float, float]:
    if node.kind == "finfet":
        height = file.record(FinRules, "finfet", file.section("finfet")).gate_pitches * node.gate_pitch_m
        width = strip_width(node, [units])
    else:
        width, height = access_cell(node, file.record(AccessRules, "planar", file.section("planar")), units)
    return max(width, pitch_m), max(height, pitch_m)


def read_currents(node: Node, spread: Spreads, element: Element, access: Access, bias_V: float, units: float,
                  draws: Draws) -> tuple[Any, Any]:  # fmt: skip
    """Return the read currents [A] of the high and the low resistance, behind access devices of a thick oxide."""
    device = Device.draw(node, spread, "access", units, draws, access.drive_share)
    path = ReadPath(access.word_line_V, bias_V, access.path_ohm).drawn(spread, draws)
    return of_resistances(element.low_ohm, element.high_ohm, spread, device, path, draws)


def build(file: DataFile, node: Node) -> Cell:
    """Return the resistive cell that a data file describes, designed at a node."""
    kind = file.text("kind")
    own = "filament" if kind == "reram" else "melt"
    file.only(("name", "kind", "finfet", "planar", "element", own, "access", "read", "sense", "keeping", "spread"))
    element = file.record(Element, "element", file.section("element"))
    if element.high_ohm <= element.low_ohm:
        raise InputError(f"{file.path}: element.high_ohm: not above low_ohm")
    access = file.record(Access, "access", file.section("access"))
    reading = file.record(Reading, "read", file.section("read"))
    amplifier = file.record(Amplifier, "sense", file.section("sense"))
    keeping = file.record(Keeping, "keeping", file.section("keeping"))
    to_low, to_high, device = pulses(file, kind, element)
    units = width_units(node, access, (to_low, to_high), file.path)
    width, height = geometry(file, node, units, element.pitch_m)
    gate = units * node.unit_m
    spread, common = read_spreads(file)

    def currents(draws: Draws) -> tuple[Any, Any]:
        return read_currents(node, spread, element, access, reading.bias_V, units, draws)

    mean = mean_A(currents, SOURCES)
    margin = at_quantile(currents, SOURCES, node, spread, amplifier, reading.bias_V, reading.error_rate, file.path)
    line = reading.reference_rows * (node.wires["intermediate"].F_per_m * height + node.drain_F(gate) / 2)
    latency = current_latch_s(node, amplifier, margin.figures(amplifier), mean, margin.signal_A, line)
    device |= {"low_ohm": element.low_ohm, "high_ohm": element.high_ohm, "set_A": to_low.current_A,
               "reset_A": to_high.current_A, "set_V": to_low.across_V, "reset_V": to_high.across_V}  # fmt: skip
    return Cell(
        file.text("name"), kind, node.name, width, height,
        read_gate_m=gate, write_gate_m=gate, read_drain_m=gate, write_drain_m=gate,
        word_line_V=access.word_line_V, bit_line_write_V=access.bit_line_V,
        read_current_A=mean, signal_A=margin.signal_A, read_V=reading.bias_V,
        write_current_A=max(to_low.current_A, to_high.current_A),
        leakage_W=0.0,  # bit and source lines rest at ground
        sense_latency_s=latency,
        sense_energy_J=2 * mean * node.vdd_V * latency + amplifier.sense_capacitance_F * node.vdd_V**2,
        set_latency_s=to_low.time_s, reset_latency_s=to_high.time_s,
        set_energy_J=access.bit_line_V * to_low.current_A * to_low.time_s,
        reset_energy_J=access.bit_line_V * to_high.current_A * to_high.time_s,
        fins={"access": units}, temperature_K=node.temperature_K, leakage=node.leakage,
        device=device | of_array(amplifier, margin, access.path_ohm, mean),
        retention_s=keeping.at(node.temperature_K), endurance_cycles=keeping.endurance_cycles,
        works=file.works | common.works, assumptions=(*file.assumptions, *common.assumptions),
    )  # fmt: skip
