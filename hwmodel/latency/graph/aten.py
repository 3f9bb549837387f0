"""Torch's operators as layers: a table from operator to a small function.

A function takes the builder and the call's arguments by the names of torch's schema, with tensors as references, and
returns a reference, or a list of them for an operator of several outputs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from circuits.errors import InputError
from hwmodel.latency.graph import spelled
from hwmodel.latency.graph.build import Builder, Constant, Ref
from hwmodel.latency.graph.graph import SLOPE

Arguments = Mapping[str, Any]


def _pair(lengths: int | Sequence[int]) -> tuple[int, int]:
    """Return (vertical, horizontal) of one number, a list of one or a list of two."""
    both = (lengths,) if isinstance(lengths, int) else tuple(lengths)
    return (both[0], both[-1])


def _conv(b: Builder, a: Arguments) -> Ref:
    weight = spelled.constant(a["weight"], "a convolution's weight")
    dilation = _pair(a["dilation"])
    if a["padding"] == "same":
        spans = [d * (size - 1) for d, size in zip(dilation, weight.shape[2:], strict=True)]
        padding = (*(span // 2 for span in spans), *(span - span // 2 for span in spans))
    else:
        padding = _pair(0 if a["padding"] == "valid" else a["padding"]) * 2
    return b.add("conv", [a["input"]], {"weight": weight, "bias": a["bias"]}, stride=_pair(a["stride"]),
                 padding=padding, dilation=dilation, groups=a["groups"])  # fmt: skip


def _convolution(b: Builder, a: Arguments) -> Ref:
    if a["transposed"]:
        raise InputError("a transposed convolution: not among the kinds of layer; known are plain convolutions")
    return _conv(b, a)


def _linear(b: Builder, a: Arguments) -> Ref:
    weight, bias = a["weight"], a.get("bias")
    if isinstance(weight, Constant) and (bias is None or isinstance(bias, Constant)):
        return b.add("linear", [a["input"]], {"weight": weight, "bias": bias})
    product = b.add("matmul", [a["input"], spelled.swap(b, weight, -1, -2)])
    return product if bias is None else b.elementwise("add", product, bias)


def _addmm(b: Builder, a: Arguments) -> Ref:
    """Add `self` to a product; where that is a linear layer, as its bias."""
    if a["alpha"] != 1 or a["beta"] != 1:
        raise InputError(f"a product times {a['alpha']} plus {a['beta']} times an addend: only 1 and 1 can be read")
    left, right = a.get("mat1", a.get("batch1")), a.get("mat2", a.get("batch2"))
    bias = a["self"]
    if isinstance(bias, Constant) and isinstance(right, Constant) and len(bias.shape) == 1 and len(right.shape) == 2:
        return b.add("linear", [left], {"weight": right.transposed((1, 0)), "bias": bias})
    return b.elementwise("add", spelled.product(b, left, right), bias)  # type: ignore[arg-type]


def _batch_norm(b: Builder, a: Arguments) -> Ref:
    import numpy as np

    mean = spelled.constant(a["running_mean"], "the mean of a batch normalisation")
    ones, zeros = (Constant.of(np.full(mean.shape, number, np.float32)) for number in (1, 0))
    weights = {"weight": a["weight"] or ones, "bias": a["bias"] or zeros, "mean": mean, "variance": a["running_var"]}
    return b.add("batch_norm", [a["input"]], weights, epsilon=a["eps"])


def _layer_norm(b: Builder, a: Arguments) -> Ref:
    rank = len(a["input"].shape)
    dimensions = tuple(range(rank - len(a["normalized_shape"]), rank))
    return b.add("layer_norm", [a["input"]], {"weight": a["weight"], "bias": a["bias"]}, dimensions=dimensions,
                 epsilon=a["eps"])  # fmt: skip


def _max_pool(b: Builder, a: Arguments) -> Ref:
    if _pair(a["dilation"]) != (1, 1):
        raise InputError("a max pooling with dilation: not among the kinds of layer")
    return b.add("max_pool", [a["self"]], **_windows(a))


def _avg_pool(b: Builder, a: Arguments) -> Ref:
    if a["divisor_override"] is not None:
        raise InputError("an average pooling with a divisor of its own: not among the kinds of layer")
    return b.add("avg_pool", [a["self"]], **_windows(a), count_padding=a["count_include_pad"])


def _windows(a: Arguments) -> dict[str, Any]:
    kernel = _pair(a["kernel_size"])
    return {"kernel": kernel, "stride": _pair(a["stride"] or kernel), "padding": _pair(a["padding"]) * 2,
            "ceil": a["ceil_mode"]}  # fmt: skip


def _mean(b: Builder, a: Arguments) -> Ref:
    rank = len(a["self"].shape)
    dimensions = tuple(sorted(spelled.place(d, rank) for d in a.get("dim") or range(rank)))
    return b.add("mean", [a["self"]], dimensions=dimensions, keep=bool(a.get("keepdim")))


def _sum(b: Builder, a: Arguments) -> Ref:
    mean = _mean(b, a)
    count = _size(a["self"]) // max(_size(mean), 1)
    return b.elementwise("mul", mean, spelled.scalar(count))


def _size(ref: Ref) -> int:
    from math import prod

    return prod(ref.shape)


def _activation(kind: str) -> Callable[[Builder, Arguments], Ref]:
    return lambda b, a: b.add("activation", [a["self"]], activation=kind)


def _gelu(b: Builder, a: Arguments) -> Ref:
    return b.add("activation", [a["self"]], activation="gelu_tanh" if a["approximate"] == "tanh" else "gelu")


def _leaky(b: Builder, a: Arguments) -> Ref:
    if a["negative_slope"] != SLOPE:
        raise InputError(f"a leaky ReLU of slope {a['negative_slope']}: only {SLOPE} is among the kinds of layer")
    return b.add("activation", [a["self"]], activation="leaky_relu")


def _binary(kind: str) -> Callable[[Builder, Arguments], Ref]:
    def call(b: Builder, a: Arguments) -> Ref:
        left, right = _operand(b, a["self"]), _operand(b, a["other"])
        if a.get("alpha", 1) != 1:
            right = b.elementwise("mul", right, spelled.scalar(a["alpha"]))
        if kind == "subtract":
            return spelled.subtract(b, left, right)
        if kind == "divide":
            if a.get("rounding_mode"):
                raise InputError("a division that rounds: not among the kinds of layer")
            return spelled.divide(b, left, right)
        return b.elementwise(kind, left, right)

    return call


def _operand(b: Builder, operand: Ref | float) -> Ref:
    return spelled.scalar(operand, b.dtype) if isinstance(operand, (int, float)) else operand


def _reshape(b: Builder, a: Arguments) -> Ref:
    """Return what torch says the output's shape is: view, flatten, squeeze, unsqueeze and others differ in it alone."""
    return spelled.reshape(b, a["self"], a["shape_of_output"])


def _select(b: Builder, a: Arguments) -> Ref:
    index = a["index"] % a["self"].shape[a["dim"]]
    one = spelled.cut(b, a["self"], a["dim"], index, index + 1)
    return spelled.reshape(b, one, a["shape_of_output"])


def _slice(b: Builder, a: Arguments) -> Ref:
    start, end = (a["start"] or 0), a["self"].shape[a["dim"]] if a["end"] is None else a["end"]
    return spelled.cut(b, a["self"], a["dim"], start, end, a["step"])


def _split(b: Builder, a: Arguments) -> list[Ref]:
    sizes = a.get("split_sizes", a.get("split_size"))
    if isinstance(sizes, int):
        length = a["self"].shape[a["dim"]]
        sizes = [min(sizes, length - start) for start in range(0, length, sizes)]
    return spelled.parts(b, a["self"], sizes, a["dim"])  # type: ignore[arg-type]


def _unbind(b: Builder, a: Arguments) -> list[Ref]:
    dimension = spelled.place(a["dim"], len(a["self"].shape))
    shape = [*a["self"].shape[:dimension], *a["self"].shape[dimension + 1 :]]
    ones = spelled.parts(b, a["self"], [1] * a["self"].shape[dimension], dimension)
    return [spelled.reshape(b, one, shape) for one in ones]


def _stack(b: Builder, a: Arguments) -> Ref:
    rank = len(a["tensors"][0].shape)
    dimension = spelled.place(a["dim"], rank + 1)
    shape = a["tensors"][0].shape
    wide = (*shape[:dimension], 1, *shape[dimension:])
    return spelled.concat(b, [spelled.reshape(b, one, wide) for one in a["tensors"]], dimension)


def _pad(b: Builder, a: Arguments) -> Ref:
    if a.get("mode", "constant") != "constant":
        raise InputError(f"a padding of kind {a['mode']}: not among the kinds of layer; known is a constant's")
    rank, lengths = len(a["self"].shape), a["pad"]
    missing = [0] * (rank - len(lengths) // 2)  # torch lists the last dimension first
    before, after = ([*missing, *lengths[side::2][::-1]] for side in (0, 1))
    return spelled.pad(b, a["self"], before, after, a["value"] or 0)


def _resize(mode: str) -> Callable[[Builder, Arguments], Ref]:
    return lambda b, a: b.add("resize", [a.get("input", a.get("self"))], shape=a["shape_of_output"], mode=mode,
                              align_corners=bool(a.get("align_corners")))  # fmt: skip


def _midpoints(b: Builder, a: Arguments) -> Ref:
    """Return the interpolation of virtual pooling (`workloads.vip`): to this graph it is a layer, fused or not."""
    return b.add("resize", [a["small"]], shape=a["shape_of_output"], mode="midpoint", align_corners=False)


def _embedding(b: Builder, a: Arguments) -> Ref:
    weight = spelled.constant(a["weight"], "an embedding's table")
    return b.add("embedding", [a["indices"]], {"weight": weight})


def _attention(b: Builder, a: Arguments) -> Ref:
    if a["query"].shape[-3] != a["key"].shape[-3]:
        raise InputError("attention whose heads share keys: not among the kinds of layer")
    return spelled.attention(b, a["query"], a["key"], a["value"], a["attn_mask"], causal=a["is_causal"],
                             scale=a["scale"])  # fmt: skip


def _to(b: Builder, a: Arguments) -> Ref:
    return a["self"] if a["self"].dtype == b.dtype else b.add("cast", [a["self"]])


def _copy(b: Builder, a: Arguments) -> Ref:
    return spelled.expand(_to(b, {"self": a["src"]}), a["self"].shape)


def _slice_scatter(b: Builder, a: Arguments) -> Ref:
    """Return a tensor with a slice replaced: what is before it, the new one, what is behind it."""
    if a["step"] != 1:
        raise InputError("a write to every other row: not among the kinds of layer")
    start, end, _ = slice(a["start"], a["end"]).indices(length := a["self"].shape[a["dim"]])
    ends = [(0, start), (end, length)]
    before, after = ([spelled.cut(b, a["self"], a["dim"], *one)] if one[0] < one[1] else [] for one in ends)
    return spelled.concat(b, [*before, a["src"], *after], a["dim"])


def _same(_: Builder, a: Arguments) -> Ref:
    return a["self"] if "self" in a else a["input"]


def _permute(b: Builder, a: Arguments) -> Ref:
    return spelled.transpose(b, a["self"], [spelled.place(d, len(a["dims"])) for d in a["dims"]])


OPERATORS: Mapping[str, Callable[[Builder, Arguments], Ref | list[Ref]]] = {
    "conv2d": _conv, "convolution": _convolution, "linear": _linear, "addmm": _addmm, "baddbmm": _addmm,
    "mm": lambda b, a: spelled.product(b, a["self"], a["mat2"]),
    "bmm": lambda b, a: spelled.product(b, a["self"], a["mat2"]),
    "matmul": lambda b, a: spelled.product(b, a["self"], a["other"]),
    "scaled_dot_product_attention": _attention,
    "batch_norm": _batch_norm, "_native_batch_norm_legit_no_training": _batch_norm, "layer_norm": _layer_norm,
    "max_pool2d": _max_pool, "max_pool2d_with_indices": _max_pool, "avg_pool2d": _avg_pool,
    "adaptive_avg_pool2d": lambda b, a: spelled.average(b, a["self"], _pair(a["output_size"])),
    "mean": _mean, "sum": _sum, "softmax": lambda b, a: b.add(
        "softmax", [a["self"]], dimension=spelled.place(a["dim"], len(a["self"].shape))),
    "relu": _activation("relu"), "relu6": _activation("relu6"), "hardswish": _activation("hardswish"),
    "hardsigmoid": _activation("hardsigmoid"), "sigmoid": _activation("sigmoid"), "silu": _activation("silu"),
    "tanh": _activation("tanh"), "erf": _activation("erf"), "gelu": _gelu, "leaky_relu": _leaky,
    "hardtanh": lambda b, a: spelled.clamp(b, a["self"], a["min_val"], a["max_val"]),
    "clamp": lambda b, a: spelled.clamp(b, a["self"], a["min"], a["max"]),
    "clamp_min": lambda b, a: spelled.clamp(b, a["self"], a["min"], None),
    "add": _binary("add"), "sub": _binary("subtract"), "mul": _binary("mul"), "div": _binary("divide"),
    "neg": lambda b, a: b.elementwise("mul", a["self"], spelled.scalar(-1)),
    "cat": lambda b, a: spelled.concat(b, a["tensors"], a["dim"]), "stack": _stack, "constant_pad_nd": _pad,
    "pad": _pad, "upsample_nearest2d": _resize("nearest"), "upsample_bilinear2d": _resize("bilinear"),
    "hwmodel::midpoint_upsample2d": _midpoints,
    "view": _reshape, "reshape": _reshape, "_unsafe_view": _reshape, "flatten": _reshape, "unflatten": _reshape,
    "squeeze": _reshape, "unsqueeze": _reshape, "permute": _permute,
    "transpose": lambda b, a: spelled.swap(b, a["self"], a["dim0"], a["dim1"]),
    "t": lambda b, a: spelled.swap(b, a["self"], 0, -1),
    "expand": lambda _, a: spelled.expand(a["self"], a["size"]),
    "slice": _slice, "select": _select, "split_with_sizes": _split, "split": _split, "unbind": _unbind,
    "embedding": _embedding, "to": _to, "_to_copy": _to, "type_as": _to, "contiguous": _same, "clone": _same,
    "dropout": _same, "alias": _same, "detach": _same, "lift_fresh_copy": _same,
    "copy": _copy, "slice_scatter": _slice_scatter,
}  # fmt: skip
# Of several outputs, of which a network in inference reads the first alone.
FIRST_ONLY = ("_native_batch_norm_legit_no_training", "max_pool2d_with_indices")
