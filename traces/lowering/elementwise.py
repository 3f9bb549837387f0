"""Elementwise operators, copies, fills and random numbers: one pass that reads each operand and writes each result."""

from traces.lowering.cover import Row
from traces.lowering.launch import Call, Launch, Pointwise, UnknownOperator, lowers
from traces.lowering.passes import Operand, batches, walk
from traces.operation import View

_UNARY = (
    "abs", "acos", "acosh", "angle", "asin", "asinh", "atan", "atanh", "bitwise_not", "ceil", "celu", "clamp",
    "clamp_max", "clamp_min", "cos", "cosh", "deg2rad", "digamma", "elu", "erf", "erfc", "erfinv", "exp", "exp2",
    "expm1", "floor", "frac", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "i0", "isfinite",
    "isinf", "isnan", "isneginf", "isposinf", "leaky_relu", "lgamma", "log", "log10", "log1p", "log2",
    "log_sigmoid_forward", "logical_not", "logit", "mish", "nan_to_num", "neg", "polygamma", "rad2deg",
    "reciprocal", "relu", "relu6", "round", "rsqrt", "sgn", "sigmoid", "sign", "signbit", "silu", "sin", "sinc",
    "sinh", "softplus", "softshrink", "sqrt", "square", "tan", "tanh", "threshold", "trunc",
)  # fmt: skip
_BINARY = (
    "_prelu_kernel", "add", "addcdiv", "addcmul", "atan2", "bitwise_and", "bitwise_left_shift", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "copysign", "div", "eq", "floor_divide", "fmax", "fmin", "fmod", "gcd",
    "ge", "gt", "heaviside", "hypot", "le", "lerp", "logaddexp", "logaddexp2", "logical_and", "logical_or",
    "logical_xor", "lt", "masked_fill", "maximum", "minimum", "mul", "ne", "nextafter", "pow", "prelu", "remainder",
    "rsub", "sub", "where", "xlogy",
)  # fmt: skip
_BACKWARD = (
    "_prelu_kernel_backward", "binary_cross_entropy_backward", "elu_backward", "gelu_backward", "glu_backward",
    "hardshrink_backward", "hardsigmoid_backward", "hardswish_backward", "hardtanh_backward", "huber_loss_backward",
    "leaky_relu_backward", "log_sigmoid_backward", "mish_backward", "mse_loss_backward",
    "multi_margin_loss_backward", "multilabel_margin_loss_backward", "native_dropout_backward",
    "rrelu_with_noise_backward", "sigmoid_backward", "silu_backward", "smooth_l1_loss_backward",
    "soft_margin_loss_backward", "softplus_backward", "softshrink_backward", "tanh_backward", "threshold_backward",
)  # fmt: skip
_COPIES = ("clone", "_to_copy", "fused_dropout", "native_dropout", "tril", "triu")
_FILLS = (
    "arange", "bernoulli", "exponential_", "eye", "linspace", "randint", "randperm", "tril_indices", "triu_indices",
    "fill", "full", "full_like", "new_full", "new_ones", "new_zeros", "normal_", "ones", "ones_like", "rand",
    "rand_like", "randn", "randn_like", "random_", "scalar_tensor", "uniform_", "zero", "zeros", "zeros_like",
)  # fmt: skip


def named(names: tuple[str, ...]) -> list[str]:
    """Return aten names with their in-place forms."""
    return [f"aten.{name}{tail}" for name in names for tail in ("", "_") if not name.endswith("_") or not tail]


def tensors(value: object) -> list[View]:
    """Return the tensors in an argument, lists opened."""
    if isinstance(value, View):
        return [value]
    return [v for item in value for v in tensors(item)] if isinstance(value, (list, tuple)) else []


def stream(
    call: Call, name: str, reads: list[View], writes: list[View], leader: View | None = None, pointwise: bool = False
) -> list[Launch]:
    """Return the one launch of a kernel that reads and writes whole tensors in a pass.

    Args:
        call: the operator's call.
        name: of the kernel.
        reads: tensors read; the same view named twice is read once.
        writes: tensors written.
        leader: the tensor whose elements the threads count; by default the largest.
        pointwise: whether a result's element depends on no more than the elements at its place.
    """
    if not any(v.numel for v in (*reads, *writes)):
        return []
    made = walk(call.gpu, reads, writes, leader)
    work = Pointwise(made, (*dict.fromkeys(reads), *writes)) if pointwise else None
    return [Launch(call.kernel(name, made.blocks), made.emit, work)]


@lowers(*named(_UNARY + _BINARY + _BACKWARD))
def elementwise(call: Call) -> list[Launch]:
    """Read every tensor among the arguments, write every result; a number is no access."""
    named = [a for name, a in call.operation.options.items() if name != "out"]
    reads = [v for a in (*call.operation.arguments, *named) for v in tensors(a)]
    writes = written(call)
    most = max((v.numel for v in (*reads, *writes)), default=0)
    return stream(call, "elementwise", reads, writes, pointwise=all(v.numel == most for v in writes))


@lowers("aten.rrelu_with_noise", "aten.rrelu_with_noise_")
def random_slope(call: Call) -> list[Launch]:
    """Read the first argument, write the result and, in training, the slopes drawn, which the second holds."""
    noise = [call.view(1)] if call.argument(4, False, "training") else []
    return stream(call, "elementwise", [call.view(0)], [*written(call), *noise], pointwise=True)


@lowers(*named(_COPIES))
def copy(call: Call) -> list[Launch]:
    """Read the first argument, write every result (a dropout also writes its mask)."""
    return stream(call, "copy", [call.view(0)], written(call), pointwise=True)


@lowers("aten.copy_")
def copy_into(call: Call) -> list[Launch]:
    """Read the second argument, write the first: the leader is the destination."""
    return stream(call, "copy", [call.view(1)], [call.view(0)], call.view(0), pointwise=True)


@lowers(*named(_FILLS))
def fill(call: Call) -> list[Launch]:
    """Write every result; a model tensor (`zeros_like`) is looked at for its shape only."""
    return stream(call, "fill", [], written(call), pointwise=True)


def is_image(view: View) -> bool:
    """Whether a view is a whole image (n, c, [d,] h, w) in torch's default order, which the device holds as NHWC."""
    expected = 1
    for length, stride in zip(reversed(view.shape), reversed(view.stride), strict=True):
        if length != 1 and stride != expected:
            return False
        expected *= length
    return len(view.shape) in {4, 5}


def is_dense(view: View) -> bool:
    """Whether a view's elements fill a stretch of memory, in any order."""
    step = 1
    for length, stride in sorted(zip(view.shape, view.stride, strict=True), key=lambda d: d[1]):
        if length != 1 and stride != step:
            return False
        step *= length
    return True


def dense(call: Call, view: View) -> tuple[list[Launch], View]:
    """Return a copy into a workspace and the copied view, where a kernel needs a tensor whole and it is not.

    Raises:
        UnknownOperator: where a copy is needed and no workspace can be had.
    """
    if is_dense(view):
        return [], view
    if call.allocate is None:
        raise UnknownOperator(f"{call.operation.operator} of a tensor that is not dense")
    copied = call.lend(view.shape, view.itemsize, view.dtype, "contiguous")
    return stream(call, "copy", [view], [copied]), copied


def channels_last(view: View) -> View:
    """Return an image as the device walks it, channels innermost, so that one value a channel repeats along it."""
    if len(view.shape) < 3 or not is_dense(view):
        return view
    n, c, *space = view.shape
    shape = (n, *space, c)
    strides, step = [], 1
    for length in reversed(shape):
        strides.append(step)
        step *= length
    return View(view.tensor, view.address, shape, tuple(reversed(strides)), view.itemsize, view.dtype)


def written(call: Call) -> list[View]:
    """Return what an operator writes: its results, or its first argument where it works in place and returns none."""
    results = [v for v in call.operation.outputs if v is not None]
    return results or tensors(call.argument(0))


def rows_launch(call: Call, name: str, rows: list[tuple[Row, Operand]], blocks: int) -> Launch:
    """Return a launch of a handful of rows that are written out."""
    return Launch(call.kernel(name, blocks), lambda index: batches(rows, index))
