"""Estimates with their intervals: a row a thing, or along an axis of numbers; and panels of lines along an axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.figures.canvas import INK, RULE, draw, drawable
from reports.figures.marks import mark
from reports.looks import look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_IN = 0.22
PANEL_IN = 1.5
ACROSS = 3
TICKS = 7  # at most, on an axis of names


@dataclass(frozen=True)
class Estimate:
    """A figure, the interval about it, and what its mark says.

    Attributes:
        name: of its row, or of the line that it is of.
        x: where it stands along an axis of numbers.
    """

    name: str
    value: float
    low: float
    high: float
    tip: str
    x: float = 0.0


def interval_figure(
    stem: str, rows: Sequence[Estimate], title: str, *, level: float | None = None
) -> dict[str, bytes]:  # fmt: skip
    """Return a figure's file name and SVG: a row an estimate, a mark at it and a bar over its interval.

    Args:
        stem: of the file name.
        rows: in the order drawn.
        title: of the axis of values.
        level: where a line stands that decides, such as 0 of a difference.
    """
    return {f"{stem}.svg": draw(0.6 + ROW_IN * len(rows), lambda figure: _rows(figure, rows, title, level))}


def _rows(figure: "Figure", rows: Sequence[Estimate], title: str, level: float | None) -> None:
    axis, own = figure.subplots(), look(1)
    for y, row in enumerate(rows):
        if y % 2 == 0:
            axis.axhspan(y - 0.5, y + 0.5, color="#f3f3f1", linewidth=0, zorder=0)
        axis.plot([row.low, row.high], [y, y], color=own.colour, linewidth=2.0, solid_capstyle="butt", zorder=2)
        (dot,) = axis.plot([row.value], [y], linestyle="none", marker=own.marker, color=own.colour, markersize=5,
                           zorder=3)  # fmt: skip
        mark(dot, row.tip)
    if level is not None:
        axis.axvline(level, color=INK, linewidth=0.9, zorder=1)
    axis.grid(visible=True, axis="x", color=RULE, alpha=0.15)
    axis.set_yticks(range(len(rows)), [drawable(row.name, 34) for row in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.set_xlabel(drawable(title, 90))


def course_figure(stem: str, rows: Sequence[Estimate], across: str, title: str) -> dict[str, bytes]:
    """Return a figure's file name and SVG: estimates with their intervals along an axis of numbers, a line a name.

    Args:
        stem: of the file name.
        rows: of any order.
        across: title of the axis along which they stand.
        title: of the other.
    """
    return {f"{stem}.svg": draw(2.6, lambda figure: _course(figure, rows, across, title))}


def _course(figure: "Figure", rows: Sequence[Estimate], across: str, title: str) -> None:
    axis = figure.subplots()
    names = list(dict.fromkeys(row.name for row in rows))
    for place, name in enumerate(names):
        own, part = look(place), sorted((row for row in rows if row.name == name), key=lambda row: row.x)
        axis.vlines([row.x for row in part], [row.low for row in part], [row.high for row in part], color=own.colour,
                    linewidth=1.6, alpha=0.7)  # fmt: skip
        (line,) = axis.plot([row.x for row in part], [row.value for row in part], color=own.colour, marker=own.marker,
                            linestyle=own.dash, markersize=4.5, label=drawable(name, 30))  # fmt: skip
        mark(line, *(row.tip for row in part))
    xs = sorted({row.x for row in rows})
    if len(xs) <= TICKS:
        axis.set_xticks(xs, [f"{x:g}" for x in xs])
    axis.grid(visible=True, color=RULE, alpha=0.15)
    axis.set_xlabel(drawable(across, 60))
    axis.set_ylabel(drawable(title, 40))
    if len(names) > 1:
        figure.legend(loc="outside upper left", ncols=min(4, len(names)), handlelength=3)


@dataclass(frozen=True)
class Panel:
    """A panel: its title, and lines by name, each of (place along the axis, value, what the mark says)."""

    title: str
    lines: Mapping[str, Sequence[tuple[float, float, str]]]


def panels_figure(
    stem: str, panels: Sequence[Panel], across: str, ticks: Mapping[float, str] | None = None
) -> dict[str, bytes]:  # fmt: skip
    """Return a figure's file name and SVG: panels of lines that share an axis, each from 0 upwards.

    Args:
        stem: of the file name.
        panels: in the order drawn.
        across: title of the axis they share.
        ticks: place along that axis -> its name, where they are no numbers.
    """
    deep = -(-len(panels) // ACROSS)
    return {f"{stem}.svg": draw(0.5 + PANEL_IN * deep, lambda figure: _panels(figure, panels, across, ticks or {}))}


def _panels(figure: "Figure", panels: Sequence[Panel], across: str, ticks: Mapping[float, str]) -> None:
    wide = min(ACROSS, len(panels))
    grid = figure.subplots(-(-len(panels) // wide), wide, squeeze=False, sharex=True)
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    looks = {name: look(place) for place, name in enumerate(names)}
    for axis, panel in zip(grid.flat, panels, strict=False):
        for name, points in panel.lines.items():
            ordered = sorted(points)
            own = looks[name]
            xs, ys, tips = zip(*ordered, strict=True)
            (line,) = axis.plot(xs, ys, color=own.colour, marker=own.marker, linestyle=own.dash, markersize=4,
                                label=drawable(name, 26))  # fmt: skip
            mark(line, *tips)
        axis.set_ylim(bottom=0)
        axis.set_title(drawable(panel.title, 34))
        axis.grid(visible=True, color=RULE, alpha=0.15)
        _tick(axis, ticks)
    for axis in list(grid.flat)[len(panels) :]:
        axis.set_visible(False)
    for axis in list(grid.flat)[max(0, len(panels) - wide) : len(panels)]:
        axis.tick_params(axis="x", labelbottom=True)  # also of one above a gap
    figure.supxlabel(drawable(across, 60), fontsize=8.5, color=INK)
    if len(names) > 1:
        handles = {label: handle for axis in grid.flat for handle, label in zip(*axis.get_legend_handles_labels(),
                                                                                strict=True)}  # fmt: skip
        figure.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=min(4, len(handles)),
                      handlelength=3)  # fmt: skip


def _tick(axis: "Axes", ticks: Mapping[float, str]) -> None:
    if not ticks:
        return
    places = sorted(ticks)
    shown = places[:: -(-len(places) // TICKS)]
    axis.set_xticks(shown, [drawable(ticks[place], 14) for place in shown],
                    rotation=30 if any(len(ticks[place]) > 4 for place in shown) else 0)  # fmt: skip
