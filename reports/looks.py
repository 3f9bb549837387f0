"""How each cell is drawn, everywhere alike: told apart by lightness, marker and dash, never by hue alone.

Blue and orange are Okabe and Ito's (jfly.uni-koeln.de/color); the others are theirs, and Tol's purple, each moved to
the lightness that keeps it farthest from its neighbours': at least five units of L* for the usual eye, for
deuteranopia and for protanopia, and so in print without colour.
"""

from collections.abc import Sequence
from dataclasses import dataclass

Dash = str | tuple[float, tuple[float, ...]]

COLOURS = ("#404040", "#0072B2", "#E69F00", "#723989", "#008E68", "#CF80AB", "#91CEF1")
MARKERS = ("s", "o", "D", "^", "v", "P", "X", "<", ">", "h", "*")
DASHES: tuple[Dash, ...] = ("-", (0, (5, 2)), (0, (1.2, 1.4)), (0, (6, 2, 1.2, 2)), (0, (9, 2.5)), (0, (3, 1.2)),
                            (0, (6, 1.6, 1.2, 1.6, 1.2, 1.6)), (0, (2.4, 2.4)), (0, (9, 2, 3, 2)))  # fmt: skip
# Cells that share a colour share a kin: the SRAMs, the gain cells.
_KNOWN = {"sram": 0, "stt": 1, "sot": 2, "reram": 3, "pcm": 4, "fefet": 5, "edram": 6, "sram-hd": 7, "sram8t": 14,
          "gain": 13}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """A colour, and what tells it apart where colours do not: a marker for points, a dash for lines."""

    colour: str
    marker: str
    dash: Dash


def look(index: int) -> Look:
    """Return one of 77 looks; any two of the first seven differ in lightness, marker and dash."""
    return Look(COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)], DASHES[index % len(DASHES)])


def looks(names: Sequence[str]) -> dict[str, Look]:
    """Return each cell's look: a known one has its own in every figure, others take what is left, in order."""
    known = {name: _KNOWN[name.lower()] for name in names if name.lower() in _KNOWN}
    free = (index for index in range(len(names) + len(_KNOWN)) if index not in known.values())
    return {name: look(known[name] if name in known else next(free)) for name in names}
