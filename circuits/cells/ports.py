"""More ports for an SRAM cell: a word line, two bit lines and two access devices each."""

from dataclasses import replace
from numbers import Integral

from circuits.cells.cell import Cell
from circuits.devices.node import Node
from circuits.errors import InputError

SRAM_KINDS = ("sram", "sram8t")
MOST_PORTS = 8


def ported(cell: Cell, node: Node, ports: int) -> Cell:
    """Return a cell with so many read-write ports: each beyond the first adds two wire pitches either way, as CACTI has
    it, for its word line and its bit lines, and two access devices that leak.

    Args:
        cell: of one port.
        node: the cell's devices.
        ports: 1 to 8.

    Raises:
        InputError: no such number of ports, or more than one of a cell that is not SRAM.
    """
    if isinstance(ports, bool) or not isinstance(ports, Integral) or not 1 <= ports <= MOST_PORTS:
        raise InputError(f"ports {ports!r}: give a whole number from 1 to {MOST_PORTS}")
    if ports == 1:
        return cell
    if cell.kind not in SRAM_KINDS:
        raise InputError(f"ports {ports}: a {cell.kind} cell has one port; only SRAM is modelled with more")
    more_m = 2 * (ports - 1) * node.wires["local"].pitch_m
    leak_W = (ports - 1) * node.leak_W(cell.write_drain_m)  # of two access devices one has a voltage across it
    return replace(cell, width_m=cell.width_m + more_m, height_m=cell.height_m + more_m,
                   leakage_W=cell.leakage_W + leak_W)  # fmt: skip
