"""Normalisation: passes that gather statistics, and passes that apply them."""

from traces.lowering.elementwise import channels_last, stream, tensors
from traces.lowering.launch import Call, Launch, lowers
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
        return stream(call, "batch_norm", [x, *affine, *running], [y], x)
    launches = stream(call, "batch_norm_statistics", [x], saved, x)
    launches += stream(call, "batch_norm_running", [*saved, *running], running) if running else []
    return launches + stream(call, "batch_norm", [x, *affine, *saved], [y], x)


@lowers("aten.native_batch_norm_backward", "aten.cudnn_batch_norm_backward")
def batch_norm_backward(call: Call) -> list[Launch]:
    """One pass over gradient and input for the sums, one for the input's gradient."""
    dx, *sums = call.operation.outputs
    vectors = [v for a in call.operation.arguments[2:] for v in tensors(a) if v.numel]
    dy, x = channels_last(call.view(0)), channels_last(call.view(1))
    launches = stream(call, "batch_norm_sums", [dy, x], [v for v in sums if v is not None], x)
    target = channels_last(dx) if dx else None
    return launches + (stream(call, "batch_norm_backward", [dy, x, *vectors], [target], x) if target else [])


@lowers("aten.native_layer_norm", "aten.native_group_norm", "aten._fused_rms_norm")
def layer_norm(call: Call) -> list[Launch]:
    """One pass: a block holds a row between its statistics and its result."""
    reads = [v for a in call.operation.arguments for v in tensors(a)]
    return stream(call, "layer_norm", reads, [v for v in call.operation.outputs if v is not None], reads[0])


@lowers("aten.native_layer_norm_backward", "aten.native_group_norm_backward", "aten._fused_rms_norm_backward")
def layer_norm_backward(call: Call) -> list[Launch]:
    """One pass for the input's gradient, one for those of weight and bias."""
    dx, *parameters = call.operation.outputs
    reads = [v for a in call.operation.arguments for v in tensors(a)]
    launches = stream(call, "layer_norm_backward", reads, [dx], reads[1]) if dx else []
    targets = [v for v in parameters if v is not None]
    return launches + (stream(call, "layer_norm_sums", reads[:2], targets, reads[1]) if targets else [])
