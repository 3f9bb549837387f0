"""A graph as LiteRT's operators: channels last, filters as it wants them, explicit padding only where it must be."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from circuits.errors import InputError
from hwmodel.latency.graph import Graph, Node
from hwmodel.latency.graph.graph import SLOPE
from hwmodel.latency.runtimes.checks import check_runnable
from hwmodel.latency.runtimes.litert import layout
from hwmodel.latency.runtimes.litert.file import TYPES, ModelFile
from hwmodel.latency.runtimes.litert.layout import IMAGE, Order

_FUSED = {
    "relu": schema.ActivationFunctionType.RELU,
    "relu6": schema.ActivationFunctionType.RELU6,
}
NONE = schema.ActivationFunctionType.NONE


@dataclass(frozen=True)
class Placed:
    """A value of the graph as the file has it."""

    tensor: int
    shape: tuple[int, ...]  # as the graph counts axes
    order: Order
    dtype: str = "float32"
    features: np.ndarray | None = None  # which feature lies where on the last axis, if not each at its own place


class Conversion:
    """A graph as it is written, layer by layer. What each kind of layer becomes stands in `KINDS`."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.file = ModelFile()
        self.readers: dict[str, list[Node]] = {}
        for node in graph.nodes:
            for name in node.inputs:
                self.readers.setdefault(name, []).append(node)
        self.makers = {node.output.name: node for node in graph.nodes}
        self.values: dict[str, Placed] = {}
        for value in graph.inputs:
            order = IMAGE if len(value.shape) == 4 else layout.plain(len(value.shape))
            tensor = self.file.tensor(value.name, layout.lying(value.shape, order), value.dtype)
            self.values[value.name] = Placed(tensor, value.shape, order, value.dtype)

    def run(self, kinds: "Mapping[str, Layer]") -> None:
        """Write every layer."""
        for node in self.graph.nodes:
            made = kinds[node.kind](self, node, [self.values[name] for name in node.inputs])
            self.values[node.output.name] = self.activated(made, node)

    # What layers are written with.

    def emit(
        self,
        code: str,
        inputs: Sequence[int],
        shape: tuple[int, ...],
        order: Order,
        options: Any = None,
        dtype: str = "float32",
        features: np.ndarray | None = None,
    ) -> Placed:
        """Return what an operator makes: a value of this shape that lies in this order."""
        tensor = self.file.tensor("", layout.lying(shape, order), dtype)
        self.file.operator(code, inputs, tensor, options)
        return Placed(tensor, shape, order, dtype, features)

    def constant(self, array: npt.ArrayLike, dtype: type = np.float32) -> int:
        return self.file.constant(np.array(array, dtype))

    def ordered(self, x: Placed, order: Order) -> Placed:
        """Return a value with its axes in this order, moved where they are not."""
        if x.order == order:
            return x
        if layout.same(x.shape, x.order, order):
            return self.reshape(x, x.shape, order)
        axes = self.constant([x.order.index(axis) for axis in order], np.int32)
        return self.emit("TRANSPOSE", (x.tensor, axes), x.shape, order, schema.TransposeOptionsT(), x.dtype)

    def reshape(self, x: Placed, shape: tuple[int, ...], order: Order, features: np.ndarray | None = None) -> Placed:
        """Return the same elements, in memory as they are, under another shape."""
        lying = list(layout.lying(shape, order))
        options = schema.ReshapeOptionsT(newShape=lying)
        return self.emit(
            "RESHAPE", (x.tensor, self.constant(lying, np.int32)), shape, order, options, x.dtype, features
        )

    def broadcast(self, array: np.ndarray, x: Placed) -> int:
        """Return a constant beside a value: its axes moved as the value's are."""
        full = array.reshape((1,) * (len(x.shape) - array.ndim) + array.shape)
        return self.file.constant(np.ascontiguousarray(full.transpose(x.order)))

    def binary(self, code: str, x: Placed, other: Placed | np.ndarray | float, fused: int = NONE) -> Placed:
        """Return ADD, SUB, MUL or SQUARED_DIFFERENCE of a value and another, or a constant; shapes broadcast."""
        if isinstance(other, Placed):
            rank = max(len(x.shape), len(other.shape))
            order = x.order if len(x.shape) == len(other.shape) else layout.plain(rank)
            x, other = (self.ordered(one, order if len(one.shape) == rank else layout.plain(len(one.shape)))
                        for one in (x, other))  # fmt: skip
            shape, second = np.broadcast_shapes(x.shape, other.shape), other.tensor
        else:
            shape, order = x.shape, x.order
            array = np.asarray(other, x.dtype)
            shape = np.broadcast_shapes(shape, array.shape)
            second = self.file.constant(array) if not array.ndim else self.broadcast(array, x)
        options = {"ADD": schema.AddOptionsT, "SUB": schema.SubOptionsT, "MUL": schema.MulOptionsT}.get(code)
        made = options(fusedActivationFunction=fused) if options else schema.SquaredDifferenceOptionsT()
        return self.emit(code, (x.tensor, second), shape, order, made, x.dtype)

    def fused(self, node: Node) -> int:
        """Return the activation that an operator applies itself."""
        return _FUSED.get(node.attributes.get("activation") or "", NONE)

    def activated(self, x: Placed, node: Node) -> Placed:
        """Return a value with the activation of its layer that was not fused."""
        activation = node.attributes.get("activation")
        if activation is None or (activation in _FUSED and node.kind in FUSING):
            return x
        return self.activate(x, activation, node)

    def activate(self, x: Placed, activation: str, node: Node) -> Placed:
        def one(code: str, options: Any = None) -> Placed:
            return self.emit(code, (x.tensor,), x.shape, x.order, options, features=x.features)

        match activation:
            case "relu" | "relu6" | "tanh":
                return one(activation.upper())
            case "sigmoid":
                return one("LOGISTIC")
            case "hardswish":
                return one("HARD_SWISH", schema.HardSwishOptionsT())
            case "gelu" | "gelu_tanh":
                return one("GELU", schema.GeluOptionsT(approximate=activation != "gelu"))
            case "leaky_relu":
                return one("LEAKY_RELU", schema.LeakyReluOptionsT(alpha=SLOPE))
            case "silu":
                return self.binary("MUL", x, one("LOGISTIC"))
            case "hardsigmoid":
                return self.binary("MUL", self.binary("ADD", x, 3.0, _FUSED["relu6"]), 1 / 6)
        raise InputError(f"{node.name}: LiteRT has no way to run the activation {activation!r}")


Layer = Callable[[Conversion, Node, list[Placed]], Placed]
FUSING = ("conv", "linear", "add", "mul")  # kinds whose operator applies relu and relu6 itself


def converted(graph: Graph) -> Conversion:
    """Return a graph as a file that can be written, and where its values lie in it.

    Raises:
        InputError: for a layer that cannot be written.
    """
    from hwmodel.latency.runtimes.litert.layers import KINDS

    check_runnable(graph, "LiteRT", KINDS)
    for value in graph.values().values():
        if value.dtype not in TYPES:
            raise InputError(f"{value.name}: LiteRT has no numbers of {value.dtype}")
    conversion = Conversion(graph)
    conversion.run(KINDS)
    return conversion
