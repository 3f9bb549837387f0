"""The area of a cell from layout rules: fins and gate pitches for a FinFET, the planar transistor rule otherwise."""

from dataclasses import dataclass

from circuits.devices.node import Node


@dataclass(frozen=True)
class FinRules:
    """A cell is a row of fin strips, one removed fin apart, so many gate pitches high."""

    gate_pitches: float


@dataclass(frozen=True)
class PlanarRules:
    """An SRAM cell of given area and aspect in feature sizes."""

    area_F2: float
    aspect_ratio: float


def strip_width(node: Node, strips: list[int]) -> float:
    """Return the width [m] of fin strips side by side: their fins, and after each strip one removed fin."""
    return sum(n + 1 for n in strips) * node.track_m


def planar_transistor(node: Node, widths: list[int]) -> tuple[float, float]:
    """Return width and height [m] of planar access transistors side by side: each 3 (W/F + 1) F2, 3 F high.

    The DRAM-like rule of CACTI and NVSim for one-transistor cells.
    """
    return sum(w + 1 for w in widths) * node.track_m, 3 * node.track_m
