"""What each operator says about its operands' axes."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from workloads.channels.axes import Axis, Part, Units
from workloads.channels.layers import Layer

NORMALISED, ADDED = "a batch normalisation of unlike parts", "what is added or multiplied has no channels"
PLAIN = frozenset({  # each element from the one at its place
    "relu", "relu_", "relu6", "relu6_", "hardtanh", "hardtanh_", "silu", "silu_", "sigmoid", "sigmoid_", "hardswish",
    "hardswish_", "hardsigmoid", "hardsigmoid_", "gelu", "gelu_", "dropout", "dropout_", "feature_dropout", "clone",
    "contiguous", "tanh", "tanh_", "softplus", "elu", "elu_", "leaky_relu", "leaky_relu_", "mish", "mish_", "neg",
    "exp", "pow", "clamp", "clamp_", "to", "_to_copy", "alias", "detach", "detach_", "abs", "sqrt", "rsqrt", "selu",
    "celu", "hardshrink", "log", "square", "lift_fresh_copy", "alpha_dropout",
})  # fmt: skip
MAPS = frozenset({  # planes of pixels, channel by channel
    "max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool1d",
    "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool2d", "upsample_nearest2d", "upsample_bilinear2d",
    "upsample_bicubic2d", "max_pool2d_with_indices", "virtual_pool2d",
})  # fmt: skip
CONVOLUTIONS = frozenset({"conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"})
PAIRS = frozenset({"add", "add_", "sub", "sub_", "mul", "mul_", "div", "div_", "maximum", "minimum"})


class Value:
    """A tensor of the run: its shape, and the axis of each dimension that has channels."""

    def __init__(self, shape: Sequence[int], axes: dict[int, Axis] | None = None, name: str = "") -> None:
        self.shape = tuple(int(size) for size in shape)
        self.axes = axes or {}
        self.name = name  # of a parameter or buffer

    def axis(self, dim: int) -> Axis | None:
        return self.axes.get(dim % len(self.shape)) if self.shape else None


class Rules:
    """Goes through a run's operators, in order.

    Args:
        units: what is learned about units.
    """

    def __init__(self, units: Units) -> None:
        self.units = units
        self.layers: list[Layer] = []
        self.sources: list[Axis] = []  # axes that a layer with weights makes

    def call(self, operator: str, args: Sequence[Any], shapes: list[tuple[int, ...]], source: str) -> list[Value]:
        """Return the values that an operator makes of its operands.

        Args:
            operator: its name without overload, such as `conv2d`.
            args: all arguments in the order of its schema; tensors are `Value`s.
            shapes: of its results.
            source: where in the module it is called, for reasons.
        """
        known: dict[str, Callable[..., list[Value]]] = {
            "batch_norm": self._batch_norm, "layer_norm": self._layer_norm, "linear": self._linear, "cat": self._cat,
            "permute": self._permute, "transpose": self._transpose, "mean": self._mean, "flatten": self._reshape,
            "view": self._reshape, "reshape": self._reshape, "unflatten": self._reshape, "squeeze": self._reshape,
            "unsqueeze": self._reshape, "_unsafe_view": self._reshape, "pad": self._pad, "constant_pad_nd": self._pad,
        }  # fmt: skip
        if operator in PLAIN or operator in MAPS:
            return [Value(shape, dict(args[0].axes)) for shape in shapes]
        if operator in PAIRS:
            return self._pair(args, shapes, source)
        if operator in CONVOLUTIONS and isinstance(args[1], Value):
            return self._convolution(operator, args, shapes, source)
        if operator in known:
            return known[operator](args, shapes, source)
        return self._unknown(operator, args, shapes)

    def _unknown(self, operator: str, args: Sequence[Any], shapes: list[tuple[int, ...]]) -> list[Value]:
        for value in _values(args):
            for axis in value.axes.values():
                self.units.fix(axis, f"{operator} reads it, of which nothing is known")
        return [Value(shape) for shape in shapes]

    def _pair(self, args: Sequence[Any], shapes: list[tuple[int, ...]], source: str) -> list[Value]:
        result = Value(shapes[0])
        for dim in range(-1, -len(result.shape) - 1, -1):
            found: list[Axis | None] = [
                value.axis(dim) for value in args[:2]
                if isinstance(value, Value) and len(value.shape) >= -dim and value.shape[dim] > 1
            ]  # fmt: skip
            if found and any(found):
                for other in found[1:]:
                    self.units.same(found[0], other, f"{source}: {ADDED}")
                kept = next((axis for axis in found if axis), None)
                if kept is not None and all(found):
                    result.axes[dim % len(result.shape)] = kept
        return [result]

    def _convolution(
        self, operator: str, args: Sequence[Any], shapes: list[tuple[int, ...]], source: str
    ) -> list[Value]:
        x, weight, bias = args[0], args[1], args[2]
        turned = "transpose" in operator
        groups = args[7 if turned else 6]
        batched = len(x.shape) == len(weight.shape)
        dim = 1 if batched else 0
        inputs, of_inputs, of_outputs = x.axis(dim), weight.axis(0 if turned else 1), weight.axis(1 if turned else 0)
        window, positions = math.prod(weight.shape[2:]), math.prod(shapes[0][dim + 1 :])
        if groups == 1:
            self.units.same(inputs, of_inputs, f"{source}: reads what has no channels of a layer")
            outputs = of_outputs
            if outputs is not None:
                self.sources.append(outputs)
        elif groups == x.shape[dim] and inputs is not None and not turned:
            times = weight.shape[0] // groups
            outputs = tuple(Part(part.unit, part.repeat * times) for part in self.units.resolve(inputs))
            self.units.same(outputs, of_outputs, f"{source}: depthwise")
        else:
            outputs = of_outputs
            for axis in (inputs, of_inputs, of_outputs):
                self.units.fix(axis, f"{source}: a convolution in {groups} groups")
        if isinstance(bias, Value):
            self.units.same(bias.axis(0), outputs, source)
        if outputs is not None:
            name = weight.name.rpartition(".")[0]
            depthwise = groups == x.shape[dim] and groups > 1
            self.layers.append(Layer(name, of_inputs, outputs, positions, window, depthwise, groups))
        return [Value(shapes[0], {dim: outputs} if outputs else {})]

    def _linear(self, args: Sequence[Any], shapes: list[tuple[int, ...]], source: str) -> list[Value]:
        x, weight, bias = args[0], args[1], args[2]
        self.units.same(x.axis(-1), weight.axis(1), f"{source}: reads what has no channels of a layer")
        outputs = weight.axis(0)
        axes = {dim: axis for dim, axis in x.axes.items() if dim != len(x.shape) - 1}
        if outputs is not None:
            self.sources.append(outputs)
            name, rows = weight.name.rpartition(".")[0], math.prod(x.shape[1:-1])
            self.layers.append(Layer(name, weight.axis(1), outputs, rows, 1))
            if isinstance(bias, Value):
                self.units.same(bias.axis(0), outputs, source)
            axes[len(x.shape) - 1] = outputs
        return [Value(shapes[0], axes)]

    def _batch_norm(self, args: Sequence[Any], shapes: list[tuple[int, ...]], source: str) -> list[Value]:
        for value in args[1:5]:
            if isinstance(value, Value):
                self.units.same(value.axis(0), args[0].axis(1), f"{source}: {NORMALISED}")
        return [Value(shapes[0], dict(args[0].axes))]

    def _layer_norm(self, args: Sequence[Any], shapes: list[tuple[int, ...]], source: str) -> list[Value]:
        x = args[0]
        for value in args[2:4]:
            if isinstance(value, Value):
                for dim in range(-len(value.shape), 0):
                    self.units.same(value.axis(dim), x.axis(dim), f"{source}: {NORMALISED}")
        return [Value(shapes[0], dict(x.axes))]

    def _cat(self, args: Sequence[Any], shapes: list[tuple[int, ...]], source: str) -> list[Value]:
        values: list[Value] = list(args[0])
        along = args[1] % len(shapes[0])
        result = Value(shapes[0])
        for dim in range(len(shapes[0])):
            axes = [value.axis(dim) for value in values]
            if dim != along:
                if any(axes):
                    for other in axes[1:]:
                        self.units.same(axes[0], other, f"{source}: joined with what has no channels")
                    if all(axes) and axes[0] is not None:
                        result.axes[dim] = axes[0]
                continue
            if any(axes):
                row: list[Part] = []
                for value, axis in zip(values, axes, strict=True):
                    own = axis or self.units.new(value.shape[dim])
                    if axis is None:
                        self.units.fix(own, f"{source}: of the network's input, or of no layer")
                    row += own
                result.axes[dim] = tuple(row)
        return [result]

    def _permute(self, args: Sequence[Any], shapes: list[tuple[int, ...]], _source: str) -> list[Value]:
        x, order = args[0], args[1]
        moved = {place: x.axis(dim) for place, dim in enumerate(order)}
        return [Value(shapes[0], {place: axis for place, axis in moved.items() if axis})]

    def _transpose(self, args: Sequence[Any], shapes: list[tuple[int, ...]], source: str) -> list[Value]:
        order = list(range(len(args[0].shape)))
        first, second = args[1], args[2]
        order[first], order[second] = order[second], order[first]
        return self._permute((args[0], order), shapes, source)

    def _mean(self, args: Sequence[Any], shapes: list[tuple[int, ...]], source: str) -> list[Value]:
        x = args[0]
        dims = args[1] if args[1] is not None and args[1] != [] else range(len(x.shape))
        gone = {dim % len(x.shape) for dim in ([dims] if isinstance(dims, int) else dims)}
        for dim in gone:
            self.units.fix(x.axis(dim), f"{source}: a mean over channels")
        keep = len(shapes[0]) == len(x.shape)
        left = [dim for dim in range(len(x.shape)) if keep or dim not in gone]
        moved = {place: x.axis(dim) for place, dim in enumerate(left) if dim not in gone}
        return [Value(shapes[0], {place: axis for place, axis in moved.items() if axis})]

    def _pad(self, args: Sequence[Any], shapes: list[tuple[int, ...]], source: str) -> list[Value]:
        x = args[0]
        axes = dict(x.axes)
        for dim in range(len(x.shape)):
            if x.shape[dim] != shapes[0][dim]:
                self.units.fix(axes.pop(dim, None), f"{source}: channels are padded")
        return [Value(shapes[0], axes)]

    def _reshape(self, args: Sequence[Any], shapes: list[tuple[int, ...]], source: str) -> list[Value]:
        """Follow axes through dimensions that stay, and through those that are merged behind the channels."""
        x, result = args[0], Value(shapes[0])
        for old, new in _runs(x.shape, result.shape):
            inner = [dim for dim in old if x.axis(dim)]
            first = next((dim for dim in old if x.shape[dim] > 1), None)
            if inner == [first] and len(into := [dim for dim in new if result.shape[dim] > 1]) == 1:
                times = math.prod(x.shape[dim] for dim in old) // x.shape[inner[0]]
                whole = self.units.resolve(x.axes[inner[0]])
                result.axes[into[0]] = tuple(Part(part.unit, part.repeat * times) for part in whole)
            else:
                for dim in inner:
                    self.units.fix(x.axis(dim), f"{source}: its channels are reshaped")
        return [result]


def _runs(old: tuple[int, ...], new: tuple[int, ...]) -> list[tuple[list[int], list[int]]]:
    """Return which dimensions of one shape become which of another: the shortest runs of equal products."""
    found: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(old) or j < len(new):
        left, right = [], []
        a = b = 1
        while True:
            if a <= b and i < len(old):
                a, left, i = a * old[i], [*left, i], i + 1
            elif j < len(new):
                b, right, j = b * new[j], [*right, j], j + 1
            elif i < len(old):
                a, left, i = a * old[i], [*left, i], i + 1
            else:
                break
            if a == b and left and right:
                break
        found.append((left, right))
    return found


def _values(args: Any) -> list[Value]:
    if isinstance(args, Value):
        return [args]
    if isinstance(args, (list, tuple)):
        return [value for one in args for value in _values(one)]
    return []


def shape_of(value: Any) -> tuple[int, ...]:
    return tuple(int(size) for size in value.shape) if isinstance(value, torch.Tensor) else ()
