"""Sections of mobile networks: what blocks that are profiled, and random networks to test on, are written with.

Each takes a value and returns one. `out` is channels after; a `stride` is of the first layer that slides a window.
"""

from collections.abc import Callable, Mapping
from typing import Any

from hwmodel.latency.graph import Value
from hwmodel.latency.graph.writer import Writer


def conv(
    w: Writer, x: Value, out: int, kernel: int = 3, stride: int = 1, groups: int = 1, activation: str | None = "relu"
) -> Value:
    return w.conv(x, out, kernel, stride=stride, groups=groups, activation=activation)


def depthwise(w: Writer, x: Value, kernel: int = 3, stride: int = 1, activation: str | None = "relu6") -> Value:
    return w.depthwise(x, kernel, stride=stride, activation=activation)


def separable(w: Writer, x: Value, out: int, kernel: int = 3, stride: int = 1, activation: str = "relu6") -> Value:
    """A depthwise and a pointwise convolution: MobileNetV1's."""
    return w.conv(depthwise(w, x, kernel, stride, activation), out, 1, activation=activation)


def squeeze(w: Writer, x: Value, reduction: int = 4, gate: str = "hardsigmoid") -> Value:
    """Squeeze and excitation: each channel is scaled by what two small layers make of all channels' means."""
    hidden = w.conv(w.mean(x), max(8, x.shape[1] // reduction), 1, activation="relu")
    return w.mul(x, w.conv(hidden, x.shape[1], 1, activation=gate))


def inverted(w: Writer, x: Value, out: int, kernel: int = 3, stride: int = 1, expansion: float = 6,
             excite: bool = False, activation: str = "relu6") -> Value:  # fmt: skip
    """Widen, filter each channel, narrow; a residual where shapes allow: MobileNetV2's and V3's."""
    hidden = max(8, round(x.shape[1] * expansion / 8) * 8)
    y = w.conv(x, hidden, 1, activation=activation) if hidden != x.shape[1] else x
    y = depthwise(w, y, kernel, stride, activation)
    y = w.conv(squeeze(w, y) if excite else y, out, 1)
    return w.add(x, y) if y.shape == x.shape else y


def basic(w: Writer, x: Value, out: int, kernel: int = 3, stride: int = 1) -> Value:
    """Two convolutions and a shortcut: ResNet-18's."""
    y = w.conv(w.conv(x, out, kernel, stride=stride, activation="relu"), out, kernel)
    return w.add(y, _shortcut(w, x, y, stride), "relu")


def bottleneck(w: Writer, x: Value, out: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> Value:
    """Narrow to a quarter, convolve, widen, and a shortcut: ResNet-50's."""
    y = w.conv(x, out // 4, 1, activation="relu")
    y = w.conv(y, out // 4, kernel, stride=stride, groups=groups, activation="relu")
    y = w.conv(y, out, 1)
    return w.add(y, _shortcut(w, x, y, stride), "relu")


def _shortcut(w: Writer, x: Value, y: Value, stride: int) -> Value:
    return x if x.shape == y.shape else w.conv(x, y.shape[1], 1, stride=stride, padding=0)


def fire(w: Writer, x: Value, out: int, kernel: int = 3, narrow: int = 8) -> Value:
    """Narrow, then a pointwise and a wider convolution beside each other: SqueezeNet's."""
    y = w.conv(x, max(8, out // narrow), 1, activation="relu")
    return w.concat([w.conv(y, out // 2, one, activation="relu") for one in (1, kernel)])


def dense(w: Writer, x: Value, growth: int, layers: int, kernel: int = 3) -> Value:
    """Layers that each add channels to all that is there: DenseNet's."""
    for _ in range(layers):
        x = w.concat([x, w.conv(w.conv(x, 4 * growth, 1, activation="relu"), growth, kernel, activation="relu")])
    return x


def pool(w: Writer, x: Value, pool: str = "max", kernel: int = 3, stride: int = 2) -> Value:
    return w.pool(x, pool, kernel, stride=stride, padding=(kernel - 1) // 2)


def elementwise(w: Writer, x: Value, operation: str) -> Value:
    """A layer that does no more than go over an image: an activation, an addition or a product with itself."""
    if operation == "add":
        return w.add(x, x)
    return w.mul(x, x) if operation == "mul" else w.activation(x, operation)


def linear(w: Writer, x: Value, out: int, activation: str | None = "relu") -> Value:
    return w.linear(x, out, activation)


def head(w: Writer, x: Value, features: int, classes: int, activation: str = "relu6") -> Value:
    """A last pointwise convolution if `features` are not 0, the mean over pixels, a linear layer."""
    y = w.conv(x, features, 1, activation=activation) if features else x
    return w.linear(w.mean(y, keep=False), classes)


_ALL = (conv, depthwise, separable, squeeze, inverted, basic, bottleneck, fire, dense, pool, elementwise, linear, head)
SECTIONS: Mapping[str, Callable[..., Any]] = {section.__name__: section for section in _ALL}
