"""What a network computes, whoever wrote it (torch, ONNX) and whatever runs it (LiteRT, ONNX Runtime, ExecuTorch).

Shapes are as in torch: images are (N, C, H, W), weights of a convolution (out, in/groups, kh, kw), of a linear layer
(out, in). A runtime that wants them otherwise transposes when it writes its file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# Kinds of layer, with their attributes. Pairs are (vertical, horizontal); `padding` is (top, left, bottom, right), of
# zeros, but in max_pool it never wins. An attribute `activation` is one of ACTIVATIONS, or None where nothing is fused.
KINDS: Mapping[str, tuple[str, ...]] = {
    "conv": ("stride", "padding", "dilation", "groups", "activation"),  # 2-D; depthwise where groups = channels in
    "linear": ("activation",),  # over the last dimension
    "matmul": (),  # of two values, batched; batch dimensions broadcast
    "max_pool": ("kernel", "stride", "padding", "ceil"),
    "avg_pool": ("kernel", "stride", "padding", "ceil", "count_padding"),
    "mean": ("dimensions", "keep"),  # over all pixels: a global average pool
    "batch_norm": ("epsilon",),  # over dimension 1; folded into what it follows where it can be
    "layer_norm": ("dimensions", "epsilon"),  # over the last dimensions
    "activation": ("activation",),
    "softmax": ("dimension",),
    "add": ("activation",),  # of two values, or of one and its constant, which broadcast
    "mul": ("activation",),
    "concat": ("dimension",),
    "pad": ("padding",),  # of zeros
    "resize": ("mode", "align_corners"),  # to the output's height and width: one of RESIZES
    "reshape": (),
    "transpose": ("order",),
    "slice": ("dimension", "start", "stop", "step"),
    "embedding": (),  # rows of the weight, (rows, width), that the input names
    "constant": (),  # no input: a value that is there from the start, where a layer has no place for a constant
    "cast": (),  # to the output's type
}
# Midpoint is of twice the pixels along an axis, or one less: every other one as it was, means of neighbours between,
# the last repeated where it has no second one. Corners are no matter then.
RESIZES = ("nearest", "bilinear", "midpoint")
SLOPE = 0.01  # of leaky_relu, which is the only one that frameworks' layers have by default
ACTIVATIONS = ("relu", "relu6", "hardswish", "hardsigmoid", "sigmoid", "silu", "gelu", "gelu_tanh", "tanh",
               "leaky_relu", "erf")  # fmt: skip


@dataclass(frozen=True)
class Value:
    """A tensor that flows between layers: its name, its shape and its type as numpy names it."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"

    @property
    def elements(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        return self.elements * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Node:
    """One layer: `inputs` are names of values that are computed or given; constants are in `weights`.

    Shapes of constants are always there (`weight_shapes`); the constants themselves only where the network was not
    traced on the meta device and the graph was not read from its description.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    output: Value
    attributes: Mapping[str, Any] = field(default_factory=dict)
    weight_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # weight, bias, mean, variance, constant
    weights: Mapping[str, np.ndarray] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Graph:
    """Layers in the order of their execution; each reads values that come before it."""

    inputs: tuple[Value, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]

    def values(self) -> dict[str, Value]:
        """Every value by its name."""
        return {value.name: value for value in (*self.inputs, *(node.output for node in self.nodes))}
