"""The spreads of devices, and what a good cell must hold to."""

from dataclasses import dataclass, replace
from numbers import Real
from pathlib import Path

from circuits.cells.spread import Spreads, read_spreads
from circuits.data import DataFile
from circuits.errors import InputError


@dataclass(frozen=True)
class Limits:
    """What a good cell holds to, and the words that a code protects."""

    word_bits: float
    retention_s: float
    retention_error: float
    timing_margin: float


@dataclass(frozen=True)
class Latch:
    """The amplifier of cells that are sensed by voltage: its width in units, and how long beyond need it waits."""

    units: float
    strobe_margin: float


@dataclass(frozen=True)
class _Sensitivity:
    swing: float


@dataclass(frozen=True)
class Spread(Spreads):
    """All of `circuits/cells/spread.yaml` and of this folder's; `swing` is the sensitivity study's."""

    limits: Limits
    latch: Latch
    swing: float
    files: tuple[DataFile, ...]

    @property
    def works(self) -> dict[str, str]:
        """Works of all figures that were asked for so far."""
        return {key: text for one in self.files for key, text in one.works.items()}

    @property
    def assumptions(self) -> list[str]:
        """What all figures that were asked for so far assume."""
        return [line for one in self.files for line in one.assumptions]


COUNTS = ("gate_length_finfet_m",)


def scaled(spread: Spread, scale: float) -> Spread:
    """Return the spread with every standard deviation, and the lost fins, times `scale`."""
    return replace(spread, cell=spread.cell.times(scale, COUNTS), die=spread.die.times(scale))


def number(name: str, value: object, low: float, high: float) -> float:
    """Return a number from low to high, or raise InputError."""
    if isinstance(value, bool) or not isinstance(value, Real) or not low <= float(value) <= high:
        raise InputError(f"{name} {value!r}: give a number from {low:g} to {high:g}")
    return float(value)


def load_spread(swing: float | None = None, cell: Path | None = None) -> Spread:
    """Return the spreads; `swing`, where given, takes the place of the file's, and so does what a cell's file holds.

    Raises:
        InputError: a swing that is not between 0.001 and 0.9, or a faulty figure.
    """
    own = DataFile.open(cell) if cell else None
    spreads, common = read_spreads(own)
    file = DataFile.open(Path(__file__).with_name("spread.yaml"))
    file.only(("sensitivity", "yield", "latch"))
    part = file.record(_Sensitivity, "sensitivity", file.section("sensitivity")).swing
    return Spread(
        spreads.cell, spreads.die,
        file.record(Limits, "yield", file.section("yield")),
        file.record(Latch, "latch", file.section("latch")),
        part if swing is None else number("swing", swing, 0.001, 0.9),
        (common, file, *([own] if own else [])),
    )  # fmt: skip
