"""What each kind of layer becomes in LiteRT's operators, but for convolutions and pools (`windows`)."""

from collections.abc import Mapping

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from hwmodel.latency.graph import Node
from hwmodel.latency.graph.shapes import midpoint_steps
from hwmodel.latency.runtimes.litert import file, layout, windows
from hwmodel.latency.runtimes.litert.convert import Conversion, Layer, Placed
from hwmodel.latency.runtimes.litert.layout import IMAGE

_SHUFFLED = ("linear", "activation")  # what may read a flattened image whose channels lie last


def linear(c: Conversion, node: Node, x: list[Placed]) -> Placed:
    source, weight = x[0], node.weights["weight"]
    last = len(source.shape) - 1
    if source.order[-1] != last:
        source = c.ordered(source, layout.plain(last + 1))
    if source.features is not None:
        weight = weight[:, source.features]
    bias = node.weights.get("bias", np.zeros(len(weight), np.float32))
    options = schema.FullyConnectedOptionsT(fusedActivationFunction=c.fused(node), keepNumDims=last > 1)
    inputs = (source.tensor, c.constant(weight), c.constant(bias))
    return c.emit("FULLY_CONNECTED", inputs, node.output.shape, source.order, options)


def matmul(c: Conversion, node: Node, x: list[Placed]) -> Placed:
    first, second = (one if len(one.shape) > 1 else c.ordered(one, (0,)) for one in x)
    first = c.ordered(first, layout.plain(len(first.shape)))
    rank = len(second.shape)
    turned = (*range(rank - 2), rank - 1, rank - 2)
    adjoint = second.order == turned  # the operator reads a transposed one as it lies
    if not adjoint:
        second = c.ordered(second, layout.plain(rank))
    options = schema.BatchMatMulOptionsT(adjY=adjoint)
    shape = node.output.shape
    return c.emit("BATCH_MATMUL", (first.tensor, second.tensor), shape, layout.plain(len(shape)), options)


def mean(c: Conversion, node: Node, x: list[Placed]) -> Placed:
    source, axes = x[0], [axis % len(x[0].shape) for axis in node.attributes["dimensions"]]
    return _mean(c, source, axes, node.attributes["keep"])


def _mean(c: Conversion, x: Placed, axes: list[int], keep: bool) -> Placed:
    places = c.constant(sorted(x.order.index(axis) for axis in axes), np.int32)
    order = x.order if keep else layout.reduced(x.order, axes)
    sizes = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
    shape = tuple(size for axis, size in enumerate(sizes) if keep or axis not in axes)
    return c.emit("MEAN", (x.tensor, places), shape, order, schema.ReducerOptionsT(keepDims=keep))


def batch_norm(c: Conversion, node: Node, x: list[Placed]) -> Placed:
    w = node.weights
    scale = w.get("weight", np.float32(1)) / np.sqrt(w["variance"] + node.attributes["epsilon"])
    shift = w.get("bias", np.float32(0)) - w["mean"] * scale
    along = (-1,) + (1,) * (len(x[0].shape) - 2)
    return c.binary("ADD", c.binary("MUL", x[0], scale.reshape(along)), shift.reshape(along))


def layer_norm(c: Conversion, node: Node, x: list[Placed]) -> Placed:
    source, axes = x[0], [axis % len(x[0].shape) for axis in node.attributes["dimensions"]]
    centre = _mean(c, source, axes, keep=True)
    spread = _mean(c, c.binary("SQUARED_DIFFERENCE", source, centre), axes, keep=True)
    spread = c.binary("ADD", spread, node.attributes["epsilon"])
    inverse = c.emit("RSQRT", (spread.tensor,), spread.shape, spread.order)
    made = c.binary("MUL", c.binary("SUB", source, centre), inverse)
    if "weight" in node.weights:
        made = c.binary("MUL", made, node.weights["weight"])
    return c.binary("ADD", made, node.weights["bias"]) if "bias" in node.weights else made


def softmax(c: Conversion, node: Node, x: list[Placed]) -> Placed:
    source, axis = x[0], node.attributes["dimension"] % len(x[0].shape)
    if source.order[-1] != axis:
        source = c.ordered(source, (*(one for one in source.order if one != axis), axis))
    options = schema.SoftmaxOptionsT(beta=1.0)
    return c.emit("SOFTMAX", (source.tensor,), source.shape, source.order, options)


def pairwise(code: str) -> Layer:
    def write(c: Conversion, node: Node, x: list[Placed]) -> Placed:
        return c.binary(code, x[0], x[1] if len(x) > 1 else node.weights["constant"], c.fused(node))

    return write


def concat(c: Conversion, node: Node, x: list[Placed]) -> Placed:
    order = x[0].order
    axis = order.index(node.attributes["dimension"] % len(order))
    tensors = [c.ordered(one, order).tensor for one in x]
    options = schema.ConcatenationOptionsT(axis=axis, fusedActivationFunction=0)
    return c.emit("CONCATENATION", tensors, node.output.shape, order, options)


def pad(c: Conversion, node: Node, x: list[Placed]) -> Placed:
    return windows.padded(c, c.ordered(x[0], IMAGE), node.attributes["padding"])


def resize(c: Conversion, node: Node, x: list[Placed]) -> Placed:
    source, size = c.ordered(x[0], IMAGE), c.constant(node.output.shape[2:], np.int32)
    if node.attributes["mode"] == "midpoint":
        for shape, odd in midpoint_steps(node.output.shape):
            # Without half pixels a place is what the sizes' ratio makes of it, or, aligned, that of the corners'.
            options = schema.ResizeBilinearOptionsT(alignCorners=odd, halfPixelCenters=False)
            size = c.constant(shape[2:], np.int32)
            source = c.emit("RESIZE_BILINEAR", (source.tensor, size), shape, IMAGE, options)
        return source
    if node.attributes["mode"] == "nearest":
        code, options = "RESIZE_NEAREST_NEIGHBOR", schema.ResizeNearestNeighborOptionsT()
    else:
        corners = node.attributes["align_corners"]
        options = schema.ResizeBilinearOptionsT(alignCorners=corners, halfPixelCenters=not corners)
        code = "RESIZE_BILINEAR"
    return c.emit(code, (source.tensor, size), node.output.shape, IMAGE, options)


def reshape(c: Conversion, node: Node, x: list[Placed]) -> Placed:
    source, shape = x[0], node.output.shape
    order = layout.reshaped(source.shape, source.order, shape)
    if order is None and _for_linear(c, node.output.name):
        features = layout.flattened(source.shape, source.order, shape)
        if features is not None:
            return c.reshape(source, shape, layout.plain(len(shape)), features)
    if order is None:
        source, order = c.ordered(source, layout.plain(len(source.shape))), layout.plain(len(shape))
    if layout.lying(source.shape, source.order) == layout.lying(shape, order):
        return Placed(source.tensor, shape, order, source.dtype)
    return c.reshape(source, shape, order)


def _for_linear(c: Conversion, name: str) -> bool:
    """Say whether a value's features are read by linear layers alone, whose weights may be moved instead."""
    readers = c.readers.get(name, [])
    if name in c.graph.outputs or any(node.kind not in _SHUFFLED for node in readers):
        return False
    return all(node.kind == "linear" or _for_linear(c, node.output.name) for node in readers)


def transpose(c: Conversion, node: Node, x: list[Placed]) -> Placed:  # noqa: ARG001
    order = layout.transposed(x[0].order, node.attributes["order"])
    return Placed(x[0].tensor, node.output.shape, order, x[0].dtype)


def slice_(c: Conversion, node: Node, x: list[Placed]) -> Placed:
    source, a = x[0], node.attributes
    place = source.order.index(a["dimension"] % len(source.shape))
    lying = layout.lying(source.shape, source.order)
    start, stop, step = slice(a["start"], a["stop"], a["step"]).indices(lying[place])
    begin, end, steps = [0] * len(lying), list(lying), [1] * len(lying)
    begin[place], end[place], steps[place] = start, stop, step
    constants = [c.constant(one, np.int32) for one in (begin, end, steps)]
    options = schema.StridedSliceOptionsT()
    return c.emit("STRIDED_SLICE", (source.tensor, *constants), node.output.shape, source.order, options, source.dtype)


def embedding(c: Conversion, node: Node, x: list[Placed]) -> Placed:
    shape = node.output.shape
    inputs = (c.constant(node.weights["weight"]), c.ordered(x[0], layout.plain(len(x[0].shape))).tensor)
    return c.emit("GATHER", inputs, shape, layout.plain(len(shape)), schema.GatherOptionsT())


def constant(c: Conversion, node: Node, x: list[Placed]) -> Placed:  # noqa: ARG001
    shape, array = node.output.shape, node.weights["constant"]
    return Placed(c.file.constant(array), shape, layout.plain(len(shape)), node.output.dtype)


def cast(c: Conversion, node: Node, x: list[Placed]) -> Placed:
    options = schema.CastOptionsT(inDataType=file.TYPES[x[0].dtype], outDataType=file.TYPES[node.output.dtype])
    return c.emit("CAST", (x[0].tensor,), x[0].shape, x[0].order, options, node.output.dtype)


KINDS: Mapping[str, Layer] = {
    "conv": windows.conv,
    "max_pool": windows.max_pool,
    "avg_pool": windows.avg_pool,
    "linear": linear,
    "matmul": matmul,
    "mean": mean,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "activation": lambda c, node, x: x[0],  # written behind every layer that has one  # noqa: ARG005
    "softmax": softmax,
    "add": pairwise("ADD"),
    "mul": pairwise("MUL"),
    "concat": concat,
    "pad": pad,
    "resize": resize,
    "reshape": reshape,
    "transpose": transpose,
    "slice": slice_,
    "embedding": embedding,
    "constant": constant,
    "cast": cast,
}
