"""Fused attention's gradients.

One kernel sums the products of result and gradient by row and clears the float32 gradient of the queries; a block of
the next holds one tile of keys and values, goes through the tiles of queries, the last one first, and adds to that
gradient atomically; a third converts it. Source: FlashAttention-2 (T. Dao, ICLR 2024), src/flash_bwd_kernel.h.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from traces.gpus import AttentionTile, Gpu
from traces.lowering.elementwise import stream
from traces.lowering.heads import (
    FLOAT,
    KEYWORD,
    Heads,
    Problem,
    contiguous_rows,
    four,
    problem,
    scores,
    spread_bias,
    sums_of,
)  # fmt: skip
from traces.lowering.launch import Call, Launch, lowers, packet
from traces.lowering.march import March, Stage
from traces.macs import operation_macs
from traces.operation import View


class Backward(NamedTuple):
    """Where a backward's call has what follows the gradient, q, k and v."""

    bias: int
    out: int
    sums: int  # logarithms of the sums of exponentials, one a query
    causal: int


ATTENTION_BACKWARD = {
    "aten._scaled_dot_product_flash_attention_backward": Backward(KEYWORD, 4, 5, 11),
    "aten._scaled_dot_product_flash_attention_for_cpu_backward": Backward(KEYWORD, 4, 5, 7),
    "aten._scaled_dot_product_efficient_attention_backward": Backward(4, 5, 6, 11),
    "aten._scaled_dot_product_cudnn_attention_backward": Backward(8, 4, 5, 14),
    "aten._scaled_dot_product_fused_attention_overrideable_backward": Backward(4, 6, 7, 13),
}


@lowers(*ATTENTION_BACKWARD)
def attention_backward(call: Call) -> list[Launch]:
    """Lower the gradients of q, k and v; where heads of q share keys, theirs are summed by a pass of its own."""
    at = ATTENTION_BACKWARD[packet(call.operation.operator)]
    bias = call.argument(at.bias, None, "attn_mask")
    launches, of = problem(call, call.view(1), call.view(2), call.view(3), bias, call.argument(at.causal, False))
    first, grad = contiguous_rows(call, call.view(0))
    second, out = contiguous_rows(call, call.view(at.out))
    launches += first + second
    sums = sums_of(call.view(at.sums))
    dq, dk, dv = (call.output(i) for i in range(3))
    if dq is None or dk is None or dv is None or not dq.numel or sums is None:
        return launches
    b, h, sq, sk = of.sizes
    under_way = call.lend(dq.shape if len(dq.shape) == 4 else four(dq).shape, FLOAT, "float32", "workspace")
    dots = Heads(call.lend((b, h, sq, 1), FLOAT, "float32", "workspace"))
    targets, spread = [], []
    for view in (dk, dv):
        if of.k.share > 1:
            shape = (b, sk, h, view.shape[-1])
            wide = call.lend(shape, view.itemsize, view.dtype, "workspace")
            turned = tuple(wide.shape[d] for d in (0, 2, 1, 3)), tuple(wide.stride[d] for d in (0, 2, 1, 3))
            targets.append(Heads(replace(wide, shape=turned[0], stride=turned[1])))
            spread += stream(call, "reduction", [wide], [view])
        else:
            targets.append(Heads(four(view)))
    tile = call.gpu.attention_tile(of.q.view.shape[3], of.q.view.itemsize)
    launches += [
        _dots(of, Heads(out), Heads(grad), dots, Heads(under_way), tile),
        _backward_launch(of, Heads(grad), sums, dots, Heads(under_way), targets, tile, _bias_gradient(call, of)),
    ]
    return [*launches, *stream(call, "attention_convert", [under_way], [dq], four(dq)), *spread]


def _bias_gradient(call: Call, of: Problem) -> View | None:
    """Return the gradient of the bias, where one was asked for."""
    view = call.output(3)
    return spread_bias(view, of.q.view.shape[:3], of.sizes[3]) if view is not None and view.numel else None


def _resident(gpu: Gpu, tile: AttentionTile) -> int:
    return gpu.resident(tile.back_threads_per_block, tile.back_registers_per_thread)


def _dots(of: Problem, out: Heads, grad: Heads, dots: Heads, under_way: Heads, tile: AttentionTile) -> Launch:
    """Sum result times gradient by row; clear the gradient that the next kernel adds to."""
    b, h, sq, _ = of.sizes
    tiles = -(-sq // tile.back_queries)

    def wave(blocks: np.ndarray) -> list[Stage]:
        q0, rest = blocks % tiles * tile.back_queries, blocks // tiles
        where = rest % b, rest // b, q0, np.minimum(sq - q0, tile.back_queries)
        return [[grad.tile(*where), out.tile(*where)], [dots.tile(*where, True), under_way.tile(*where, True)]]

    blocks = tiles * b * h
    gpu = of.call.gpu
    march = March(blocks, _resident(gpu, tile), wave, 1, of.call.options, gpu)
    return Launch(of.call.kernel("attention_dots", blocks), march.emit)


def _backward_launch(
    of: Problem,
    grad: Heads,
    sums: Heads,
    dots: Heads,
    under_way: Heads,
    targets: list[Heads],
    tile: AttentionTile,
    bias_gradient: View | None,
) -> Launch:
    b, h, sq, sk = of.sizes
    tiles, most = -(-sk // tile.back_keys), -(-sq // tile.back_queries)

    def wave(blocks: np.ndarray) -> list[Stage]:
        k0, rest = blocks % tiles * tile.back_keys, blocks // tiles
        batch, head = rest % b, rest // b
        ks = np.minimum(sk - k0, tile.back_keys)
        low = k0 // tile.back_queries if of.causal else np.zeros_like(k0)
        m = most - 1 - np.arange(max(0, int((most - low).max())))[:, None]
        q0 = m * tile.back_queries
        qs = np.where(m >= low, np.minimum(sq - q0, tile.back_queries), 0)
        where = batch, head, q0, qs
        steps = [of.q.tile(*where), grad.tile(*where), sums.tile(*where), dots.tile(*where)]
        if of.bias is not None:
            steps.append(scores(of.bias, batch, head, q0, qs, k0, ks))
        added = replace(under_way.tile(*where), atomic=True)
        steps += [added, under_way.tile(*where, True)]  # an atomic addition reads and writes
        if bias_gradient is not None:
            steps.append(scores(bias_gradient, batch, head, q0, qs, k0, ks, True))
        first = [of.k.tile(batch, head, k0, ks), of.v.tile(batch, head, k0, ks)]
        return [first, steps, [target.tile(batch, head, k0, ks, True) for target in targets]]

    blocks = tiles * b * h
    shape = {"threads": tile.back_threads_per_block, "registers": tile.back_registers_per_thread, "rounds": 1 + most}
    kernel = of.call.kernel("attention_backward", blocks, operation_macs(of.call.operation), **shape)
    gpu, q = of.call.gpu, of.q
    held = (3 * tile.back_queries + 2 * tile.back_keys) * q.width  # queries and gradients, keys and values
    shared = held + 2 * tile.back_queries * tile.back_keys * q.view.itemsize  # probabilities and their gradients
    march = March(blocks, _resident(gpu, tile), wave, 1, of.call.options, gpu, shared)
    return Launch(kernel, march.emit)
