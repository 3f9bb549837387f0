"""Normalisation: passes that gather statistics, and passes that apply them."""

from dataclasses import replace

from traces.lowering.elementwise import channels_last, stream, tensors
from traces.lowering.launch import Call, Launch, lowers
from traces.lowering.passes import alone, walk
from traces.operation import View


@lowers("aten.native_batch_norm", "aten._native_batch_norm_legit", "aten._native_batch_norm_legit_functional",
        "aten.cudnn_batch_norm")  # fmt: skip
def batch_norm(call: Call) -> list[Launch]:
    """Training: one pass for the statistics, one to normalise. Evaluation: only the second."""
    training = call.argument(5)
    if not isinstance(training, bool):  # the overload without running statistics
        training = bool(call.argument(3))
    return _batch_norm(call, training)


@lowers("aten._native_batch_norm_legit_no_training")
def batch_norm_evaluation(call: Call) -> list[Launch]:
    """One pass that normalises with the running statistics."""
    return _batch_norm(call, False)


def _batch_norm(call: Call, training: bool) -> list[Launch]:
    x, y = call.view(0), call.output(0)
    if y is None:
        return []
    affine = [v for v in (call.argument(1), call.argument(2)) if isinstance(v, View)]
    running = [v for v in (call.argument(3), call.argument(4)) if isinstance(v, View)]
    saved = [v for v in call.operation.outputs[1:3] if v is not None and v.numel]
    x, y = channels_last(x), channels_last(y)
    if not training:
        return stream(call, "batch_norm", [x, *affine, *running], [y], x, pointwise=True)
    launches = stream(call, "batch_norm_statistics", [x], saved, x)
    launches += stream(call, "batch_norm_running", [*saved, *running], running) if running else []
    return launches + stream(call, "batch_norm", [x, *affine, *saved], [y], x, pointwise=True)


@lowers("aten.native_batch_norm_backward", "aten.cudnn_batch_norm_backward")
def batch_norm_backward(call: Call) -> list[Launch]:
    """One pass over gradient and input for the sums, one for the input's gradient."""
    dx, *sums = call.operation.outputs
    vectors = [v for a in call.operation.arguments[2:] for v in tensors(a) if v.numel]
    dy, x = channels_last(call.view(0)), channels_last(call.view(1))
    launches = stream(call, "batch_norm_sums", [dy, x], [v for v in sums if v is not None], x)
    target = channels_last(dx) if dx else None
    if target is None:
        return launches
    return launches + stream(call, "batch_norm_backward", [dy, x, *vectors], [target], x, pointwise=True)


@lowers("aten.native_layer_norm", "aten._fused_rms_norm")
def layer_norm(call: Call) -> list[Launch]:
    """One pass: a block holds a row between its statistics, which it writes alone, and its result."""
    reads = [v for a in call.operation.arguments for v in tensors(a)]
    writes = [v for v in call.operation.outputs if v is not None]
    if not any(v.numel for v in (*reads, *writes)):
        return []
    made = walk(call.gpu, reads, writes, reads[0])
    operands = (alone(o) if o.write and o.numel < made.elements else o for o in made.operands)
    return [Launch(call.kernel("layer_norm", made.blocks), replace(made, operands=tuple(operands)).emit)]


@lowers("aten.native_layer_norm_backward", "aten._fused_rms_norm_backward")
def layer_norm_backward(call: Call) -> list[Launch]:
    """One pass for the input's gradient, one over gradient, input and statistics for those of weight and bias."""
    dx, *parameters = call.operation.outputs
    reads = [v for a in call.operation.arguments for v in tensors(a)]
    launches = stream(call, "layer_norm_backward", reads, [dx], reads[1]) if dx else []
    targets = [v for v in parameters if v is not None]
    held = reads[:3] if "rms" in call.operation.operator else reads[:4]
    return launches + (stream(call, "layer_norm_sums", held, targets, reads[1]) if targets else [])


@lowers("aten._weight_norm_interface", "aten._weight_norm_interface_backward")
def weight_norm(call: Call) -> list[Launch]:
    """One pass: a block holds a row between its norm and what it is scaled to, or its gradient."""
    reads = [v for a in call.operation.arguments for v in tensors(a)]
    return stream(call, "weight_norm", reads, [v for v in call.operation.outputs if v is not None], reads[0])


@lowers("aten.native_group_norm")
def group_norm(call: Call) -> list[Launch]:
    """Gather the statistics; fold them with weight and bias to a factor and a term a channel; apply these.

    Source: PyTorch, aten/src/ATen/native/cuda/group_norm_kernel.cu.
    """
    x, (y, *statistics) = call.view(0), call.operation.outputs
    if y is None or not y.numel:
        return []
    held, affine = (
        [v for v in statistics if v is not None],
        [v for v in map(call.argument, (1, 2)) if isinstance(v, View)],
    )
    launches = stream(call, "group_norm_statistics", [x], held, x)
    folded, factors = _folded(call, x, 2)
    launches += stream(call, "group_norm_parameters", [*held, *affine], folded, folded[0]) if folded else []
    leader = channels_last(x)
    reads, writes = [leader, *(factors or affine)], [channels_last(y)]
    return launches + stream(call, "group_norm", reads, writes, leader, pointwise=True)


@lowers("aten.native_group_norm_backward")
def group_norm_backward(call: Call) -> list[Launch]:
    """Sum gradient and input by channel; from the sums make dx's factors; apply these; then sum over the batch."""
    dy, x, mean, scale = (call.view(i) for i in range(4))
    weight, (dx, *parameters) = call.argument(4), call.operation.outputs
    sums, _ = _folded(call, x, 2)
    launches = stream(call, "group_norm_sums", [dy, x], sums, x)
    if dx is not None:
        factors, spread = _folded(call, x, 2)
        given = [*sums, mean, scale, *([weight] if isinstance(weight, View) else [])]
        launches += stream(call, "group_norm_parameters", given, factors, factors[0]) if factors else []
        leader = channels_last(x)
        launches += stream(
            call, "group_norm_backward", [channels_last(dy), leader, *spread], [channels_last(dx)], leader
        )
    targets = [v for v in parameters if v is not None]
    return launches + (stream(call, "group_norm_gradients", [*sums, mean, scale], targets) if targets else [])


def _folded(call: Call, x: View, count: int) -> tuple[list[View], list[View]]:
    """Return `count` workspaces of a float32 a sample and channel, and each as it repeats along the pixels of x.

    Empty without memory for a workspace.
    """
    if call.allocate is None:
        return [], []
    n, c = x.shape[:2]
    flat = [call.lend((n, c), 4, "float32", "workspace") for _ in range(count)]
    middle = len(x.shape) - 2
    return flat, [replace(v, shape=(n, *(1,) * middle, c), stride=(c, *(0,) * middle, 1)) for v in flat]
