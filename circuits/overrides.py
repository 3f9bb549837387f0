"""Replace figures of the data files while a design is made, and see every figure that it rests on.

    with overridden({"16nm.transistors.threshold_V": 0.17}) as figures:
        design = design_cache("stt", "16nm", "3MiB")

A figure's name is its file's name and its place in it. `figures` then holds all that were read, those replaced marked.
"""

import contextlib
import difflib
import math
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from numbers import Real

from circuits.errors import InputError


@dataclass(frozen=True)
class Figure:
    """A figure that was read: its value, and what it rests on (source, assumed, calibrated, or given by the user)."""

    value: float
    basis: str
    why: str


@dataclass
class _Reading:
    overrides: dict[str, float]
    figures: dict[str, Figure] = field(default_factory=dict)


_READING: ContextVar[_Reading | None] = ContextVar("reading", default=None)


@contextlib.contextmanager
def overridden(overrides: Mapping[str, float] | None = None) -> Iterator[dict[str, Figure]]:
    """Read these figures in place of what the data files hold; yield the figures read, which fill as files are.

    A block within a block adds its figures to the outer one's, and has the last word.

    Raises:
        InputError: a value that is negative, or no finite number; or, at the end of the block, a figure that none of
            the files read holds.
    """
    for name, value in (overrides or {}).items():
        if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= value < math.inf:
            raise InputError(f"override {name}: {value!r}: give a positive, finite number")
    outer = _READING.get()
    mine = {name: float(value) for name, value in (overrides or {}).items()}
    reading = _Reading((outer.overrides if outer else {}) | mine)
    token = _READING.set(reading)
    try:
        yield reading.figures
    finally:
        _READING.reset(token)
        if outer:
            outer.figures |= reading.figures
    for name in mine:
        if name not in reading.figures:
            near = difflib.get_close_matches(name, reading.figures, n=1)
            hint = f"did you mean {near[0]}?" if near else "see the figures that the design lists"
            raise InputError(f"override {name}: no figure of this design; {hint}")


def current(name: str, entry: object) -> object:
    """Return a data file's entry as it stands under the overrides, and note it among the figures read."""
    reading = _READING.get()
    if reading is None or not isinstance(entry, dict):
        return entry
    if name in reading.overrides:
        value = reading.overrides[name]
        reading.figures[name] = Figure(value, "given", f"in place of {entry.get('value')}")
        return {"value": value, "assumed": f"given in place of {entry.get('value')}"}
    with contextlib.suppress(TypeError, ValueError):
        basis = next((b for b in ("assumed", "calibrated", "source") if b in entry), "")
        reading.figures[name] = Figure(float(entry.get("value", math.nan)), basis, str(entry.get(basis, "")))
    return entry
