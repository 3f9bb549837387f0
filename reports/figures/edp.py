"""EDP relative to the baseline, a row a network and phase: filled without DRAM, open with it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.figures.canvas import INK, RULE, chunks, draw, drawable, names
from reports.figures.marks import mark
from reports.labels import cell_label, digits, network_label, workload_label
from reports.looks import looks
from reports.numbers import relative
from reports.results import Study, Workload

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ROWS = 36


def edp_figures(study: Study) -> dict[str, bytes]:
    """Return the figure's file names and SVGs; empty where there is nothing to compare."""
    if not study.others:
        return {}
    pages = list(chunks(study.workloads, MOST_ROWS))
    limits = _limits(study)
    return {
        name: draw(0.95 + 0.21 * len(page) + 0.12 * len({phase for _, phase in page}),
                   lambda figure, page=page: _paint(figure, study, page, limits))
        for name, page in zip(names("edp", len(pages)), pages, strict=True)
    }  # fmt: skip


def _limits(study: Study) -> tuple[float, float]:
    ratios = [
        r for cell in study.others for name in ("cache_edp_Js", "edp_Js") for r in relative(study, cell, name).values()
    ]
    return min(ratios), max([*ratios, 1.0])


def _paint(figure: "Figure", study: Study, page: Sequence[Workload], limits: tuple[float, float]) -> None:
    axis = figure.subplots()
    look = looks(study.cells)
    places = _places(page)
    for y in places:
        axis.axhline(y, color="#e4e4e4", linewidth=0.5, zorder=0)
    for index, cell in enumerate(study.others):
        dodge = 0.24 * (index - (len(study.others) - 1) / 2) / max(1, (len(study.others) - 1) / 2)
        for name, filled in (("cache_edp_Js", True), ("edp_Js", False)):
            ratios = relative(study, cell, name)
            where = "cache alone" if filled else "with DRAM"
            label = f"{drawable(cell_label(cell), 24)}, {where}"
            rows = [y + dodge for y in places]
            (line,) = axis.plot([ratios[w] for w in page], rows, linestyle="none", marker=look[cell].marker,
                                color=look[cell].colour, markerfacecolor=look[cell].colour if filled else "white",
                                markeredgewidth=1, label=label)  # fmt: skip
            mark(line, *(f"{workload_label(w)}, {cell_label(cell)}, {where}: EDP {digits(ratios[w])} × "
                         f"{cell_label(study.baseline)}’s" for w in page))  # fmt: skip
    _scale(axis, limits)
    axis.axvline(1, color=look[study.baseline].colour, linewidth=1)
    base = drawable(cell_label(study.baseline), 24)
    axis.annotate(base, (1, 1), (0, 2), xycoords=("data", "axes fraction"), textcoords="offset points", ha="center",
                  va="bottom", fontsize=8, color=look[study.baseline].colour)  # fmt: skip
    axis.set_yticks(places, [drawable(network_label(network), 28) for network, _ in page])
    axis.set_ylim(max(places) + 0.7, -1.3)
    for y, phase in zip(places, _starts(page), strict=True):
        if phase:
            axis.annotate(drawable(phase, 40), (0, y - 0.55), (3, 0), xycoords=("axes fraction", "data"),
                          textcoords="offset points", fontweight="bold", va="bottom", color=INK)  # fmt: skip
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.set_xlabel(drawable(f"energy-delay product / {cell_label(study.baseline)}’s  (less is better)", 90))
    figure.legend(loc="outside upper left", ncols=2 if len(study.others) < 3 else 3)


def _starts(page: Sequence[Workload]) -> list[str]:
    """Return the phase at each row that begins one, else the empty string."""
    return [w[1] if i == 0 or page[i - 1][1] != w[1] else "" for i, w in enumerate(page)]


def _places(page: Sequence[Workload]) -> list[float]:
    places, y = [], -1.0
    for phase in _starts(page):
        y += 1.8 if phase and places else 1.0
        places.append(y)
    return places


def _scale(axis: "Axes", limits: tuple[float, float]) -> None:
    low, high = limits
    if high <= 2.5 and low >= 0.02:
        axis.set_xlim(0, high * 1.06)
        return
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_xscale("log")
    axis.set_xlim(low / 1.25, high * 1.25)
    axis.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())  # over less than a decade they would be written, one on another
    axis.grid(visible=True, axis="x", color=RULE, alpha=0.15)
