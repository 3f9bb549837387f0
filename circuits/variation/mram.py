"""How MRAM cells scatter: access devices, junction, write line; read, write, retention and timing.

A read compares the cell's current with a reference of several cells; the difference, integrated until the strobe, must
beat the latch's offset. A write must leave the design's error rate within the design's pulse.
"""

import math
from dataclasses import fields
from typing import Any

import numpy as np

from circuits.cells.sense import SenseFigures, integrate_s, settle_s
from circuits.devices.junction import BOLTZMANN_J_PER_K, ELECTRON_C, HBAR_JS, Junction
from circuits.variation.devices import Device, Draws, balance
from circuits.variation.nominal import Nominal

JUNCTION = ("diameter", "resistance_area", "magnetoresistance", "anisotropy", "reference")
LINE = ("width_m", "thickness_m", "length_m", "resistivity_ohm_m", "spin_hall_angle", "in_plane_field_T")
PILOT = 2000  # cells that set the spread of the reference


def devices(nominal: Nominal) -> list[str]:
    """Return the names of the transistors."""
    return ["access"] if nominal.cell.kind == "stt" else ["read", "write"]


def _unit(nominal: Nominal, name: str) -> float:
    return float(nominal.cell.fins[name])


def junctions(nominal: Nominal, draws: Draws) -> Junction:
    """Return junctions as one Junction of arrays; the barrier goes with the area and with the anisotropy."""
    first = Junction(**{f.name: nominal.figure(f"junction.{f.name}") for f in fields(Junction)})
    cell, die = nominal.spread.cell, nominal.spread.die
    diameter = first.diameter_m + cell.diameter_m * draws["diameter"] + die.diameter_m * draws["die.diameter"]
    diameter = np.maximum(diameter, 0.1 * first.diameter_m)

    def scattered(name: str) -> Any:
        by = getattr(cell, name) * draws[name] + getattr(die, name) * draws[f"die.{name}"]
        return np.maximum(1 + by, 0.1)

    area = (diameter / first.diameter_m) ** 2
    figures = vars(first) | {
        "diameter_m": diameter,
        "resistance_area_ohm_m2": first.resistance_area_ohm_m2 * scattered("resistance_area"),
        "magnetoresistance": first.magnetoresistance * scattered("magnetoresistance"),
        "barrier_kT": first.barrier_kT * area * np.maximum(1 + cell.anisotropy * draws["anisotropy"], 0.1),
    }
    return Junction(**figures)


def _through(device: Device, gate_V: float, supply_V: float, ohm: Any, path_ohm: float, at_source: bool) -> Any:
    """Return the current of an access device in series with a load; see `circuits.cells.mram.series_A`."""
    none = np.zeros_like(device.shift_V)

    def excess(across: Any) -> Any:
        current = across / ohm(across)
        return device.current(gate_V - (across if at_source else 0.0), supply_V - across - current * path_ohm) - current

    across = balance(none, none + supply_V, excess)
    return across / ohm(across)


def read_currents(nominal: Nominal, draws: Draws) -> tuple[Any, Any]:
    """Return the currents [A] of both states: anti-parallel and parallel."""
    name = "access" if nominal.cell.kind == "stt" else "read"
    device = Device.draw(nominal.node, nominal.spread, name, _unit(nominal, name), draws)
    junction = junctions(nominal, draws)
    gate, bias = nominal.figure("read.word_line_V"), nominal.cell.read_V
    low = _through(device, gate, bias, junction.antiparallel_ohm, 0.0, False)
    return low, _through(device, gate, bias, lambda _: junction.parallel_ohm, 0.0, False)


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
    spread, line = nominal.spread.cell, {k: nominal.figure(f"write_line.{k}") for k in LINE}
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
    cell, junction = nominal.cell, junctions(nominal, draws)
    gate, supply, path = cell.word_line_V, cell.bit_line_write_V, cell.device["path_ohm"]
    name = "access" if cell.kind == "stt" else "write"
    device = Device.draw(nominal.node, nominal.spread, name, _unit(nominal, name), draws)
    critical, per_field, line_ohm = _line(nominal, junction, draws) if cell.kind == "sot" else (0.0, 0.0, 0.0)
    margins, currents = [], []
    for way, at_source in enumerate((False, True)):
        if cell.kind == "stt":
            ohm = (lambda _: junction.parallel_ohm) if at_source else junction.antiparallel_ohm
        else:
            ohm = lambda _: line_ohm  # noqa: E731
        current = _through(device, gate, supply, ohm, path, at_source)
        written = current / nominal.figure("write.current_margin")
        if cell.kind == "stt":
            needed = _needed_stt(nominal, junction, written, way)
        else:
            needed = critical + per_field * nominal.base(f"momentum {way}", (written - critical) / per_field)
        currents.append(current)
        margins.append(current / needed - 1)
    return np.stack(margins), np.stack(currents)


def reference_sigma_A(nominal: Nominal) -> float:
    """Return sigma [A] of a reference, the mean of several cells of both states, from a fixed draw of neighbours."""
    random = np.random.default_rng(PILOT)
    names = [*JUNCTION, *(f"{d}.{x}" for d in devices(nominal) for x in ("threshold", "width"))]
    draws: Draws = dict.fromkeys(("die.threshold", "die.fin_height", "die.diameter", "die.resistance_area",
                                  "die.magnetoresistance"), np.zeros(PILOT))  # fmt: skip
    draws |= {name: random.standard_normal(PILOT) for name in names}
    low, high = read_currents(nominal, draws)
    one = math.hypot(float(np.std(low)), float(np.std(high))) / math.sqrt(2)
    return one / math.sqrt(nominal.spread.cell.reference_cells)


def evaluate(nominal: Nominal, draws: Draws) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return outputs over the nominal cell's, and margins: an array (ways to fail, cells) each, failing below zero."""
    cell, node, spread = nominal.cell, nominal.node, nominal.spread
    if "reference" not in nominal.bases:
        nominal.bases["reference"] = reference_sigma_A(nominal)
    low, high = read_currents(nominal, draws)
    # the chip's shift moves cells and reference alike: the reference is made of the same chip's cells
    shared = {name: (x if name.startswith("die.") else np.zeros_like(x)) for name, x in draws.items()}
    middle = np.add(*read_currents(nominal, shared)) / 2 + nominal.bases["reference"] * draws["reference"]
    signal = nominal.base("signal", (high - low) / 2)
    signals = np.stack([high - middle, middle - low])
    offset, latch = cell.device["offset_V"], nominal.offset_V(cell.device["latch_fins"]) * draws["latch"]
    volts = offset * (1 + spread.cell.strobe_margin) * signals / signal
    late = _latency(nominal, (high + low) / 2, np.maximum(signals, 1e-3 * signal))
    current_margin, currents = write_margins(nominal, draws)
    stability = junctions(nominal, draws).barrier_J / (BOLTZMANN_J_PER_K * node.temperature_K)
    attempt = math.log(cell.device["retention_s"]) - nominal.base("barrier", stability)  # ln of an attempt's seconds
    kept = math.log(spread.limits.retention_s / spread.limits.retention_error) - attempt
    margins = {
        "read": volts + np.stack([latch, -latch]),
        "write": current_margin,
        "retention": np.atleast_2d(stability - kept),
        "timing": 1 + spread.limits.timing_margin - late,
    }
    mean = (high + low) / 2
    outputs = {
        "sense_latency_s": np.max(late, axis=0),
        "read_current_A": mean / nominal.base("mean", mean),
        "signal_A": (high - low) / 2 / signal,
        "write_current_A": currents.max(axis=0) / nominal.base("write", currents.max(axis=0)),
        "stability": stability / nominal.base("stability", stability),
    }
    return outputs, margins


def _latency(nominal: Nominal, mean: Any, signals: Any) -> Any:
    """Return the sense latency over the nominal one: settling, integrating, and the latch that decides."""
    cell, names = nominal.cell, [f.name for f in fields(SenseFigures)]
    figures = SenseFigures(**{name: cell.device[name] for name in names})
    rows = nominal.figure("read.reference_rows")
    wire = nominal.node.wires["intermediate"].F_per_m * cell.height_m
    line_F = rows * (wire + nominal.node.drain_F(cell.read_drain_m) / 2)
    settle = settle_s(cell.read_current_A, cell.signal_A, figures.clamp_overdrive_V, line_F)
    integrate = integrate_s(figures, cell.signal_A)
    per = np.log(2 * np.maximum(mean / signals, 1.0)) / mean
    slower = nominal.base("weaker", signals) / signals
    late = settle * (per / nominal.base("settle", per) - 1) + integrate * (slower - 1)
    return 1 + late / cell.sense_latency_s
