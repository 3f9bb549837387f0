"""`hwmodel study` and `hwmodel reproduce`."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hwmodel import console

if TYPE_CHECKING:
    from hwmodel.studies.questions import Results
    from hwmodel.studies.runner import Runner

F = TypeVar("F", bound=Callable[..., Any])


class Names(click.ParamType):
    """Names with commas between them."""

    name = "name,name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        names = value if isinstance(value, list) else [part.strip() for part in str(value).split(",")]
        if not all(names):
            self.fail(f"{value!r}: an empty name; give names with commas between them", param, ctx)
        return names


class Phases(click.ParamType):
    """Phases with their batch sizes."""

    name = "phase:batch,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, int]:
        if isinstance(value, dict):
            return value
        phases = {}
        for part in str(value).split(","):
            phase, _, batch = part.strip().partition(":")
            if phase not in ("inference", "training") or not batch.isdecimal() or phase in phases:
                self.fail(f"{part!r}: give phases and batch sizes such as inference:4,training:64", param, ctx)
            phases[phase] = int(batch)
        return phases


class Items(Names):
    """Values with commas between them, each as text; what they are is the study's to check."""

    name = "value,value"


OUTPUT = click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="DIR",
                      help="Folder for the results and the report.")  # fmt: skip
RUN = (
    click.option("--jobs", type=click.IntRange(1, 1024), metavar="N",
                 help="Processes at work. [default: the processors at hand]"),
    click.option("--engine", default="processes", show_default=True, metavar="processes|ray",
                 help="Where they work: on this machine, or on the Ray cluster that RAY_ADDRESS names."),
    click.option("--store", type=click.Path(path_type=Path), metavar="DIR",
                 help="Folder where each answer is kept, so that nothing is computed twice. [default: HWMODEL_STORE, "
                 "or the user's cache folder]"),
)  # fmt: skip
# Options of every study: (declaration, its type, what it says).
COMMON: tuple[tuple[str, Any, str], ...] = (
    ("--networks", Names(), "Networks, by name or package.module:factory. [default: the five of DeepNVM++]"),
    ("--phases", Phases(), "Phases and their batch sizes. [default: inference:4,training:64]"),
    ("--dtype", str, "What tensors are held in: fp32, tf32, bf16, fp16, int8. [default: fp32]"),
    ("--cells", Names(), "Memory cells or .yaml files, the first to hold others against. [default: sram,stt,sot]"),
    ("--node", str, "Technology node or its .yaml file. [default: 16nm]"),
    ("--ways", int, "[default: 16]"),
    ("--line", str, "Bytes of a line. [default: 128]"),
    ("--index", click.Choice(["hashed", "modulo"]), "Set index. [default: hashed]"),
    ("--target", str, "What each cache is the best of. [default: edap]"),
    ("--gpu", str, "Machine the kernels are lowered for, or its .yaml file. [default: gtx1080ti]"),
    ("--dram", str, "Memory behind the cache, or its .yaml file. [default: gddr5x]"),
    ("--temperature", float, "Kelvin, 300 to 400. [default: 350]"),
    ("--leakage", str, "Leakage school of the node. [default: the node's]"),
    ("--dies", int, "Chips drawn for bands of process variation. [default: 0, no bands]"),
    ("--seed", int, "Of the chips drawn. [default: 0]"),
)  # fmt: skip
CAPACITY = ("--capacity", str, "Capacity of the cache. [default: 3MiB]")
FIELDS = {"temperature": "temperature_K", "temperatures": "temperatures_K"}  # an option's name -> the study's


def asks(*own: tuple[str, Any, str], without: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Give a command the options of every study and some of its own, and those that say how it runs."""

    def add(command: F) -> F:
        for option in reversed(RUN):
            command = option(command)
        for name, kind, text in reversed((*own, *(one for one in COMMON if one[0] not in without))):
            command = click.option(name, type=kind, help=text)(command)
        return OUTPUT(command)

    return add


@click.group()
def study() -> None:
    """Ask a published question of any networks, cells and machines; get tables and a typeset report."""


@study.command("iso-capacity")
@asks(CAPACITY)
def iso_capacity(**asked: Any) -> dict[str, Any]:
    """The same capacity in every technology: which memory should this last-level cache be made of?

    \b
    Examples:
      hwmodel study iso-capacity --output answer
      hwmodel study iso-capacity --networks vgg16 --cells sram,sot --capacity 7MiB --dies 50 -o answer
    """
    return _asked("iso-capacity", asked)


@study.command("iso-area")
@asks(CAPACITY, ("--most", int, "Times the capacity, the largest that is tried. [default: 6]"))
def iso_area(**asked: Any) -> dict[str, Any]:
    """The area of the first cell's cache in every technology: what does the capacity that fits buy?

    \b
    Example:
      hwmodel study iso-area --networks vgg16,resnet18 -o answer
    """
    return _asked("iso-area", asked)


@study.command("scaling")
@asks(("--capacities", Items(), "Rising capacities. [default: 1MiB to 64MiB, doubled]"))
def scaling(**asked: Any) -> dict[str, Any]:
    """Small caches to large ones: at which capacity does one memory overtake another?

    \b
    Example:
      hwmodel study scaling --capacities 1MiB,8MiB,64MiB,1GiB --networks vgg16 -o answer
    """
    return _asked("scaling", asked)


@study.command("batch")
@asks(CAPACITY, ("--batches", Items(), "Rising batch sizes. [default: 1,4,16,64]"),
      ("--phases", Items(), "Phases. [default: inference,training]"), without=("--phases",))  # fmt: skip
def batch(**asked: Any) -> dict[str, Any]:
    """One input at a time to many: does the batch decide which memory is best?

    \b
    Example:
      hwmodel study batch --networks resnet18 --phases inference --batches 1,8,64 -o answer
    """
    return _asked("batch", asked)


@study.command("sensitivity")
@asks(
    CAPACITY,
    ("--nodes", Items(), "Nodes to move to. [default: 14nm,10nm,7nm,5nm,3nm]"),
    ("--temperatures", Items(), "Kelvin. [default: 300,325,375,400]"),
    ("--leakages", Items(), "Leakage schools. [default: all of the node]"),
    ("--batches", Items(), "Batch sizes of every phase. [default: 1,16]"),
    ("--capacities", Items(), "Capacities. [default: 1MiB,8MiB,32MiB]"),
    ("--gpus", Items(), "Machines. [default: v100,a100_80gb,h100]"),
    ("--drams", Items(), "Memories behind the cache. [default: all known]"),
)
def sensitivity(**asked: Any) -> dict[str, Any]:
    """One figure at a time away from a base: what would change a designer's mind?

    \b
    Example:
      hwmodel study sensitivity --networks alexnet,resnet18 --nodes 7nm,3nm -o answer
    """
    return _asked("sensitivity", asked)


@study.command("explore")
@asks(
    ("--objectives", Items(), "Of delay, energy, area, edp, yield, endurance. [default: delay,energy,area]"),
    ("--nodes", Items(), "Nodes to choose from. [default: the --node]"),
    ("--capacities", Items(), "Capacities to choose from. [default: 1MiB to 32MiB, doubled]"),
    ("--ways", Items(), "Ways to choose from. [default: 4,8,16,32]"),
    ("--lines", Items(), "Lines to choose from. [default: the --line]"),
    ("--sram-ways", Items(), "How many ways may be SRAM beside another cell. [default: 0,1,2]"),
    ("--migrate-after", int, "Writes in a way of that cell, after which a line moves to SRAM. [default: 2]"),
    ("--gpus", Items(), "GPUs to choose from. [default: the --gpu]"),
    ("--over", click.Choice(["sum", "geometric"]), "Workloads: summed, or their geometric mean. [default: sum]"),
    ("--runs-per-s", float, "How often all workloads run, for endurance. [default: back to back]"),
    ("--ecc", click.Choice(["none", "secded"]), "The code that yield is counted with. [default: secded]"),
    ("--search", click.Choice(["surrogate", "evolution", "random"]), "[default: surrogate]"),
    ("--budget", int, "Designs to compute. [default: 200]"),
    ("--population", int, "Designs a generation. [default: 10]"),
    ("--dies", int, "Chips drawn a design where yield is asked for. [default: 20]"),
    without=("--ways", "--dies"),
)  # fmt: skip
def explore(**asked: Any) -> dict[str, Any]:
    """Choose among many designs by computing few: which does no other beat in all that you ask for?

    \b
    Example:
      hwmodel study explore --networks resnet18 --phases inference:1 --nodes 16nm,7nm --budget 100 -o answer
    """
    return _asked("explore", asked)


@study.command("rerun")
@click.argument("file", type=click.Path(path_type=Path))
@OUTPUT
@RUN[0]
@RUN[1]
@RUN[2]
def rerun(file: Path, **asked: Any) -> dict[str, Any]:
    """Run a study again from its study.yaml (or from one you wrote).

    \b
    Example:
      hwmodel study rerun answer/study.yaml --output again
    """
    from hwmodel.studies.spec import read_spec

    return _run(read_spec(file), **asked)


def _asked(kind: str, asked: dict[str, Any]) -> dict[str, Any]:
    from hwmodel.studies.spec import make_spec

    how = {name: asked.pop(name) for name in ("output", "jobs", "engine", "store")}
    given = {FIELDS.get(name, name): value for name, value in asked.items() if value is not None}
    return _run(make_spec({"study": kind} | given), **how)


def _run(spec: Any, output: Path, jobs: int | None, engine: str, store: Path | None) -> dict[str, Any]:
    from hwmodel.studies.engines import find_engine
    from hwmodel.studies.folder import run_into
    from hwmodel.studies.questions import run

    def found() -> "Results":
        with _runner(spec.study, jobs, engine, store) as runner:
            return run(spec, runner)

    find_engine(engine)
    answer, files = run_into(output, found)
    return {
        "study": spec.study,
        "folder": str(output),
        "files": [str(path.relative_to(output)) for path in files],
        "wall_time_s": answer.made["wall_time_s"],
        "sectors_replayed": answer.made["sectors_replayed"],
        "summary": _plain(answer.summary),
        "results": _plain(answer.results),
    }


def _plain(table: Any) -> list[dict[str, Any]]:
    """Return a table's rows as JSON has them: what is no number is null."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


@contextlib.contextmanager
def _runner(title: str, jobs: int | None, engine: str, store: Path | None) -> Iterator["Runner"]:
    from hwmodel.studies.runner import Runner
    from hwmodel.studies.store import Store, default_folder
    from hwmodel.studies.workers import processors

    with Store(store or default_folder()) as kept, console.progress(title) as advance:
        yield Runner(kept, jobs or processors(), advance, engine)


# What people see of a study's summary; machines get all of it.
VIEWS = {
    "iso-area": ("network", "phase", "cell", "capacity_bytes", "dram_access_reduction", "cache_edp_reduction",
                 "edp_reduction", "edp_overlap_reduction"),
    "scaling": ("network", "phase", "figure", "cell", "over", "capacity_bytes"),
    "batch": ("network", "phase", "batch", "cell", "cache_edp_reduction", "edp_reduction", "edp_overlap_reduction"),
    "sensitivity": ("factor", "value", "cell", "cache_edp_reduction_mean", "edp_reduction_mean",
                    "edp_overlap_reduction_mean"),
}  # fmt: skip
COSTS = ("network", "phase", "cell", "cache_time_s", "dynamic_energy_J", "leakage_energy_J", "dram_energy_J",
         "cache_edp_Js")  # fmt: skip


def _view(document: dict[str, Any]) -> None:
    columns = VIEWS.get(document["study"])
    if document["study"] == "iso-capacity":
        console.view(_costs(document["results"]))
    elif columns:
        console.view([{name: _short(row[name]) for name in columns if name in row} for row in document["summary"]])
    else:
        console.view(document["summary"])
    print(f"{document['sectors_replayed']:,} sectors replayed in {document['wall_time_s']:.0f} s")
    for name in document["files"]:
        if name.endswith((".pdf", ".html")):
            print(f"Read {Path(document['folder']) / name}")


def _short(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value


def _costs(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row a workload and cell: time, energies, EDP, and how the EDP stands to the first cell's."""
    first = rows[0]["cell"]
    base = {(row["network"], row["phase"]): row["cache_edp_Js"] for row in rows if row["cell"] == first}
    name = f"EDP of {first} / EDP"
    return [{column: row[column] for column in COSTS}
            | {name: round(base[row["network"], row["phase"]] / row["cache_edp_Js"], 2)} for row in rows]  # fmt: skip


for command in (iso_capacity, iso_area, scaling, batch, sensitivity, explore, rerun):
    command.view = _view  # type: ignore[attr-defined]


@click.command()
@click.argument("paper", type=click.Choice(["deepnvm", "rl-balance"]))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the rows, the tables behind them and a report.",
)
@RUN[0]
@RUN[1]
@RUN[2]
def reproduce(
    paper: str, output: Path | None, jobs: int | None, engine: str, store: Path | None
) -> list[dict[str, Any]]:
    """Put a paper's figures beside ours: paper | ours | ratio, a row a figure.

    Each row says whether the figure was read in the publication or is recalled from readers' notes, whether the
    circuits under it are the paper's or ours, whether ours is modelled or calibrated, and why one is far off.
    rl-balance is arXiv:2012.04210 on actors, CPU threads and SMs; low and high say how far what is assumed moves ours.

    \b
    Examples:
      hwmodel reproduce deepnvm --json
      hwmodel reproduce deepnvm -o beside
      hwmodel reproduce rl-balance
    """
    from hwmodel.studies.folder import run_into
    from hwmodel.studies.reproduce import deepnvm, reproduction

    if paper == "rl-balance":
        from hwmodel.balance import reproduce as balance

        with console.progress("reproduce rl-balance") as advance:
            if output is None:
                return balance.rl_balance(advance)
            return _plain(run_into(output, lambda: balance.reproduction(advance))[0].results)
    if output is None:
        with _runner("reproduce deepnvm", jobs, engine, store) as runner:
            return deepnvm(runner)

    def found() -> "Results":
        with _runner("reproduce deepnvm", jobs, engine, store) as runner:
            return reproduction(runner)

    return _plain(run_into(output, found)[0].results)


@click.command("store")
@click.option("--prune", is_flag=True, help="Drop what other versions of the model computed.")
@RUN[2]
def store_(prune: bool, store: Path | None) -> dict[str, Any]:
    """Say what the store of answers holds: how many, of which version of the model, since when.

    Answers of other versions are never taken for those of this one; --prune drops them.

    \b
    Examples:
      hwmodel store
      hwmodel store --prune
    """
    from hwmodel.studies.model import PARTS, model_version
    from hwmodel.studies.store import Store, default_folder

    folder = store or default_folder()
    current = {kind: model_version(kind) for kind in PARTS}
    with Store(folder) as kept:
        dropped = kept.prune(current.items()) if prune else 0
        rows = [{**row, "current": current.get(row["kind"]) == row["model"]} for row in kept.summary()]
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {"folder": str(folder), "size_bytes": size, "dropped": dropped, "points": rows}
