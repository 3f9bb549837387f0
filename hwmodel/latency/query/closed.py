"""A predictor where choices are chances: its value and its gradient, in closed form, for numpy and torch alike.

p[l, c] is the chance of choice c in layer l, each layer drawn by itself. Then the expected m of `form` is

    E m = offset + sum_l <table_l, p_l> + sum_pairs <p_i, pair p_j>,

exactly, as the choices of two layers are independent. For the variance stands v at the expected features,
noise + || base + sum_l p_l factor_l ||^2. With the link `identity` the mean is so the expected latency itself; with
`log` it is exp(E m), the geometric mean over networks, never more than the expected latency. Wherever all chances are 0
or 1, value and interval are those of the one network. Of a space that is told whole (hwmodel.latency.query.whole), both
m and v are expected.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.query.form import Form
from hwmodel.latency.query.whole import Whole, whole_of

Of = Literal["mean", "low", "high"]
MOST_COLUMNS = 8192  # layers times choices: pairs are one square matrix
_LEAST = 1e-30  # of a deviation that is divided by


@dataclass(frozen=True, eq=False)
class Closed:
    """A form over D = L x C columns; arrays of numpy or of torch.

    Args:
        table: shape (D,).
        square: twice the pairs, symmetric, shape (D, D); None without pairs.
        base: shape (R,).
        factor: shape (D, R).
        offset, noise, relative: as in the form.
        log: whether the link is `log`.
        reach: deviations from the mean to what is asked for, negative to the lower end; 0 for the mean.
    """

    ARRAYS: ClassVar[tuple[str, ...]] = ("table", "square", "base", "factor")
    ROWS: ClassVar[int] = 2048  # networks at once: what they need stays in the nearer caches

    table: Any
    square: Any
    base: Any
    factor: Any
    offset: float
    noise: float
    relative: float
    log: bool
    reach: float

    @property
    def columns(self) -> int:
        """D."""
        return self.table.shape[0]

    def sums(self, xp: Any, chances: Any) -> tuple[Any, Any, Any, Any]:
        """Return the expected m and its gradient, v and half its gradient; the latter two None for means."""
        value, slope = self.offset + chances @ self.table, self.table + xp.zeros_like(chances)
        if self.square is not None:
            both = chances @ self.square
            value, slope = value + 0.5 * (chances * both).sum(-1), slope + both
        if not self.reach:
            return value, slope, None, None
        features = self.base + chances @ self.factor
        return value, slope, self.noise + (features * features).sum(-1), features @ self.factor.T


def closed_of(form: Form, of: Of = "mean", level: float | None = None) -> Closed | Whole:
    """Return a form ready for chances, in float64.

    Raises:
        InputError: for an end of an interval without a level, or of one that the form has not; for too large a space.
    """
    columns = form.table.size
    if columns > MOST_COLUMNS:
        raise InputError(f"space {form.space.name}: {columns} layers x choices, more than {MOST_COLUMNS} for gradients")
    if of not in ("mean", "low", "high") or (of == "mean") != (level is None):
        raise InputError(f"of {of!r}, level {level!r}: give mean, or low or high and a level")
    low, high = form.reach(level) if level is not None else (0.0, 0.0)
    reach = {"mean": 0.0, "low": -low, "high": high}[of]
    if form.whole.size:
        return whole_of(form, reach)
    length, width = form.table.shape
    square = np.zeros((length, width, length, width)) if len(form.pairs) else None
    for (i, j), values in zip(form.pairs.tolist(), form.pair, strict=True):
        if square is not None:
            square[i, :, j] = values
            square[j, :, i] = values.T
    return Closed(
        form.table.ravel(), None if square is None else square.reshape(columns, columns), form.base,
        form.factor.reshape(columns, form.base.size), form.offset, form.noise, form.relative, form.link == "log",
        reach,
    )  # fmt: skip


def evaluate(xp: Any, closed: Closed | Whole, chances: Any) -> tuple[Any, Any]:
    """Return values, shape (N,), and gradients, shape (N, D), at chances, shape (N, D).

    Args:
        xp: numpy or torch, whose arrays the others are.
        closed: the form, of the chances' type.
        chances: any numbers; those of a layer need not add up to 1.
    """
    value, slope, variance, rise = closed.sums(xp, chances)
    if closed.reach:
        if closed.relative and not closed.log:
            variance = variance + (closed.relative * value) ** 2
            rise = rise + (closed.relative**2 * value)[:, None] * slope
        deviation = xp.sqrt(variance)
        value = value + closed.reach * deviation
        slope = slope + (closed.reach / xp.clip(deviation, _LEAST, None))[:, None] * rise
    if closed.log:
        value = xp.exp(value)
        return value, value[:, None] * slope
    return value, slope


def value_and_gradient(
    form: Form | Closed | Whole, chances: np.ndarray, of: Of = "mean", level: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return values, shape (N,), and their gradients, shape (N, L, C), in the form's unit.

    Args:
        form: the form; or what `closed_of` made of it, where many calls follow.
        chances: of each choice, shape (N, L, C); float32 is computed in float32.
        of: the mean, or the lower or upper end of the interval.
        level: the interval's.

    Raises:
        InputError: for another shape, and as `closed_of`.
    """
    closed = closed_of(form, of, level) if isinstance(form, Form) else form
    chances = np.asarray(chances)
    kind = np.float32 if chances.dtype == np.float32 else np.float64
    columns = closed.columns
    if chances.ndim != 3 or chances.shape[1] * chances.shape[2] != columns:
        raise InputError(f"chances: shape {chances.shape}; give (N, L, C), of {columns} layers x choices")
    closed = typed(closed, lambda array: array.astype(kind, copy=False))
    flat = np.ascontiguousarray(chances, kind).reshape(len(chances), columns)
    values, gradients = np.empty(len(flat), kind), np.empty_like(flat)
    for begin in range(0, len(flat), closed.ROWS):
        part = slice(begin, begin + closed.ROWS)
        values[part], gradients[part] = evaluate(np, closed, flat[part])
    return values, gradients.reshape(chances.shape)


def typed(closed: Any, cast: Any) -> Any:
    """Return the same with each array as `cast` makes it."""
    made = {name: getattr(closed, name) for name in closed.ARRAYS}
    return replace(closed, **{name: None if array is None else cast(array) for name, array in made.items()})
