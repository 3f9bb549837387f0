"""What was predicted beside what was measured: points with their intervals, residuals, and how often intervals hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.figures.axes import decades, scaled, title_of
from reports.figures.canvas import INK, RULE, draw, drawable
from reports.figures.marks import mark
from reports.labels import digits, engineering, percent
from reports.looks import looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT_IN, COVER_IN = 2.75, 2.1
LINEAR = 2.5  # times the least, up to which an axis need not be logarithmic
BEYOND = 3.0  # times what was measured and predicted, to which the simplest model's points may widen the axes
LEAST_ERROR, MOST_ERROR = 0.001, 3.0  # ends of the axis of errors
CHANCE = 1.645  # standard deviations that hold nine of ten


@dataclass(frozen=True)
class Predicted:
    """Measurements of one sort, each with what was predicted without it.

    mean, low and high are (n,) arrays in the measurements' unit; floor likewise, NaN where there is none.
    """

    names: Sequence[str]
    measured: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    deviation: np.ndarray
    floor: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        """Relative, signed (n,)."""
        return self.mean / self.measured - 1

    @property
    def floor_errors(self) -> np.ndarray:
        """Of the simplest model, where it says something."""
        return (self.floor / self.measured - 1)[np.isfinite(self.floor)]


def predicted_figure(stem: str, groups: Mapping[str, Predicted], quantity: str, floor: str) -> dict[str, bytes]:
    """Return a figure's file name and SVG: predictions over measurements, and beside them the relative errors.

    Args:
        stem: of the file name.
        groups: a label and its measurements.
        quantity: `latency_s` or `energy_J`.
        floor: what the simplest model is; none: it is not drawn.
    """
    return {f"{stem}.svg": draw(HEIGHT_IN, lambda figure: _paint(figure, groups, quantity, floor))}


def _paint(figure: "Figure", groups: Mapping[str, Predicted], quantity: str, floor: str) -> None:
    left, right = figure.subplots(1, 2, width_ratios=(1, 1))
    measured = np.concatenate([one.measured for one in groups.values()])
    said = np.concatenate([one.mean for one in groups.values()])
    factor, unit = scaled(quantity, measured.tolist())
    look = looks([f"predicted {name}" for name in groups])
    ends = np.concatenate([measured, said])
    if floor:
        drawn = np.concatenate([one.floor for one in groups.values()])
        ends = np.concatenate([ends, np.clip(drawn[np.isfinite(drawn)], ends.min() / BEYOND, ends.max() * BEYOND)])
    low, high = factor * ends.min() / 1.15, factor * ends.max() * 1.15
    left.plot([low, high], [low, high], color=RULE, linewidth=0.7, zorder=1)
    right.axhline(0, color=RULE, linewidth=0.7, zorder=1)
    for (name, one), own in zip(groups.items(), look.values(), strict=True):
        x = factor * one.measured
        if floor:
            left.plot(x, factor * one.floor, linestyle="none", marker="x", markersize=3.2, color="#9a9a9a", zorder=1,
                      markeredgewidth=0.8)  # fmt: skip
        for axis, values in ((left, factor * np.array([one.low, one.mean, one.high])),
                             (right, 100 * (np.array([one.low, one.mean, one.high]) / one.measured - 1))):  # fmt: skip
            axis.vlines(x, values[0], values[2], color=own.colour, alpha=0.35, linewidth=0.9, zorder=2)
            (dots,) = axis.plot(x, values[1], linestyle="none", marker=own.marker, color=own.colour, markersize=3.6,
                                markeredgewidth=0, zorder=3)  # fmt: skip
            mark(dots, *(_tip(one, place, quantity) for place in range(len(x))))
        left.plot([], [], linestyle="none", marker=own.marker, color=own.colour, label=drawable(name, 44))
    if floor:
        left.plot([], [], linestyle="none", marker="x", color="#9a9a9a", markersize=4, label=drawable(floor, 44))
    _log_where_wide(left, low, high, both=True)
    _log_where_wide(right, factor * measured.min() / 1.15, factor * measured.max() * 1.15, both=False)
    reach = 115 * max(*(float(np.abs(one.errors).max()) for one in groups.values()), 0.02)
    right.set_ylim(-reach, reach)
    right.grid(visible=True, axis="y", color=RULE, alpha=0.15)
    for axis in (left, right):
        axis.set_xlabel(title_of(quantity, unit, "measured"))
    left.set_ylabel(title_of(quantity, unit, "predicted"))
    right.set_ylabel("error [% of measured]")
    figure.legend(loc="outside upper left", ncols=2)


def _tip(one: Predicted, place: int, quantity: str) -> str:
    measured, mean, low, high = (
        engineering(quantity, float(values[place])) for values in (one.measured, one.mean, one.low, one.high)
    )
    return f"{one.names[place]}: measured {measured}, predicted {mean} ({low} to {high})"


def _log_where_wide(axis: "Axes", low: float, high: float, *, both: bool) -> None:
    """Scale and tick the horizontal axis, or both alike."""
    for which, one in (("x", axis.xaxis), ("y", axis.yaxis))[: 2 if both else 1]:
        (axis.set_xlim if which == "x" else axis.set_ylim)(low, high)
        if high > LINEAR * low:
            (axis.set_xscale if which == "x" else axis.set_yscale)("log")
            decades(one, low, high)
        else:
            axis.grid(visible=True, axis=which, color=RULE, alpha=0.15)  # type: ignore[arg-type]


def trust_figure(
    stem: str, groups: Mapping[str, Predicted], reaches: Sequence[tuple[float, float, float]], floor: str
) -> dict[str, bytes]:
    """Return a figure's file name and SVG: the share that intervals hold beside what they promise, and how many
    predictions are how near.

    Args:
        stem: of the file name.
        groups: a label and its measurements.
        reaches: (level, deviations down, deviations up) of the intervals.
        floor: as for `predicted_figure`.
    """
    return {f"{stem}.svg": draw(COVER_IN, lambda figure: _trust(figure, groups, reaches, floor))}


def _trust(
    figure: "Figure", groups: Mapping[str, Predicted], reaches: Sequence[tuple[float, float, float]], floor: str
) -> None:
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.5))
    look = looks([f"predicted {name}" for name in groups])
    fewest = min(len(one.names) for one in groups.values())
    level = np.linspace(0, 1, 101)
    chance = CHANCE * np.sqrt(level * (1 - level) / fewest)
    left.fill_between(100 * level, 100 * np.clip(level - chance, 0, 1), 100 * np.clip(level + chance, 0, 1),
                      color=RULE, alpha=0.13, linewidth=0)  # fmt: skip
    left.plot([0, 100], [0, 100], color=RULE, linewidth=0.7)
    for (name, one), own in zip(groups.items(), look.values(), strict=True):
        held = [held_share(one, down, up) for _, down, up in reaches]
        if reaches:
            (dots,) = left.plot([100 * at for at, _, _ in reaches], [100 * share for share in held], color=own.colour,
                                marker=own.marker, markersize=4, linewidth=0.9, linestyle=own.dash)  # fmt: skip
            mark(dots, *(f"{name}: intervals of {percent(at)} hold {percent(share)}"
                         for (at, _, _), share in zip(reaches, held, strict=True)))  # fmt: skip
        _share(right, np.abs(one.errors), color=own.colour, linestyle=own.dash, label=drawable(name, 44))
    rest = np.concatenate([one.floor_errors for one in groups.values()])
    if floor and rest.size:
        _share(right, np.abs(rest), color="#9a9a9a", linestyle="-", label=drawable(floor, 44))
    left.set(xlim=(35 if reaches else 0, 103), ylim=(0, 103), xlabel="promised [%]", ylabel="held [%]")
    right.set_xscale("log")
    right.set_xlim(100 * LEAST_ERROR, 100 * MOST_ERROR)
    decades(right.xaxis, 100 * LEAST_ERROR, 100 * MOST_ERROR)
    right.set(ylim=(0, 103), xlabel="within so much of what was measured [%]", ylabel="of predictions [%]")
    for axis in (left, right):
        axis.grid(visible=True, axis="y", color=RULE, alpha=0.15)
    right.axhline(50, color=INK, linewidth=0.5, linestyle=(0, (1, 2)))
    figure.legend(loc="outside upper left", ncols=2, handlelength=3)


def held_share(one: Predicted, down: float, up: float) -> float:
    """Return the share of measurements in intervals that reach so many deviations down and up from the logarithm."""
    away = np.log(one.measured / one.mean)
    return float(np.mean((away >= -down * one.deviation) & (away <= up * one.deviation)))


def _share(axis: "Axes", errors: np.ndarray, **look: Any) -> None:
    ordered = 100 * np.clip(np.sort(errors), LEAST_ERROR, MOST_ERROR)
    shares = 100 * np.arange(1, len(ordered) + 1) / len(ordered)
    (line,) = axis.plot([100 * LEAST_ERROR, *ordered], [0, *shares], drawstyle="steps-post", **look)
    line.set_linewidth(1.3)


def error_words(error: float) -> str:
    """Return a relative error as people read it: `3.4 %`."""
    return f"{digits(100 * error, 2)}\u00a0%"
