"""Fused attention: tiles of queries against streams of keys and values, forward and backward, and decoding.

Forward, a block holds one tile of queries and goes through the tiles of keys and values, the last one first. Backward,
one kernel sums the products of result and gradient by row and clears the float32 gradient of the queries; a block of
the next holds one tile of keys and values, goes through the tiles of queries, the last one first, and adds to that
gradient atomically; a third converts it. With too few tiles for the machine the keys are split, as when decoding, and
a second kernel combines the parts. Scores never reach memory. Source: FlashAttention-2 (T. Dao, ICLR 2024), csrc/
flash_attn/src: flash_fwd_kernel.h, flash_bwd_kernel.h, flash_api.cpp.
"""

from dataclasses import dataclass, replace
from math import prod
from typing import NamedTuple

import numpy as np

from traces.gpus import AttentionTile, Gpu
from traces.lowering.elementwise import stream
from traces.lowering.launch import Call, Launch, UnknownOperator, lowers, packet
from traces.lowering.march import March, Piece, Stage
from traces.macs import operation_macs
from traces.operation import View

_FLOAT = 4  # bytes: log sums, partial results and gradients under way are float32
_SPLIT_QUERIES = 64  # a block of the kernel that splits keys
_SPLIT_KEYS = ((64, 256), (128, 128))  # its keys a step for heads of up to so many elements; 64 for longer ones
_MOST_SPLITS = 128


class Forward(NamedTuple):
    """Where a call has what follows q, k and v; `KEYWORD` where only by keyword."""

    bias: int
    dropout: int
    causal: int


class Backward(NamedTuple):
    """Where a backward's call has what follows the gradient, q, k and v."""

    bias: int
    out: int
    sums: int  # logarithms of the sums of exponentials, one a query
    causal: int


KEYWORD = 99
ATTENTION = {
    "aten.scaled_dot_product_attention": Forward(3, 4, 5),
    "aten._scaled_dot_product_flash_attention": Forward(KEYWORD, 3, 4),
    "aten._scaled_dot_product_flash_attention_for_cpu": Forward(KEYWORD, 3, 4),
    "aten._scaled_dot_product_efficient_attention": Forward(3, 5, 6),
    "aten._scaled_dot_product_cudnn_attention": Forward(3, 5, 6),
    "aten._scaled_dot_product_fused_attention_overrideable": Forward(3, 4, 5),
}
ATTENTION_BACKWARD = {
    "aten._scaled_dot_product_flash_attention_backward": Backward(KEYWORD, 4, 5, 11),
    "aten._scaled_dot_product_flash_attention_for_cpu_backward": Backward(KEYWORD, 4, 5, 7),
    "aten._scaled_dot_product_efficient_attention_backward": Backward(4, 5, 6, 11),
    "aten._scaled_dot_product_cudnn_attention_backward": Backward(8, 4, 5, 14),
    "aten._scaled_dot_product_fused_attention_overrideable_backward": Backward(4, 6, 7, 13),
}


@dataclass(frozen=True)
class Heads:
    """Rows (batch, head, row) of a tensor of four dimensions, the last contiguous; a head serves `share` of q's."""

    view: View
    share: int = 1

    @property
    def width(self) -> int:
        """Bytes of a row."""
        return self.view.shape[3] * self.view.itemsize

    def at(self, batch: np.ndarray, head: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Return the byte address of a row."""
        sb, sh, sr, _ = self.view.stride
        return self.view.address + (batch * sb + head // self.share * sh + row * sr) * self.view.itemsize

    def tile(
        self, batch: np.ndarray, head: np.ndarray, first: np.ndarray, rows: np.ndarray, write: bool = False
    ) -> Piece:
        """Return `rows` rows from `first` on."""
        step = self.view.stride[2] * self.view.itemsize
        return Piece(self.view.tensor, write, self.at(batch, head, first), rows, step, self.width)


@dataclass(frozen=True)
class Problem:
    """Queries (b, h, sq, d), keys (b, h / share, sk, d), values (b, h / share, sk, dv); perhaps a bias of scores."""

    call: Call
    q: Heads
    k: Heads
    v: Heads
    bias: View | None
    causal: bool

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Batch, heads, queries, keys."""
        b, h, sq, _ = self.q.view.shape
        return b, h, sq, self.k.view.shape[2]

    def keys_of(self, last_query: np.ndarray) -> np.ndarray:
        """Return how many keys queries up to `last_query` (included) reach."""
        sk = self.sizes[3]
        return np.minimum(sk, last_query + 1) if self.causal else np.full_like(last_query, sk)


def _scores(
    bias: View,
    b: np.ndarray,
    h: np.ndarray,
    q0: np.ndarray,
    qs: np.ndarray,
    k0: np.ndarray,
    ks: np.ndarray,
    write: bool = False,
) -> Piece:
    """Return the tile of a bias (b, h, sq, sk), or of its gradient, that belongs to a tile of scores."""
    sb, sh, sq, sk = bias.stride
    base = bias.address + (b * sb + h * sh + q0 * sq + k0 * sk) * bias.itemsize
    rows = np.where(ks > 0, qs if sq else np.minimum(qs, 1), 0)
    return Piece(bias.tensor, write, base, rows, sq * bias.itemsize, (ks if sk else 1) * bias.itemsize)


def _problem(call: Call, q: View, k: View, v: View, bias: object, causal: object) -> tuple[list[Launch], Problem]:
    launches: list[Launch] = []
    heads = []
    for view in (q, k, v):
        before, rows = _rows(call, view)
        launches += before
        heads.append(rows)
    share = heads[0].shape[1] // heads[1].shape[1]
    mask = None
    if isinstance(bias, View):
        before, bias = ([], bias) if bias.stride[-1:] == (0,) else _rows(call, bias)
        launches += before
        mask = _bias(bias, heads[0].shape[:3], heads[1].shape[2])
    of = Problem(call, Heads(heads[0]), Heads(heads[1], share), Heads(heads[2], share), mask, bool(causal))
    return launches, of


def _rows(call: Call, view: View) -> tuple[list[Launch], View]:
    """Return a view of four dimensions, copied where its last does not lie contiguous."""
    view = _four(view)
    if view.shape[3] == 1 or view.stride[3] == 1:
        return [], view
    copied = _lent(call, view.shape, view.itemsize, view.dtype, "contiguous")
    return stream(call, "copy", [view], [copied]), copied


def _four(view: View) -> View:
    lead = 4 - len(view.shape)
    if lead < 0:
        raise UnknownOperator(f"attention over {len(view.shape)} dimensions")
    return replace(view, shape=(1,) * lead + view.shape, stride=(0,) * lead + view.stride)


def _bias(view: View, queries: tuple[int, ...], keys: int) -> View:
    """Return the bias as a view of (b, h, sq, sk), strides 0 along what it repeats."""
    view = _four(view)
    pairs = zip(view.shape, view.stride, strict=True)
    return replace(view, shape=(*queries, keys), stride=tuple(0 if n == 1 else s for n, s in pairs))


def _lent(call: Call, shape: tuple[int, ...], itemsize: int, dtype: str, name: str) -> View:
    """Return a dense tensor in a workspace.

    Raises:
        UnknownOperator: where none can be had.
    """
    if call.allocate is None:
        raise UnknownOperator(f"{call.operation.operator} without memory for a workspace")
    tensor, address = call.allocate(prod(shape) * itemsize, f"{call.operation.layer}.{name}".lstrip("."))
    steps = tuple(prod(shape[d + 1 :]) for d in range(len(shape)))
    return View(tensor, address, shape, steps, itemsize, dtype)


def _sums(view: View | None) -> Heads | None:
    """Return one number a query, (b, h, sq), as CUDA's kernels lay it: dense, as rows of a single element."""
    if view is None or not view.numel or len(view.shape) < 2:
        return None
    b, h, sq = (1,) * (3 - len(view.shape)) + view.shape[:3]
    return Heads(replace(view, shape=(b, h, sq, 1), stride=(h * sq, sq, 1, 1)))


@lowers(*ATTENTION)
def attention(call: Call) -> list[Launch]:
    """Lower out = softmax(q k' + bias) v; the number of launches depends on how many tiles of queries there are."""
    at = ATTENTION[packet(call.operation.operator)]
    bias = call.argument(at.bias, call.operation.options.get("attn_bias"), "attn_mask")
    causal, dropout = call.argument(at.causal, False, "is_causal"), call.argument(at.dropout, 0.0, "dropout_p")
    out = call.output(0)
    if out is None or not out.numel:
        return []
    launches, of = _problem(call, call.view(0), call.view(1), call.view(2), bias, causal)
    target, sums = Heads(_four(out)), _sums(call.output(1))
    return launches + _forward(of, target, sums, bool(dropout))


def _forward(of: Problem, out: Heads, sums: Heads | None, dropout: bool) -> list[Launch]:
    call, gpu, share = of.call, of.call.gpu, of.k.share
    b, h, sq, sk = of.sizes
    if sq == 1 and share > 1 and of.bias is None and not of.causal:  # the queries that share keys become rows of a tile
        of = replace(of, q=_grouped(of.q, share), k=replace(of.k, share=1), v=replace(of.v, share=1))
        out, sums = _grouped(out, share), _grouped(sums, share) if sums else None
        b, h, sq, sk = of.sizes
    head, splits = of.q.view.shape[3], 1
    tile, keys = gpu.attention_tile(head), next((n for most, n in _SPLIT_KEYS if head <= most), 64)
    if gpu.attention_splits_keys and call.allocate and of.bias is None and not of.causal and not dropout:
        splits = split_keys(b * h * -(-sq // _SPLIT_QUERIES), 2 * gpu.sms, -(-sk // keys))
    if splits == 1:
        return [_forward_launch(of, out, sums, tile, 1, "attention")]
    tile = replace(tile, queries=_SPLIT_QUERIES, keys=keys)
    part = _lent(call, (splits * b, h, sq, of.v.view.shape[3]), _FLOAT, "float32", "workspace")
    part_sums = _lent(call, (splits * b, h, sq, 1), _FLOAT, "float32", "workspace")
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
            steps.insert(1, _scores(of.bias, batch, head, q0, qs, k0, ks))
        place = split * b + batch if splits > 1 else batch
        ends = [out.tile(place, head, q0, qs, True)] + ([sums.tile(place, head, q0, qs, True)] if sums else [])
        return [[of.q.tile(batch, head, q0, qs)], steps, ends]

    blocks = tiles * splits * b * h
    gpu = of.call.gpu
    resident = gpu.resident(tile.threads_per_block, tile.registers_per_thread)
    kernel = of.call.kernel(name, blocks, operation_macs(of.call.operation))
    return Launch(kernel, March(blocks, resident, wave).emit)


@lowers(*ATTENTION_BACKWARD)
def attention_backward(call: Call) -> list[Launch]:
    """Lower the gradients of q, k and v; where heads of q share keys, theirs are summed by a pass of its own."""
    at = ATTENTION_BACKWARD[packet(call.operation.operator)]
    bias = call.argument(at.bias, None, "attn_mask")
    launches, of = _problem(call, call.view(1), call.view(2), call.view(3), bias, call.argument(at.causal, False))
    first, grad = _rows(call, call.view(0))
    second, out = _rows(call, call.view(at.out))
    launches += first + second
    sums = _sums(call.view(at.sums))
    dq, dk, dv = (call.output(i) for i in range(3))
    if dq is None or dk is None or dv is None or not dq.numel or sums is None:
        return launches
    b, h, sq, sk = of.sizes
    under_way = _lent(call, dq.shape if len(dq.shape) == 4 else _four(dq).shape, _FLOAT, "float32", "workspace")
    dots = Heads(_lent(call, (b, h, sq, 1), _FLOAT, "float32", "workspace"))
    targets, spread = [], []
    for view in (dk, dv):
        if of.k.share > 1:
            shape = (b, sk, h, view.shape[-1])
            wide = _lent(call, shape, view.itemsize, view.dtype, "workspace")
            turned = tuple(wide.shape[d] for d in (0, 2, 1, 3)), tuple(wide.stride[d] for d in (0, 2, 1, 3))
            targets.append(Heads(replace(wide, shape=turned[0], stride=turned[1])))
            spread += stream(call, "reduction", [wide], [view])
        else:
            targets.append(Heads(_four(view)))
    tile = call.gpu.attention_tile(of.q.view.shape[3])
    launches += [
        _dots(of, Heads(out), Heads(grad), dots, Heads(under_way), tile),
        _backward_launch(of, Heads(grad), sums, dots, Heads(under_way), targets, tile, _bias_gradient(call, of)),
    ]
    return [*launches, *stream(call, "attention_convert", [under_way], [dq], _four(dq)), *spread]


def _bias_gradient(call: Call, of: Problem) -> View | None:
    """Return the gradient of the bias, where one was asked for."""
    view = call.output(3)
    return _bias(view, of.q.view.shape[:3], of.sizes[3]) if view is not None and view.numel else None


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
    return Launch(of.call.kernel("attention_dots", blocks), March(blocks, _resident(of.call.gpu, tile), wave).emit)


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
            steps.append(_scores(of.bias, batch, head, q0, qs, k0, ks))
        steps += [under_way.tile(*where), under_way.tile(*where, True)]  # an atomic addition reads and writes
        if bias_gradient is not None:
            steps.append(_scores(bias_gradient, batch, head, q0, qs, k0, ks, True))
        first = [of.k.tile(batch, head, k0, ks), of.v.tile(batch, head, k0, ks)]
        return [first, steps, [target.tile(batch, head, k0, ks, True) for target in targets]]

    blocks = tiles * b * h
    kernel = of.call.kernel("attention_backward", blocks, operation_macs(of.call.operation))
    return Launch(kernel, March(blocks, _resident(of.call.gpu, tile), wave).emit)
