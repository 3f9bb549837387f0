"""Indexing by a mask: which elements it names, and the kernels that turn it into indices.

How many elements are true is not known without data: a share of them is assumed, and they are spread evenly, each at a
place drawn from a stretch of its own. Sources: PyTorch, aten/src/ATen/native/cuda: Nonzero.cu, IndexKernel.cu
(masked_scatter), and TensorAdvancedIndexing.cpp (masks that set a number).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from traces.lowering.along import launch
from traces.lowering.elementwise import is_dense, stream
from traces.lowering.indices import dense_rows, rows_indexed
from traces.lowering.launch import Call, Launch, lowers
from traces.operation import View, true_elements

MASKS = {"bool", "uint8"}
_INDEX_BYTES = 8


@dataclass(frozen=True)
class Indices:
    """Index tensors in their places, None where a dimension is kept; what is known of their values; what made them."""

    given: list[View | None]
    known: dict[View, np.ndarray]
    launches: list[Launch]


def true_places(call: Call, mask: View) -> np.ndarray:
    """Return the numbers of the elements that are taken to be true, int64, ascending, in the order of the indices."""
    count = true_elements(mask.numel, call.options.mask_share)
    random = np.random.default_rng([call.options.seed, mask.tensor, mask.address, mask.numel])
    ends = np.arange(count + 1) * mask.numel // max(1, count)
    return ends[:-1] + (random.random(count) * np.diff(ends)).astype(np.int64)


def index_launches(call: Call, mask: View, rows: list[View]) -> list[Launch]:
    """Return the kernels that count the elements of a mask that are true, list their numbers, and take these apart.

    Args:
        call: the operator's call.
        mask: what is looked at, of any type.
        rows: the true elements' indices to write, a tensor (count,) a dimension.
    """
    count = call.lend((1,), _INDEX_BYTES, "int64", "count")
    launches = stream(call, "nonzero_count", [mask], [count], mask)
    launches += stream(call, "nonzero_scan", [mask], rows[:1], mask)
    return launches + (stream(call, "nonzero_write", rows[:1], rows, rows[0]) if len(rows) > 1 else [])


def without_masks(call: Call, indices: object) -> Indices:
    """Return indices with each mask replaced by the index tensors, in a workspace, that stand for it."""
    given: list[View | None] = []
    known: dict[View, np.ndarray] = {}
    launches: list[Launch] = []
    for index in indices if isinstance(indices, Sequence) else []:
        if not isinstance(index, View) or index.dtype not in MASKS:
            given.append(index if isinstance(index, View) else None)
            continue
        places = true_places(call, index)
        held = call.lend((max(1, len(index.shape)), len(places)), _INDEX_BYTES, "int64", "indices")
        rows = _rows(held, 0)
        launches += index_launches(call, index, rows)
        known |= dict(zip(rows, np.unravel_index(places, index.shape or (1,)), strict=True))
        given += rows
    return Indices(given, known, launches)


def _rows(view: View, dim: int) -> list[View]:
    """Return the rows of a matrix along its other dimension, one for each index of `dim`."""
    other = 1 - dim
    step = view.stride[dim] * view.itemsize
    return [
        replace(view, address=view.address + i * step, shape=(view.shape[other],), stride=(view.stride[other],))
        for i in range(view.shape[dim])
    ]


@lowers("aten.nonzero")
def nonzero(call: Call) -> list[Launch]:
    """Write the indices of what is not 0, (count, dimensions), those of a dimension side by side."""
    out = call.output()
    return [] if out is None or not call.view(0).numel else index_launches(call, call.view(0), _rows(out, 1))


@lowers("aten.masked_select")
def masked_select(call: Call) -> list[Launch]:
    """Gather by the indices that the mask, spread over the input, stands for."""
    out = call.output()
    return [] if out is None else _selected(call, call.view(0), call.view(1), out)


def _selected(call: Call, x: View, mask: View, out: View) -> list[Launch]:
    shape = np.broadcast_shapes(x.shape, mask.shape)
    indices = without_masks(call, [spread(mask, shape)])
    named = rows_indexed(call, spread(x, shape), indices.given, indices.known)
    reads = [(dense_rows(view), False) for view in indices.known]
    return [*indices.launches, *launch(call, "gather", out, [*reads, (named, False), (dense_rows(out), True)])]


@lowers("aten.masked_scatter_backward")
def masked_scatter_backward(call: Call) -> list[Launch]:
    """Gather the gradient of the elements that came from the source, and join zeros for those it had too many."""
    gradient, mask, out = call.view(0), call.view(1), call.output()
    if out is None:
        return []
    count = true_elements(gradient.numel, call.options.mask_share)
    if count >= out.numel:
        return _selected(call, gradient, mask, out)
    chosen, zeros = (
        call.lend((n,), gradient.itemsize, gradient.dtype, name)
        for n, name in ((count, "selected"), (out.numel - count, "zeros"))
    )
    launches = _selected(call, gradient, mask, chosen) + stream(call, "fill", [], [zeros])
    return launches + stream(call, "concatenate", [chosen, zeros], [_flat(out)])


@lowers("aten.masked_scatter", "aten.masked_scatter_")
def masked_scatter(call: Call) -> list[Launch]:
    """Number the true elements in a scan over the mask, then write the source's elements, in order, in their places."""
    x, mask, source = call.view(0), call.view(1), call.view(2)
    out = call.output() or x
    in_place = call.operation.operator.startswith("aten.masked_scatter_.")
    launches = [] if in_place else stream(call, "copy", [x], [out], out, pointwise=True)
    numbered = call.lend((out.numel,), _INDEX_BYTES, "int64", "numbers")
    mask = spread(mask, out.shape)
    used = min(prod(source.shape), true_elements(out.numel, call.options.mask_share))
    taken = replace(source, shape=(used,), stride=(1,))
    launches += stream(call, "masked_scatter_scan", [mask], [numbered], numbered)
    target = _flat(out)
    return launches + stream(call, "masked_scatter", [target, mask, numbered, taken], [target], target)


def filled(call: Call, x: View, indices: object, value: object) -> list[Launch]:
    """Return the pass that sets what one mask names to one number; none where that is not what is asked for."""
    given = [v for v in indices if isinstance(v, View)] if isinstance(indices, Sequence) else []
    if len(given) != 1 or given[0].dtype not in MASKS or not isinstance(value, View) or value.numel != 1:
        return []
    before = next(d for d, v in enumerate(indices) if isinstance(v, View)) if isinstance(indices, Sequence) else 0
    mask, after = given[0], len(x.shape) - before - len(given[0].shape)
    mask = replace(mask, shape=(*mask.shape, *(1,) * after), stride=(*mask.stride, *(0,) * after))
    return stream(call, "elementwise", [x, spread(mask, x.shape), value], [x], x, pointwise=True)


def _flat(view: View) -> View:
    """Return a dense tensor's elements as one row, that parts of another may follow along; another view as it is."""
    return replace(view, shape=(view.numel,), stride=(1,)) if is_dense(view) else view


def spread(view: View, shape: tuple[int, ...]) -> View:
    """Return a view broadcast to a shape."""
    lead = len(shape) - len(view.shape)
    pairs = zip(shape[lead:], view.shape, view.stride, strict=True)
    return replace(view, shape=shape, stride=(*(0,) * lead, *(s if n == m else 0 for m, n, s in pairs)))
