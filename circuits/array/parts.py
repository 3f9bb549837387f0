"""What stands under the columns of a subarray: prechargers, multiplexers of pass devices, latch amplifiers."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.array.assumptions import Assumptions
from circuits.array.driver import chain
from circuits.array.element import Element
from circuits.array.logic import drain_F, inverter_leak_A, size
from circuits.array.process import Metal, Process


@dataclass(frozen=True)
class Mux:
    """One multiplexer of pass devices. What stands before one is loaded by `seen_F`, or `drain_F` in energy."""

    delay_s: Any
    energy_J: Any
    height_m: Any
    drain_F: Any
    seen_F: Any
    ohm: Any


def multiplex(process: Process, given: Assumptions, cell: Element, inputs: Any, load_F: Any, next_F: Any,
              least_A: Any) -> Mux:  # fmt: skip
    """Return multiplexers wide enough for a write current, and for a small share of a resistive cell's voltage."""
    unit, region = process.unit_m, given.layout(process).gate_region_m
    width = np.maximum(given.pass_width_units * unit, least_A / process.on_n_A_per_m)
    if not cell.volatile:
        share = process.resistance(1.0) / (cell.on_ohm * given.pass_share)
        width = np.maximum(width, min(share, given.maximum_width_units * unit))
    own = drain_F(process, given, width, 0.0, region)
    out = inputs * own
    ohm = process.resistance(width)
    swing = process.vdd_V * (process.vdd_V - process.threshold_V)
    parts = (given.settle_factor * ohm * (out + load_F), (out + next_F) * swing,
             size(process, given, width, 0.0, region)[0], own, out + own + load_F, ohm)  # fmt: skip
    return Mux(*(np.where(inputs > 1, part, 0.0) for part in parts))


@dataclass(frozen=True)
class Amplifier:
    """A latch amplifier, as wide as the columns that share it."""

    delay_s: Any
    energy_J: Any
    leakage_W: Any
    height_m: Any
    load_F: Any
    fits: Any


def amplify(process: Process, given: Assumptions, cell: Element, pitch_m: Any) -> Amplifier:
    """Return an amplifier: a latch, tau ln(Vdd/V), behind a current-to-voltage stage where a cell is sensed so.

    Devices lie across the pitch and fold to it; a pitch that cannot hold a folded device is refused.
    """
    unit, supply, layout = process.unit_m, process.vdd_V, given.layout(process)
    fits = np.asarray(pitch_m) > layout.fold_loss_m * (1 + 1e-9)
    pitch = np.where(fits, pitch_m, 1e3 * process.feature_m)
    p, n = given.sense_p_units * unit, given.sense_n_units * unit
    isolate = given.sense_isolate_units * unit
    loads = ((n, 0.0), (0.0, p), (0.0, isolate), (given.sense_select_units * unit, 0.0))
    load_F = process.gate_F_per_m * (n + p) + sum(drain_F(process, given, a, b, pitch) for a, b in loads)
    devices = ((0.0, p, 2), (0.0, isolate, 1), (n, 0.0, 2), (given.sense_enable_units * unit, 0.0, 1))
    across, along = np.zeros(np.shape(pitch)), np.zeros(np.shape(pitch))
    for n_m, p_m, copies in devices:
        high, wide = size(process, given, n_m, p_m, pitch)
        across, along = np.maximum(across, high), along + copies * wide
    along = along + 4 * layout.diffusion_gap_m + layout.well_gap_m
    height = along * across / pitch
    tau = load_F / (process.conductance_n(n) + process.conductance_p(p))
    delay = tau * math.log(supply / cell.sense_V)
    energy = load_F * supply**2
    leak = given.sense_enable_units * unit * process.off_n_A_per_m * supply**given.amplifier_supply_power
    if not cell.volatile and not cell.voltage_sensed:
        stage = given.stage(process.feature_m * (1 + 1e-9))
        delay, energy, leak = delay + stage.latency_s, energy + stage.energy_J, leak + stage.leakage_W
        height = height + given.current_stage_area_features2 * process.feature_m**2 / pitch
    return Amplifier(delay, energy, leak, height, load_F, fits)


@dataclass(frozen=True)
class Precharge:
    """The prechargers of all columns, without the charge that they give to the bit lines."""

    energy_J: Any
    leakage_W: Any
    height_m: Any


def precharge(process: Process, given: Assumptions, cell: Element, local: Metal, columns: Any) -> Precharge:
    """Return the prechargers of all columns.

    A chain drives an inverter a column, which drives two precharge devices and an equaliser.
    """
    supply, region = process.vdd_V, given.layout(process).gate_region_m
    least = given.minimum_width_units * process.unit_m
    p_m, charge = process.p_to_n * least, given.precharge_units * process.unit_m
    gates = process.gate_F_per_m * (least + 2 * charge)
    own = drain_F(process, given, least, 0.0, region) + drain_F(process, given, 0.0, p_m, region)
    input_F = process.gate_F_per_m * (least + p_m)
    line_F = input_F + cell.width_features * process.feature_m * local.F_per_m
    drivers = chain(process, given, 1.0, input_F, columns * line_F)
    drive = drivers.cost(1e20)
    energy = drive.energy_J + (gates + own) * supply**2 * columns
    leak = inverter_leak_A(process, given, least, p_m) + charge * process.off_p_A_per_m
    high = np.maximum(*(size(process, given, 0.0, width, region)[0] for width in (charge, least)))
    high = np.maximum(high + size(process, given, least, p_m, region)[0], drivers.size()[0])
    return Precharge(energy, drive.leakage_W + leak * supply * columns, high)
