"""What designs of a search come to: the figures behind each objective, and objectives as numbers to be made small."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.errors import InputError
from hwmodel.studies.points import CachePoint, VariationPoint
from hwmodel.studies.runner import Runner
from hwmodel.studies.scenarios import FIGURES
from hwmodel.studies.space import Design
from hwmodel.studies.spec import Explore
from hwmodel.studies.streams import StreamPoint

if TYPE_CHECKING:
    import pandas as pd

    from hwmodel.studies.store import Answer

YEAR_S = 365.25 * 86400
LONGEST_YEARS = 100.0  # lifetimes beyond are as good as each other
Answers = dict[Any, "Answer"]

ASSUMPTIONS = (
    "A hybrid cache is two of its cells, each with its ways' share of the capacity: areas and leakages add up.",
    "An access of a hybrid cache is charged that of the kind of way that serves it, and a read of the other's tags.",
    "A line that moves between ways is charged a read and a write of either kind.",
)
LIFETIME = (
    "A lifetime is the endurance given of the cell over the writes of the slot written most, added up over workloads.",
    "Where no endurance is given, or nothing is written, there is no lifetime: none ends it.",
    f"Lifetimes beyond {LONGEST_YEARS:g} years count as equally good.",
)
BACK_TO_BACK = "Workloads run back to back in the summed time, far above wall time: lifetimes are upper bounds."


@dataclass(frozen=True)
class Objective:
    """A column of the results, and what is made small of it."""

    column: str
    small: Callable[[np.ndarray], np.ndarray]


def _years(values: np.ndarray) -> np.ndarray:
    return -np.log10(np.minimum(np.where(np.isnan(values), np.inf, values), LONGEST_YEARS))


# Times, energies and areas differ by factors, so their logarithms are compared.
OBJECTIVES: dict[str, Objective] = {
    "delay": Objective("time_s", np.log10),
    "energy": Objective("energy_J", np.log10),
    "area": Objective("area_m2", np.log10),
    "edp": Objective("edp_Js", np.log10),
    "yield": Objective("yield", np.negative),
    "endurance": Objective("lifetime_years", _years),
}


def values_of(figures: "pd.DataFrame", names: Sequence[str]) -> np.ndarray:
    """Return the objectives of designs, shape (designs, objectives): less is better in each."""
    columns = [OBJECTIVES[name].small(figures[OBJECTIVES[name].column].to_numpy(float)) for name in names]
    return np.stack(columns, axis=1)


@dataclass(frozen=True)
class Evaluation:
    """Computes designs of a study.

    Args:
        spec: the study.
        endurance: writes that each (cell, node) bears; None where no figure is given.
    """

    spec: Explore
    endurance: dict[tuple[str, str], float | None]

    def parts(self, design: Design) -> list[CachePoint]:
        """Return the caches that a design is made of: its cell's, and its SRAM ways' where it has some."""
        spec, sets = self.spec, design.capacity // (design.ways * design.line)
        shares = [(design.cell, design.ways - design.sram_ways), ("sram", design.sram_ways)]
        return [
            CachePoint(cell, design.node, sets * ways * design.line, ways, design.line, spec.target,
                       spec.temperature_K, spec.leakage)
            for cell, ways in shares if ways
        ]  # fmt: skip

    def streams(self, design: Design) -> list[StreamPoint]:
        """Return what each workload asks of a design."""
        spec = self.spec
        wear = "endurance" in spec.objectives and self.endurance[design.cell, design.node] is not None
        return [
            StreamPoint(network, phase, batch, design.gpu, design.capacity, design.ways, design.line, design.sram_ways,
                        spec.migrate_after, wear, spec.index, spec.dtype)
            for network in spec.networks
            for phase, batch in spec.phases.items()
        ]  # fmt: skip

    def chips(self, design: Design) -> list[VariationPoint]:
        """Return the chips whose yield is asked for."""
        if "yield" not in self.spec.objectives:
            return []
        one = self.parts(design)[0]
        return [VariationPoint(one.cell, one.node, one.capacity, one.ways, one.line, one.target, one.temperature_K,
                               one.leakage, self.spec.dies, self.spec.seed)]  # fmt: skip

    def answers(self, designs: Sequence[Design], runner: Runner) -> Answers:
        """Return the answers of all that designs rest on, by point; streams of one workload are replayed together.

        Raises:
            InputError: for a cache that cannot be built; what was computed is kept.
        """
        points: list[Any] = []
        for of in (self.parts, self.streams, self.chips):
            points += [point for design in designs for point in of(design)]
        points = list(dict.fromkeys(points))
        return dict(zip(points, runner.answers(points), strict=True))

    def figures(self, designs: Sequence[Design], answers: Answers) -> "pd.DataFrame":
        """Return a row a design: the columns of OBJECTIVES that are asked for, and time_s, energy_J, edp_Js, area_m2.

        Times and energies of workloads are added up, and edp_Js is the product of the sums; or all three are the
        geometric means of the workloads' own.
        """
        import pandas as pd

        costs = self._costs(designs, answers)
        names = ("time_s", "energy_J", "edp_Js")
        of_workloads = costs[list(names)].to_numpy(float).reshape(len(designs), -1, len(names))
        rows = []
        for design, workloads in zip(designs, of_workloads, strict=True):
            time, energy, edp = workloads.T
            seconds = float(time.sum())
            row: dict[str, float]
            if self.spec.over == "sum":
                row = {"time_s": seconds, "energy_J": float(energy.sum()), "edp_Js": seconds * float(energy.sum())}
            else:
                means = (float(np.exp(np.log(values).mean())) for values in (time, energy, edp))
                row = dict(zip(names, means, strict=True))
            row["area_m2"] = sum(float(answers[part].about["design"]["area_m2"]) for part in self.parts(design))
            for chips in self.chips(design):
                row["yield"] = float(answers[chips].about["yields"][self.spec.ecc]["all"])
            if "endurance" in self.spec.objectives:
                row["lifetime_years"] = self._lifetime_years(design, answers, seconds)
            rows.append(row)
        return pd.DataFrame(rows)

    def _lifetime_years(self, design: Design, answers: Answers, seconds: float) -> float:
        from hwmodel.cache.wear import lifetime_s

        bears = self.endurance[design.cell, design.node]
        if bears is None:
            return float("nan")
        most = sum(int(answers[stream].rows["most_written"].iloc[0]) for stream in self.streams(design))
        duration = 1 / self.spec.runs_per_s if self.spec.runs_per_s else seconds
        return lifetime_s(most, duration, bears) / YEAR_S if most else float("nan")

    def _costs(self, designs: Sequence[Design], answers: Answers) -> "pd.DataFrame":
        """Return a row a (design, workload), as `account` does, in that order."""
        import pandas as pd

        from hwmodel.gpu.accounting import account
        from hwmodel.gpu.dram import load_dram
        from traces.gpus import load_gpu

        rows = []
        for design in designs:
            parts = [answers[part].about["design"] for part in self.parts(design)]
            for stream in self.streams(design):
                counts = answers[stream].rows.iloc[0]
                rows.append({"gpu": design.gpu} | traffic_of(counts) | charges(parts, counts))
        table = pd.DataFrame(rows)
        dram = load_dram(self.spec.dram)
        found = [
            account(table.loc[table["gpu"] == gpu], dram, load_gpu(gpu).sector_bytes)
            for gpu in dict.fromkeys(design.gpu for design in designs)
        ]
        return pd.concat(found).sort_index()


def traffic_of(counts: Any) -> dict[str, int]:
    """Return the sector accesses of the cache and of DRAM, of a replay's row."""
    return {
        "l2_reads": int(counts["read_hits"]) + int(counts["read_misses"]),
        "l2_writes": int(counts["write_hits"]) + int(counts["write_misses"]),
        "dram_reads": int(counts["dram_read_sectors"]),
        "dram_writes": int(counts["dram_write_sectors"]),
    }


def charges(parts: Sequence[dict[str, Any]], counts: Any) -> dict[str, float]:
    """Return the mean read and write of a stream (latency, energy), and the leakage, of a cache of one or two kinds.

    An access is charged that of the kind of way that serves it, and a read of the other kind's tags, which are looked
    up at the same time. Moves between the kinds are a read and a write of either, charged to the writes that cause
    them.

    Args:
        parts: the design of the cell's ways, and that of the SRAM ways where there are some.
        counts: the stream's row; of a hybrid cache with mram_read_accesses, mram_write_accesses and migrations.
    """
    if len(parts) == 1:
        return {name: float(parts[0][name]) for name in FIGURES if name != "area_m2"}
    mram, sram = parts
    asked = traffic_of(counts)
    found = {"leakage_W": float(mram["leakage_W"]) + float(sram["leakage_W"])}
    moves = int(counts["migrations"])
    for unit, tags in (("latency_s", None), ("energy_J", "tag_read_J")):
        each = {}
        for access in ("read", "write"):
            slow, quick = (float(part[f"{access}_{unit}"]) for part in (mram, sram))
            if tags:
                slow, quick = slow + float(sram["parts"][tags]), quick + float(mram["parts"][tags])
            total, there = asked[f"l2_{access}s"], int(counts[f"mram_{access}_accesses"])
            each[access] = (there * slow + (total - there) * quick) / total if total else slow
        moving = sum(float(part[f"{access}_{unit}"]) for part in parts for access in ("read", "write"))
        each["write"] += moves * moving / asked["l2_writes"] if moves else 0.0
        found |= {f"{access}_{unit}": value for access, value in each.items()}
    return found


def refuse(spec: Explore, endurance: dict[tuple[str, str], float | None]) -> None:
    """Refuse objectives that would not be true.

    Raises:
        InputError: for the yield of hybrid caches, and endurance where no cell has a figure.
    """
    if "endurance" in spec.objectives and not any(endurance.values()):
        raise InputError(f"explore: no endurance is given of {', '.join(spec.cells)}; leave the objective out")
    if "yield" in spec.objectives and any(spec.sram_ways):
        raise InputError("explore: yield is not known of caches of two cells on one die; give sram_ways 0 alone")
