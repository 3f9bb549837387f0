"""A paper's figures beside ours, a row a figure: what agrees, what does not, and under whose circuits."""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from circuits.yaml_file import read_yaml
from hwmodel import __version__
from hwmodel.gpu.dram import load_dram
from hwmodel.studies.points import COUNTS, CachePoint, TrafficPoint
from hwmodel.studies.questions import Results, fitting
from hwmodel.studies.reach import Mix, dram_for, reach, writes_for
from hwmodel.studies.runner import Runner
from hwmodel.studies.scenarios import FIGURES, check, is_fitted, scenarios
from hwmodel.studies.spec import IsoArea, IsoCapacity
from traces.stream import SECTOR_BYTES

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MIB = 2**20
CELLS = ("stt", "sot")
NAMES = {"sram": "SRAM", "stt": "STT-MRAM", "sot": "SOT-MRAM"}
NEAR = 0.15  # an EDP further off is given a reason
ISO_AREA = {"stt": 7 * MIB, "sot": 10 * MIB}  # the paper's capacities in the area of its 3 MiB of SRAM

Row = dict[str, Any]


class Reproduction(BaseModel):
    """What a reproduction's study.yaml says was asked."""

    study: Literal["reproduce"] = "reproduce"
    paper: Literal["deepnvm"] = "deepnvm"


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
            "reason": "",
        }


def _basis(design: dict[str, Any]) -> str:
    """Return what a design's figures are: calibrated as soon as one figure under them is fitted."""
    return "calibrated" if is_fitted(design["assumptions"]) else "modelled"


def reproduction(runner: Runner) -> Results:
    """Return DeepNVM++'s figures beside ours, with what they rest on.

    results: a row a figure, as of `deepnvm`. caches: a row a (circuits, cell, capacity). traffic: a row a (network,
    phase, capacity). summary: a row a (circuits, network, phase, cell, capacity): time, energies, EDP.
    """
    import pandas as pd

    from hwmodel.gpu.accounting import ASSUMPTIONS, WORKS

    start = time.perf_counter()
    rows, caches, traffic, accounts = _tables(runner)
    made = {
        "version": __version__,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "wall_time_s": round(time.perf_counter() - start, 3),
        "sectors_replayed": sum(traffic[list(COUNTS[:4])].to_numpy().ravel().tolist()),
        "assumptions": list(ASSUMPTIONS),
        "works": dict(WORKS),
    }
    return Results(Reproduction(), pd.DataFrame(rows), caches, traffic, accounts, made)


def deepnvm(runner: Runner) -> list[Row]:
    """Return DeepNVM++'s figures beside ours: name, status, circuits, paper, ours, ratio, basis, reason.

    `circuits` is "paper" where the paper's own cache table stands under our traffic and accounting, "ours" where
    everything is ours from the device up (or where no circuits are involved). `reason` says of an EDP that is more than
    15 % off what the published figure would take, or which of our caches' figures makes most of the gap.
    """
    return _tables(runner)[0]


def _tables(runner: Runner) -> "tuple[list[Row], pd.DataFrame, pd.DataFrame, pd.DataFrame]":
    """Return the rows; the paper's and our caches; the traffic; and what it costs through each cache."""
    import pandas as pd

    paper = read_yaml(Path(__file__).with_name("deepnvm.yaml"))
    spec = IsoCapacity()
    table = pd.DataFrame(paper["recalled"]["caches"])
    ours, grown = _our_caches(table, runner)
    rows = [*_cells(paper["recalled"]["cells"]), *_caches(table, ours), *_areas(paper["published"], ours, grown)]
    traffic, networks = _traffic(spec, sorted({3 * MIB, *ISO_AREA.values(), *grown.values()}), runner)
    rows += _workloads(paper["recalled"]["workloads"], networks)
    accounts = {"paper": _account(traffic, table, spec), "ours": _account(traffic, ours, spec)}
    for circuits, capacity in (("paper", ISO_AREA), ("ours", grown)):
        rows += _energy(paper, circuits, accounts[circuits], capacity)
        rows += _dram_accesses(paper["recalled"]["iso_area_dram_access_reduction"], traffic, circuits, capacity)
    _gaps(table, ours, traffic, spec, rows)
    caches = [table.assign(circuits="paper", basis=""), ours.assign(circuits="ours")]
    accounted = [one.assign(circuits=circuits) for circuits, one in accounts.items()]
    return rows, pd.concat(caches, ignore_index=True), traffic, pd.concat(accounted, ignore_index=True)


def _traffic(
    spec: IsoCapacity, capacities: list[int], runner: Runner
) -> "tuple[pd.DataFrame, dict[str, dict[str, int]]]":
    """Return a row a (network, phase, capacity), and each network's parameters and MACs of an input."""
    import pandas as pd

    check(spec, capacities)
    cases = scenarios(spec, [("sram", capacity) for capacity in capacities])
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
                row = published.row(
                    f"{work}.edp_reduction_up_to.{cell}{suffix}", figure, gain(column, capacity).max(), basis
                )
                if circuits == "paper" and abs(row["ratio"] - 1) > NEAR:
                    row["reason"] = _needs(rows, cell, capacity, column, figure)
                made.append(row)
        for name, ours in (
            ("dynamic_energy_vs_sram", 1 / gain("dynamic_energy_J")),
            ("leakage_energy_reduction", gain("leakage_energy_J")),
            ("total_energy_reduction", gain("cache_energy_J")),
        ):
            made.append(recalled.row(f"iso_capacity_mean.{name}.{cell}", means[name][cell], ours.mean(), basis))
    return made


def _needs(rows: "pd.DataFrame", cell: str, capacity: int, column: str, figure: float) -> str:
    """Say which stream the paper's caches would need for a published reduction, and which of ours came nearest."""
    dram, sector = load_dram(IsoCapacity().dram), SECTOR_BYTES
    sram = rows.loc[(rows["cell"] == "sram") & (rows["capacity_bytes"] == 3 * MIB)].set_index(["network", "phase"])
    other = rows.loc[(rows["cell"] == cell) & (rows["capacity_bytes"] == capacity)].set_index(["network", "phase"])
    at: Any = (sram[column] / other[column]).idxmax()
    first: dict[str, Any] = {str(name): value for name, value in sram.loc[at].items()}
    second: dict[str, Any] = {str(name): value for name, value in other.loc[at].items()}
    accesses = first["l2_reads"] + first["l2_writes"]
    mix = Mix(first["l2_writes"] / accesses, first["dram_reads"] / accesses, first["dram_writes"] / accesses)
    share = f"{' '.join(at)}, our best, has {100 * mix.writes:.0f} %"
    if column == "cache_edp_Js":
        least, most = reach(first, second, dram, sector)
        if not least <= figure <= most:
            return f"No share of writes gives {figure}: the recalled caches alone give {least:.2g} to {most:.2g}."
        writes = 100 * (writes_for(first, second, figure, dram, sector) or 0.0)
        return f"It takes a share of writes of {writes:.0f} %; {share}."
    if capacity != 3 * MIB:
        return ""  # two caches, two streams of DRAM accesses: no single figure tells
    factor = dram_for(first, second, figure, mix, dram, sector)
    had = mix.dram_reads + mix.dram_writes
    if factor is None:
        return f"No amount of DRAM accesses gives {figure} at that share of writes; {share}."
    return f"It takes {factor * had:.2f} accesses of DRAM for one of L2; {' '.join(at)}, our best, has {had:.2f}."


def _gaps(table: "pd.DataFrame", ours: "pd.DataFrame", traffic: "pd.DataFrame", spec: IsoCapacity,
          rows: list[Row]) -> None:  # fmt: skip
    """Add to each EDP row of our circuits which figure of ours, put into the paper's table, moves it most."""
    for row in rows:
        work, _, rest = row["name"].partition(".edp_reduction_up_to.")
        if work != "iso_capacity" or row["circuits"] != "ours" or abs(row["ratio"] - 1) <= NEAR:
            continue
        cell, column = rest.split(".")[0], "edp_Js" if rest.endswith(".with_dram") else "cache_edp_Js"
        pair = table.loc[(table["capacity_bytes"] == 3 * MIB) & table["cell"].isin(["sram", cell])]
        before = _most(_account(traffic, pair, spec), cell, column)
        found = []
        for which in ("sram", cell):
            mine = ours.loc[(ours["cell"] == which) & (ours["capacity_bytes"] == 3 * MIB)].iloc[0]
            for name in FIGURES[:5]:
                moved = pair.assign(**{name: pair[name].where(pair["cell"] != which, float(mine[name]))})
                after = _most(_account(traffic, moved, spec), cell, column)
                found.append((abs(math.log(after / before)), which, name, after))
        _, which, name, after = max(found)
        figure = name.rsplit("_", 1)[0].replace("_", " ")
        row["reason"] = (
            f"Our {NAMES[which]} {figure} alone, put into the paper's table, makes {after:.2g} of its {before:.2g}."
        )


def _most(rows: "pd.DataFrame", cell: str, column: str) -> float:
    sram = _pick(rows, column, cell="sram", capacity_bytes=3 * MIB)
    return float((sram / _pick(rows, column, cell=cell, capacity_bytes=3 * MIB)).max())


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
