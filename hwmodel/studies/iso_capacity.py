"""The same capacity in every technology: which memory should this last-level cache be made of?"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwmodel import __version__
from hwmodel.console import Advance
from hwmodel.studies.spec import IsoCapacity
from hwmodel.studies.traffic import COUNTS, Traffic, TrafficJob
from hwmodel.studies.workers import run_all

if TYPE_CHECKING:
    import pandas as pd

    from circuits import CacheDesign

CACHE_COLUMNS = (
    "cell",
    "node",
    "capacity_bytes",
    "ways",
    "line_bytes",
    "read_latency_s",
    "write_latency_s",
    "read_energy_J",
    "write_energy_J",
    "leakage_W",
    "area_m2",
)


@dataclass(frozen=True)
class Results:
    """A finished study: its tables, and what happened while it was made."""

    spec: IsoCapacity
    results: "pd.DataFrame"  # a row a (network, phase, cell)
    caches: "pd.DataFrame"  # a row a cell
    traffic: "pd.DataFrame"  # a row a (network, phase, kind of kernel)
    made: dict[str, Any]


def design_caches(spec: IsoCapacity) -> "list[CacheDesign]":
    """Return the best cache of each technology of the study, in the study's order."""
    from circuits import design_cache

    return [
        design_cache(
            cell=cell, node=spec.node, capacity=spec.capacity, ways=spec.ways, line=spec.line, target=spec.target
        )
        for cell in spec.cells
    ]


def measure_traffic(spec: IsoCapacity, capacities: list[int], workers: int, advance: Advance) -> list[Traffic]:
    """Return the traffic of each network and phase at caches of these capacities."""
    from hwmodel.cache import CacheConfig
    from traces import count_macs, find_network
    from traces.gpus import load_gpu

    macs = {network: count_macs(find_network(network)) for network in spec.networks}
    sector = load_gpu(spec.gpu).sector_bytes
    configs = tuple(CacheConfig(capacity, spec.ways, spec.line, spec.index, sector) for capacity in capacities)
    jobs = [
        TrafficJob(network, phase, batch, spec.gpu, configs, macs[network] * batch * (3 if phase == "training" else 1))
        for network in spec.networks
        for phase, batch in spec.phases.items()
    ]
    return run_all(jobs, workers, advance)


def run(spec: IsoCapacity, workers: int, advance: Advance) -> Results:
    """Run the study.

    Raises:
        InputError: for a cell, node, network, GPU, DRAM or size that cannot be used, before the long work begins.
    """
    import pandas as pd

    from hwmodel.gpu.accounting import ASSUMPTIONS, account
    from hwmodel.gpu.dram import load_dram
    from traces import find_network
    from traces.gpus import load_gpu

    start = time.perf_counter()
    dram, gpu = load_dram(spec.dram), load_gpu(spec.gpu)
    for network in spec.networks:  # a misspelt name fails before the work begins
        find_network(network)
    designs = design_caches(spec)
    streams = measure_traffic(spec, [spec.capacity], workers, advance)
    caches = pd.DataFrame([_flat(design.as_dict()) for design in designs])
    totals = pd.concat([one.totals.assign(network=one.network, phase=one.phase, batch=one.batch) for one in streams])
    rows = totals.drop(columns=["capacity_bytes", "accesses"]).merge(caches[list(CACHE_COLUMNS)], how="cross")
    rows["gpu"] = spec.gpu
    rows["l2_reads"] = rows["read_hits"] + rows["read_misses"]
    rows["l2_writes"] = rows["write_hits"] + rows["write_misses"]
    head = ["network", "phase", "batch", "gpu", *CACHE_COLUMNS, *COUNTS[:5], "l2_reads", "l2_writes", *COUNTS[5:]]
    results = account(rows.loc[:, head], dram, gpu.sector_bytes)
    made = {
        "version": __version__,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "wall_time_s": round(time.perf_counter() - start, 3),
        "sectors_replayed": sum(int(one.totals["accesses"].to_numpy().sum()) for one in streams),
        "networks": {one.network: {"parameters": one.parameters, "macs": one.macs // one.batch} for one in streams},
        "assumptions": _unique(
            [
                *(text for design in designs for text in design.assumptions),
                *(text for one in streams for text in one.assumptions),
                *ASSUMPTIONS,
                f"The energy of DRAM ({dram.name}) a bit is {dram.basis}.",
            ]
        ),
        "basis": {"dram_energy_J": dram.basis} | _basis(designs),  # of each column that is not purely modelled
        "works": _works(designs, streams, dram.works),
    }
    return Results(spec, results, caches, _traffic_table(streams), made)


def _traffic_table(streams: list[Traffic]) -> "pd.DataFrame":
    import pandas as pd

    table = pd.concat([one.kernels.assign(network=one.network, phase=one.phase) for one in streams], ignore_index=True)
    table["l2_reads"] = table["read_hits"] + table["read_misses"]
    table["l2_writes"] = table["write_hits"] + table["write_misses"]
    return table.loc[
        :, ["network", "phase", "kernel", "launches", "l2_reads", "l2_writes", "dram_reads", "dram_writes"]
    ]


def _flat(document: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a design as one row: nested names joined by underscores, lists and citations left out."""
    row: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, dict):
            row |= {} if name == "works" else _flat(value, f"{prefix}{name}_")
        elif not isinstance(value, list):
            row[prefix + name] = value
    return row


def _unique(texts: list[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def is_fitted(assumptions: list[str]) -> bool:
    """Return whether a figure under a design was fitted, which its assumptions then say."""
    return any("(calibrated" in text for text in assumptions)


def _basis(designs: "list[CacheDesign]") -> dict[str, str]:
    """Return, for each column that rests on circuits, whether figures under some cells were fitted."""
    fitted = [design.cell for design in designs if is_fitted(design.assumptions)]
    columns = (*CACHE_COLUMNS[5:], "cache_time_s", "time_s", "dynamic_energy_J", "leakage_energy_J", "cache_energy_J",
               "energy_J", "cache_edp_Js", "edp_Js")  # fmt: skip
    return dict.fromkeys(columns, f"modelled ({', '.join(fitted)} calibrated in part)") if fitted else {}


def _works(designs: "list[CacheDesign]", streams: list[Traffic], dram: dict[str, str]) -> dict[str, str]:
    from hwmodel.gpu.accounting import WORKS

    works = dict(WORKS)
    for more in (*(design.works for design in designs), *(one.works for one in streams), dram):
        for key, text in more.items():
            if key != "assumed":
                works.setdefault(key, text)  # the first to cite a work names it
    return works
