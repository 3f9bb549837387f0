"""A bank at every organisation: mats of subarrays with their predecoders, behind an H-tree."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.array.gates import horowitz
from circuits.array.mats.assumptions import Assumptions
from circuits.array.mats.decoder import Predecode, predecode
from circuits.array.mats.element import Element
from circuits.array.mats.logic import drain_F, inverter_leak_A, size
from circuits.array.mats.process import Metal, Process
from circuits.array.mats.subarray import Form, Subarray, build
from circuits.array.mats.tree import LEVELS, Tree, branch, repeat, run


@dataclass(frozen=True)
class Content:
    """What a bank holds: bits in all, and bits of a word; `ways` of a set that lie in it together.

    A `tag` bank compares its `ways` tags of `word_bits` bits. Of a write, `way_share` is the part of a row that it
    drives; of the tree's wires, `tree_share`. Rows have at least `least_columns`.
    """

    bits: int
    word_bits: Any
    ways: int = 1
    tag: bool = False
    way_share: float = 1.0
    tree_share: float = 1.0
    least_columns: int = 1


@dataclass(frozen=True)
class Organisations:
    """Arrays of one length: mats in a bank and of them active, subarrays in a mat and of them active, multiplexers."""

    bank_rows: Any
    bank_columns: Any
    active_rows: Any
    active_columns: Any
    mat_rows: Any
    mat_columns: Any
    sub_rows: Any
    sub_columns: Any
    mux: Any
    mux_1: Any
    mux_2: Any
    style: Any

    def take(self, where: Any) -> "Organisations":
        return Organisations(*(values[where] for values in vars(self).values()))


@dataclass(frozen=True)
class Banks:
    """A bank for each organisation. `mat_s` is a read within a mat, `tree_s` both ways through the tree."""

    area_m2: Any
    read_s: Any
    write_s: Any
    mat_s: Any
    column_s: Any
    tree_s: Any
    read_J: Any
    write_J: Any
    set_J: Any
    reset_J: Any
    leakage_W: Any
    rows: Any
    columns: Any
    cells_m2: Any
    fits: Any


def _log2(values: Any) -> Any:
    return np.round(np.log2(np.maximum(values, 1))).astype(int)


def form(content: Content, at: Organisations) -> tuple[Tree, Form, Any, Any]:
    """Return H-trees, subarrays, the bits that predecoders decode, and which organisations can hold the content."""
    word = np.asarray(content.word_bits)
    address = _log2(np.asarray(content.bits // word) // content.ways)
    ways = round(np.log2(content.ways))
    spread, shared = (content.ways, word) if content.tag else (word, ways)
    tree = branch(at.bank_rows, at.bank_columns, at.active_rows, at.active_columns, address, spread, shared)
    working = at.sub_rows * at.sub_columns
    bits = tree.mat_address - _log2(at.mat_rows * at.mat_columns // working)
    mux, mux_1, mux_2 = at.mux, at.mux_1, at.mux_2
    fits = tree.fits & (bits > 0)
    if not content.tag and ways:
        third = 2 ** (ways // 3)
        mux, mux_1, mux_2 = mux * 2**ways // third**2, mux_1 * third, mux_2 * third
    muxes = mux * mux_1 * mux_2
    rows = 2 ** np.maximum(bits, 0) * (1 if content.tag else content.ways) // muxes
    if content.tag:
        columns = shared // working * muxes * tree.mat_spread
        fits &= tree.mat_spread > 0
    else:
        columns = tree.mat_spread // working * muxes
    decoded = bits - _log2(muxes)
    fits &= (rows >= 1) & (columns >= np.maximum(content.least_columns, muxes)) & (decoded >= 0)
    safe = Form(np.where(fits, rows, 1), np.where(fits, columns, muxes), mux, mux_1, mux_2, at.style)
    return tree, safe, np.where(fits, decoded, 0), fits


@dataclass(frozen=True)
class Mat:
    """A mat: its subarrays around the predecoders, and a tag's comparators."""

    width_m: Any
    height_m: Any
    read_s: Any
    write_s: Any
    read_J: Any
    write_J: Any
    set_J: Any
    reset_J: Any
    leakage_W: Any


def comparators(process: Process, given: Assumptions, bits: Any) -> tuple[Any, Any, Any, Any]:
    """Return delay [s], energy [J], leakage [W] and area [m2] of one tag comparator: four quarters, each a chain of
    four inverters that pulls a row of N pairs down, as CACTI has it.
    """
    f, supply = process.feature_m, process.vdd_V
    n_m = np.array([7.5, 15.0, 30.0, 50.0]) * f
    p_m = np.array([12.5, 25.0, 50.0, 100.0]) * f
    pair, load = 12.5 * f, 37.5 * f
    fold, region = given.drain_region_features * f, given.gate_region_features * f
    gates, drains = process.gate_F_per_m * (n_m + p_m), drain_F(process, given, n_m, p_m, fold)
    quarter = np.asarray(bits) // 4
    pair_F = drain_F(process, given, pair, 0.0, region, 2)
    bottom = drains[-1] + quarter * pair_F
    top = quarter * pair_F + drain_F(process, given, 0.0, load, fold)
    delay, ramp, energy = 0.0, 1e41, 0.0
    for i in range(3):
        node_F = drains[i] + gates[i + 1]
        step = horowitz(process.resistance(n_m[i]) * node_F, process.gain, ramp)
        delay, ramp, energy = delay + step, 0.5 / step, energy + node_F * supply**2
    down = process.resistance(n_m[-1])
    delay = delay + horowitz(down * bottom + (down + 2 * process.resistance(pair)) * top, 0.0, ramp)
    leak = 4 * float(np.sum(inverter_leak_A(process, n_m, p_m))) * supply
    high, wide = size(process, given, n_m, p_m, region)
    pair_high, pair_wide = size(process, given, pair, 0.0, region, 2)
    area = (high.max() + pair_high) * np.maximum(wide.sum(), quarter * pair_wide) * 4
    return delay, 4 * (energy + (bottom + top) * supply**2), leak + 0.0 * quarter, area


def _select(process: Process, given: Assumptions, mux: Any) -> Predecode:
    """Return the predecoders of multiplexers: their lines are short, so one of each size is enough."""
    bits = _log2(mux)
    table = predecode(process, given, np.arange(bits.max(initial=0) + 1), 0.0)
    return Predecode(*(values[bits] for values in vars(table).values()))


def mats(process: Process, given: Assumptions, cell: Element, local: Metal, content: Content, at: Organisations,
         shape: Form, decoded: Any, ways: Any) -> tuple[Mat, Subarray]:  # fmt: skip
    """Return the mats, and their subarrays; `ways` tags of a set lie in each. Predecoders stand amid the subarrays."""
    copies, working = at.mat_rows * at.mat_columns, at.sub_rows * at.sub_columns
    extra = given.way_decode_share * (np.round(np.log2(content.ways)) if not content.tag else 0)
    rows: list[Predecode] = []

    def ramp_of(width_m: Any, height_m: Any) -> Any:
        line_F = local.F_per_m * (height_m * at.mat_rows / 2 + width_m * at.mat_columns / 2)
        rows.append(predecode(process, given, decoded + int(extra), line_F))
        return rows[0].ramp_per_s

    one = build(process, given, cell, local, shape, ramp_of)
    row = rows[0]
    selects = [_select(process, given, m) for m in (shape.mux, shape.mux_1, shape.mux_2)]
    before_s = np.maximum.reduce([row.delay_s, *(part.delay_s for part in selects)])
    predecoders = (row, *selects)
    area = sum(part.area_m2 for part in predecoders)
    energy = sum(part.energy_J for part in predecoders)
    width, height = one.width_m * at.mat_columns, one.height_m * at.mat_rows
    side = np.sqrt(area)
    width, height = np.where(width > height, width + side, width), np.where(width > height, height, height + side)
    read_s, leak = before_s + one.read_s, sum(part.leakage_W for part in predecoders) + one.leakage_W * copies
    read_J = energy + one.read_J * working
    write_J = energy + (one.write_J + one.write_line_J * content.way_share) * working
    if content.tag:
        delay, spent, idle, taken = comparators(process, given, content.word_bits)
        height = height + ways * taken / width
        read_s, read_J, write_J = read_s + delay, read_J + spent * ways, write_J + spent * ways
        leak = leak + idle * ways
    return Mat(width, height, read_s, before_s + one.write_s, read_J, write_J, energy + one.set_J * working,
               energy + one.reset_J * working, leak), one  # fmt: skip


def evaluate(process: Process, given: Assumptions, cell: Element, local: Metal, trunk: Metal, content: Content,
             at: Organisations) -> Banks:  # fmt: skip
    """Return a bank for every organisation; where `fits` is false the figures mean nothing."""
    tree, shape, decoded, fits = form(content, at)
    mat, one = mats(process, given, cell, local, content, at, shape, decoded, tree.mat_spread)
    fits = fits & one.fits
    pitch, sharing = 0.0, 1
    if trunk.style == "repeated":
        repeater = repeat(process, given, trunk)
        pitch, sharing = repeater.pitch_m, repeater.sharing
    taken = [(np.ceil(b * s / sharing) * pitch).sum(0) for b, s in zip(tree.bits, tree.beside, strict=True)]
    height = mat.height_m * at.bank_rows + taken[0]
    width = mat.width_m * at.bank_columns + taken[1]
    if not content.tag:
        fits = fits & (np.maximum(height, width) <= given.highest_aspect * np.minimum(height, width))
    active = at.active_rows * at.active_columns
    read_s, write_s, tree_s = mat.read_s, mat.write_s, 0.0
    read_J, write_J, set_J, reset_J = (x * active for x in (mat.read_J, mat.write_J, mat.set_J, mat.reset_J))
    leak = mat.leakage_W * at.bank_rows * at.bank_columns
    lengths = _lengths(tree, mat, pitch, sharing)
    for length, bits, busy, total in zip(lengths, tree.bits, tree.active, tree.total, strict=True):
        wires = run(process, given, cell, trunk, length)
        used = bits > 0
        delay = np.where(used, wires.delay_s, 0.0).sum(0)
        moved = np.where(used, wires.energy_J * busy * bits, 0.0).sum(0)
        tree_s = tree_s + 2 * delay
        read_s, write_s = read_s + 2 * delay, write_s + delay
        read_J, write_J = read_J + moved, write_J + moved * content.tree_share
        set_J, reset_J = set_J + moved * content.tree_share, reset_J + moved * content.tree_share
        leak = leak + np.where(used, wires.leakage_W * total * bits, 0.0).sum(0)
    subarrays = at.bank_rows * at.bank_columns * at.mat_rows * at.mat_columns
    return Banks(height * width, read_s, write_s, mat.read_s, one.column_s, tree_s, read_J, write_J, set_J, reset_J,
                 leak, shape.rows, shape.columns, one.cells_m2 * subarrays, fits)  # fmt: skip


def _lengths(tree: Tree, mat: Mat, pitch_m: float, sharing: int) -> tuple[Any, Any]:
    """Return the length of each level's wires [levels, organisations]: they double from the mats to the root.

    Repeaters stand between the mats, so a wire grows by half of what the bundles that it crosses take.
    """
    across, down = tree.levels
    found = []
    for way, side in ((0, mat.width_m), (1, mat.height_m / 2)):
        level = tree.levels[way]
        power = np.maximum(level - 1 - np.arange(LEVELS)[:, None], 0)
        found.append(side * 2.0**power)
    if not pitch_m:
        return found[0], found[1]
    n = np.shape(across)
    gaps = [np.ceil(b / sharing) * pitch_m / 2 for b in tree.bits]
    for i in range(int(np.prod(n))):
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
