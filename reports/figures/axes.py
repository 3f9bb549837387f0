"""Axes that figures share: logarithmic ones with ticks that read, in units that read."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hwmodel.units import label_of, scale_of, show, unit_of
from reports.figures.canvas import RULE
from reports.labels import digits

if TYPE_CHECKING:
    from matplotlib.axis import Axis


def title_of(name: str, unit: str, title: str = "") -> str:
    """Return an axis' title: `EDP [mJ·s]`."""
    return (title or label_of(name)) + (f" [{unit}]" if unit else "")


def scaled(name: str, values: Sequence[float]) -> tuple[float, str]:
    """Return (factor, unit) by the middle of `values` on a logarithmic scale, so that ticks read."""
    positive = [value for value in values if value > 0]
    middle = math.sqrt(min(positive) * max(positive)) if positive else 0.0
    return scale_of(name, [middle])


def decades(axis: "Axis", low: float, high: float) -> None:
    """Tick a logarithmic axis from `low` to `high` at 1, or at 1, 2 and 5, of each power of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    axis.set_major_locator(LogLocator(10, (1, 2, 5) if high < 200 * low else (1,), numticks=12))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    axis.set_minor_formatter(NullFormatter())
    axis.grid(visible=True, color=RULE, alpha=0.15)


def doublings(axis: "Axis", name: str, values: Sequence[float], most: int) -> None:
    """Tick a logarithmic axis at `most` of `values`, evenly: `1 MiB`, `4 MiB`."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    found = sorted(set(values))
    step = -(-len(found) // most)
    ticks = found[::step]
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FixedFormatter([show(name, value) for value in ticks]))
    axis.set_minor_locator(NullLocator())


def rounded(name: str, value: float) -> str:
    """Return a value to two digits with its unit, as a figure has room for: `52 MiB`."""
    factor, unit = scale_of(name, [value])
    return f"{digits(value * factor, 2)} {unit}".rstrip()


def doubles(name: str) -> bool:
    """Return whether a column is one whose values double, as capacities and batches do."""
    return unit_of(name) == "_bytes" or name == "batch"
