"""A finished study's folder, read and checked: nothing is drawn from a file that is cut short or was made by others."""

import csv
import datetime
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from circuits.yaml_file import read_yaml

MAX_TABLE_BYTES = 1 << 26  # 64 MiB: a million rows, far above any study
WHOLE = "give the output folder of a finished `hwmodel study iso-capacity`"

_TEXT = ("network", "phase", "cell")
_CACHE = ("capacity_bytes", "read_latency_s", "write_latency_s", "read_energy_J", "write_energy_J", "leakage_W",
          "area_m2")  # fmt: skip
_TRAFFIC = ("l2_reads", "l2_writes", "dram_reads", "dram_writes")
_RESULT = (
    *_CACHE, *_TRAFFIC, "batch", "read_hits", "read_misses", "write_hits", "write_misses", "cache_time_s",
    "dram_time_s", "time_s", "dynamic_energy_J", "leakage_energy_J", "cache_energy_J", "dram_energy_J", "energy_J",
    "cache_edp_Js", "edp_Js",
)  # fmt: skip
# Divided by somewhere below; a study in which one of them is zero says nothing.
_POSITIVE = (*_CACHE[:3], "area_m2", "time_s", "cache_time_s", "cache_energy_J", "energy_J", "cache_edp_Js", "edp_Js")

Row = dict[str, Any]
Workload = tuple[str, str]  # network, phase


@dataclass(frozen=True)
class Study:
    """The rows of a study and what study.yaml says of it; names are cleaned of what cannot be printed."""

    folder: Path
    kind: str
    results: dict[tuple[str, str, str], Row]  # (network, phase, cell) -> row of results.csv
    caches: dict[str, Row]  # cell -> row of caches.csv
    traffic: dict[Workload, list[Row]]  # a row a kernel kind
    cells: list[str]  # SRAM first, then as they come
    workloads: list[Workload]  # phase by phase, networks as they come
    inputs: dict[str, Any]  # study.yaml without `made`
    version: str
    date: datetime.date
    made: dict[str, Any]
    assumptions: list[str] = field(default_factory=list)
    works: dict[str, str] = field(default_factory=dict)

    @property
    def baseline(self) -> str:
        """Return the cell all others are compared with: SRAM, or the first where there is none."""
        return self.cells[0]

    @property
    def others(self) -> list[str]:
        return self.cells[1:]

    @property
    def networks(self) -> list[str]:
        return list(dict.fromkeys(network for network, _ in self.workloads))

    @property
    def phases(self) -> list[str]:
        return list(dict.fromkeys(phase for _, phase in self.workloads))

    def row(self, workload: Workload, cell: str) -> Row:
        return self.results[*workload, cell]

    def basis(self, column: str) -> str:
        """Return how a figure came about: what study.yaml says of its column under made/basis, else modelled."""
        basis = self.made.get("basis")
        return clean(str(basis[column])) if isinstance(basis, dict) and column in basis else "modelled"


def clean(text: str) -> str:
    """Return `text` on one line, without what neither XML nor a page can hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _bytes_of(path: Path) -> bytes:
    if not path.is_file():
        raise InputError(f"{path}: no such file; {WHOLE}")
    size = path.stat().st_size
    if size > MAX_TABLE_BYTES:
        raise InputError(f"{path}: {size} bytes, more than a study writes ({MAX_TABLE_BYTES}); {WHOLE}")
    content = path.read_bytes()
    if not content.strip():
        raise InputError(f"{path}: empty; {WHOLE}")
    return content


def _text_of(path: Path) -> str:
    try:
        return _bytes_of(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start}); {WHOLE}") from None


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    text = _text_of(path)
    if not text.endswith("\n"):
        raise InputError(f"{path}: cut short, the last line has no end; {WHOLE}")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for values in reader:
            yield reader.line_num, values
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: not CSV ({error}); {WHOLE}") from None


def _number(where: str, name: str, text: str) -> float | int:
    try:
        value = int(text) if re.fullmatch(r"\d{1,18}", text) else float(text)
    except ValueError:
        raise InputError(f"{where}: {name} is {text[:40]!r}, not a number; {WHOLE}") from None
    if not math.isfinite(value) or value < 0 or (value == 0 and name in _POSITIVE):
        kind = "positive" if name in _POSITIVE else "non-negative"
        raise InputError(f"{where}: {name} is {text[:40]}, not a {kind} number; {WHOLE}")
    return value


def read_table(path: Path, texts: tuple[str, ...], numbers: tuple[str, ...]) -> list[Row]:
    """Read a CSV table; `texts` and `numbers` are columns it must have, other columns stay text.

    Raises:
        InputError: for a file that is missing, cut short, no CSV, without these columns, or with a value that is no
            finite, non-negative number.
    """
    records = _records(path)
    _, header = next(records)
    for name in (*texts, *numbers):
        if header.count(name) != 1:
            raise InputError(f"{path}: {header.count(name)} columns named {name!r} instead of one; {WHOLE}")
    rows: list[Row] = []
    for line, values in records:
        where = f"{path}, line {line}"
        if len(values) != len(header):
            raise InputError(f"{where}: {len(values)} values for {len(header)} columns; {WHOLE}")
        row: Row = dict(zip(header, values, strict=True))
        for name in texts:
            row[name] = clean(row[name])
            if not row[name]:
                raise InputError(f"{where}: no {name}; {WHOLE}")
        row.update({name: _number(where, name, row[name]) for name in numbers})
        rows.append(row)
    if not rows:
        raise InputError(f"{path}: no rows; {WHOLE}")
    return rows


def _unique(path: Path, rows: list[Row], names: tuple[str, ...]) -> dict[Any, Row]:
    found: dict[Any, Row] = {}
    for row in rows:
        key = tuple(row[name] for name in names)
        if key in found:
            raise InputError(f"{path}: two rows for {', '.join(key)}; {WHOLE}")
        found[key] = row
    return found


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


def _agrees(folder: Path, rows: list[Row]) -> None:
    """Refuse results.csv and results.parquet of different studies."""
    path = folder / "results.parquet"
    if not path.exists():
        return
    import pyarrow
    from pyarrow import parquet

    try:
        _bytes_of(path)
        others = parquet.read_table(path, columns=list({*_TEXT, "energy_J", "edp_Js"})).to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not readable as Parquet ({clean(str(error))[:80]}); {WHOLE}") from None
    same = len(others) == len(rows) and all(
        all(clean(str(b[name])) == a[name] for name in _TEXT)
        and all(math.isclose(a[name], float(b[name] or 0), rel_tol=1e-4) for name in ("energy_J", "edp_Js"))
        for a, b in zip(rows, others, strict=True)
    )
    if not same:
        raise InputError(f"{folder}: results.csv and results.parquet are of different studies; {WHOLE}")


def _ordered(cells: list[str]) -> list[str]:
    return sorted(cells, key=lambda cell: cell.lower() != "sram")


def _strings(value: object) -> list[str]:
    return [clean(str(item)) for item in value] if isinstance(value, list) else []


def kind_of(folder: Path) -> str:
    """Return what kind of study a folder holds.

    Raises:
        InputError: where its study.yaml is missing or that of no finished study.
    """
    return clean(_study_yaml(folder / "study.yaml")["study"])


def read_study(folder: Path) -> Study:
    """Read the folder of a finished iso-capacity study.

    Raises:
        InputError: one line that names the file, what is wrong with it and what would be right.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: {'not a folder' if folder.exists() else 'no such folder'}; {WHOLE}")
    document = _study_yaml(folder / "study.yaml")
    made: dict[str, Any] = document.pop("made")
    rows = read_table(folder / "results.csv", _TEXT, _RESULT)
    results = _unique(folder / "results.csv", rows, _TEXT)
    _agrees(folder, rows)
    cells = _ordered(list(dict.fromkeys(row["cell"] for row in rows)))
    pairs = list(dict.fromkeys((row["network"], row["phase"]) for row in rows))
    phases = list(dict.fromkeys(phase for _, phase in pairs))
    for network, phase in pairs:
        for cell in cells:
            if (network, phase, cell) not in results:
                raise InputError(f"{folder / 'results.csv'}: no row for {network}, {phase}, {cell}; {WHOLE}")
    designs = _unique(folder / "caches.csv", read_table(folder / "caches.csv", ("cell",), _CACHE), ("cell",))
    caches = {cell: row for (cell,), row in designs.items()}
    for cell in cells:
        if cell not in caches:
            raise InputError(f"{folder / 'caches.csv'}: no row for cell {cell}; {WHOLE}")
    works = made.get("works")
    return Study(
        folder=folder,
        kind=clean(document["study"]),
        results=results,
        caches=caches,
        traffic=_traffic(folder / "traffic.csv", results, pairs, cells[0]),
        cells=cells,
        workloads=sorted(pairs, key=lambda pair: phases.index(pair[1])),
        inputs={key: value for key, value in document.items() if isinstance(key, str) and key != "study"},
        version=clean(str(made.get("version", ""))) or "unknown",
        date=_date(folder / "study.yaml", made.get("date")),
        made=made,
        assumptions=_strings(made.get("assumptions")),
        works={clean(str(k)): clean(str(v)) for k, v in works.items()} if isinstance(works, dict) else {},
    )


def _traffic(
    path: Path, results: dict[tuple[str, str, str], Row], pairs: list[Workload], cell: str
) -> dict[Workload, list[Row]]:
    """Read the traffic of each kernel kind; its sum must be what the results counted."""
    traffic: dict[Workload, list[Row]] = {pair: [] for pair in pairs}
    for row in read_table(path, ("network", "phase", "kernel"), _TRAFFIC):
        pair = (row["network"], row["phase"])
        if pair not in traffic:
            raise InputError(f"{path}: {', '.join(pair)} is not in results.csv; {WHOLE}")
        traffic[pair].append(row)
    for pair, rows in traffic.items():
        for name in ("l2_reads", "l2_writes"):
            total, counted = sum(row[name] for row in rows), results[*pair, cell][name]
            if total != counted:
                raise InputError(
                    f"{path}: {name} of {', '.join(pair)} add up to {total}, results.csv has {counted}; {WHOLE}"
                )
    return traffic
