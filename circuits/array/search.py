"""The best cache for any target, and the Pareto front, out of every pair of a tag and a data bank.

Pairs are far too many to look at. But a cache's figures grow with those of its two banks: what a bank costs beside the
cheapest imaginable other bank bounds all its pairs, and few banks are left that could still beat a pair already found.
Pairs of the front are pairs of banks that no other bank beats in all figures at once.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from circuits.array.assumptions import Assumptions
from circuits.array.bank import Figures, unwired, wired
from circuits.array.cache import Shape, Totals, combine, data_content, tag_content
from circuits.array.organisation import Content, Organisations
from circuits.array.process import Metal, Process
from circuits.array.space import DATA, NAMES, TAG, Found, Limits, explore
from circuits.array.subarray import Bit

FRONT = ("read_s", "read_J", "leakage_W", "area_m2")
BLOCK = 1 << 21  # pairs at a time
SLACK = 1e-9  # of a score: what rounding may differ by
LEADS = 3  # banks tried beside all others for a first good pair


@dataclass(frozen=True)
class Target:
    """What to make least: a function of some figures of `Totals`, which must not fall where any of them rises."""

    figures: tuple[str, ...]
    score: Callable[[Totals], Any]

    @classmethod
    def product(cls, *names: str) -> "Target":
        return cls(names, lambda totals: functools.reduce(np.multiply, (getattr(totals, name) for name in names)))


# the older tool's targets
TARGETS: dict[str, Target] = {
    "read-latency": Target.product("read_s"),
    "write-latency": Target.product("write_s"),
    "read-energy": Target.product("read_J"),
    "write-energy": Target.product("write_J"),
    "read-edp": Target.product("read_s", "read_J"),
    "write-edp": Target.product("write_s", "write_J"),
    "leakage": Target.product("leakage_W"),
    "area": Target.product("area_m2"),
}


@dataclass(frozen=True)
class Choice:
    """A cache: its eight figures, which tag and data bank it is made of, and the tag's global wires.

    `tag_wires` is 0 for bare wires, else the place of a metal in `refine`, from 1.
    """

    totals: dict[str, float]
    tag: int
    data: int
    tag_wires: int = 0


def _ideal(banks: Figures) -> Figures:
    """Return a bank as cheap in every figure as any of some banks: what no pair with one of them can beat."""
    least = {name: np.min(getattr(banks, name)) for name in NAMES}
    return Figures(**(least | {"ready_s": np.max(banks.ready_s)}))  # a write waits less where it is ready later


@dataclass(frozen=True)
class Pairs:
    """All pairs of a tag and a data bank in an access mode.

    Limits are the most that figures of `Totals` may come to.
    """

    mode: str
    tags: Found
    datas: Found

    @functools.cached_property
    def _ideals(self) -> tuple[Figures, Figures]:
        return _ideal(self.tags), _ideal(self.datas)

    def __len__(self) -> int:
        return len(self.tags) * len(self.datas)

    def _scores(self, tag: Figures, data: Figures, target: Target, limits: Mapping[str, float], shape: Any) -> Any:
        """Return scores, infinite beyond a limit and where a figure is not a number."""
        totals = combine(self.mode, tag, data, {*target.figures, *limits})
        values = np.broadcast_to(target.score(totals), shape)
        for name, most in limits.items():
            values = np.where(getattr(totals, name) <= most, values, np.inf)
        return np.where(np.isnan(values), np.inf, values) if np.isnan(np.min(values)) else values

    def best(self, target: Target, limits: Mapping[str, float] | None = None) -> Choice | None:
        """Return the pair of least score within limits; none where no pair is."""
        tags, datas, most = self.tags, self.datas, limits or {}
        if not len(tags) or not len(datas):
            return None
        ideal_tag, ideal_data = self._ideals
        data_bound = self._scores(ideal_tag, datas, target, most, len(datas))
        tag_bound = self._scores(tags, ideal_data, target, most, len(tags))
        found = (np.inf, 0, 0)
        # a few good banks beside all others give a pair that most bounds exceed
        for lead in _least(tag_bound):
            values = self._scores(tags.figures(lead), datas, target, most, len(datas))
            at = int(np.argmin(values))
            found = min(found, (float(values[at]), int(lead), at))
        for lead in {found[2], int(np.argmin(data_bound))}:
            values = self._scores(tags, datas.figures(lead), target, most, len(tags))
            at = int(np.argmin(values))
            found = min(found, (float(values[at]), at, int(lead)))
        tag, data = (np.nonzero(bound <= _bar(found[0]))[0] for bound in (tag_bound, data_bound))
        tag = tag[np.argsort(tag_bound[tag])]
        start, rows = 0, 1
        while start < len(tag) and tag_bound[tag[start]] <= _bar(found[0]):
            data = data[data_bound[data] <= _bar(found[0])]
            rows = max(BLOCK // max(len(data), 1), 1)
            some = tag[start : start + rows]
            values = self._scores(tags.figures(some, (slice(None), None)), datas.figures(data, (None, slice(None))),
                                  target, most, (len(some), len(data)))  # fmt: skip
            row, column = divmod(int(np.argmin(values)), len(data))
            found = min(found, (float(values[row, column]), int(some[row]), int(data[column])))
            start += rows
        return self.choice(found[1], found[2]) if np.isfinite(found[0]) else None

    def choice(self, tag: int, data: int) -> Choice:
        """Return one pair."""
        totals = self.totals(tag, data)
        return Choice({name: float(value) for name, value in vars(totals).items()}, tag, data)

    def totals(self, tag: Any, data: Any) -> Totals:
        """Return the figures of some pairs."""
        return combine(self.mode, self.tags.figures(tag), self.datas.figures(data))

    def score(self, choice: Choice, target: Target) -> float:
        return float(target.score(Totals(**choice.totals)))

    def front(self, figures: tuple[str, ...] = FRONT, limits: Mapping[str, float] | None = None) -> tuple[Any, Any]:
        """Return the tags and the data banks of the pairs that no other beats in all of some figures of `Totals`."""
        tags, datas, most = self.tags, self.datas, limits or {}
        names = tuple(dict.fromkeys((*figures, *most)))
        tag, data = (front(*columns) for columns in _grown(self.mode, names, tags, datas))
        rows = max(BLOCK // max(len(data), 1), 1)
        index, points = np.empty((2, 0), dtype=int), np.empty((len(figures), 0))
        for start in range(0, len(tag), rows):
            some = tag[start : start + rows]
            banks = (tags.figures(some, (slice(None), None)), datas.figures(data, (None, slice(None))))
            totals, shape = combine(self.mode, *banks, names), (len(some), len(data))
            inside = np.ones(shape, dtype=bool)
            for name, limit in most.items():
                inside &= getattr(totals, name) <= limit
            row, column = np.nonzero(inside)
            if not len(row):
                continue
            here = np.stack([np.broadcast_to(getattr(totals, name), shape)[row, column] for name in figures])
            keep = front(*here)
            found = np.stack([some[row[keep]], data[column[keep]]])
            index, points = np.concatenate([index, found], 1), np.concatenate([points, here[:, keep]], 1)
        if index.shape[1]:
            index = index[:, front(*points)]
        return index[0], index[1]


def _least(bound: Any) -> Any:
    """Return the indices of the least few values, the least first."""
    few = np.argpartition(bound, LEADS)[:LEADS] if len(bound) > LEADS else np.arange(len(bound))
    return few[np.argsort(bound[few])]


def _bar(score: float) -> float:
    """Return what a bound may come to, so that a pair behind it could still be better."""
    return score * (1 + SLACK) if np.isfinite(score) else float(np.finfo(float).max)


# what a read grows with, of the data bank
_READ = {"normal": ("early_s", "rest_s"), "fast": ("read_s",), "sequential": ("read_s",)}


def _grown(mode: str, names: tuple[str, ...], tags: Found, datas: Found) -> tuple[list[Any], list[Any]]:
    """Return the figures of tags and of data banks that a cache's figures grow with."""
    tag, data = [], []
    for name in names:
        if name == "read_s":
            tag.append(tags.read_s)
            data += [getattr(datas, part) for part in _READ[mode]]
        elif name == "write_s" and np.max(tags.known_s) > 0:
            tag += [tags.write_s, tags.known_s]
            # a write that is ready later waits less: moved to be positive, more readiness is less of this
            data += [datas.write_s, 2 * np.max(datas.ready_s) - datas.ready_s]
        else:
            tag.append(getattr(tags, name))
            data.append(getattr(datas, name))
    return tag, data


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


def design_front(process: Process, given: Assumptions, cell: Bit, local: Metal, trunk: Metal, mode: str,
                 cache: Shape, *, figures: tuple[str, ...] = FRONT, tag_limits: Limits = TAG,
                 data_limits: Limits = DATA, refine: tuple[Metal, ...] = (),
                 datas: Found | None = None) -> Caches:  # fmt: skip
    """Return the best cache for every target of the older tool, and the Pareto front over some figures, in one search.

    Every organisation within the limits takes part, tags of `cell` too; the H-trees are of bare wires. The best tags
    are tried with each metal in `refine` as well; `datas` gives the data banks where they are known.
    """

    def tag_of(at: Organisations) -> Content:
        return tag_content(given, mode, cache, at)

    with np.errstate(all="ignore"):
        tags = explore(process, given, cell, local, trunk, tag_limits, tag_of)
        if datas is None:
            content = data_content(given, mode, cache)
            datas = explore(process, given, cell, local, trunk, data_limits, lambda _: content)
        pairs = Pairs(mode, tags, datas)
        found = {name: pairs.best(target) for name, target in TARGETS.items()}
        chosen = {name: choice for name, choice in found.items() if choice}
        if refine and chosen:
            sides = (front(*(getattr(tags, name) for name in target.figures)) for target in TARGETS.values())
            some = np.unique(np.concatenate([*sides]))
            at = tags.at(some)
            bare = unwired(process, given, cell, local, tag_of(at), at)
            for wires, metal in enumerate(refine, 1):
                chosen = _refined(pairs, wired(bare, metal), some, wires, chosen)
        tag, data = pairs.front(figures)
        return Caches(chosen, combine(mode, tags.figures(tag), datas.figures(data)), tag, data, tags, datas)


def _refined(pairs: Pairs, tags: Figures, at: Any, wires: int, chosen: dict[str, Choice]) -> dict[str, Choice]:
    """Return the choices, those replaced that some tags with other wires beat; `at` says which banks these are."""
    others = Pairs(pairs.mode, Found(**vars(Figures(*(getattr(tags, name) for name in NAMES))), frame=at, mat=at,
                                     frames=pairs.tags.frames, kinds=pairs.tags.kinds), pairs.datas)  # fmt: skip
    found = {}
    for name, before in chosen.items():
        target, other = TARGETS[name], others.best(TARGETS[name])
        better = other and target.score(Totals(**other.totals)) < target.score(Totals(**before.totals))
        found[name] = Choice(other.totals, int(at[other.tag]), other.data, wires) if other and better else before
    return found
