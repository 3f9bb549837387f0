"""ONNX's operators as layers: a table from operator to a small function.

A function takes the builder, the node's inputs (None where one is left out, and behind the last) and its attributes,
with `version`, the operator set's, and `outputs`, how many; it returns a reference, or a list of them.
"""

from collections.abc import Callable, Mapping, Sequence
from math import isclose, prod
from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.graph import spelled
from hwmodel.latency.graph.build import Builder, Constant, Ref
from hwmodel.latency.graph.graph import SLOPE

Inputs = Sequence[Any]  # Ref | None
Attributes = Mapping[str, Any]
Operator = Callable[[Builder, Inputs, Attributes], "Ref | list[Ref]"]


def numbers(ref: Ref | None, what: str) -> list[Any]:
    """Return the numbers of a constant that must be known."""
    if not isinstance(ref, Constant) or ref.array is None:
        raise InputError(f"{what}: not known before the network runs")
    return ref.array.reshape(-1).tolist()


def _options(inputs: Inputs, a: Attributes, name: str, place: int) -> list[Any] | None:
    """Return what older operator sets have as an attribute, newer ones as an input; None where it is left out."""
    if inputs[place] is not None:
        return numbers(inputs[place], name)
    return list(a[name]) if name in a else None


def _padding(pixels: Sequence[int], size: Sequence[int], stride: Sequence[int], a: Attributes) -> tuple[int, ...]:
    """Return (top, left, bottom, right), of `auto_pad` too."""
    auto = a.get("auto_pad", b"NOTSET").decode()
    if auto in {"NOTSET", ""}:
        return tuple(a.get("pads", (0,) * 4))
    if auto == "VALID":
        return (0,) * 4
    spans = [max((-(-length // step) - 1) * step + wide - length, 0)
             for length, wide, step in zip(pixels, size, stride, strict=True)]  # fmt: skip
    less, more = [span // 2 for span in spans], [span - span // 2 for span in spans]
    return (*less, *more) if auto == "SAME_UPPER" else (*more, *less)


def _conv(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    weight = spelled.constant(inputs[1], "a convolution's weight")
    if len(weight.shape) != 4 or len(inputs[0].shape) != 4:
        raise InputError(f"a convolution of {inputs[0].shape} with {weight.shape}: not of images")
    stride, dilation = tuple(a.get("strides", (1, 1))), tuple(a.get("dilations", (1, 1)))
    size = [d * (length - 1) + 1 for d, length in zip(dilation, weight.shape[2:], strict=True)]
    return b.add("conv", [inputs[0]], {"weight": weight, "bias": inputs[2]}, stride=stride, dilation=dilation,
                 padding=_padding(inputs[0].shape[2:], size, stride, a), groups=a.get("group", 1))  # fmt: skip


def _pool(kind: str) -> Operator:
    def call(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
        if any(step != 1 for step in a.get("dilations", ())):
            raise InputError("a pooling with dilation: not among the kinds of layer")
        kernel, stride = tuple(a["kernel_shape"]), tuple(a.get("strides", (1, 1)))
        more: dict[str, Any] = {"count_padding": bool(a.get("count_include_pad", 0))} if kind == "avg_pool" else {}
        return b.add(kind, [inputs[0]], kernel=kernel, stride=stride, ceil=bool(a.get("ceil_mode", 0)),
                     padding=_padding(inputs[0].shape[2:], kernel, stride, a), **more)  # fmt: skip

    return call


def _gemm(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    left = spelled.swap(b, inputs[0], 0, 1) if a.get("transA") else inputs[0]
    right, bias = inputs[1], inputs[2]
    factor = a.get("alpha", 1.0)
    if isinstance(right, Constant):
        weight = right if a.get("transB") else right.transposed((1, 0))
        weight = weight if factor == 1 else weight.scaled(factor)
        if bias is None or (isinstance(bias, Constant) and bias.shape == weight.shape[:1] and a.get("beta", 1) == 1):
            return b.add("linear", [left], {"weight": weight, "bias": bias})
        product: Ref = b.add("linear", [left], {"weight": weight})
    else:
        product = b.add("matmul", [left, spelled.swap(b, right, 0, 1) if a.get("transB") else right])
        product = product if factor == 1 else b.elementwise("mul", product, spelled.scalar(factor))
    if bias is None:
        return product
    scale = a.get("beta", 1.0)
    return b.elementwise("add", product, bias if scale == 1 else b.elementwise("mul", bias, spelled.scalar(scale)))


def _batch_norm(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    if a.get("training_mode"):
        raise InputError("a batch normalisation in training: export the model for inference")
    weights = dict(zip(("weight", "bias", "mean", "variance"), inputs[1:5], strict=True))
    constants = {name: spelled.constant(one, f"a batch normalisation's {name}") for name, one in weights.items()}
    return b.add("batch_norm", [inputs[0]], constants, epsilon=a.get("epsilon", 1e-5))


def _layer_norm(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    rank = len(inputs[0].shape)
    dimensions = tuple(range(spelled.place(a.get("axis", -1), rank), rank))
    return b.add("layer_norm", [inputs[0]], {"weight": inputs[1], "bias": inputs[2]}, dimensions=dimensions,
                 epsilon=a.get("epsilon", 1e-5))  # fmt: skip


def _activation(kind: str) -> Operator:
    return lambda b, inputs, _: b.add("activation", [inputs[0]], activation=kind)


def _leaky(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    if not isclose(a.get("alpha", SLOPE), SLOPE, rel_tol=1e-6):
        raise InputError(f"a leaky ReLU of slope {a['alpha']:g}: only {SLOPE} is among the kinds of layer")
    return b.add("activation", [inputs[0]], activation="leaky_relu")


def _gelu(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    kind = "gelu_tanh" if a.get("approximate", b"none") == b"tanh" else "gelu"
    return b.add("activation", [inputs[0]], activation=kind)


def _hardsigmoid(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    slope, offset = a.get("alpha", 0.2), a.get("beta", 0.5)
    if not (isclose(slope, 1 / 6, rel_tol=1e-4) and offset == 0.5):
        raise InputError(f"a hard sigmoid of slope {slope:g}: only a sixth is among the kinds of layer")
    return b.add("activation", [inputs[0]], activation="hardsigmoid")


def _clip(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    limits = [numbers(inputs[place], name)[0] if inputs[place] is not None else a.get(name)
              for place, name in ((1, "min"), (2, "max"))]  # fmt: skip
    return spelled.clamp(b, inputs[0], *limits)


def _binary(kind: str) -> Operator:
    def call(b: Builder, inputs: Inputs, _: Attributes) -> Ref:
        left, right = inputs[:2]
        if kind == "subtract":
            return spelled.subtract(b, left, right)
        if kind == "divide":
            return spelled.divide(b, left, right)
        return b.elementwise(kind, left, right)

    return call


def _mean(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    rank = len(inputs[0].shape)
    axes = _options(inputs, a, "axes", 1)
    if not axes:
        if a.get("noop_with_empty_axes"):
            return inputs[0]
        axes = list(range(rank))
    over = tuple(sorted(spelled.place(axis, rank) for axis in axes))
    return b.add("mean", [inputs[0]], dimensions=over, keep=bool(a.get("keepdims", 1)))


def _sum(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    mean = _mean(b, inputs, a)
    return b.elementwise("mul", mean, spelled.scalar(prod(inputs[0].shape) // prod(mean.shape)))


def _global_mean(b: Builder, inputs: Inputs, _: Attributes) -> Ref:
    return b.add("mean", [inputs[0]], dimensions=tuple(range(2, len(inputs[0].shape))), keep=True)


def _reshape(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    wanted = [int(length) for length in _options(inputs, a, "shape", 1) or []]
    if not a.get("allowzero"):
        wanted = [inputs[0].shape[place] if length == 0 else length for place, length in enumerate(wanted)]
    if wanted.count(-1) > 1 or any(length < -1 for length in wanted):
        raise InputError(f"a reshape to {wanted}: no shape")
    return spelled.reshape(b, inputs[0], wanted)


def _flatten(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    shape, axis = inputs[0].shape, a.get("axis", 1)
    axis += len(shape) if axis < 0 else 0
    return spelled.reshape(b, inputs[0], (prod(shape[:axis]), prod(shape[axis:])))


def _squeeze(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    shape, axes = inputs[0].shape, _options(inputs, a, "axes", 1)
    gone = {place for place, length in enumerate(shape) if length == 1}
    gone = gone if axes is None else {spelled.place(axis, len(shape)) for axis in axes}
    return spelled.reshape(b, inputs[0], [length for place, length in enumerate(shape) if place not in gone])


def _unsqueeze(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    axes = _options(inputs, a, "axes", 1) or []
    shape, rank = list(inputs[0].shape), len(inputs[0].shape) + len(axes)
    for axis in sorted(spelled.place(axis, rank) for axis in axes):
        shape.insert(axis, 1)
    return spelled.reshape(b, inputs[0], shape)


def _transpose(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    return spelled.transpose(b, inputs[0], tuple(a.get("perm", range(len(inputs[0].shape))[::-1])))


def _pad(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    if a.get("mode", b"constant") != b"constant":
        raise InputError(f"a padding of kind {a['mode'].decode()}: not among the kinds of layer")
    lengths = _options(inputs, a, "pads", 1) or []
    rank, half = len(inputs[0].shape), len(lengths) // 2
    number = numbers(inputs[2], "a padding's number")[0] if inputs[2] is not None else a.get("value", 0.0)
    axes = [spelled.place(axis, rank) for axis in numbers(inputs[3], "axes")] if inputs[3] is not None else range(rank)
    before, after = [0] * rank, [0] * rank
    for place, axis in enumerate(axes):
        before[axis], after[axis] = int(lengths[place]), int(lengths[half + place])
    return spelled.pad(b, inputs[0], before, after, number)


def _slice(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    starts, ends = _options(inputs, a, "starts", 1) or [], _options(inputs, a, "ends", 2) or []
    axes = _options(inputs, a, "axes", 3) or range(len(starts))
    steps = _options(inputs, a, "steps", 4) or [1] * len(starts)
    ref = inputs[0]
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if step < 1:
            raise InputError("a slice backwards: not among the kinds of layer")
        ref = spelled.cut(b, ref, axis, start, end, step)
    return ref


def _split(b: Builder, inputs: Inputs, a: Attributes) -> list[Ref]:
    axis = spelled.place(a.get("axis", 0), len(inputs[0].shape))
    length, count = inputs[0].shape[axis], a.get("num_outputs", a["outputs"])
    size = -(-length // count)
    sizes = _options(inputs, a, "split", 1) or [min(size, length - start) for start in range(0, length, size)]
    return spelled.parts(b, inputs[0], sizes, axis)


def _gather(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    """Return a table's rows by computed indices, or one slice by a known index."""
    table, indices = inputs[:2]
    if isinstance(table, Constant) and len(table.shape) == 2 and a.get("axis", 0) == 0:
        b.dtype = table.dtype
        return b.add("embedding", [indices], {"weight": table})
    axis = spelled.place(a.get("axis", 0), len(table.shape))
    (index, *others) = numbers(indices, "a gathering's indices")
    if others:
        raise InputError("a gathering of several rows: not among the kinds of layer")
    index = int(index) % table.shape[axis]
    shape = (*table.shape[:axis], *indices.shape, *table.shape[axis + 1 :])
    return spelled.reshape(b, spelled.cut(b, table, axis, index, index + 1), shape)


def _resize(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    """Return a resize, of the operator sets before 10 (Upsample) too."""
    shape, mode = inputs[0].shape, a.get("mode", b"nearest").decode()
    known = {"nearest": "nearest", "linear": "bilinear", "bilinear": "bilinear"}
    if mode not in known:
        raise InputError(f"a resize of kind {mode}: not among the kinds of layer; known are nearest and linear")
    sizes = numbers(inputs[3], "sizes") if inputs[3] is not None else None
    if sizes is None:
        given = inputs[2] if inputs[2] is not None else inputs[1]
        scales = numbers(given, "scales") if given is not None else a["scales"]
        sizes = [int(np.floor(length * scale + 1e-6)) for length, scale in zip(shape, scales, strict=True)]
    corners = a.get("coordinate_transformation_mode", b"half_pixel") == b"align_corners"
    return b.add("resize", [inputs[0]], shape=[int(size) for size in sizes], mode=known[mode], align_corners=corners)


def _softmax(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    rank = len(inputs[0].shape)
    axis = spelled.place(a.get("axis", -1 if a["version"] >= 13 else 1), rank)
    if a["version"] < 13 and prod(inputs[0].shape[axis + 1 :]) != 1:
        raise InputError("a softmax over several dimensions, as before operator set 13: not among the kinds of layer")
    return b.add("softmax", [inputs[0]], dimension=axis)


def _expand(_: Builder, inputs: Inputs, __: Attributes) -> Ref:
    from hwmodel.latency.graph.shapes import broadcast

    wanted = tuple(int(length) for length in numbers(inputs[1], "a shape"))
    return spelled.expand(inputs[0], broadcast(wanted, inputs[0].shape))


def _cast(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    import onnx

    b.dtype = str(onnx.helper.tensor_dtype_to_np_dtype(a["to"]))
    return inputs[0] if inputs[0].dtype == b.dtype else b.add("cast", [inputs[0]])


def _concat(b: Builder, inputs: Inputs, a: Attributes) -> Ref:
    return spelled.concat(b, [ref for ref in inputs if ref is not None], a["axis"])


def _same(_: Builder, inputs: Inputs, __: Attributes) -> Ref:
    return inputs[0]


OPERATORS: Mapping[str, Operator] = {
    "Conv": _conv, "Gemm": _gemm, "MatMul": lambda b, inputs, _: spelled.product(b, *inputs[:2]),
    "BatchNormalization": _batch_norm, "LayerNormalization": _layer_norm, "MaxPool": _pool("max_pool"),
    "AveragePool": _pool("avg_pool"), "GlobalAveragePool": _global_mean, "ReduceMean": _mean, "ReduceSum": _sum,
    "Softmax": _softmax, "Relu": _activation("relu"), "Sigmoid": _activation("sigmoid"), "Tanh": _activation("tanh"),
    "HardSwish": _activation("hardswish"), "Swish": _activation("silu"), "Erf": _activation("erf"),
    "HardSigmoid": _hardsigmoid, "Gelu": _gelu, "LeakyRelu": _leaky, "Clip": _clip, "Add": _binary("add"),
    "Sub": _binary("subtract"), "Mul": _binary("mul"), "Div": _binary("divide"),
    "Neg": lambda b, inputs, _: b.elementwise("mul", inputs[0], spelled.scalar(-1)), "Concat": _concat,
    "Reshape": _reshape, "Flatten": _flatten, "Squeeze": _squeeze, "Unsqueeze": _unsqueeze, "Transpose": _transpose,
    "Pad": _pad, "Slice": _slice, "Split": _split, "Gather": _gather, "Resize": _resize, "Upsample": _resize,
    "Expand": _expand, "Cast": _cast, "Identity": _same, "Dropout": _same,
}  # fmt: skip
