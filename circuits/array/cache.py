"""A cache of two banks, tags and data, in three access modes."""

import math
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from circuits.array.assumptions import Assumptions
from circuits.array.bank import Figures
from circuits.array.organisation import Content, Organisations, up

MODES = ("normal", "fast", "sequential")


@dataclass(frozen=True)
class Shape:
    """A cache: sets of ways of words of `word_bits`, check bits included, that stand for lines of `line_bytes`."""

    sets: int
    ways: int
    word_bits: int
    line_bytes: int

    @classmethod
    def of(cls, capacity_bits: int, word_bits: int, ways: int) -> "Shape":
        return cls(capacity_bits // word_bits // ways, ways, word_bits, word_bits // 8)


@dataclass(frozen=True)
class Totals:
    """What a cache costs, for each pair of a tag and a data organisation that stand at one index."""

    read_s: Any
    miss_s: Any
    write_s: Any
    read_J: Any
    miss_J: Any
    write_J: Any
    leakage_W: Any
    area_m2: Any


TOTALS = tuple(field.name for field in fields(Totals))


def data_content(given: Assumptions, mode: str, cache: Shape) -> Content:
    """Return what the data bank holds: sets of ways side by side, whole sets as words, or single words."""
    ways = cache.ways
    if mode == "sequential":
        return Content(cache.sets * ways, cache.word_bits)
    if mode == "fast":
        return Content(cache.sets, cache.word_bits * ways, way_share=1 / ways, tree_share=1 / ways, least_columns=ways)
    share = given.way_write_share / ways + 1 - given.way_write_share
    return Content(cache.sets, cache.word_bits, ways, way_share=share, least_columns=ways,
                   way_levels=round(given.way_levels), decoded_ways=given.way_decode_share > 0.5)  # fmt: skip


def tag_bits(given: Assumptions, cache: Shape) -> int:
    """Return the bits of one line's tag: what the address has beyond line and set, and the line's state."""
    known = math.log2(cache.line_bytes) + math.log2(cache.sets)
    return max(math.ceil(given.address_bits - known), 1) + round(given.state_bits)


def tag_content(given: Assumptions, mode: str, cache: Shape, at: Organisations) -> Content:
    """Return what the tag bank holds; a tag is filled up to a whole number of bits for each active subarray."""
    parts = at.active_rows * at.active_columns * at.sub_rows * at.sub_columns
    width = up(tag_bits(given, cache), parts) * parts
    share = 1.0 if mode == "sequential" else 1 / cache.ways
    return Content(cache.sets, width, cache.ways, tag=True, way_share=share,
                   tree_share=share if mode == "fast" else 1.0,
                   least_columns=1 if mode == "sequential" else cache.ways)  # fmt: skip


def combine(mode: str, tag: Figures, data: Figures, names: Collection[str] = TOTALS) -> Totals:
    """Return caches of banks at equal (or broadcast) indices; figures that are not among `names` are left at zero.

    normal: tags and the set's row are read together, then the hit selects columns; fast: tags and all ways are read
    and sent; sequential: one way is read after the tags. A write goes to both banks, once it knows its way.
    """
    found: dict[str, Any] = dict.fromkeys(TOTALS, 0.0)
    for name in names:
        if name == "read_s":
            found[name] = _read_s(mode, tag, data)
        elif name == "miss_s":
            found[name] = tag.read_s + 0.0 * data.read_s
        elif name == "write_s":
            waiting_s = np.maximum(tag.known_s - data.ready_s, 0.0)
            found[name] = np.maximum(tag.write_s, data.write_s + waiting_s)
        elif name == "miss_J":
            found[name] = tag.read_J + (0.0 if mode == "sequential" else 1.0) * data.read_J
        else:
            found[name] = getattr(tag, name) + getattr(data, name)
    return Totals(**found)


def _read_s(mode: str, tag: Figures, data: Figures) -> Any:
    if mode == "normal":
        return np.maximum(tag.read_s, data.early_s) + data.rest_s
    return np.maximum(tag.read_s, data.read_s) if mode == "fast" else tag.read_s + data.read_s
