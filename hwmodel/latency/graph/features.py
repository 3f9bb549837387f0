"""What a layer costs a machine, in physical terms: products, bytes, pixels, channels. One row a layer."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import TypedDict, get_type_hints

import numpy as np
import pandas as pd

from hwmodel.latency.graph.graph import Graph, Node, Value
from hwmodel.latency.graph.shapes import Shape
from traces.macs import operation_macs
from traces.operation import Operation, View

CLASSES = ("conv_1x1", "conv_kxk", "depthwise", "grouped", "linear", "matmul", "pool", "elementwise", "concat",
           "resize", "softmax", "norm", "embedding", "movement")  # fmt: skip
_CLASS: Mapping[str, str] = {
    "max_pool": "pool", "avg_pool": "pool", "mean": "pool", "batch_norm": "norm", "layer_norm": "norm",
    "activation": "elementwise", "add": "elementwise", "mul": "elementwise", "cast": "elementwise", "pad": "movement",
    "reshape": "movement", "transpose": "movement", "slice": "movement", "constant": "movement",
}  # fmt: skip


class Row(TypedDict):
    """A layer's features. Bytes are of values as their types hold them, each read or written once."""

    layer: str
    kind: str
    layer_class: str  # one of CLASSES
    macs: int  # multiply-accumulates, as `traces.macs` counts them: of convolutions and products alone
    input_bytes: int
    output_bytes: int
    weight_bytes: int  # constants', of the output's type
    pixels: int  # of the output, or tokens: its elements an example and a channel
    channels_in: int
    channels_out: int
    kernel_area: int  # pixels of a window; 1 where there is none
    stride: int  # vertical
    groups: int
    activation: str  # empty for none
    fused: bool  # whether the activation is another layer's last step
    intensity: float  # multiply-accumulates a byte


def features(graph: Graph) -> pd.DataFrame:
    """Return a row a layer, in order, with `Row`'s columns; of a canonical graph they are what a runtime runs."""
    values = graph.values()
    rows = [_row(node, [values[name] for name in node.inputs]) for node in graph.nodes]
    types = {int: "int64", float: "float64", bool: "bool", str: "object"}
    columns = {name: types[kind] for name, kind in get_type_hints(Row).items()}
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def macs(node: Node, inputs: Sequence[Shape]) -> int:
    """Return the multiply-accumulates of a layer, which reads values of these shapes."""
    output, weight = node.output.shape, node.weight_shapes.get("weight", ())
    match node.kind:
        case "conv":
            call = ("aten.convolution.default", (_view(inputs[0]), _view(weight), None, [], [], [], False))
        case "linear":
            call = ("aten.linear.default", (_view(inputs[0]), _view(weight)))
        case "matmul":  # the left one as it is broadcast
            call = ("aten.bmm.default", (_view((*output[:-1], inputs[0][-1])), _view(inputs[1])))
        case _:
            return 0
    return operation_macs(Operation(*call, {}, (_view(output),), "", "forward"))


def _row(node: Node, inputs: Sequence[Value]) -> Row:
    shapes = [value.shape for value in inputs]
    products = macs(node, shapes)
    read, written = sum(value.nbytes for value in inputs), node.output.nbytes
    weight = sum(prod(shape) for shape in node.weight_shapes.values()) * np.dtype(node.output.dtype).itemsize
    channels = _channels(node.output.shape)
    activation = node.attributes.get("activation") or ""
    return Row(
        layer=node.name, kind=node.kind, layer_class=_class(node, shapes), macs=products, input_bytes=read,
        output_bytes=written, weight_bytes=weight, pixels=prod(node.output.shape[1:]) // channels,
        channels_in=_channels(shapes[0]) if shapes else channels, channels_out=channels, kernel_area=_area(node),
        stride=node.attributes["stride"][0] if "stride" in node.attributes else 1,
        groups=node.attributes.get("groups", 1), activation=activation,
        fused=bool(activation) and node.kind != "activation", intensity=products / max(read + written + weight, 1),
    )  # fmt: skip


def _class(node: Node, inputs: Sequence[Shape]) -> str:
    if node.kind != "conv":
        return _CLASS.get(node.kind, node.kind)
    groups = node.attributes["groups"]
    if groups > 1:
        return "depthwise" if groups == inputs[0][1] else "grouped"
    return "conv_1x1" if _area(node) == 1 else "conv_kxk"


def _area(node: Node) -> int:
    return prod(node.weight_shapes["weight"][2:]) if node.kind == "conv" else prod(node.attributes.get("kernel", (1,)))


def _channels(shape: Shape) -> int:
    """Return an image's channels; the last length of anything else, which layers of features and words work along."""
    return shape[1] if len(shape) == 4 else shape[-1] if len(shape) > 1 else 1


def _view(shape: Shape) -> View:
    return View(0, 0, shape, (), 0, "")  # a count needs no address
