"""Every organisation of a bank, built from the few distinct mats that they share.

A bank's figures depend on its mats through a dozen numbers alone, and thousands of banks are made of one mat. So mats
are evaluated once each, and banks of them in closed form: nothing is left out.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numba import njit

from circuits.array.assumptions import Assumptions
from circuits.array.bank import Figures, latches_J
from circuits.array.driver import LATENCY
from circuits.array.mat import Mat, mats
from circuits.array.organisation import Content, Form, Organisations, frame, log2, shape
from circuits.array.process import Metal, Process
from circuits.array.subarray import Bit
from circuits.array.tree import LEVELS, Tree, repeat, run

POWERS = tuple(2**i for i in range(9))


@dataclass(frozen=True)
class Limits:
    """How far a search goes: mats along a side as a power of two, inputs of the three multiplexer levels, styles.

    Along a bit line stand `least_rows` to `rows` cells, along a word line at most `columns`. `full` means that a whole
    row of mats, and of subarrays, works at once.
    """

    bank: int = 9
    mux: tuple[tuple[int, ...], ...] = (POWERS, POWERS, POWERS)
    styles: tuple[int, ...] = (LATENCY,)
    full: bool = True
    rows: float = np.inf
    columns: float = np.inf
    least_rows: int = 1


DATA = Limits()
TAG = Limits(
    6, (POWERS[:7], (1,), POWERS[:7]), (0, 1, 2), False
)  # in no row did the older tool choose a second output level for tags
WHOLE_TAG = Limits(6, (POWERS[:7],) * 3, (0, 1, 2), False)
NAMES = tuple(field.name for field in fields(Figures))


@dataclass(frozen=True)
class Found(Figures):
    """Banks of a search: figures of each, and which frame, multiplexers and style it has."""

    frame: Any
    mat: Any
    frames: Organisations
    kinds: Form

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, where: Any) -> "Found":
        """Return some of the banks."""
        return Found(**{k: v if k in ("frames", "kinds") else v[where] for k, v in vars(self).items()})

    def figures(self, index: Any, form: Any = ...) -> Figures:
        """Return the figures of some of the banks, indexed by `form` into a column or a row."""
        return Figures(*(getattr(self, name)[index][form] for name in NAMES))

    def at(self, index: Any) -> Organisations:
        """Return the organisations of some of the banks."""
        index = np.atleast_1d(index)
        frame, mat = self.frame[index], self.mat[index]
        kinds = self.kinds
        return replace(self.frames.take(frame), mux=kinds.mux[mat], mux_1=kinds.mux_1[mat], mux_2=kinds.mux_2[mat],
                       style=kinds.style[mat])  # fmt: skip


def frames(limits: Limits) -> Organisations:
    """Return every bank of mats of subarrays, multiplexers and style left at their first value."""
    sides = 2 ** np.arange(limits.bank + 1)
    if limits.full:
        rows, columns = (x.ravel() for x in np.meshgrid(sides, sides, indexing="ij"))
        one, two = np.ones_like(rows), np.full_like(rows, 2)
        return Organisations(rows, columns, one, columns, two, two, two, two, one, one, one, 0 * one)
    bank = [(side, part) for side in sides for part in sides[sides <= side]]
    mat = [(side, part) for side in (1, 2) for part in (1, 2) if part <= side]
    grid = np.meshgrid(*(np.arange(len(x)) for x in (bank, bank, mat, mat)), indexing="ij")
    r, ar, c, ac, mr, sr, mc, sc = (
        np.array(x)[i.ravel(), k] for x, i in zip((bank, bank, mat, mat), grid, strict=True) for k in (0, 1)
    )
    one = np.ones_like(r)
    return Organisations(r, c, ar, ac, mr, mc, sr, sc, one, one, one, 0 * one)


def explore(process: Process, given: Assumptions, cell: Bit, local: Metal, trunk: Metal, limits: Limits,
            content_of: Callable[[Organisations], Content]) -> Found:  # fmt: skip
    """Return every bank within limits that can hold a content, whose tree is of bare wires or of repeated ones above.

    `content_of` is a function from organisations to a `Content`.
    """
    at = frames(limits)
    content = content_of(at)
    cut = frame(content, at)
    ok = cut.fits
    word = np.broadcast_to(np.asarray(content.word_bits), np.shape(ok))[ok]
    at, bits, base, held = at.take(ok), cut.bits[ok], cut.base[ok], cut.held[ok]
    # frames with equal mats share them
    working = at.sub_rows * at.sub_columns
    tag = int(content.tag)
    keys = np.stack([bits, base, at.mat_rows, at.mat_columns, working, tag * word, tag * held])
    code = np.zeros(keys.shape[1], dtype=np.int64)
    for key in keys:
        code = code * (int(key.max(initial=0)) + 1) + key
    _, first, kind = np.unique(code, return_index=True, return_inverse=True)
    offset, which, form, plain, decoded = _forms(limits, content, bits[first], base[first], cell.most_rows(process))
    pick = first[which]
    part = replace(content, word_bits=word[pick])
    mat, one = mats(process, given, cell, local, part, at.take(pick), form, decoded, held[pick])
    kinds = Form(form.rows, form.columns, *plain, form.style)
    # each frame with each mat of its kind
    counts = np.diff(offset)[kind]
    whole = np.repeat(np.arange(len(kind)), counts)
    index = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + offset[kind][whole]
    keep = one.fits[index]
    return _banks(process, given, cell, trunk, content, at, cut.tree, ok, held, whole[keep], index[keep], mat, kinds)


def _forms(limits: Limits, content: Content, bits: Any, base: Any,
           most: float) -> tuple[Any, Any, Form, tuple[Any, Any, Any], Any]:  # fmt: skip
    """Return the subarrays of each kind of frame: all multiplexers that leave it at least one row, in all styles.

    Then where each frame's begin, each one's frame, its multiplexers without those that select a way, and the bits that
    row predecoders decode.
    """
    triple = np.array(list(itertools.product(*limits.mux))).T
    total = triple.prod(0)
    room = bits[:, None] - (0 if content.decoded_ways or content.tag else content.way_bits) - log2(total)[None, :]
    rows = np.ceil(2.0 ** bits[:, None] / total[None, :] * content.filled)
    columns = base[:, None] * total[None, :] * np.prod(content.way_muxes)
    fits = (
        (room >= 0)
        & (rows <= min(most, limits.rows))
        & (rows >= limits.least_rows)
        & (columns >= content.least_columns)
    )
    fits &= columns <= limits.columns
    which, chosen = np.nonzero(fits)
    styles = np.array(limits.styles)
    which, chosen = np.repeat(which, len(styles)), np.repeat(chosen, len(styles))
    mux, mux_1, mux_2 = triple[:, chosen]
    style = np.tile(styles, len(which) // len(styles))
    form, decoded, fits = shape(content, bits[which], base[which], mux, mux_1, mux_2, style)
    which, decoded = which[fits], decoded[fits]
    form = Form(*(values[fits] for values in vars(form).values()))
    offset = np.searchsorted(which, np.arange(len(bits) + 1))
    return offset, which, form, (mux[fits], mux_1[fits], mux_2[fits]), decoded


@njit(
    "void(int64[::1], int64[::1], float64[:, ::1], float64[:, ::1], float64[::1], float64[:, ::1], boolean[::1])",
    cache=True, error_model="numpy",
)  # fmt: skip
def _fill(
    frame: Any, mat: Any, of_frame: Any, of_mat: Any, given: Any, out: Any, fits: Any
) -> None:  # pragma: no cover
    """Write the figures of each bank: of its frame (sums over its tree), and of its mat. See `_banks`."""
    s_per_m, s_per_m2, J_per_m, W_per_m, m2_per_m, tree_share, aspect, late_share, known = given
    for i in range(len(frame)):
        f, m = frame[i], mat[i]
        width, height = of_mat[m, 0], of_mat[m, 1]
        one_way = s_per_m * (of_frame[f, 0] * width + of_frame[f, 1] * height)
        one_way += s_per_m2 * (of_frame[f, 2] * width * width + of_frame[f, 3] * height * height)
        moved = J_per_m * (of_frame[f, 4] * width + of_frame[f, 5] * height) + of_frame[f, 11]
        wires_m = of_frame[f, 6] * width + of_frame[f, 7] * height
        rows, columns, active = of_frame[f, 8], of_frame[f, 9], of_frame[f, 10]
        high, wide = height * rows, width * columns
        fits[i] = max(high, wide) <= aspect * min(high, wide)
        read, early, write, drive = of_mat[m, 2], of_mat[m, 3], of_mat[m, 4], of_mat[m, 5]
        late = late_share * (read - early)
        out[0, i] = high * wide + m2_per_m * wires_m
        out[1, i] = read + 2 * one_way
        out[2, i] = read - late
        out[3, i] = of_mat[m, 6] + 2 * one_way + late
        out[4, i] = write + one_way
        out[5, i] = known * (drive + one_way)
        out[6, i] = known * (read + 2 * one_way)
        out[7, i] = of_mat[m, 7] * active + moved
        out[8, i] = of_mat[m, 8] * active + moved * tree_share
        out[9, i] = of_mat[m, 9] * rows * columns + W_per_m * wires_m


def _banks(process: Process, given: Assumptions, cell: Bit, trunk: Metal, content: Content, at: Organisations,
           tree: Tree, ok: Any, held: Any, frame: Any, index: Any, mat: Mat, kinds: Form) -> Found:  # fmt: skip
    """Return banks in closed form: wires double in length from level to level, above the mats."""
    steps = np.arange(LEVELS)[:, None]
    sums: list[list[Any]] = [[], [], [], []]
    for way in (0, 1):
        level, bits = tree.levels[way][ok], tree.bits[way][:, ok]
        side = np.where(bits > 0, 2.0 ** np.maximum(level - 1 - steps, 0) * (0.5 if way else 1.0), 0.0)
        for found, values in zip(sums, (side, side**2, side * tree.active[way][:, ok] * bits,
                                        side * tree.total[way][:, ok] * bits), strict=True):  # fmt: skip
            found.append(values.sum(0))
    inner, active, count = given.mat_wire_share / 2, at.active_rows * at.active_columns, at.bank_rows * at.bank_columns
    for found, more in zip(sums, (inner, inner**2, inner / 2 * held * active, inner / 2 * held * count), strict=True):
        found[0], found[1] = found[0] + more, found[1] + more
    word = np.broadcast_to(np.asarray(content.word_bits), np.shape(ok))[ok]
    latches = latches_J(process, given, replace(content, word_bits=word))
    of_frame = np.stack([*itertools.chain(*sums), at.bank_rows, at.bank_columns, active, latches], 1)
    of_mat = np.stack([mat.width_m, mat.height_m, mat.read_s, mat.early_s, mat.write_s, mat.drive_s, mat.column_s,
                       mat.read_J, mat.write_J, mat.leakage_W], 1)  # fmt: skip
    metre = run(process, given, cell, trunk, 1.0)
    linear = trunk.style == "repeated"
    over = 0.0
    if linear:  # what repeaters take below the wires, or what bundles take beside the mats, a metre of wire
        one = repeat(process, given, trunk)
        over = one.m2_per_m * (1 - given.bundle_share) + one.pitch_m / one.sharing * given.bundle_share
    delay = float(metre.delay_s)
    numbers = np.array([delay if linear else 0.0, 0.0 if linear else delay, float(metre.energy_J) * given.activity,
                        float(metre.leakage_W) * given.buses, over * given.buses, content.tree_share,
                        given.highest_aspect, given.late_select_share, given.known_way_share])  # fmt: skip
    figures, square = np.empty((len(NAMES), len(frame))), np.empty(len(frame), dtype=np.bool_)
    _fill(frame, index, np.ascontiguousarray(of_frame, dtype=float), np.ascontiguousarray(of_mat), numbers, figures,
          square)  # fmt: skip
    found = Found(**dict(zip(NAMES, figures, strict=True)), frame=frame, mat=index, frames=at, kinds=kinds)
    return found if content.tag else found.take(square)
