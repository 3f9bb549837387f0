"""Rows that indices name, and what a kernel asks for as it goes over them. Which rows is not known: they are drawn.

What the 32 threads of a warp ask of one sector is one access.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import gcd

import numpy as np

from traces.lowering.elementwise import is_dense
from traces.lowering.launch import Call, UnknownOperator
from traces.operation import View
from traces.stream import SECTOR_BYTES

WARP = 32
_SECTORS = 1 << 40  # above the number of any sector


def draw(call: Call, index: View, size: int) -> np.ndarray:
    """Return int64 stand-ins for an index tensor's values, in [0, size), the same for the same tensor each time.

    By Zipf's law, rank r of 1 .. size has the probability of [r, r + 1) under a density of x ** -exponent; ranks are
    spread over rows by multiplication modulo the size.
    """
    options = call.options
    random = np.random.default_rng([options.seed, index.tensor, index.address, index.numel, size])
    if options.indices == "uniform":
        return random.integers(0, size, index.numel)
    share, power = random.random(index.numel), 1 - options.zipf_exponent
    top = size + 1.0
    ranks = top**share if abs(power) < 1e-9 else (1 + share * (top**power - 1)) ** (1 / power)
    step = next(n for n in range(int(size * 0.6180339887) | 1, 2 * size + 3) if gcd(n, size) == 1)
    return np.clip(ranks.astype(np.int64) - 1, 0, size - 1) * step % size


def places(shape: tuple[int, ...], stride: tuple[int, ...]) -> np.ndarray:
    """Return the offsets of a strided view's elements in the order of its indices, flat."""
    at = np.zeros(1, np.int64)
    for length, step in zip(shape, stride, strict=True):
        at = (at[:, None] + np.arange(length) * step).reshape(-1)
    return at


@dataclass(frozen=True)
class Rows:
    """Rows of `width` bytes of a tensor at byte addresses `at`, one after another along a kernel's elements."""

    view: View
    at: np.ndarray
    width: int
    atomic: bool = False  # read by L2 itself, as it adds to them

    def touched(self, start: int, stop: int, write: bool) -> list[np.ndarray]:
        """Return (base, width) of what bytes `start` to `stop` of the walk touch.

        Rows shorter than a warp's elements are loaded once a sector of each warp; rows that are written are joined
        where they touch.
        """
        first, last = start // self.width, -(-stop // self.width)
        base, at = self.at[first:last].copy(), np.arange(first, last) * self.width
        width = np.minimum(at + self.width, stop) - np.maximum(at, start)
        base[0] += start - at[0]
        if write:
            begins = np.append(True, base[1:] != base[:-1] + width[:-1]).nonzero()[0]
            return [base[begins], np.add.reduceat(width, begins)]
        warp = WARP * self.view.itemsize
        return [base, width] if self.width >= warp else self._coalesced(base, np.maximum(at, start), width, warp)

    def _coalesced(self, base: np.ndarray, at: np.ndarray, width: np.ndarray, warp: int) -> list[np.ndarray]:
        """Return the sectors that each `warp` bytes of the walk touch, once and ascending, within the rows' extent."""
        cut = np.minimum(width, warp - at % warp)  # of a row that two warps share, the first one's bytes
        asked = np.concatenate([at // warp, at // warp + 1])
        base, width = np.concatenate([base, base + cut]), np.concatenate([cut, width - cut])
        low, high = base // SECTOR_BYTES, (base + width - 1) // SECTOR_BYTES
        sectors = low[:, None] + np.arange(int((high - low).max()) + 1)
        keys = (asked - asked[0])[:, None] * _SECTORS + sectors
        found = np.unique(keys[(sectors <= high[:, None]) & (width > 0)[:, None]]) % _SECTORS * SECTOR_BYTES
        ends = np.minimum(found + SECTOR_BYTES, int(self.at.max()) + self.width)
        found = np.maximum(found, int(self.at.min()))
        return [found, ends - found]

    def reached(self, done: int, elements: int) -> int:
        """Return the bytes walked when so many of a kernel's elements are done: whole rows or, of one row, sectors."""
        total, grain = len(self.at) * self.width, self.width if len(self.at) > 1 else SECTOR_BYTES
        return total if done == elements else total * done // elements // grain * grain


def dense_rows(view: View) -> Rows:
    """Return a tensor as one row where it is dense, else its elements."""
    if is_dense(view):
        return Rows(view, np.array([view.address]), view.numel * view.itemsize)
    return Rows(view, view.address + places(view.shape, view.stride) * view.itemsize, view.itemsize)


def _inner(view: View, dims: int) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Return the contiguous elements a view's last `dims` dimensions end in, and the shape and stride before them."""
    run, kept = 1, len(view.shape)
    while kept > len(view.shape) - dims and (view.stride[kept - 1] == run or view.shape[kept - 1] == 1):
        kept -= 1
        run *= view.shape[kept]
    return run, view.shape[:kept], view.stride[:kept]


def rows_along(call: Call, x: View, dim: int, index: View) -> Rows:
    """Return what an index along one dimension names: x[.., index, ..]."""
    dim %= max(1, len(x.shape))
    run, shape, stride = _inner(x, len(x.shape) - dim - 1)
    named = draw(call, index, x.shape[dim]) * stride[dim] if x.shape else np.zeros(index.numel, np.int64)
    outer = places(shape[:dim], stride[:dim])[:, None, None]
    inner = places(shape[dim + 1 :], stride[dim + 1 :])
    at = x.address + (outer + named[:, None] + inner).reshape(-1) * x.itemsize
    return Rows(x, at, run * x.itemsize)


def rows_indexed(call: Call, x: View, indices: Sequence[View | None], known: Mapping[View, np.ndarray]) -> Rows:
    """Return what index tensors name in their places, None in a place keeping the dimension: x[:, i, j, :].

    Args:
        call: the operator's call.
        x: the tensor that is indexed.
        indices: no masks.
        known: values of those that are known.

    Raises:
        UnknownOperator: where nothing is indexed.
    """
    given = [d for d, index in enumerate(indices) if isinstance(index, View)]
    views = [v for v in indices if isinstance(v, View)]
    if not given:
        raise UnknownOperator(f"{call.operation.operator} without indices")
    shape = np.broadcast_shapes(*(v.shape for v in views))
    named = np.zeros(shape, np.int64)
    for d, view in zip(given, views, strict=True):
        values = known[view] if view in known else draw(call, view, x.shape[d])
        named = named + values.reshape(view.shape) * x.stride[d]
    kept = [d for d in range(len(x.shape)) if d not in given]
    before = [d for d in kept if d < given[0]] if given[-1] - given[0] == len(given) - 1 else []
    after = [d for d in kept if d not in before]
    run, lengths, steps = _inner(_only(x, after), len(after))
    outer = places(tuple(x.shape[d] for d in before), tuple(x.stride[d] for d in before))[:, None, None]
    at = x.address + (outer + named.reshape(-1, 1) + places(lengths, steps)).reshape(-1) * x.itemsize
    return Rows(x, at, run * x.itemsize)


def _only(view: View, dims: list[int]) -> View:
    return replace(view, shape=tuple(view.shape[d] for d in dims), stride=tuple(view.stride[d] for d in dims))


def rows_gathered(call: Call, x: View, dim: int, index: View) -> Rows:
    """Return what torch.gather names: for each element of the index, one of x along `dim`."""
    dim %= max(1, len(x.shape))
    steps = tuple(0 if d == dim else s for d, s in enumerate(x.stride))
    at = places(index.shape, steps) + draw(call, index, x.shape[dim] if x.shape else 1) * (x.stride or (0,))[dim]
    return Rows(x, x.address + at * x.itemsize, x.itemsize)
