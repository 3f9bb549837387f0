"""How ferroelectric cells scatter: the transistor's threshold, the film's coercive field, charge trapped in a state.

A film with a higher coercive field has a wider window and turns over later; a write that leaves half of it as it was
fails.
"""

from typing import Any

import numpy as np

from circuits.cells import fefet
from circuits.cells.fefet import SOURCES, Film, Gate
from circuits.cells.scatter import Draws
from circuits.cells.states import FILM, switched
from circuits.variation import reading
from circuits.variation.nominal import Nominal
from circuits.variation.resistive import kept, record


def devices(nominal: Nominal) -> dict[str, float]:
    """Return the transistor and its width in units."""
    return {"cell": nominal.figure("gate.units")}


def others(_: Nominal) -> list[str]:
    """Return the other sources of variation."""
    return [*FILM, "retention", *reading.SOURCES]


def evaluate(nominal: Nominal, draws: Draws) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return outputs over the nominal cell's, and margins: an array (ways to fail, cells) each, failing below zero."""
    node, spread, bias_V = nominal.node, nominal.spread, nominal.cell.read_V
    film, gate = record(nominal, Film, "film"), record(nominal, Gate, "gate")

    def currents(draws: Draws) -> tuple[Any, Any]:
        return fefet.read_currents(node, spread, film, gate, bias_V, draws)

    volts, low, high = reading.read(nominal, currents, list(SOURCES), draws)
    field, part = switched(spread, film.exponent(gate.write_V), draws)
    kept_ratio, kept_margin = kept(nominal, draws)
    mean, half = (low + high) / 2, (high - low) / 2
    outputs = {
        "read_current_A": mean / nominal.base("mean", mean),
        "half_difference_A": half / nominal.base("half", half),
        "memory_window_V": field * np.maximum(2 * part - 1, 0.0),
        "retention_s": kept_ratio,
    }
    return outputs, {"read": volts, "write": np.atleast_2d(part - 0.5), "retention": kept_margin}
