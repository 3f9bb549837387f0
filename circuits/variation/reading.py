"""How reads by current err: the cell against a reference of several cells, through an amplifier with a mismatch.

The strobe is the design's. A cell whose signal has not overcome the latch's offset by then reads wrong: being late is
no failure of its own. See `circuits.cells.margin`.
"""

from typing import Any

import numpy as np

from circuits.cells.margin import Currents, mismatch, offset_sigma_V, reference_sigma_A, spreads_at
from circuits.cells.scatter import Draws
from circuits.cells.sense import Amplifier
from circuits.variation.nominal import Nominal

SOURCES = ("reference", "clamp", "latch")


def amplifier(nominal: Nominal) -> Amplifier:
    """Return the amplifier that the cell was designed with."""
    return Amplifier(**{name: nominal.cell.device[name] for name in Amplifier.__dataclass_fields__})


def _sigma_A(nominal: Nominal, currents: Currents, names: list[str]) -> float:
    """Return sigma [A] of the reference, as the design has it, under this spread."""
    design = amplifier(nominal)
    _, _, own = spreads_at(currents, names, nominal.cell.device["sense_sigmas"], design.corner_sigmas)
    return reference_sigma_A(own, design)


def read(nominal: Nominal, currents: Currents, names: list[str], draws: Draws) -> tuple[Any, Any, Any]:
    """Return the read's margins [V], an array (states, cells), and the currents [A] of both states.

    Args:
        nominal: the cell.
        currents: of both states for draws, the lesser first.
        names: of the sources that the currents draw from.
        draws: of these and of the amplifier's.
    """
    cell, design = nominal.cell, amplifier(nominal)
    if "reference" not in nominal.bases:
        nominal.bases["reference"] = _sigma_A(nominal, currents, names)
    low, high = currents(draws)
    # the chip's shift moves cells and reference alike: the reference is made of the same chip's cells
    own = currents({name: (x if name.startswith("die.") else np.zeros_like(x)) for name, x in draws.items()})
    middle = own[0] + cell.device["reference_share"] * (own[1] - own[0])
    middle = middle + nominal.bases["reference"] * draws["reference"]
    clamped = 1 + mismatch(nominal.node, nominal.spread, design, cell.read_V) * draws["clamp"]
    signals = np.stack([middle - low * clamped, high * clamped - middle])
    latch = offset_sigma_V(nominal.node, nominal.spread, design.latch_fins) * draws["latch"]
    return cell.device["offset_V"] / cell.signal_A * signals + np.stack([latch, -latch]), low, high
