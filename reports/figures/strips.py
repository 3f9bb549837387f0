"""Marks in rows: a row a group, a mark a thing of it; and bars in rows, of one part or of several."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from reports.figures.axes import decades
from reports.figures.canvas import INK, RULE, draw, drawable
from reports.figures.marks import mark
from reports.figures.traffic import FILLS, OTHER
from reports.labels import percent
from reports.looks import look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW_IN = 0.16
STEPS = (0, 1, -1, 2, -2)  # of marks that would lie on each other
Mark = tuple[float, str]  # a value, and what it says


def strip_figure(stem: str, rows: Mapping[str, Sequence[Mark]], title: str, *, logarithmic: bool) -> dict[str, bytes]:
    """Return a figure's file name and SVG: the values of each row, with a bar at their median; the largest median
    stands first.

    Args:
        stem: of the file name.
        rows: a name, and its marks.
        title: of the axis of values.
        logarithmic: whether that axis is; values are then positive.
    """
    order = sorted(rows, key=lambda name: -float(np.median([abs(value) for value, _ in rows[name]])))
    return {f"{stem}.svg": draw(0.55 + ROW_IN * len(order),
                                lambda figure: _strips(figure, {name: rows[name] for name in order}, title,
                                                       logarithmic=logarithmic))}  # fmt: skip


def _strips(figure: "Figure", rows: Mapping[str, Sequence[Mark]], title: str, *, logarithmic: bool) -> None:
    axis, own = figure.subplots(), look(1)
    every = [value for marks in rows.values() for value, _ in marks]
    for y, marks in enumerate(rows.values()):
        if y % 2 == 0:
            axis.axhspan(y - 0.5, y + 0.5, color="#f3f3f1", linewidth=0, zorder=0)
        values = [value for value, _ in marks]
        spread = [y + 0.11 * STEPS[place % len(STEPS)] for place in range(len(values))]
        (dots,) = axis.plot(values, spread, linestyle="none", marker=own.marker, color=own.colour, alpha=0.75,
                            markersize=3.6, markeredgewidth=0, zorder=3)  # fmt: skip
        mark(dots, *(tip for _, tip in marks))
        middle = float(np.median(values))
        axis.plot([middle, middle], [y - 0.36, y + 0.36], color=INK, linewidth=1.3, zorder=2)
    if logarithmic:
        axis.set_xscale("log")
        axis.set_xlim(min(every) / 1.3, max(every) * 1.3)
        decades(axis.xaxis, min(every), max(every))
    else:
        axis.axvline(0, color=RULE, linewidth=0.7, zorder=1)
        axis.grid(visible=True, axis="x", color=RULE, alpha=0.15)
    axis.set_yticks(range(len(rows)), [drawable(name, 30) for name in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.set_xlabel(title)


def share_figure(stem: str, rows: Mapping[str, Mapping[str, float]], title: str) -> dict[str, bytes]:
    """Return a figure's file name and SVG: a bar a row, cut into its parts; the parts largest over all rows are named.

    Args:
        stem: of the file name.
        rows: a name, and the share of each of its parts.
        title: of the axis of shares.
    """
    return {f"{stem}.svg": draw(0.95 + 0.3 * len(rows), lambda figure: _shares(figure, rows, title))}


def _shares(figure: "Figure", rows: Mapping[str, Mapping[str, float]], title: str) -> None:
    from matplotlib.patches import Patch

    axis = figure.subplots()
    most: dict[str, float] = {}
    for parts in rows.values():
        for name, share in parts.items():
            most[name] = max(most.get(name, 0.0), share)
    named = sorted(most, key=lambda name: (-most[name], name))[: len(FILLS)]
    fills = dict(zip(named, FILLS, strict=False))
    for y, (row, parts) in enumerate(rows.items()):
        left = 0.0
        rest = sum(share for name, share in parts.items() if name not in fills)
        for name, share in [*((name, parts.get(name, 0.0)) for name in named), ("all other classes", rest)]:
            if share <= 0:
                continue
            colour, hatch = fills.get(name, OTHER)
            bar = axis.barh(y, 100 * share, 0.66, 100 * left, color=colour, hatch=hatch, edgecolor="#555555")
            mark(bar[0], f"{row}: {name.replace('_', ' ')} {percent(share)}")
            left += share
    axis.set_yticks(range(len(rows)), [drawable(name, 30) for name in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlim(0, 100)
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel(title)
    handles = [Patch(facecolor=colour, hatch=hatch, edgecolor="#555555", label=drawable(name.replace("_", " "), 26))
               for name, (colour, hatch) in fills.items()]  # fmt: skip
    if len(most) > len(named):
        handles.append(Patch(facecolor=OTHER[0], edgecolor="#555555", label="all other classes"))
    figure.legend(handles=handles, loc="outside upper left", ncols=4)


def bar_figure(stem: str, rows: Sequence[tuple[str, str, float, str]], title: str) -> dict[str, bytes]:
    """Return a figure's file name and SVG: a bar a row, to the left of 0 where it is negative.

    Args:
        stem: of the file name.
        rows: (name, group, value, what stands beside the bar), in the order drawn; a group has a colour and hatch.
        title: of the axis of values.
    """
    return {f"{stem}.svg": draw(0.75 + ROW_IN * len(rows), lambda figure: _bars(figure, rows, title))}


def _bars(figure: "Figure", rows: Sequence[tuple[str, str, float, str]], title: str) -> None:
    from matplotlib.patches import Patch

    axis = figure.subplots()
    groups = sorted({group for _, group, _, _ in rows})
    fills = {group: FILLS[place] if place < len(FILLS) else OTHER for place, group in enumerate(groups)}
    values = [value for _, _, value, _ in rows]
    low, high = min(0.0, *values), max(0.0, *values)
    room = 0.16 * ((high - low) or 1.0)
    for y, (name, group, value, beside) in enumerate(rows):
        colour, hatch = fills[group]
        (bar,) = axis.barh(y, value, 0.66, color=colour, hatch=hatch, edgecolor="#555555")
        mark(bar, f"{name}: {value:.2f}, {beside}")
        axis.text(max(value, 0) + 0.06 * room, y, drawable(beside, 40), va="center", fontsize=7, color=INK)
    axis.axvline(0, color=RULE, linewidth=0.7)
    axis.set_xlim(low - (0.3 * room if low < 0 else 0), high + room)
    axis.set_yticks(range(len(rows)), [drawable(name, 34) for name, _, _, _ in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel(title)
    if len(groups) > 1:
        handles = [Patch(facecolor=fills[group][0], hatch=fills[group][1], edgecolor="#555555",
                         label=drawable(group, 30)) for group in groups]  # fmt: skip
        figure.legend(handles=handles, loc="outside upper left", ncols=min(4, len(groups)))
