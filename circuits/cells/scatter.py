"""Transistors that differ from their node's: thresholds, widths and currents as arrays, one element a device."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.cells.spread import Spreads
from circuits.devices.leakage import BOLTZMANN_V_PER_K
from circuits.devices.node import Node

STEPS = 40  # halvings of a supply: to a picovolt

Draws = dict[str, Any]  # the name of a source of variation -> standard normal numbers


def pelgrom_V(node: Node, spread: Spreads, width_m: float) -> float:
    """Return sigma [V] of one device's threshold: A / sqrt(2 W L), A being that of the difference of a pair.

    M. J. M. Pelgrom et al., IEEE JSSC 24(5), 1433 (1989).
    """
    fin = node.kind == "finfet"
    coefficient = spread.cell.pelgrom_finfet_V_m if fin else spread.cell.pelgrom_planar_V_m
    length = spread.cell.gate_length_finfet_m if fin else node.track_m
    return coefficient / math.sqrt(2 * width_m * length)


def width_sigma_m(node: Node, spread: Spreads, units: float) -> float:
    """Return sigma [m] of a device's gated width: every fin's two rough edges, and the fins' common height."""
    edges = spread.cell.edge_roughness_m * math.sqrt(2)
    if node.kind != "finfet":
        return edges
    return math.hypot(edges * math.sqrt(units), 2 * spread.cell.fin_height_m * units)


@dataclass(frozen=True)
class Device:
    """Transistors of one place in the cell: their shift of threshold, and their gated width."""

    node: Node
    shift_V: Any
    width_m: Any
    part: float = 1.0

    @classmethod
    def draw(cls, node: Node, spread: Spreads, name: str, units: float, draws: Draws,
             part: float = 1.0) -> "Device":  # fmt: skip
        """Return devices of so many units; `part` is the drive over an N device's (a P device drives 1/p_to_n).

        Draws: `name.threshold` and `name.width`, and of the die `die.threshold`, `die.fin_height`; `name.fins` are
        fins present.
        """
        shift = pelgrom_V(node, spread, units * node.unit_m) * draws[f"{name}.threshold"]
        shift = shift + spread.die.threshold_V * draws["die.threshold"]
        width = units * node.unit_m + width_sigma_m(node, spread, units) * draws[f"{name}.width"]
        if node.kind == "finfet":
            width = width + 2 * units * spread.die.fin_height_m * draws["die.fin_height"]
        lost = draws.get(f"{name}.lost", 0)  # fins
        return cls(node, shift, np.maximum(width - lost * node.unit_m, 1e-3 * node.unit_m), part)

    @property
    def threshold_V(self) -> Any:
        return self.node.transistors.threshold_V + self.shift_V

    @property
    def gain_S(self) -> Any:
        return self.part * self.node.transconductance(self.width_m)

    def current(self, gate_V: Any, drain_V: Any) -> Any:
        """Return the drain current [A], by the law of `Node.current`."""
        overdrive = np.maximum(gate_V - self.threshold_V, 1e-6)
        part = np.clip(drain_V / (overdrive / 2), 0.0, 1.0)
        return self.gain_S * overdrive * part * (2 - part)

    def leaks(self, ideality: float) -> Any:
        """Return the off-current over the nominal device's."""
        slope = ideality * BOLTZMANN_V_PER_K * self.node.temperature_K
        return np.exp(-self.shift_V / slope) * self.width_m


def balance(low: Any, high: Any, excess: Callable[[Any], Any]) -> Any:
    """Return where a falling function of a voltage crosses zero between two arrays, by halving."""
    low, high = np.array(low, dtype=float), np.array(high, dtype=float)
    for _ in range(STEPS):
        middle = (low + high) / 2
        above = excess(middle) > 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return (low + high) / 2
