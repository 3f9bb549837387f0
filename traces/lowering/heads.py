"""What fused attention's kernels share: rows of heads, a problem's sizes, tiles of a bias, workspaces."""

from dataclasses import dataclass, replace

import numpy as np

from traces.lowering.elementwise import stream
from traces.lowering.launch import Call, Launch, UnknownOperator
from traces.lowering.march import Piece
from traces.operation import View

FLOAT = 4  # bytes: log sums, partial results and gradients under way are float32
KEYWORD = 99  # the place of an argument that is given by keyword only


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


def scores(
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


def problem(call: Call, q: View, k: View, v: View, bias: object, causal: object) -> tuple[list[Launch], Problem]:
    """Return the problem, after copies of tensors whose last dimension does not lie contiguous."""
    launches: list[Launch] = []
    heads = []
    for view in (q, k, v):
        before, rows = contiguous_rows(call, view)
        launches += before
        heads.append(rows)
    share = heads[0].shape[1] // heads[1].shape[1]
    mask = None
    if isinstance(bias, View):
        before, bias = ([], bias) if bias.stride[-1:] == (0,) else contiguous_rows(call, bias)
        launches += before
        mask = spread_bias(bias, heads[0].shape[:3], heads[1].shape[2])
    of = Problem(call, Heads(heads[0]), Heads(heads[1], share), Heads(heads[2], share), mask, bool(causal))
    return launches, of


def contiguous_rows(call: Call, view: View) -> tuple[list[Launch], View]:
    """Return a view of four dimensions, copied where its last does not lie contiguous."""
    view = four(view)
    if view.shape[3] == 1 or view.stride[3] == 1:
        return [], view
    copied = call.lend(view.shape, view.itemsize, view.dtype, "contiguous")
    return stream(call, "copy", [view], [copied]), copied


def four(view: View) -> View:
    """Return a view of four dimensions, the leading ones of length 1.

    Raises:
        UnknownOperator: where it has more.
    """
    lead = 4 - len(view.shape)
    if lead < 0:
        raise UnknownOperator(f"attention over {len(view.shape)} dimensions")
    return replace(view, shape=(1,) * lead + view.shape, stride=(0,) * lead + view.stride)


def spread_bias(view: View, queries: tuple[int, ...], keys: int) -> View:
    """Return the bias as a view of (b, h, sq, sk), strides 0 along what it repeats."""
    view = four(view)
    pairs = zip(view.shape, view.stride, strict=True)
    return replace(view, shape=(*queries, keys), stride=tuple(0 if n == 1 else s for n, s in pairs))


def sums_of(view: View | None) -> Heads | None:
    """Return one number a query, (b, h, sq), as CUDA's kernels lay it: dense, as rows of a single element."""
    if view is None or not view.numel or len(view.shape) < 2:
        return None
    b, h, sq = (1,) * (3 - len(view.shape)) + view.shape[:3]
    return Heads(replace(view, shape=(b, h, sq, 1), stride=(h * sq, sq, 1, 1)))
