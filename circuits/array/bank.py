"""A bank at every organisation: mats of subarrays with their predecoders, behind an H-tree."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.array.assumptions import Assumptions
from circuits.array.driver import inverter_F
from circuits.array.mat import Mat, mats
from circuits.array.organisation import Content, Form, Organisations, frame, shape
from circuits.array.process import Metal, Process
from circuits.array.subarray import Bit, Subarray
from circuits.array.tree import LEVELS, Repeater, Tree, repeat, run


@dataclass(frozen=True)
class Figures:
    """What a cache takes from a bank: arrays, an element a bank.

    A read of the whole bank takes `read_s`; one whose way is told late waits for its `early_s` and then takes `rest_s`.
    A write that must know its way waits for the later of the tags' `known_s` and of its own `ready_s`, then drives.
    """

    area_m2: Any
    read_s: Any
    early_s: Any
    rest_s: Any
    write_s: Any
    ready_s: Any
    known_s: Any
    read_J: Any
    write_J: Any
    leakage_W: Any


@dataclass(frozen=True)
class Banks(Figures):
    """A bank for each organisation. `mat_s` is a read within a mat, `tree_s` both ways through the tree."""

    mat_s: Any
    column_s: Any
    tree_s: Any
    set_J: Any
    reset_J: Any
    refresh_W: Any
    rows: Any
    columns: Any
    cells_m2: Any
    fits: Any


def latches_J(process: Process, given: Assumptions, content: Content) -> Any:
    """Return the energy [J] of the latches of a word, or of a set's tags, at a bank's port."""
    bits = np.asarray(content.word_bits) * (content.ways if content.tag else 1)
    return given.latch_gates * bits * sum(inverter_F(process, given)) * process.vdd_V**2


@dataclass(frozen=True)
class Unwired:
    """Banks without their H-tree's wires: what they hold, their trees, their mats."""

    process: Process
    given: Assumptions
    cell: Bit
    content: Content
    at: Organisations
    tree: Tree
    form: Form
    mat: Mat
    one: Subarray
    held: Any
    fits: Any


def evaluate(process: Process, given: Assumptions, cell: Bit, local: Metal, trunk: Metal, content: Content,
             at: Organisations) -> Banks:  # fmt: skip
    """Return a bank for every organisation; where `fits` is false the figures mean nothing."""
    return wired(unwired(process, given, cell, local, content, at), trunk)


def unwired(process: Process, given: Assumptions, cell: Bit, local: Metal, content: Content,
            at: Organisations) -> Unwired:  # fmt: skip
    """Return banks whose H-tree is still to be drawn in some metal."""
    cut = frame(content, at)
    base = np.where(cut.fits, cut.base, 1)
    form, decoded, fits = shape(content, cut.bits, base, at.mux, at.mux_1, at.mux_2, at.style)
    mat, one = mats(process, given, cell, local, content, at, form, decoded, cut.held)
    return Unwired(process, given, cell, content, at, cut.tree, form, mat, one, cut.held, fits & cut.fits & one.fits)


def wired(bank: Unwired, trunk: Metal) -> Banks:
    """Return banks with H-trees in a metal."""
    process, given, cell, content, at = bank.process, bank.given, bank.cell, bank.content, bank.at
    tree, form, mat, one, fits = bank.tree, bank.form, bank.mat, bank.one, bank.fits
    repeater = repeat(process, given, trunk) if trunk.style == "repeated" else None
    height, width = mat.height_m * at.bank_rows, mat.width_m * at.bank_columns
    beside = bool(repeater and given.bundle_share)
    if repeater and beside:
        pitch = repeater.pitch_m * given.bundle_share
        taken = [(np.ceil(b * s * given.buses / repeater.sharing) * pitch).sum(0)
                 for b, s in zip(tree.bits, tree.beside, strict=True)]  # fmt: skip
        height, width = height + taken[0], width + taken[1]
    if not content.tag:
        fits = fits & (np.maximum(height, width) <= given.highest_aspect * np.minimum(height, width))
    active = at.active_rows * at.active_columns
    one_way: Any = 0.0
    moved: Any = 0.0
    wires_W: Any = 0.0
    wires_m: Any = 0.0
    lengths = _lengths(tree, mat, repeater if beside else None, given.bundle_share)
    for length, bits, busy, total in zip(lengths, tree.bits, tree.active, tree.total, strict=True):
        wires = run(process, given, cell, trunk, length)
        used = bits > 0
        one_way = one_way + np.where(used, wires.delay_s, 0.0).sum(0)
        moved = moved + np.where(used, wires.energy_J * busy * bits, 0.0).sum(0) * given.activity
        wires_W = wires_W + np.where(used, wires.leakage_W * total * bits, 0.0).sum(0) * given.buses
        wires_m = wires_m + np.where(used, length * total * bits, 0.0).sum(0) * given.buses
    inner = given.mat_wire_share / 2  # of a mat's sides, to its farthest column; to the mean one half of that
    mat_count = at.bank_rows * at.bank_columns
    for side in (mat.width_m, mat.height_m) if inner else ():
        wires, mean = run(process, given, cell, trunk, inner * side), bank.held / 2
        one_way = one_way + wires.delay_s
        moved = moved + wires.energy_J * mean * active * given.activity
        many = mean * mat_count * given.buses
        wires_W, wires_m = wires_W + wires.leakage_W * many, wires_m + inner * side * many
    moved = moved + latches_J(process, given, content)
    over_m2 = repeater.m2_per_m * (1 - given.bundle_share) * wires_m if repeater else 0.0
    read_s, write_s = mat.read_s + 2 * one_way, mat.write_s + one_way
    late, known = given.late_select_share * (mat.read_s - mat.early_s), given.known_way_share
    written = moved * content.tree_share
    return Banks(
        height * width + over_m2, read_s, mat.read_s - late, mat.column_s + 2 * one_way + late, write_s,
        known * (mat.drive_s + one_way), known * read_s, mat.read_J * active + moved, mat.write_J * active + written,
        mat.leakage_W * mat_count + wires_W, mat.read_s, mat.column_s, 2 * one_way, mat.set_J * active + written,
        mat.reset_J * active + written, one.refresh_W * mat_count * at.mat_rows * at.mat_columns, form.rows,
        form.columns, one.cells_m2 * mat_count * at.mat_rows * at.mat_columns, fits,
    )  # fmt: skip


def _lengths(tree: Tree, mat: Mat, repeater: Repeater | None, bundle_share: float) -> tuple[Any, Any]:
    """Return the length of each level's wires [levels, organisations]: they double from the mats to the root.

    Where bundles of repeated wires lie between the mats, a wire grows by half of what those that it crosses take.
    """
    across, down = tree.levels
    found = []
    for way, side in ((0, mat.width_m), (1, mat.height_m / 2)):
        level = tree.levels[way]
        power = np.maximum(level - 1 - np.arange(LEVELS)[:, None], 0)
        found.append(side * 2.0**power)
    if not repeater:
        return found[0], found[1]
    gaps = [np.ceil(b / repeater.sharing) * repeater.pitch_m * bundle_share / 2 for b in tree.bits]
    for i in range(int(np.prod(np.shape(across)))):
        h, v = int(across[i]) - 1, int(down[i]) - 1
        found[0][:, i], found[1][:, i] = _crossed(h, v, mat.width_m[i], mat.height_m[i], gaps[0][:, i], gaps[1][:, i])
    return found[0], found[1]


def _crossed(h: int, v: int, width_m: float, height_m: float, gap_h: Any, gap_v: Any) -> tuple[Any, Any]:
    """Return the lengths of one tree with repeaters; `h` and `v` are its last levels."""
    last_h, last_v = h, v
    across, down = np.zeros(LEVELS), np.zeros(LEVELS)
    while v > h:
        down[v] = height_m / 2 if v == last_v else 2 * down[v + 1]
        v -= 1
    while v >= 0:
        down[v] = height_m / 2 if v == last_v else 2 * down[v + 1] + (gap_h[h + 1] if h != last_h else 0.0)
        across[h] = width_m + gap_v[v : last_v + 1].sum() if h == last_h else 2 * across[h + 1] + gap_v[v]
        v, h = v - 1, h - 1
    while h >= 0:
        across[h] = width_m if h == last_h else 2 * across[h + 1]
        h -= 1
    return across, down
