"""How ReRAM and phase-change cells scatter: access device, both resistances, the voltages and currents of a write.

A write fails where the access device, after what element and path take of the supply, passes less than is needed.
"""

import math
from typing import Any, TypeVar

import numpy as np

from circuits.cells import resistive
from circuits.cells.resistive import SOURCES, Access, Element, Filament, Melt
from circuits.cells.scatter import Device, Draws
from circuits.cells.states import wires
from circuits.variation import reading
from circuits.variation.nominal import Nominal

Record = TypeVar("Record")


def devices(nominal: Nominal) -> dict[str, float]:
    """Return the transistor and its width in units."""
    return {"access": float(nominal.cell.fins["access"])}


def others(nominal: Nominal) -> list[str]:
    """Return the other sources of variation."""
    own = ["contact_diameter"] if nominal.cell.kind == "pcm" else []
    return [*resistive.RESISTANCE, "write_voltage", *own, "retention", *reading.SOURCES]


def record(nominal: Nominal, kind: type[Record], section: str) -> Record:
    """Return a section of the cell's file as the design read it."""
    return kind(**{name: nominal.figure(f"{section}.{name}") for name in kind.__dataclass_fields__})  # type: ignore[attr-defined]


def needed(nominal: Nominal, draws: Draws) -> list[tuple[Any, Any, bool]]:
    """Return what set and reset ask for: current [A], the element's voltage [V], whether it stands at the source."""
    spread = nominal.spread.cell
    volts = np.maximum(1 + spread.write_voltage * draws["write_voltage"], 0.1)
    if nominal.cell.kind == "reram":
        film = record(nominal, Filament, "filament")
        current_A = film.compliance_V / nominal.figure("element.low_ohm") * np.ones_like(volts)
        return [(current_A, film.set_V * volts, False), (current_A, film.reset_V * volts, True)]
    melt = record(nominal, Melt, "melt")
    wider = np.maximum(1 + spread.contact_diameter * draws["contact_diameter"], 0.1)
    reset_A = melt.reset_A_per_m2 * math.pi / 4 * (melt.contact_diameter_m * wider) ** 2
    return [(i, melt.hold_V * volts + i * melt.dynamic_ohm, False) for i in (melt.set_share * reset_A, reset_A)]


def write_margins(nominal: Nominal, access: Access, draws: Draws) -> tuple[Any, Any]:
    """Return the current passed over the one needed, less 1, and the one needed [A], an array (ways, cells) each."""
    units = nominal.cell.fins["access"]
    device = Device.draw(nominal.node, nominal.spread, "access", units, draws, access.drive_share)
    path_ohm, margins, currents = access.path_ohm * wires(nominal.spread, draws), [], []
    for current_A, across_V, at_source in needed(nominal, draws):
        drain_V = access.bit_line_V - across_V - current_A * path_ohm
        passed_A = device.current(access.word_line_V - (across_V if at_source else 0.0), np.maximum(drain_V, 0.0))
        margins.append(passed_A / current_A - 1)
        currents.append(current_A)
    return np.stack(margins), np.stack(currents)


def kept(nominal: Nominal, draws: Draws) -> tuple[Any, Any]:
    """Return the retention over the nominal one, log-normal, and its margin: the logarithm over what is asked."""
    by = nominal.spread.cell.retention * draws["retention"]
    asked = math.log((nominal.cell.retention_s or 0.0) / nominal.spread.limits.retention_s)
    return np.exp(by), np.atleast_2d(asked + by)


def evaluate(nominal: Nominal, draws: Draws) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return outputs over the nominal cell's, and margins: an array (ways to fail, cells) each, failing below zero."""
    cell, node, spread = nominal.cell, nominal.node, nominal.spread
    element, access = record(nominal, Element, "element"), record(nominal, Access, "access")

    def currents(draws: Draws) -> tuple[Any, Any]:
        return resistive.read_currents(node, spread, element, access, cell.read_V, cell.fins["access"], draws)

    volts, low, high = reading.read(nominal, currents, list(SOURCES), draws)
    passed, written = write_margins(nominal, access, draws)
    kept_ratio, kept_margin = kept(nominal, draws)
    mean, half, most = (low + high) / 2, (high - low) / 2, written.max(axis=0)
    outputs = {
        "read_current_A": mean / nominal.base("mean", mean),
        "half_difference_A": half / nominal.base("half", half),
        "write_current_A": most / nominal.base("write", most),
        "retention_s": kept_ratio,
    }
    return outputs, {"read": volts, "write": passed, "retention": kept_margin}
