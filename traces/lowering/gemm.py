"""Matrix products: mm, addmm, bmm, baddbmm, linear; operands are read through their strides, transposed or not."""

from dataclasses import replace
from itertools import pairwise
from math import prod

import numpy as np

from traces.lowering import rows as r
from traces.lowering.cover import Row, joined
from traces.lowering.elementwise import is_dense, rows_launch, stream
from traces.lowering.grid import Grid, matrix
from traces.lowering.launch import Call, Launch, Product, UnknownOperator, lowers
from traces.lowering.passes import Operand, operand, walk
from traces.lowering.tiles import Choice, choose
from traces.macs import operation_macs
from traces.operation import View

_ACCUMULATOR_BYTES = 4  # partial sums are kept as float32


@lowers("aten.mm", "aten.bmm", "aten._int_mm")
def product(call: Call) -> list[Launch]:
    """Lower out = a @ b."""
    return gemm(call, call.view(0), call.view(1), call.output(), None)


@lowers("aten.addmm", "aten.baddbmm")
def biased_product(call: Call) -> list[Launch]:
    """Lower out = bias + a @ b, the bias read as each block stores its tile."""
    return gemm(call, call.view(1), call.view(2), call.output(), call.view(0))


@lowers("aten.mv", "aten.addmv", "aten.addmv_")
def vector_product(call: Call) -> list[Launch]:
    """Lower out = (x +) a @ v: a pass over the matrix, the vector read by every block."""
    out, *reads = call.output(), *(v for v in call.operation.arguments if isinstance(v, View))
    if out is None or not out.numel:
        return []
    at = next(i for i, v in enumerate(reads) if len(v.shape) == 2)
    turned = replace(out, shape=(out.numel, 1), stride=(out.stride[0], 0))
    added = [replace(v, shape=(v.numel, 1), stride=(*v.stride, 0)) for v in reads[:at]]
    launches = stream(call, "gemv", [*reads[at:], *added], [turned], reads[at])
    return [replace(one, kernel=replace(one.kernel, macs=operation_macs(call.operation))) for one in launches]


@lowers("aten.linear")
def linear(call: Call) -> list[Launch]:
    """Lower out = x @ w.T + bias, the leading dimensions of x as rows."""
    x, w, out, bias = call.view(0), call.view(1), call.output(), call.argument(2)
    if out is None:
        return []
    a, c = _flat(x, call), _flat(out, call)
    b = View(w.tensor, w.address, w.shape[::-1], w.stride[::-1], w.itemsize, w.dtype)
    return gemm(call, a, b, c, bias if isinstance(bias, View) else None)


@lowers("aten._weight_int4pack_mm")
def packed_product(call: Call) -> list[Launch]:
    """Lower out = x @ w.T with weights of four bits, (n / 8, k / tile, 32, words): eight outputs' weights side by side.

    Scales and zero points are read by a pass of their own, once.
    """
    x, w, scales, out = call.view(0), call.view(1), call.view(3), call.output()
    if out is None or not out.numel:
        return []
    (m, n), depth, gpu = out.shape, x.shape[1], call.gpu
    tile = choose(gpu, m, n, 0, x.itemsize)
    weights = matrix(w, (r.N_AXIS, r.K_AXIS), (depth, 1))  # an item is the four bytes of eight outputs and one input
    result = matrix(out, (r.M_AXIS, r.N_AXIS), (n, 8), r.WRITE_AT_END)
    result[r.ITEM] *= 8
    operands = (matrix(x, (r.M_AXIS, r.K_AXIS), _strides(x)), weights, result)
    shape = (tile.tile.m, tile.tile.n // 8, tile.slab)
    grid = Grid(m, n // 8, depth, shape, gpu.wave(tile.tile), operands, options=call.options, gpu=gpu,
                shared_bytes=tile.shared_bytes)  # fmt: skip
    of = grid.shape(tile.tile)
    of["issued_macs"] *= 8  # a weight of the grid is eight outputs'
    kernel = call.kernel("gemm_int4", grid.blocks, operation_macs(call.operation), **of)
    return [*stream(call, "scales", [scales], []), Launch(kernel, grid.emit)]


def _flat(view: View, call: Call) -> View:
    """Return a view of two dimensions, the leading ones of `view` as one."""
    *leading, last = view.shape
    rows = prod(leading)
    steps = [(length, stride) for length, stride in zip(leading, view.stride, strict=False) if length != 1]
    for (_, outer), (length, stride) in pairwise(steps):
        if outer != length * stride:
            raise UnknownOperator(f"{call.operation.operator} with leading dimensions that do not lie evenly")
    return View(view.tensor, view.address, (rows, last), (steps[-1][1] if steps else last, view.stride[-1]),
                view.itemsize, view.dtype)  # fmt: skip


def gemm(call: Call, a: View, b: View, out: View | None, bias: View | None) -> list[Launch]:
    """Lower out = a @ b (+ bias), with a leading batch dimension or without."""
    if out is None or not out.numel:
        return []
    batches = out.shape[0] if len(out.shape) == 3 else 1
    m, n = out.shape[-2:]
    depth, gpu = a.shape[-1], call.gpu
    products = call.operation.products
    slabs = -(-depth * a.itemsize // gpu.tiles_of(a.itemsize, products)[0].depth_bytes)
    allowed = call.options.split_k == "products" or (call.options.split_k == "library" and gpu.splits_products)
    split = allowed and call.allocate is not None and is_dense(out)
    tile = choose(gpu, m, n, slabs, a.itemsize, batches, split, products)
    if tile.splits > 1:
        return _split(call, a, b, out, bias, tile)
    operands = _factors(a, b)
    if bias is not None:
        steps = [0] * (len(out.shape) - len(bias.shape)) + [
            0 if length == 1 else stride for length, stride in zip(bias.shape, bias.stride, strict=True)
        ]
        axes = (r.M_AXIS if steps[-2] else r.NO_AXIS, r.N_AXIS if steps[-1] else r.NO_AXIS)
        batch = steps[0] if len(steps) == 3 else 0
        operands.append(matrix(bias, axes, (steps[-2], steps[-1]), r.READ_AT_END, batch))
    operands.append(matrix(out, (r.M_AXIS, r.N_AXIS), _strides(out), r.WRITE_AT_END, _batch(out)))
    grid = Grid(m, n, depth, tile.shape, gpu.wave(tile.tile), tuple(operands), batches=batches, options=call.options,
                gpu=gpu, shared_bytes=tile.shared_bytes)  # fmt: skip
    kernel = call.kernel("gemm", grid.blocks, batches * m * n * depth, **grid.shape(tile.tile))
    return [Launch(kernel, grid.emit, Product(grid, out))]


def _factors(a: View, b: View) -> list[np.ndarray]:
    return [
        matrix(a, (r.M_AXIS, r.K_AXIS), _strides(a), batch=_batch(a)),
        matrix(b, (r.N_AXIS, r.K_AXIS), (b.stride[-1], b.stride[-2]), batch=_batch(b)),
    ]


def _split(call: Call, a: View, b: View, out: View, bias: View | None, tile: Choice) -> list[Launch]:
    """Lower a product whose reduction is cut: slices to a workspace, then their sum, with the bias, to the result."""
    batches = out.shape[0] if len(out.shape) == 3 else 1
    (m, n), depth, gpu = out.shape[-2:], a.shape[-1], call.gpu
    partial = workspace(call, out, tile.splits * out.numel)
    target = matrix(partial, (r.M_AXIS, r.N_AXIS), (n, 1), r.WRITE_AT_END, tile.splits * m * n, m * n)
    grid = Grid(m, n, depth, tile.shape, gpu.wave(tile.tile), (*_factors(a, b), target), batches=batches,
                splits=tile.splits, options=call.options, gpu=gpu, shared_bytes=tile.shared_bytes)  # fmt: skip
    kernel = call.kernel("gemm_split", grid.blocks, batches * m * n * depth, **grid.shape(tile.tile))
    return [Launch(kernel, grid.emit), *reduce_splits(call, partial, out, tile.splits, batches, bias)]


def _strides(view: View) -> tuple[int, int]:
    return view.stride[-2], view.stride[-1]


def _batch(view: View) -> int:
    return view.stride[0] if len(view.shape) == 3 and view.shape[0] > 1 else 0


def workspace(call: Call, like: View, elements: int) -> View:
    """Return memory for the partial sums of a split reduction, kept as float32; see `Call.lend`."""
    return call.lend((elements,), _ACCUMULATOR_BYTES, like.dtype, "workspace")


def reduce_splits(
    call: Call, partial: View, out: View, splits: int, batches: int, bias: View | None = None
) -> list[Launch]:
    """Lower the sum over `splits` of partial (batches, splits, results), and a bias, into out (batches, results)."""
    results = out.numel // batches
    gpu = call.gpu
    block = gpu.pass_threads_per_block * gpu.pass_elements_per_thread
    chunk = block * gpu.resident(gpu.pass_threads_per_block)
    reader = Operand(partial.tensor, 0, (), 1, 1, False)
    writer = operand(View(out.tensor, out.address, (out.numel,), (1,), out.itemsize, out.dtype), True)
    added = walk(gpu, [bias], [], out) if bias is not None else None
    rows: list[tuple[Row, Operand]] = []
    for batch in range(batches):
        for start in range(0, results, chunk):
            length = min(chunk, results - start)
            base = partial.address + (batch * splits * results + start) * partial.itemsize
            read = (base, results * partial.itemsize, splits, length * partial.itemsize)
            at = out.address + (batch * results + start) * out.itemsize
            rows.append((joined(read), reader))
            if added:
                begin = batch * results + start
                rows += [(row, added.operands[0]) for row in added.part(added.operands[0], begin, begin + length)]
            rows += [((at, 0, 1, length * out.itemsize), writer)]
    return [rows_launch(call, "split_reduction", rows, -(-out.numel // block))]
