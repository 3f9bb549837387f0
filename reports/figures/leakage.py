"""How the answer moves with the baseline's leakage, the least certain figure of all."""

from typing import TYPE_CHECKING

from reports.figures.canvas import INK, RULE, draw, drawable
from reports.figures.marks import mark
from reports.labels import cell_label, times
from reports.looks import looks
from reports.numbers import reduction, spread
from reports.results import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SCALES = [2.0 ** (-step / 4) for step in range(33)]  # 1 down to 1/256
MARKED = (1.0, 1 / 3, 1 / 9)


def leakage_figures(study: Study) -> dict[str, bytes]:
    """Return the figure's file name and SVG; empty where there is nothing to compare."""
    return {"leakage.svg": draw(2.5, lambda figure: _paint(figure, study))} if study.others else {}


def _paint(figure: "Figure", study: Study) -> None:
    axes = figure.subplots(1, 2, sharey=True)
    for axis, dram in zip(axes, (False, True), strict=True):
        _panel(axis, study, dram=dram)
    base = drawable(cell_label(study.baseline), 20)
    axes[0].set_ylabel(f"EDP of {base} / EDP of the cell")
    figure.supxlabel(f"leakage of {base}, relative to what was modelled", fontsize=8.5, color=INK)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=min(6, len(labels)), handlelength=3)


def _panel(axis: "Axes", study: Study, *, dram: bool) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

    look = looks(study.cells)
    for cell in study.others:
        spreads = [spread(reduction(study, cell, dram=dram, leakage=scale)) for scale in SCALES]
        axis.fill_between(
            SCALES,
            [s.low for s in spreads],
            [s.high for s in spreads],
            color=look[cell].colour,
            alpha=0.18,
            linewidth=0,
        )
        axis.plot(SCALES, [s.median for s in spreads], color=look[cell].colour, linestyle=look[cell].dash)
        at = [spread(reduction(study, cell, dram=dram, leakage=scale)) for scale in MARKED]
        (line,) = axis.plot(
            MARKED, [s.median for s in at], linestyle="none", marker=look[cell].marker, color=look[cell].colour
        )
        mark(line, *(f"{cell_label(cell)}, leakage × {scale:.2g}: EDP {times(s.median)} times lower "
                     f"({times(s.low)} to {times(s.high)})" for scale, s in zip(MARKED, at, strict=True)))  # fmt: skip
        axis.plot(
            [],
            [],
            marker=look[cell].marker,
            color=look[cell].colour,
            linestyle=look[cell].dash,
            label=drawable(cell_label(cell), 24),
        )
    axis.axhline(1, color=look[study.baseline].colour, linewidth=1)
    axis.set_xscale("log")
    axis.set_xlim(1.12, SCALES[-1])
    axis.xaxis.set_major_locator(FixedLocator([1, 1 / 3, 1 / 9, 1 / 27, 1 / 81, 1 / 243]))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: "1" if value > 0.9 else f"1/{1 / value:.0f}"))
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.grid(visible=True, axis="y", color=RULE, alpha=0.15)
    axis.set_title("with DRAM" if dram else "cache alone")
