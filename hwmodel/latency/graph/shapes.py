"""The shape of a layer's output, from the shapes of what it reads: a small rule for each kind."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from circuits.errors import InputError

Shape = tuple[int, ...]


def output_shape(
    kind: str, inputs: Sequence[Shape], attributes: Mapping[str, Any], weights: Mapping[str, Shape], given: Shape | None
) -> Shape:
    """Return the shape of a layer's output.

    Args:
        kind: of the layer, one of `KINDS`.
        inputs: shapes of the values it reads, in order.
        attributes: as `KINDS` names them.
        weights: shapes of its constants.
        given: the output's shape, for kinds whose inputs do not tell it (reshape, resize, constant), else None.

    Raises:
        InputError: where inputs, attributes and constants do not fit together.
    """
    try:
        return _RULES[kind](inputs, attributes, weights, given)
    except (IndexError, KeyError, TypeError, ZeroDivisionError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        shapes = ", ".join(map(str, inputs)) or "nothing"
        raise InputError(f"a {kind} of {shapes}: its attributes, constants and inputs do not fit together") from error


def broadcast(*shapes: Shape) -> Shape:
    """Return the shape that shapes broadcast to, as numpy's rules have it."""
    longest = max(map(len, shapes), default=0)
    result = []
    for lengths in zip(*((1,) * (longest - len(shape)) + shape for shape in shapes), strict=True):
        wide = {length for length in lengths if length != 1}
        _ask(len(wide) < 2, f"shapes {' and '.join(map(str, shapes))} do not broadcast")
        result.append(wide.pop() if wide else 1)
    return tuple(result)


def midpoint_steps(shape: Shape) -> list[tuple[Shape, bool]]:
    """Return, for runtimes that resize both axes alike, the resizes that one to midpoints is: shape, lengths odd."""
    (*rest, height, width) = shape
    if height % 2 == width % 2:
        return [(shape, height % 2 == 1)]
    return [((*rest, height, (width + 1) // 2), height % 2 == 1), (shape, width % 2 == 1)]


def _ask(true: bool, otherwise: str) -> None:
    if not true:
        raise InputError(otherwise)


def _conv(inputs: Sequence[Shape], attributes: Mapping[str, Any], weights: Mapping[str, Shape], _: Any) -> Shape:
    (batch, channels, *pixels), weight, groups = inputs[0], weights["weight"], attributes["groups"]
    _ask(len(pixels) == 2 and len(weight) == 4, f"a convolution of {inputs[0]} with {weight}: not of images")
    _ask(channels == weight[1] * groups and weight[0] % groups == 0,
         f"a convolution of {channels} channels with {weight} in {groups} groups: they do not match")  # fmt: skip
    kernel = [d * (k - 1) + 1 for d, k in zip(attributes["dilation"], weight[2:], strict=True)]
    return (batch, weight[0], *_windows(pixels, kernel, attributes, ceil=False))


def _pool(inputs: Sequence[Shape], attributes: Mapping[str, Any], _: Any, __: Any) -> Shape:
    batch, channels, *pixels = inputs[0]
    _ask(len(pixels) == 2, f"a pooling of {inputs[0]}: not of images")
    return (batch, channels, *_windows(pixels, attributes["kernel"], attributes, ceil=attributes["ceil"]))


def _windows(pixels: Sequence[int], kernel: Sequence[int], attributes: Mapping[str, Any], *, ceil: bool) -> Shape:
    """Count windows along height and width; rounded up, none begins in the padding below or to the right."""
    top, left, bottom, right = attributes["padding"]
    result = []
    for length, size, stride, before, after in zip(
        pixels, kernel, attributes["stride"], (top, left), (bottom, right), strict=True
    ):
        room = length + before + after - size
        _ask(room >= 0, f"a window of {size} on {length} padded pixels: too large")
        count = (-(-room // stride) if ceil else room // stride) + 1
        result.append(count - 1 if ceil and (count - 1) * stride >= length + before else count)
    return tuple(result)


def _linear(inputs: Sequence[Shape], _: Any, weights: Mapping[str, Shape], __: Any) -> Shape:
    outputs, features = weights["weight"]
    _ask(inputs[0][-1] == features, f"a linear layer of {features} features on {inputs[0]}: they do not match")
    return (*inputs[0][:-1], outputs)


def _matmul(inputs: Sequence[Shape], _: Any, __: Any, ___: Any) -> Shape:
    left, right = inputs
    _ask(min(len(left), len(right)) >= 2 and left[-1] == right[-2], f"a product of {left} and {right}: do not match")
    return (*broadcast(left[:-2], right[:-2]), left[-2], right[-1])


def _mean(inputs: Sequence[Shape], attributes: Mapping[str, Any], _: Any, __: Any) -> Shape:
    over = set(attributes["dimensions"])
    _ask(all(0 <= dimension < len(inputs[0]) for dimension in over), f"a mean over {over} of {inputs[0]}: none such")
    kept = ((place, 1 if place in over else length) for place, length in enumerate(inputs[0]))
    return tuple(length for place, length in kept if attributes["keep"] or place not in over)


def _elementwise(inputs: Sequence[Shape], _: Any, weights: Mapping[str, Shape], __: Any) -> Shape:
    return broadcast(*inputs, *weights.values())


def _same(inputs: Sequence[Shape], _: Any, __: Any, ___: Any) -> Shape:
    return inputs[0]


def _concat(inputs: Sequence[Shape], attributes: Mapping[str, Any], _: Any, __: Any) -> Shape:
    along = attributes["dimension"]
    rest = {(*shape[:along], *shape[along + 1 :]) for shape in inputs}
    _ask(len(rest) == 1, f"a concatenation of {', '.join(map(str, inputs))} along {along}: they do not match")
    return (*inputs[0][:along], sum(shape[along] for shape in inputs), *inputs[0][along + 1 :])


def _pad(inputs: Sequence[Shape], attributes: Mapping[str, Any], _: Any, __: Any) -> Shape:
    (batch, channels, height, width), (top, left, bottom, right) = inputs[0], attributes["padding"]
    return batch, channels, height + top + bottom, width + left + right


def _resize(inputs: Sequence[Shape], attributes: Mapping[str, Any], _: Any, given: Shape | None) -> Shape:
    _ask(given is not None and len(given) == 4 == len(inputs[0]) and given[:2] == inputs[0][:2],
         f"a resize of {inputs[0]} to {given}: give batch, channels, height, width")  # fmt: skip
    shape = tuple(given or ())
    if attributes["mode"] == "midpoint":
        halves = tuple((length + 1) // 2 for length in shape[2:])
        _ask(halves == tuple(inputs[0][2:]), f"a resize to midpoints of {inputs[0]} to {given}: give twice as many "
             "pixels along an axis, or one less")  # fmt: skip
    return shape


def _reshape(inputs: Sequence[Shape], _: Any, __: Any, given: Shape | None) -> Shape:
    _ask(given is not None and prod(given) == prod(inputs[0]), f"a reshape of {inputs[0]} to {given}: other elements")
    return tuple(given or ())


def _transpose(inputs: Sequence[Shape], attributes: Mapping[str, Any], _: Any, __: Any) -> Shape:
    order = attributes["order"]
    _ask(sorted(order) == list(range(len(inputs[0]))), f"a transpose of {inputs[0]} by {order}: no order of it")
    return tuple(inputs[0][place] for place in order)


def _slice(inputs: Sequence[Shape], attributes: Mapping[str, Any], _: Any, __: Any) -> Shape:
    along, start, stop, step = (attributes[name] for name in ("dimension", "start", "stop", "step"))
    _ask(0 <= start < stop <= inputs[0][along] and step > 0, f"a slice {start}:{stop}:{step} of {inputs[0]}: empty")
    return (*inputs[0][:along], -(-(stop - start) // step), *inputs[0][along + 1 :])


def _embedding(inputs: Sequence[Shape], _: Any, weights: Mapping[str, Shape], __: Any) -> Shape:
    return (*inputs[0], weights["weight"][1])


def _constant(_: Any, __: Any, weights: Mapping[str, Shape], ___: Any) -> Shape:
    return weights["constant"]


_RULES: Mapping[str, Callable[[Sequence[Shape], Mapping[str, Any], Mapping[str, Shape], Shape | None], Shape]] = {
    "conv": _conv, "linear": _linear, "matmul": _matmul, "max_pool": _pool, "avg_pool": _pool, "mean": _mean,
    "batch_norm": _same, "layer_norm": _same, "activation": _same, "softmax": _same, "add": _elementwise,
    "mul": _elementwise, "concat": _concat, "pad": _pad, "resize": _resize, "reshape": _reshape,
    "transpose": _transpose, "slice": _slice, "embedding": _embedding, "constant": _constant, "cast": _same,
}  # fmt: skip
