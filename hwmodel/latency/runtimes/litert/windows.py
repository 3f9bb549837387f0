"""Convolutions and pools: what slides a window over an image whose channels lie last."""

from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from hwmodel.latency.graph import Node
from hwmodel.latency.runtimes.litert.convert import Conversion, Placed
from hwmodel.latency.runtimes.litert.layout import IMAGE

Pad = Sequence[int]  # top, left, bottom, right
_POSITIVE = ("relu", "relu6", "sigmoid", "hardsigmoid")
_KEEPING = ("max_pool", "avg_pool", "concat", "reshape", "slice", "resize", "mean")  # of numbers >= 0, numbers >= 0


def padded(c: Conversion, x: Placed, padding: Pad, value: float = 0.0) -> Placed:
    """Return an image with more pixels around it."""
    top, left, bottom, right = padding
    n, channels, h, w = x.shape
    around = c.constant([[0, 0], [top, bottom], [left, right], [0, 0]], np.int32)
    shape = (n, channels, h + top + bottom, w + left + right)
    if value == 0:
        return c.emit("PAD", (x.tensor, around), shape, IMAGE, schema.PadOptionsT())
    return c.emit("PADV2", (x.tensor, around, c.constant([value])), shape, IMAGE, schema.PadV2OptionsT())


def scheme(
    shape: Sequence[int], out: Sequence[int], size: Sequence[int], stride: Sequence[int], pad: Pad
) -> int | None:
    """Return the format's padding that is the same as this one, of windows of `size` pixels; None if there is none.

    Args:
        shape: height and width before.
        out: height and width after.
        size: pixels that a window spans, dilation counted.
        stride: of the windows.
        pad: of the layer.
    """
    if not any(pad) and all((o - 1) * s + k <= n for n, o, k, s in zip(shape, out, size, stride, strict=True)):
        return schema.Padding.VALID
    for axis, (n, o, k, s) in enumerate(zip(shape, out, size, stride, strict=True)):
        whole = max((o - 1) * s + k - n, 0)
        if o != -(-n // s) or pad[axis] != whole // 2 or pad[axis + 2] > whole - whole // 2:
            return None
    return schema.Padding.SAME


def needed(shape: Sequence[int], out: Sequence[int], size: Sequence[int], stride: Sequence[int], pad: Pad) -> Pad:
    """Return the padding of which every window's pixels are there and none else: behind, it may be less, or more."""
    behind = [
        max((o - 1) * s + k - n - before, 0)
        for n, o, k, s, before in zip(shape, out, size, stride, pad[:2], strict=True)
    ]
    return (pad[0], pad[1], behind[0], behind[1])


def conv(c: Conversion, node: Node, x: list[Placed]) -> Placed:
    source, a, weight = c.ordered(x[0], IMAGE), node.attributes, node.weights["weight"]
    out, _, kh, kw = weight.shape
    channels, stride, dilation = source.shape[1], a["stride"], a["dilation"]
    size = [(k - 1) * d + 1 for k, d in zip((kh, kw), dilation, strict=True)]
    about = (source.shape[2:], node.output.shape[2:], size, stride, a["padding"])
    padding = scheme(*about)
    if padding is None:
        source, padding = padded(c, source, needed(*about)), schema.Padding.VALID
    common = {
        "padding": padding,
        "strideH": stride[0],
        "strideW": stride[1],
        "dilationHFactor": dilation[0],
        "dilationWFactor": dilation[1],
        "fusedActivationFunction": c.fused(node),
    }
    if a["groups"] == channels and channels > 1:
        code, options = "DEPTHWISE_CONV_2D", schema.DepthwiseConv2DOptionsT(depthMultiplier=out // channels, **common)
        filters = weight.transpose(1, 2, 3, 0)  # (1, kh, kw, out)
    else:
        code, options = "CONV_2D", schema.Conv2DOptionsT(**common)
        filters = weight.transpose(0, 2, 3, 1)  # (out, kh, kw, in / groups)
    bias = node.weights.get("bias", np.zeros(out, np.float32))
    inputs = (source.tensor, c.constant(np.ascontiguousarray(filters)), c.constant(bias))
    return c.emit(code, inputs, node.output.shape, IMAGE, options)


def _pool(c: Conversion, code: str, node: Node, source: Placed, padding: int) -> Placed:
    (kh, kw), (sh, sw) = node.attributes["kernel"], node.attributes["stride"]
    options = schema.Pool2DOptionsT(padding=padding, strideH=sh, strideW=sw, filterHeight=kh, filterWidth=kw)
    return c.emit(code, (source.tensor,), node.output.shape, IMAGE, options)


def max_pool(c: Conversion, node: Node, x: list[Placed]) -> Placed:
    source, a = c.ordered(x[0], IMAGE), node.attributes
    about = (source.shape[2:], node.output.shape[2:], a["kernel"], a["stride"], a["padding"])
    padding = scheme(*about)
    if padding is None:
        least = 0.0 if _not_negative(c, node.inputs[0]) else float(np.finfo(np.float32).min)
        source, padding = padded(c, source, needed(*about), least), schema.Padding.VALID
    return _pool(c, "MAX_POOL_2D", node, source, padding)


def avg_pool(c: Conversion, node: Node, x: list[Placed]) -> Placed:
    """Write an average pool. LiteRT's own padding is never counted; what is not padding of either kind is made good."""
    source, a = c.ordered(x[0], IMAGE), node.attributes
    shape, out, pad = source.shape[2:], node.output.shape[2:], a["padding"]
    about = (shape, out, a["kernel"], a["stride"], pad)
    divided = _counts(shape, out, node)
    padding = scheme(*about)
    own = padding == schema.Padding.VALID or not (a["count_padding"] and any(pad))
    if padding is not None and own:
        return _pool(c, "AVERAGE_POOL_2D", node, source, padding)
    source = padded(c, source, needed(*about))
    made = _pool(c, "AVERAGE_POOL_2D", node, source, schema.Padding.VALID)
    area = a["kernel"][0] * a["kernel"][1]
    return made if (divided == area).all() else c.binary("MUL", made, (area / divided)[None, None])


def _counts(shape: Sequence[int], out: Sequence[int], node: Node) -> np.ndarray:
    """Return by how many pixels each window's sum is divided, as torch counts them: (height, width) of the output."""
    a = node.attributes
    sides = []
    for axis in (0, 1):
        before, behind = a["padding"][axis], a["padding"][axis + 2]
        starts = np.arange(out[axis]) * a["stride"][axis] - before
        ends = np.minimum(starts + a["kernel"][axis], shape[axis] + behind)
        if not a["count_padding"]:
            starts, ends = np.maximum(starts, 0), np.minimum(ends, shape[axis])
        sides.append(ends - starts)
    return np.outer(sides[0], sides[1]).astype(np.float32)


def _not_negative(c: Conversion, name: str) -> bool:
    """Say whether no number of a value can be less than zero, so that zeros do not change a maximum."""
    node = c.makers.get(name)
    if node is None:
        return False
    if node.attributes.get("activation") in _POSITIVE or node.kind == "softmax":
        return True
    return node.kind in _KEEPING and all(_not_negative(c, one) for one in node.inputs)
