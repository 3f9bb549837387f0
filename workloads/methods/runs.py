"""A method's run in a folder: seeds that are kept, tables, verdicts, a report."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hwmodel import __version__
from hwmodel.studies.folder import OURS, report, save_tables, study_folder
from workloads.methods.method import Found, Method, Settings

KIND = "method-run"
KEPT = frozenset({"seeds", "checkpoints", "settings.json"})  # what may be in the folder of a run that was stopped


def run_into(
    folder: Path, method: Method, settings: Settings, seeds: Sequence[int], jobs: int, advance: Callable[..., None]
) -> dict[str, Any]:
    """Run a method and keep what came of it; return the document that the command prints.

    Raises:
        InputError: for settings, images or a folder that cannot be used.
    """
    start = time.perf_counter()
    with study_folder(folder, ours=OURS | KEPT):
        found = method.run(settings, folder, seeds, jobs, lambda share: advance(share, 1.0))
        files = save_tables(folder, tables_of(found), record_of(method, settings, seeds, found, start), _again(method))
    files += report(folder)
    return {
        "method": method.name,
        "folder": str(folder),
        "files": [str(path.relative_to(folder)) for path in files],
        "seeds": len(seeds),
        "cpu_s": round(found.cpu_s, 1),
        "claims": found.told_claims(),
        "summary": found.summary,
        "notes": found.notes,
    }


def tables_of(found: Found) -> "dict[str, Any]":
    """Return what is found as tables by name."""
    import pandas as pd

    tables = {"results": found.rows, "summary": found.summary, "claims": found.told_claims(), **found.curves}
    return {name: pd.DataFrame(rows) for name, rows in tables.items()}


def record_of(method: Method, settings: Settings, seeds: Sequence[int], found: Found, start: float) -> dict[str, Any]:
    """Return what study.yaml says of a run."""
    return {
        "study": KIND,
        "method": method.name,
        "title": method.title,
        "settings": settings.model_dump(mode="json"),
        "seeds": [int(seed) for seed in seeds],
        "x": found.x,
        "y": found.y,
        "curves": list(found.curves),
        "made": {
            "version": __version__,
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "wall_time_s": round(time.perf_counter() - start, 3),
            "cpu_s": round(found.cpu_s, 1),
            "basis": {"results": "measured"},
            "assumptions": list(found.notes),
            "works": dict(method.works),
        },
    }


def _again(method: Method) -> str:
    return f"hwmodel method {method.name} run --output NEW_FOLDER, with the settings below as options"
