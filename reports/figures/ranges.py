"""A headline figure as one factor at a time moves: a row a factor, the one that moves it most first."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hwmodel.units import label_of, show, unit_of
from reports.figures.axes import decades
from reports.figures.canvas import INK, draw, drawable
from reports.figures.marks import mark
from reports.frames import checked
from reports.labels import cell_label, digits
from reports.looks import looks

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BASE = "base"
BEHIND = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.4}  # of a text that a line may cross
LINEAR = 2.5  # times the least, up to which an axis need not be logarithmic


def range_figures(
    stem: str, frame: "pd.DataFrame", figure: str, *, title: str, by: str = "cell", level: float | None = 1.0,
    labels: Mapping[str, str] | None = None, across: int = 5,
) -> dict[str, bytes]:  # fmt: skip
    """Return a figure's file name and SVG; empty where no factor moves.

    Args:
        stem: of the file name.
        frame: a row a (factor, value, cell), with the columns `factor`, `value` (a text), `by` and `figure`, which is
            positive. Rows of the factor `base` are what the others are moved from; one for each cell.
        figure: the column drawn.
        title: what it is, below the axis.
        by: what tells series apart.
        level: where a line marks that nothing is gained, or None.
        labels: of factors whose names say too little.
        across: series beside each other in the legend.

    Raises:
        InputError: for a frame without these columns, or with values that cannot be drawn.
    """
    if "factor" in frame and "value" in frame:
        frame = frame.assign(value=[_value(*pair) for pair in zip(frame["factor"], frame["value"], strict=True)])
    table = checked(frame, stem, ["factor", "value", by], positive=[figure])
    order = swings(table, figure, by)
    if not order:
        return {}
    series = list(dict.fromkeys(table[by]))
    height = 0.85 + len(order) * (0.14 + 0.17 * len(series))
    return {f"{stem}.svg": draw(height, lambda f: _paint(f, table, figure, title, by, series, order, level,
                                                         labels or {}, across))}  # fmt: skip


def _value(factor: object, value: object) -> str:
    """Return a factor's value as people read it: `3.0e2` kelvin as `300 K`, bytes as `8 MiB`, a name as it is."""
    if factor == BASE:
        return BASE  # of which nothing is told but the figure
    name = {"capacity": "capacity_bytes"}.get(str(factor), str(factor))
    try:
        number = float(str(value))
    except ValueError:
        return str(value)
    return show(name, int(number) if number.is_integer() and not unit_of(name) else number)


def swings(table: "pd.DataFrame", figure: str, by: str = "cell") -> dict[str, float]:
    """Return each factor with the largest ratio of a series' greatest to its least value, the base among them.

    The factor that moves most comes first; ties keep the frame's order.
    """
    found: dict[str, float] = {}
    for factor in dict.fromkeys(table["factor"]):
        if factor == BASE:
            continue
        rows: Any = table.loc[table["factor"].isin([BASE, factor])]
        ends = rows.groupby(by)[figure].agg(["min", "max"])
        found[factor] = float((ends["max"] / ends["min"]).max())
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def _paint(
    figure: "Figure", table: Any, name: str, title: str, by: str, series: Sequence[str], order: Mapping[str, float],
    level: float | None, labels: Mapping[str, str], across: int,
) -> None:  # fmt: skip
    axis, look = figure.subplots(), looks(series)
    pitch = 1 / (len(series) + 0.8)
    for y, factor in enumerate(order):
        if y % 2 == 0:
            axis.axhspan(y - 0.5, y + 0.5, color="#f3f3f1", linewidth=0, zorder=0)
        for index, one in enumerate(series):
            rows = table.loc[(table["factor"] == factor) & (table[by] == one)].sort_values(name, kind="stable")
            at = y + pitch * (index - (len(series) - 1) / 2)
            if len(rows):
                _range(axis, rows, name, at, look[one], f"{cell_label(one)}, {labels.get(factor, label_of(factor))}")
    for one in series:
        base = table.loc[(table["factor"] == BASE) & (table[by] == one), name].tolist()
        for x in base[:1]:
            (line,) = axis.plot([x, x], [-0.5, len(order) - 0.5], color=look[one].colour, linestyle=look[one].dash,
                                linewidth=0.9, zorder=1)  # fmt: skip
            mark(line, f"{cell_label(one)}, base: {digits(x)}")
        axis.plot([], [], color=look[one].colour, marker=look[one].marker, linestyle=look[one].dash,
                  label=drawable(cell_label(one), 24))  # fmt: skip
    values = [*table[name].tolist(), *([] if level is None else [level])]
    if max(values) > LINEAR * min(values):
        axis.set_xscale("log")
        axis.set_xlim(min(values) / 1.6, max(values) * 1.6)
        decades(axis.xaxis, min(values), max(values))
    else:
        room = 0.25 * (max(values) - min(values) or max(values))
        axis.set_xlim(min(values) - room, max(values) + room)
    if level is not None:
        axis.axvline(level, color=INK, linewidth=0.9)
    axis.set_yticks(range(len(order)), [drawable(labels.get(factor, label_of(factor)), 26) for factor in order])
    axis.set_ylim(len(order) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.set_xlabel(drawable(title, 100))
    figure.legend(loc="outside upper left", ncols=min(across, len(series)), handlelength=3)


def _range(axis: "Axes", rows: Any, name: str, y: float, own: Any, head: str) -> None:
    """Draw one factor's values of one series; the least and the greatest say at which value of the factor they are."""
    xs, values = rows[name].tolist(), rows["value"].tolist()
    axis.plot([xs[0], xs[-1]], [y, y], color=own.colour, linewidth=1.4, solid_capstyle="butt", zorder=2)
    (dots,) = axis.plot(xs, [y] * len(xs), linestyle="none", marker=own.marker, color=own.colour, markersize=3.6,
                        zorder=3)  # fmt: skip
    mark(dots, *(f"{head} {value}: {digits(x)}" for x, value in zip(xs, values, strict=True)))
    ends = [(xs[0], values[0], -5, "right"), (xs[-1], values[-1], 5, "left")]
    for x, value, offset, side in ends if len(xs) > 1 else ends[1:]:
        axis.annotate(drawable(value, 14), (x, y), (offset, 0), textcoords="offset points", ha=side,
                      va="center_baseline", fontsize=6.5, color=INK, zorder=4, bbox=BEHIND)  # fmt: skip
