"""The caches side by side: area, latencies, energies and leakage, a panel a figure, each from zero."""

from typing import TYPE_CHECKING

from hwmodel.units import label_of, scale_of
from reports.figures.canvas import INK, draw, drawable
from reports.figures.marks import mark
from reports.labels import cell_label, digits
from reports.looks import looks
from reports.results import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = ("read_latency_s", "read_energy_J", "leakage_W", "write_latency_s", "write_energy_J", "area_m2")


def cache_figures(study: Study) -> dict[str, bytes]:
    """Return the figure's file name and SVG."""
    return {"caches.svg": draw(0.3 + 2 * (0.42 + 0.2 * len(study.cells)), lambda figure: _paint(figure, study))}


def _paint(figure: "Figure", study: Study) -> None:
    grid = figure.subplots(2, 3, sharey=True)
    for axis, name in zip(grid.flat, PANELS, strict=True):
        _panel(axis, study, name)
    for axis in grid[:, 0]:
        axis.set_yticks(range(len(study.cells)), [drawable(cell_label(cell), 20) for cell in study.cells])
    figure.get_layout_engine().set(hspace=0.06, wspace=0.06)  # type: ignore[union-attr]


def _panel(axis: "Axes", study: Study, name: str) -> None:
    values = [study.caches[cell][name] for cell in study.cells]
    factor, unit = scale_of(name, values)
    look = looks(study.cells)
    longest = max(values) * factor or 1.0
    for y, (cell, value) in enumerate(zip(study.cells, values, strict=True)):
        (bar,) = axis.barh(y, value * factor, 0.72, color=look[cell].colour)
        mark(bar, f"{cell_label(cell)}: {label_of(name)} {digits(value * factor)} {unit}")
        axis.text(value * factor + 0.02 * longest, y, digits(value * factor), va="center", fontsize=8, color=INK)
    axis.set_xlim(0, longest * 1.22)
    axis.set_ylim(len(study.cells) - 0.5, -0.5)
    axis.set_title(f"{label_of(name)} [{unit}]")
    axis.tick_params(axis="y", length=0)
    axis.set_xticks([])
    axis.spines["bottom"].set_visible(False)
