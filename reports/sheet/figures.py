"""The pictures of a datasheet: the caches that it was chosen among, its leakage, and what moves it."""

from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.cache.design import FIELDS
from hwmodel.units import label_of, scale_of
from reports.figures.canvas import HALF_IN, INK, RULE, draw, drawable
from reports.looks import look
from reports.sheet.facts import FRONT, MOST, Sheet
from reports.sheet.names import moved_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.contour import QuadContourSet
    from matplotlib.figure import Figure

ACCENT, CHOSEN, PALE = "#0b4f7d", "#D55E00", "#9CC3DD"
STAR: dict[str, Any] = {"marker": "*", "markersize": 10, "linestyle": "none", "color": CHOSEN,
                        "markeredgecolor": "white", "markeredgewidth": 0.6, "clip_on": False, "zorder": 5}  # fmt: skip
CELLS, SHADES = 90, 7  # across the map of energies; of it
REACH = 2.0  # how many times slower or larger than the cache those shown may be
LEAST_POINTS = 12  # fewer designs are drawn as points
HEIGHT_IN = 2.55
CUT = 30.0  # per cent, at which a bar is cut and says how long it is


def sheet_figures(sheet: Sheet) -> dict[str, bytes]:
    """Return the SVGs by file name."""
    count = min(MOST, len(sheet.swings()))
    return {
        "front.svg": draw(HEIGHT_IN, lambda figure: _front(figure, sheet), HALF_IN),
        "leakage.svg": draw(HEIGHT_IN, lambda figure: _leakage(figure, sheet), HALF_IN),
        "tornado.svg": draw(0.7 + 0.17 * count, lambda figure: _tornado(figure, sheet)),
    }


def _front(figure: "Figure", sheet: Sheet) -> None:
    """Draw the front of read latency against area over a map of the least read energy that fits within both."""
    axis, table, design = figure.subplots(), sheet.front, sheet.design
    near = (table["read_latency_s"] <= REACH * design.read_latency_s) & (table["area_m2"] <= REACH * design.area_m2)
    shown = [table.loc[near, name].to_numpy() for name in FRONT]
    (fx, ux), (fy, uy), (fe, ue) = (scale_of(n, [float(np.median(c))]) for n, c in zip(FRONT, shown, strict=True))
    x, y, energy = shown[0] * fx, shown[1] * fy, shown[2] * fe
    if len(x) >= LEAST_POINTS and min(np.ptp(x), np.ptp(y)) > 0 and np.ptp(energy) > 0.02 * energy.min():
        bar = figure.colorbar(_map(axis, x, y, energy), ax=axis, label=f"least read energy [{ue}]", aspect=28, pad=0.03)
        bar.ax.tick_params(length=0)
    else:
        axis.plot(x, y, "o", color=ACCENT)
    axis.step(
        np.sort(x), np.minimum.accumulate(y[np.argsort(x, kind="stable")]), where="post", color=INK, label="front"
    )
    axis.plot([design.read_latency_s * fx], [design.area_m2 * fy], **STAR, label="this cache")
    axis.set_xlabel(f"read latency [{ux}]")
    axis.set_ylabel(f"area [{uy}]")
    figure.legend(loc="outside upper left", ncols=2)


def _map(axis: "Axes", x: np.ndarray, y: np.ndarray, energy: np.ndarray) -> "QuadContourSet":
    """Shade the plane by the least energy of the caches that are no slower and no larger; blank where there is none."""
    from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap

    across, up = np.linspace(x.min(), x.max(), CELLS), np.linspace(y.min(), y.max(), CELLS)
    least = np.full((CELLS, CELLS), np.inf)
    at = (np.minimum(np.searchsorted(up, values), CELLS - 1) for up, values in ((up, y), (across, x)))
    np.minimum.at(least, tuple(at), energy)
    least = np.minimum.accumulate(np.minimum.accumulate(least, axis=0), axis=1)
    quantiles = np.quantile(least[np.isfinite(least)], np.linspace(0, 0.9, SHADES))
    levels = np.unique([float(f"{level:.3g}") for level in quantiles])
    if len(levels) < 3:
        levels = np.linspace(energy.min(), energy.max(), 4)
    colours = LinearSegmentedColormap.from_list("energy", ["#2b6f9c", "#d9e7f1", "#f3ead6"])
    return axis.contourf(across, up, np.ma.masked_invalid(least), levels=levels, cmap=colours, extend="both",
                         norm=BoundaryNorm(levels, colours.N, extend="both"))  # fmt: skip


def _leakage(figure: "Figure", sheet: Sheet) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis, design = figure.subplots(), sheet.design
    known = [v for row in sheet.leakage.values() for v in row if v is not None]
    factor, unit = scale_of("leakage_W", [max(known)])
    for index, (school, row) in enumerate(sheet.leakage.items()):
        own = look(index)
        values = [np.nan if v is None else v * factor for v in row]
        axis.plot(sheet.temperatures, values, color=own.colour, linestyle=own.dash, label=drawable(school, 18),
                  linewidth=2.0 if school == design.leakage else 1.1)  # fmt: skip
    axis.plot([design.temperature_K], [design.leakage_W * factor], **STAR)
    axis.set_yscale("log")
    axis.set_xlim(sheet.temperatures[0], sheet.temperatures[-1])
    axis.yaxis.set_major_locator(LogLocator(10, (1, 2, 5) if max(known) < 50 * min(known) else (1,), numticks=12))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.grid(visible=True, axis="y", color=RULE, alpha=0.15)
    axis.set_xlabel("temperature [K]")
    axis.set_ylabel(f"power at rest [{unit}]")
    figure.legend(loc="outside upper left", ncols=3, handlelength=2.4)


def _tornado(figure: "Figure", sheet: Sheet) -> None:
    swings = sheet.swings().head(MOST)
    axes = figure.subplots(1, len(FIELDS), sharey=True, squeeze=False)[0]
    rows = sheet.moved.set_index(["assumption", "output"])
    for axis, output in zip(axes, FIELDS, strict=True):
        shares = {(y, end): 100 * (rows.loc[(name, output)][end] / rows.loc[(name, output)]["base"] - 1)
                  for y, name in enumerate(swings.index) for end in ("low", "high")}  # fmt: skip
        reach = min(max([abs(share) for share in shares.values() if np.isfinite(share)] + [0.1]), CUT)
        for (y, end), share in shares.items():
            if not np.isfinite(share):
                axis.plot([0], [y], marker="x", markersize=4, color=CHOSEN)
                continue
            cut = float(np.clip(share, -reach, reach))
            axis.barh(y, cut, 0.68, color=ACCENT if end == "high" else PALE, edgecolor="none")
            if cut != share:
                axis.text(cut / 2, y, f"{share:+.0f}".replace("-", "−"), ha="center", va="center_baseline",
                          fontsize=6.5, color="white" if end == "high" else INK)  # fmt: skip
        axis.set_xlim(-1.1 * reach, 1.1 * reach)
        side = float(f"{reach / 1.15:.1g}") if reach < CUT else reach
        axis.set_xticks([-side, 0, side], [f"−{side:g}", "0", f"+{side:g}"], fontsize=7)
        axis.axvline(0, color=RULE, linewidth=0.6)
        axis.set_title(label_of(output), loc="center", fontweight="normal", fontsize=8)
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
    base = sheet.moved.drop_duplicates("assumption").set_index("assumption")["base_at"]
    labels = [drawable(moved_label(name, base[name]), 46) for name in swings.index]
    axes[0].set_yticks(range(len(labels)), labels)
    axes[0].set_ylim(len(labels) - 0.4, -0.6)
    figure.supxlabel("change of the output [%]: dark with the assumption raised, pale with it lowered", fontsize=8.5,
                     color=INK)  # fmt: skip
