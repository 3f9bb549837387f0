"""What a study's rows say: ratios to the baseline, shares, break-even points, and whether the books balance."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reports.record import Row
from reports.results import Study, Workload


@dataclass(frozen=True)
class Spread:
    """Median and range of one figure over workloads, and the workloads at its ends."""

    median: float
    low: float
    high: float
    lowest: Workload
    highest: Workload


def spread(values: dict[Workload, float]) -> Spread:
    lowest, highest = min(values, key=lambda w: values[w]), max(values, key=lambda w: values[w])
    return Spread(statistics.median(values.values()), values[lowest], values[highest], lowest, highest)


def relative(study: Study, cell: str, name: str) -> dict[Workload, float]:
    """Return a column of `cell` over the same column of the baseline, for each workload."""
    return {w: study.row(w, cell)[name] / study.row(w, study.baseline)[name] for w in study.workloads}


def edp_with_leakage(row: Row, scale: float, *, dram: bool) -> float:
    """Return a row's EDP in J s, were the cache's leakage `scale` times what was modelled; times do not change."""
    energy, edp = (row["energy_J"], row["edp_Js"]) if dram else (row["cache_energy_J"], row["cache_edp_Js"])
    return edp * (energy + (scale - 1) * row["leakage_energy_J"]) / energy


def reduction(study: Study, cell: str, *, dram: bool = False, leakage: float = 1.0) -> dict[Workload, float]:
    """Return EDP of the baseline over EDP of `cell` for each workload: above 1 means the cell is better.

    Args:
        study: a finished study.
        cell: the cell compared with the baseline.
        dram: with DRAM's energy and time.
        leakage: the baseline's leakage, relative to what was modelled.
    """
    name = "edp_Js" if dram else "cache_edp_Js"
    return {
        w: edp_with_leakage(study.row(w, study.baseline), leakage, dram=dram) / study.row(w, cell)[name]
        for w in study.workloads
    }


def break_even(study: Study, cell: str, *, dram: bool = False) -> float:
    """Return the leakage of the baseline, relative to what was modelled, at which the median EDPs are equal.

    The median reduction rises with the leakage, so bisection finds the point; 0 where the cell wins even against a
    baseline without leakage, infinity where it loses against any up to 1e6 times the modelled one.
    """

    def excess(scale: float) -> float:
        return spread(reduction(study, cell, dram=dram, leakage=scale)).median - 1

    low, high = 0.0, 1e6
    if excess(low) >= 0:
        return 0.0
    if excess(high) <= 0:
        return math.inf
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (low, middle) if excess(middle) > 0 else (middle, high)
    return high


def leakage_share(study: Study, cell: str) -> dict[Workload, float]:
    """Return the share of leakage in the cache's own energy, for each workload."""
    return {w: study.row(w, cell)["leakage_energy_J"] / study.row(w, cell)["cache_energy_J"] for w in study.workloads}


def hit_rate(row: Row) -> float:
    accesses = row["read_hits"] + row["read_misses"] + row["write_hits"] + row["write_misses"]
    return (row["read_hits"] + row["write_hits"]) / accesses if accesses else 0.0


@dataclass(frozen=True)
class Check:
    """An equation every row should obey, and the largest relative deviation found."""

    column: str
    equation: str
    deviation: float


def checks(study: Study) -> list[Check]:
    """Recompute each row's derived columns from its inputs; deviations are relative to the stored value."""
    equations: list[tuple[str, str, Callable[[Row], float]]] = [
        ("cache_time_s", "reads × read latency + writes × write latency",
         lambda r: r["l2_reads"] * r["read_latency_s"] + r["l2_writes"] * r["write_latency_s"]),
        ("dynamic_energy_J", "reads × read energy + writes × write energy",
         lambda r: r["l2_reads"] * r["read_energy_J"] + r["l2_writes"] * r["write_energy_J"]),
        ("leakage_energy_J", "leakage × cache time", lambda r: r["leakage_W"] * r["cache_time_s"]),
        ("cache_energy_J", "dynamic + leakage", lambda r: r["dynamic_energy_J"] + r["leakage_energy_J"]),
        ("cache_edp_Js", "cache energy × cache time", lambda r: r["cache_energy_J"] * r["cache_time_s"]),
        ("time_s", "cache time + DRAM time", lambda r: r["cache_time_s"] + r["dram_time_s"]),
        ("energy_J", "cache energy + DRAM energy", lambda r: r["cache_energy_J"] + r["dram_energy_J"]),
        ("edp_Js", "energy × time", lambda r: r["energy_J"] * r["time_s"]),
    ]  # fmt: skip
    rows = list(study.results.values())
    return [
        Check(name, right, max(_deviation(row[name], again(row)) for row in rows)) for name, right, again in equations
    ]


def _deviation(stored: float, again: float) -> float:
    return abs(stored - again) / max(abs(stored), abs(again), 1e-300)


def ranked(study: Study, *, dram: bool = False) -> list[tuple[str, Spread]]:
    """Return all cells with their EDP reduction, the best median first; ties keep the study's order."""
    found = [(cell, spread(reduction(study, cell, dram=dram))) for cell in study.cells]
    return sorted(found, key=lambda pair: -pair[1].median)


def kernel_kinds(study: Study, most: int) -> list[str]:
    """Return the `most` kernel kinds with the largest share of their workloads' accesses, largest first."""
    share: dict[str, float] = {}
    for rows in study.traffic.values():
        total = sum(row["l2_reads"] + row["l2_writes"] for row in rows) or 1
        for row in rows:
            share[row["kernel"]] = share.get(row["kernel"], 0.0) + (row["l2_reads"] + row["l2_writes"]) / total
    return sorted(share, key=lambda kind: (-share[kind], kind))[:most]


def traffic_shares(study: Study, workload: Workload, name: str, kinds: Sequence[str]) -> list[float]:
    """Return one column of the traffic by kind, other kinds last, over the workload's reads and writes together."""
    rows = study.traffic[workload]
    total = sum(row["l2_reads"] + row["l2_writes"] for row in rows) or 1
    parts = [sum(row[name] for row in rows if row["kernel"] == kind) / total for kind in kinds]
    return [*parts, sum(row[name] for row in rows if row["kernel"] not in kinds) / total]
