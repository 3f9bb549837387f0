"""Reads Nsight Compute's CSV of its raw page: a row of names, one of units, then a row a kernel.

Lines before the names (what the program printed, `==PROF==`) and lines of the tool's own behind them are passed over.
Numbers are those of the C locale, thousands with or without commas between them; `n/a` is no number. Units may be
scaled (Kbyte, usecond), as `--print-units auto` has them.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from traces.errors import InputError

MAX_BYTES = 1 << 30
MAX_FIELD = 1 << 20  # characters: names of templates run to tens of thousands
FIRST = '"ID","Process ID",'
KERNEL, PAGE = "Kernel Name", "Metric Name"
NVTX = "Push/Pop_Range"  # in the name of the column that holds a kernel's NVTX ranges
RANGE = re.compile(r"hwmodel#(\d{1,9}) ")  # what traces.counters.target calls an operator's range
# Of the units that are counted; ncu adds device__attribute columns by itself, some of which are words.
_METRIC = re.compile(r"(lts|dram|gpu)__[a-z0-9_]+(\.[a-z0-9_]+)*", re.ASCII)
_NUMBER = re.compile(r"(\d{1,3}(,\d{3})+|\d{1,30})(\.\d{1,30})?([eE][+-]?\d{1,2})?", re.ASCII)
_SCALES = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_BASES = {"byte": 1.0, "sector": 1.0, "request": 1.0, "inst": 1.0, "cycle": 1.0, "": 1.0}
_TIMES = {"second": 1.0, "s": 1.0, "msecond": 1e-3, "ms": 1e-3, "usecond": 1e-6, "us": 1e-6, "nsecond": 1e-9,
          "ns": 1e-9}  # fmt: skip
UNITS = {f"{scale}{base}": factor * one for scale, factor in _SCALES.items() for base, one in _BASES.items()} | _TIMES
del UNITS["K"], UNITS["M"], UNITS["G"], UNITS["T"]
NONE = {"", "n/a", "nan", "(n/a)", "no data"}


@dataclass(frozen=True)
class Counted:
    """A kernel as the profiler saw it."""

    name: str
    operation: int  # the operator's call it belongs to, from 1; 0 where it ran outside of any
    counts: dict[str, float]  # metric -> sectors, bytes, seconds: units without a scale


def read_counters(path: str | Path) -> list[Counted]:
    """Return the kernels in a file that ncu wrote with `--csv --page raw`.

    Raises:
        InputError: for a file that cannot be read, is of another kind, cut short, or holds what is no number; one line
            that names the file and the line.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: cannot be read: {reason}") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: more than {MAX_BYTES >> 20} MiB; not a profile of one run")
    return parse_counters(data.decode("utf-8-sig", errors="replace"), str(path))


def parse_counters(text: str, where: str) -> list[Counted]:
    """Return the kernels in the text of such a file; `where` is what errors call it."""
    lines = text.splitlines()
    start = next((at for at, line in enumerate(lines) if line.startswith(FIRST)), None)
    if start is None:
        raise InputError(f"{where}: holds no table of ncu's; record it with ncu --csv --page raw")
    rows = _rows(lines, start, where)
    _, names = next(rows)
    if PAGE in names:
        raise InputError(f"{where}: line {start + 1}: this is ncu's details page; record it with --page raw")
    if KERNEL not in names or len(set(names)) != len(names):
        raise InputError(f"{where}: line {start + 1}: not the columns of ncu's raw page")
    number, units = next(rows, (start + 2, []))
    if not units or units[names.index(KERNEL)] or any(units[:2]):
        raise InputError(f"{where}: line {number}: the row of units is missing")
    columns = []
    for place, name in enumerate(names):
        if _METRIC.fullmatch(name) and units[place] in UNITS:
            columns.append((place, name, UNITS[units[place]]))
    ranges = next((place for place, name in enumerate(names) if NVTX in name), None)
    kernel = names.index(KERNEL)
    found = []
    for number, row in rows:
        counts = {}
        for place, name, factor in columns:
            if row[place].strip().lower() not in NONE:
                counts[name] = factor * _number(row[place], f"{where}: line {number}: {name}")
        found.append(Counted(row[kernel], 0 if ranges is None else _operation(row[ranges]), counts))
    return found


def _rows(lines: list[str], start: int, where: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, fields) of each row of the table, all of as many fields as the first."""
    width = 0
    for number, line in enumerate(lines[start:], start + 1):
        if not line.strip() or line.startswith("=="):
            continue
        if len(line) > MAX_FIELD:
            raise InputError(f"{where}: line {number}: longer than {MAX_FIELD} characters")
        try:
            (row,) = csv.reader([line], strict=True)
        except (csv.Error, ValueError):
            raise InputError(f"{where}: line {number}: cut short, or not of ncu's table") from None
        width = width or len(row)
        if len(row) != width:
            raise InputError(
                f"{where}: line {number}: has {len(row)} fields of {width}; cut short, or not of ncu's table"
            )
        yield number, row


def _number(text: str, where: str) -> float:
    if not _NUMBER.fullmatch(text.strip()):
        raise InputError(f"{where} is {text[:40]!r}; give a number of the C locale (LC_ALL=C ncu ...)")
    return float(text.replace(",", ""))


def _operation(ranges: str) -> int:
    """Return the operator's number in a kernel's NVTX ranges: the innermost, which comes last."""
    numbers = RANGE.findall(ranges)
    return int(numbers[-1]) if numbers else 0
