"""A method's networks through caches and on devices: traffic, time, energy, EDP, latency, a row a network."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from circuits.errors import InputError
from hwmodel import __version__
from hwmodel.studies.folder import OURS, report, save_tables, study_folder
from workloads.methods.clocked import NONE, check_devices, live_folder, measured, predicted, staircase
from workloads.methods.method import Method, Settings
from workloads.methods.shapes import sized
from workloads.methods.spec import StudySettings
from workloads.recipes import Recipe, read_recipes, write_recipes

if TYPE_CHECKING:
    import pandas as pd

    from hwmodel.studies.runner import Runner

KIND = "method-study"
NETS = "networks.yaml"
LATENCY = "A device's latency is that of its own runtime's types: of how many bits weights are changes nothing there."
COSTS = ("network", "phase", "batch", "cell", "l2_reads", "l2_writes", "dram_reads", "dram_writes", "cache_time_s",
         "energy_J", "cache_edp_Js", "edp_Js")  # fmt: skip


def study_into(
    folder: Path, method: Method, nets: Path | None, asked: Settings, spec: StudySettings, runner: "Runner"
) -> dict[str, Any]:
    """Put a method's networks on caches and devices, and keep what came of it; return the command's document.

    Args:
        folder: for the results.
        method: whose networks they are.
        nets: a file of recipes; None takes the method's shapes.
        asked: of the shapes.
        spec: caches, phases and devices.
        runner: of points.

    Raises:
        InputError: for values, networks or a folder that cannot be used.
    """
    start = time.perf_counter()
    check_devices(spec.devices, spec.live)
    phases_of(spec.phases)
    recipes = read_recipes(nets) if nets else method.shapes(asked)
    with study_folder(folder, ours=OURS | {NETS, *map(live_folder, spec.live)}):
        write_recipes(folder / NETS, recipes)
        tables, about = tables_of(recipes, folder / NETS, spec, runner)
        record = {
            "study": KIND,
            "method": method.name,
            "title": method.title,
            "axis": method.axis,
            "settings": spec.model_dump(mode="json"),
            "made": {
                "version": __version__,
                "date": time.strftime("%Y-%m-%d", time.gmtime()),
                "wall_time_s": round(time.perf_counter() - start, 3),
                **about,
                "works": {**dict(about.get("works", {})), **dict(method.works)},
            },
        }
        again = f"hwmodel method {method.name} study --nets {NETS} --output NEW_FOLDER"
        files = save_tables(folder, tables, record, again)
    files += report(folder)
    return {
        "method": method.name,
        "folder": str(folder),
        "files": [NETS, *(str(path.relative_to(folder)) for path in files)],
        "networks": rows_of(tables["networks"]),
        "summary": rows_of(tables["results"], COSTS),
        "latencies": rows_of(tables["latency"]) if "latency" in tables else [],
    }


def tables_of(
    recipes: dict[str, Recipe], file: Path, spec: StudySettings, runner: "Runner"
) -> "tuple[dict[str, pd.DataFrame], dict[str, Any]]":
    """Return the tables of a study of a file's networks, and what they rest on.

    Raises:
        InputError: for values or networks that cannot be used.
    """
    import pandas as pd

    from hwmodel.studies.questions import run
    from hwmodel.studies.spec import make_spec

    names = {f"{file}:{name}": name for name in recipes}
    own = {"devices", "phases", "live", "rounds", "staircase"}
    values = spec.model_dump(exclude=own) | {"phases": phases_of(spec.phases)}
    found = run(make_spec({"study": "iso-capacity", "networks": list(names), **values}), runner)
    tables = {
        "networks": pd.DataFrame(sized(recipes)),
        **{kind: _named(getattr(found, kind), names) for kind in ("results", "summary", "traffic")},
        "caches": found.caches,
    }
    latency = _latencies(names, spec, file.parent, runner)
    if latency:
        tables["latency"] = pd.DataFrame(latency)
    if spec.staircase and spec.devices != [NONE]:
        steps = staircase(next(iter(recipes.values())), spec.devices, spec.staircase, runner.advance)
        tables["staircase"] = pd.DataFrame(steps)
    about = {name: value for name, value in found.made.items() if name not in ("version", "date", "wall_time_s")}
    if any(recipe.weight_bits for recipe in recipes.values()) and latency:
        about["assumptions"] = [*about["assumptions"], LATENCY]
    about["networks"] = {names[name]: value for name, value in about["networks"].items()}
    return tables, about


def _latencies(
    names: dict[str, str], spec: StudySettings, folder: Path, runner: "Runner"
) -> list[dict[str, Any]]:  # fmt: skip
    """Return what one input takes, a row a network and device, predicted or measured."""
    from hwmodel.latency.graph.canonical import canonical
    from hwmodel.latency.graph.read import read_graph

    if spec.devices == [NONE] and not spec.live:
        return []
    graphs = {own: canonical(read_graph(name)) for name, own in names.items()}
    found = predicted(graphs, spec.devices)
    return found + measured(graphs, spec.live, folder, spec.rounds, runner.advance)


def _named(table: "pd.DataFrame", names: dict[str, str]) -> "pd.DataFrame":
    """Return a table with networks by their names in the file."""
    return table.assign(network=[names[name] for name in table["network"]])


def rows_of(table: "pd.DataFrame", columns: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return a table's rows, of some of its columns or of all."""
    chosen = [name for name in columns if name in table.columns] or list(table.columns)
    return [dict(zip(chosen, row, strict=True)) for row in table[chosen].itertuples(index=False)]


def phases_of(texts: list[str]) -> dict[str, int]:
    """Return phases and their batches from texts such as `inference:4`.

    Raises:
        InputError: for a text that says something else.
    """
    phases = {}
    for text in texts:
        phase, _, batch = text.partition(":")
        if phase not in ("inference", "training") or not batch.isdecimal() or not int(batch) or phase in phases:
            raise InputError(f"--phases {text}: give phases and batch sizes such as inference:4,training:64")
        phases[phase] = int(batch)
    return phases
