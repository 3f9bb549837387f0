"""Graphs written layer by layer, for what is profiled: `writer.conv(x, 64, 3, stride=2)`."""

from collections.abc import Mapping, Sequence
from typing import Any

from circuits.errors import InputError
from hwmodel.latency.graph.build import Builder, Constant
from hwmodel.latency.graph.graph import ACTIVATIONS, Graph, Value

Pair = int | tuple[int, int]


def pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


class Writer:
    """Writes a graph in the order of its execution. Images are (N, C, H, W).

    Methods raise InputError where what they are given does not fit together.
    """

    def __init__(self) -> None:
        self._builder = Builder()

    def input(self, *shape: int, dtype: str = "float32") -> Value:
        return self._builder.input("input", shape, dtype)

    def graph(self, *outputs: Value) -> Graph:
        """Return the graph of what was written, with these outputs; constants are shapes alone (see `fill`)."""
        return self._builder.finish(outputs)

    def layer(
        self,
        kind: str,
        inputs: Sequence[Value],
        weights: Mapping[str, Sequence[int]] | None = None,
        shape: Sequence[int] | None = None,
        **attributes: Any,
    ) -> Value:
        """Return the value of a layer of any kind (see `Builder.add`); `weights` are shapes of its constants."""
        if (activation := attributes.get("activation")) is not None and activation not in ACTIVATIONS:
            raise InputError(f"activation {activation!r}: unknown; known are {', '.join(ACTIVATIONS)}")
        self._builder.scope = kind
        constants = {name: Constant(tuple(size)) for name, size in (weights or {}).items()}
        return self._builder.add(kind, inputs, constants, shape, **attributes)

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
    ) -> Value:
        """Return a convolution of x; `padding` on each side, by default what keeps the image at stride 1."""
        (kh, kw), (dh, dw) = pair(kernel), pair(dilation)
        sides = ((kh - 1) * dh // 2, (kw - 1) * dw // 2) if padding is None else pair(padding)
        weights = {"weight": (channels, x.shape[1] // groups, kh, kw), "bias": (channels,)}
        return self.layer("conv", (x,), weights, stride=pair(stride), padding=sides * 2, dilation=(dh, dw),
                          groups=groups, activation=activation)  # fmt: skip

    def depthwise(self, x: Value, kernel: Pair = 3, **options: Any) -> Value:
        return self.conv(x, x.shape[1], kernel, groups=x.shape[1], **options)

    def linear(self, x: Value, features: int, activation: str | None = None) -> Value:
        weights = {"weight": (features, x.shape[-1]), "bias": (features,)}
        return self.layer("linear", (x,), weights, activation=activation)

    def pool(self, x: Value, kind: str, kernel: Pair, *, stride: Pair | None = None, padding: Pair = 0) -> Value:
        """Return a `max` or an `avg` pool of x."""
        counted: dict[str, Any] = {"count_padding": True} if kind == "avg" else {}
        return self.layer(f"{kind}_pool", (x,), kernel=pair(kernel), stride=pair(kernel if stride is None else stride),
                          padding=pair(padding) * 2, ceil=False, **counted)  # fmt: skip

    def mean(self, x: Value, *, keep: bool = True) -> Value:
        """Return the mean over all pixels."""
        return self.layer("mean", (x,), dimensions=(2, 3), keep=keep)

    def activation(self, x: Value, activation: str) -> Value:
        return self.layer("activation", (x,), activation=activation)

    def softmax(self, x: Value, dimension: int = -1) -> Value:
        return self.layer("softmax", (x,), dimension=dimension % len(x.shape))

    def add(self, x: Value, y: Value, activation: str | None = None) -> Value:
        return self.layer("add", (x, y), activation=activation)

    def mul(self, x: Value, y: Value) -> Value:
        return self.layer("mul", (x, y))

    def concat(self, values: Sequence[Value], dimension: int = 1) -> Value:
        return self.layer("concat", values, dimension=dimension)

    def matmul(self, x: Value, y: Value) -> Value:
        return self.layer("matmul", (x, y))

    def reshape(self, x: Value, *shape: int) -> Value:
        return self.layer("reshape", (x,), shape=shape)

    def transpose(self, x: Value, *order: int) -> Value:
        return self.layer("transpose", (x,), order=order)

    def resize(self, x: Value, height: int, width: int, mode: str = "nearest") -> Value:
        return self.layer("resize", (x,), shape=(*x.shape[:2], height, width), mode=mode, align_corners=False)
