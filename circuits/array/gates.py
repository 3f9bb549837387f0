"""Gates and chains of drivers: Horowitz delay, energy, leakage and area. Every function takes numpy arrays.

A node's smallest inverter has an N device one unit wide and a P device `p_to_n` as wide.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.devices.node import Node
from circuits.devices.wire import Wire

NAND3_EFFORT = 5 / 3  # logical effort of a three-input NAND, Sutherland et al., "Logical Effort", 1999
LEAKING = 0.5  # of a CMOS gate's two networks one is off


def horowitz(tau_s: Any, gain: float, ramp_per_s: Any) -> Any:
    """Return the delay [s] of a stage whose input rises at `ramp_per_s`.

    tau sqrt(ln(1/2)^2 + 2 a b / 2), a = 1/(ramp tau), b = `gain` = 1/(R gm).
    M. A. Horowitz, "Timing models for MOS circuits", Stanford, 1984.
    """
    return tau_s * np.sqrt(math.log(0.5) ** 2 + gain / (ramp_per_s * tau_s))


def steady(tau_s: Any, gain: float) -> Any:
    """Return the delay [s] of a stage in a long chain of equals, each driven by the ramp 0.5/t of the one before.

    The fixed point of `horowitz`: t^2 = ln(1/2)^2 tau^2 + 2 gain tau t.
    """
    return tau_s * (gain + math.sqrt(gain**2 + math.log(0.5) ** 2))


@dataclass(frozen=True)
class Inverter:
    """The smallest inverter of a node, and what follows from it."""

    node: Node
    gate_F: float
    drain_F: float
    ohm: float
    gain: float

    @classmethod
    def of(cls, node: Node) -> "Inverter":
        width = node.unit_m * (1 + node.p_to_n)
        ohm = node.resistance(node.unit_m)
        return cls(node, node.gate_F(width), node.drain_F(width), ohm, 1 / (ohm * node.transconductance(node.unit_m)))

    @property
    def fan_out_4_s(self) -> float:
        return steady(self.ohm * (4 * self.gate_F + self.drain_F), self.gain)


@dataclass(frozen=True)
class Cost:
    """What a part costs: delay [s], energy of one switching [J], leakage [W], area [m2]. Numbers or arrays."""

    delay_s: Any
    energy_J: Any
    leakage_W: Any
    area_m2: Any


def chain(inverter: Inverter, load_F: Any, fanout: Any, *, voltage_V: float | None = None) -> Cost:
    """Return a chain of inverters from the smallest one up to a load, of about `fanout` a stage.

    Energy is of one full cycle, C V^2 of the load and of the chain; the load swings to `voltage_V` (default Vdd).
    """
    node = inverter.node
    supply = node.vdd_V
    swing = supply if voltage_V is None else voltage_V
    path = np.maximum(load_F / inverter.gate_F, 1.0)
    stages = np.maximum(np.round(np.log(path) / np.log(fanout)), 1.0)
    effort = path ** (1 / stages)
    delay = stages * steady(inverter.ohm * (effort * inverter.gate_F + inverter.drain_F), inverter.gain)
    grown = np.where(effort > 1 + 1e-9, (path - 1) / np.maximum(effort - 1, 1e-9), stages)  # sum of the stages' sizes
    own = grown * (inverter.gate_F + inverter.drain_F)
    width = grown * node.unit_m
    return Cost(
        delay,
        own * supply**2 + load_F * swing**2,
        node.leak_W(width * (1 + node.p_to_n) * LEAKING),
        node.row_area(width, width * node.p_to_n, stages),
    )


def wire_delay_s(ohm_per_m: Any, F_per_m: Any, length_m: Any, load_F: Any = 0.0) -> Any:
    """Return the delay [s] to half swing of a distributed line with a load at its end: 0.38 RC l^2 + 0.69 R l C."""
    return ohm_per_m * length_m * (0.38 * F_per_m * length_m + 0.69 * load_F)


@dataclass(frozen=True)
class LongWire:
    """A wire across a bank, with or without repeaters: delay linear and quadratic in length, the rest per metre."""

    s_per_m: float
    s_per_m2: float
    J_per_m: float
    W_per_m: float
    repeater_m2_per_m: float

    def delay_s(self, length_m: Any) -> Any:
        return self.s_per_m * length_m + self.s_per_m2 * length_m**2


def unrepeated(node: Node, wire: Wire) -> LongWire:
    """Return a bare wire: 2.3 R C l^2 / 2, as the older array model has its global wires."""
    return LongWire(0.0, 2.3 / 2 * wire.ohm_per_m * wire.F_per_m, wire.F_per_m * node.vdd_V**2, 0.0, 0.0)


def repeated(inverter: Inverter, wire: Wire, slack: float) -> LongWire:
    """Return a repeated wire: spacing and size are optimal for delay, then spread and shrunk by `slack`.

    Optimum: spacing sqrt(2 R0 (C0 + Cp) / (r c)), size sqrt(R0 c / (C0 r)) of the smallest inverter. With larger
    spacing and smaller size the delay rises slowly and the repeaters' energy, leakage and area fall fast.
    """
    node = inverter.node
    ohm_per_m, F_per_m = wire.ohm_per_m, wire.F_per_m
    spacing = slack * math.sqrt(2 * inverter.ohm * (inverter.gate_F + inverter.drain_F) / (ohm_per_m * F_per_m))
    size = math.sqrt(inverter.ohm * F_per_m / (inverter.gate_F * ohm_per_m)) / slack
    drive = inverter.ohm / size
    span = F_per_m * spacing
    delay = 0.69 * drive * (span + size * (inverter.gate_F + inverter.drain_F))
    delay += ohm_per_m * spacing * (0.38 * span + 0.69 * size * inverter.gate_F)
    width = size * node.unit_m
    own = size * (inverter.gate_F + inverter.drain_F)
    return LongWire(
        delay / spacing,
        0.0,
        (span + own) * node.vdd_V**2 / spacing,
        node.leak_W(width * (1 + node.p_to_n) * LEAKING) / spacing,
        float(node.row_area(width, width * node.p_to_n, 1.0)) / spacing,
    )
