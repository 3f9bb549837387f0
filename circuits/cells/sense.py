"""Reading a resistive cell: a clamped bit line settles, a small capacitance integrates the difference, a latch decides.

The older array model takes these three from constants; here they follow from resistance, TMR, read current and offset.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.devices.node import Node


@dataclass(frozen=True)
class SenseFigures:
    """Design choices of the current-sensing amplifier."""

    clamp_overdrive_V: float
    sense_capacitance_F: float
    offset_V: float
    latch_fins: float


def settle_s(read_current_A: float, signal_A: float, clamp_overdrive_V: float, bit_line_F: Any) -> Any:
    """Return the time [s] until a bit line's charging current is half the signal, through a clamp of gm = 2 I / Vov."""
    gm = 2 * read_current_A / clamp_overdrive_V
    return bit_line_F / gm * math.log(2 * max(read_current_A / signal_A, 1.0))


def integrate_s(figures: SenseFigures, signal_A: float) -> float:
    """Return the time [s] for the signal to move the sense node beyond the latch's offset."""
    return figures.sense_capacitance_F * figures.offset_V / signal_A


def latch_s(node: Node, swing_V: Any, fins: float, load_F: Any = 0.0) -> Any:
    """Return the time [s] of a cross-coupled pair: tau ln(Vdd / swing), tau = C / (gm_n + gm_p)."""
    width = fins * node.unit_m
    own = 2 * (node.gate_F(width) + node.drain_F(width)) + load_F
    return own / (2 * node.transconductance(width)) * np.log(node.vdd_V / swing_V)


def current_latch_s(node: Node, figures: SenseFigures, mean_A: float, signal_A: float, bit_line_F: float) -> float:
    """Return the time [s] of a current-sensed read of a bare bit line: settle, integrate, latch."""
    settled = settle_s(mean_A, signal_A, figures.clamp_overdrive_V, bit_line_F)
    decided = latch_s(node, figures.offset_V, figures.latch_fins, figures.sense_capacitance_F)
    return float(settled + integrate_s(figures, signal_A) + decided)
