"""Graphs written layer by layer, for what is profiled: `writer.conv(x, 64, 3, stride=2)`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hwmodel.latency.graph.graph import Graph, Node, Value

Pair = int | tuple[int, int]


def pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def window(pixels: int, kernel: int, stride: int, padding: int, dilation: int = 1, ceil: bool = False) -> int:
    """Return how many windows a convolution or a pool has along an axis; `padding` is of both ends together."""
    free = pixels + padding - dilation * (kernel - 1) - 1
    return (-(-free // stride) if ceil else free // stride) + 1


class Writer:
    """Writes a graph in the order of its execution. Images are (N, C, H, W)."""

    def __init__(self) -> None:
        self._inputs: list[Value] = []
        self._nodes: list[Node] = []

    def input(self, *shape: int, dtype: str = "float32") -> Value:
        self._inputs.append(Value(f"input{len(self._inputs)}", shape, dtype))
        return self._inputs[-1]

    def graph(self, *outputs: Value) -> Graph:
        """Return the graph of what was written, with these outputs; constants are shapes alone (see `fill`)."""
        return Graph(tuple(self._inputs), tuple(self._nodes), tuple(value.name for value in outputs))

    def conv(
        self,
        x: Value,
        channels: int,
        kernel: Pair = 1,
        *,
        stride: Pair = 1,
        padding: Pair | None = None,
        dilation: Pair = 1,
        groups: int = 1,
        activation: str | None = None,
        bias: bool = True,
    ) -> Value:
        """Return a convolution of x; `padding` on each side, by default what keeps the image at stride 1."""
        (kh, kw), (sh, sw), (dh, dw) = pair(kernel), pair(stride), pair(dilation)
        ph, pw = ((kh - 1) * dh // 2, (kw - 1) * dw // 2) if padding is None else pair(padding)
        n, c, h, w = x.shape
        shape = (n, channels, window(h, kh, sh, 2 * ph, dh), window(w, kw, sw, 2 * pw, dw))
        weights = {"weight": (channels, c // groups, kh, kw)} | ({"bias": (channels,)} if bias else {})
        about = {"stride": (sh, sw), "padding": (ph, pw, ph, pw), "dilation": (dh, dw), "groups": groups}
        return self.add_node("conv", (x,), shape, about | {"activation": activation}, weights)

    def depthwise(self, x: Value, kernel: Pair = 3, **options: Any) -> Value:
        return self.conv(x, x.shape[1], kernel, groups=x.shape[1], **options)

    def linear(self, x: Value, features: int, activation: str | None = None) -> Value:
        weights = {"weight": (features, x.shape[-1]), "bias": (features,)}
        return self.add_node("linear", (x,), (*x.shape[:-1], features), {"activation": activation}, weights)

    def pool(self, x: Value, kind: str, kernel: Pair, *, stride: Pair | None = None, padding: Pair = 0) -> Value:
        """Return a `max` or an `avg` pool of x."""
        (kh, kw), (sh, sw), (ph, pw) = pair(kernel), pair(kernel if stride is None else stride), pair(padding)
        shape = (*x.shape[:2], window(x.shape[2], kh, sh, 2 * ph), window(x.shape[3], kw, sw, 2 * pw))
        about = {"kernel": (kh, kw), "stride": (sh, sw), "padding": (ph, pw, ph, pw), "ceil": False}
        return self.add_node(f"{kind}_pool", (x,), shape, about | ({"count_padding": True} if kind == "avg" else {}))

    def mean(self, x: Value, *, keep: bool = True) -> Value:
        """Return the mean over all pixels."""
        shape = (*x.shape[:2], 1, 1) if keep else x.shape[:2]
        return self.add_node("mean", (x,), shape, {"dimensions": (2, 3), "keep": keep})

    def activation(self, x: Value, activation: str) -> Value:
        return self.add_node("activation", (x,), x.shape, {"activation": activation})

    def softmax(self, x: Value, dimension: int = -1) -> Value:
        return self.add_node("softmax", (x,), x.shape, {"dimension": dimension % len(x.shape)})

    def add(self, x: Value, y: Value, activation: str | None = None) -> Value:
        return self.add_node("add", (x, y), np.broadcast_shapes(x.shape, y.shape), {"activation": activation})

    def mul(self, x: Value, y: Value) -> Value:
        return self.add_node("mul", (x, y), np.broadcast_shapes(x.shape, y.shape), {"activation": None})

    def concat(self, values: Sequence[Value], dimension: int = 1) -> Value:
        shape = list(values[0].shape)
        shape[dimension] = sum(value.shape[dimension] for value in values)
        return self.add_node("concat", tuple(values), tuple(shape), {"dimension": dimension})

    def matmul(self, x: Value, y: Value) -> Value:
        batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
        return self.add_node("matmul", (x, y), (*batch, x.shape[-2], y.shape[-1]))

    def reshape(self, x: Value, *shape: int) -> Value:
        return self.add_node("reshape", (x,), shape)

    def transpose(self, x: Value, *order: int) -> Value:
        return self.add_node("transpose", (x,), tuple(x.shape[axis] for axis in order), {"order": order})

    def resize(self, x: Value, height: int, width: int, mode: str = "nearest") -> Value:
        return self.add_node("resize", (x,), (*x.shape[:2], height, width), {"mode": mode, "align_corners": False})

    def add_node(
        self,
        kind: str,
        inputs: Sequence[Value],
        shape: tuple[int, ...],
        attributes: dict[str, Any] | None = None,
        weights: dict[str, tuple[int, ...]] | None = None,
    ) -> Value:
        """Return the value of a layer of any kind: for those that have no method of their own."""
        name = f"{kind}{len(self._nodes)}"
        value = Value(name, tuple(map(int, shape)))
        names = tuple(one.name for one in inputs)
        self._nodes.append(Node(name, kind, names, value, attributes or {}, weights or {}))
        return value
