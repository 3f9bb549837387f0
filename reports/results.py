"""A study's rows, by network, phase and cell: those of an iso-capacity study, or a slice of another kind's alike."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from reports.csv_table import bytes_of, read_table
from reports.record import WHOLE, Record, Row, clean, read_record

TEXT = ("network", "phase", "cell")
CACHE = ("capacity_bytes", "read_latency_s", "write_latency_s", "read_energy_J", "write_energy_J", "leakage_W",
          "area_m2")  # fmt: skip
TRAFFIC = ("l2_reads", "l2_writes", "dram_reads", "dram_writes")
RESULT = (
    *CACHE, *TRAFFIC, "batch", "read_hits", "read_misses", "write_hits", "write_misses", "cache_time_s",
    "dram_time_s", "time_s", "dynamic_energy_J", "leakage_energy_J", "cache_energy_J", "dram_energy_J", "energy_J",
    "cache_edp_Js", "edp_Js",
)  # fmt: skip
# Divided by somewhere below; a study in which one of them is zero says nothing.
POSITIVE = (*CACHE[:3], "area_m2", "time_s", "cache_time_s", "cache_energy_J", "energy_J", "cache_edp_Js", "edp_Js")

Workload = tuple[str, str]  # network, phase


@dataclass(frozen=True, kw_only=True)
class Study(Record):
    """A row a network, phase and cell, and what study.yaml says."""

    results: dict[tuple[str, str, str], Row]  # (network, phase, cell) -> row of results.csv
    caches: dict[str, Row]  # cell -> row of caches.csv
    traffic: dict[Workload, list[Row]]  # a row a kernel kind
    cells: list[str]  # SRAM first, then as they come
    workloads: list[Workload]  # phase by phase, networks as they come

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


def _unique(path: Path, rows: list[Row], names: tuple[str, ...]) -> dict[Any, Row]:
    found: dict[Any, Row] = {}
    for row in rows:
        key = tuple(row[name] for name in names)
        if key in found:
            raise InputError(f"{path}: two rows for {', '.join(key)}; {WHOLE}")
        found[key] = row
    return found


def _agrees(folder: Path, rows: list[Row]) -> None:
    """Refuse results.csv and results.parquet of different studies."""
    path = folder / "results.parquet"
    if not path.exists():
        return
    import pyarrow
    from pyarrow import parquet

    try:
        bytes_of(path)
        others = parquet.read_table(path, columns=list({*TEXT, "energy_J", "edp_Js"})).to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not readable as Parquet ({clean(str(error))[:80]}); {WHOLE}") from None
    same = len(others) == len(rows) and all(
        all(clean(str(b[name])) == a[name] for name in TEXT)
        and all(math.isclose(a[name], float(b[name] or 0), rel_tol=1e-4) for name in ("energy_J", "edp_Js"))
        for a, b in zip(rows, others, strict=True)
    )
    if not same:
        raise InputError(f"{folder}: results.csv and results.parquet are of different studies; {WHOLE}")


def _ordered(cells: list[str]) -> list[str]:
    return sorted(cells, key=lambda cell: cell.lower() != "sram")


def read_study(folder: Path) -> Study:
    """Read the folder of a finished study that has a row a network, phase and cell, such as an iso-capacity study.

    Raises:
        InputError: one line that names the file, what is wrong with it and what would be right.
    """
    return read_rows(read_record(folder))


def read_rows(record: Record) -> Study:
    """Read the tables beside a study.yaml that was read.

    Raises:
        InputError: one line that names the file, what is wrong with it and what would be right.
    """
    folder = record.folder
    rows = read_table(folder / "results.csv", TEXT, RESULT, POSITIVE)
    _agrees(folder, rows)
    caches = read_table(folder / "caches.csv", ("cell",), CACHE, POSITIVE)
    traffic = read_table(folder / "traffic.csv", ("network", "phase", "kernel"), TRAFFIC)
    return study_of(record, rows, caches, traffic)


def study_of(record: Record, results: Iterable[Row], caches: Iterable[Row], traffic: Iterable[Row]) -> Study:
    """Return a study of these rows of results.csv, caches.csv and traffic.csv.

    Where traffic.csv tells capacities apart, the first cell's capacity counts. Of a study with several rows a network,
    phase and cell (capacities, batches), give those of one, and all that is told of an iso-capacity study can be told.

    Raises:
        InputError: for two rows of one kind, or a row that is missing.
    """
    folder, rows = record.folder, list(results)
    found = _unique(folder / "results.csv", rows, TEXT)
    cells = _ordered(list(dict.fromkeys(row["cell"] for row in rows)))
    pairs = list(dict.fromkeys((row["network"], row["phase"]) for row in rows))
    phases = list(dict.fromkeys(phase for _, phase in pairs))
    for network, phase in pairs:
        for cell in cells:
            if (network, phase, cell) not in found:
                raise InputError(f"{folder / 'results.csv'}: no row for {network}, {phase}, {cell}; {WHOLE}")
    designs = {cell: row for (cell,), row in _unique(folder / "caches.csv", list(caches), ("cell",)).items()}
    for cell in cells:
        if cell not in designs:
            raise InputError(f"{folder / 'caches.csv'}: no row for cell {cell}; {WHOLE}")
    return Study(
        **{one.name: getattr(record, one.name) for one in fields(Record)},
        results=found,
        caches=designs,
        traffic=_traffic(folder / "traffic.csv", traffic, found, pairs, cells[0]),
        cells=cells,
        workloads=sorted(pairs, key=lambda pair: phases.index(pair[1])),
    )


def _traffic(
    path: Path, rows: Iterable[Row], results: dict[tuple[str, str, str], Row], pairs: list[Workload], cell: str
) -> dict[Workload, list[Row]]:
    """Return the traffic of each kernel kind; its sum must be what the results counted."""
    traffic: dict[Workload, list[Row]] = {pair: [] for pair in pairs}
    for row in rows:
        pair = (row["network"], row["phase"])
        if pair not in traffic:
            raise InputError(f"{path}: {', '.join(pair)} is not in results.csv; {WHOLE}")
        capacity = results[*pair, cell]["capacity_bytes"]
        if str(row.get("capacity_bytes", capacity)) == str(capacity):
            traffic[pair].append(row)
    for pair, kinds in traffic.items():
        for name in ("l2_reads", "l2_writes"):
            total, counted = sum(row[name] for row in kinds), results[*pair, cell][name]
            if total != counted:
                raise InputError(
                    f"{path}: {name} of {', '.join(pair)} add up to {total}, results.csv has {counted}; {WHOLE}"
                )
    return traffic
