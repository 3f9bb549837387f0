"""A machine's threads and SMs: frames/s over both, with lines of equal ratio, and what more actors bring."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from reports.figures.axes import decades
from reports.figures.canvas import INK, RULE, draw, tint
from reports.figures.marks import mark
from reports.labels import counted, digits
from reports.looks import look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT_IN = 3.7
DEEP = "#0b4f7d"  # the colour of the most frames/s; the least is nearly white
WANTED = "#B3470E"
Cell = tuple[float, float, float, str]  # threads, SMs, frames/s, what it says


@dataclass(frozen=True)
class Place:
    """A machine on the map."""

    name: str
    threads: float
    sms: float
    own: bool = False  # the one that was asked for


def ratio_map_figure(
    stem: str, cells: Sequence[Cell], places: Sequence[Place], wanted: float | None
) -> dict[str, bytes]:
    """Return a figure's file name and SVG: frames/s over SMs and threads, both logarithmic.

    Args:
        stem: of the file name.
        cells: a full grid.
        places: machines, numbered in this order; those off the map stand in the list beside it alone.
        wanted: the ratio of threads to SMs at which both are busy.
    """
    return {f"{stem}.svg": draw(HEIGHT_IN, lambda figure: _map(figure, cells, places, wanted))}


def _map(figure: "Figure", cells: Sequence[Cell], places: Sequence[Place], wanted: float | None) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, LogNorm
    from matplotlib.patches import Rectangle

    axis = figure.subplots()
    xs, ys = _edges(sorted({sms for _, sms, _, _ in cells})), _edges(sorted({threads for threads, *_ in cells}))
    rates = [rate for _, _, rate, _ in cells]
    norm = LogNorm(min(rates), max(rates) if max(rates) > min(rates) else 1.01 * max(rates))
    colours = LinearSegmentedColormap.from_list("depth", [tint(DEEP, 0.04), tint(DEEP, 0.5), DEEP])
    axis.set_xscale("log", base=2)
    axis.set_yscale("log", base=2)
    for threads, sms, rate, tip in cells:
        (left, right), (low, high) = xs[sms], ys[threads]
        box: Any = axis.add_patch(Rectangle((left, low), right - left, high - low, facecolor=colours(norm(rate)),
                                            edgecolor="none", linewidth=0))  # fmt: skip
        mark(box, tip)
    axis.set_xlim(min(low for low, _ in xs.values()), max(high for _, high in xs.values()))
    axis.set_ylim(min(low for low, _ in ys.values()), max(high for _, high in ys.values()))
    _ratios(axis, wanted)
    _places(axis, places)
    for own, name, values in ((axis.xaxis, "SMs", list(xs)), (axis.yaxis, "hardware threads", list(ys))):
        _powers(own, values)
        own.set_label_text(name)
    bar = figure.colorbar(ScalarMappable(norm, colours), ax=axis, pad=0.01, aspect=30)
    bar.outline.set_linewidth(0.4)  # type: ignore[operator]
    decades(bar.ax.yaxis, min(rates), max(rates))
    bar.ax.yaxis.set_major_formatter(lambda value, _: counted(value))
    bar.ax.grid(visible=False)
    bar.set_label("frames/s")
    figure.legend(loc="outside right upper", fontsize=7, handlelength=2.2)


def _edges(values: Sequence[float]) -> dict[float, tuple[float, float]]:
    """Return the ends of the cell about each value, halfway to its neighbours on a logarithmic axis."""
    steps = [b / a for a, b in pairwise(values)] or [2.0]
    cuts = [values[0] / math.sqrt(steps[0]), *(math.sqrt(a * b) for a, b in pairwise(values)),
            values[-1] * math.sqrt(steps[-1])]  # fmt: skip
    return {value: (cuts[i], cuts[i + 1]) for i, value in enumerate(values)}


def _powers(axis: Any, values: Sequence[float]) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    powers = range(math.ceil(math.log2(min(values))), math.floor(math.log2(max(values))) + 1)
    axis.set_major_locator(FixedLocator([2.0**power for power in powers]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.set_minor_locator(NullLocator())


def _ratios(axis: "Axes", wanted: float | None) -> None:
    """Draw lines of equal threads per SM, each with its ratio where it enters the map, and the wanted one."""
    (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
    first, last = math.ceil(math.log2(low / right)), math.floor(math.log2(high / left))
    shown = [(2.0**power, False) for power in range(first, last + 1)]
    shown += [(wanted, True)] if wanted and low / right < wanted < high / left else []
    for ratio, is_wanted in shown:
        begin, end = max(left, low / ratio), min(right, high / ratio)
        (line,) = axis.plot([begin, end], [ratio * begin, ratio * end], color=WANTED if is_wanted else RULE,
                            linewidth=1.8 if is_wanted else 0.4, linestyle=(0, (6, 2)) if is_wanted else "-", zorder=3,
                            label=f"wanted: {digits(ratio)} threads per SM" if is_wanted else None)  # fmt: skip
        mark(line, f"{digits(ratio)} threads per SM{', which the job wants' if is_wanted else ''}")
        if is_wanted or math.log(end / begin) < 0.8:
            continue
        text = f"{ratio:g}" if ratio >= 1 else f"1/{1 / ratio:g}"
        at_top = high / ratio < right
        axis.annotate(text, (end, ratio * end), (-2, -2) if at_top else (-2, -1), textcoords="offset points",
                      ha="right", va="top", fontsize=6.5, color=INK, zorder=4,
                      bbox={"facecolor": "white", "alpha": 0.65, "edgecolor": "none", "pad": 0.4})  # fmt: skip


def _places(axis: "Axes", places: Sequence[Place]) -> None:
    (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
    for number, place in enumerate(places, 1):
        inside = left <= place.sms <= right and low <= place.threads <= high
        face, ink = (INK, "white") if place.own else ("white", INK)
        label = f"{number}  {place.name}{'' if inside else ', off the map'}"
        axis.plot([], [], linestyle="none", marker="s" if place.own else "o", markersize=5, color=face,
                  markeredgecolor=INK, markeredgewidth=0.6, label=label)  # fmt: skip
        if not inside:
            continue
        (dot,) = axis.plot([place.sms], [place.threads], linestyle="none", marker="s" if place.own else "o",
                           color=face, markeredgecolor=INK, markeredgewidth=0.7, markersize=9 if place.own else 8,
                           zorder=6 if place.own else 5)  # fmt: skip
        mark(dot, f"{place.name}: {place.threads:g} threads, {place.sms:g} SMs, {digits(place.threads / place.sms)} "
                  "threads per SM")  # fmt: skip
        axis.text(place.sms, place.threads, f"{number}", ha="center", va="center_baseline", fontsize=6, color=ink,
                  zorder=7)  # fmt: skip


def actors_figure(
    stem: str, lines: Mapping[str, Sequence[tuple[float, float, float]]], knee: float | None = None, own: str = ""
) -> dict[str, bytes]:
    """Return a figure's file name and SVG: frames/s and frames/J over actors, side by side, a knee marked.

    Args:
        stem: of the file name.
        lines: a name, and (actors, frames/s, frames/J) rising.
        knee: actors at the knee of the line `own`; none: no knee is marked.
        own: the line that has the knee.
    """
    return {f"{stem}.svg": draw(2.45, lambda figure: _lines(figure, lines, knee, own))}


def _lines(
    figure: "Figure", lines: Mapping[str, Sequence[tuple[float, float, float]]], knee: float | None, own: str
) -> None:
    for axis, part, title in zip(figure.subplots(1, 2), (1, 2), ("frames/s", "frames/J"), strict=True):
        axis.set_xscale("log")
        axis.set_yscale("log")
        for place, (name, rows) in enumerate(lines.items()):
            drawn = look(place)
            (line,) = axis.plot([row[0] for row in rows], [row[part] for row in rows], color=drawn.colour,
                                linestyle=drawn.dash, marker=drawn.marker, markersize=2.8,
                                label=name if part == 1 else None)  # fmt: skip
            mark(line, *(f"{name}, {row[0]:,.0f} actors: {digits(row[part])} {title}" for row in rows))
        values = [row[part] for rows in lines.values() for row in rows]
        actors = [row[0] for rows in lines.values() for row in rows]
        axis.set_ylim(min(values) / 1.3, max(values) * 1.8)
        decades(axis.yaxis, min(values), max(values))
        decades(axis.xaxis, min(actors), max(actors))
        axis.yaxis.set_major_formatter(lambda value, _: counted(value))
        if knee is not None:
            _knee(axis, knee, next((row[part] for row in lines[own] if row[0] == knee), None), title)
        axis.set_title(title)
        axis.set_xlabel("actors")
    figure.legend(loc="outside upper left", ncols=3, handlelength=3)


def _knee(axis: "Axes", actors: float, height: float | None, unit: str) -> None:
    axis.axvline(actors, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    if height is not None:
        (ring,) = axis.plot([actors], [height], marker="o", markersize=9, markerfacecolor="none", linestyle="none",
                            markeredgecolor=INK)  # fmt: skip
        mark(ring, f"knee: {actors:,.0f} actors, {digits(height)} {unit}")
    axis.annotate(f"knee: {actors:,.0f} actors", (actors, 1), (-3, -2), xycoords=("data", "axes fraction"),
                  textcoords="offset points", ha="right", va="top", fontsize=7, color=INK)  # fmt: skip
