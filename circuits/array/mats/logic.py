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


def drain_F(process: Process, given: Assumptions, n_m: Any, p_m: Any, region_m: Any, inputs: int = 0) -> Any:
    """Return the output capacitance [F] of an inverter (`inputs` 0) or a NAND: junction, sidewall, channel edge.

    A NAND's N devices stand in series, which adds a gate gap each; its P devices side by side, each with its contact.
    """
    f, loss = process.feature_m, given.fold_loss_features * process.feature_m
    contact = f * (given.contact_features + 2 * given.contact_gap_features)
    gap = f * given.gate_gap_features
    total = 0.0
    for width, limit, series in zip(
        (n_m, p_m), _limits(process, given, n_m, p_m, region_m), (True, False), strict=True
    ):
        fingers, high = _fold(width, limit, loss)
        inner = (fingers - 1) * gap
        count = max(inputs, 1)
        wide = contact + inner * count + (count - 1) * gap if series else (contact + inner) * count
        wide = np.where(np.asarray(width) > 0, wide, 0.0)
        open_side = np.where(fingers % 2 == 0, 0.0, high)
        total = total + wide * high * process.junction_F_per_m2
        total = total + (2 * wide + open_side) * process.sidewall_F_per_m + fingers * high * process.channel_F_per_m
    return total


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
