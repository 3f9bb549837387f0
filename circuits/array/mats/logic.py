"""Gates: folded layout, drain capacitance, leakage. Every function takes numpy arrays of widths [m]."""

from typing import Any

import numpy as np

from circuits.array.mats.assumptions import Assumptions
from circuits.array.mats.process import Process


def _fold(width_m: Any, limit_m: Any, loss_m: float) -> tuple[Any, Any]:
    """Return into how many fingers a device folds, and how high it stands then."""
    folds = width_m >= limit_m
    fingers = np.where(folds, np.ceil(width_m / np.where(folds, limit_m - loss_m, 1.0)), 1.0)
    return fingers, np.where(folds, limit_m, width_m)


def _limits(process: Process, given: Assumptions, n_m: Any, p_m: Any, region_m: Any) -> tuple[Any, Any]:
    """Return the highest N and P finger of a gate in a region; a device alone has the region for itself."""
    both = (np.asarray(n_m) > 0) & (np.asarray(p_m) > 0)
    part = p_m / (p_m + n_m)
    shared = region_m - given.well_gap_features * process.feature_m
    return np.where(both, (1 - part) * shared, region_m), np.where(both, part * shared, region_m)


def _drain(process: Process, given: Assumptions, width_m: Any, limit_m: Any, series: int, side: int) -> Any:
    """Return the drain capacitance [F] of `series` devices in a row, or of `side` devices beside each other.

    Bottom of the junction, sidewall, channel edge. In a row they share all but the gates' gaps; side by side each has
    its own contact. A device that folds into an even number of fingers has no open side.
    """
    f = process.feature_m
    contact, gap = f * (given.contact_features + 2 * given.contact_gap_features), f * given.gate_gap_features

    def total(wide: Any, high: Any, open_side: Any, fingers: Any) -> Any:
        edge = (2 * wide + open_side) * process.sidewall_F_per_m + fingers * high * process.channel_F_per_m
        return wide * high * process.junction_F_per_m2 + edge

    width = np.asarray(width_m, dtype=float)
    if np.ndim(limit_m) > width.ndim:
        width = np.broadcast_to(width, np.shape(limit_m))
    found = np.asarray(total(contact * side + (series - 1) * gap, width, width, 1.0))
    found = np.where(width > 0, found, 0.0) if width.ndim == 0 or not width.all() else found
    folds = np.broadcast_to(width >= limit_m, found.shape)
    if folds.any():
        at = folds if folds.ndim == 0 else np.nonzero(folds)
        width, limit = (np.broadcast_to(x, found.shape)[at] for x in (width, limit_m))
        fingers, high = _fold(width, limit, given.fold_loss_features * f)
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
    f, loss = process.feature_m, given.fold_loss_features * process.feature_m
    contact = given.contact_features + 2 * given.contact_gap_features
    count = max(inputs, 1)
    highs, wides = [], []
    for width, limit, between in zip((n_m, p_m), _limits(process, given, n_m, p_m, region_m),
                                     (given.gate_gap_features, contact), strict=True):  # fmt: skip
        fingers, high = _fold(width, limit, loss)
        unit = np.where(np.asarray(width) > 0, fingers * f + (fingers - 1) * f * given.gate_gap_features, 0.0)
        highs.append(high)
        wides.append(2 * f * contact + unit * count + (count - 1) * f * between)
    gate = (np.asarray(n_m) > 0) & (np.asarray(p_m) > 0)
    frame = f * (given.well_gap_features + 2 * given.rail_features)
    return highs[0] + highs[1] + np.where(gate, frame, 0.0), np.maximum(wides[0], wides[1])


def inverter_leak_A(process: Process, n_m: Any, p_m: Any) -> Any:
    """Return the current [A] that leaks through an inverter: the leakier of its two devices."""
    return np.maximum(n_m * process.off_n_A_per_m, p_m * process.off_p_A_per_m)


def nand_leak_A(process: Process, given: Assumptions, p_m: Any, inputs: int) -> Any:
    share = given.leak_nand2 if inputs == 2 else given.leak_nand3
    return share * inputs * p_m * process.off_p_A_per_m
