"""How MRAM cells scatter: access devices, junction, write line; read, write and retention.

A write must leave the design's error rate within the design's pulse.
"""

import math
from dataclasses import fields
from typing import Any

import numpy as np

from circuits.cells import mram
from circuits.cells.scatter import Device, Draws, balance
from circuits.cells.states import JUNCTION, ReadPath, junctions, through, wires
from circuits.devices.junction import BOLTZMANN_J_PER_K, ELECTRON_C, HBAR_JS, Junction
from circuits.variation import reading
from circuits.variation.nominal import Nominal

LINE = ("line_width", "line_thickness")
FIGURES = ("width_m", "thickness_m", "length_m", "resistivity_ohm_m", "spin_hall_angle", "in_plane_field_T")


def devices(nominal: Nominal) -> dict[str, float]:
    """Return the transistors and their widths in units."""
    return {name: float(units) for name, units in nominal.cell.fins.items()}


def others(nominal: Nominal) -> list[str]:
    """Return the other sources of variation."""
    return [*JUNCTION, "anisotropy", *(LINE if nominal.cell.kind == "sot" else ()), *reading.SOURCES]


def _junction(nominal: Nominal) -> Junction:
    return Junction(**{f.name: nominal.figure(f"junction.{f.name}") for f in fields(Junction)})


def _pulse(junction: Junction, over: Any, error: float, temperature_K: float) -> Any:
    """Return the pulse, in time constants of the precession, that leaves an error rate at i = `over` > 1.

    Inverts WER = 1 - exp(-(pi^2/4) Delta (i-1) / (i exp(2 (i-1) t) - 1)); W. H. Butler et al., IEEE Trans. Magn.
    48(12), 4684 (2012).
    """
    spread = math.pi**2 / 4 * junction.stability(temperature_K) * (over - 1)
    return np.log((1 + spread / -math.log1p(-error)) / over) / (2 * (over - 1))


def _needed_stt(nominal: Nominal, junction: Junction, written_A: Any, way: int) -> Any:
    """Return the current [A] that leaves the design's error rate within its pulse, that of the nominal cell's current.

    By how the pulse that Butler's form asks scales from the nominal junction to another.
    """
    error, kelvin = nominal.figure("write.error_rate"), nominal.node.temperature_K
    over = written_A / junction.critical_A
    pulse_s = nominal.base(f"pulse {way}", _pulse(junction, over, error, kelvin) * junction.time_constant_s)

    def excess(over: Any) -> Any:
        return _pulse(junction, over, error, kelvin) * junction.time_constant_s - pulse_s

    least = np.full_like(over, 1 + 1e-6)
    return junction.critical_A * balance(least, np.full_like(over, 60.0), excess)


def _line(nominal: Nominal, junction: Junction, draws: Draws) -> tuple[Any, Any, Any]:
    """Return the write line's critical current [A], see `spin_orbit.critical_A`, its current per field, and its ohm."""
    spread, line = nominal.spread.cell, {k: nominal.figure(f"write_line.{k}") for k in FIGURES}
    width = line["width_m"] + math.sqrt(2) * spread.write_line_width_m * draws["line_width"]
    thickness = line["thickness_m"] * np.maximum(1 + spread.write_line_thickness * draws["line_thickness"], 0.1)
    section = np.maximum(width, 0.1 * line["width_m"]) * thickness
    moment = junction.saturation_A_per_m * junction.free_layer_m
    per_field = 2 * ELECTRON_C / HBAR_JS * moment / line["spin_hall_angle"] * section
    field = np.maximum(junction.anisotropy_T / 2 - line["in_plane_field_T"] / math.sqrt(2), 0.0)
    return per_field * field, per_field, line["resistivity_ohm_m"] * line["length_m"] / section


def write_margins(nominal: Nominal, draws: Draws) -> tuple[Any, Any]:
    """Return the current over the needed one, less 1, and the current, an array (set and reset, cells) each.

    The design's pulse is what its current over `current_margin` needs; a spin-orbit write needs the critical current
    and, within that pulse, the angular momentum of the layer.
    """
    cell, junction = nominal.cell, junctions(_junction(nominal), nominal.spread, draws)
    gate, supply, path = cell.word_line_V, cell.bit_line_write_V, cell.device["path_ohm"] * wires(nominal.spread, draws)
    name = "access" if cell.kind == "stt" else "write"
    device = Device.draw(nominal.node, nominal.spread, name, cell.fins[name], draws)
    critical, per_field, line_ohm = _line(nominal, junction, draws) if cell.kind == "sot" else (0.0, 0.0, 0.0)
    margins, currents = [], []
    for way, at_source in enumerate((False, True)):
        if cell.kind == "stt":
            ohm = (lambda _: junction.parallel_ohm) if at_source else junction.antiparallel_ohm
        else:
            ohm = lambda _: line_ohm  # noqa: E731
        current = through(device, gate, supply, ohm, path_ohm=path, at_source=at_source)
        written = current / nominal.figure("write.current_margin")
        if cell.kind == "stt":
            needed = _needed_stt(nominal, junction, written, way)
        else:
            needed = critical + per_field * nominal.base(f"momentum {way}", (written - critical) / per_field)
        currents.append(current)
        margins.append(current / needed - 1)
    return np.stack(margins), np.stack(currents)


def evaluate(nominal: Nominal, draws: Draws) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return outputs over the nominal cell's, and margins: an array (ways to fail, cells) each, failing below zero."""
    cell, spread, name = nominal.cell, nominal.spread, "access" if nominal.cell.kind == "stt" else "read"
    path = ReadPath(nominal.figure("read.word_line_V"), cell.read_V, cell.device["read_path_ohm"])

    def read_currents(draws: Draws) -> tuple[Any, Any]:
        return mram.read_currents(nominal.node, spread, _junction(nominal), path, name, cell.fins[name], draws)

    volts, low, high = reading.read(nominal, read_currents, mram.sources(name), draws)
    current_margin, currents = write_margins(nominal, draws)
    stability = junctions(_junction(nominal), spread, draws).barrier_J / (
        BOLTZMANN_J_PER_K * nominal.node.temperature_K
    )
    attempt = math.log(cell.device["retention_s"]) - nominal.base("barrier", stability)  # ln of an attempt's seconds
    kept = math.log(spread.limits.retention_s / spread.limits.retention_error) - attempt
    margins = {"read": volts, "write": current_margin, "retention": np.atleast_2d(stability - kept)}
    mean, half, written = (low + high) / 2, (high - low) / 2, currents.max(axis=0)
    outputs = {
        "read_current_A": mean / nominal.base("mean", mean),
        "half_difference_A": half / nominal.base("half", half),
        "write_current_A": written / nominal.base("write", written),
        "stability": stability / nominal.base("stability", stability),
    }
    return outputs, margins
