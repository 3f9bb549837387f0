"""The questions: which scenarios each study lays out, and the few rows that answer it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from circuits.errors import InputError
from hwmodel import __version__
from hwmodel.studies.explore import explore
from hwmodel.studies.points import CachePoint
from hwmodel.studies.runner import Runner
from hwmodel.studies.scenarios import Scenario, Tables, check, evaluate, scenarios
from hwmodel.studies.spec import Batch, IsoArea, IsoCapacity, OfCapacity, Scaling, Sensitivity, Study

if TYPE_CHECKING:
    import pandas as pd
    from pydantic import BaseModel

CASE = ["network", "phase", "batch"]
TWELFTHS = 12  # of the first cell's capacity, by which larger ones are tried
EDPS = ("cache_edp_Js", "edp_Js")  # the cache alone, and with DRAM


@dataclass(frozen=True)
class Results:
    """A finished study: its tables, and what happened while it was made."""

    spec: "BaseModel"
    results: "pd.DataFrame"  # a row a scenario
    caches: "pd.DataFrame"  # a row a design
    traffic: "pd.DataFrame"  # a row a (workload, capacity, kind of kernel)
    summary: "pd.DataFrame"  # the rows that answer the question
    made: dict[str, Any]
    more: "dict[str, pd.DataFrame]" = field(default_factory=dict)  # further tables, by name


def run(spec: Study, runner: Runner) -> Results:
    """Run a study of any kind.

    Raises:
        InputError: for a name, size or range that cannot be used, before the long work begins where that can be told;
            what was computed by then is kept in the store.
    """
    start = time.perf_counter()
    tables, summary = QUESTIONS[spec.study](cast("Any", spec), runner)
    made = {
        "version": __version__,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "wall_time_s": round(time.perf_counter() - start, 3),
        **tables.about,
    }
    return Results(spec, tables.results, tables.caches, tables.traffic, summary, made, tables.more)


def iso_capacity(spec: IsoCapacity, runner: Runner) -> "tuple[Tables, pd.DataFrame]":
    """Every cell at one capacity."""
    check(spec, [spec.capacity])
    cases = scenarios(spec, [(cell, spec.capacity) for cell in spec.cells])
    tables = evaluate(cases, runner, spec.dies, spec.seed)
    return tables, gains(tables.results, [*CASE, "gpu"])


def iso_area(spec: IsoArea, runner: Runner) -> "tuple[Tables, pd.DataFrame]":
    """Each cell at the largest capacity whose cache is no larger than the first cell's."""
    check(spec, [spec.capacity])
    sizes = fitting(spec, runner)
    tables = evaluate(scenarios(spec, list(sizes.items())), runner, spec.dies, spec.seed)
    summary = gains(tables.results, [*CASE, "gpu"])
    base = spec.capacity
    return tables, summary.assign(capacity_gain=summary["capacity_bytes"] / base)


def fitting(spec: OfCapacity, runner: Runner, most: int = 6) -> dict[str, int]:
    """Return the largest capacity of each cell that fits in the area of the first cell's cache.

    An organisation's area is not smooth in capacity, so every twelfth of the capacity is tried, from `most` times it
    down to the first that fits: a dozen for each worker at a time, of those whose bare cells would fit.
    """
    from circuits import design_cell

    most = spec.most if isinstance(spec, IsoArea) else most
    first, *others = spec.cells
    least = spec.ways * spec.line
    step = max(1, spec.capacity // TWELFTHS // least) * least
    room = _areas(spec, runner, [(first, spec.capacity)])[0]
    given = {"temperature_K": spec.temperature_K, "leakage": spec.leakage}
    bare = {cell: 8 * design_cell(cell, spec.node, **given).area_m2 for cell in others}
    # of a size, cells come one after the other: their tags are alike, and searched once
    tried = [(cell, size) for size in range(spec.capacity, most * spec.capacity + 1, step)[::-1]
             for cell in others if size * bare[cell] <= room]  # fmt: skip
    sizes = {first: spec.capacity}
    part = TWELFTHS * max(runner.workers, 1)
    for start in range(0, len(tried), part):
        pairs = [(cell, size) for cell, size in tried[start : start + part] if cell not in sizes]
        for (cell, size), area in zip(pairs, _areas(spec, runner, pairs), strict=True):
            if area <= room:
                sizes.setdefault(cell, size)
    for cell in others:
        if cell not in sizes:
            raise InputError(
                f"iso-area: {cell} of {spec.capacity} bytes is larger than {first}; no capacity fits in its area"
            )
    return {cell: sizes[cell] for cell in spec.cells}


def _areas(spec: Study, runner: Runner, pairs: Sequence[tuple[str, int]]) -> list[float]:
    """Return the area [m2] of each cell's cache of a capacity."""
    answers = runner.answers([_cache(spec, cell, capacity) for cell, capacity in pairs])
    return [float(answer.rows["area_m2"].iloc[0]) for answer in answers]


def _cache(spec: Study, cell: str, capacity: int) -> CachePoint:
    return CachePoint(cell, spec.node, capacity, spec.ways, spec.line, spec.target, spec.temperature_K, spec.leakage)


def scaling(spec: Scaling, runner: Runner) -> "tuple[Tables, pd.DataFrame]":
    """Every cell at every capacity; where the curves of EDP cross."""
    check(spec, spec.capacities)
    pairs = [(cell, capacity) for capacity in spec.capacities for cell in spec.cells]
    tables = evaluate(scenarios(spec, pairs), runner, spec.dies, spec.seed)
    return tables, crossings(tables.results)


def batch(spec: Batch, runner: Runner) -> "tuple[Tables, pd.DataFrame]":
    """Every cell at one capacity, batch by batch."""
    check(spec, [spec.capacity])
    cases = scenarios(spec, [(cell, spec.capacity) for cell in spec.cells], spec.batches)
    tables = evaluate(cases, runner, spec.dies, spec.seed)
    return tables, gains(tables.results, [*CASE, "gpu"])


def sensitivity(spec: Sensitivity, runner: Runner) -> "tuple[Tables, pd.DataFrame]":
    """The base, and one factor at a time away from it."""
    import pandas as pd

    from circuits.devices.node import leakage_schools
    from hwmodel.gpu.dram import known

    schools = spec.leakages if spec.leakages is not None else leakage_schools(spec.node)
    drams = spec.drams if spec.drams is not None else known()
    check(spec, [spec.capacity, *spec.capacities], nodes=spec.nodes, gpus=spec.gpus, drams=drams)
    base = scenarios(spec, [(cell, spec.capacity) for cell in spec.cells])
    factors: dict[str, Sequence[Any]] = {
        "leakage": schools, "temperature_K": spec.temperatures_K, "node": spec.nodes, "capacity": spec.capacities,
        "batch": spec.batches, "gpu": spec.gpus, "dram": drams,
    }  # fmt: skip
    labels, cases = [("base", "")] * len(base), list(base)
    for factor, values in factors.items():
        for value in values:
            moved = [_moved(case, factor, value) for case in base]
            if moved != base:
                labels += [(factor, str(value))] * len(base)
                cases += moved
    tables = evaluate(cases, runner, spec.dies, spec.seed)
    results = pd.concat(
        [pd.DataFrame(labels, columns=["factor", "value"]), tables.results.reset_index(drop=True)], axis=1
    )
    each = gains(results, ["factor", "value", "network", "phase"])
    keys = ["factor", "value", "cell"]
    gained = [name for name in each.columns if name.endswith("_reduction")]
    summary = each.groupby(keys, sort=False)[gained].agg(["max", _geometric]).reset_index()
    summary.columns = [
        "_".join(filter(None, name)).replace("reduction__geometric", "reduction_mean") for name in summary.columns
    ]
    return replace(tables, results=results), summary


def _moved(case: Scenario, factor: str, value: Any) -> Scenario:
    if factor == "batch":
        return replace(case, batch=value)
    if factor == "node":
        return replace(case, node=value, leakage=None)  # schools are a node's own
    return replace(case, **{factor: value})


def _geometric(values: "pd.Series") -> float:
    import numpy as np

    return float(np.exp(np.log(values.to_numpy(float)).mean()))


def gains(rows: "pd.DataFrame", keys: list[str]) -> "pd.DataFrame":
    """Return, for each case and cell after the first, by how much it is better: the first cell's figure over its own.

    Args:
        rows: results; the first cell of a case is what the others are held against.
        keys: columns that tell cases apart.

    Columns: keys, cell, capacity_bytes, cache_edp_reduction, edp_reduction (with DRAM), energy_reduction (the cache's),
    time_reduction, dynamic_energy_reduction, leakage_energy_reduction, area_reduction, dram_access_reduction; where
    results have them also edp_overlap_reduction, edp_board_reduction and time_overlap_reduction (on a GPU that hides
    latency; cache with DRAM, and the whole board), and bands.
    """
    import pandas as pd

    figures = {
        "cache_edp": "cache_edp_Js", "edp": "edp_Js", "energy": "cache_energy_J", "time": "cache_time_s",
        "dynamic_energy": "dynamic_energy_J", "leakage_energy": "leakage_energy_J", "area": "area_m2",
        "dram_access": "dram_accesses", "edp_overlap": "edp_overlap_Js", "edp_board": "edp_board_Js",
        "time_overlap": "time_overlap_s",
    }  # fmt: skip
    rows = rows.assign(dram_accesses=rows["dram_reads"] + rows["dram_writes"])
    figures = {name: column for name, column in figures.items() if column in rows}
    found = []
    groups: Any = rows.groupby(keys, sort=False)
    for case, part in groups:
        first, *others = part.to_dict("records")
        for row in others:
            line = dict(zip(keys, case, strict=True)) | {name: row[name] for name in ("cell", "capacity_bytes")}
            line |= {f"{name}_reduction": _over(first[column], row[column]) for name, column in figures.items()}
            if "cache_edp_low_Js" in row:
                line["cache_edp_reduction_low"] = _over(first["cache_edp_low_Js"], row["cache_edp_high_Js"])
                line["cache_edp_reduction_high"] = _over(first["cache_edp_high_Js"], row["cache_edp_low_Js"])
            found.append(line)
    columns = [*keys, "cell", "capacity_bytes", *(f"{name}_reduction" for name in figures)]
    return pd.DataFrame(found) if found else pd.DataFrame(columns=columns)


def _over(first: float, other: float) -> float:
    return first / other if other else float("nan") if not first else float("inf")


def crossings(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return where one cell's EDP falls below another's as the capacity grows, a row a crossing.

    Between two capacities the logarithm of the ratio is taken to run straight over that of the capacity.

    Columns: network, phase, batch, gpu, figure (cache_edp_Js or edp_Js), cell (that wins above), over, capacity_bytes
    (where they cross; NaN where one is better throughout, then `cell` is it), ratio_least, ratio_most (over's EDP in
    terms of cell's, at the smallest and the largest capacity).
    """
    import numpy as np
    import pandas as pd

    found = []
    groups: Any = rows.groupby([*CASE, "gpu"], sort=False)
    for case, part in groups:
        for figure in EDPS:
            table = part.pivot_table(index="capacity_bytes", columns="cell", values=figure, sort=True)
            names = [name for name in dict.fromkeys(part["cell"]) if name in table]
            for place, one in enumerate(names):
                for other in names[place + 1 :]:
                    ratio = np.log((table[one] / table[other]).to_numpy(float))
                    sizes = np.log(table.index.to_numpy(float))
                    head = dict(zip([*CASE, "gpu"], case, strict=True)) | {"figure": figure}
                    ends = {"ratio_least": float(np.exp(ratio[0])), "ratio_most": float(np.exp(ratio[-1]))}
                    turns = np.flatnonzero(np.sign(ratio[:-1]) * np.sign(ratio[1:]) < 0)
                    for at in turns:
                        where = sizes[at] - ratio[at] * (sizes[at + 1] - sizes[at]) / (ratio[at + 1] - ratio[at])
                        above, below = (other, one) if ratio[at + 1] > 0 else (one, other)
                        found.append(
                            head | {"cell": above, "over": below, "capacity_bytes": float(np.exp(where))} | ends
                        )
                    if not len(turns):
                        better, worse = (other, one) if ratio[-1] > 0 else (one, other)
                        found.append(head | {"cell": better, "over": worse, "capacity_bytes": float("nan")} | ends)
    columns = [*CASE, "gpu", "figure", "cell", "over", "capacity_bytes", "ratio_least", "ratio_most"]
    return pd.DataFrame(found, columns=columns)


QUESTIONS: dict[str, "Callable[[Any, Runner], tuple[Tables, pd.DataFrame]]"] = {
    "iso-capacity": iso_capacity, "iso-area": iso_area, "scaling": scaling, "batch": batch, "sensitivity": sensitivity,
    "explore": explore,
}  # fmt: skip
