"""Branches that carry zeros only, such as NAS-Bench-201's `none`: they become constants, and additions forget them.

A zero times anything counts as zero; values that are infinite or no number are no concern of an inference's cost.
"""

from dataclasses import replace

import numpy as np

from hwmodel.latency.graph.draft import Draft, like, number
from hwmodel.latency.graph.folding import affine
from hwmodel.latency.graph.graph import Node

KEEPS = (
    "max_pool",
    "avg_pool",
    "mean",
    "pad",
    "reshape",
    "transpose",
    "slice",
    "resize",
    "cast",
    "concat",
    "activation",
    "add",
)  # fmt: skip  (each gives zeros of zeros)
MOVES_ZERO = ("sigmoid", "hardsigmoid")


def zeroed(draft: Draft, node: Node) -> bool:
    """Make a constant of a layer whose output is zero whatever the network reads."""
    if node.attributes.get("activation") in MOVES_ZERO or not _is_zero(draft, node):
        return False
    zeros = np.broadcast_to(np.zeros((), node.output.dtype), node.output.shape)
    draft.put(Node(node.name, "constant", (), node.output, {}, {"constant": node.output.shape}, {"constant": zeros}))
    return True


def _is_zero(draft: Draft, node: Node) -> bool:
    zeros = [_zero(draft, name) for name in node.inputs]
    if node.kind == "mul":
        return any(zeros) or number(node) == 0
    if node.kind in {"conv", "linear"}:
        return all(zeros) and ("bias" not in node.weight_shapes or number(node, "bias") == 0)
    if node.kind == "matmul":
        return any(zeros)
    return node.kind in KEEPS and all(zeros) and ("constant" not in node.weight_shapes or number(node) == 0)


def _zero(draft: Draft, name: str) -> bool:
    node = draft.maker(name, "constant")
    return node is not None and number(node) == 0


def forget_zeros(draft: Draft, node: Node) -> bool:
    """Take the zero out of an addition of two values."""
    for place, name in enumerate(node.inputs):
        other = node.inputs[1 - place] if len(node.inputs) == 2 else name
        if other != name and _zero(draft, name) and draft.shape(other) == node.output.shape:
            if node.attributes["activation"]:
                draft.put(like(node, "activation", (other,), {"activation": node.attributes["activation"]}))
            else:
                draft.forward(node, other)
            return True
    return False


def hold_channels(draft: Draft, node: Node) -> bool:
    """Let an addition hold what a convolution or a normalisation makes of zeros: a number a channel."""
    for place, name in enumerate(node.inputs):
        layer, other = (
            draft.maker(name, "batch_norm", "conv"),
            node.inputs[1 - place] if len(node.inputs) == 2 else name,
        )
        if layer is None or other == name or layer.attributes.get("activation") or not _zero(draft, layer.inputs[0]):
            continue
        if draft.shape(other) != node.output.shape:
            continue
        constant = _of_zeros(layer)
        shape = (layer.output.shape[1], *[1] * (len(layer.output.shape) - 2))
        weights = {} if constant is None else {"constant": constant.reshape(shape)}
        draft.put(replace(node, inputs=(other,), weight_shapes={"constant": shape}, weights=weights))
        return True
    return False


def _of_zeros(layer: Node) -> np.ndarray | None:
    """Return each channel's number that a layer makes of zeros; None where its constants are not known."""
    if layer.kind == "conv":
        return layer.weights.get("bias")  # without one, its zeros are a constant already
    _, addend = affine(layer)
    return None if addend is None else np.asarray(addend, layer.output.dtype)


def hold_constant(draft: Draft, node: Node) -> bool:
    """Let an addition or a product hold a constant itself."""
    for place, name in enumerate(node.inputs):
        constant = draft.maker(name, "constant")
        other = node.inputs[1 - place] if len(node.inputs) == 2 else name
        if constant is not None and other != name and draft.maker(other, "constant") is None:
            draft.put(replace(node, inputs=(other,), weight_shapes=constant.weight_shapes, weights=constant.weights))
            return True
    return False
