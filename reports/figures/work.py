"""Time over multiply-accumulates: what was measured, and the straight line that counts nothing else."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from reports.figures.axes import decades, scaled
from reports.figures.canvas import RULE, draw, drawable
from reports.figures.marks import mark
from reports.looks import look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT_IN = 3.0
Point = tuple[float, float, float, float, str]  # MACs, seconds, low and high end, what it says


def work_figure(stem: str, groups: Mapping[str, Sequence[Point]]) -> dict[str, bytes]:
    """Return a figure's file name and SVG; nothing where there is nothing to draw.

    Args:
        stem: of the file name.
        groups: a kind of blocks, and its points.
    """
    return {f"{stem}.svg": draw(HEIGHT_IN, lambda figure: _paint(figure, groups))} if groups else {}


def _paint(figure: "Figure", groups: Mapping[str, Sequence[Point]]) -> None:
    axis = figure.subplots()
    every = np.array([point[:4] for points in groups.values() for point in points])
    factor, unit = scaled("x_s", every[:, 1].tolist())
    for index, (name, points) in enumerate(groups.items()):
        own = look(index)
        x, y, low, high = np.array([point[:4] for point in points]).T
        axis.vlines(x / 1e6, factor * low, factor * high, color=own.colour, alpha=0.3, linewidth=0.9)
        (dots,) = axis.plot(x / 1e6, factor * y, linestyle="none", marker=own.marker, color=own.colour, markersize=3.8,
                            markeredgewidth=0, label=drawable(name.replace("_", " "), 22))  # fmt: skip
        mark(dots, *(point[4] for point in points))
    learned = [name for name in groups if name != "network"] or list(groups)
    x, y = np.array([point[:2] for name in learned for point in groups[name]]).T
    if len(np.unique(x)) > 2:
        columns = np.stack([np.ones(len(x)), x / x.max()], axis=1)
        weights = np.linalg.lstsq(columns / y[:, None], np.ones(len(y)), rcond=None)[0]
        grid = np.geomspace(every[:, 0].min(), every[:, 0].max(), 200)
        said = weights[0] + weights[1] * grid / x.max()
        axis.plot(grid[said > 0] / 1e6, factor * said[said > 0], color=RULE, linewidth=0.9, linestyle=(0, (4, 2)),
                  label="straight line in MACs")  # fmt: skip
    for one, values, logarithmic in ((axis.xaxis, every[:, 0] / 1e6, axis.set_xscale),
                                     (axis.yaxis, factor * every[:, 1], axis.set_yscale)):  # fmt: skip
        logarithmic("log")
        decades(one, values.min(), values.max())
    axis.set_xlim(every[:, 0].min() / 1.4e6, every[:, 0].max() * 1.4e-6)
    axis.set_ylim(factor * every[:, 1].min() / 1.5, factor * every[:, 1].max() * 1.5)
    axis.set_xlabel("multiply-accumulates [millions]")
    axis.set_ylabel(f"processor time [{unit}]")
    figure.legend(loc="outside upper left", ncols=6)
