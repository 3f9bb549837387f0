"""A cache of two banks, tags and data, in three access modes."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.array.mats.bank import Banks, Content, Organisations

MODES = ("normal", "fast", "sequential")
ADDRESS_BITS = 48
STATE_BITS = 2  # valid and dirty


@dataclass(frozen=True)
class Figures:
    """What a cache takes from a bank."""

    area_m2: Any
    read_s: Any
    write_s: Any
    mat_s: Any
    column_s: Any
    tree_s: Any
    read_J: Any
    write_J: Any
    leakage_W: Any


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


def data_content(mode: str, capacity_bits: int, word_bits: int, ways: int) -> Content:
    """Return what the data bank holds: sets of ways side by side, whole sets as words, or single words."""
    if mode == "sequential":
        return Content(capacity_bits, word_bits)
    if mode == "fast":
        return Content(capacity_bits, word_bits * ways, way_share=1 / ways, tree_share=1 / ways, least_columns=ways)
    return Content(capacity_bits, word_bits, ways, way_share=1 / ways, least_columns=ways)


def tag_content(mode: str, capacity_bits: int, word_bits: int, ways: int, at: Organisations) -> Content:
    """Return what the tag bank holds; a tag is filled up to a whole number of bits for each active subarray."""
    words = capacity_bits // word_bits
    bits = ADDRESS_BITS - round(np.log2(words / ways)) - round(np.log2(word_bits / 8)) + STATE_BITS
    parts = at.active_rows * at.active_columns * at.sub_rows * at.sub_columns
    width = -(-bits // parts) * parts
    share = 1.0 if mode == "sequential" else 1 / ways
    return Content(words * width, width, ways, tag=True, way_share=share,
                   tree_share=share if mode == "fast" else 1.0,
                   least_columns=1 if mode == "sequential" else ways)  # fmt: skip


def combine(mode: str, tag: Figures | Banks, data: Figures | Banks) -> Totals:
    """Return caches of banks at equal (or broadcast) indices.

    normal: tags and the set's row are read together, then the hit selects columns; fast: tags and all ways are read
    and sent; sequential: one way is read after the tags. A write goes to both banks at once.
    """
    read_J = tag.read_J + data.read_J
    if mode == "normal":
        read_s = np.maximum(tag.read_s, data.mat_s) + data.column_s + data.tree_s
    elif mode == "fast":
        read_s = np.maximum(tag.read_s, data.read_s)
    else:
        read_s = tag.read_s + data.read_s
    miss_J = tag.read_J + 0.0 * data.read_J if mode == "sequential" else read_J
    return Totals(read_s, tag.read_s + 0.0 * data.read_s, np.maximum(tag.write_s, data.write_s), read_J, miss_J,
                  tag.write_J + data.write_J, tag.leakage_W + data.leakage_W, tag.area_m2 + data.area_m2)  # fmt: skip
