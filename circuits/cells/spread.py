"""How far devices scatter about their design, read from `spread.yaml` and from a cell's own file."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from circuits.data import DataFile, unknown_keys
from circuits.errors import InputError

SPREADS = Path(__file__).with_name("spread.yaml")


@dataclass(frozen=True)
class CellSpread:
    """What differs between neighbours; standard deviations, in parts of the figure itself where no unit is named.

    Those of resistances, retention and leakage are of their natural logarithm.
    """

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
    low_resistance: float
    high_resistance: float
    write_voltage: float
    contact_diameter: float
    coercive_field: float
    state_threshold_V: float
    storage: float
    retention: float
    leak: float


@dataclass(frozen=True)
class DieSpread:
    """What a whole chip shares; standard deviations, in the same units."""

    threshold_V: float
    fin_height_m: float
    resistance_area: float
    magnetoresistance: float
    diameter_m: float
    resistance: float
    film: float
    storage: float
    leak: float
    wire_width: float
    wire_thickness: float


@dataclass(frozen=True)
class Spreads:
    """What `spread.yaml` holds of neighbours and of chips."""

    cell: CellSpread
    die: DieSpread


def read_spreads(own: DataFile | None = None) -> tuple[Spreads, DataFile]:
    """Return the spreads and the file they come from; a section `spread` of a cell's own file has the last word.

    Raises:
        InputError: a faulty figure, or one that nothing scatters by.
    """
    common = DataFile.open(SPREADS)
    common.only(("cell", "die"))
    theirs: Any = own.content.get("spread", {}) if own else {}
    names, shared = [f.name for f in fields(CellSpread)], common.section("cell")
    if own and not isinstance(theirs, dict):
        raise InputError(f"{own.path}: spread: give a mapping of standard deviations, such as diameter_m")
    if own:
        unknown_keys(own.path, "spread", theirs, names)
    unknown_keys(common.path, "cell", shared, names)
    cell = CellSpread(**{
        name: own.figure(f"spread.{name}", theirs[name]) if own and name in theirs
        else common.figure(f"cell.{name}", shared.get(name))
        for name in names
    })  # fmt: skip
    return Spreads(cell, common.record(DieSpread, "die", common.section("die"))), common
