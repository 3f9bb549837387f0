"""Lines over a logarithmic axis, one a cell: with bands of process variation, and marks where they cross."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwmodel.units import label_of, show
from reports.figures.axes import decades, doubles, doublings, rounded, scaled, title_of
from reports.figures.canvas import INK, chunks, draw, drawable, names
from reports.figures.marks import mark
from reports.frames import checked
from reports.labels import cell_label, engineering
from reports.looks import looks

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS, MOST_ROWS = 3, 4  # panels in a row; rows in a file
TICKS = {1: 8, 2: 6, 3: 4}  # that a panel has room for, by the panels in a row
HEIGHT_IN = 1.85


@dataclass(frozen=True)
class Curves:
    """Which columns of a frame are drawn, all positive: a line each value of `by`, a panel each value of `panel`."""

    x: str  # such as capacity_bytes
    y: str  # such as cache_edp_Js
    by: str = "cell"
    panel: str = ""  # none: a single panel
    low: str = ""  # ends of a band about y
    high: str = ""
    title: str = ""  # of y, where its name says too little


def curve_figures(
    stem: str, frame: "pd.DataFrame", curves: Curves, crossings: "pd.DataFrame | None" = None
) -> dict[str, bytes]:
    """Return a figure's file names and SVGs.

    Args:
        stem: of the file names.
        frame: a row a point, with the columns that `curves` names; of each line at most one row an x.
        curves: what is drawn.
        crossings: a row a crossing, with the columns `curves.x`, `cell` (that is the lower from there on), `over` and
            `curves.panel`; where x is missing, the two do not cross.

    Raises:
        InputError: for a frame without these columns, or with values that cannot be drawn.
    """
    panels = [curves.panel] if curves.panel else []
    bands = [name for name in (curves.low, curves.high) if name]
    table = checked(frame, stem, [curves.by, *panels], positive=[curves.x, curves.y, *bands])
    met = None
    if crossings is not None and len(crossings):
        met = checked(crossings, f"crossings of {stem}", ["cell", "over", *panels], blank=[curves.x])
    titles = list(dict.fromkeys(table[curves.panel])) if curves.panel else [""]
    across = _across(len(titles))
    pages = list(chunks(titles, ACROSS * MOST_ROWS))
    return {
        name: draw(0.55 + max(HEIGHT_IN * -(-len(page) // across), 2.2 if len(page) == 1 else 0),
                   lambda figure, page=page: _paint(figure, table, curves, met, page))
        for name, page in zip(names(stem, len(pages)), pages, strict=True)
    }  # fmt: skip


def _across(panels: int) -> int:
    """Return how many panels stand in a row: four make a square."""
    return 2 if panels == 4 else min(ACROSS, panels)


def _paint(figure: "Figure", table: Any, curves: Curves, met: Any, page: Sequence[str]) -> None:
    across = _across(len(page))
    grid = figure.subplots(-(-len(page) // across), across, sharex=True, sharey=True, squeeze=False)
    factor, unit = scaled(curves.y, table[curves.y].tolist())
    for axis, title in zip(grid.flat, page, strict=False):
        part = table.loc[table[curves.panel] == title] if curves.panel else table
        own = met if met is None or not curves.panel else met.loc[met[curves.panel] == title]
        _panel(axis, part, curves, factor, list(dict.fromkeys(table[curves.by])))
        if own is not None:
            _meet(axis, part, curves, factor, own)
        axis.set_title(drawable(title, 34))
    for axis in list(grid.flat)[len(page) :]:
        axis.set_visible(False)
    for axis in list(grid.flat)[max(0, len(page) - across) : len(page)]:
        axis.tick_params(axis="x", labelbottom=True)  # also of one above a gap
    values = [v * factor for name in (curves.y, curves.low, curves.high) if name for v in table[name]]
    decades(grid[0, 0].yaxis, min(values), max(values))
    for axis in grid.flat[1:]:
        axis.grid(visible=True, axis="y", alpha=0.15)
    if doubles(curves.x):
        doublings(grid[0, 0].xaxis, curves.x, table[curves.x].tolist(), TICKS[across])
    else:
        decades(grid[0, 0].xaxis, table[curves.x].min(), table[curves.x].max())
    figure.supxlabel(title_of(curves.x, ""), fontsize=8.5, color=INK)
    figure.supylabel(title_of(curves.y, unit, curves.title), fontsize=8.5, color=INK)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=min(5, len(labels)), handlelength=3)


def _panel(axis: "Axes", part: Any, curves: Curves, factor: float, lines: Sequence[str]) -> None:
    look = looks(lines)
    axis.set_xscale("log", base=2 if doubles(curves.x) else 10)
    axis.set_yscale("log")
    for name in lines:
        line = part.loc[part[curves.by] == name].sort_values(curves.x)
        if curves.low and curves.high:
            axis.fill_between(line[curves.x], line[curves.low] * factor, line[curves.high] * factor, linewidth=0,
                              color=look[name].colour, alpha=0.2)  # fmt: skip
        (drawn,) = axis.plot(line[curves.x], line[curves.y] * factor, color=look[name].colour, marker=look[name].marker,
                             linestyle=look[name].dash, markersize=4, label=drawable(cell_label(name), 24))  # fmt: skip
        if len(line):
            mark(drawn, *(_tip(name, row, curves) for row in line.to_dict("records")))


def _tip(name: str, row: dict[str, Any], curves: Curves) -> str:
    where = ", ".join(filter(None, [cell_label(name), row.get(curves.panel, ""), show(curves.x, row[curves.x])]))
    text = f"{where}: {curves.title or label_of(curves.y)} {engineering(curves.y, row[curves.y])}"
    if curves.low and curves.high:
        text += f" ({engineering(curves.y, row[curves.low])} to {engineering(curves.y, row[curves.high])})"
    return text


def _meet(axis: "Axes", part: Any, curves: Curves, factor: float, met: Any) -> None:
    """Ring where lines cross, and write above where on the axis that is."""
    for index, row in enumerate(met.to_dict("records")):
        x = row[curves.x]
        line = part.loc[part[curves.by] == row["cell"]].sort_values(curves.x)
        if math.isnan(x) or len(line) < 2:
            continue
        y = _between(line[curves.x].tolist(), line[curves.y].tolist(), x) * factor
        axis.axvline(x, color=INK, linewidth=0.6, linestyle=(0, (1, 2)), zorder=1)
        label = rounded(curves.x, x)
        (ring,) = axis.plot([x], [y], marker="o", markersize=9, markerfacecolor="none", markeredgecolor=INK,
                            linestyle="none")  # fmt: skip
        mark(ring, f"{cell_label(row['cell'])} is below {cell_label(row['over'])} from {label} on")
        axis.annotate(label, (x, 1 - 0.09 * (index % 6)), (2, 0), xycoords=("data", "axes fraction"),
                      textcoords="offset points", va="top", fontsize=7, color=INK)  # fmt: skip


def _between(xs: Sequence[float], ys: Sequence[float], x: float) -> float:
    """Return y at x on the line through points, straight between neighbours where both axes are logarithmic."""
    import numpy as np

    return float(np.exp(np.interp(np.log(x), np.log(xs), np.log(ys))))
