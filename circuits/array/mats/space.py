"""Every organisation of a bank, built from the few distinct mats that they share.

A bank's figures depend on its mats through seven numbers alone, and thousands of banks are made of one mat. So mats are
evaluated once each, and banks of them in closed form. With `least` of a cache's mats kept apart, nothing is left out.
"""

import itertools
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from circuits.array.mats.assumptions import Assumptions
from circuits.array.mats.bank import Content, Mat, Organisations, mats
from circuits.array.mats.cache import Figures
from circuits.array.mats.driver import LATENCY
from circuits.array.mats.element import Element
from circuits.array.mats.process import Metal, Process
from circuits.array.mats.subarray import Form, most_rows
from circuits.array.mats.tree import LEVELS, branch

BLOCK = 1 << 14  # banks at a time


@dataclass(frozen=True)
class Limits:
    """How far a search goes, as powers of two: mats along a side, inputs of the three multiplexer levels.

    `full` means that a whole row of mats, and of subarrays, works at once.
    """

    bank: int = 9
    mux: tuple[int, int, int] = (8, 8, 8)
    styles: tuple[int, ...] = (LATENCY,)
    full: bool = True


DATA = Limits()
TAG = Limits(6, (6, 0, 6), (0, 1, 2), False)  # in no row did the older tool choose a second output level for tags
WHOLE_TAG = Limits(6, (6, 6, 6), (0, 1, 2), False)


@dataclass(frozen=True)
class Found:
    """Banks of a search: figures of each, and which frame, multiplexers and style it has."""

    area_m2: Any
    read_s: Any
    write_s: Any
    mat_s: Any
    column_s: Any
    tree_s: Any
    read_J: Any
    write_J: Any
    leakage_W: Any
    frame: Any
    mat: Any
    frames: Organisations
    kinds: Form

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, where: Any) -> "Found":
        """Return some of the banks."""
        return Found(**{k: v if k in ("frames", "kinds") else v[where] for k, v in vars(self).items()})

    def figures(self, index: Any, shape: Any = ...) -> Figures:
        """Return the figures of some of the banks, indexed by `shape` into a column or a row."""
        return Figures(*(getattr(self, f.name)[index][shape] for f in fields(Figures)))

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


def _log2(values: Any) -> Any:
    return np.round(np.log2(values)).astype(int)


def explore(process: Process, given: Assumptions, cell: Element, local: Metal, trunk: Metal, limits: Limits,
            content_of: Any) -> Found:  # fmt: skip
    """Return every bank within limits that can hold a content, with a tree of bare wires.

    `content_of` is a function from organisations to a `Content`.
    """
    at = frames(limits)
    content: Content = content_of(at)
    word = np.broadcast_to(np.asarray(content.word_bits), at.bank_rows.shape)
    sets = _log2(content.bits // word // content.ways)
    ways = round(np.log2(content.ways))
    spread, shared = (content.ways, word) if content.tag else (word, ways)
    tree = branch(at.bank_rows, at.bank_columns, at.active_rows, at.active_columns, sets, spread, shared)
    working, copies = at.sub_rows * at.sub_columns, at.mat_rows * at.mat_columns
    bits = tree.mat_address - _log2(copies // working)
    base = (word if content.tag else tree.mat_spread) // working * (tree.mat_spread if content.tag else 1)
    ok = tree.fits & (bits > 0) & (base > 0)
    at, tree_at = at.take(ok), ok
    bits, base, working, word, held = bits[ok], base[ok], working[ok], word[ok], tree.mat_spread[ok]
    # frames with equal mats share them
    keys = np.stack([bits, base, at.mat_rows, at.mat_columns, working, word if content.tag else 0 * word,
                     held if content.tag else 0 * held])  # fmt: skip
    code = np.zeros(keys.shape[1], dtype=np.int64)
    for key in keys:
        code = code * (int(key.max(initial=0)) + 1) + key
    _, first, kind = np.unique(code, return_index=True, return_inverse=True)
    room = bits[first] - (0 if content.tag else ways)
    offset, which, form, extra = _forms(limits, content, room, base[first], most_rows(process, cell))
    pick = first[which]
    some = at.take(pick)
    decoded = bits[pick] - _log2(form.mux * form.mux_1 * form.mux_2)
    part = Content(content.bits, word[pick], content.ways, content.tag, content.way_share, content.tree_share)
    mat, one = mats(process, given, cell, local, part, some, form, np.maximum(decoded, 0), held[pick])
    good = one.fits & (form.columns >= content.least_columns)
    kinds = Form(form.rows, form.columns, *extra, form.style)
    # each frame with each mat of its kind
    counts = np.diff(offset)[kind]
    frame = np.repeat(np.arange(len(kind)), counts)
    index = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + offset[kind][frame]
    keep = good[index]
    frame, index = frame[keep], index[keep]
    return _banks(process, given, trunk, content, at, tree, tree_at, frame, index, mat, one.column_s, kinds)


def _forms(
    limits: Limits, content: Content, room: Any, base: Any, most: float
) -> tuple[Any, Any, Form, tuple[Any, Any, Any]]:
    """Return the subarrays of each kind of frame: all multiplexers that leave it at least one row, in all styles.

    The second value tells each form's kind; the last the multiplexers without those that select a way.
    """
    triple = np.array(list(itertools.product(*(range(most + 1) for most in limits.mux)))).T
    total = triple.sum(0)
    styles = np.array(limits.styles)
    ways = 0 if content.tag else round(np.log2(content.ways))
    fits = (total[None, :] <= room[:, None]) & (room[:, None] - total[None, :] + ways <= np.log2(most))
    fits &= base[:, None] * 2.0 ** (total[None, :] + ways) >= content.least_columns
    which, chosen = np.nonzero(fits)
    offset = np.searchsorted(which, np.arange(len(room) + 1)) * len(styles)
    which, chosen = np.repeat(which, len(styles)), np.repeat(chosen, len(styles))
    style = np.tile(styles, len(which) // len(styles))
    third = ways // 3
    mux, mux_1, mux_2 = 2 ** triple[:, chosen]
    rows = 2 ** (room[which] - total[chosen] + ways)
    columns = base[which] * 2 ** (total[chosen] + ways)
    return offset, which, Form(rows, columns, mux * 2 ** (ways - 2 * third), mux_1 * 2**third, mux_2 * 2**third,
                               style), (mux, mux_1, mux_2)  # fmt: skip


def _banks(process: Process, given: Assumptions, trunk: Metal, content: Content, at: Organisations, tree: Any, ok: Any,
           frame: Any, index: Any, mat: Mat, column_s: Any, kinds: Form) -> Found:  # fmt: skip
    """Return banks in closed form: bare wires double in length from level to level, delays go with length squared."""
    steps = np.arange(LEVELS)[:, None]
    sums = []
    for way in (0, 1):
        level, bits, busy = tree.levels[way][ok], tree.bits[way][:, ok], tree.active[way][:, ok]
        side = np.where(bits > 0, 2.0 ** np.maximum(level - 1 - steps, 0) * (0.5 if way else 1.0), 0.0)
        sums.append(((side**2).sum(0), (side * busy * bits).sum(0)))
    delay = given.wire_factor / 2 * trunk.ohm_per_m * trunk.F_per_m
    charge = trunk.F_per_m * process.vdd_V**2
    (across, moved_across), (down, moved_down) = sums
    frames_ = (delay * across, delay * down, charge * moved_across, charge * moved_down, at.bank_rows * 1.0,
               at.bank_columns * 1.0, at.active_rows * at.active_columns * 1.0)  # fmt: skip
    mats_ = (mat.width_m, mat.height_m, mat.read_s, mat.write_s, mat.read_J, mat.write_J, mat.leakage_W, column_s)
    figures = np.empty((9, len(frame)))
    square = np.empty(len(frame), dtype=bool)
    for start in range(0, len(frame), BLOCK):  # what fits a core's cache
        here = slice(start, start + BLOCK)
        to_w, to_h, moved_w, moved_h, rows, columns, active = (x.take(frame[here]) for x in frames_)
        width, height, read_s, write_s, read_J, write_J, leak, column = (x.take(index[here]) for x in mats_)
        one_way, moved = to_w * width**2 + to_h * height**2, moved_w * width + moved_h * height
        bank_h, bank_w = height * rows, width * columns
        square[here] = np.maximum(bank_h, bank_w) <= given.highest_aspect * np.minimum(bank_h, bank_w)
        values = (bank_h * bank_w, read_s + 2 * one_way, write_s + one_way, read_s, column, 2 * one_way,
                  read_J * active + moved, write_J * active + moved * content.tree_share,
                  leak * rows * columns)  # fmt: skip
        for row, value in zip(figures, values, strict=True):
            row[here] = value
    named = dict(zip((f.name for f in fields(Figures)), figures, strict=True))
    found = Found(**named, frame=frame, mat=index, frames=at, kinds=kinds)
    return found if content.tag else found.take(square)
