"""How cells that store charge scatter: one-transistor DRAM and gain cells; retention, read, write and timing.

Leakage is log-normal: through the device that writes, exp(-dV_th/(n kT/e)), and through junctions and defects. N. Edri
et al., IEEE TCAS-I 63(2), 2016. The array refreshes for its weakest cell: most cells would hold far longer.
"""

import math
from typing import Any

import numpy as np

from circuits.cells.margin import offset_sigma_V
from circuits.cells.scatter import Device, Draws, balance
from circuits.devices.leakage import BOLTZMANN_V_PER_K
from circuits.variation.nominal import Nominal


def devices(nominal: Nominal) -> dict[str, float]:
    """Return the transistors and their widths in units."""
    if nominal.cell.kind == "edram":
        return {"access": nominal.figure("access.units")}
    return {name: nominal.figure(f"{nominal.node.kind}.widths.{name}") for name in nominal.cell.fins}


def others(_: Nominal) -> list[str]:
    """Return the other sources of variation."""
    return ["storage", "leak", "latch"]


def _stored(nominal: Nominal, writer: Device, draws: Draws) -> tuple[Any, Any]:
    """Return the storage capacitance and the leakage current, over the nominal ones."""
    cell, die = nominal.spread.cell, nominal.spread.die
    storage = np.maximum(1 + cell.storage * draws["storage"] + die.storage * draws["die.storage"], 0.1)
    slope = nominal.figure("leak.subthreshold_ideality") * BOLTZMANN_V_PER_K * nominal.node.temperature_K
    return storage, np.exp(cell.leak * draws["leak"] + die.leak * draws["die.leak"] - writer.shift_V / slope)


def evaluate(nominal: Nominal, draws: Draws) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return outputs over the nominal cell's, and margins: an array (ways to fail, cells) each, failing below zero."""
    return (_capacitor if nominal.cell.kind == "edram" else _gain)(nominal, draws)


def _capacitor(nominal: Nominal, draws: Draws) -> tuple[dict[str, Any], dict[str, Any]]:
    cell, node, supply = nominal.cell, nominal.node, nominal.node.vdd_V
    access = Device.draw(node, nominal.spread, "access", nominal.figure("access.units"), draws,
                         nominal.figure("access.drive_share"))  # fmt: skip
    storage, leak = _stored(nominal, access, draws)
    hold, late = storage / leak, math.log(cell.device["hold_s"] / (cell.refresh_s or 0.0))
    # what a one has above Vdd/2, and a zero below, when it is refreshed at the latest
    left_V = supply * (0.5 - nominal.figure("storage.droop_share") * math.exp(-late) / hold)
    storage_F = storage * cell.device["storage_F"]
    rows = nominal.rows or nominal.figure("read.reference_rows")
    line_F = rows * (node.wires["local"].F_per_m * cell.height_m + node.drain_F(cell.read_drain_m) / 2)
    share = storage_F / (storage_F + line_F)
    latch_V = offset_sigma_V(node, nominal.spread, nominal.figure("read.latch_fins")) * draws["latch"]
    drive = access.gain_S * np.maximum(cell.word_line_V - supply / 2 - access.threshold_V, 1e-6)
    slow = nominal.base("drive", drive) / drive
    limit = 1 + nominal.spread.limits.timing_margin
    margins = {
        "read": np.stack([left_V * share + latch_V, supply / 2 * share - latch_V]),
        "write": np.atleast_2d(cell.word_line_V - access.threshold_V - supply),  # a whole one passes
        "retention": np.atleast_2d(late + np.log(hold)),
        "timing": np.stack([limit - slow, limit - slow * storage]),  # sharing the charge, writing it back
    }
    outputs = {
        "hold_s": hold,
        "storage_F": storage,
        "access_ohm": slow,
        "set_latency_s": slow * storage,
        "leakage_W": leak,
    }
    return outputs, margins


def _gain(nominal: Nominal, draws: Draws) -> tuple[dict[str, Any], dict[str, Any]]:
    cell, node, supply, spread = nominal.cell, nominal.node, nominal.node.vdd_V, nominal.spread
    made = {name: Device.draw(node, spread, name, units, draws) for name, units in devices(nominal).items()}
    write, store = made["write"], made["store"]
    storage, leak = _stored(nominal, write, draws)
    droop_V = nominal.figure("storage.droop_share") * supply
    passed_V = cell.word_line_V - write.threshold_V
    level_V = np.minimum(passed_V, supply)  # of a one, as it is written
    hold = storage / leak * np.maximum(level_V - supply + droop_V, 1e-6 * droop_V) / droop_V
    late = math.log(cell.device["hold_s"] / (cell.refresh_s or 0.0))
    # of a cell about to be refreshed at the latest; one that has lost more fails by its retention
    current_A = _series(made.get("read"), store, supply - droop_V + np.zeros_like(level_V))
    ratio = current_A / nominal.base("current", current_A)
    swing_V = cell.read_V * (1 + spread.latch.strobe_margin)
    latch_V = offset_sigma_V(node, spread, spread.latch.units) * draws["latch"]
    drive = write.gain_S * np.maximum(cell.word_line_V - supply / 2 - write.threshold_V, 1e-6)
    fill = nominal.base("drive", drive) / drive * storage
    port = made.get("read", store).leaks(nominal.ideality)
    part = cell.device["storage_leak_W"] / cell.leakage_W
    limit = 1 + spread.limits.timing_margin
    margins = {
        # the line against a reference at half the swing; a zero discharges nothing
        "read": np.stack([swing_V * (ratio - 0.5) + latch_V, swing_V / 2 - latch_V]),
        "write": np.atleast_2d(passed_V - supply + droop_V),
        "retention": np.atleast_2d(late + np.log(hold)),
        "timing": np.stack([limit - 1 / np.maximum(ratio, 1e-9), limit - fill]),
    }
    outputs = {
        "hold_s": hold,
        "read_current_A": ratio,
        "set_latency_s": fill,
        "leakage_W": part * leak + (1 - part) * port / nominal.base("port", port),
    }
    return outputs, margins


def _series(read: Device | None, store: Device, stored_V: Any) -> Any:
    """Return the current [A] of a read device above a storage device; see `circuits.cells.gain.series_current`."""
    supply = store.node.vdd_V
    if read is None:
        return store.current(stored_V, supply)
    none = np.zeros_like(stored_V)
    low = balance(none, none + supply, lambda v: read.current(supply - v, supply - v) - store.current(stored_V, v))
    return store.current(stored_V, low)
