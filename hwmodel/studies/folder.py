"""A study's folder: results, summary, caches and traffic as CSV, results.parquet, study.yaml; each whole or absent."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from circuits.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from hwmodel.studies.questions import Results

REPORTERS = "hwmodel.reporters"
TABLES = ("results", "summary", "caches", "traffic")
OURS = {*(f"{name}.csv" for name in TABLES), "results.parquet", "study.yaml", "report.pdf", "report.html", "figures"}
STAGED = ".hwmodel-"


@contextlib.contextmanager
def study_folder(folder: Path, record: str = "study.yaml", ours: Collection[str] = frozenset(OURS)) -> Iterator[None]:
    """Hold a folder for a study: checked before the work, and gone after a failure if it was not there before.

    Args:
        folder: the folder.
        record: the file that says that a study, or another result of ours, is in a folder.
        ours: names that such a folder may hold before that file is there.

    Raises:
        InputError: where it cannot be made or written to, or holds other things than a study.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        _remove_empty(made)
        raise InputError(f"{folder}: cannot be written to: {error.strerror}; give another --output") from None
    for stale in folder.glob(f"{STAGED}*"):  # of a process that was killed while it wrote
        shutil.rmtree(stale, ignore_errors=True)
    if not (folder / record).exists() and any(path.name not in ours for path in folder.iterdir()):
        raise InputError(
            f"{folder}: holds other files and no {Path(record).stem}; give an empty or new folder as --output"
        )
    try:
        yield
    except BaseException:
        _remove_empty(made)
        raise


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:  # the deepest comes first
        with contextlib.suppress(OSError):
            os.rmdir(folder)  # noqa: PTH106  (refuses a folder that holds anything, which is what we want)


def save(study: "Results", folder: Path) -> list[Path]:
    """Write a study's tables and study.yaml, all or none; return the paths.

    Raises:
        InputError: where there is no room, or no permission.
    """
    tables = {name: getattr(study, name) for name in TABLES} | study.more
    again = "hwmodel study rerun study.yaml --output NEW_FOLDER"
    return save_tables(folder, tables, study.spec.model_dump() | {"made": study.made}, again)


def save_tables(
    folder: Path, tables: "Mapping[str, pd.DataFrame]", record: Mapping[str, Any], again: str
) -> list[Path]:
    """Write tables as CSV, `results` as Parquet too, and study.yaml, all or none; return the paths.

    Args:
        folder: that is there.
        tables: by name, `results` among them.
        record: what study.yaml says: `study`, what was asked, and `made`.
        again: the command that does it again.

    Raises:
        InputError: where there is no room, or no permission.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=STAGED, dir=folder) as staged:
            written = _write(Path(staged), tables, record, again)
            return [path.replace(folder / path.name) for path in written]
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        raise InputError(f"{folder}: the results cannot be written: {reason}") from None


def _write(folder: Path, tables: "Mapping[str, pd.DataFrame]", record: Mapping[str, Any], again: str) -> list[Path]:
    """Write every file of a study; study.yaml comes last: where it is, the rest is."""
    import yaml

    paths = []
    for name, table in tables.items():
        paths.append(folder / f"{name}.csv")
        table.to_csv(paths[-1], index=False)
    paths.append(folder / "results.parquet")
    tables["results"].to_parquet(paths[-1], index=False, compression="zstd")
    paths.append(folder / "study.yaml")
    text = yaml.safe_dump(dict(record), sort_keys=False, allow_unicode=True, width=120)
    paths[-1].write_text(f"# Run it again: {again}\n{text}", encoding="utf-8")
    return paths


def report(folder: Path) -> list[Path]:
    """Let every installed reporter turn the folder into documents; return what they wrote."""
    return [path for entry in entry_points(group=REPORTERS) for path in entry.load()(folder)]


def run_into(folder: Path, find: "Callable[[], Results]") -> "tuple[Results, list[Path]]":
    """Hold a folder while a study is found, save it there and report on it; return it with the paths of all files.

    Raises:
        InputError: as `study_folder` and `save` do, and whatever `find` raises.
    """
    with study_folder(folder):
        found = find()
        files = save(found, folder)
    return found, files + report(folder)
