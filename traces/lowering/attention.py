"""Fused attention: tiles of queries against streams of keys and values, and decoding.

A block holds one tile of queries and goes through the tiles of keys and values, the last one first. With too few tiles
for the machine the keys are split, as when decoding, and a second kernel combines the parts. Scores never reach memory.
Source: FlashAttention-2 (T. Dao, ICLR 2024), csrc/flash_attn: src/flash_fwd_kernel.h, flash_api.cpp.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from traces.gpus import AttentionTile
from traces.lowering.elementwise import stream
from traces.lowering.heads import FLOAT, KEYWORD, Heads, Problem, four, problem, scores, sums_of
from traces.lowering.launch import Call, Launch, lowers, packet
from traces.lowering.march import March, Stage
from traces.macs import operation_macs

_SPLIT_QUERIES = 64  # a block of the kernel that splits keys
_SPLIT_KEYS = ((64, 256), (128, 128))  # its keys a step for heads of up to so many elements; 64 for longer ones
_MOST_SPLITS = 128


class Forward(NamedTuple):
    """Where a call has what follows q, k and v; `KEYWORD` where only by keyword."""

    bias: int
    dropout: int
    causal: int


ATTENTION = {
    "aten.scaled_dot_product_attention": Forward(3, 4, 5),
    "aten._scaled_dot_product_flash_attention": Forward(KEYWORD, 3, 4),
    "aten._scaled_dot_product_flash_attention_for_cpu": Forward(KEYWORD, 3, 4),
    "aten._scaled_dot_product_efficient_attention": Forward(3, 5, 6),
    "aten._scaled_dot_product_cudnn_attention": Forward(3, 5, 6),
    "aten._scaled_dot_product_fused_attention_overrideable": Forward(3, 4, 5),
}


@lowers(*ATTENTION)
def attention(call: Call) -> list[Launch]:
    """Lower out = softmax(q k' + bias) v; the number of launches depends on how many tiles of queries there are."""
    at = ATTENTION[packet(call.operation.operator)]
    bias = call.argument(at.bias, call.operation.options.get("attn_bias"), "attn_mask")
    causal, dropout = call.argument(at.causal, False, "is_causal"), call.argument(at.dropout, 0.0, "dropout_p")
    out = call.output(0)
    if out is None or not out.numel:
        return []
    launches, of = problem(call, call.view(0), call.view(1), call.view(2), bias, causal)
    target, sums = Heads(four(out)), sums_of(call.output(1))
    return launches + _forward(of, target, sums, bool(dropout))


def _forward(of: Problem, out: Heads, sums: Heads | None, dropout: bool) -> list[Launch]:
    call, gpu, share = of.call, of.call.gpu, of.k.share
    b, h, sq, sk = of.sizes
    if sq == 1 and share > 1 and of.bias is None and not of.causal:  # the queries that share keys become rows of a tile
        of = replace(of, q=_grouped(of.q, share), k=replace(of.k, share=1), v=replace(of.v, share=1))
        out, sums = _grouped(out, share), _grouped(sums, share) if sums else None
        b, h, sq, sk = of.sizes
    head, splits = of.q.view.shape[3], 1
    item = of.q.view.itemsize
    tile, keys = gpu.attention_tile(head, item), next((n for most, n in _SPLIT_KEYS if head <= most), 64)
    flash = gpu.attention_splits_keys and item < 4  # which takes no float32
    if flash and call.allocate and of.bias is None and not of.causal and not dropout:
        splits = split_keys(b * h * -(-sq // _SPLIT_QUERIES), 2 * gpu.sms, -(-sk // keys))
    if splits == 1:
        return [_forward_launch(of, out, sums, tile, 1, "attention")]
    tile = replace(tile, queries=_SPLIT_QUERIES, keys=keys)
    part = call.lend((splits * b, h, sq, of.v.view.shape[3]), FLOAT, "float32", "workspace")
    part_sums = call.lend((splits * b, h, sq, 1), FLOAT, "float32", "workspace")
    launches = [_forward_launch(of, Heads(part), Heads(part_sums), tile, splits, "attention_split")]
    writes = [out.view, *([sums.view] if sums else [])]
    return launches + stream(call, "attention_combine", [part_sums, part], writes)


def _grouped(heads: Heads, share: int) -> Heads:
    view = heads.view
    (b, h, _, d), (sb, sh, _, sd) = view.shape, view.stride
    return Heads(replace(view, shape=(b, h // share, share, d), stride=(sb, sh * share, sh, sd)))


def split_keys(blocks: int, slots: int, steps: int) -> int:
    """Return into how many parts FlashAttention-2 splits the keys: the fewest that fill waves within 85 % of the best.

    Args:
        blocks: thread blocks without a split.
        slots: twice the SMs.
        steps: tiles of keys.
    """
    if blocks >= 0.8 * slots:
        return 1
    filled: dict[int, float] = {}
    for parts in range(1, min(_MOST_SPLITS, slots, steps) + 1):
        if parts == 1 or -(-steps // parts) != -(-steps // (parts - 1)):
            waves = blocks * parts / slots
            filled[parts] = waves / np.ceil(waves)
    return min(parts for parts, share in filled.items() if share >= 0.85 * max(filled.values()))


def _forward_launch(of: Problem, out: Heads, sums: Heads | None, tile: AttentionTile, splits: int, name: str) -> Launch:
    b, h, sq, sk = of.sizes
    tiles = -(-sq // tile.queries)
    most = -(-sk // tile.keys)
    per_split = -(-most // splits)

    def wave(blocks: np.ndarray) -> list[Stage]:
        m, rest = blocks % tiles, blocks // tiles
        split, rest = rest % splits, rest // splits
        batch, head = rest % b, rest // b
        q0 = m * tile.queries
        qs = np.minimum(sq - q0, tile.queries)
        low = split * per_split
        high = np.minimum(-(-of.keys_of(q0 + qs - 1) // tile.keys), low + per_split)
        n = high - 1 - np.arange(max(0, int((high - low).max())))[:, None]
        k0 = n * tile.keys
        ks = np.where(n >= low, np.minimum(sk - k0, tile.keys), 0)
        steps = [of.k.tile(batch, head, k0, ks), of.v.tile(batch, head, k0, ks)]
        if of.bias is not None:
            steps.insert(1, scores(of.bias, batch, head, q0, qs, k0, ks))
        place = split * b + batch if splits > 1 else batch
        ends = [out.tile(place, head, q0, qs, True)] + ([sums.tile(place, head, q0, qs, True)] if sums else [])
        return [[of.q.tile(batch, head, q0, qs)], steps, ends]

    blocks = tiles * splits * b * h
    gpu = of.call.gpu
    resident = gpu.resident(tile.threads_per_block, tile.registers_per_thread)
    shape = {"threads": tile.threads_per_block, "registers": tile.registers_per_thread, "rounds": 1 + per_split}
    kernel = of.call.kernel(name, blocks, operation_macs(of.call.operation), **shape)
    shared = (tile.queries + 2 * tile.keys) * of.q.width
    return Launch(kernel, March(blocks, resident, wave, 1, of.call.options, gpu, shared).emit)
