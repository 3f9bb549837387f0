"""How SRAM cells scatter: six devices, read stability, write-ability, sensing and leakage.

A read fails where the disturbed node rises above the other inverter's trip point, a write where the access device
cannot pull it below. S. Mukhopadhyay, H. Mahmoodi, K. Roy, IEEE TCAD 24(12), 1859 (2005).
"""

from typing import Any

import numpy as np

from circuits.cells.margin import offset_sigma_V
from circuits.cells.scatter import Device, Draws, balance
from circuits.variation.nominal import Nominal

DEVICES = ("pull_down", "pull_up", "access")
HALVES = ("left", "right")


def devices(nominal: Nominal) -> dict[str, float]:
    """Return the transistors and their widths in units."""
    return {f"{side}.{device}": units(nominal, device) for side in HALVES for device in DEVICES}


def others(_: Nominal) -> list[str]:
    """Return the other sources of variation."""
    return ["latch"]


def units(nominal: Nominal, device: str) -> float:
    return nominal.figure(f"{nominal.node.kind}.widths.{device}")


def _trip_V(down: Device, up: Device) -> Any:
    """Return the input at which both devices of an inverter, saturated, carry the same current."""
    supply = down.node.vdd_V
    pulled = down.gain_S * down.threshold_V + up.gain_S * (supply - up.threshold_V)
    return pulled / (down.gain_S + up.gain_S)


def evaluate(nominal: Nominal, draws: Draws) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return outputs over the nominal cell's, and margins: an array (ways to fail, cells) each, failing below zero."""
    node, spread, cell = nominal.node, nominal.spread, nominal.cell
    supply, none = node.vdd_V, np.zeros_like(draws["die.threshold"])
    sides = []
    for side in HALVES:
        down, up, access = (
            Device.draw(node, spread, f"{side}.{name}", units(nominal, name), draws,
                        1 / node.p_to_n if name == "pull_up" else 1.0)
            for name in DEVICES
        )  # fmt: skip
        sides.append((down, up, access))
    read, write, currents = [], [], []
    for (down, up, access), (other_down, other_up, _) in zip(sides, sides[::-1], strict=True):
        trip = _trip_V(other_down, other_up)
        low = balance(none, none + supply,
                      lambda v, a=access, d=down: a.current(supply - v, supply - v) - d.current(supply, v))  # fmt: skip
        high = balance(
            none, none + supply, lambda v, a=access, u=up: u.current(supply, supply - v) - a.current(supply, v)
        )
        currents.append(down.current(supply, low))
        read.append(trip - low)
        write.append(trip - high)
    current = np.minimum(*currents)
    drive = np.minimum(*(a.gain_S * (supply - a.threshold_V) for _, _, a in sides))
    latch_V = offset_sigma_V(node, spread, spread.latch.units) * draws["latch"]
    strobe = 1 + spread.latch.strobe_margin
    swing = [cell.read_V * strobe * i / nominal.base("current", i) for i in currents]
    ratio = nominal.base("current", current) / current
    (down, _, access), (_, up, _) = sides
    off = sum(device.leaks(nominal.ideality) for device in (down, up, access))
    margins = {
        "read": np.stack(read),
        "write": np.stack(write),
        "sense": np.stack([swing[0] + latch_V, swing[1] - latch_V]),
        "timing": np.stack([1 + spread.limits.timing_margin - nominal.base("current", i) / i for i in currents]),
    }
    outputs = {
        "sense_latency_s": ratio,
        "read_current_A": 1 / ratio,
        "set_latency_s": nominal.base("drive", drive) / drive,
        "leakage_W": off / nominal.base("off", off),
    }
    return outputs, margins
