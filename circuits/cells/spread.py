"""How far devices scatter about their design, read from `spread.yaml` and from a cell's own file.

A figure counts among a design's works and assumptions once it is asked for: a junction's are no assumption of an SRAM.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from circuits.data import DataFile, unknown_keys
from circuits.errors import InputError

SPREADS = Path(__file__).with_name("spread.yaml")


class Scatter:
    """Figures of one section, each read when it is first asked for."""

    def __init__(self, read: Callable[[str], float]) -> None:
        self._read = read

    def __getattr__(self, name: str) -> float:
        if name not in self.names():
            raise AttributeError(name)
        value = self.__dict__[name] = self._read(name)
        return value

    @classmethod
    def names(cls) -> list[str]:
        return list(cls.__annotations__)

    def times(self, scale: float, but: Collection[str] = ()) -> Self:
        """Return all figures times `scale`, but those named."""
        return type(self)(lambda name: getattr(self, name) * (1.0 if name in but else scale))


class CellSpread(Scatter):
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


class DieSpread(Scatter):
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

    The file's works and assumptions are complete once the design is.

    Raises:
        InputError: a faulty figure of the cell's own, or one that nothing scatters by.
    """
    common = DataFile.open(SPREADS)
    common.only(("cell", "die"))
    theirs: Any = own.content.get("spread", {}) if own else {}
    if own and not isinstance(theirs, dict):
        raise InputError(f"{own.path}: spread: give a mapping of standard deviations, such as diameter_m")
    mine: dict[str, float] = {}
    if own:
        unknown_keys(own.path, "spread", theirs, CellSpread.names())
        mine = {name: own.figure(f"spread.{name}", entry) for name, entry in theirs.items()}
    sections = {name: common.section(name) for name in ("cell", "die")}
    for name, kind in (("cell", CellSpread), ("die", DieSpread)):
        unknown_keys(common.path, name, sections[name], kind.names())

    def ours(section: str, name: str) -> float:
        return common.figure(f"{section}.{name}", sections[section].get(name))

    cell = CellSpread(lambda name: mine[name] if name in mine else ours("cell", name))
    return Spreads(cell, DieSpread(lambda name: ours("die", name))), common
