"""SRAM cells from a node's devices: six transistors, or eight with a read port of their own."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from circuits.cells.cell import Cell
from circuits.cells.layout import FinRules, PlanarRules, planar_cell, strip_width
from circuits.cells.scatter import pelgrom_V
from circuits.cells.spread import read_spreads
from circuits.data import DataFile
from circuits.devices.node import Node
from circuits.errors import InputError


@dataclass(frozen=True)
class Widths:
    """Widths of the six transistors in units of the smallest device: fins, or feature sizes."""

    pull_down: float
    pull_up: float
    access: float


@dataclass(frozen=True)
class Port:
    """Widths of a separate read port's two devices in series, in the same units."""

    read_access: float
    read_pull_down: float


@dataclass(frozen=True)
class Assist:
    """What helps a write: how far below ground its bit line goes."""

    bit_line_below_V: float


@dataclass(frozen=True)
class Limits:
    """Design choices of the read, which waits for a cell as weak as one in 1/`error_rate`; 0 for the nominal one."""

    sense_swing_V: float
    reference_rows: float
    error_rate: float = 0.0


def read_current(node: Node, access_m: float, pull_down_m: float, access_V: float = 0.0, down_V: float = 0.0) -> float:
    """Return the current [A] a cell draws from a bit line at Vdd: access in series with pull-down, by bisection.

    The two devices' thresholds lie `access_V` and `down_V` above the node's.
    """
    low, high = 0.0, node.vdd_V
    for _ in range(60):
        middle = (low + high) / 2
        through = node.current(access_m, node.vdd_V - middle - access_V, node.vdd_V - middle)
        down = node.current(pull_down_m, node.vdd_V - down_V, middle)
        low, high = (middle, high) if through > down else (low, middle)
    return node.current(pull_down_m, node.vdd_V - down_V, low)


def weak_current(node: Node, access_m: float, pull_down_m: float, access_sigma_V: float, down_sigma_V: float,
                 sigmas: float) -> float:  # fmt: skip
    """Return the current [A] of a cell so many sigma weak, both thresholds raised the way that weakens it most."""
    step = 1e-3
    base = read_current(node, access_m, pull_down_m)
    falls = [(base - read_current(node, access_m, pull_down_m, *shift)) / step * sigma for shift, sigma in (
        ((step, 0.0), access_sigma_V), ((0.0, step), down_sigma_V))]  # fmt: skip
    size = math.hypot(*falls) or 1.0
    shifts = [sigmas * fall / size * sigma for fall, sigma in zip(falls, (access_sigma_V, down_sigma_V), strict=True)]
    return read_current(node, access_m, pull_down_m, *shifts)


def build(file: DataFile, node: Node) -> Cell:
    """Return the SRAM cell that a data file describes, at a node.

    With a read port (kind `sram8t`) a read discharges a line of its own through the port, cannot disturb the cell, and
    leaks through the port of every cell that holds a one. A cell without a section `write` is written unassisted.
    """
    file.only(("name", "kind", "finfet", "planar", "read", "write", "spread"))
    kind = file.text("kind")
    part = dict(file.section(node.kind))
    widths = file.record(Widths, f"{node.kind}.widths", part.pop("widths", {}))
    ported = kind == "sram8t"
    port = file.record(Port, f"{node.kind}.port", part.pop("port", {})) if ported else None
    if node.kind == "finfet":
        rules = file.record(FinRules, "finfet", part)
        strips = [round(max(widths.pull_down, widths.access)), round(widths.pull_up)] * 2
        strips += [round(max(port.read_access, port.read_pull_down))] if port else []
        width, height = strip_width(node, strips), rules.gate_pitches * node.gate_pitch_m
    else:
        width, height = planar_cell(node, file.record(PlanarRules, "planar", part))
    limits = file.record(Limits, "read", file.section("read"))
    access, down, up = (w * node.unit_m for w in (widths.access, widths.pull_down, widths.pull_up))
    reader, foot = (port.read_access * node.unit_m, port.read_pull_down * node.unit_m) if port else (access, down)
    current = read_current(node, reader, foot)
    spread, common = read_spreads(file)
    weak = current
    if limits.error_rate:
        if limits.error_rate >= 0.5:
            raise InputError(f"{file.path}: read.error_rate {limits.error_rate:g}: give less than a half")
        sigmas = -NormalDist().inv_cdf(limits.error_rate)
        weak = weak_current(node, reader, foot, pelgrom_V(node, spread, reader), pelgrom_V(node, spread, foot), sigmas)
    if weak <= 0:
        raise InputError(f"{file.path}: read.error_rate: leaves the weakest cell no current; raise it or the supply")
    helped = "write" in file.content
    assist_V = file.record(Assist, "write", file.section("write")).bit_line_below_V if helped else 0.0
    # a word's write: the access device must fetch a node of four gates and drains down below the threshold
    inside = node.gate_F(down + up) + node.drain_F(down + up + access) + (node.gate_F(foot) / 2 if port else 0.0)
    flip = math.log(node.vdd_V / node.transistors.threshold_V) * node.resistance(access) * inside
    flip += math.log(2) * node.resistance(up) * node.p_to_n * inside
    line = limits.reference_rows * (node.wires["local"].F_per_m * height + node.drain_F(reader) / 2)
    fins = {"pull_down": widths.pull_down, "pull_up": widths.pull_up, "access": widths.access}
    return Cell(
        file.text("name"), kind, node.name, width, height,
        read_gate_m=reader if port else 2 * access, write_gate_m=2 * access,
        read_drain_m=reader, write_drain_m=access,
        word_line_V=node.vdd_V, bit_line_write_V=node.vdd_V + assist_V,
        read_current_A=current, signal_A=current, read_V=limits.sense_swing_V, write_current_A=current,
        # off: one pull-down, one pull-up, one access device below a bit line at Vdd; half the ports
        leakage_W=node.leak_W(down + up + access + (reader / 2 if port else 0.0)),
        sense_latency_s=line * limits.sense_swing_V / current, sense_energy_J=line * node.vdd_V * limits.sense_swing_V,
        set_latency_s=flip, reset_latency_s=flip,
        set_energy_J=2 * inside * node.vdd_V**2, reset_energy_J=2 * inside * node.vdd_V**2,
        fins={name: round(units) for name, units in (fins | (vars(port) if port else {})).items()},
        temperature_K=node.temperature_K, leakage=node.leakage,
        device={"internal_node_F": inside, "write_assist_V": assist_V, "weak_current_A": weak},
        works=file.works | common.works, assumptions=(*file.assumptions, *common.assumptions),
    )  # fmt: skip
