"""Drawing to SVG: one style, text as outlines, the same bytes for the same numbers."""

import functools
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from reports.figures.marks import titled
from reports.labels import shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH_IN = 162 / 25.4  # the page's text width
HALF_IN = (162 - 8) / 2 / 25.4  # of one of two columns on it
STYLE = Path(__file__).parent.parent / "templates" / "report.mplstyle"
INK, RULE = "#222222", "#555555"

Item = TypeVar("Item")


def draw(height_in: float, paint: Callable[["Figure"], None], width_in: float = WIDTH_IN) -> bytes:
    """Return an SVG of the page's text width, or another, and `height_in` inches that `paint` drew."""
    import matplotlib.style
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with warnings.catch_warnings(), matplotlib.style.context(STYLE):
        warnings.simplefilter("ignore", UserWarning)  # a layout that had to squeeze, which is looked at, not logged
        figure = Figure(figsize=(width_in, height_in))
        FigureCanvasSVG(figure)
        paint(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": "hwmodel"})
    return titled(buffer.getvalue())


@functools.cache
def _glyphs() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(code for name in ("STIXGeneral", "DejaVu Sans") for code in get_font(findfont(name)).get_charmap())


def drawable(text: str, length: int = 40) -> str:
    """Return `text` shortened for a figure, a box in place of each character that the figures' fonts lack."""
    return "".join(c if ord(c) in _glyphs() else "\u25a1" for c in shorten(text, length))


def chunks(items: Sequence[Item], most: int) -> Iterator[Sequence[Item]]:
    """Yield `items` in as few parts of at most `most` as there can be, of nearly equal lengths."""
    parts = -(-len(items) // most)
    for part in range(parts):
        yield items[part * len(items) // parts : (part + 1) * len(items) // parts]


def tint(colour: str, strength: float) -> tuple[float, float, float]:
    """Return `colour` mixed with white: all of it at strength 1, white at 0."""
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    return 1 - strength * (1 - red), 1 - strength * (1 - green), 1 - strength * (1 - blue)


def names(stem: str, count: int) -> list[str]:
    """Return the file names of a figure in `count` parts."""
    return [f"{stem}.svg"] if count == 1 else [f"{stem}-{part + 1}.svg" for part in range(count)]
