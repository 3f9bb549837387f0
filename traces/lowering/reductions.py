"""Reductions and softmax: a pass that reads all and writes little, rows held in a block.

Where there are few results, several blocks share one: each leaves its part in a workspace and counts itself, and the
last adds the parts up. Source: PyTorch, aten/src/ATen/native/cuda/Reduce.cuh.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from traces.gpus import Gpu
from traces.lowering.along import launch
from traces.lowering.elementwise import is_image, stream, tensors
from traces.lowering.indices import Rows, dense_rows, rows_gathered
from traces.lowering.launch import Call, Launch, lowers, packet
from traces.lowering.passes import Operand, batches
from traces.operation import View
from traces.stream import Intervals

# As Reduce.cuh has them.
_THREADS, _WARP, _VECTOR = 512, 32, 4
_LEAST_VALUES, _MOST_VALUES = 16, 256  # that a thread adds up: what makes blocks share a result, and how many at most
_SHARED = {f"aten.{name}" for name in ("all", "amax", "amin", "any", "linalg_vector_norm", "mean", "nansum", "prod",
                                       "sum")}  # fmt: skip
_PART_BYTES = 4  # parts are kept as float32


@lowers(*(f"aten.{name}" for name in (
    "all", "amax", "amin", "aminmax", "any", "argmax", "argmin", "argsort", "count_nonzero", "cummax", "cummin",
    "cumprod", "cumsum", "dot", "huber_loss", "kl_div", "kthvalue", "linalg_vector_norm", "logcumsumexp", "logsumexp",
    "max", "mean", "median", "min", "mode", "mse_loss", "multi_margin_loss", "multilabel_margin_loss_forward",
    "nanmedian", "nansum", "norm", "prod", "smooth_l1_loss", "soft_margin_loss", "vdot",
    "std", "std_mean", "sum", "topk", "var", "var_mean", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    "sort",
)))  # fmt: skip
def reduction(call: Call) -> list[Launch]:
    """Read every tensor among the arguments once, write every result; where blocks share it, its parts too."""
    reads = [v for a in call.operation.arguments for v in tensors(a)]
    launches = stream(call, "reduction", reads, [v for v in call.operation.outputs if v is not None])
    out = call.output()
    if packet(call.operation.operator) not in _SHARED or out is None or not out.numel or not launches or len(reads) > 1:
        return launches
    width, groups, sharing = shared(call.gpu, out.numel, reads[0].numel // out.numel, _inner(call, reads[0], out))
    return [_with_parts(call, launches[0], width, groups, sharing)] if sharing > 1 and call.allocate else launches


def shared(gpu: Gpu, outputs: int, inputs: int, inner: bool) -> tuple[int, int, int]:
    """Return the results a block works on, how many such groups of results there are, and the blocks that share one.

    Args:
        gpu: the machine.
        outputs: results.
        inputs: elements of one result.
        inner: whether those lie next to one another.
    """
    along, across = (inputs, outputs) if inner else (outputs, inputs)
    if inner and outputs == 1 and inputs > 4 * _WARP:
        along //= _VECTOR
    height = min(_floor_power(across), _THREADS // min(_floor_power(along), _WARP))
    width = min(_floor_power(along), _THREADS // height)
    values = -(-inputs // width) if inner else inputs
    by_warps = values >= min(_LEAST_VALUES * height, _MOST_VALUES)
    if by_warps:
        values = -(-values // height)
    results = 1 if inner else min(width, outputs)
    groups, slots = -(-outputs // results), gpu.sms * (gpu.threads_per_sm // (width * height))
    if not by_warps or values < _MOST_VALUES or groups > slots:
        return results, groups, 1
    fewest, most = -(-values // _MOST_VALUES), -(-values // _LEAST_VALUES)
    return results, groups, max(min(-(-slots // groups), most), fewest)


def _floor_power(number: int) -> int:
    return 1 << min(number, _THREADS).bit_length() - 1


def _inner(call: Call, x: View, out: View) -> bool:
    """Return whether a reduction runs along the dimension of a tensor that lies innermost."""
    dims = call.argument(1)
    if out.numel == 1 or not isinstance(dims, (list, tuple)):
        return True
    innermost = min((d for d in range(len(x.shape)) if x.shape[d] != 1), key=lambda d: x.stride[d], default=0)
    if is_image(x) and x.shape[1] > 1:
        innermost = 1  # on the device
    return innermost in {d % len(x.shape) for d in dims if isinstance(d, int)}


def _with_parts(call: Call, launch: Launch, width: int, groups: int, sharing: int) -> Launch:
    """Return a reduction whose blocks share results: parts written, the blocks counted atomically, parts read."""
    part = call.lend((sharing * groups * width,), _PART_BYTES, "float32", "workspace")
    count = call.lend((groups,), _PART_BYTES, "int32", "workspace")
    bytes_of, blocks = width * _PART_BYTES, sharing * groups

    def access(view: View, write: bool) -> Operand:
        return Operand(view.tensor, view.address, (), view.itemsize, view.itemsize, write)

    rows = [((part.address, bytes_of, blocks, bytes_of), access(part, True))]
    rows += [((count.address + group * _PART_BYTES, 0, sharing, _PART_BYTES), access(count, write))
             for group in range(groups) for write in (False, True)]  # fmt: skip
    rows += [((part.address, 0, 1, blocks * bytes_of), access(part, False))]

    def emit(index: int) -> Iterator[Intervals]:
        return chain(launch.emit(index), batches(rows, index))

    return Launch(replace(launch.kernel, blocks=blocks), emit)


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
