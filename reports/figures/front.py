"""Designs in two figures, the less of both the better, their front, and how fast a search came to rule the plane."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reports.figures.axes import decades, scaled, title_of
from reports.figures.canvas import INK, RULE, draw, drawable
from reports.figures.marks import mark
from reports.frames import checked
from reports.labels import cell_label, engineering, percent
from reports.looks import looks
from reports.pareto import front, progress

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT_IN = 2.9
LINEAR = 12.0  # times the least, up to which an axis need not be logarithmic
MOST_MARKS = 400  # points beyond these are drawn, but say nothing


def front_figures(
    stem: str, frame: "pd.DataFrame", x: str, y: str, *, by: str = "cell", titles: tuple[str, str] = ("", "")
) -> dict[str, bytes]:
    """Return a figure's file name and SVG: designs and their front, and beside it the progress of the search.

    Args:
        stem: of the file name.
        frame: a row a design, in the order in which they were tried, with the columns x and y, positive, and `by`.
        x: a column, the less the better; y likewise.
        y: see x.
        by: what gives a design its colour and marker.
        titles: of x and y, where their names say too little.

    Raises:
        InputError: for a frame without these columns, or with values that cannot be drawn.
    """
    table = checked(frame, stem, [by], positive=[x, y])
    return {f"{stem}.svg": draw(HEIGHT_IN, lambda figure: _paint(figure, table, (x, y), by, titles))}


def _paint(figure: "Figure", table: Any, names: tuple[str, str], by: str, titles: tuple[str, str]) -> None:
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    points = table[list(names)].to_numpy(float)
    best = front(points)
    scales = [scaled(name, points[:, i].tolist()) for i, name in enumerate(names)]
    series = list(dict.fromkeys(table[by]))
    look = looks(series)
    drawn = points * [factor for factor, _ in scales]
    told = set(best.tolist()) | set(range(min(len(points), MOST_MARKS)))
    for one in series:
        rows = [i for i, name in enumerate(table[by]) if name == one]
        rest = [i for i in rows if i not in told]
        left.plot(*drawn[rest].T, linestyle="none", marker=look[one].marker, color=look[one].colour, alpha=0.35,
                  markersize=3, markeredgewidth=0)  # fmt: skip
        shown = [i for i in rows if i in told]
        (dots,) = left.plot(*drawn[shown].T, linestyle="none", marker=look[one].marker, color=look[one].colour,
                            alpha=0.6, markersize=3.4, markeredgewidth=0)  # fmt: skip
        mark(dots, *(_tip(one, points[i], names, best=i in best) for i in shown))
        left.plot([], [], linestyle="none", marker=look[one].marker, color=look[one].colour,
                  label=drawable(cell_label(one), 24))  # fmt: skip
    left.step(*drawn[best].T, where="post", color=INK, linewidth=1, label="none is better in both", zorder=4)
    for i, set_label in enumerate((left.set_xlabel, left.set_ylabel)):
        set_label(title_of(names[i], scales[i][1], titles[i]))
        _log_where_wide((left.xaxis, left.yaxis)[i], left, "xy"[i], drawn[:, i])
    _progress(right, progress(points))
    figure.legend(loc="outside upper left", ncols=min(5, len(series) + 1))


def _tip(name: str, point: Sequence[float], names: tuple[str, str], *, best: bool) -> str:
    values = ", ".join(engineering(column, value) for column, value in zip(names, point, strict=True))
    return f"{cell_label(name)}: {values}{' (none is better in both)' if best else ''}"


def _log_where_wide(axis: Any, axes: "Axes", which: str, values: "np.ndarray") -> None:
    if values.max() > LINEAR * values.min():
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
        decades(axis, values.min(), values.max())
    else:
        axes.grid(visible=True, axis=which, color=RULE, alpha=0.15)  # type: ignore[arg-type]


def _progress(axis: "Axes", shares: "np.ndarray") -> None:
    """Draw how much of the box about all designs was ruled after each; marks stand where it grew."""
    import numpy as np

    tried = np.arange(1, len(shares) + 1)
    axis.step(tried, 100 * shares, where="post", color=INK, linewidth=1)
    grew = np.flatnonzero(np.diff(shares, prepend=-1.0) > 1e-12)
    (dots,) = axis.plot(tried[grew], 100 * shares[grew], "o", color=INK, markersize=2.6)
    mark(dots, *(f"after {tried[i]} designs: hypervolume {percent(shares[i])}" for i in grew))
    axis.set_xlim(0, len(shares) * 1.03 + 0.5)
    axis.set_ylim(0, 103)
    axis.set_xlabel("designs tried")
    axis.set_title("hypervolume [% of the box about all]")
    axis.grid(visible=True, axis="y", color=RULE, alpha=0.15)
