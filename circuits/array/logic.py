"""Gates: folded layout, drain capacitance, leakage. Every function takes numpy arrays of widths [m]."""

from typing import Any

import numpy as np

from circuits.array.assumptions import Assumptions
from circuits.array.process import Process


def _fold(width_m: Any, limit_m: Any, loss_m: float) -> tuple[Any, Any]:
    """Return into how many fingers a device folds, and how high it stands then."""
    folds = width_m >= limit_m
    fingers = np.where(folds, np.ceil(width_m / np.where(folds, limit_m - loss_m, 1.0)), 1.0)
    return fingers, np.where(folds, limit_m, width_m)


def _limits(process: Process, given: Assumptions, n_m: Any, p_m: Any, region_m: Any) -> tuple[Any, Any]:
    """Return the widest N and P finger of a gate in a region; a device alone has the region for itself."""
    layout = given.layout(process)
    both = (np.asarray(n_m) > 0) & (np.asarray(p_m) > 0)
    part = p_m / (p_m + n_m)
    shared, whole = (region_m - layout.well_gap_m) / layout.drawn_per_gated, region_m / layout.drawn_per_gated
    return np.where(both, (1 - part) * shared, whole), np.where(both, part * shared, whole)


def _drain(process: Process, given: Assumptions, width_m: Any, limit_m: Any, series: int, side: int) -> Any:
    """Return the drain capacitance [F] of `series` devices in a row, or of `side` devices beside each other.

    Bottom of the junction, sidewall, channel edge. In a row they share all but the gates' gaps; side by side each has
    its own contact. A device that folds into an even number of fingers has no open side.
    """
    layout = given.layout(process)
    contact, gap = layout.contact_m, layout.gate_gap_m

    def total(wide: Any, high: Any, open_side: Any, fingers: Any) -> Any:
        edge = (2 * wide + open_side) * process.sidewall_F_per_m + fingers * high * process.channel_F_per_m
        return wide * high * process.junction_F_per_m2 + edge

    width = np.asarray(width_m, dtype=float)
    if np.ndim(limit_m) > width.ndim:
        width = np.broadcast_to(width, np.shape(limit_m))
    found = np.asarray(total(contact * side + (series - 1) * gap, width, width, 1.0))
    found = np.where(width > 0, found, 0.0) if width.ndim == 0 or not width.all() else found
    folds = np.broadcast_to(width >= limit_m, found.shape)
    if process.sidewall_F_per_m and folds.any():
        at = folds if folds.ndim == 0 else np.nonzero(folds)
        width, limit = (np.broadcast_to(x, found.shape)[at] for x in (width, limit_m))
        fingers, high = _fold(width, limit, layout.fold_loss_m)
        wide = (contact + (fingers - 1) * gap * series) * side + (series - 1) * gap
        found = np.array(np.broadcast_to(found, folds.shape))
        found[at] = total(wide, high, np.where(fingers % 2 == 0, 0.0, high), fingers)
    return found


def drain_F(process: Process, given: Assumptions, n_m: Any, p_m: Any, region_m: Any, inputs: int = 0) -> Any:
    """Return the output capacitance [F] of an inverter (`inputs` 0), of a NAND, or of a device alone.

    A NAND's N devices stand in series, its P devices side by side.
    """
    n_limit, p_limit = _limits(process, given, n_m, p_m, region_m)
    count = max(inputs, 1)
    return _drain(process, given, n_m, n_limit, count, 1) + _drain(process, given, p_m, p_limit, 1, count)


def inverter_drain_F(process: Process, given: Assumptions, n_m: Any, region_m: float) -> Any:
    """Return the output capacitance [F] of inverters of the process's own width ratio."""
    limits = _limits(process, given, 1.0, process.p_to_n, region_m)
    widths = (n_m, n_m * process.p_to_n)
    return sum(_drain(process, given, width, limit, 1, 1) for width, limit in zip(widths, limits, strict=True))


def size(process: Process, given: Assumptions, n_m: Any, p_m: Any, region_m: Any, inputs: int = 0) -> tuple[Any, Any]:
    """Return height and width [m] of an inverter (`inputs` 0), a NAND, or of a device alone."""
    layout = given.layout(process)
    count = max(inputs, 1)
    highs, wides = [], []
    for width, limit, between in zip((n_m, p_m), _limits(process, given, n_m, p_m, region_m),
                                     (layout.gate_gap_m, layout.contact_m), strict=True):  # fmt: skip
        fingers, high = _fold(width, limit, layout.fold_loss_m)
        there = np.asarray(width) > 0
        unit = np.where(there, fingers * layout.gate_m + (fingers - 1) * layout.gate_gap_m, 0.0)
        highs.append(high * layout.drawn_per_gated)
        wides.append(2 * layout.contact_m + unit * count + (count - 1) * between)
    gate = (np.asarray(n_m) > 0) & (np.asarray(p_m) > 0)
    frame = layout.well_gap_m + 2 * layout.rail_m
    return highs[0] + highs[1] + np.where(gate, frame, 0.0), np.maximum(wides[0], wides[1])


def inverter_leak_A(process: Process, given: Assumptions, n_m: Any, p_m: Any) -> Any:
    """Return the current [A] that leaks through an inverter: as in its leakier state, or in the mean of both."""
    n_A, p_A = n_m * process.off_n_A_per_m, p_m * process.off_p_A_per_m
    share = given.leaky_state_share
    return share * np.maximum(n_A, p_A) + (1 - share) * (n_A + p_A) / 2


def nand_leak_A(process: Process, given: Assumptions, p_m: Any, inputs: int) -> Any:
    share = given.leak_nand2 if inputs == 2 else given.leak_nand3
    return share * inputs * p_m * process.off_p_A_per_m
