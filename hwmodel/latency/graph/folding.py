"""Layers that a runtime computes within the one before them: normalisations, constants, paddings, activations."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hwmodel.latency.graph.draft import Draft, changed, like
from hwmodel.latency.graph.graph import Node

FUSING = ("conv", "linear", "add", "mul")
NOT_NEGATIVE = ("relu", "relu6", "sigmoid", "hardsigmoid")


def fold_batch_norm(draft: Draft, node: Node) -> bool:
    """Fold a batch normalisation into the convolution or linear layer before it."""
    layer = _foldable(draft, node)
    if layer is None or (layer.kind == "linear" and len(layer.output.shape) != 2):
        return False
    _fold(draft, layer, node, *affine(node))
    return True


def affine(node: Node) -> tuple[np.ndarray, np.ndarray] | tuple[None, None]:
    """Return by what a batch normalisation multiplies each channel, and what it adds; None where it is not known."""
    w = node.weights
    if w.keys() != node.weight_shapes.keys():
        return None, None
    factor = w["weight"] / np.sqrt(np.asarray(w["variance"], np.float64) + node.attributes["epsilon"])
    return factor, w["bias"] - w["mean"] * factor


def fold_constant(draft: Draft, node: Node) -> bool:
    """Fold a constant a channel, added or multiplied, into the convolution or linear layer before it."""
    layer = _foldable(draft, node)
    if layer is None:
        return False
    rank, channels = len(node.output.shape), layer.output.shape[(1 if layer.kind == "conv" else -1)]
    shape = (1,) * (rank - len(node.weight_shapes["constant"])) + tuple(node.weight_shapes["constant"])
    along = 1 if layer.kind == "conv" else rank - 1
    if len(shape) != rank or any(length != 1 for place, length in enumerate(shape) if place != along):
        return False
    array = node.weights.get("constant")
    vector = None if array is None else np.broadcast_to(array.reshape(-1), (channels,))
    if node.kind == "add":
        _fold(draft, layer, node, np.ones(channels) if vector is not None else None, vector)
    else:
        _fold(draft, layer, node, vector, np.zeros(channels) if vector is not None else None)
    return True


def _foldable(draft: Draft, node: Node) -> Node | None:
    """Return the layer that a layer of one input may be folded into."""
    layer = draft.maker(node.inputs[0], "conv", "linear") if len(node.inputs) == 1 else None
    if layer is None or layer.attributes["activation"] or not draft.alone(layer):
        return None
    return layer if layer.output == replace(node.output, name=layer.output.name) else None


def _fold(draft: Draft, layer: Node, node: Node, factor: np.ndarray | None, addend: np.ndarray | None) -> None:
    """Scale a layer's outputs and add to them, a number a channel; None where the numbers are not known."""
    channels = layer.weight_shapes["weight"][0]
    biased = node.kind != "mul" or "bias" in layer.weight_shapes
    shapes = {**layer.weight_shapes, **({"bias": (channels,)} if biased else {})}
    weights: Mapping[str, np.ndarray] = {}
    if factor is not None and addend is not None and layer.weights.keys() == layer.weight_shapes.keys():
        weight = layer.weights["weight"]
        weights = {"weight": _as(weight, weight * factor.reshape(-1, *[1] * (weight.ndim - 1)))}
        if biased:
            weights["bias"] = _as(weight, layer.weights.get("bias", 0) * factor + addend)
    folded = replace(layer, weight_shapes=shapes, weights=weights)
    draft.put(changed(folded, {"activation": node.attributes.get("activation")}))
    draft.forward(node, layer.output.name)


def _as(weight: np.ndarray, array: np.ndarray) -> np.ndarray:
    return np.asarray(array, weight.dtype)


def fuse_activation(draft: Draft, node: Node) -> bool:
    """Fuse an activation into what makes its input."""
    layer = draft.maker(node.inputs[0], *FUSING)
    if layer is None or layer.attributes["activation"] or not draft.alone(layer):
        return False
    draft.put(changed(layer, {"activation": node.attributes["activation"]}))
    draft.forward(node, layer.output.name)
    return True


def merge_pad(draft: Draft, node: Node) -> bool:
    """Let a convolution or a pooling pad its image itself, where that gives the same."""
    pad = draft.maker(node.inputs[0], "pad")
    if pad is None:
        return False
    a, around = node.attributes, pad.attributes["padding"]
    padding = tuple(map(sum, zip(a["padding"], around, strict=True)))
    more: dict[str, Any] = {"padding": padding}
    if node.kind != "conv":
        size = a["kernel"] * 2
        if a["ceil"] or any(length >= most for length, most in zip(padding, size, strict=True)):
            return False
        if node.kind == "avg_pool":
            if not a["count_padding"] and any(a["padding"]):
                return False
            more["count_padding"] = True
        elif not _never_negative(draft, pad.inputs[0]):
            return False  # a zero might win against what is negative
    kept = replace(like(node, node.kind, pad.inputs, a), weight_shapes=node.weight_shapes, weights=node.weights)
    draft.put(changed(kept, more))
    return True


def _never_negative(draft: Draft, name: str) -> bool:
    node = draft.nodes.get(name)
    if node is not None and node.kind in {"max_pool", "avg_pool"}:
        return _never_negative(draft, node.inputs[0])
    return node is not None and node.attributes.get("activation") in NOT_NEGATIVE
