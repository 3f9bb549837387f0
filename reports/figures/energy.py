"""Where the energy goes: dynamic, leakage and DRAM, a bar a cell, relative to the baseline's whole."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.figures.canvas import INK, RULE, chunks, draw, drawable, names, tint
from reports.figures.marks import mark
from reports.labels import cell_label, digits, engineering, network_label
from reports.looks import looks
from reports.record import Row
from reports.results import Study

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTS = ("dynamic", "leakage", "DRAM")
STRENGTH = (1.0, 0.45, 0.12)
HATCH = ("", "/////", "----")
MOST_BARS, MOST_ROWS = 42, 4  # in a row of panels; rows in a figure


def parts(row: Row) -> tuple[float, float, float]:
    """Return a row's dynamic, leakage and DRAM energy in J, its sum the energy with DRAM."""
    return row["dynamic_energy_J"], row["leakage_energy_J"], row["dram_energy_J"]


def energy_figures(study: Study) -> dict[str, bytes]:
    """Return the figure's file names and SVGs: a row of panels a phase, in more rows and files where there are many."""
    most = max(1, MOST_BARS // (len(study.cells) + 1))
    rows = [
        (phase, part) for phase in study.phases for part in chunks([n for n, p in study.workloads if p == phase], most)
    ]
    pages = list(chunks(rows, MOST_ROWS))
    width = max(len(networks) for _, networks in rows)
    return {
        name: draw(0.5 + 1.5 * len(page), lambda figure, page=page: _paint(figure, study, page, width))
        for name, page in zip(names("energy", len(pages)), pages, strict=True)
    }


def _paint(figure: "Figure", study: Study, page: Sequence[tuple[str, Sequence[str]]], width: int) -> None:
    axes = figure.subplots(len(page), 1, squeeze=False, sharey=True)[:, 0]
    for axis, (phase, networks) in zip(axes, page, strict=True):
        _panel(axis, study, phase, networks, width)
    _legend(figure, study)
    figure.supylabel(f"energy / {drawable(cell_label(study.baseline), 16)}’s", fontsize=8.5, color=INK)


def _panel(axis: "Axes", study: Study, phase: str, networks: Sequence[str], width: int) -> None:
    from matplotlib.transforms import ScaledTranslation

    slots = len(study.cells) + 1
    look = looks(study.cells)
    top, down = 0.0, ScaledTranslation(0, -5 / 72, axis.figure.dpi_scale_trans)  # points, below the axis
    for group, network in enumerate(networks):
        whole = study.row((network, phase), study.baseline)["energy_J"]
        for index, cell in enumerate(study.cells):
            x, below = group * slots + index, 0.0
            split = zip(PARTS, parts(study.row((network, phase), cell)), STRENGTH, HATCH, strict=True)
            for name, part, strength, hatch in split:
                (bar,) = axis.bar(x, part / whole, 0.86, below, color=tint(look[cell].colour, strength), hatch=hatch,
                                  edgecolor=look[cell].colour)  # fmt: skip
                mark(bar, f"{network_label(network)} {phase}, {cell_label(cell)}: {name} {engineering('x_J', part)}, "
                          f"{digits(part / whole, 2)} of {cell_label(study.baseline)}’s whole energy")  # fmt: skip
                below += part / whole
            axis.plot([x], [0], marker=look[cell].marker, color=look[cell].colour, markersize=4, clip_on=False,
                      transform=axis.transData + down)  # fmt: skip
            if width * slots <= 30:
                axis.text(x, below, f" {below:.2f}", ha="center", va="bottom", fontsize=7, color=INK)
            top = max(top, below)
    axis.set_xticks(
        [group * slots + (slots - 2) / 2 for group in range(len(networks))],
        [drawable(network_label(network), max(6, 100 // width)) for network in networks],
    )
    spare = max(0.0, (12 - width * slots) / 2)  # a few bars stay bars
    axis.set_xlim(-0.9 - spare, width * slots - 1.1 + spare)
    axis.set_ylim(0, top * 1.12)
    axis.axhline(1, color=RULE, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0)
    axis.tick_params(axis="x", length=0, pad=9)
    batch = study.row((networks[0], phase), study.baseline)["batch"]
    axis.set_title(drawable(f"{phase}, batch {batch}", 80))


def _legend(figure: "Figure", study: Study) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    look = looks(study.cells)
    handles: list[Artist] = [Line2D([], [], linestyle="none", marker=look[cell].marker, color=look[cell].colour,
                      label=drawable(cell_label(cell), 24)) for cell in study.cells]  # fmt: skip
    handles += [Patch(facecolor=tint("#555555", strength), hatch=hatch, edgecolor="#555555", label=part)
                for part, strength, hatch in reversed(list(zip(PARTS, STRENGTH, HATCH, strict=True)))]  # fmt: skip
    figure.legend(handles=handles, loc="outside upper left", ncols=min(len(handles), 6))
