"""The best cache for every target, and the Pareto front, out of every pair of a tag and a data bank.

Pairs are far too many to look at. But each target grows with each of a few figures of the two banks, so its best pair
is one of banks that no other beats in all of these at once; and so are the pairs of the front.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numba import njit

from circuits.array.mats.assumptions import Assumptions
from circuits.array.mats.bank import Content, Organisations, evaluate
from circuits.array.mats.cache import Figures, Totals, combine, data_content, tag_content
from circuits.array.mats.element import Element
from circuits.array.mats.process import Metal, Process
from circuits.array.mats.space import DATA, TAG, Found, Limits, explore

# a target: the figures whose product it is
TARGETS: dict[str, tuple[str, ...]] = {
    "read-latency": ("read_s",),
    "write-latency": ("write_s",),
    "read-energy": ("read_J",),
    "write-energy": ("write_J",),
    "read-edp": ("read_s", "read_J"),
    "write-edp": ("write_s", "write_J"),
    "leakage": ("leakage_W",),
    "area": ("area_m2",),
}
FRONT = ("read_s", "read_J", "leakage_W", "area_m2")
BLOCK = 1 << 21  # pairs at a time


@njit("boolean[:](float64[:, :])", cache=True, error_model="numpy")
def _unbeaten(points: Any) -> Any:  # pragma: no cover
    """Mark the rows, sorted by their sum, that no other row equals or beats in every column (of equals, the first)."""
    n, width = points.shape
    keep = np.zeros(n, dtype=np.bool_)
    kept = np.empty(n, dtype=np.int64)
    count = 0
    for i in range(n):
        beaten = False
        for j in range(count):
            k = kept[j]
            beaten = True
            for d in range(width):
                if points[k, d] > points[i, d]:
                    beaten = False
                    break
            if beaten:
                if j > 64:  # a strong point moves to the front, where the next ones meet it first
                    kept[j], kept[j // 2] = kept[j // 2], k
                break
        if not beaten:
            keep[i] = True
            kept[count] = i
            count += 1
    return keep


def front(*figures: Any) -> Any:
    """Return the indices of the points that no other point beats in all figures: the Pareto front."""
    if len(figures) == 1:
        return np.array([np.nanargmin(figures[0])])
    index = np.arange(len(figures[0]))
    left = list(figures)
    for favoured in (None, *range(len(figures))):  # most points are beaten by one of these few
        score = np.prod(left, axis=0) if favoured is None else np.prod(left, axis=0) * left[favoured] ** 2
        anchor = np.nanargmin(score)
        worse = np.ones(len(index), dtype=bool)
        for values in left:
            worse &= ~(values < values[anchor])
        worse[anchor] = False
        keep = np.nonzero(~worse)[0]
        index, left = index[keep], [values[keep] for values in left]
    points = np.log(np.stack(left, axis=1))
    order = np.argsort(points.sum(1), kind="stable")
    return np.sort(index[order[_unbeaten(np.ascontiguousarray(points[order]))]])


@dataclass(frozen=True)
class Choice:
    """A cache: its eight figures, which tag and data bank it is made of, and the tag's global wires.

    `tag_wires` is 0 for bare wires, else the place of a metal in `refine`, from 1.
    """

    totals: dict[str, float]
    tag: int
    data: int
    tag_wires: int


@dataclass(frozen=True)
class Caches:
    """What a search finds: the best for each target, and the figures and the banks of the front."""

    best: dict[str, Choice]
    front: Totals
    front_tag: Any
    front_data: Any
    tags: Found
    datas: Found

    @property
    def pairs(self) -> int:
        return len(self.tags) * len(self.datas)


def _needs(mode: str, figures: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the figures of the tag and of the data bank that a cache's figures grow with."""
    read = ("mat_s", "select_s") if mode == "normal" else ("read_s",)
    data = [part for name in figures for part in (read if name == "read_s" else (name,))]
    return figures, tuple(data)


def _figure(found: Found, name: str) -> Any:
    return found.column_s + found.tree_s if name == "select_s" else getattr(found, name)


def _pairs(mode: str, tags: Found, datas: Found, tag: Any, data: Any) -> Totals:
    """Return caches of each of some tag banks (rows) with each of some data banks (columns)."""
    column, row = (slice(None), None), (None, slice(None))
    return combine(mode, tags.figures(tag, column), datas.figures(data, row))


def _score(totals: Totals, figures: tuple[str, ...]) -> Any:
    return np.prod(np.broadcast_arrays(*(getattr(totals, name) for name in figures)), axis=0)


def _sides(mode: str, tags: Found, datas: Found, figures: tuple[str, ...]) -> tuple[Any, Any]:
    """Return the tag and the data banks that no other beats in what some figures of a cache grow with."""
    of_tag, of_data = _needs(mode, figures)
    return front(*(_figure(tags, name) for name in of_tag)), front(*(_figure(datas, name) for name in of_data))


def _best(mode: str, figures: tuple[str, ...], tag: Any, tags: list[Figures], data: Any, datas: Figures) -> Choice:
    """Return the best pair; `tags` holds the tag banks' figures with each kind of global wire."""
    found = []
    for wires, banks in enumerate(tags):
        totals = combine(mode, banks, datas)
        score = _score(totals, figures) * np.ones((len(tag), len(data)))
        at = int(np.nanargmin(score))
        found.append((float(score.flat[at]), wires, at, totals))
    _, wires, at, totals = min(found, key=lambda one: one[0])
    row, column = divmod(at, len(data))
    picked = {name: float(np.broadcast_to(values, (len(tag), len(data)))[row, column])
              for name, values in vars(totals).items()}  # fmt: skip
    return Choice(picked, int(tag[row]), int(data[column]), wires)


def _front(mode: str, tags: Found, datas: Found, figures: tuple[str, ...]) -> tuple[Totals, Any, Any]:
    tag, data = _sides(mode, tags, datas, figures)
    rows = max(BLOCK // max(len(data), 1), 1)
    index, points = np.empty((2, 0), dtype=int), np.empty((len(figures), 0))
    for start in range(0, len(tag), rows):
        some = tag[start : start + rows]
        totals = _pairs(mode, tags, datas, some, data)
        shape = (len(some), len(data))
        here = np.stack([np.broadcast_to(getattr(totals, name), shape).ravel() for name in figures])
        keep = front(*here)
        found = np.stack([some[keep // len(data)], data[keep % len(data)]])
        index, points = np.concatenate([index, found], 1), np.concatenate([points, here[:, keep]], 1)
    index = index[:, front(*points)]
    chosen = combine(mode, tags.figures(index[0]), datas.figures(index[1]))
    return chosen, index[0], index[1]


def design_front(process: Process, given: Assumptions, cell: Element, local: Metal, trunk: Metal, mode: str,
                 capacity_bits: int, word_bits: int, ways: int, *, figures: tuple[str, ...] = FRONT,
                 tag_limits: Limits = TAG, data_limits: Limits = DATA,
                 refine: tuple[Metal, ...] = (), datas: Found | None = None) -> Caches:  # fmt: skip
    """Return the best cache for every target, and the Pareto front over some figures, in one search.

    Every organisation within the limits takes part, tags of `cell` too; the H-trees are of bare wires. The best tags
    are tried with each metal in `refine` as well; `datas` gives the data banks where they are known. Capacity, word and
    ways are powers of two.
    """

    def tag_of(at: Organisations) -> Content:
        return tag_content(mode, capacity_bits, word_bits, ways, at)

    with np.errstate(all="ignore"):
        tags = explore(process, given, cell, local, trunk, tag_limits, tag_of)
        if datas is None:
            content = data_content(mode, capacity_bits, word_bits, ways)
            datas = explore(process, given, cell, local, trunk, data_limits, lambda _: content)
        sides = {name: _sides(mode, tags, datas, parts) for name, parts in TARGETS.items()}
        some = np.unique(np.concatenate([tag for tag, _ in sides.values()]))
        at = tags.at(some)
        others = [evaluate(process, given, cell, local, metal, tag_of(at), at) for metal in refine]
        column = [Figures(*(getattr(banks, f.name)[:, None] for f in fields(Figures))) for banks in others]
        column.insert(0, tags.figures(some, (slice(None), None)))
        best = {
            name: _best(mode, TARGETS[name], some, column, data, datas.figures(data, (None, slice(None))))
            for name, (_, data) in sides.items()
        }
        return Caches(best, *_front(mode, tags, datas, figures), tags, datas)
