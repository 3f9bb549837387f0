"""A bank: subarrays in a square floor plan behind an H-tree of global wires."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.array.figures import Figures
from circuits.array.gates import Inverter, LongWire, repeated, unrepeated
from circuits.array.row import Layout
from circuits.array.subarray import build
from circuits.cells.cell import Cell
from circuits.devices.node import Node


@dataclass(frozen=True)
class Shape:
    """What a bank must hold: `words` words of `bits`; a row group holds at least `group` words that share a select."""

    words: int
    bits: int
    group: int


@dataclass(frozen=True)
class Space:
    """The organisations of a bank, one array element each: rows, columns, active subarrays, multiplexing, fan-out."""

    rows: Any
    columns: Any
    active: Any
    mux: Any
    fanout: Any
    groups: Any

    def at(self, index: int) -> dict[str, int]:
        names = {"rows": self.rows, "columns": self.columns, "active_subarrays": self.active,
                 "column_mux": self.mux, "fanout": self.fanout}  # fmt: skip
        found = {name: int(values[index]) for name, values in names.items()}
        return found | {"subarrays": int(self.groups[index] * self.active[index])}


@dataclass(frozen=True)
class Bank:
    """A bank for each organisation. `tree_s` is one way through the H-tree. Energies are of one word's access;
    `read_J` is without moving the word out, `move_J`. `leakage_W` is the power at rest, `refresh_W` included.
    """

    area_m2: Any
    cells_m2: Any
    leakage_W: Any
    refresh_W: Any
    tree_s: Any
    open_read_s: Any
    open_write_s: Any
    bit_line_s: Any
    select_s: Any
    sense_s: Any
    write_s: Any
    read_J: Any
    write_J: Any
    move_J: Any
    fits: Any


WIRES = ("repeated", "unrepeated")
ROWS = (16, 32, 64, 128, 256, 512, 1024)
COLUMNS = (16, 2048)
MUX = (1, 2, 4, 8, 16, 32, 64)
ACTIVE = (1, 2, 4, 8, 16, 32, 64, 128)
FANOUTS = (4, 8, 16)


def space(shape: Shape, rows: tuple[int, ...] = ROWS, muxes: tuple[int, ...] = MUX,
          active: tuple[int, ...] = ACTIVE, fanouts: tuple[int, ...] = FANOUTS) -> Space:  # fmt: skip
    """Return every organisation that can hold a shape.

    An open row of `active` subarrays holds `mux` words, a whole number of select groups; subarrays are as wide as that
    asks. They come in groups of `active`, as many as the words need when each has at most one of `rows` rows.
    """
    grid = np.meshgrid(rows, [m * shape.group for m in muxes], active, fanouts, indexing="ij")
    r, m, a, f = (x.ravel().astype(float) for x in grid)
    columns = np.ceil(shape.bits * m / a)
    keep = (columns >= COLUMNS[0]) & (columns <= COLUMNS[1]) & (a <= shape.bits)
    keep &= m <= max(shape.words, shape.group)
    r, m, a, f, columns = (x[keep] for x in (r, m, a, f, columns))
    groups = np.ceil(shape.words / (r * m))
    # the rows that the words need of so many groups: what is no power of two leaves no cells empty
    chosen = np.unique(np.stack([np.ceil(shape.words / (groups * m)), columns, a, m, f, groups]), axis=1)
    return Space(*chosen)


def trunk(node: Node, figures: Figures, wires: str) -> LongWire:
    """Return the wire of the H-tree under a named assumption, one of `WIRES`."""
    metal = node.wires["global"]
    return (
        repeated(Inverter.of(node), metal, figures.repeater_slack) if wires == "repeated" else unrepeated(node, metal)
    )


def evaluate(node: Node, cell: Cell, figures: Figures, shape: Shape, where: Space, wires: str = "repeated") -> Bank:
    """Return a bank for every organisation of a space.

    The bank is taken as a square of its subarrays' area and of its repeaters'; the wires run above the cells. A word
    travels half the width and the whole height, at most; energy counts this path for every bit that toggles.
    """
    wire = trunk(node, figures, wires)
    one = build(node, cell, figures, Layout(where.rows, where.columns, where.mux, where.fanout))
    count = where.groups * where.active
    leaf = one.width_m * one.height_m
    group_m = np.sqrt(leaf * where.active)
    address = np.log2(np.maximum(where.rows * where.mux * where.groups, 2.0))
    # an H-tree's edges: 1.5 sides of a leaf each, full words down to a group, then halving towards its subarrays
    stem_m = 1.5 * np.maximum(where.groups - 1, 0.0) * group_m
    twigs_m = np.where(where.active > 1, group_m, 0.0)
    wires_m = shape.bits * figures.data_bus_ways * (stem_m + where.groups * twigs_m)
    wires_m = wires_m + address * (stem_m + where.groups * 1.5 * np.maximum(where.active - 1, 0.0) * np.sqrt(leaf))
    area = count * leaf + wires_m * wire.repeater_m2_per_m
    way_m = np.maximum(1.5 * np.sqrt(area) - 0.5 * (one.width_m + one.height_m), 0.0)
    bits_J = figures.activity * wire.J_per_m
    move_J = shape.bits * bits_J * way_m
    ask_J = address * bits_J * (way_m + 1.5 * np.maximum(where.active - 1, 0.0) * np.sqrt(leaf))
    return Bank(
        area_m2=area,
        cells_m2=count * one.cells_m2,
        leakage_W=count * (one.leakage_W + one.refresh_W) + wires_m * wire.W_per_m,
        refresh_W=count * one.refresh_W,
        tree_s=wire.delay_s(way_m),
        open_read_s=one.read_row.delay_s,
        open_write_s=one.write_row.delay_s,
        bit_line_s=one.columns.bit_line_s,
        select_s=one.columns.select_s,
        sense_s=one.columns.sense_s,
        write_s=one.columns.write_s,
        read_J=ask_J + where.active * (one.read_row.energy_J + one.columns.read_J),
        write_J=ask_J + move_J + where.active * (one.write_row.energy_J + one.columns.write_J),
        move_J=move_J,
        fits=one.columns.fits,
    )
