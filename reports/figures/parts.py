"""Times of a cycle's parts: each with its spread, and what they come to for a request."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hwmodel.units import scale_of, show
from reports.figures.canvas import INK, RULE, draw, drawable
from reports.figures.marks import mark
from reports.figures.traffic import FILLS
from reports.labels import digits, engineering
from reports.looks import look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BASES = ("measured", "calibrated", "modelled", "assumed", "recalled", "published")  # each has its mark
Spread = tuple[str, float, float, float, str]  # name, seconds, the interval's ends, basis


def parts_figure(
    stem: str, times: Sequence[Spread], rows: Mapping[str, Mapping[str, float]], order: Sequence[str]
) -> dict[str, bytes]:
    """Return a figure's file name and SVG: times with their spread, and beside them bars cut into parts.

    Args:
        stem: of the file name.
        times: in the order drawn, all above 0.
        rows: a bar's name, and seconds of each of its parts.
        order: of the parts; each keeps its fill.
    """
    height = 0.85 + 0.21 * max(len(times), len(rows) + 1)
    return {f"{stem}.svg": draw(height, lambda figure: _paint(figure, times, rows, order))}


def _paint(
    figure: "Figure", times: Sequence[Spread], rows: Mapping[str, Mapping[str, float]], order: Sequence[str]
) -> None:
    left, right = figure.subplots(1, 2, width_ratios=(2, 3))
    _times(left, times)
    _bars(right, rows, order)
    figure.legend(loc="outside upper left", ncols=6)


def _times(axis: "Axes", times: Sequence[Spread]) -> None:
    ends = [value for _, _, low, high, _ in times for value in (low, high)]
    for y, (name, value, low, high, basis) in enumerate(times):
        own = look(BASES.index(basis) + 1 if basis in BASES else 0)
        axis.plot([low, high], [y, y], color=own.colour, linewidth=1.4, solid_capstyle="butt")
        (dot,) = axis.plot([value], [y], linestyle="none", marker=own.marker, color=own.colour, markersize=4.4)
        mark(dot, f"{name}: {engineering('x_s', value)} ({engineering('x_s', low)} to {engineering('x_s', high)}), "
                  f"{basis}")  # fmt: skip
    for basis in dict.fromkeys(one[4] for one in times):
        own = look(BASES.index(basis) + 1 if basis in BASES else 0)
        axis.plot([], [], linestyle="-", marker=own.marker, color=own.colour, markersize=4, label=f"{basis} time")
    axis.set_xscale("log")
    axis.set_xlim(min(ends) / 1.6, max(ends) * 1.6)
    _decades(axis, min(ends), max(ends))
    axis.set_yticks(range(len(times)), [drawable(name, 30) for name, *_ in times])
    axis.set_ylim(len(times) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.grid(visible=True, axis="both", color=RULE, alpha=0.15)
    axis.set_xlabel("time")
    axis.set_title("learned times, 90 % of their spread")


def _decades(axis: "Axes", low: float, high: float) -> None:
    """Tick a logarithmic axis of seconds at powers of ten, of many at each second one: `10 µs`."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [10.0**power for power in powers[:: 1 + (len(powers) > 5)]]
    axis.xaxis.set_major_locator(FixedLocator(ticks))
    axis.xaxis.set_major_formatter(FixedFormatter([show("x_s", tick) for tick in ticks]))
    axis.xaxis.set_minor_locator(NullLocator())


def _bars(axis: "Axes", rows: Mapping[str, Mapping[str, float]], order: Sequence[str]) -> None:
    factor, unit = scale_of("x_s", [sum(parts.values()) for parts in rows.values()])
    fills = dict(zip(order, FILLS, strict=False))
    widest = max(sum(parts.values()) for parts in rows.values())
    drawn: dict[str, object] = {}
    for y, (row, parts) in enumerate(rows.items()):
        left = 0.0
        for name in order:
            if (value := parts.get(name, 0.0)) <= 0:
                continue
            colour, hatch = fills[name]
            bar = axis.barh(y, factor * value, 0.66, factor * left, color=colour, hatch=hatch, edgecolor="#555555",
                            label=None if name in drawn else name)  # fmt: skip
            drawn[name] = bar
            mark(bar[0], f"{row}: {name} {engineering('x_s', value)} a request")
            left += value
        axis.text(factor * (left + 0.015 * widest), y, digits(factor * left), va="center", fontsize=7, color=INK)
    axis.set_yticks(range(len(rows)), [drawable(name, 30) for name in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlim(0, 1.12 * factor * widest)
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel(f"time a request [{unit}]")
    axis.set_title("where a request’s time goes")
