"""The picture of a miss-ratio curve."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from traces.files import replacing

if TYPE_CHECKING:
    import pandas as pd

_POINTS = 2000  # of millions; more than the width of a page in dots
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def draw_curve(curve: "pd.DataFrame", title: str, path: Path) -> None:
    """Draw misses and write-backs against capacity; the form is that of the file's ending: pdf, png or svg.

    Args:
        curve: a row a capacity, ascending; columns capacity_bytes, accesses, miss_ratio, writebacks.
        title: what stands above it.
        path: the picture, whole or absent.

    Raises:
        InputError: where its folder does not exist.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    places = np.unique(np.rint(np.geomspace(1, max(len(curve), 1), _POINTS)).astype(int)) - 1
    shown = curve.iloc[places[places < len(curve)]]
    writebacks = shown["writebacks"] / shown["accesses"].clip(lower=1)
    with mpl.rc_context({"pdf.fonttype": 42, "svg.hashsalt": "hwmodel"}):
        figure = Figure(figsize=(6.4, 3.6), layout="constrained")
        axes = figure.add_subplot(xscale="log")
        axes.step(shown["capacity_bytes"], shown["miss_ratio"], where="post", color="#1f5fa8", label="misses")
        axes.step(shown["capacity_bytes"], writebacks, where="post", color="#c2571a", label="write-backs")
        axes.set(xlabel="capacity", ylabel="per access", ylim=(0, None), title=title)
        axes.xaxis.set_major_locator(LogLocator(base=2, numticks=8))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _size(value)))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        form = path.suffix[1:].lower()
        dates = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
        with replacing(path) as temporary:
            figure.savefig(temporary, format=form, dpi=200, metadata=dates.get(form, {}))


def _size(value: float) -> str:
    unit = 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value /= 1024
        unit += 1
    return f"{value:g} {_UNITS[unit]}"
