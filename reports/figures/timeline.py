"""A run over time: panels below each other with one clock, and the window that its figures are of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports.figures.canvas import INK, RULE, draw, drawable
from reports.figures.course import clock
from reports.figures.marks import mark
from reports.labels import digits
from reports.looks import looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_IN, LOW_IN, HEAD_IN = 0.92, 0.74, 0.62  # of a panel, of one of many, of legend and axis
MANY = 6  # panels
MARKS = 16  # of a line that say their values
SHADE = "#f0efe9"


@dataclass(frozen=True)
class Panel:
    """One quantity over time.

    Attributes:
        title: with its unit, for the panel's head.
        unit: that follows a value.
        lines: a name, and float64[bins], NaN where nothing is known; the name "" is of no legend.
        top: of the axis; without one, as high as the lines go.
        level: a height and its name, for a line across.
    """

    title: str
    unit: str
    lines: Mapping[str, np.ndarray]
    top: float | None = None
    level: tuple[float, str] | None = None


def timeline_figure(
    stem: str, at_s: np.ndarray, panels: Sequence[Panel], window_s: tuple[float, float] | None
) -> dict[str, bytes]:
    """Return a figure's file name and SVG; empty where there is nothing to draw.

    Args:
        stem: of the file name.
        at_s: float64[bins], the middle of each bin, since the run began.
        panels: drawn from the top.
        window_s: begin and end of the window that is marked.
    """
    if not panels or len(at_s) < 2:
        return {}
    height = HEAD_IN + (PANEL_IN if len(panels) < MANY else LOW_IN) * len(panels)
    return {f"{stem}.svg": draw(height, lambda figure: _paint(figure, at_s, panels, window_s))}


def _paint(figure: "Figure", at_s: np.ndarray, panels: Sequence[Panel], window_s: tuple[float, float] | None) -> None:
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    named = list(dict.fromkeys(name for panel in panels for name in panel.lines if name))
    look = looks(named)
    factor, unit = clock(at_s / 60)
    factor /= 60
    for place, (axis, panel) in enumerate(zip(axes, panels, strict=True)):
        if window_s is not None:
            axis.axvspan(factor * window_s[0], factor * window_s[1], color=SHADE, linewidth=0, zorder=0)
            for end in window_s:
                axis.axvline(factor * end, color=RULE, linewidth=0.6, linestyle=(0, (2, 2)), zorder=1)
        for name, values in panel.lines.items():
            own = look[name] if name else None
            colour = own.colour if own else INK
            axis.plot(factor * at_s, values, color=colour, linestyle=own.dash if own else "-", linewidth=1.1)
            known = np.flatnonzero(np.isfinite(values))
            told = known[:: max(1, -(-len(known) // MARKS))]
            if len(told):
                (dots,) = axis.plot(factor * at_s[told], values[told], linestyle="none", color=colour, markersize=3,
                                    marker=own.marker if own else "o", markeredgewidth=0)  # fmt: skip
                what = name or panel.title.partition(" [")[0]
                mark(dots, *(f"{what} after {digits(float(factor * at_s[i]))} {unit}: "
                             f"{digits(float(values[i]))} {panel.unit}".rstrip() for i in told))  # fmt: skip
        _frame(axis, panel)
        if place == 0 and window_s is not None:
            axis.annotate("steady window", (factor * sum(window_s) / 2, 0), (0, 3), xycoords=("data", "axes fraction"),
                          textcoords="offset points", ha="center", va="bottom", fontsize=7, color=RULE)  # fmt: skip
    axes[-1].set_xlabel(f"time since the start [{unit}]")
    axes[-1].set_xlim(0, factor * float(at_s[-1] + (at_s[1] - at_s[0]) / 2))
    for name in named:
        axes[0].plot([], [], color=look[name].colour, linestyle=look[name].dash, marker=look[name].marker,
                     markersize=3.5, label=drawable(name, 24))  # fmt: skip
    if named:
        figure.legend(loc="outside upper left", ncols=min(6, len(named)), handlelength=2.8)


def _frame(axis: "Axes", panel: Panel) -> None:
    known = [float(np.nanmax(values)) for values in panel.lines.values() if np.isfinite(values).any()]
    high = max([*known, panel.level[0] if panel.level else 0.0], default=1.0) or 1.0
    axis.set_ylim(0, panel.top if panel.top is not None else 1.18 * high)
    axis.set_title(panel.title, fontsize=8)
    axis.grid(visible=True, axis="y", color=RULE, alpha=0.15)
    axis.locator_params(axis="y", nbins=4)
    axis.get_yaxis().set_major_formatter(lambda value, _: f"{value:,.12g}")
    if panel.level is not None:
        axis.axhline(panel.level[0], color=RULE, linewidth=0.7, linestyle=(0, (1, 1.5)))
        axis.annotate(panel.level[1], (1, panel.level[0]), (-2, -1.5), xycoords=("axes fraction", "data"),
                      textcoords="offset points", ha="right", va="top", fontsize=7, color=RULE)  # fmt: skip
