"""How SRAM cells scatter: six devices, or eight; read stability, write-ability, sensing and leakage.

A read fails where the disturbed node rises above the other inverter's trip point, a write where the access device
cannot pull it below. S. Mukhopadhyay, H. Mahmoodi, K. Roy, IEEE TCAD 24(12), 1859 (2005). The port of a cell of eight
disturbs nothing, and senses one line against a reference at half the swing; that a row's other columns are not half
selected by its writes is the array's affair.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.cells.margin import offset_sigma_V
from circuits.cells.scatter import Device, Draws, balance
from circuits.variation.nominal import Nominal

DEVICES = ("pull_down", "pull_up", "access")
PORT = ("read_access", "read_pull_down")
HALVES = ("left", "right")


def devices(nominal: Nominal) -> dict[str, float]:
    """Return the transistors and their widths in units."""
    kind = nominal.node.kind
    cell = {f"{side}.{name}": nominal.figure(f"{kind}.widths.{name}") for side in HALVES for name in DEVICES}
    return cell | ({name: nominal.figure(f"{kind}.port.{name}") for name in PORT} if _ported(nominal) else {})


def others(_: Nominal) -> list[str]:
    """Return the other sources of variation."""
    return ["latch"]


def _ported(nominal: Nominal) -> bool:
    return nominal.cell.kind == "sram8t"


@dataclass(frozen=True)
class Half:
    """The devices of one side; voltages of the node that a read raises, and of the one that a write pulls down."""

    down: Device
    up: Device
    access: Device

    @property
    def trip_V(self) -> Any:
        """The input at which both devices of the inverter, saturated, carry the same current."""
        supply = self.down.node.vdd_V
        pulled = self.down.gain_S * self.down.threshold_V + self.up.gain_S * (supply - self.up.threshold_V)
        return pulled / (self.down.gain_S + self.up.gain_S)

    def read_V(self) -> Any:
        """Return the node's voltage where a read meets a zero."""
        supply, down, access = self.down.node.vdd_V, self.down, self.access
        none = np.zeros_like(down.shift_V)
        return balance(none, none + supply, lambda v: access.current(supply - v, supply - v) - down.current(supply, v))

    def written_V(self, trip_V: Any, below_V: float) -> Any:
        """Return by how much the access device outdoes the pull-up at a trip point, over its gain.

        Its bit line is so far below ground. A one falls below the trip point where this is positive.
        """
        supply = self.up.node.vdd_V
        pulled = self.access.current(supply + below_V, trip_V + below_V)
        return (pulled - self.up.current(supply, supply - trip_V)) / self.access.gain_S


def _halves(nominal: Nominal, draws: Draws) -> list[Half]:
    made = {name: Device.draw(nominal.node, nominal.spread, name, units, draws,
                              1 / nominal.node.p_to_n if name.endswith("pull_up") else 1.0)
            for name, units in devices(nominal).items() if name not in PORT}  # fmt: skip
    return [Half(*(made[f"{side}.{name}"] for name in DEVICES)) for side in HALVES]


def _port(nominal: Nominal, draws: Draws) -> tuple[Device, Any]:
    """Return the port's upper device, and the current of both in series."""
    units, supply = devices(nominal), nominal.node.vdd_V
    reader, foot = (Device.draw(nominal.node, nominal.spread, name, units[name], draws) for name in PORT)
    none = np.zeros_like(reader.shift_V)
    low = balance(none, none + supply, lambda v: reader.current(supply - v, supply - v) - foot.current(supply, v))
    return reader, foot.current(supply, low)


def evaluate(nominal: Nominal, draws: Draws) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return outputs over the nominal cell's, and margins: an array (ways to fail, cells) each, failing below zero."""
    node, spread, cell = nominal.node, nominal.spread, nominal.cell
    supply, sides = node.vdd_V, _halves(nominal, draws)
    latch_V = offset_sigma_V(node, spread, spread.latch.units) * draws["latch"]
    swing_V = cell.read_V * (1 + spread.latch.strobe_margin)
    below_V = cell.device["write_assist_V"]
    written = [half.written_V(other.trip_V, below_V) for half, other in zip(sides, sides[::-1], strict=True)]
    off = sum(device.leaks(nominal.ideality) for device in (sides[0].down, sides[0].access, sides[1].up))
    margins = {"write": np.stack(written)}
    if _ported(nominal):
        reader, current = _port(nominal, draws)
        currents, off = [current], off + reader.leaks(nominal.ideality) / 2
        swing = swing_V * current / nominal.base("current", current)
        margins["sense"] = np.stack([swing - swing_V / 2 + latch_V, swing_V / 2 - latch_V])
    else:
        low = [half.read_V() for half in sides]
        currents = [half.down.current(supply, v) for half, v in zip(sides, low, strict=True)]
        margins["read"] = np.stack([other.trip_V - v for other, v in zip(sides[::-1], low, strict=True)])
        swings = [swing_V * i / nominal.base("current", i) for i in currents]
        margins["sense"] = np.stack([swings[0] + latch_V, swings[1] - latch_V])
    late = np.stack([nominal.base("current", i) / i for i in currents])
    margins["timing"] = 1 + spread.limits.timing_margin - late
    drive = np.minimum(*(half.access.gain_S * (supply - half.access.threshold_V) for half in sides))
    outputs = {
        "sense_latency_s": late.max(axis=0),
        "read_current_A": 1 / late.max(axis=0),
        "set_latency_s": nominal.base("drive", drive) / drive,
        "leakage_W": off / nominal.base("off", off),
    }
    return outputs, margins
