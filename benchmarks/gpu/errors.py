"""How far modelled counts are from measured ones: by class of kernel over operators' calls, and over whole runs."""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from statistics import median
from typing import Any

import numpy as np

from traces.counters.join import Row
from traces.counters.metrics import QUANTITIES
from traces.counters.table import SIDES

RATE = "l2_read_hit_rate"
SHOWN = ("l2_reads", "l2_writes", "l2_read_hits", RATE, "dram_reads", "dram_writes")
_SERVING = {"nhwc_to_nchw", "nchw_to_nhwc", "split_reduction"}  # kernels that serve another of their call
ALL, RUNS = "all calls", "whole runs"
Sums = dict[str, dict[str, float | None]]  # side -> quantity -> sectors


def summed(rows: Sequence[Row]) -> Sums:
    """Return the sums of rows' counts; None where one of them was not counted."""
    found: Sums = {}
    for side in SIDES:
        of = [getattr(row, side) for row in rows if getattr(row, f"{side}_kernel")]
        found[side] = {}
        for quantity in QUANTITIES:
            counts = [one[quantity] for one in of]
            found[side][quantity] = None if not counts or None in counts else math.fsum(counts)
        reads, hits = found[side]["l2_reads"], found[side]["l2_read_hits"]
        found[side][RATE] = hits / reads if reads and hits is not None else None
    return found


def kind(rows: Sequence[Row]) -> str:
    """Return the kernel that makes the most of a call's modelled traffic, none that serves another."""
    size = {row.modelled_kernel: 0.0 for row in rows if row.modelled_kernel}
    size = {name: 0.0 for name in size if name not in _SERVING} or size
    for row in rows:
        if row.modelled_kernel in size:
            size[row.modelled_kernel] += (row.modelled["l2_reads"] or 0) + (row.modelled["l2_writes"] or 0)
    return max(size, key=lambda name: size[name])


def errors(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return a row a mode, class and quantity: pairs compared, NRMSE, correlation, median error.

    Classes are those of kernels, over operators' calls that were both counted and modelled; `all calls`; and `whole
    runs`, over the sums of an item. A hit rate's median error is a difference of rates, others' are relative.
    """
    found = []
    for mode in dict.fromkeys(row.mode for row in rows):
        classes: dict[str, list[Sums]] = {}
        for call in calls(row for row in rows if row.mode == mode):
            if any(row.measured_kernel for row in call) and any(row.modelled_kernel for row in call):
                classes.setdefault(kind(call), []).append(summed(call))
        every = [one for group in classes.values() for one in group]
        items = dict.fromkeys(row.item for row in rows if row.mode == mode)
        runs = [summed([row for row in rows if (row.mode, row.item) == (mode, item)]) for item in items]
        for name, sums in ((RUNS, runs), (ALL, every), *sorted(classes.items())):
            found += [
                {"mode": mode, "class": name, "quantity": quantity, **_error(sums, quantity)} for quantity in SHOWN
            ]
    return [row for row in found if row["pairs"]]


def calls(rows: Iterable[Row]) -> list[list[Row]]:
    """Return rows by the operator's call they belong to; calls that only one side has are apart from the other's."""
    keys = groupby(rows, key=lambda row: (row.item, row.operation, row.operator, row.phase))
    return [list(group) for _, group in keys]


def coverage(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return a row a mode: the shares of measured and of modelled L2 traffic whose call has the other side too."""
    found = []
    for mode in dict.fromkeys(row.mode for row in rows):
        shares = {}
        of = calls(row for row in rows if row.mode == mode)
        for side, other in (SIDES, SIDES[::-1]):
            sizes = [(sum((getattr(row, side)[q] or 0) for row in call for q in ("l2_reads", "l2_writes")),
                      any(getattr(row, f"{other}_kernel") for row in call)) for call in of]  # fmt: skip
            whole = sum(size for size, _ in sizes)
            shares[f"{side}_share"] = sum(size for size, both in sizes if both) / whole if whole else None
        found.append({"mode": mode, **shares})
    return found


def _error(sums: Sequence[Sums], quantity: str) -> dict[str, Any]:
    pairs = [(one["measured"][quantity], one["modelled"][quantity]) for one in sums]
    both = np.array([pair for pair in pairs if None not in pair], np.float64).reshape(-1, 2)
    real, ours = both[:, 0], both[:, 1]
    if not len(both):
        return {"pairs": 0}
    mean = float(real.mean())
    varied = len(both) > 1 and real.std() > 0 and ours.std() > 0
    rate = quantity == RATE
    relative = [abs(o - r) / (1 if rate else r) for r, o in both.tolist() if rate or r > 0]
    return {
        "pairs": len(both),
        "nrmse": float(np.sqrt(np.mean((ours - real) ** 2))) / mean if mean else None,
        "correlation": float(np.corrcoef(real, ours)[0, 1]) if varied else None,
        "median_error": median(relative) if relative else None,
        "ratio": float(ours.sum() / real.sum()) if real.sum() and not rate else None,
    }
