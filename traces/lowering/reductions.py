"""Reductions and softmax: a pass that reads all and writes little, rows held in a block."""

from traces.lowering.elementwise import rows_launch, stream, tensors
from traces.lowering.launch import Call, Launch, lowers
from traces.lowering.passes import operand
from traces.operation import View


@lowers(*(f"aten.{name}" for name in (
    "all", "amax", "amin", "any", "argmax", "argmin", "cumsum", "linalg_vector_norm", "logsumexp", "max", "mean", "min",
    "mse_loss", "norm", "prod", "smooth_l1_loss", "std", "sum", "topk", "var", "var_mean", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "sort",
)))  # fmt: skip
def reduction(call: Call) -> list[Launch]:
    """Read every tensor among the arguments once, write every result."""
    reads = [v for a in call.operation.arguments for v in tensors(a)]
    return stream(call, "reduction", reads, [v for v in call.operation.outputs if v is not None])


@lowers("aten._softmax", "aten._log_softmax")
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
    """Read the targets and one value a sample, write the loss; which class is not known: the first is taken."""
    x, target = call.view(0), call.view(1)
    rows, step = target.numel, x.stride[0] * x.itemsize if len(x.shape) > 1 else 0
    picked = (x.address, step if rows > 1 else 0, max(1, rows), x.itemsize)
    every = [
        ((target.address, 0, 1, max(1, target.numel) * target.itemsize), operand(target)),
        (picked, operand(x)),
        *(((v.address, 0, 1, v.numel * v.itemsize), operand(v, True)) for v in call.operation.outputs if v and v.numel),
    ]
    return [rows_launch(call, "nll_loss", every, 1)] if rows else []


@lowers("aten.nll_loss_backward", "aten.nll_loss2d_backward")
def nll_loss_backward(call: Call) -> list[Launch]:
    """Fill the gradient with zeros, then write one value a sample (that of the first class)."""
    target, out = call.view(2), call.output()
    if out is None or not target.numel:
        return []
    rows, step = target.numel, out.stride[0] * out.itemsize if len(out.shape) > 1 else 0
    every = [
        ((target.address, 0, 1, rows * target.itemsize), operand(target)),
        ((out.address, step if rows > 1 else 0, rows, out.itemsize), operand(out, True)),
    ]
    return [*stream(call, "fill", [], [out]), rows_launch(call, "nll_loss_backward", every, 1)]
