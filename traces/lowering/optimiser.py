"""Optimiser steps over lists of tensors: one launch whose blocks each have a chunk of one tensor.

Lists are walked as torch's multi-tensor kernels do: a block owns `foreach_elements_per_block` consecutive elements of a
tensor and goes through them a stride of its threads at a time; the blocks of a wave advance together. Torch cuts long
lists into several launches, which follow one another without a gap; here they are one.
"""

from collections.abc import Iterator

from traces.gpus import Gpu
from traces.lowering.cover import Row, joined
from traces.lowering.elementwise import tensors
from traces.lowering.launch import Call, Launch, lowers
from traces.lowering.passes import Operand, batches, operand
from traces.operation import View

_NAMES = (
    "abs", "add", "addcdiv", "addcmul", "ceil", "clamp_max", "clamp_min", "copy", "cos", "div", "erf", "exp", "floor",
    "lerp", "log", "max", "maximum", "minimum", "mul", "neg", "norm", "pow", "reciprocal", "round", "rsqrt", "sigmoid",
    "sign", "sqrt", "sub", "tan", "tanh", "zero",
)  # fmt: skip
_FUSED = ("aten._fused_adagrad", "aten._fused_adam", "aten._fused_adamw", "aten._fused_sgd")


@lowers(*(f"aten._foreach_{name}{tail}" for name in _NAMES for tail in ("", "_")),
        "aten._amp_foreach_non_finite_check_and_unscale_")  # fmt: skip
def foreach(call: Call) -> list[Launch]:
    """Read each list of tensors, write the results' list, or the first where it works in place."""
    lists = [tensors(a) for a in (*call.operation.arguments, *call.operation.options.values())]
    lists = [views for views in lists if views]
    results = [v for v in call.operation.outputs if v is not None]
    written = results or lists[0]
    if call.operation.operator.startswith("aten._foreach_zero"):
        lists = []
    elif call.operation.operator.startswith("aten._foreach_copy"):
        lists = lists[1:]
    return _launch(call, "foreach", lists, [written])


@lowers(*_FUSED, *(f"{name}_" for name in _FUSED))
def fused(call: Call) -> list[Launch]:
    """Read parameters, gradients, state; write parameters and state, but not step counts, last of all but SGD's."""
    lists = [tensors(a) for a in call.operation.arguments if isinstance(a, (list, tuple)) and tensors(a)]
    last = len(lists) - ("sgd" not in call.operation.operator)
    return _launch(call, "fused_optimiser", lists, [lists[0], *lists[2:last]])


def _launch(call: Call, name: str, reads: list[list[View]], writes: list[list[View]]) -> list[Launch]:
    length = len(writes[0])
    columns = [(views, False) for views in reads if len(views) == length]
    columns += [(views, True) for views in writes]
    sets = [[operand(views[i], write) for views, write in columns] for i in range(length)]
    sets = [operands for operands in sets if _numel(operands)]
    chunk = call.gpu.foreach_elements_per_block
    blocks = sum(-(-_numel(operands) // chunk) for operands in sets)
    if not blocks:
        return []
    return [Launch(call.kernel(name, blocks), lambda index: batches(_rows(call.gpu, sets), index))]


def _numel(operands: list[Operand]) -> int:
    return max(o.numel for o in operands)


def _rows(gpu: Gpu, sets: list[list[Operand]]) -> Iterator[tuple[Row, Operand]]:
    """Yield wave by wave, step by step, the rows of each run of blocks that share a tensor."""
    chunk, step = gpu.foreach_elements_per_block, gpu.foreach_threads_per_block * gpu.foreach_elements_per_thread
    resident = gpu.resident(gpu.foreach_threads_per_block)
    wave: list[tuple[int, int, int]] = []  # tensor, its first chunk and the chunk past its last of this wave
    free = resident
    for index, operands in enumerate(sets):
        chunks, first = -(-_numel(operands) // chunk), 0
        while first < chunks:
            last = min(chunks, first + free)
            wave.append((index, first, last))
            free -= last - first
            first = last
            if not free:
                yield from _wave(sets, wave, chunk, step)
                wave, free = [], resident
    yield from _wave(sets, wave, chunk, step)


def _wave(
    sets: list[list[Operand]], wave: list[tuple[int, int, int]], chunk: int, step: int
) -> Iterator[tuple[Row, Operand]]:
    for start in range(0, chunk, step):
        for index, first, last in wave:
            numel = _numel(sets[index])
            if first * chunk + start < numel:
                for o in sets[index]:
                    for row in _step(o, numel, first * chunk + start, last - first, chunk, step):
                        yield (row if o.write else joined(row)), o


def _step(o: Operand, numel: int, start: int, blocks: int, chunk: int, step: int) -> Iterator[Row]:
    """Yield one step of `blocks` neighbouring blocks, the first at element `start`: whole steps, then a last part."""
    if o.numel < numel:  # one number for the tensor: each block reads it as it begins, one writes it
        if start % chunk == 0 and (start == 0 or not o.write):
            yield o.base, 0, 1 if o.write else blocks, o.numel * o.itemsize
        return
    whole = max(0, min(blocks, (numel - step - start) // chunk + 1))
    if whole:
        yield o.base + start * o.itemsize, chunk * o.itemsize if whole > 1 else 0, whole, step * o.itemsize
    rest = start + whole * chunk
    if whole < blocks and rest < numel:
        yield o.base + rest * o.itemsize, 0, 1, min(step, numel - rest) * o.itemsize
