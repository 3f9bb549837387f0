"""The six-transistor SRAM cell from a node's devices."""

import math
from dataclasses import dataclass

from circuits.cells.cell import Cell
from circuits.cells.layout import FinRules, PlanarRules, strip_width
from circuits.data import DataFile
from circuits.devices.node import Node


@dataclass(frozen=True)
class Widths:
    """Widths of the six transistors in units of the smallest device: fins, or feature sizes."""

    pull_down: float
    pull_up: float
    access: float


@dataclass(frozen=True)
class Limits:
    """Design choices of the cell's read."""

    sense_swing_V: float
    reference_rows: float


def read_current(node: Node, access_m: float, pull_down_m: float) -> float:
    """Return the current [A] a cell draws from a bit line at Vdd: access in series with pull-down, by bisection."""
    low, high = 0.0, node.vdd_V
    for _ in range(60):
        middle = (low + high) / 2
        through = node.current(access_m, node.vdd_V - middle, node.vdd_V - middle)
        low, high = (middle, high) if through > node.current(pull_down_m, node.vdd_V, middle) else (low, middle)
    return node.current(pull_down_m, node.vdd_V, low)


def build(file: DataFile, node: Node) -> Cell:
    """Return the SRAM cell that a data file describes, at a node."""
    file.only(("name", "kind", "finfet", "planar", "read"))
    part = dict(file.section(node.kind))
    widths = file.record(Widths, f"{node.kind}.widths", part.pop("widths", {}))
    if node.kind == "finfet":
        rules = file.record(FinRules, "finfet", part)
        strips = [round(max(widths.pull_down, widths.access)), round(widths.pull_up)] * 2
        width, height = strip_width(node, strips), rules.gate_pitches * node.gate_pitch_m
    else:
        flat = file.record(PlanarRules, "planar", part)
        height = math.sqrt(flat.area_F2 / flat.aspect_ratio) * node.track_m
        width = flat.aspect_ratio * height
    limits = file.record(Limits, "read", file.section("read"))
    access, down, up = (w * node.unit_m for w in (widths.access, widths.pull_down, widths.pull_up))
    current = read_current(node, access, down)
    # a word's write: the access device must fetch a node of four gates and drains down below the threshold
    inside = node.gate_F(down + up) + node.drain_F(down + up + access)
    flip = math.log(node.vdd_V / node.transistors.threshold_V) * node.resistance(access) * inside
    flip += math.log(2) * node.resistance(up) * node.p_to_n * inside
    line = limits.reference_rows * (node.wires["local"].F_per_m * height + node.drain_F(access) / 2)
    return Cell(
        file.text("name"), "sram", node.name, width, height,
        read_gate_m=2 * access, write_gate_m=2 * access, read_drain_m=access, write_drain_m=access,
        word_line_V=node.vdd_V, bit_line_write_V=node.vdd_V,
        read_current_A=current, signal_A=current, read_V=limits.sense_swing_V, write_current_A=current,
        # off: one pull-down, one pull-up, one access device below a bit line at Vdd
        leakage_W=node.leak_W(down + up + access),
        sense_latency_s=line * limits.sense_swing_V / current, sense_energy_J=line * node.vdd_V * limits.sense_swing_V,
        set_latency_s=flip, reset_latency_s=flip,
        set_energy_J=2 * inside * node.vdd_V**2, reset_energy_J=2 * inside * node.vdd_V**2,
        fins={"pull_down": round(widths.pull_down), "pull_up": round(widths.pull_up), "access": round(widths.access)},
        temperature_K=node.temperature_K, leakage=node.leakage,
        device={"internal_node_F": inside},
        works=file.works, assumptions=tuple(file.assumptions),
    )  # fmt: skip
