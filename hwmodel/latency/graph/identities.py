"""Layers that change nothing, or that two of are one: each rule takes one out and says whether it did."""

from math import isclose

import numpy as np

from hwmodel.latency.graph.draft import Draft, like, number
from hwmodel.latency.graph.graph import Node

IDEMPOTENT = ("relu", "relu6")
PRECISION = 1e-6  # of a float32: a factor nearer to 1 is what rounding left of 1


def take_out(draft: Draft, node: Node) -> bool:
    """Take out a layer that gives what it reads; an activation that was fused into it stays."""
    if len(node.inputs) != 1 or not _changes_nothing(draft, node):
        return False
    activation = node.attributes.get("activation")
    if activation and node.kind != "activation":
        draft.put(like(node, "activation", node.inputs, {"activation": activation}))
    else:
        draft.forward(node, node.inputs[0])
    return True


def _changes_nothing(draft: Draft, node: Node) -> bool:
    a, before = node.attributes, draft.value(node.inputs[0])
    if (before.shape, before.dtype) != (node.output.shape, node.output.dtype):
        return False
    match node.kind:
        case "reshape" | "cast" | "concat" | "slice" | "resize":
            return True  # of the same shape and type
        case "transpose":
            return a["order"] == tuple(range(len(a["order"])))
        case "pad":
            return not any(a["padding"])
        case "max_pool" | "avg_pool":
            return a["kernel"] == (1, 1) and not any(a["padding"])
        case "mean":
            return all(before.shape[place] == 1 for place in a["dimensions"])
        case "add":
            return number(node) == 0
        case "mul":
            factor = number(node)
            return factor is not None and isclose(factor, 1, rel_tol=PRECISION)
        case "activation":
            inner = draft.nodes.get(node.inputs[0])
            return inner is not None and a["activation"] in IDEMPOTENT and (
                inner.attributes.get("activation") == a["activation"])  # fmt: skip
    return False


def merge_reshapes(draft: Draft, node: Node) -> bool:
    """Let a reshape read what a reshape before it read."""
    inner = draft.maker(node.inputs[0], "reshape")
    if inner is None:
        return False
    draft.put(like(node, "reshape", inner.inputs, {}))
    return True


def merge_transposes(draft: Draft, node: Node) -> bool:
    inner = draft.maker(node.inputs[0], "transpose")
    if inner is None:
        return False
    order = tuple(inner.attributes["order"][place] for place in node.attributes["order"])
    draft.put(like(node, "transpose", inner.inputs, {"order": order}))
    return True


def as_reshape(draft: Draft, node: Node) -> bool:
    """Make a reshape of a transpose or a mean that moves only lengths of 1."""
    shape = draft.shape(node.inputs[0])
    if node.kind == "transpose":
        moved = [place for place in node.attributes["order"] if shape[place] != 1]
        still = moved == sorted(moved)
    else:
        still = all(shape[place] == 1 for place in node.attributes["dimensions"])
    if still:
        draft.put(like(node, "reshape", node.inputs, {}))
    return still


def merge_factors(draft: Draft, node: Node) -> bool:
    """Make one of two products with numbers."""
    factor, inner = number(node), draft.maker(node.inputs[0], "mul")
    if factor is None or node.weight_shapes["constant"] or len(node.inputs) != 1:
        return False
    if inner is None or len(inner.inputs) != 1 or inner.weight_shapes["constant"] or inner.attributes["activation"]:
        return False
    other = number(inner)
    if other is None or not draft.alone(inner):
        return False
    both = np.asarray(factor * other, node.weights["constant"].dtype)
    draft.put(Node(node.name, "mul", inner.inputs, node.output, node.attributes, {"constant": ()}, {"constant": both}))
    return True


def pooled_mean(draft: Draft, node: Node) -> bool:
    """Make a mean of an average pooling over all pixels."""
    shape = draft.shape(node.inputs[0])
    if node.attributes["kernel"] != shape[2:] or any(node.attributes["padding"]) or node.output.shape[2:] != (1, 1):
        return False
    draft.put(like(node, "mean", node.inputs, {"dimensions": (2, 3), "keep": True}))
    return True


def merge_means(draft: Draft, node: Node) -> bool:
    """Make one of a mean of a mean."""
    inner = draft.maker(node.inputs[0], "mean")
    if inner is None or not draft.alone(inner):
        return False
    over, keep = inner.attributes["dimensions"], inner.attributes["keep"]
    left = [place for place in range(len(draft.shape(inner.inputs[0]))) if keep or place not in over]
    outer = tuple(left[place] for place in node.attributes["dimensions"])
    if keep != node.attributes["keep"]:
        return False
    draft.put(like(node, "mean", inner.inputs, {"dimensions": tuple(sorted({*over, *outer})), "keep": keep}))
    return True


def mean_keeps(draft: Draft, node: Node) -> bool:
    """Let a mean keep its dimensions, or not, where a reshape behind it does no more than the contrary."""
    inner = draft.maker(node.inputs[0], "mean")
    if inner is None or not draft.alone(inner):
        return False
    shape, over = draft.shape(inner.inputs[0]), inner.attributes["dimensions"]
    keep = not inner.attributes["keep"]
    wanted = [1 if place in over else length for place, length in enumerate(shape) if keep or place not in over]
    if tuple(wanted) != node.output.shape:
        return False
    draft.put(like(node, "mean", inner.inputs, {"dimensions": over, "keep": keep}))
    return True


def merge_pads(draft: Draft, node: Node) -> bool:
    inner = draft.maker(node.inputs[0], "pad")
    if inner is None or not draft.alone(inner):
        return False
    padding = tuple(map(sum, zip(inner.attributes["padding"], node.attributes["padding"], strict=True)))
    draft.put(like(node, "pad", inner.inputs, {"padding": padding}))
    return True
