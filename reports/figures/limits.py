"""A job over its actors: frames/s as measured and modelled, what is busy, and what limits where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.figures.axes import decades
from reports.figures.canvas import INK, RULE, draw, tint
from reports.figures.marks import mark
from reports.figures.traffic import FILLS, OTHER
from reports.labels import counted, digits, percent
from reports.looks import look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LIMITS = ("actors", "threads", "device", "learner", "server")  # each has its fill in all figures
NONE_FULL = "nothing full"  # where actors are what limits
SPAN = 0.3  # how strong a stretch's colour is behind lines
BEYOND = 5.0  # times the most frames/s, up to which a bound widens the axis
Stretch = tuple[float, float, str]  # from, to, what limits there


@dataclass(frozen=True)
class Line:
    """Frames/s over actors, and of a band about them its ends."""

    name: str
    actors: Sequence[float]
    values: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


def fill_of(limit: str) -> tuple[str, str]:
    """Return the colour and hatch of what limits."""
    return FILLS[LIMITS.index(limit)] if limit in LIMITS else OTHER


def rates_figure(
    stem: str, lines: Sequence[Line], bounds: Sequence[Line], points: Sequence[tuple[float, float, str]],
    stretches: Sequence[Stretch],
) -> dict[str, bytes]:  # fmt: skip
    """Return a figure's file name and SVG: frames/s over actors, both logarithmic.

    Args:
        stem: of the file name.
        lines: modelled; two, the one on top last.
        bounds: what cannot be passed, and what would be without a limit; each may leave the axis.
        points: actors, frames/s as measured, and what a mark says.
        stretches: what limits where.
    """
    return {f"{stem}.svg": draw(3.15, lambda figure: _rates(figure, lines, bounds, points, stretches))}


def _rates(
    figure: "Figure", lines: Sequence[Line], bounds: Sequence[Line], points: Sequence[tuple[float, float, str]],
    stretches: Sequence[Stretch],
) -> None:  # fmt: skip
    axis = figure.subplots()
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    shown = [value for line in lines for value in (*line.values, *line.low, *line.high)]
    shown += [value for _, value, _ in points]
    high = max([max(shown), *(max(one.values) for one in bounds if max(one.values) < BEYOND * max(shown))])
    axis.set_ylim(min(shown) / 1.25, high * 1.6)
    for place, one in enumerate(bounds):
        axis.plot(one.actors, one.values, color=RULE, linewidth=1.0, label=one.name,
                  linestyle=("-.", (0, (1, 1.2)), (0, (7, 3)))[place % 3])  # fmt: skip
    for place, one in zip((1, 0), lines, strict=True):
        own = look(place + 1)
        if one.low:
            axis.fill_between(one.actors, one.low, one.high, color=own.colour, alpha=0.16, linewidth=0)
        (drawn,) = axis.plot(one.actors, one.values, color=own.colour, linestyle=own.dash, marker=own.marker,
                             markersize=3.4, label=one.name)  # fmt: skip
        band = list(zip(one.low, one.high, strict=True)) or [None] * len(one.values)
        mark(drawn, *(f"{one.name}, {actors:g} actors: {digits(value)} frames/s"
                      + (f" ({digits(ends[0])} to {digits(ends[1])})" if ends else "")
                      for actors, value, ends in zip(one.actors, one.values, band, strict=True)))  # fmt: skip
    if points:
        (dots,) = axis.plot([x for x, _, _ in points], [y for _, y, _ in points], linestyle="none", marker="s",
                            color=INK, markersize=4.6, label="measured", zorder=5)  # fmt: skip
        mark(dots, *(tip for _, _, tip in points))
    _stretches(axis, stretches)
    _actors(axis, lines[0].actors)
    low, top = axis.get_ylim()
    decades(axis.yaxis, low, top)
    axis.set_ylabel("frames/s")
    figure.legend(loc="outside upper left", ncols=4, handlelength=3)


def _stretches(axis: "Axes", stretches: Sequence[Stretch]) -> None:
    """Colour each stretch by what limits it, and write that at its head."""
    for begin, end, limit in stretches:
        axis.axvspan(begin, end, color=tint(fill_of(limit)[0], SPAN), linewidth=0, zorder=-2)
        axis.axvline(end, color=RULE, linewidth=0.4, zorder=-1)
        wide = np.log2(end / begin) > 0.9
        name = (NONE_FULL if wide else "none") if limit == "actors" else limit
        axis.annotate(name, ((begin * end) ** 0.5, 1), (0, -2.5), xycoords=("data", "axes fraction"), ha="center",
                      textcoords="offset points", va="top", fontsize=7 if wide else 6, color=INK, zorder=6)  # fmt: skip
    if stretches:
        axis.set_xlim(stretches[0][0], stretches[-1][1])


def _actors(axis: "Axes", actors: Sequence[float]) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axis.xaxis.set_major_locator(FixedLocator([float(1 << power) for power in range(20) if 1 << power <= max(actors)]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlabel("actors")


def busy_figure(
    stem: str, actors: Sequence[float], lines: Mapping[str, Sequence[float]], stretches: Sequence[Stretch]
) -> dict[str, bytes]:
    """Return a figure's file name and SVG: shares of the time over actors.

    Args:
        stem: of the file name.
        actors: rising.
        lines: a name, and a share for each number of actors.
        stretches: what limits where.
    """
    return {f"{stem}.svg": draw(2.3, lambda figure: _busy(figure, actors, lines, stretches))}


def _busy(
    figure: "Figure", actors: Sequence[float], lines: Mapping[str, Sequence[float]], stretches: Sequence[Stretch]
) -> None:
    axis = figure.subplots()
    axis.set_xscale("log", base=2)
    for place, (name, values) in enumerate(lines.items()):
        own = look(place)
        (drawn,) = axis.plot(actors, [100 * value for value in values], color=own.colour, linestyle=own.dash,
                             marker=own.marker, markersize=3.4, label=name)  # fmt: skip
        mark(drawn, *(f"{name}, {number:g} actors: {percent(value)}"
                      for number, value in zip(actors, values, strict=True)))  # fmt: skip
    _stretches(axis, stretches)
    axis.set_ylim(0, 118)
    axis.set_yticks(range(0, 101, 25))
    axis.grid(visible=True, axis="y", color=RULE, alpha=0.15)
    axis.set_ylabel("share [%]")
    _actors(axis, actors)
    figure.legend(loc="outside upper left", ncols=4, handlelength=3)


def limit_map_figure(stem: str, cells: Sequence[tuple[int, int, float, str]], held: int) -> dict[str, bytes]:
    """Return a figure's file name and SVG: a cell a number of actors and threads, by what limits, with its frames/s.

    Args:
        stem: of the file name.
        cells: actors, threads, frames/s, what limits.
        held: the threads that were measured on, whose row is framed.
    """
    rows = len({threads for _, threads, _, _ in cells})
    return {f"{stem}.svg": draw(0.8 + 0.24 * rows, lambda figure: _map(figure, cells, held))}


def _map(figure: "Figure", cells: Sequence[tuple[int, int, float, str]], held: int) -> None:
    from matplotlib.patches import Patch, Rectangle

    axis = figure.subplots()
    columns, rows = (sorted({cell[part] for cell in cells}) for part in (0, 1))
    for actors, threads, rate, limit in cells:
        x, y = columns.index(actors), rows.index(threads)
        colour, hatch = fill_of(limit)
        box: Any = axis.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=tint(colour, 0.75), hatch=hatch,
                                            edgecolor=tint(RULE, 0.25), linewidth=0.4))  # fmt: skip
        mark(box, f"{actors} actors, {threads} threads: {digits(rate)} frames/s, limit: {limit}")
        axis.text(x, y, counted(rate), ha="center", va="center", fontsize=7, color=INK, zorder=4,
                  bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.6})  # fmt: skip
    if held in rows:
        axis.add_patch(Rectangle((-0.48, rows.index(held) - 0.48), len(columns) - 0.04, 0.96, fill=False,
                                 edgecolor=INK, linewidth=1.3, zorder=5))  # fmt: skip
    axis.set_xlim(-0.5, len(columns) - 0.5)
    axis.set_ylim(-0.5, len(rows) - 0.5)
    axis.set_xticks(range(len(columns)), [f"{one:,}" for one in columns])
    axis.set_yticks(range(len(rows)), [f"{one:,}" for one in rows])
    axis.tick_params(length=0)
    axis.set_xlabel("actors")
    axis.set_ylabel("threads")
    named = [one for one in LIMITS if any(cell[3] == one for cell in cells)]
    handles = [Patch(facecolor=tint(fill_of(one)[0], 0.75), hatch=fill_of(one)[1], edgecolor=tint(RULE, 0.25),
                     label={"actors": f"{NONE_FULL}: actors", "threads": "the CPU’s threads", "device": "the device",
                            "learner": "the learner", "server": "the server"}[one]) for one in named]  # fmt: skip
    figure.legend(handles=handles, loc="outside upper left", ncols=5)
