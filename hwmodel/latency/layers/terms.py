"""A layer's time as a sum of physical terms: calls, products as tiles of registers round them up, windows, bytes."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.graph.features import features
from hwmodel.latency.graph.graph import Graph
from hwmodel.latency.layers.assumed import assumed
from hwmodel.latency.layers.padding import inside

# Classes of layer that are priced apart. Depthwise windows by their size: kernels are written for the small ones.
CLASSES = ("conv_1x1", "conv_kxk", "depthwise_9", "depthwise_25", "depthwise_large", "grouped", "linear", "matmul",
           "max_pool", "avg_pool", "mean", "add", "mul", "activation", "concat", "resize", "softmax", "norm",
           "embedding", "movement", "other")  # fmt: skip
PRODUCTS = ("conv_1x1", "conv_kxk", "grouped", "linear", "matmul")
# Of each class: what a call costs whatever it does, and what it reads and writes.
TERMS = ("calls", "bytes")
# Of products: multiply-accumulates as they are, as tiles round them up, as half tiles do where a layer is not a tile
# wide; tiles, and windows of each tile; weights, and those of them that left the caches since the last run.
PRODUCT_TERMS = ("products", "tiled", "narrow", "tiles", "taps", "weights", "cold weights")
# Of depthwise layers, by kinds of kernel: many channels together; those that leave padding out; one channel after
# another, which takes a cache line for each of its numbers.
DEPTHWISE_TERMS = ("products", "inside", "alone", "lines")
POOL_TERMS = ("products", "padded")  # some runtimes write a padded image first
# Of any layer: activations that are more than a clamp are a pass of their own in many runtimes, a clamp is one after
# what is no product; values that a core's own cache does not hold, and that no cache does.
ANY_TERMS = ("curved calls", "curved bytes", "clamped bytes", "far values", "remote values")
SHAPE = ("channels_in", "channels_out", "pixels", "kernel_area", "stride", "rounding")
CLAMPS = ("relu", "relu6")
FREE = ("reshape", "constant")  # what runtimes do not run


class Tile(NamedTuple):
    """What a kernel of products keeps in registers: so many pixels times so many output channels."""

    rows: int
    columns: int


@cache
def names() -> tuple[str, ...]:
    """The terms, `class term`, in the order of `terms`' columns; those of any layer come last."""
    found = []
    for kind in CLASSES:
        own = PRODUCT_TERMS if kind in PRODUCTS else DEPTHWISE_TERMS if kind.startswith("depthwise") else ()
        found += [f"{kind} {term}" for term in (*TERMS, *own, *(POOL_TERMS if kind.endswith("pool") else ()))]
    return (*found, *ANY_TERMS)


@cache
def guesses() -> np.ndarray:
    """Seconds a unit of each term before anything is measured (T,), and how much they may be off, as shares (T,)."""
    given = assumed()
    product, byte = given.product_s_per_MAC, given.value_s_per_B
    price = {"calls": given.call_s, "bytes": byte, "products": product / 2, "tiled": product, "narrow": product,
             "tiles": given.tile_s, "taps": given.tap_s, "weights": given.weight_s_per_B,
             "cold weights": given.weight_s_per_B, "padded": byte, "lines": given.line_s, "curved calls": given.call_s,
             "curved bytes": byte, "clamped bytes": byte, "far values": given.far_s_per_B,
             "remote values": given.remote_s_per_B}  # fmt: skip
    deep = price | dict.fromkeys(("products", "inside", "alone"), given.depthwise_s_per_MAC / 3)
    prices, shares = [], []
    for name in names():
        kind, _, term = name.partition(" ")
        one_by_one = kind.startswith("depthwise")
        prices.append(price[name] if name in ANY_TERMS else (deep if one_by_one else price)[term])
        shares.append(1.0 if kind in PRODUCTS else given.unlike)  # runtimes differ most in all but products
    return np.array([prices, shares])


@dataclass(frozen=True)
class Layers:
    """The layers of G graphs in one list: terms (n, T), classes (n,), shapes (n, 6) and the graph of each (n,)."""

    terms: np.ndarray
    classes: np.ndarray
    shapes: np.ndarray
    of: np.ndarray


@dataclass(frozen=True)
class Counts:
    """What of layers has a price, whatever the tile: an array (n,) each."""

    classes: np.ndarray
    pixels: np.ndarray
    channels_in: np.ndarray
    channels_out: np.ndarray
    kernel_area: np.ndarray
    stride: np.ndarray
    groups: np.ndarray
    macs: np.ndarray
    weights: np.ndarray  # bytes
    read: np.ndarray  # bytes
    written: np.ndarray  # bytes
    inside: np.ndarray  # share of products that meet the image and not its padding
    padded: np.ndarray  # whether there is padding
    clamped: np.ndarray  # whether the layer clamps what it made
    curved: np.ndarray  # whether it applies another activation
    cold: np.ndarray  # share of weights that left the caches since the last run
    of: np.ndarray  # the graph


def layers(graphs: Sequence[Graph], tile: Tile) -> Layers:
    """Of canonical graphs, on a machine whose kernels have this tile.

    Raises:
        InputError: for a layer of more multiply-accumulates than can be counted.
    """
    return termed(counted(graphs), tile)


def counted(graphs: Sequence[Graph]) -> Counts:
    """Count what canonical graphs' layers do; raises as `layers` does."""
    try:
        found = [_counts(graph, number) for number, graph in enumerate(graphs)]
    except OverflowError:
        raise InputError("a layer of more than 2^63 multiply-accumulates") from None
    return Counts(*(np.concatenate([np.zeros(0, one), *parts]) for one, parts in zip(
        (np.int64 if field.name in ("classes", "of") else np.float64 for field in fields(Counts)),
        zip(*found, strict=True) if found else [()] * len(fields(Counts)), strict=True)))  # fmt: skip


def _counts(graph: Graph, number: int) -> list[np.ndarray]:
    table = features(graph)
    kept = ~table["kind"].isin(FREE).to_numpy()
    rows: Any = table[kept]
    names = ("pixels", "channels_in", "channels_out", "kernel_area", "stride", "groups", "macs", "weight_bytes",
             "input_bytes", "output_bytes")  # fmt: skip
    numbers = [rows[name].to_numpy(float) for name in names]
    fused, clamps = rows["fused"].to_numpy(bool), rows["activation"].isin(CLAMPS).to_numpy()
    padded = np.array([any(node.attributes.get("padding") or ()) for node in graph.nodes], bool)[kept]
    moved = float(sum(one.sum() for one in numbers[-3:]))  # bytes between two uses of a weight
    cold = np.full(len(rows), moved / (moved + assumed().reused_bytes))
    classes = np.array([CLASSES.index(_class(row)) for row in rows.itertuples()], dtype=np.int64)
    share = inside(graph)[kept]
    return [classes, *numbers, share, padded, fused & clamps, fused & ~clamps, cold, np.full(len(rows), number)]


def termed(of: Counts, tile: Tile) -> Layers:
    """Price tags of layers that were counted: how much of each term they have."""
    columns = {name: place for place, name in enumerate(names())}
    terms = np.zeros((len(of.classes), len(columns)))
    values, given = of.read + of.written, assumed()
    rows = np.clip(of.pixels, 1, tile.rows)  # kernels have fewer rows where there are fewer pixels
    own = np.maximum(of.channels_out / np.maximum(of.groups, 1), 1)  # channels that are made from the same ones
    wide = own >= tile.columns
    across = np.where(wide, tile.columns, max(tile.columns // 2, 1))
    tiles = np.ceil(of.pixels / rows) * np.ceil(own / across) * np.maximum(of.groups, 1)
    tall = np.ceil(of.pixels / rows) * rows / np.maximum(of.pixels, 1)
    rounded = of.macs * tall * np.ceil(own / across) * across / own
    vectors = np.ceil(of.channels_out / given.vector_channels) * given.vector_channels
    term = {
        "calls": np.ones(len(values)), "bytes": values, "tiled": rounded * wide, "narrow": rounded * ~wide,
        "tiles": tiles, "taps": tiles * of.kernel_area, "weights": of.weights, "cold weights": of.weights * of.cold,
        "inside": of.macs * of.inside, "alone": of.macs * tall, "padded": of.read * of.padded,
        "lines": of.read / 4,
    }  # fmt: skip
    for place, kind in enumerate(CLASSES):
        here = of.classes == place
        if not here.any():
            continue
        product = of.macs
        if kind.startswith("depthwise"):
            product = of.macs * vectors / np.maximum(of.channels_out, 1)
        elif kind.endswith("pool"):
            product = of.written / 4 * of.kernel_area
        for name, amounts in (term | {"products": product}).items():
            if (column := columns.get(f"{kind} {name}")) is not None:
                terms[here, column] = amounts[here]
    plain = ~np.isin(of.classes, [place for place, kind in enumerate(CLASSES)
                                  if kind in PRODUCTS or kind.startswith("depthwise")])  # fmt: skip
    terms[:, columns["curved calls"]] = of.curved
    terms[:, columns["curved bytes"]] = of.curved * 2 * of.written
    terms[:, columns["clamped bytes"]] = of.clamped * plain * 2 * of.written
    terms[:, columns["far values"]] = np.maximum(values - given.core_cache_bytes, 0)
    terms[:, columns["remote values"]] = np.maximum(values - given.reused_bytes, 0)
    logs = [np.log(np.maximum(getattr(of, name), 1)) for name in SHAPE[:-1]]
    rounding = np.log(np.ceil(of.channels_out / tile.columns) * tile.columns / np.maximum(of.channels_out, 1))
    return Layers(terms, of.classes, np.stack([*logs, 4 * rounding], axis=1), of.of)


def _class(row: Any) -> str:
    kind, layer_class = row.kind, row.layer_class
    if layer_class == "depthwise":
        return "depthwise_9" if row.kernel_area <= 9 else "depthwise_25" if row.kernel_area <= 25 else "depthwise_large"
    if layer_class == "conv_1x1" and row.pixels == 1:
        return "linear"
    name = kind if layer_class in ("pool", "elementwise") else layer_class
    return name if name in CLASSES else "other"
