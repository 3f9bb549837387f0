"""A paper's figures beside ours, a row a figure: what agrees, what does not, and under whose circuits."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from circuits.yaml_file import read_yaml
from hwmodel.studies.points import COUNTS, CachePoint, TrafficPoint
from hwmodel.studies.questions import fitting
from hwmodel.studies.runner import Runner
from hwmodel.studies.scenarios import FIGURES, check, is_fitted, scenarios
from hwmodel.studies.spec import IsoArea, IsoCapacity

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MIB = 2**20
CELLS = ("stt", "sot")
ISO_AREA = {"stt": 7 * MIB, "sot": 10 * MIB}  # the paper's capacities in the area of its 3 MiB of SRAM

Row = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """Rows of one status and one origin of circuits."""

    status: str  # published | recalled
    circuits: str  # paper | ours

    def row(self, name: str, paper: float, ours: float, basis: str = "modelled") -> Row:
        return {
            "name": name,
            "status": self.status,
            "circuits": self.circuits,
            "paper": paper,
            "ours": float(ours),
            "ratio": float(ours / paper),
            "basis": basis,
        }


def _basis(design: dict[str, Any]) -> str:
    """Return what a design's figures are: calibrated as soon as one figure under them is fitted."""
    return "calibrated" if is_fitted(design["assumptions"]) else "modelled"


def deepnvm(runner: Runner) -> list[Row]:
    """Return DeepNVM++'s figures beside ours: name, status, circuits, paper, ours, ratio, basis.

    `circuits` is "paper" where the paper's own cache table stands under our traffic and accounting, "ours" where
    everything is ours from the device up (or where no circuits are involved).
    """
    import pandas as pd

    paper = read_yaml(Path(__file__).with_name("deepnvm.yaml"))
    spec = IsoCapacity()
    table = pd.DataFrame(paper["recalled"]["caches"])
    ours, grown = _our_caches(table, runner)
    rows = [*_cells(paper["recalled"]["cells"]), *_caches(table, ours), *_areas(paper["published"], ours, grown)]
    traffic, networks = _traffic(spec, sorted({3 * MIB, *ISO_AREA.values(), *grown.values()}), runner)
    rows += _workloads(paper["recalled"]["workloads"], networks)
    for circuits, caches, capacity in (("paper", table, ISO_AREA), ("ours", ours, grown)):
        rows += _energy(paper, circuits, _account(traffic, caches, spec), capacity)
        rows += _dram_accesses(paper["recalled"]["iso_area_dram_access_reduction"], traffic, circuits, capacity)
    return rows


def _traffic(
    spec: IsoCapacity, capacities: list[int], runner: Runner
) -> "tuple[pd.DataFrame, dict[str, dict[str, int]]]":
    """Return a row a (network, phase, capacity), and each network's parameters and MACs of an input."""
    import pandas as pd

    cases = scenarios(spec, [("sram", capacity) for capacity in capacities], check(spec, capacities))
    points: list[TrafficPoint] = [case.traffic() for case in cases]
    answers = runner.answers(points)
    rows = [
        {"network": point.network, "phase": point.phase, "capacity_bytes": point.capacity}
        | {name: sum(answer.rows[name].tolist()) for name in COUNTS}
        for point, answer in zip(points, answers, strict=True)
    ]
    networks = {
        point.network: {"parameters": answer.about["parameters"], "macs": answer.about["macs"] // point.batch}
        for point, answer in zip(points, answers, strict=True)
    }
    return pd.DataFrame(rows), networks


def _our_caches(table: "pd.DataFrame", runner: Runner) -> "tuple[pd.DataFrame, dict[str, int]]":
    """Return our caches at the paper's points and at our own iso-area capacities, and those capacities."""
    import pandas as pd

    grown = {cell: size for cell, size in fitting(IsoArea(), runner).items() if cell != "sram"}
    points = [
        CachePoint(cell, "16nm", int(size)) for cell, size in zip(table["cell"], table["capacity_bytes"], strict=True)
    ]
    points += [CachePoint(cell, "16nm", size) for cell, size in grown.items()]
    points = list(dict.fromkeys(points))
    designs = [answer.about["design"] for answer in runner.answers(points)]
    rows = [
        {"cell": point.cell, "capacity_bytes": point.capacity, "basis": _basis(design)}
        | {n: design[n] for n in FIGURES}
        for point, design in zip(points, designs, strict=True)
    ]
    return pd.DataFrame(rows), grown


def _cells(recalled: dict[str, dict[str, float]]) -> list[Row]:
    from circuits import design_cell

    rows = Rows("recalled", "ours")
    sram = design_cell("sram", "16nm").as_dict()
    made = []
    for cell, figures in recalled.items():
        ours = design_cell(cell, "16nm").as_dict()
        ours["area_vs_sram"] = ours["area_m2"] / sram["area_m2"]
        made += [rows.row(f"cell.{cell}.{name}", value, ours[name], _basis(ours)) for name, value in figures.items()]
    return made


def _caches(table: "pd.DataFrame", ours: "pd.DataFrame") -> list[Row]:
    rows = Rows("recalled", "ours")
    both = table.merge(ours, on=["cell", "capacity_bytes"], suffixes=("_paper", ""))
    made = []
    for line in both.to_dict("records"):
        head = f"cache.{line['cell']}.{line['capacity_bytes'] // MIB}MiB"
        made += [rows.row(f"{head}.{name}", line[f"{name}_paper"], line[name], line["basis"]) for name in FIGURES]
    return made


def _areas(published: dict[str, Any], ours: "pd.DataFrame", grown: dict[str, int]) -> list[Row]:
    rows = Rows("published", "ours")
    lines = {(line["cell"], line["capacity_bytes"]): line for line in ours.to_dict("records")}
    made = []
    for cell in CELLS:
        basis = lines[cell, 3 * MIB]["basis"]
        ratio = lines["sram", 3 * MIB]["area_m2"] / lines[cell, 3 * MIB]["area_m2"]
        made += [
            rows.row(f"{work}.area_reduction.{cell}", published[work]["area_reduction"][cell], ratio, basis)
            for work in ("iso_capacity", "date20")
        ]
        gain = published["iso_area"]["capacity_gain"][cell]
        made.append(rows.row(f"iso_area.capacity_gain.{cell}", gain, grown[cell] / (3 * MIB), basis))
    return made


def _workloads(recalled: dict[str, dict[str, float]], ours: dict[str, dict[str, int]]) -> list[Row]:
    rows = Rows("recalled", "ours")
    return [
        rows.row(f"workload.{network}.{name}", value, ours[network][name])
        for network, figures in recalled.items()
        for name, value in figures.items()
    ]


def _account(traffic: "pd.DataFrame", caches: "pd.DataFrame", spec: IsoCapacity) -> "pd.DataFrame":
    from hwmodel.gpu.accounting import account
    from hwmodel.gpu.dram import load_dram
    from traces.gpus import load_gpu

    rows = traffic.merge(caches, on="capacity_bytes")
    rows["l2_reads"] = rows["read_hits"] + rows["read_misses"]
    rows["l2_writes"] = rows["write_hits"] + rows["write_misses"]
    return account(rows, load_dram(spec.dram), load_gpu(spec.gpu).sector_bytes)


def _pick(rows: "pd.DataFrame", column: str, **where: Any) -> "np.ndarray":
    """Return a column of the rows where names have these values, in the order of networks and phases."""
    for name, value in where.items():
        rows = rows.loc[rows[name] == value]
    return rows.sort_values(["network", "phase"])[column].to_numpy(dtype=float)


def _energy(paper: dict[str, Any], circuits: str, rows: "pd.DataFrame", grown: dict[str, int]) -> list[Row]:
    """Return the energy and EDP rows at equal capacity and at equal area."""
    published, recalled = Rows("published", circuits), Rows("recalled", circuits)
    best, means = paper["published"], paper["recalled"]["iso_capacity_mean"]
    made = []
    for cell in CELLS:
        basis = rows.loc[rows["cell"] == cell, "basis"].iloc[0] if circuits == "ours" else "modelled"

        def gain(column: str, capacity: int = 3 * MIB, cell: str = cell) -> "np.ndarray":
            sram = _pick(rows, column, cell="sram", capacity_bytes=3 * MIB)
            return sram / _pick(rows, column, cell=cell, capacity_bytes=capacity)

        for column, suffix in (("cache_edp_Js", ""), ("edp_Js", ".with_dram")):
            for work, capacity in (("iso_capacity", 3 * MIB), ("date20", 3 * MIB), ("iso_area", grown[cell])):
                figure = best[work]["edp_reduction_up_to"][cell]
                name = f"{work}.edp_reduction_up_to.{cell}{suffix}"
                made.append(published.row(name, figure, gain(column, capacity).max(), basis))
        for name, ours in (
            ("dynamic_energy_vs_sram", 1 / gain("dynamic_energy_J")),
            ("leakage_energy_reduction", gain("leakage_energy_J")),
            ("total_energy_reduction", gain("cache_energy_J")),
        ):
            made.append(recalled.row(f"iso_capacity_mean.{name}.{cell}", means[name][cell], ours.mean(), basis))
    return made


def _dram_accesses(
    figures: dict[str, float], traffic: "pd.DataFrame", circuits: str, grown: dict[str, int]
) -> list[Row]:
    """Return the mean share of DRAM accesses saved at iso-area capacities: the paper's, or those of our circuits."""
    rows = Rows("recalled", circuits)
    traffic = traffic.assign(dram=traffic["dram_reads"] + traffic["dram_writes"])
    small = _pick(traffic, "dram", capacity_bytes=3 * MIB)
    made = []
    for cell, figure in figures.items():
        large = _pick(traffic, "dram", capacity_bytes=grown[cell])
        made.append(rows.row(f"iso_area.dram_access_reduction.{cell}", figure, (1 - large / small).mean()))
    return made
