"""A graph as an ONNX model. Both count axes as torch does, so each kind of layer is a few operators."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from circuits.errors import InputError
from hwmodel.latency.graph import Graph, Node
from hwmodel.latency.graph.graph import SLOPE
from hwmodel.latency.graph.shapes import midpoint_steps
from hwmodel.latency.runtimes.checks import check_runnable

OPSET = 20  # the first with Gelu
IR_VERSION = 9  # of the file: what runtimes of 2024 read
_ACTIVATIONS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "relu": ("Relu", {}),
    "sigmoid": ("Sigmoid", {}),
    "hardswish": ("HardSwish", {}),
    "hardsigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "gelu": ("Gelu", {}),
    "gelu_tanh": ("Gelu", {"approximate": "tanh"}),
    "tanh": ("Tanh", {}),
    "erf": ("Erf", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": SLOPE}),
}


class Conversion:
    """A model as it is written; values are known by their names."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def emit(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Add an operator; return its output."""
        output = f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, array: Any, dtype: type | None = None) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(np.asarray(array, dtype)), name))
        return name

    def activate(self, x: str, node: Node) -> str:
        activation = node.attributes.get("activation")
        if activation is None:
            return x
        if activation == "relu6":
            return self.emit("Clip", (x, self.constant(0, np.float32), self.constant(6, np.float32)))
        if activation == "silu":
            return self.emit("Mul", (x, self.emit("Sigmoid", (x,))))
        if activation not in _ACTIVATIONS:
            raise InputError(f"{node.name}: ONNX Runtime has no way to run the activation {activation!r}")
        operator, attributes = _ACTIVATIONS[activation]
        return self.emit(operator, (x,), **attributes)

    def weights(self, node: Node, *names: str) -> list[str]:
        """Return constants of a layer, without those at the end that it does not have."""
        return [self.constant(node.weights[name]) for name in names if name in node.weights]


Layer = Callable[[Conversion, Node, list[str]], str]


def converted(graph: Graph) -> onnx.ModelProto:
    """Return a graph as a model.

    Raises:
        InputError: for a layer that cannot be written.
    """
    c = Conversion()
    values = {value.name: value.name for value in graph.inputs}
    check_runnable(graph, "ONNX Runtime", KINDS)
    for node in graph.nodes:
        made = KINDS[node.kind](c, node, [values[name] for name in node.inputs])
        values[node.output.name] = c.activate(made, node)
    shapes = graph.values()
    given = [_info(value.name, shapes[value.name]) for value in graph.inputs]
    outputs = [_info(f"output{number}", shapes[name]) for number, name in enumerate(graph.outputs)]
    for info, name in zip(outputs, graph.outputs, strict=True):
        c.nodes.append(helper.make_node("Identity", [values[name]], [info.name]))
    made = helper.make_graph(c.nodes, "main", given, outputs, c.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="hwmodel")
    model.ir_version = IR_VERSION
    return model


def _info(name: str, value: Any) -> onnx.ValueInfoProto:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(value.dtype))
    return helper.make_tensor_value_info(name, kind, value.shape)


def _conv(c: Conversion, node: Node, x: list[str]) -> str:
    a, kernel = node.attributes, node.weight_shapes["weight"][2:]
    return c.emit("Conv", (x[0], *c.weights(node, "weight", "bias")), strides=a["stride"], pads=a["padding"],
                  dilations=a["dilation"], group=a["groups"], kernel_shape=kernel)  # fmt: skip


def _linear(c: Conversion, node: Node, x: list[str]) -> str:
    if len(node.output.shape) == 2:
        return c.emit("Gemm", (x[0], *c.weights(node, "weight", "bias")), transB=1)
    product = c.emit("MatMul", (x[0], c.constant(node.weights["weight"].T)))
    return c.emit("Add", (product, *c.weights(node, "bias"))) if "bias" in node.weights else product


def _pool(operator: str) -> Layer:
    def write(c: Conversion, node: Node, x: list[str]) -> str:
        a = node.attributes
        counted = {"count_include_pad": int(a["count_padding"])} if operator == "AveragePool" else {}
        return c.emit(operator, x, kernel_shape=a["kernel"], strides=a["stride"], pads=a["padding"],
                      ceil_mode=int(a["ceil"]), **counted)  # fmt: skip

    return write


def _mean(c: Conversion, node: Node, x: list[str]) -> str:
    a, rank = node.attributes, len(node.output.shape)
    if tuple(a["dimensions"]) == (2, 3) and rank == 4:
        return c.emit("GlobalAveragePool", x)
    axes = c.constant(a["dimensions"], np.int64)
    return c.emit("ReduceMean", (x[0], axes), keepdims=int(a["keep"]))


def _batch_norm(c: Conversion, node: Node, x: list[str]) -> str:
    w = node.weights
    channels = len(w["mean"])
    scale, shift = w.get("weight", np.ones(channels, np.float32)), w.get("bias", np.zeros(channels, np.float32))
    constants = [c.constant(one) for one in (scale, shift, w["mean"], w["variance"])]
    return c.emit("BatchNormalization", (x[0], *constants), epsilon=node.attributes["epsilon"])


def _layer_norm(c: Conversion, node: Node, x: list[str]) -> str:
    rank, a = len(node.output.shape), node.attributes
    first = min(axis % rank for axis in a["dimensions"])
    weight = node.weights.get("weight", np.ones(node.output.shape[first:], np.float32))
    constants = [c.constant(weight), *c.weights(node, "bias")]
    return c.emit("LayerNormalization", (x[0], *constants), axis=first, epsilon=a["epsilon"])


def _pairwise(operator: str) -> Layer:
    def write(c: Conversion, node: Node, x: list[str]) -> str:
        return c.emit(operator, x if len(x) > 1 else (x[0], c.constant(node.weights["constant"])))

    return write


def _pad(c: Conversion, node: Node, x: list[str]) -> str:
    top, left, bottom, right = node.attributes["padding"]
    return c.emit("Pad", (x[0], c.constant((0, 0, top, left, 0, 0, bottom, right), np.int64)))


def _resize(c: Conversion, node: Node, x: list[str]) -> str:
    if node.attributes["mode"] == "midpoint":
        value = x[0]
        for shape, odd in midpoint_steps(node.output.shape):
            # A pixel's place is half of what it was: of an odd length that is so between the corners, of an even one
            # as `asymmetric` counts, which holds the last pixel beyond it.
            corners = "align_corners" if odd else "asymmetric"
            how = {"mode": "linear", "coordinate_transformation_mode": corners}
            value = c.emit("Resize", (value, "", "", c.constant(shape, np.int64)), **how)
        return value
    sizes = c.constant(node.output.shape, np.int64)
    if node.attributes["mode"] == "nearest":
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    else:
        corners = "align_corners" if node.attributes["align_corners"] else "half_pixel"
        how = {"mode": "linear", "coordinate_transformation_mode": corners}
    return c.emit("Resize", (x[0], "", "", sizes), **how)


def _slice(c: Conversion, node: Node, x: list[str]) -> str:
    a = node.attributes
    return c.emit(
        "Slice", (x[0], *(c.constant([a[name]], np.int64) for name in ("start", "stop", "dimension", "step")))
    )


def _cast(c: Conversion, node: Node, x: list[str]) -> str:
    return c.emit("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(node.output.dtype)))


KINDS: Mapping[str, Layer] = {
    "conv": _conv,
    "linear": _linear,
    "matmul": lambda c, node, x: c.emit("MatMul", x),  # noqa: ARG005
    "max_pool": _pool("MaxPool"),
    "avg_pool": _pool("AveragePool"),
    "mean": _mean,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "activation": lambda c, node, x: x[0],  # noqa: ARG005
    "softmax": lambda c, node, x: c.emit("Softmax", x, axis=node.attributes["dimension"]),
    "add": _pairwise("Add"),
    "mul": _pairwise("Mul"),
    "concat": lambda c, node, x: c.emit("Concat", x, axis=node.attributes["dimension"]),
    "pad": _pad,
    "resize": _resize,
    "reshape": lambda c, node, x: c.emit("Reshape", (x[0], c.constant(node.output.shape, np.int64))),
    "transpose": lambda c, node, x: c.emit("Transpose", x, perm=node.attributes["order"]),
    "slice": _slice,
    "embedding": lambda c, node, x: c.emit("Gather", (*c.weights(node, "weight"), x[0])),
    "constant": lambda c, node, x: c.constant(node.weights["constant"]),  # noqa: ARG005
    "cast": _cast,
}
