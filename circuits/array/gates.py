"""Gates: the delay of a stage, and a node's smallest inverter.

A node's smallest inverter has an N device one unit wide and a P device `p_to_n` as wide.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.devices.node import Node

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
