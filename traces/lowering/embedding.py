"""Embeddings backward, and bags of embeddings.

Source: PyTorch, aten/src/ATen/native/cuda: Embedding.cu, EmbeddingBag.cu.
"""

from dataclasses import replace
from math import prod

import numpy as np

from traces.lowering.along import launch
from traces.lowering.elementwise import dense, stream
from traces.lowering.indices import WARP, Rows, dense_rows, draw
from traces.lowering.launch import Call, Launch, lowers
from traces.lowering.march import March, Piece, Stage
from traces.operation import View

_RADIX_BITS = 8  # of a pass of a radix sort (CUB, onesweep)
_BAG_THREADS = 32  # features of a bag a warp has; a block has 8 warps


@lowers("aten.embedding_dense_backward")
def embedding_backward(call: Call) -> list[Launch]:
    """Fill the gradient with zeros, sort the indices, then sum the rows of each index and write its row."""
    out, index = call.output(), call.view(1)
    if out is None or not index.numel:
        return [] if out is None else stream(call, "fill", [], [out])
    launches, gradient = dense(call, call.view(0))
    width = out.shape[1] * gradient.itemsize
    rows = Rows(gradient, gradient.address + np.arange(index.numel) * width, width)
    return [*launches, *_summed(call, out, index, rows, [])]


def _summed(call: Call, out: View, index: View, rows: Rows, notes: list[View]) -> list[Launch]:
    """Return the launches that add `rows`, one for each index, to the rows of `out` that the indices name."""
    values = draw(call, index, out.shape[0])
    launches = stream(call, "fill", [], [out])
    ordered, places_of = (call.lend((index.numel,), index.itemsize, index.dtype, name) for name in ("sorted", "order"))
    scratch = [call.lend((index.numel,), index.itemsize, index.dtype, name) for name in ("sorted", "order")]
    bits = max(1, (out.shape[0] - 1).bit_length())
    source = [index]
    for turn in range(-(-bits // _RADIX_BITS)):
        target = [ordered, places_of] if turn % 2 == 0 else scratch
        launches += stream(call, "radix_sort", source, target, index)
        source = target
    order = np.argsort(values, kind="stable")
    width = prod(out.shape[1:]) * out.itemsize
    named = np.unique(values)
    reads = [(dense_rows(view), False) for view in (*source, *notes)]
    summed = Rows(rows.view, rows.at[order], rows.width)
    written = Rows(out, out.address + named * width, width)
    leader = replace(rows.view, shape=(len(rows.at), rows.width // rows.view.itemsize))
    return launches + launch(call, "embedding_backward", leader, [*reads, (summed, False), (written, True)])


@lowers("aten._embedding_bag", "aten._embedding_bag_forward_only")
def embedding_bag(call: Call) -> list[Launch]:
    """Each bag reads its bounds, then index by index the row it names, and writes their sum.

    A warp has 32 features of a bag, a block 8 warps. Sums also note each index's bag, which the backward pass reads.
    """
    weight, index, offsets, out = call.view(0), call.view(1), call.view(2), call.output(0)
    if out is None or not out.numel:
        return []
    bags, features = out.shape
    values, width = draw(call, index, weight.shape[0]), weight.shape[1] * weight.itemsize
    notes = [v for v in call.operation.outputs[1:3] if v is not None]
    per_block = max(1, 8 // -(-features // _BAG_THREADS))
    lengths = np.diff(np.arange(bags + 1) * index.numel // bags)
    starts = np.arange(bags) * index.numel // bags

    def wave(blocks: np.ndarray) -> list[Stage]:
        bag = np.arange(blocks[0] * per_block, min(bags, (blocks[-1] + 1) * per_block))
        held = np.minimum(bag + 2, offsets.numel) - bag
        first = [Piece(offsets.tensor, False, offsets.address + bag * offsets.itemsize, 1, 0, held * offsets.itemsize)]
        turn = np.arange(int(lengths[bag].max(initial=0)))[:, None]
        place = starts[bag] + turn
        there = (turn < lengths[bag]).astype(np.int64)
        row = values[np.minimum(place, max(0, index.numel - 1))] if index.numel else np.zeros_like(place)
        steps = [
            Piece(index.tensor, False, index.address + place * index.itemsize, there, 0, index.itemsize),
            Piece(weight.tensor, False, weight.address + row * weight.stride[0] * weight.itemsize, there, 0, width),
        ]
        steps += [Piece(v.tensor, True, v.address + place * v.itemsize, there, 0, v.itemsize)
                  for v in notes[:1] if v.numel == index.numel]  # fmt: skip
        last = [Piece(out.tensor, True, out.address + bag * features * out.itemsize, 1, 0, features * out.itemsize)]
        last += [Piece(v.tensor, True, v.address + bag * v.itemsize, 1, 0, v.itemsize)
                 for v in notes[1:] if v.numel >= bags]  # fmt: skip
        return [first, steps, last] if len(turn) else [first, last]

    blocks, gpu = -(-bags // per_block), call.gpu
    march = March(blocks, gpu.resident(8 * WARP), wave, per_block, call.options, gpu)
    return [Launch(call.kernel("embedding_bag", march.blocks), march.emit)]


@lowers("aten._embedding_bag_backward", "aten._embedding_bag_dense_backward")
def embedding_bag_backward(call: Call) -> list[Launch]:
    """As an embedding's backward, each index's row being its bag's gradient."""
    out, index, of_index = (
        call.output(),
        call.view(1),
        call.argument(3 if "dense" not in call.operation.operator else 2),
    )
    if out is None or not index.numel:
        return [] if out is None else stream(call, "fill", [], [out])
    launches, gradient = dense(call, call.view(0))
    bags, features = gradient.shape
    bag = np.searchsorted(np.arange(1, bags + 1) * index.numel // bags, np.arange(index.numel), side="right")
    width = features * gradient.itemsize
    notes = [of_index] if isinstance(of_index, View) and of_index.numel == index.numel else []
    rows = Rows(gradient, gradient.address + bag * width, width)
    return [*launches, *_summed(call, out, index, rows, notes)]
