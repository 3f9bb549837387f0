"""The area of a cell from layout rules: fins and gate pitches for a FinFET, the planar transistor rule otherwise."""

import math
from dataclasses import dataclass

from circuits.devices.node import Node


@dataclass(frozen=True)
class FinRules:
    """A cell is a row of fin strips, one removed fin apart, so many gate pitches high."""

    gate_pitches: float


@dataclass(frozen=True)
class PlanarRules:
    """A cell of given area and aspect (width over height) in feature sizes."""

    area_F2: float
    aspect_ratio: float


@dataclass(frozen=True)
class AccessRules:
    """One access device in a planar cell: so high, and so far from the next one's, in feature sizes."""

    height_features: float
    gap_features: float


def strip_width(node: Node, strips: list[int]) -> float:
    """Return the width [m] of fin strips side by side: their fins, and after each strip one removed fin."""
    return sum(n + 1 for n in strips) * node.track_m


def planar_cell(node: Node, rules: PlanarRules) -> tuple[float, float]:
    """Return width and height [m] of a planar cell of known area and aspect."""
    height = math.sqrt(rules.area_F2 / rules.aspect_ratio) * node.track_m
    return rules.aspect_ratio * height, height


def access_cell(node: Node, rules: AccessRules, units: int) -> tuple[float, float]:
    """Return width and height [m] of a planar cell with one access device of so many features' width."""
    return (units + rules.gap_features) * node.track_m, rules.height_features * node.track_m
