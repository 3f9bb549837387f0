"""MRAM cells: one transistor and a junction (STT), two transistors and a junction on a write line (SOT).

A cell is designed: the fewest fins whose current writes within the wished pulse at the wished error rate.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from circuits.cells.cell import Cell
from circuits.cells.layout import AccessRules, FinRules, access_cell, strip_width
from circuits.cells.margin import at_quantile, mean_A, of_array
from circuits.cells.scatter import Device, Draws
from circuits.cells.sense import Amplifier, current_latch_s
from circuits.cells.spread import Spreads, read_spreads
from circuits.cells.states import CHIP, DIE, JUNCTION, ReadPath, junctions, of_junctions
from circuits.data import DataFile
from circuits.devices import spin_orbit
from circuits.devices.junction import Junction, pulse_for_error
from circuits.devices.node import Node
from circuits.errors import InputError

MOST_FINS = 64


@dataclass(frozen=True)
class WriteFigures:
    """Design targets of the write: supplies, the pulse to stay within, the error rate to leave.

    `path_ohm` is the resistance of drivers, multiplexers, bit and source line that the array may add; `current_margin`
    divides the nominal current, so that a weak cell still writes.
    """

    bit_line_V: float
    word_line_V: float
    pulse_limit_s: float
    path_ohm: float
    current_margin: float
    design_temperature_K: float
    error_rate: float


@dataclass(frozen=True)
class ReadFigures:
    """Design choices of the read: bias, word line, access device, the bit line that the bare cell's figures are quoted
    with, and how often a read may err.
    """

    bias_V: float
    word_line_V: float
    access_units: float
    reference_rows: float
    error_rate: float
    planar_access_units: float = 0.0

    def units(self, kind: str) -> int:
        """Return the width of a read's own access device at a kind of node, in units."""
        return round(self.planar_access_units if kind == "planar" and self.planar_access_units else self.access_units)


def series_A(node: Node, width_m: float, gate_V: float, supply_V: float, ohm: Callable[[float], float], *,
             path_ohm: float = 0.0, load_at_source: bool) -> float:  # fmt: skip
    """Return the current [A] through an access device in series with a load, and with a path at its drain.

    A load at the source lifts it, and takes its voltage from the gate drive as well as from the drain's. The load's
    resistance may depend on its voltage. Solved by bisection on that voltage.
    """
    low, high = 0.0, supply_V
    for _ in range(60):
        across = (low + high) / 2
        current = across / ohm(across)
        drain = supply_V - across - current * path_ohm
        device = node.current(width_m, gate_V - (across if load_at_source else 0.0), drain)
        low, high = (across, high) if device > current else (low, across)
    return low / ohm(low)


@dataclass(frozen=True)
class Write:
    """A designed write: units of access width, the typical cell's current and energies, the weak cell's pulses."""

    units: int
    current_A: float
    set_s: float
    reset_s: float
    set_J: float
    reset_J: float


def _least(attempt: Callable[[int], Write], limit_s: float, what: str) -> Write:
    for units in range(1, MOST_FINS + 1):
        write = attempt(units)
        if max(write.set_s, write.reset_s) <= limit_s:
            return write
    raise InputError(
        f"cell {what}: {MOST_FINS} fins do not write within {limit_s:g} s; raise the write voltage or the pulse limit"
    )


def design_stt(node: Node, junction: Junction, figures: WriteFigures) -> Callable[[int], Write]:
    """Return what a write of so many access units does: set with the junction at the drain, reset at the source."""

    def pulse(current_A: float) -> float:
        over = current_A / junction.critical_A
        return pulse_for_error(junction, over, figures.error_rate, node.temperature_K) if over > 1 else float("inf")

    def attempt(units: int) -> Write:
        width = units * node.unit_m
        set_A, reset_A = (
            series_A(node, width, figures.word_line_V, figures.bit_line_V, ohm, path_ohm=figures.path_ohm,
                     load_at_source=end) / figures.current_margin
            for ohm, end in ((junction.antiparallel_ohm, False), (lambda _: junction.parallel_ohm, True))
        )  # fmt: skip
        set_s, reset_s = pulse(set_A), pulse(reset_A)
        set_J, reset_J = (
            i * figures.current_margin * figures.bit_line_V * t for i, t in ((set_A, set_s), (reset_A, reset_s))
        )
        return Write(units, figures.current_margin * max(set_A, reset_A), set_s, reset_s, set_J, reset_J)

    return attempt


def design_sot(node: Node, junction: Junction, line: spin_orbit.WriteLine,
               figures: WriteFigures) -> Callable[[int], Write]:  # fmt: skip
    """Return what a write of so many units does: the write line at the source for set, at the drain for reset.

    The sign of the in-plane field decides which current sets.
    """

    def attempt(units: int) -> Write:
        width = units * node.unit_m
        currents = [
            series_A(node, width, figures.word_line_V, figures.bit_line_V, lambda _: line.resistance_ohm,
                     path_ohm=figures.path_ohm, load_at_source=end) / figures.current_margin
            for end in (True, False)
        ]  # fmt: skip
        set_s, reset_s = (
            spin_orbit.switching_s(line, junction, i, figures.error_rate, node.temperature_K) for i in currents
        )
        set_J, reset_J = (
            i * figures.current_margin * figures.bit_line_V * t for i, t in zip(currents, (set_s, reset_s), strict=True)
        )
        return Write(units, figures.current_margin * max(currents), set_s, reset_s, set_J, reset_J)

    return attempt


def _geometry(file: DataFile, node: Node, units: list[int], pitch_m: float) -> tuple[float, float]:
    if node.kind == "finfet":
        rules = file.record(FinRules, "finfet", file.section("finfet"))
        width, height = strip_width(node, units), rules.gate_pitches * node.gate_pitch_m
    else:
        rules = file.record(AccessRules, "planar", file.section("planar"))
        sizes = [access_cell(node, rules, count) for count in units]
        width, height = sum(wide for wide, _ in sizes), sizes[0][1]
    return max(width, pitch_m), max(height, pitch_m)


def read_currents(node: Node, spread: Spreads, junction: Junction, path: ReadPath, name: str, units: float,
                  draws: Draws) -> tuple[Any, Any]:  # fmt: skip
    """Return the read currents [A] of anti-parallel and parallel cells, behind access devices of this name."""
    device = Device.draw(node, spread, name, units, draws)
    return of_junctions(junctions(junction, spread, draws), device, path.drawn(spread, draws))


def sources(name: str) -> list[str]:
    """Return what a read's currents scatter by, behind access devices of this name."""
    return [*JUNCTION, f"{name}.threshold", f"{name}.width", *CHIP, *DIE["stt"]]


def build(file: DataFile, node: Node) -> Cell:
    """Return the MRAM cell that a data file describes, designed at a node."""
    kind = file.text("kind")
    sections = ("name", "kind", "finfet", "planar", "junction", "write", "read", "sense", "spread")
    file.only(sections if kind == "stt" else (*sections, "write_line"))
    junction = file.record(Junction, "junction", file.section("junction"))
    figures = file.record(WriteFigures, "write", file.section("write"))
    reading = file.record(ReadFigures, "read", file.section("read"))
    amplifier = file.record(Amplifier, "sense", file.section("sense"))
    device: dict[str, float] = {
        "parallel_ohm": junction.parallel_ohm,
        "antiparallel_ohm": junction.antiparallel_ohm(reading.bias_V),
        "magnetoresistance": junction.magnetoresistance,
        "stability": junction.stability(node.temperature_K),
        "retention_s": junction.retention_s(node.temperature_K),
    }
    corner = replace(node, temperature_K=figures.design_temperature_K)  # the cell is laid out once, for this heat
    if kind == "stt":
        designed = _least(design_stt(corner, junction, figures), figures.pulse_limit_s, kind)
        write = design_stt(node, junction, figures)(designed.units)
        device["critical_A"] = junction.critical_A
        read_units, fins, strips = write.units, {"access": write.units}, [write.units]
    else:
        line = file.record(spin_orbit.WriteLine, "write_line", file.section("write_line"))
        designed = _least(design_sot(corner, junction, line, figures), figures.pulse_limit_s, kind)
        write = design_sot(node, junction, line, figures)(designed.units)
        device |= {"critical_A": spin_orbit.critical_A(line, junction), "write_line_ohm": line.resistance_ohm}
        read_units = reading.units(node.kind)
        fins, strips = {"write": write.units, "read": read_units}, [write.units, read_units]
    width, height = _geometry(file, node, strips, junction.pitch_m)
    access = read_units * node.unit_m
    # a read's current leaves a spin-orbit cell through half of its write line
    device["read_path_ohm"] = figures.path_ohm + device.get("write_line_ohm", 0.0) / 2
    path = ReadPath(reading.word_line_V, reading.bias_V, device["read_path_ohm"])
    name, (spread, common) = next(reversed(fins)), read_spreads(file)

    def currents(draws: Draws) -> tuple[Any, Any]:
        return read_currents(node, spread, junction, path, name, read_units, draws)

    mean = mean_A(currents, sources(name))
    margin = at_quantile(
        currents, sources(name), node, spread, amplifier, reading.bias_V, reading.error_rate, file.path
    )
    bit_line = reading.reference_rows * (node.wires["intermediate"].F_per_m * height + node.drain_F(access) / 2)
    latency = current_latch_s(node, amplifier, margin.figures(amplifier), mean, margin.signal_A, bit_line)
    # the current drives towards the parallel state: only an anti-parallel junction could flip, in the nearest row first
    near = series_A(node, access, path.gate_V, path.bias_V, junction.antiparallel_ohm, load_at_source=False)
    device["read_disturb"] = junction.read_disturb(near, latency, node.temperature_K)
    return Cell(
        file.text("name"), kind, node.name, width, height,
        read_gate_m=access, write_gate_m=write.units * node.unit_m,
        read_drain_m=access, write_drain_m=write.units * node.unit_m,
        word_line_V=figures.word_line_V, bit_line_write_V=figures.bit_line_V,
        read_current_A=mean, signal_A=margin.signal_A, read_V=reading.bias_V, write_current_A=write.current_A,
        leakage_W=0.0,  # bit and source lines rest at ground
        sense_latency_s=latency,
        sense_energy_J=2 * mean * node.vdd_V * latency + amplifier.sense_capacitance_F * node.vdd_V**2,
        set_latency_s=write.set_s, reset_latency_s=write.reset_s,
        set_energy_J=write.set_J, reset_energy_J=write.reset_J,
        fins=fins, temperature_K=node.temperature_K, leakage=node.leakage,
        device=device | of_array(amplifier, margin, figures.path_ohm, mean),
        works=file.works | common.works, assumptions=(*file.assumptions, *common.assumptions),
    )  # fmt: skip
