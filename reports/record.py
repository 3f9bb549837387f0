"""What a report is made from: a finished study's record, checked, or what `hwmodel latency` and `balance` left."""

import datetime
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from circuits.yaml_file import read_yaml

WHOLE = "give the output folder of a finished `hwmodel study`"

PREDICTOR = ".safetensors"  # how a predictor's file ends
JOB = (".yaml", ".yml")  # how a job's file ends
RECORDS = ("study.yaml", "profile.yaml", "recommend.yaml")  # files that are told of by their folders
PROFILE = ("device.yaml", "measurements.parquet", "visits.jsonl")  # what a profile's folder holds
# a file or folder that only such a result has -> its kind
SIGNS = {"profile.yaml": "balance-profile", ".journal": "balance-profile", "job.yaml": "balance-job",
         "recommend.yaml": "balance-recommend"}  # fmt: skip

Row = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """What a report is asked of, and which kind of report that is.

    `folder` is the folder it lies in, of a predictor its file.
    """

    folder: Path
    kind: str


@dataclass(frozen=True)
class Record(Source):
    """What study.yaml says; names are cleaned of what cannot be printed."""

    inputs: dict[str, Any]  # study.yaml without `study` and `made`
    version: str
    date: datetime.date
    made: dict[str, Any]
    assumptions: list[str] = field(default_factory=list)
    works: dict[str, str] = field(default_factory=dict)

    def basis(self, column: str) -> str:
        """Return how a figure came about: what study.yaml says of its column under made/basis, else modelled."""
        basis = self.made.get("basis")
        return clean(str(basis[column])) if isinstance(basis, dict) and column in basis else "modelled"


def clean(text: str) -> str:
    """Return `text` on one line, without what neither XML nor a page can hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def read_source(path: Path) -> Source:
    """Return what lies at a path: a predictor's or a job's file, a profile's, job's or recommendation's folder, or else
    a finished study.

    Raises:
        InputError: as `read_record`.
    """
    if path.suffix == PREDICTOR and not path.is_dir():
        return Source(path, "latency-fit")
    if path.name.endswith(JOB) and path.name not in RECORDS and path.is_file():
        return Source(path, "balance-job")
    if not (path / "study.yaml").exists() and any((path / name).is_file() for name in PROFILE):
        return Source(path, "latency-profile")
    if not (path / "study.yaml").exists():
        for name, kind in SIGNS.items():
            if (path / name).exists():
                return Source(path, kind)
    return read_record(path)


def read_record(folder: Path) -> Record:
    """Read a finished study's study.yaml.

    Raises:
        InputError: one line that names the file, what is wrong with it and what would be right.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: {'not a folder' if folder.exists() else 'no such folder'}; {WHOLE}")
    document = _study_yaml(folder / "study.yaml")
    made: dict[str, Any] = document.pop("made")
    works = made.get("works")
    return Record(
        folder=folder,
        kind=clean(document["study"]),
        inputs={key: value for key, value in document.items() if isinstance(key, str) and key != "study"},
        version=clean(str(made.get("version", ""))) or "unknown",
        date=_date(folder / "study.yaml", made.get("date")),
        made=made,
        assumptions=_strings(made.get("assumptions")),
        works={clean(str(k)): clean(str(v)) for k, v in works.items()} if isinstance(works, dict) else {},
    )


def _study_yaml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path}: no such file; {WHOLE}")
    document = read_yaml(path)
    if not isinstance(document.get("study"), str):
        raise InputError(f"{path}: no key `study`; {WHOLE}")
    if not isinstance(document.get("made"), dict):
        raise InputError(f"{path}: no key `made`, so the study did not finish; {WHOLE}")
    return document


def _date(path: Path, value: object) -> datetime.date:
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(str(value)[:10])
    except ValueError:
        raise InputError(
            f"{path}: made/date is {str(value)[:40]!r}; a date such as 2026-01-31 would be right"
        ) from None


def _strings(value: object) -> list[str]:
    return [clean(str(item)) for item in value] if isinstance(value, list) else []
