"""The slow, obvious twin of a graph: each layer run by torch, one after another."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from hwmodel.latency.graph import Graph, Node
from tests.naive import vip

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": functional.relu,
    "relu6": functional.relu6,
    "hardswish": functional.hardswish,
    "hardsigmoid": functional.hardsigmoid,
    "sigmoid": torch.sigmoid,
    "silu": functional.silu,
    "gelu": functional.gelu,
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "tanh": torch.tanh,
    "leaky_relu": functional.leaky_relu,
    "erf": torch.erf,
}


def run(graph: Graph, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
    values = {value.name: tensor for value, tensor in zip(graph.inputs, inputs, strict=True)}
    for node in graph.nodes:
        weights = {name: torch.from_numpy(np.array(array)) for name, array in node.weights.items()}
        assert weights.keys() == node.weight_shapes.keys()
        result = layer(node, [values[name] for name in node.inputs], weights)
        if node.attributes.get("activation"):
            result = ACTIVATIONS[node.attributes["activation"]](result)
        assert tuple(result.shape) == node.output.shape, node
        assert str(result.dtype) == f"torch.{node.output.dtype}", node
        values[node.output.name] = result
    return [values[name] for name in graph.outputs]


def padded(x: torch.Tensor, padding: tuple[int, int, int, int], number: float = 0.0) -> torch.Tensor:
    top, left, bottom, right = padding
    return functional.pad(x, (left, right, top, bottom), value=number)


def pooled(node: Node, x: torch.Tensor) -> torch.Tensor:
    """Each window on its own: what lies in the image or, where it counts, in the padding."""
    a = node.attributes
    (kh, kw), (sh, sw), (top, left, bottom, right) = a["kernel"], a["stride"], a["padding"]
    result = torch.empty(node.output.shape)
    for i in range(node.output.shape[2]):
        for j in range(node.output.shape[3]):
            y0, x0 = i * sh - top, j * sw - left
            y1, x1 = min(y0 + kh, x.shape[2] + bottom), min(x0 + kw, x.shape[3] + right)
            window = x[:, :, max(y0, 0) : min(y1, x.shape[2]), max(x0, 0) : min(x1, x.shape[3])]
            if node.kind == "max_pool":
                result[:, :, i, j] = window.amax((2, 3))
            else:
                count = (y1 - y0) * (x1 - x0) if a["count_padding"] else window.shape[2] * window.shape[3]
                result[:, :, i, j] = window.sum((2, 3)) / count
    return result


def layer(node: Node, inputs: list[torch.Tensor], w: dict[str, torch.Tensor]) -> torch.Tensor:
    a: Any = node.attributes
    dtype = getattr(torch, node.output.dtype)
    if node.kind == "constant":
        return w["constant"]
    x = inputs[0]
    operands = [*inputs, *w.values()]
    match node.kind:
        case "conv":
            x = padded(x, a["padding"])
            return functional.conv2d(x, w["weight"], w.get("bias"), a["stride"], 0, a["dilation"], a["groups"])
        case "linear":
            return functional.linear(x, w["weight"], w.get("bias"))
        case "matmul":
            return inputs[0] @ inputs[1]
        case "max_pool" | "avg_pool":
            return pooled(node, x)
        case "mean":
            return x.mean(a["dimensions"], keepdim=a["keep"])
        case "batch_norm":
            return functional.batch_norm(x, w["mean"], w["variance"], w["weight"], w["bias"], eps=a["epsilon"])
        case "layer_norm":
            sizes = [x.shape[place] for place in a["dimensions"]]
            return functional.layer_norm(x, sizes, w.get("weight"), w.get("bias"), a["epsilon"])
        case "softmax":
            return x.softmax(a["dimension"])
        case "add":
            return (operands[0] + operands[1]).to(dtype)
        case "mul":
            return (operands[0] * operands[1]).to(dtype)
        case "concat":
            return torch.cat(inputs, a["dimension"])
        case "pad":
            return padded(x, a["padding"])
        case "resize" if a["mode"] == "midpoint":
            return torch.tensor(vip.interpolated(x.numpy(), *node.output.shape[2:])).to(dtype)
        case "resize":
            corners = a["align_corners"] if a["mode"] == "bilinear" else None
            return functional.interpolate(x, node.output.shape[2:], mode=a["mode"], align_corners=corners)
        case "reshape":
            return x.reshape(node.output.shape)
        case "transpose":
            return x.permute(a["order"])
        case "slice":
            index = [slice(None)] * x.ndim
            index[a["dimension"]] = slice(a["start"], a["stop"], a["step"])
            return x[tuple(index)]
        case "embedding":
            return functional.embedding(x, w["weight"])
        case "cast":
            return x.to(dtype)
        case "activation":
            return x
    raise AssertionError(node.kind)
