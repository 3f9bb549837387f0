"""A space that is told whole, where choices are chances: expectations over every network, as one matrix product.

The layers are split into two halves. The chances of each half's combinations are outer products, and m (as v) is a
matrix over the two: its expectation is a . M b, and its gradients M b and a M, which go on to the layers of each half.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from hwmodel.latency.query.form import Form


@dataclass(frozen=True, eq=False)
class Whole:
    """A form over all networks, for hwmodel.latency.query.closed; arrays of numpy or of torch.

    Args:
        mean: m, shape (A, B): combinations of the layers before `split`, and of the others.
        spread: v, shape (A, B).
        counts: choices of each layer.
        width: columns of each layer, C.
        split: layers of the first half.
        relative, log, reach: as in `Closed`.
    """

    ARRAYS: ClassVar[tuple[str, ...]] = ("mean", "spread")
    ROWS: ClassVar[int] = 256  # networks at once: what they need stays in the nearer caches

    mean: Any
    spread: Any
    counts: tuple[int, ...]
    width: int
    split: int
    relative: float
    log: bool
    reach: float

    @property
    def columns(self) -> int:
        """D = L x C."""
        return len(self.counts) * self.width

    def sums(self, xp: Any, chances: Any) -> tuple[Any, Any, Any, Any]:
        """Return the expected m and its gradient, v and half its gradient; the latter two None for means."""
        columns = _columns(xp, chances)
        starts = range(0, self.columns, self.width)
        parts = [columns[start : start + count] for start, count in zip(starts, self.counts, strict=True)]
        halves = parts[: self.split], parts[self.split :]
        outer = [_outer(xp, half, columns) for half in halves]
        value, slope = self._contract(xp, self.mean, halves, outer)
        if not self.reach:
            return value, slope, None, None
        variance, rise = self._contract(xp, self.spread, halves, outer)
        return value, slope, variance, 0.5 * rise

    def _contract(self, xp: Any, matrix: Any, halves: Any, outer: Any) -> tuple[Any, Any]:
        """Return a . M b, and its gradient by the chances of each layer, shape (N, D)."""
        of_left, of_right = matrix @ outer[1], matrix.T @ outer[0]
        empty = xp.zeros_like(of_left[:1])
        rows = []
        for slope in (*_slopes(xp, halves[0], of_left), *_slopes(xp, halves[1], of_right)):
            rows += [slope, *[empty] * (self.width - len(slope))]
        return (outer[0] * of_left).sum(0), xp.concatenate(rows, 0).T


def _columns(xp: Any, chances: Any) -> Any:
    """Return chances with networks side by side, shape (D, N): all that follows is along them."""
    return chances.T.contiguous() if hasattr(chances, "contiguous") else xp.ascontiguousarray(chances.T)


def _outer(xp: Any, parts: list[Any], like: Any) -> Any:
    """Return the chances of the layers' combinations, shape (product of counts, N); the last layer changes fastest."""
    found = xp.ones_like(like[:1])
    for part in parts:
        both = found[:, None] * part[None]
        found = both.reshape(len(found) * len(part), part.shape[1])
    return found


def _slopes(xp: Any, parts: list[Any], gradient: Any) -> list[Any]:
    """Return the gradient by each layer's chances, shape (count, N), from the gradient by their combinations'."""
    found = []
    for place, part in enumerate(parts):
        before, after = _outer(xp, parts[:place], part), _outer(xp, parts[place + 1 :], part)
        by = gradient.reshape(len(before), len(part), len(after), part.shape[1])
        found.append(((by * after).sum(2) * before[:, None]).sum(0))
    return found


def whole_of(form: Form, reach: float) -> Whole:
    """Return a form that is told whole, ready for chances, in float64."""
    counts = tuple(form.space.counts.tolist())
    sizes = [max(math.prod(counts[:split]), math.prod(counts[split:])) for split in range(len(counts) + 1)]
    split = sizes.index(min(sizes))
    mean, spread = (of.reshape(math.prod(counts[:split]), -1) for of in form.whole)
    return Whole(mean, spread, counts, form.space.choices, split, form.relative, form.link == "log", reach)
