"""Find a cell by name and compute it at a node."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from circuits.cells import edram, fefet, gain, mram, resistive, sram
from circuits.cells.cell import Cell
from circuits.cells.ports import SRAM_KINDS, ported
from circuits.data import DataFile, find, physical
from circuits.devices.node import Node, load_node, with_threshold_for

FOLDER = Path(__file__).parent / "data"
LARGEST_m = 1e-3  # a cell's side: beyond, no array
BUILDERS = {"sram": sram.build, "sram8t": sram.build, "stt": mram.build, "sot": mram.build, "reram": resistive.build,
            "pcm": resistive.build, "fefet": fefet.build, "edram": edram.build, "gain": gain.build}  # fmt: skip


def cell_names() -> list[str]:
    """Return the names of the cells that come with this package."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def build_cell(name: str, node: Node, ports: int = 1, cell_node: Node | None = None) -> Cell:
    """Return a cell at a node; SRAM of other devices, `cell_node`'s, where these are given. See `design_cell`."""
    file = DataFile.open(find(name, "cell", FOLDER, "hwmodel.cells"))
    kind = file.text("kind", BUILDERS)
    devices = cell_node if cell_node and kind in SRAM_KINDS else node
    with physical(file.path), np.errstate(over="raise", divide="raise", invalid="raise"):
        found = ported(BUILDERS[kind](file, devices), devices, ports)
        if not (0 < found.width_m < LARGEST_m and 0 < found.height_m < LARGEST_m):
            raise ArithmeticError(f"a cell of {found.width_m:.3g} m by {found.height_m:.3g} m")
        return found


def cell_devices(node: Node, cell_leakage: str | None, name: str, vdd_V: float | None) -> Node | None:
    """Return a node's devices under the school that its SRAM cells alone follow; none where they follow the logic's."""
    if cell_leakage is None:
        return None
    return with_threshold_for(node, load_node(name, node.temperature_K, cell_leakage, vdd_V))


def design_cell(cell: str = "sram", node: str = "16nm", *, temperature_K: float = 350.0,
                leakage: str | None = None, vdd_V: float | None = None, ports: int = 1,
                cell_leakage: str | None = None) -> Cell:  # fmt: skip
    """Return a bit cell computed from a node's devices.

    Args:
        cell: one of `cell_names()`, such as sram, stt, sot; a name that a package registers under `hwmodel.cells`;
            or a .yaml file's path.
        node: 45nm to 3nm, a name under `hwmodel.nodes`, or a .yaml file's path.
        temperature_K: 300 to 400 K.
        leakage: a leakage school of the node; None takes its default.
        vdd_V: the logic's supply, 0.6 to 1.25 of the node's own; None takes that.
        ports: read-write ports of an SRAM cell, 1 to 8.
        cell_leakage: a leakage school for the devices of an SRAM cell, whose threshold moves for it; None takes the
            logic's devices.

    Raises:
        InputError: an unknown name, a value out of range, or a faulty data file.
    """
    at = load_node(node, temperature_K, leakage, vdd_V)
    found = build_cell(cell, at, ports, cell_devices(at, cell_leakage, node, vdd_V))
    return replace(found, works=at.works | found.works, assumptions=(*at.assumptions, *found.assumptions))
