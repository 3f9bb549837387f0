"""A study as scenarios: a workload on a machine with a cache of some technology; and the tables that come of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hwmodel.studies.overlapped import add_overlap, known
from hwmodel.studies.points import COUNTS, CachePoint, TrafficPoint, VariationPoint
from hwmodel.studies.runner import Runner
from hwmodel.studies.spec import Study

if TYPE_CHECKING:
    import pandas as pd

    from hwmodel.studies.store import Answer

FIGURES = ("read_latency_s", "write_latency_s", "read_energy_J", "write_energy_J", "leakage_W", "area_m2")
WORKLOAD = ("network", "phase", "batch", "dtype", "gpu")
CACHE = ("cell", "node", "temperature_K", "leakage", "capacity_bytes", "ways", "line_bytes", *FIGURES)
LOW, HIGH = "p5", "p95"  # of chips, for bands
UNTOLD = "What a GPU that hides latency makes of it is not told: hwmodel.gpu.machine knows no figures of it."


@dataclass(frozen=True)
class Scenario:
    """One case: what runs, on which machine, through which cache, before which memory."""

    network: str
    phase: str
    batch: int
    dtype: str
    gpu: str
    dram: str
    cell: str
    node: str
    capacity: int
    ways: int
    line: int
    index: str
    target: str
    temperature_K: float
    leakage: str | None

    def cache(self) -> CachePoint:
        return CachePoint(self.cell, self.node, self.capacity, self.ways, self.line, self.target, self.temperature_K,
                          self.leakage)  # fmt: skip

    def traffic(self) -> TrafficPoint:
        return TrafficPoint(self.network, self.phase, self.batch, self.gpu, self.capacity, self.ways, self.line,
                            self.index, self.dtype)  # fmt: skip

    def variation(self, dies: int, seed: int) -> VariationPoint:
        one = self.cache()
        return VariationPoint(one.cell, one.node, one.capacity, one.ways, one.line, one.target, one.temperature_K,
                              one.leakage, dies, seed)  # fmt: skip


@dataclass(frozen=True)
class Tables:
    """What scenarios came to."""

    results: "pd.DataFrame"  # a row a scenario, in order
    caches: "pd.DataFrame"  # a row a design, all of its figures
    traffic: "pd.DataFrame"  # a row a (workload, capacity, kind of kernel)
    about: dict[str, Any]  # sectors_replayed, networks, assumptions, basis, works
    more: "dict[str, pd.DataFrame]" = field(default_factory=dict)  # further tables, by name


def check(
    spec: Study, capacities: Sequence[int], *, nodes: Sequence[str] = (), gpus: Sequence[str] = (),
    drams: Sequence[str] = (),
) -> None:  # fmt: skip
    """Refuse what cannot be used before any long work.

    Raises:
        InputError: for a cell, node, network, GPU, DRAM, target or size that is unknown or does not fit.
    """
    from circuits import design_cell
    from circuits.cache.request import check as check_cache
    from circuits.devices.node import load_node
    from hwmodel.cache import CacheConfig
    from hwmodel.gpu.dram import load_dram
    from traces.gpus import load_gpu

    for gpu in (spec.gpu, *gpus):
        sector = load_gpu(gpu).sector_bytes
        for capacity in capacities:
            CacheConfig(capacity, spec.ways, spec.line, spec.index, sector)
    for dram in (spec.dram, *drams):
        load_dram(dram)
    for capacity in capacities:
        check_cache(capacity, spec.ways, spec.line, spec.target, None, None)
    for cell in spec.cells:
        design_cell(cell, spec.node, temperature_K=spec.temperature_K, leakage=spec.leakage)
    for node in nodes:
        load_node(node)
    check_networks(spec.networks)


def check_networks(networks: Sequence[str]) -> None:
    """Refuse networks that are unknown; those of installed packages are not imported for it.

    Raises:
        InputError: for the first of them.
    """
    from traces.networks import find_network, known_networks, unknown_network

    known = set(known_networks())
    for network in networks:
        if ":" in network:
            find_network(network)
        elif network not in known:
            raise unknown_network(network)


def scenarios(
    spec: Study, capacities: Iterable[tuple[str, int]], batches: Sequence[int] | None = None
) -> list[Scenario]:
    """Return a scenario for each network, phase, batch and (cell, capacity), in that order.

    Args:
        spec: what they share.
        capacities: cells with capacities.
        batches: of every phase; None takes each phase's own.
    """
    phases = spec.phases if isinstance(spec.phases, dict) else dict.fromkeys(spec.phases, 1)
    pairs = list(capacities)
    return [
        Scenario(network, phase, size, spec.dtype, spec.gpu, spec.dram, cell, spec.node, capacity, spec.ways, spec.line,
                 spec.index, spec.target, spec.temperature_K, spec.leakage)
        for network in spec.networks
        for phase, batch in phases.items()
        for size in (batches or [batch])
        for cell, capacity in pairs
    ]  # fmt: skip


def evaluate(cases: Sequence[Scenario], runner: Runner, dies: int = 0, seed: int = 0) -> Tables:
    """Return what scenarios cost, in two accountings, with bands of process variation where `dies` asks for them.

    Raises:
        InputError: for a cache that cannot be built or a network that cannot be captured; what was computed is kept.
    """
    import pandas as pd

    caches = _unique(case.cache() for case in cases)
    streams = _unique(case.traffic() for case in cases)
    chips = _unique(case.variation(dies, seed) for case in cases) if dies else []
    answers = dict(zip([*caches, *streams, *chips], runner.answers([*caches, *streams, *chips]), strict=True))
    results = account_for(cases, answers, dies, seed)
    designs = [answers[point].about["design"] for point in caches]
    return Tables(
        results=results,
        caches=pd.DataFrame([flat(design) for design in designs]),
        traffic=pd.concat([_by_kind(point, answers[point]) for point in streams], ignore_index=True),
        about={
            "sectors_replayed": sum(sum(answers[point].rows["accesses"].tolist()) for point in streams),
            "networks": {
                point.network: {
                    "parameters": answers[point].about["parameters"],
                    "macs": answers[point].about["macs"] // point.batch,
                }
                for point in streams
            },
            **grounds(
                designs,
                [answers[point].about for point in streams],
                _unique(case.dram for case in cases),
                _unique(case.gpu for case in cases),
            ),
        },
    )


def account_for(
    cases: Sequence[Scenario], answers: "dict[Any, Answer]", dies: int = 0, seed: int = 0
) -> "pd.DataFrame":
    """Return a row a scenario: the workload, the cache's figures, the traffic, time, energy and EDP."""
    import pandas as pd

    from hwmodel.gpu.accounting import account
    from hwmodel.gpu.dram import load_dram
    from traces.gpus import load_gpu

    totals = {point: answer.rows.loc[:, list(COUNTS)].sum().to_dict() for point, answer in answers.items()
              if isinstance(point, TrafficPoint)}  # fmt: skip
    designs = {point: answer.about["design"] for point, answer in answers.items() if isinstance(point, CachePoint)}
    rows = []
    for case in cases:
        design, counts = designs[case.cache()], totals[case.traffic()]
        row = {name: getattr(case, name) for name in WORKLOAD} | {"dram": case.dram}
        row |= {name: design[name] for name in CACHE} | {name: int(counts[name]) for name in COUNTS[:5]}
        row |= {
            "l2_reads": row["read_hits"] + row["read_misses"],
            "l2_writes": row["write_hits"] + row["write_misses"],
            "dram_reads": int(counts["dram_reads"]),
            "dram_writes": int(counts["dram_writes"]),
        }
        if dies:
            row |= _band(answers[case.variation(dies, seed)])
        rows.append(row)
    table = pd.DataFrame(rows)
    parts = []
    for gpu, dram in _unique((case.gpu, case.dram) for case in cases):
        part = table.loc[(table["gpu"] == gpu) & (table["dram"] == dram)]
        parts.append(account(part, load_dram(dram), load_gpu(gpu).sector_bytes))
    found = pd.concat(parts).sort_index()
    if dies:
        for end in ("low", "high"):
            found[f"cache_edp_{end}_Js"] = _edp(found, end)
    return add_overlap(found, cases, answers)


def _band(answer: "Answer") -> dict[str, float]:
    """Return a cache's figures at either end of its chips' band, and the yields."""
    quantiles: Any = answer.rows.set_index("quantile")
    found = {}
    for name in ("read_latency_s", "write_latency_s", "read_energy_J", "write_energy_J", "leakage_W"):
        stem, unit = name.rsplit("_", 1)
        for end, quantile in (("low", LOW), ("high", HIGH)):
            found[f"{stem}_{end}_{unit}"] = float(quantiles.loc[quantile, name])
    for code, yields in answer.about["yields"].items():
        found[f"yield_{code}"] = yields["all"]
    return found


def _edp(rows: "pd.DataFrame", end: str) -> Any:
    """Return the cache's EDP where all figures lie at one end of their bands: wider than any one chip's."""
    reads, writes = rows["l2_reads"], rows["l2_writes"]
    delay = reads * rows[f"read_latency_{end}_s"] + writes * rows[f"write_latency_{end}_s"]
    energy = reads * rows[f"read_energy_{end}_J"] + writes * rows[f"write_energy_{end}_J"]
    return (energy + rows[f"leakage_{end}_W"] * delay) * delay


def _by_kind(point: TrafficPoint, answer: "Answer") -> "pd.DataFrame":
    rows: Any = answer.rows.loc[:, ["name", *COUNTS]]
    rows.insert(1, "launches", 1)
    sums = rows.groupby("name", sort=False, as_index=False).sum().rename(columns={"name": "kernel"})
    sums["l2_reads"] = sums["read_hits"] + sums["read_misses"]
    sums["l2_writes"] = sums["write_hits"] + sums["write_misses"]
    head = {"network": point.network, "phase": point.phase, "batch": point.batch, "gpu": point.gpu,
            "capacity_bytes": point.capacity}  # fmt: skip
    columns = ["kernel", "launches", "l2_reads", "l2_writes", "dram_reads", "dram_writes"]
    return sums[columns].assign(**head)[[*head, *columns]]


def flat(document: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a design as one row: nested names joined by underscores, lists and citations left out."""
    row: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, dict):
            row |= {} if name == "works" else flat(value, f"{prefix}{name}_")
        elif not isinstance(value, list):
            row[prefix + name] = value
    return row


def is_fitted(assumptions: Sequence[str]) -> bool:
    """Return whether a figure under a design was fitted, which its assumptions then say."""
    return any("(calibrated" in text for text in assumptions)


def grounds(
    designs: Sequence[dict[str, Any]],
    streams: Sequence[dict[str, Any]],
    drams: Sequence[str],
    gpus: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what results rest on: assumptions, works, and how columns came about that are not purely modelled."""
    from hwmodel.gpu.accounting import ASSUMPTIONS, WORKS
    from hwmodel.gpu.dram import load_dram
    from hwmodel.gpu.machine import load_machine
    from hwmodel.gpu.overlap import ASSUMPTIONS as OVERLAPPED
    from traces.gpus import load_gpu

    overlaps = bool(gpus) and known(gpus)
    machines = [load_machine(load_gpu(gpu).name) for gpu in gpus] if overlaps else []
    memories = [load_dram(name) for name in drams]
    works = dict(WORKS)
    cited = [*(one["works"] for one in (*designs, *streams)), *(dict(one.works) for one in (*memories, *machines))]
    for more in cited:
        for key, text in more.items():
            if key != "assumed":
                works.setdefault(key, text)  # the first to cite a work names it
    fitted = list(dict.fromkeys(one["cell"] for one in designs if is_fitted(one["assumptions"])))
    columns = (*FIGURES, "cache_time_s", "time_s", "dynamic_energy_J", "leakage_energy_J", "cache_energy_J", "energy_J",
               "cache_edp_Js", "edp_Js")  # fmt: skip
    basis = dict.fromkeys(columns, f"modelled ({', '.join(fitted)} calibrated in part)") if fitted else {}
    bases = list(dict.fromkeys(one.basis for one in memories))
    return {
        "assumptions": _unique(
            [
                *(text for design in designs for text in design["assumptions"]),
                *(text for one in streams for text in one["notes"]),
                *ASSUMPTIONS,
                *(OVERLAPPED if overlaps else [UNTOLD] if gpus else []),
                *(f"The energy of DRAM ({one.name}) a bit is {one.basis}." for one in memories),
            ]
        ),
        "basis": {"dram_energy_J": ", ".join(bases)} | basis,
        "works": works,
    }


def _unique(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))
