"""What a subarray costs, and what a kind of cell must offer to stand in one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from circuits.array.assumptions import Assumptions
from circuits.array.decoder import RowGates
from circuits.array.organisation import Form
from circuits.array.process import Metal, Process


@dataclass(frozen=True)
class Block:
    """What a part of an array costs, of one access. Delays begin where its address arrives.

    `early_s` is until the bit lines show their cells, before the columns of a way must be known; `drive_s` until a
    write begins to drive them; a write's energy is the larger of set and reset.
    """

    width_m: Any
    height_m: Any
    read_s: Any
    early_s: Any
    write_s: Any
    drive_s: Any
    column_s: Any
    read_J: Any
    write_J: Any
    set_J: Any
    reset_J: Any
    leakage_W: Any


@dataclass(frozen=True)
class Subarray(Block):
    """What a subarray costs. Delays begin at the row gates; `write_line_J` is what ways that share a row divide, and
    not in `write_J`. `refresh_W` keeps cells that forget, and is in `leakage_W`.
    """

    write_line_J: Any
    refresh_W: Any
    cells_m2: Any
    fits: Any


class Bit(Protocol):
    """A cell that can stand in an array: as a cell file describes it, or as designed from devices."""

    def subarray(self, process: Process, given: Assumptions, local: Metal, at: Form,
                 ramp_of: Callable[[Any, Any], Any]) -> Subarray:  # fmt: skip
        """Return a subarray for every form; `ramp_of` gives the predecoders' ramp once width and height are known."""
        ...

    def most_rows(self, process: Process) -> float:
        """Return how many cells a bit line may carry."""
        ...


def side_m(gates: RowGates, bit_m: Any) -> Any:
    """Return the width [m] of row gates beside the cells: those higher than the rows stand in several columns."""
    return np.where(gates.height_m > bit_m, gates.height_m * gates.width_m / bit_m, gates.width_m)
