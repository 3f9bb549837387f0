"""How a bank is cut: mats in an H-tree, subarrays in a mat, rows, columns and multiplexers of a subarray."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.array.tree import Tree, branch


@dataclass(frozen=True)
class Content:
    """What a bank holds: `sets` entries with an address each, of `ways` words of `word_bits`.

    A `tag` bank compares its `ways` tags of a set. Of a write, `way_share` is the part of a row that it drives; of the
    tree's wires, `tree_share`. Rows have at least `least_columns`. The selection of a way is left to the multiplexers
    in front of the amplifiers (`way_levels` 1), behind them (2), or spread over all (3). `decoded_ways` says whether
    row decoders know of the ways that share a row.
    """

    sets: int
    word_bits: Any
    ways: int = 1
    tag: bool = False
    way_share: float = 1.0
    tree_share: float = 1.0
    least_columns: int = 1
    way_levels: int = 3
    decoded_ways: bool = False

    @property
    def address_bits(self) -> int:
        """Bits that tell the sets apart; at least one."""
        return max((self.sets - 1).bit_length(), 1)

    @property
    def filled(self) -> float:
        """The part of the addresses that is in use: rows that no address reaches are not built."""
        return self.sets / 2**self.address_bits

    @property
    def way_bits(self) -> int:
        return (self.ways - 1).bit_length()

    @property
    def way_muxes(self) -> tuple[int, int, int]:
        """What the selection of a way adds to the multiplexers: their product is the ways, of data in one row."""
        if self.tag:
            return 1, 1, 1
        if self.way_levels == 2:
            return 1, self.ways, 1
        side = 2 ** ((self.ways.bit_length() - 1) // 3) if self.way_levels == 3 else 1
        while self.ways % side**2:
            side //= 2
        return self.ways // side**2, side, side


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
class Form:
    """Organisations of a subarray, arrays of one length. `mux` counts columns an amplifier, then two output levels."""

    rows: Any
    columns: Any
    mux: Any
    mux_1: Any
    mux_2: Any
    style: Any

    @property
    def muxes(self) -> Any:
        return self.mux * self.mux_1 * self.mux_2

    @property
    def selected(self) -> Any:
        """Columns that an access reads or writes."""
        return self.columns // self.muxes


def log2(values: Any) -> Any:
    """Return how many bits tell values apart, as whole numbers."""
    return np.ceil(np.log2(np.maximum(values, 1)) - 1e-9).astype(int)


def up(values: Any, parts: Any) -> Any:
    """Return values divided by parts, rounded up."""
    return -(-values // parts)


@dataclass(frozen=True)
class Frame:
    """What is left of a content for each mat: its address bits, the columns of a multiplexer's input in a subarray,
    and for tags the ways that lie in it. `fits` is false where there is nothing left.
    """

    tree: Tree
    bits: Any
    base: Any
    held: Any
    fits: Any


def frame(content: Content, at: Organisations) -> Frame:
    """Return the frames that a bank's mats and subarrays make, whatever their multiplexers."""
    word = np.broadcast_to(np.asarray(content.word_bits), np.shape(at.bank_rows))
    spread, shared = (content.ways, word) if content.tag else (word, content.way_bits)
    tree = branch(at.bank_rows, at.bank_columns, at.active_rows, at.active_columns, content.address_bits, spread,
                  shared)  # fmt: skip
    working = at.sub_rows * at.sub_columns
    bits = tree.mat_address - log2(at.mat_rows * at.mat_columns // working)
    cut = word if content.tag else tree.mat_spread
    fits = tree.fits & (bits > 0) & (cut >= working) & (tree.mat_spread > 0)
    base = up(cut, working) * (tree.mat_spread if content.tag else 1)
    return Frame(tree, bits, base, tree.mat_spread, fits)


def shape(
    content: Content, bits: Any, base: Any, mux: Any, mux_1: Any, mux_2: Any, style: Any
) -> tuple[Form, Any, Any]:
    """Return the subarrays of frames with multiplexers, the bits that row predecoders decode, and which can be built.

    Multiplexers are given without those that select a way. Rows that no address reaches are left out.
    """
    plain = mux * mux_1 * mux_2
    fits = plain <= 2.0**bits
    first, second, third = content.way_muxes
    rows = np.ceil(np.where(fits, 2.0**bits / plain, 1.0) * content.filled).astype(int)
    form = Form(rows, base * plain * (first * second * third), mux * first, mux_1 * second, mux_2 * third, style)
    decoded = bits - log2(plain) - (0 if content.decoded_ways or content.tag else content.way_bits)
    fits = fits & (form.columns >= np.maximum(content.least_columns, form.muxes)) & (decoded >= 0)
    return form, np.maximum(decoded, 0), fits
