"""A machine over time: what its anchors took, as they were and corrected, and what it told of itself meanwhile."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from reports.figures.canvas import INK, RULE, draw, drawable
from reports.figures.marks import mark
from reports.labels import digits
from reports.looks import looks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT_IN = 2.5
HELD = 97.0  # percentile of the departures that the axis holds; what lies beyond is drawn at its edge
SHORT_MIN = 5.0  # of a session that is told in seconds
TOLD_IN = 1.35


def course_figure(
    stem: str, anchors: Mapping[str, tuple[np.ndarray, np.ndarray]], slowness: tuple[np.ndarray, np.ndarray],
    corrected: Mapping[str, np.ndarray],
) -> dict[str, bytes]:  # fmt: skip
    """Return a figure's file name and SVG: each anchor's visits over the session, uncorrected and corrected.

    Args:
        stem: of the file name.
        anchors: a name, and at which minutes it took so much, relative to its own median.
        slowness: minutes and the course that corrects, in the same parts.
        corrected: of each anchor its times over that course, relative to their median.
    """
    return {f"{stem}.svg": draw(HEIGHT_IN, lambda figure: _paint(figure, anchors, slowness, corrected))}


def _paint(
    figure: "Figure", anchors: Mapping[str, tuple[np.ndarray, np.ndarray]], slowness: tuple[np.ndarray, np.ndarray],
    corrected: Mapping[str, np.ndarray],
) -> None:  # fmt: skip
    left, right = figure.subplots(1, 2, sharey=True)
    look = looks(list(anchors))
    every = np.concatenate([100 * (values - 1) for _, values in anchors.values()])
    factor, unit = clock(slowness[0])
    reach = 1.4 * max(float(np.percentile(np.abs(every), HELD)), 0.5)
    for axis, values_of in ((left, {name: values for name, (_, values) in anchors.items()}), (right, corrected)):
        axis.axhline(0, color=RULE, linewidth=0.7)
        for name, values in values_of.items():
            minutes, own = factor * anchors[name][0], look[name]
            shown = np.clip(100 * (values - 1), -0.98 * reach, 0.98 * reach)
            (dots,) = axis.plot(minutes, shown, linestyle="none", marker=own.marker, color=own.colour, markersize=2.8,
                                alpha=0.6, markeredgewidth=0)  # fmt: skip
            mark(dots, *(f"{name} after {digits(at)} {unit}: {100 * (value - 1):+.1f} %"
                         for at, value in zip(minutes, values, strict=True)))  # fmt: skip
        axis.set_ylim(-reach, reach)
        axis.set_xlabel(f"time since the first visit [{unit}]")
        axis.grid(visible=True, axis="y", color=RULE, alpha=0.15)
    left.plot(factor * slowness[0], np.clip(100 * (slowness[1] - 1), -reach, reach), color=INK, linewidth=1.2,
              label="course that corrects")  # fmt: skip
    left.set_ylabel("off the anchor’s median [%]")
    left.set_title("as measured")
    right.set_title("corrected")
    for name in anchors:
        left.plot([], [], linestyle="none", marker=look[name].marker, color=look[name].colour,
                  label=drawable(name, 24))  # fmt: skip
    figure.legend(loc="outside upper left", ncols=4)


def clock(minutes: np.ndarray) -> tuple[float, str]:
    """Return (factor, unit) in which a session's minutes read."""
    longest = float(minutes.max())
    return (60.0, "s") if longest < SHORT_MIN else (1.0, "min") if longest < 60 * SHORT_MIN else (1 / 60, "h")


def told_figure(stem: str, told: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> dict[str, bytes]:
    """Return a figure's file name and SVG: what the machine told of itself over the session, a panel each.

    Args:
        stem: of the file name.
        told: (title with its unit, minutes, values) of each.
    """
    return {f"{stem}.svg": draw(TOLD_IN, lambda figure: _told(figure, told))} if told else {}


def _told(figure: "Figure", told: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> None:
    for axis, (title, minutes, values) in zip(figure.subplots(1, len(told), squeeze=False)[0], told, strict=True):
        factor, unit = clock(minutes)
        axis.plot(factor * minutes, values, color=INK, linewidth=0.9)
        room = max(0.15 * float(np.ptp(values)), 0.02 * abs(float(values.mean())), 1e-9)
        axis.set_ylim(values.min() - room, values.max() + room)
        axis.set_title(drawable(title, 40))
        axis.set_xlabel(f"time since the first visit [{unit}]")
        axis.grid(visible=True, axis="y", color=RULE, alpha=0.15)
