"""A recommendation's folder: recommend.yaml, and tables of settings, machines and the map; each whole or absent."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from hwmodel import __version__
from hwmodel.balance.machine import Machine, known_machines, load_machine
from hwmodel.balance.model.job import Job
from hwmodel.balance.ratio_map import ratio_map
from hwmodel.balance.recommend import Host, compare
from hwmodel.studies.folder import STAGED, study_folder

ABOUT, FORMAT = "recommend.yaml", 1
TABLES = ("results", "machines", "map")
OURS = {ABOUT, "results.parquet", "report.pdf", "report.html", "figures", *(f"{name}.csv" for name in TABLES)}
HEAD = "# Made by hwmodel balance recommend: modelled, SI units. `hwmodel report` makes pages of this folder.\n"


def keep(
    folder: Path, find: Callable[[], dict[str, Any]], job: Job, machines: Sequence[Machine], host: Host,
    budget: Mapping[str, float],
) -> dict[str, Any]:  # fmt: skip
    """Hold a folder while a recommendation is found, and write it there, all or none; return it with the files' names.

    results: a row a setting of the machine, where there is one, else a row a machine. machines: a row a machine, of
    those asked for and all known, best first. map: see `ratio_map`.

    Raises:
        InputError: the folder cannot be made or written to, or holds other things.
    """
    import pandas as pd

    with study_folder(folder, ABOUT, OURS):
        document = find()
        named = {one.name for one in machines}
        others = [load_machine(name) for name in known_machines()]
        every = {one.name: one for one in (*others, *machines)}
        ranked = compare(job, list(every.values()), host, **budget)
        one = machines[0] if len(machines) == 1 else None
        tables = {
            "results": pd.DataFrame(document.get("settings") or document["machines"]),
            "machines": pd.DataFrame([row | {"title": every[row["machine"]].title, "asked": row["machine"] in named}
                                      for row in ranked]),
        }  # fmt: skip
        if one is not None and (cells := ratio_map(job, one, host)):
            tables["map"] = pd.DataFrame(cells)
        about = _about(document, job, one, host, budget)
        try:
            with tempfile.TemporaryDirectory(prefix=STAGED, dir=folder) as staged:
                written = _write(tables, about, Path(staged))
                for name in TABLES:  # of an answer that was here before
                    if name not in tables:
                        (folder / f"{name}.csv").unlink(missing_ok=True)
                names = [path.replace(folder / path.name).name for path in written]
        except OSError as error:
            raise InputError(f"{folder}: cannot be written to: {error.strerror}; give another --output") from None
    return document | {"output": folder, "files": names}


def _about(
    document: Mapping[str, Any], job: Job, machine: Machine | None, host: Host, budget: Mapping[str, float]
) -> dict[str, Any]:
    told = {key: value for key, value in document.items() if key not in ("settings", "machines")}
    return {
        "format": FORMAT, "hwmodel": __version__, "date": time.strftime("%Y-%m-%d", time.gmtime()), "basis": "modelled",
        "job": job.name, "runs": len(job.runs), "job_sms": job.sms,
        "times": {name: asdict(one) for name, one in job.times.items()},
        "host": asdict(host), "budget": dict(budget), "machine": None if machine is None else _figures(machine),
    } | {"recommended": told if "best" in told else None}  # fmt: skip


def _figures(machine: Machine) -> dict[str, Any]:
    """Return a machine's figures, each with its source."""
    values = {one.name: getattr(machine, one.name) for one in fields(machine)}
    sources = values.pop("sources")
    return {name: {"value": value, "source": sources[name]} if name in sources else value
            for name, value in values.items()}  # fmt: skip


def _write(tables: Mapping[str, Any], about: dict[str, Any], folder: Path) -> list[Path]:
    """Write every file; recommend.yaml comes last: where it is, the rest is."""
    import yaml

    from hwmodel.cli import jsonable

    paths = [folder / f"{name}.csv" for name in tables]
    for path, table in zip(paths, tables.values(), strict=True):
        table.to_csv(path, index=False)
    paths.append(folder / "results.parquet")
    tables["results"].to_parquet(paths[-1], index=False, compression="zstd")
    paths.append(folder / ABOUT)
    text = yaml.safe_dump(jsonable(about), sort_keys=False, allow_unicode=True, width=120)
    paths[-1].write_text(HEAD + text, encoding="utf-8")
    return paths
