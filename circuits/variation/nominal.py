"""The cell that all others scatter about: its design, and every figure that the design was made from."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from circuits.cells.cell import Cell
from circuits.cells.design import FOLDER, design_cell
from circuits.data import find
from circuits.devices.node import Node, load_node
from circuits.errors import InputError
from circuits.overrides import Figure, overridden
from circuits.variation.spread import Spread

IDEALITY = "leakage.subthreshold_ideality"


@dataclass(frozen=True)
class Nominal:
    """A designed cell, its node, and the spreads about it. `bases` keeps what equations give without any spread.

    `rows` is how many share a bit line, where an array says so; otherwise the bare cell's `read.reference_rows` holds.
    """

    cell: Cell
    node: Node
    spread: Spread
    figures: dict[str, Figure]
    file: str
    node_file: str
    rows: int | None = None
    bases: dict[str, float] = field(default_factory=dict)

    def figure(self, where: str) -> float:
        """Return a figure of the cell's file."""
        found = self.figures.get(f"{self.file}.{where}")
        if found is None:
            raise InputError(
                f"cell {self.cell.name}: {where}: the variation of a {self.cell.kind} cell needs this figure"
            )
        return found.value

    @property
    def ideality(self) -> float:
        found = self.figures.get(f"{self.node_file}.{IDEALITY}")
        if found is None:
            raise InputError(f"node {self.node.name}: {IDEALITY}: the variation of leakage needs this figure")
        return found.value

    def base(self, name: str, values: Any) -> float:
        """Return the named value of the nominal cell: what the first call's only element was."""
        return self.bases.setdefault(name, float(values.flat[0]))


def cell_file(cell: str) -> Path:
    """Return a cell's data file."""
    return find(cell, "cell", FOLDER, "hwmodel.cells")


def nominal_cell(cell: str, node: str, spread: Spread, temperature_K: float, leakage: str | None,
                 rows: int | None = None) -> Nominal:  # fmt: skip
    """Return a designed cell with what its variation needs to know."""
    with overridden() as figures:
        designed = design_cell(cell, node, temperature_K=temperature_K, leakage=leakage)
        at = load_node(node, temperature_K, leakage)
    stems = (cell_file(cell).stem, _node_stem(node))
    return Nominal(designed, at, spread, figures, *stems, rows)


def _node_stem(node: str) -> str:
    from circuits.devices.node import FOLDER as NODES

    return Path(find(node, "node", NODES, "hwmodel.nodes")).stem
