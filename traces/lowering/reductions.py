"""Reductions and softmax: a pass that reads all and writes little, rows held in a block."""

from dataclasses import replace

from traces.lowering.along import launch
from traces.lowering.elementwise import stream, tensors
from traces.lowering.indices import Rows, dense_rows, rows_gathered
from traces.lowering.launch import Call, Launch, lowers
from traces.operation import View


@lowers(*(f"aten.{name}" for name in (
    "all", "amax", "amin", "aminmax", "any", "argmax", "argmin", "argsort", "count_nonzero", "cummax", "cummin",
    "cumprod", "cumsum", "dot", "huber_loss", "kl_div", "kthvalue", "linalg_vector_norm", "logcumsumexp", "logsumexp",
    "max", "mean", "median", "min", "mode", "mse_loss", "multi_margin_loss", "multilabel_margin_loss_forward",
    "nanmedian", "nansum", "norm", "prod", "smooth_l1_loss", "soft_margin_loss", "vdot",
    "std", "std_mean", "sum", "topk", "var", "var_mean", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    "sort",
)))  # fmt: skip
def reduction(call: Call) -> list[Launch]:
    """Read every tensor among the arguments once, write every result."""
    reads = [v for a in call.operation.arguments for v in tensors(a)]
    return stream(call, "reduction", reads, [v for v in call.operation.outputs if v is not None])


@lowers("aten._nested_tensor_from_mask_left_aligned")
def mask_check(call: Call) -> list[Launch]:
    """Read a padding mask, write whether all padding comes last."""
    return stream(call, "reduction", [call.view(1)], [v for v in call.operation.outputs if v is not None])


@lowers("aten._softmax", "aten._log_softmax", "aten._safe_softmax")
def softmax(call: Call) -> list[Launch]:
    """Read and write each row once; a row too long for a block's shared memory is read three times."""
    x, y = call.view(0), call.output()
    return _rows(call, "softmax", [x], y, 3)


@lowers("aten._softmax_backward_data", "aten._log_softmax_backward_data")
def softmax_backward(call: Call) -> list[Launch]:
    """Read gradient and result, write the gradient; long rows are read twice."""
    return _rows(call, "softmax_backward", [call.view(0), call.view(1)], call.output(), 2)


def _rows(call: Call, name: str, reads: list[View], out: View | None, times: int) -> list[Launch]:
    if out is None:
        return []
    dim = call.argument(1 if name == "softmax" else 2)
    length = out.shape[dim] if isinstance(dim, int) and out.shape else 1
    long = length * out.itemsize > call.gpu.shared_bytes_per_sm // 2
    before = [launch for _ in range(times - 1 if long else 0) for launch in stream(call, f"{name}_pass", reads, [])]
    return [*before, *stream(call, name, reads, [out])]


@lowers("aten.nll_loss_forward", "aten.nll_loss2d_forward")
def nll_loss(call: Call) -> list[Launch]:
    """Read the targets and one value a sample, that of its class (drawn); write the loss."""
    x, target = call.view(0), call.view(1)
    writes = [(dense_rows(v), True) for v in call.operation.outputs if v is not None and v.numel]
    return launch(call, "nll_loss", target, [(dense_rows(target), False), (_classes(call, x, target), False), *writes])


@lowers("aten.nll_loss_backward", "aten.nll_loss2d_backward")
def nll_loss_backward(call: Call) -> list[Launch]:
    """Fill the gradient with zeros, then read the targets and write one value a sample, that of its class."""
    target, out = call.view(2), call.output()
    if out is None or not target.numel:
        return []
    named = [(dense_rows(target), False), (_classes(call, out, target), True)]
    return [*stream(call, "fill", [], [out]), *launch(call, "nll_loss_backward", target, named)]


def _classes(call: Call, scores: View, target: View) -> Rows:
    """Return each sample's element of scores (n, classes, ..) or (classes,)."""
    lead = len(scores.shape) > 1
    samples = replace(target, shape=(*target.shape[:1], 1, *target.shape[1:])) if lead else replace(target, shape=(1,))
    return rows_gathered(call, scores, int(lead), samples)
