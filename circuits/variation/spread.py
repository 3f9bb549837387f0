"""The spreads of devices and what a good cell must hold to, read from their data file."""

from dataclasses import dataclass, replace
from numbers import Real
from pathlib import Path

from circuits.data import DataFile
from circuits.errors import InputError


@dataclass(frozen=True)
class CellSpread:
    """What differs between neighbours; standard deviations, in parts of the figure itself where no unit is named."""

    pelgrom_finfet_V_m: float
    pelgrom_planar_V_m: float
    gate_length_finfet_m: float
    edge_roughness_m: float
    fin_height_m: float
    fin_loss: float
    diameter_m: float
    resistance_area: float
    magnetoresistance: float
    anisotropy: float
    write_line_width_m: float
    write_line_thickness: float
    reference_cells: float
    strobe_margin: float


@dataclass(frozen=True)
class DieSpread:
    """What a whole chip shares; standard deviations."""

    threshold_V: float
    fin_height_m: float
    resistance_area: float
    magnetoresistance: float
    diameter_m: float
    wire_width: float
    wire_thickness: float


@dataclass(frozen=True)
class Limits:
    """What a good cell holds to, and the words that a code protects."""

    word_bits: float
    retention_s: float
    retention_error: float
    timing_margin: float


@dataclass(frozen=True)
class _Sensitivity:
    swing: float


@dataclass(frozen=True)
class Spread:
    """All of `spread.yaml`; `swing` is the sensitivity study's."""

    cell: CellSpread
    die: DieSpread
    limits: Limits
    swing: float
    works: dict[str, str]
    assumptions: tuple[str, ...]


COUNTS = ("gate_length_finfet_m", "reference_cells", "strobe_margin")


def scaled(spread: Spread, scale: float) -> Spread:
    """Return the spread with every standard deviation, and the lost fins, times `scale`."""
    cell = {k: v * scale for k, v in vars(spread.cell).items() if k not in COUNTS}
    die = {k: v * scale for k, v in vars(spread.die).items()}
    return replace(spread, cell=replace(spread.cell, **cell), die=replace(spread.die, **die))


def number(name: str, value: object, low: float, high: float) -> float:
    """Return a number from low to high, or raise InputError."""
    if isinstance(value, bool) or not isinstance(value, Real) or not low <= float(value) <= high:
        raise InputError(f"{name} {value!r}: give a number from {low:g} to {high:g}")
    return float(value)


def load_spread(swing: float | None = None) -> Spread:
    """Return the spreads; `swing`, where given, takes the place of the file's.

    Raises:
        InputError: a swing that is not between 0.001 and 0.9.
    """
    file = DataFile.open(Path(__file__).with_name("spread.yaml"))
    file.only(("sensitivity", "cell", "die", "yield"))
    part = file.record(_Sensitivity, "sensitivity", file.section("sensitivity")).swing
    return Spread(
        file.record(CellSpread, "cell", file.section("cell")),
        file.record(DieSpread, "die", file.section("die")),
        file.record(Limits, "yield", file.section("yield")),
        part if swing is None else number("swing", swing, 0.001, 0.9),
        file.works, tuple(file.assumptions),
    )  # fmt: skip
