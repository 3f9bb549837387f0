"""`hwmodel study` and `hwmodel reproduce`."""

from pathlib import Path
from typing import Any

import click

from hwmodel import console


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


OUTPUT = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Folder for the results and the report.",
)
JOBS = click.option(
    "--jobs", type=click.IntRange(1, 1024), metavar="N", help="Processes at work. [default: the processors at hand]"
)


@click.group()
def study() -> None:
    """Ask a published question of any networks, cells and machines; get tables and a typeset report."""


@study.command("iso-capacity")
@OUTPUT
@click.option("--networks", type=Names(), help="Networks. [default: the five of DeepNVM++]")
@click.option(
    "--phases",
    type=Phases(),
    default="inference:4,training:64",
    show_default=True,
    help="Phases and their batch sizes.",
)
@click.option("--cells", type=Names(), default="sram,stt,sot", show_default=True, help="Memory cells to compare.")
@click.option("--node", default="16nm", show_default=True, help="Technology node.")
@click.option("--capacity", default="3MiB", show_default=True, help="Capacity of the cache.")
@click.option("--ways", type=int, default=16, show_default=True)
@click.option("--line", default="128", show_default=True, help="Bytes of a line.")
@click.option(
    "--index", type=click.Choice(["hashed", "modulo"]), default="hashed", show_default=True, help="Set index."
)
@click.option("--target", default="edap", show_default=True, help="What each cache is the best of.")
@click.option("--gpu", default="gtx1080ti", show_default=True, help="Machine the kernels are lowered for.")
@click.option("--dram", default="gddr5x", show_default=True, help="Memory behind the cache.")
@JOBS
def iso_capacity(output: Path, jobs: int | None, networks: list[str] | None, **asked: Any) -> dict[str, Any]:
    """The same capacity in every technology: which memory should this last-level cache be made of?

    \b
    Examples:
      hwmodel study iso-capacity --output answer
      hwmodel study iso-capacity --networks vgg16 --cells sram,sot --capacity 7MiB -o answer
    """
    from hwmodel.studies.spec import make_spec

    return _run(make_spec(asked | ({"networks": networks} if networks else {})), output, jobs)


@study.command("rerun")
@click.argument("file", type=click.Path(path_type=Path))
@OUTPUT
@JOBS
def rerun(file: Path, output: Path, jobs: int | None) -> dict[str, Any]:
    """Run a study again from its study.yaml (or from one you wrote).

    \b
    Example:
      hwmodel study rerun answer/study.yaml --output again
    """
    from hwmodel.studies.spec import read_spec

    return _run(read_spec(file), output, jobs)


def _run(spec: Any, output: Path, jobs: int | None) -> dict[str, Any]:
    from hwmodel.studies import iso_capacity as question
    from hwmodel.studies.store import report, save, study_folder
    from hwmodel.studies.workers import processors

    with study_folder(output):
        with console.progress("iso-capacity") as advance:
            answer = question.run(spec, jobs or processors(), advance)
        files = save(answer, output)
    files += report(output)
    return {
        "folder": str(output),
        "files": [str(path.relative_to(output)) for path in files],
        "wall_time_s": answer.made["wall_time_s"],
        "sectors_replayed": answer.made["sectors_replayed"],
        "results": answer.results.to_dict("records"),
    }


def _view(document: dict[str, Any]) -> None:
    rows = document["results"]
    base = {(row["network"], row["phase"]): row for row in rows if row["cell"] == rows[0]["cell"]}
    table = []
    for row in rows:
        first = base[row["network"], row["phase"]]
        table.append(
            {
                name: row[name]
                for name in (
                    "network",
                    "phase",
                    "cell",
                    "cache_time_s",
                    "dynamic_energy_J",
                    "leakage_energy_J",
                    "dram_energy_J",
                    "cache_edp_Js",
                )
            }
            | {f"EDP of {first['cell']} / EDP": round(first["cache_edp_Js"] / row["cache_edp_Js"], 2)}
        )
    console.view(table)
    print(f"{document['sectors_replayed']:,} sectors replayed in {document['wall_time_s']:.0f} s")
    for name in document["files"]:
        if name.endswith((".pdf", ".html")):
            print(f"Read {Path(document['folder']) / name}")


for command in (iso_capacity, rerun):
    command.view = _view  # type: ignore[attr-defined]


@click.command()
@click.argument("paper", type=click.Choice(["deepnvm"]))
@JOBS
def reproduce(paper: str, jobs: int | None) -> list[dict[str, Any]]:  # noqa: ARG001  (one paper so far)
    """Put a paper's figures beside ours: paper | ours | ratio, a row a figure.

    Each row says whether the figure was read in the publication or is recalled from readers' notes, whether the
    circuits under it are the paper's or ours, and whether ours is modelled or calibrated.

    \b
    Example:
      hwmodel reproduce deepnvm --json
    """
    from hwmodel.studies.reproduce import deepnvm
    from hwmodel.studies.workers import processors

    with console.progress("reproduce deepnvm") as advance:
        return deepnvm(jobs or processors(), advance)
