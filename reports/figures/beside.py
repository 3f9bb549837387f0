"""Figures of ours over a paper's, a row a figure, with how far ours moves with what is not sure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.figures.axes import decades
from reports.figures.canvas import INK, draw, drawable
from reports.figures.marks import mark
from reports.labels import digits
from reports.looks import look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW_IN = 0.2
WIDEST = 30.0  # times 1, either way, up to which the axis goes; what lies beyond stands at its edge


@dataclass(frozen=True)
class Beside:
    """One figure: ours over the paper's, and the ends that ours moves between; 0 or less where it has no ratio."""

    name: str
    group: str
    ratio: float
    low: float
    high: float
    tip: str


def beside_figure(stem: str, rows: Sequence[Beside]) -> dict[str, bytes]:
    """Return a figure's file name and SVG.

    Args:
        stem: of the file name.
        rows: in the order drawn; a group has a colour and marker.
    """
    return {f"{stem}.svg": draw(0.85 + ROW_IN * len(rows), lambda figure: _paint(figure, rows))}


def _paint(figure: "Figure", rows: Sequence[Beside]) -> None:
    axis = figure.subplots()
    groups = list(dict.fromkeys(row.group for row in rows))
    looks = {group: look(place) for place, group in enumerate(groups)}

    def held(value: float) -> float:
        return min(max(value, 1 / WIDEST), WIDEST)

    for y, row in enumerate(rows):
        if y % 2 == 0:
            axis.axhspan(y - 0.5, y + 0.5, color="#f3f3f1", linewidth=0, zorder=0)
        own = looks[row.group]
        if row.high > row.low:
            axis.plot([held(row.low), held(row.high)], [y, y], color=own.colour, linewidth=3.2, alpha=0.35,
                      solid_capstyle="butt")  # fmt: skip
        (dot,) = axis.plot([held(row.ratio)], [y], linestyle="none", marker=own.marker, color=own.colour, markersize=5)
        mark(dot, row.tip)
    for group in groups:
        axis.plot([], [], linestyle="none", marker=looks[group].marker, color=looks[group].colour, label=group)
    values = [held(value) for row in rows for value in (row.low, row.ratio, row.high)]
    low, high = min([*values, 0.8]), max([*values, 1.25])
    axis.set_xscale("log")
    axis.set_xlim(low / 1.15, high * 1.15)
    decades(axis.xaxis, low, high)
    if high < 8 * low:
        ticks = [tick for tick in (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5) if low <= tick <= high]
        axis.set_xticks(
            ticks, [digits(tick, 3 if math.log10(tick) % 1 else 1).rstrip("0").rstrip(".") for tick in ticks]
        )
    axis.axvline(1, color=INK, linewidth=0.9)
    axis.set_yticks(range(len(rows)), [drawable(row.name, 44) for row in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.set_xlabel("ours / paper")
    figure.legend(loc="outside upper left", ncols=4)
