"""torch itself as a runtime, and any graph as a torch module: the reference of the other runtimes' numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as fn

from circuits.errors import InputError
from hwmodel.latency.graph import Graph, Node
from hwmodel.latency.graph.graph import SLOPE

_ACTIVATIONS = {
    "relu": fn.relu,
    "relu6": fn.relu6,
    "hardswish": fn.hardswish,
    "hardsigmoid": fn.hardsigmoid,
    "sigmoid": torch.sigmoid,
    "silu": fn.silu,
    "gelu": fn.gelu,
    "gelu_tanh": lambda x: fn.gelu(x, approximate="tanh"),
    "tanh": torch.tanh,
    "erf": torch.erf,
    "leaky_relu": lambda x: fn.leaky_relu(x, SLOPE),
}
Constants = Mapping[str, torch.Tensor]


class GraphModule(nn.Module):
    """Runs a graph's layers one by one, by torch's functions."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        for number, node in enumerate(graph.nodes):
            for name, array in node.weights.items():
                self.register_buffer(f"_{number}_{name}", torch.from_numpy(np.array(array)))

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        values = {value.name: tensor for value, tensor in zip(self.graph.inputs, inputs, strict=True)}
        for number, node in enumerate(self.graph.nodes):
            constants = {name: getattr(self, f"_{number}_{name}") for name in node.weights}
            values[node.output.name] = compute(node, [values[name] for name in node.inputs], constants)
        outputs = tuple(values[name] for name in self.graph.outputs)
        return outputs[0] if len(outputs) == 1 else outputs


def compute(node: Node, x: Sequence[torch.Tensor], constants: Constants) -> torch.Tensor:
    """Return what a layer makes of its inputs.

    Raises:
        InputError: for a layer of an unknown kind.
    """
    a, c, first = node.attributes, constants, x[0] if x else torch.empty(0)
    match node.kind:
        case "conv":
            image, padding = _padding(first, a)
            made = fn.conv2d(image, c["weight"], c.get("bias"), a["stride"], padding, a["dilation"], a["groups"])
        case "linear":
            made = fn.linear(first, c["weight"], c.get("bias"))
        case "matmul":
            made = first @ x[1]
        case "max_pool":
            image, padding = _padding(first, a, -torch.inf)
            made = fn.max_pool2d(image, a["kernel"], a["stride"], padding, ceil_mode=a["ceil"])
        case "avg_pool":
            image, padding = _padding(first, a)
            if image is not first and not a["count_padding"]:
                raise InputError(f"{node.name}: an average pool with uneven padding must count it")
            made = fn.avg_pool2d(image, a["kernel"], a["stride"], padding, a["ceil"], a["count_padding"])
        case "mean":
            made = first.mean(a["dimensions"], keepdim=a["keep"])
        case "batch_norm":
            scale, shift = c.get("weight"), c.get("bias")
            made = fn.batch_norm(first, c["mean"], c["variance"], scale, shift, eps=a["epsilon"])
        case "layer_norm":
            shape = [first.shape[axis] for axis in a["dimensions"]]
            made = fn.layer_norm(first, shape, c.get("weight"), c.get("bias"), a["epsilon"])
        case "activation":
            made = first
        case "softmax":
            made = first.softmax(a["dimension"])
        case "add":
            made = first + (x[1] if len(x) > 1 else c["constant"])
        case "mul":
            made = first * (x[1] if len(x) > 1 else c["constant"])
        case "concat":
            made = torch.cat(list(x), a["dimension"])
        case "pad":
            made = _padded(first, a["padding"])
        case "resize" if a["mode"] == "midpoint":
            made = _midpoints(first, node.output.shape)
        case "resize":
            corners = {} if a["mode"] == "nearest" else {"align_corners": a["align_corners"]}
            made = fn.interpolate(first, size=node.output.shape[2:], mode=a["mode"], **corners)
        case "reshape":
            made = first.reshape(node.output.shape)
        case "transpose":
            made = first.permute(a["order"])
        case "slice":
            made = first[(slice(None),) * a["dimension"] + (slice(a["start"], a["stop"], a["step"]),)]
        case "embedding":
            made = fn.embedding(first, c["weight"])
        case "constant":
            made = c["constant"]
        case "cast":
            made = first.to(getattr(torch, node.output.dtype))
        case kind:
            raise InputError(f"{node.name}: torch has no way to run a layer of kind {kind!r}")
    activation = a.get("activation")
    return _ACTIVATIONS[activation](made) if activation else made


def _midpoints(x: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Return an image with means between its pixels, the last row and column repeated where the shape is even."""
    down, across = (2 * length - 1 for length in x.shape[2:])
    if x.shape[2:] != torch.Size((1, 1)):
        x = fn.interpolate(x, size=(down, across), mode="bilinear", align_corners=True)
    return fn.pad(x, (0, shape[3] - across, 0, shape[2] - down), mode="replicate")


def _padding(x: torch.Tensor, a: Mapping[str, Any], value: float = 0.0) -> tuple[torch.Tensor, tuple[int, int]]:
    """Return an image and the padding that torch's functions take, which is even; what is not is added here."""
    top, left, bottom, right = a["padding"]
    return (x, (top, left)) if (top, left) == (bottom, right) else (_padded(x, a["padding"], value), (0, 0))


def _padded(x: torch.Tensor, padding: Sequence[int], value: float = 0.0) -> torch.Tensor:
    top, left, bottom, right = padding
    return fn.pad(x, (left, right, top, bottom), value=value)


class _Prepared:
    def __init__(self, graph: Graph, threads: int) -> None:
        self._graph, self._threads = graph, threads
        self._module: GraphModule | None = None
        self._inputs: list[torch.Tensor] = []
        self._outputs: Any = ()

    def load(self, inputs: Sequence[np.ndarray]) -> None:
        torch.set_num_threads(self._threads)
        self._module = GraphModule(self._graph).eval()
        self._inputs = [torch.from_numpy(np.array(one)) for one in inputs]

    def unload(self) -> None:
        self._module, self._outputs = None, ()

    def run(self) -> None:
        if self._module is None:
            raise RuntimeError("load the network first")
        with torch.inference_mode():
            self._outputs = self._module(*self._inputs)

    def outputs(self) -> list[np.ndarray]:
        found = self._outputs if isinstance(self._outputs, tuple) else (self._outputs,)
        return [one.numpy().copy() for one in found]


class Eager:
    """torch's own kernels, one operator after another."""

    name = "torch"

    @property
    def version(self) -> str:
        return str(torch.__version__)

    def prepare(self, graph: Graph, folder: Path, threads: int) -> _Prepared:  # noqa: ARG002
        """Keep the graph: torch has no file of it (see `Runtime.prepare`)."""
        return _Prepared(graph, threads)
