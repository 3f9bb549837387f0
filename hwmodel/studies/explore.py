"""The question of a search: which designs of a large space does no other beat, found by computing few of them?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.errors import InputError
from hwmodel.studies import objectives
from hwmodel.studies.objectives import OBJECTIVES, Answers, Evaluation
from hwmodel.studies.pareto import front, share
from hwmodel.studies.points import CachePoint
from hwmodel.studies.runner import Runner
from hwmodel.studies.scenarios import Tables, check_networks, flat, grounds
from hwmodel.studies.search import Proposer, Random, unseen
from hwmodel.studies.space import Design, Space
from hwmodel.studies.spec import Explore
from hwmodel.studies.streams import StreamPoint

if TYPE_CHECKING:
    import pandas as pd

UNITS = {"capacity": "capacity_bytes", "line": "line_bytes"}  # a factor's name -> its column


@dataclass
class Archive:
    """Designs in the order in which they were computed."""

    numbers: list[int] = field(default_factory=list)
    generations: list[int] = field(default_factory=list)
    figures: "list[pd.DataFrame]" = field(default_factory=list)  # a table a generation
    objectives: list[np.ndarray] = field(default_factory=list)  # their values, an array a generation
    answers: Answers = field(default_factory=dict)

    def matrix(self, columns: int) -> np.ndarray:
        return np.concatenate(self.objectives) if self.objectives else np.empty((0, columns))


def explore(spec: Explore, runner: Runner) -> "tuple[Tables, pd.DataFrame]":
    """Compute generation after generation until the budget is spent; say which designs no other beats.

    Raises:
        InputError: for choices that cannot be used, or a budget beyond the space, before any long work; for a design
            that cannot be built, naming it. What was computed is kept in the store.
    """
    space, evaluation = prepare(spec)
    archive = Archive()
    proposer = proposer_of(spec, space)
    chance = np.random.default_rng([spec.seed, 1])
    while len(archive.numbers) < spec.budget:
        count = min(spec.population, spec.budget - len(archive.numbers))
        seen = np.array(archive.numbers, np.int64)
        chosen = proposer.propose(seen, archive.matrix(len(spec.objectives)), count)
        rest = unseen(space, np.concatenate([seen, chosen]), count - len(chosen), chance)
        _compute(np.concatenate([chosen, rest]).tolist(), space, evaluation, archive, _told(runner, spec, archive))
    return tables_of(spec, space, evaluation, archive)


def prepare(spec: Explore) -> tuple[Space, Evaluation]:
    """Return what may be chosen and how it is computed; refuse what cannot be before any long work.

    Raises:
        InputError: for a cell, node, network, GPU, DRAM, target or size that is unknown or does not fit, for an
            objective that would not be true, and for a budget beyond the space.
    """
    from circuits import design_cell
    from circuits.cache.request import check as check_cache
    from hwmodel.gpu.dram import load_dram
    from traces.gpus import load_gpu

    nodes, gpus, lines = spec.nodes or [spec.node], spec.gpus or [spec.gpu], sorted(spec.lines or [spec.line])
    choices = (nodes, spec.cells, sorted(spec.capacities), sorted(spec.ways), lines, sorted(spec.sram_ways), gpus)
    load_dram(spec.dram)
    made = {
        (cell, node): design_cell(cell, node, temperature_K=spec.temperature_K, leakage=spec.leakage)
        for cell in (*spec.cells, *(["sram"] if any(spec.sram_ways) else []))
        for node in nodes
    }
    space = Space(choices, {cell for (cell, _), one in made.items() if one.volatile})
    for gpu in gpus:
        sector = load_gpu(gpu).sector_bytes
        for capacity, ways, line in ((a, b, c) for a in spec.capacities for b in spec.ways for c in lines):
            StreamPoint("", "", 1, gpu, capacity, ways, line, index=spec.index).config(sector)
            check_cache(capacity, ways, line, spec.target, None, None)
    endurance = {key: one.endurance_cycles for key, one in made.items()}
    objectives.refuse(spec, endurance)
    if spec.budget > len(space):
        raise InputError(f"explore: budget {spec.budget}: more than all {len(space)} designs; give at most so many")
    check_networks(spec.networks)
    return space, Evaluation(spec, endurance)


def proposer_of(spec: Explore, space: Space) -> Proposer:
    """Return who proposes a study's designs."""
    if spec.search == "random":
        return Random(space, spec.seed)
    if spec.search == "evolution":
        from hwmodel.studies.evolution import Evolution

        return Evolution(space, spec.seed, spec.population, len(spec.objectives))
    from hwmodel.studies.surrogate import Surrogate

    return Surrogate(space, spec.seed)


def _compute(chosen: list[int], space: Space, evaluation: Evaluation, archive: Archive, runner: Runner) -> None:
    """Compute a generation and keep it in the archive."""
    designs = [space.design(number) for number in chosen]
    answers = evaluation.answers(designs, runner)
    figures = evaluation.figures(designs, answers)
    archive.answers |= answers
    archive.generations += [len(archive.figures)] * len(chosen)
    archive.figures.append(figures)
    archive.objectives.append(objectives.values_of(figures, evaluation.spec.objectives))
    archive.numbers += chosen


def _told(runner: Runner, spec: Explore, archive: Archive) -> Runner:
    """Return a runner whose progress is that of the whole search."""
    before, of = len(archive.numbers), spec.budget

    def advance(done: float, total: float, what: str = "") -> None:
        now = min(spec.population, of - before) * (done / total if total else 1.0)
        runner.advance(before + now, of, f"{before} of {of} designs; {what}")

    return replace(runner, advance=advance)


def tables_of(spec: Explore, space: Space, evaluation: Evaluation, archive: Archive) -> "tuple[Tables, pd.DataFrame]":
    """Return every design computed, and those that no other beats, in the order of the first objective."""
    import pandas as pd

    values, answers = archive.matrix(len(spec.objectives)), archive.answers
    designs = [space.design(number) for number in archive.numbers]
    named = [{UNITS.get(name, name): value for name, value in asdict(design).items()} for design in designs]
    best = front(values)
    results = pd.concat(
        [
            pd.DataFrame({"generation": archive.generations}),
            pd.DataFrame(named).assign(dram=spec.dram),
            pd.concat(archive.figures, ignore_index=True),
            pd.DataFrame({"on_front": best}),
        ],
        axis=1,
    )
    order = np.lexsort([*values[best].T[::-1]])
    summary = results.loc[best].iloc[order].drop(columns=["generation", "on_front"]).reset_index(drop=True)
    made = [answers[point].about["design"] for point in answers if isinstance(point, CachePoint)]
    streams = [point for point in answers if isinstance(point, StreamPoint)]
    told = grounds(made, [answers[point].about for point in streams], [spec.dram])
    tables = Tables(
        results=results,
        caches=pd.DataFrame([flat(design) for design in made]),
        traffic=pd.DataFrame([_traffic(point, answers) for point in streams]),
        about={
            "sectors_replayed": sum(int(answers[point].rows["accesses"].iloc[0]) for point in streams),
            "designs": len(space),
            "networks": {
                point.network: {
                    "parameters": answers[point].about["parameters"],
                    "macs": answers[point].about["macs"] // point.batch,
                }
                for point in streams
            },
            **told,
            "assumptions": [*told["assumptions"], *_assumed(spec, evaluation, designs)],
        },
        more={"progress": progress(values, archive.generations)},
    )
    return tables, summary


def progress(values: np.ndarray, generations: Sequence[int]) -> "pd.DataFrame":
    """Return a row a generation: designs computed by then, how many none beats, and their share of the hypervolume.

    The share is of the box between the best and the worst that the whole search found of each objective.
    """
    import pandas as pd

    low, high = values.min(axis=0), values.max(axis=0)
    rows = []
    for generation in sorted(set(generations)):
        count = sum(one <= generation for one in generations)
        part = values[:count]
        rows.append({"generation": generation, "evaluations": count, "front": int(front(part).sum()),
                     "hypervolume": share(part, low, high)})  # fmt: skip
    return pd.DataFrame(rows)


def _traffic(point: StreamPoint, answers: Answers) -> dict[str, Any]:
    counts = answers[point].rows.iloc[0]
    names = ("network", "phase", "batch", "gpu", "capacity", "ways", "line", "sram_ways")
    head = {UNITS.get(name, name): getattr(point, name) for name in names}
    more = ("most_written", "mram_read_accesses", "mram_write_accesses", "migrations")
    return head | objectives.traffic_of(counts) | {name: int(counts[name]) for name in more if name in counts}


def _assumed(spec: Explore, evaluation: Evaluation, designs: Sequence[Design]) -> list[str]:
    found: list[str] = []
    if any(design.sram_ways for design in designs):
        found += objectives.ASSUMPTIONS
    if "endurance" in spec.objectives:
        found += objectives.LIFETIME
        found += [] if spec.runs_per_s else [objectives.BACK_TO_BACK]
        endless = dict.fromkeys(cell for (cell, _), bears in evaluation.endurance.items() if bears is None)
        found += [f"No endurance is given of {', '.join(endless)}: taken as unlimited."] if endless else []
    if "yield" in spec.objectives:
        found.append(f"The yield is of whole chips with {spec.ecc} as the code, over {spec.dies} chips drawn a design.")
    together = "added up" if spec.over == "sum" else "taken as their geometric mean"
    columns = ", ".join(OBJECTIVES[name].column for name in spec.objectives)
    return [*found, f"Times and energies of the workloads are {together}.", f"Searched for: {columns}."]
