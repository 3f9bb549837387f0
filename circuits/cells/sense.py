"""Reading a resistive cell: a clamped bit line settles, the amplifier samples its mismatch, a small capacitance
integrates the difference, a latch decides.

The older array model takes these from constants; here they follow from resistance, TMR, read current and offset. The
sense nodes are equalised while the row is decoded: that takes no time of its own.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.devices.node import Node


@dataclass(frozen=True)
class Amplifier:
    """Design choices of the current-sensing amplifier; widths in units of the smallest device.

    `residual` is the part of the mismatch of its clamps and mirrors that sampling it on `sample_capacitance_F` leaves.
    `reference_cells` in parallel make the reference; `corner_sigmas` is how far off a chip may be and still read at the
    error rate.
    """

    clamp_overdrive_V: float
    clamp_units: float
    residual: float
    sample_capacitance_F: float
    sense_capacitance_F: float
    latch_fins: float
    reference_cells: float
    corner_sigmas: float


@dataclass(frozen=True)
class SenseFigures:
    """What the time of a read follows from; the offset is the one that the design's quantile asks to overcome."""

    clamp_overdrive_V: float
    sense_capacitance_F: float
    offset_V: float
    latch_fins: float


def settle_s(read_current_A: float, signal_A: float, clamp_overdrive_V: float, bit_line_F: Any) -> Any:
    """Return the time [s] until a bit line's charging current is a tenth of the signal, through a clamp.

    Its gm is 2 I / Vov. A weak cell's line settles later than the reference's: what still flows counts against the
    signal.
    """
    gm = 2 * read_current_A / clamp_overdrive_V
    return bit_line_F / gm * math.log(10 * max(read_current_A / signal_A, 1.0))


def integrate_s(figures: SenseFigures, signal_A: float) -> float:
    """Return the time [s] for the signal to move the sense node beyond the latch's offset."""
    return figures.sense_capacitance_F * figures.offset_V / signal_A


def sample_s(amplifier: Amplifier, read_current_A: float, signal_A: float) -> float:
    """Return the time [s] in which a capacitor, on a mirror of the clamp's gm, holds the mismatch.

    To a tenth of the signal, and after the line has settled.
    M.-F. Chang et al., "An offset-tolerant fast-random-read current-sampling-based sense amplifier for
    small-cell-current nonvolatile memory", IEEE JSSC 48(3), 864 (2013).
    """
    return float(settle_s(read_current_A, signal_A, amplifier.clamp_overdrive_V, amplifier.sample_capacitance_F))


def latch_s(node: Node, swing_V: Any, fins: float, load_F: Any = 0.0) -> Any:
    """Return the time [s] of a cross-coupled pair: tau ln(Vdd / swing), tau = C / (gm_n + gm_p)."""
    width = fins * node.unit_m
    own = 2 * (node.gate_F(width) + node.drain_F(width)) + load_F
    return own / (2 * node.transconductance(width)) * np.log(node.vdd_V / np.minimum(swing_V, node.vdd_V))


def current_latch_s(node: Node, amplifier: Amplifier, figures: SenseFigures, mean_A: float, signal_A: float,
                    bit_line_F: float) -> float:  # fmt: skip
    """Return the time [s] of a current-sensed read of a bare bit line: settle, sample, integrate, latch."""
    settled = settle_s(mean_A, signal_A, figures.clamp_overdrive_V, bit_line_F)
    settled += sample_s(amplifier, mean_A, signal_A)
    decided = latch_s(node, figures.offset_V, figures.latch_fins, figures.sense_capacitance_F)
    return float(settled + integrate_s(figures, signal_A) + decided)
