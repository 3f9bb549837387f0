"""A layer's time as a sum of physical terms: calls, products as vectors round them up, windows, bytes near and far."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from circuits.errors import InputError
from hwmodel.latency.graph.features import features
from hwmodel.latency.graph.graph import Graph

# Classes of layer that are priced apart. Depthwise windows by their size: kernels are written for the small ones.
CLASSES = ("conv_1x1", "conv_kxk", "depthwise_9", "depthwise_25", "depthwise_large", "grouped", "linear", "matmul",
           "max_pool", "avg_pool", "mean", "add", "mul", "activation", "concat", "resize", "softmax", "norm",
           "embedding", "movement", "other")  # fmt: skip
PRODUCTS = ("conv_1x1", "conv_kxk", "grouped", "linear", "matmul")
PRODUCT_TERMS = ("products", "rounded", "rounded twice", "windows", "weights")
FAR = ("far_weights", "far_values")
SHAPE = ("channels_in", "channels_out", "pixels", "kernel_area", "stride", "rounding")
LONGEST = 1 << 16  # window whose padding is looked at: no kernel is longer, but a description may say so
FREE = ("reshape", "constant")  # what runtimes do not run


@dataclass(frozen=True)
class Assumed:
    """terms.yaml."""

    call_s: float
    product_s_per_MAC: float
    depthwise_s_per_MAC: float
    patch_s: float
    weight_s_per_B: float
    value_s_per_B: float
    far_s_per_B: float
    core_cache_bytes: int
    vector_channels: tuple[int, int]
    unseen: float
    firmness: float


@cache
def assumed() -> Assumed:
    import yaml

    with Path(__file__).with_name("terms.yaml").open(encoding="utf-8") as file:
        said = yaml.safe_load(file)
    said.pop("source")
    return Assumed(**said | {"vector_channels": tuple(said["vector_channels"])})


@cache
def names() -> tuple[str, ...]:
    """The terms, `class term`, in the order of `terms`' columns."""
    found = []
    for kind in CLASSES:
        found += [f"{kind} calls", f"{kind} bytes"]
        if kind in PRODUCTS:
            found += [
                f"{kind} products",
                f"{kind} rounded",
                f"{kind} rounded twice",
                f"{kind} windows",
                f"{kind} weights",
            ]
        if kind.startswith("depthwise"):
            found += [f"{kind} products", f"{kind} products inside", f"{kind} handed over"]
    return (*found, *FAR)


@cache
def guesses() -> np.ndarray:
    """Seconds a unit of each term before anything is measured (T,), and how much they may be off, as shares (T,)."""
    given = assumed()
    price = {"calls": given.call_s, "bytes": given.value_s_per_B, "windows": given.patch_s,
             "weights": given.weight_s_per_B, "products": given.product_s_per_MAC, "rounded": given.product_s_per_MAC,
             "rounded twice": given.product_s_per_MAC, "products inside": given.product_s_per_MAC,
             "handed over": given.value_s_per_B}  # fmt: skip
    prices, shares = [], []
    for name in names():
        kind, _, term = name.partition(" ")
        deep = kind.startswith("depthwise")
        prices.append(given.far_s_per_B if name in FAR else given.depthwise_s_per_MAC / 2 if deep and "products" in term
                      else price[term])  # fmt: skip
        shares.append(3.0 if deep else 1.0)
    return np.array([prices, shares])


@dataclass(frozen=True)
class Layers:
    """The layers of G graphs in one list: terms (n, T), classes (n,), shapes (n, 6) and the graph of each (n,)."""

    terms: np.ndarray
    classes: np.ndarray
    shapes: np.ndarray
    of: np.ndarray


def layers(graphs: Sequence[Graph]) -> Layers:
    """Of canonical graphs.

    Raises:
        InputError: for a layer of more multiply-accumulates than can be counted.
    """
    try:
        found = [_layers(features(graph), inside(graph)) for graph in graphs]
    except OverflowError:
        raise InputError("a layer of more than 2^63 multiply-accumulates") from None
    of = np.repeat(np.arange(len(graphs)), [len(classes) for _, classes, _ in found])
    none = np.zeros((0, len(names()))), np.zeros(0, np.int64), np.zeros((0, len(SHAPE)))
    terms, classes, shapes = (np.concatenate(parts) for parts in zip(none, *found, strict=True))
    return Layers(terms, classes, shapes, of)


def _layers(given_rows: pd.DataFrame, share: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    kept = ~given_rows["kind"].isin(FREE).to_numpy()
    rows: Any = given_rows[kept]
    share = share[kept]
    given = assumed()
    classes = np.array([CLASSES.index(_class(row)) for row in rows.itertuples()], dtype=np.int64)
    columns = {name: place for place, name in enumerate(names())}
    terms = np.zeros((len(rows), len(columns)))
    values = (rows["input_bytes"] + rows["output_bytes"]).to_numpy(float)
    weights, macs = rows["weight_bytes"].to_numpy(float), rows["macs"].to_numpy(float)
    out = rows["channels_out"].to_numpy(float)
    rounded = [np.ceil(out / width) * width / out for width in given.vector_channels]
    windows = rows["pixels"].to_numpy(float) * rows["kernel_area"].to_numpy(float)
    mixed = any(CLASSES[kind] in PRODUCTS for kind in classes)
    for row, kind in enumerate(classes):
        name = CLASSES[kind]
        terms[row, columns[f"{name} calls"]] = 1
        terms[row, columns[f"{name} bytes"]] = values[row]
        if name in PRODUCTS:
            terms[row, columns[f"{name} products"]] = macs[row]
            terms[row, columns[f"{name} rounded"]] = macs[row] * rounded[0][row]
            terms[row, columns[f"{name} rounded twice"]] = macs[row] * rounded[1][row]
            terms[row, columns[f"{name} windows"]] = windows[row]
            terms[row, columns[f"{name} weights"]] = weights[row]
        elif name.startswith("depthwise"):
            terms[row, columns[f"{name} products"]] = macs[row] * rounded[0][row]
            terms[row, columns[f"{name} products inside"]] = macs[row] * share[row]
            # Kernels that a runtime's fast path lacks are handed their values by it, and hand theirs back.
            if mixed:
                terms[row, columns[f"{name} handed over"]] = values[row]
    # What does not stay in the core's cache from run to run comes from further away.
    if len(rows):
        whole = weights.sum() + rows["output_bytes"].max()
        terms[:, columns["far_weights"]] = weights * (whole > given.core_cache_bytes)
        terms[:, columns["far_values"]] = np.maximum(values - given.core_cache_bytes, 0)
    logs = [np.log(np.maximum(rows[name].to_numpy(float), 1)) for name in SHAPE[:-1]]
    return terms, classes, np.stack([*logs, 4 * np.log(rounded[1])], axis=1)


def inside(graph: Graph) -> np.ndarray:
    """Share of each layer's products that meet the image and not its padding (n,): plain kernels leave the rest out."""
    values = graph.values()
    found = np.ones(len(graph.nodes))
    for place, node in enumerate(graph.nodes):
        if node.kind == "conv":
            sides = zip(
                values[node.inputs[0]].shape[2:], node.output.shape[2:], node.weight_shapes["weight"][2:],
                node.attributes["stride"], node.attributes["dilation"], node.attributes["padding"][:2], strict=True,
            )  # fmt: skip
            for side, outputs, taps, stride, dilation, before in sides:
                found[place] *= _met(side, outputs, taps, stride, dilation, before)
    return found


def _met(side: int, outputs: int, taps: int, stride: int, dilation: int, before: int) -> float:
    """Share of pairs (output, tap) of one dimension that meet the image; as long as the window, not the image."""
    most = min(taps, (side + before - 1) // dilation + 1)  # taps that any output's window has inside the image
    if most > LONGEST:
        return 1.0
    start = before - np.arange(most) * dilation  # output o meets it from o * stride >= start
    first, last = np.maximum(-(-start // stride), 0), np.minimum((start + side - 1) // stride, outputs - 1)
    return float(np.maximum(last - first + 1, 0).sum() / (outputs * taps))


def _class(row: Any) -> str:
    kind, layer_class = row.kind, row.layer_class
    if layer_class == "depthwise":
        return "depthwise_9" if row.kernel_area <= 9 else "depthwise_25" if row.kernel_area <= 25 else "depthwise_large"
    if layer_class == "conv_1x1" and row.pixels == 1:
        return "linear"
    name = kind if layer_class in ("pool", "elementwise") else layer_class
    return name if name in CLASSES else "other"
