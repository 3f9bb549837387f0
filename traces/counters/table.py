"""Files of counters: comments that say what counted, then CSV, a row a kernel, measured and modelled side by side.

    # hwmodel counters 1
    # gpu: NVIDIA H100 80GB HBM3
    item,mode,operation,operator,layer,phase,measured_kernel,modelled_kernel,measured_l2_reads,modelled_l2_reads,...

Counts are of 32 B sectors; what was not counted is blank.
"""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

from traces.counters.join import Row
from traces.counters.metrics import QUANTITIES
from traces.errors import InputError
from traces.files import replacing

VERSION = 1
TITLE = "# hwmodel counters "
MODES = ("cold", "warm")
WORDS = ("item", "mode", "operation", "operator", "layer", "phase", "measured_kernel", "modelled_kernel")
SIDES = ("measured", "modelled")
NUMBERS = tuple(f"{side}_{quantity}" for quantity in QUANTITIES for side in SIDES)
COLUMNS = (*WORDS, *NUMBERS, "measured_fabric", "measured_time_s")
MAX_BYTES = 1 << 28
MAX_KERNEL = 200  # characters of a kernel's name that are kept: templates go on for pages


def write_counters(path: Path, about: dict[str, str], rows: Sequence[Row]) -> None:
    """Write a file of counters, whole or not at all.

    Args:
        path: the file, replaced where it is there.
        about: what counted: name -> text, a line each.
        rows: in order.

    Raises:
        InputError: where it cannot be written.
    """
    text = io.StringIO()
    text.write(f"{TITLE}{VERSION}\n")
    for name, value in about.items():
        text.write(f"# {name}: {' '.join(str(value).split())}\n")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in rows:
        words = [" ".join(str(getattr(row, name)).split())[:MAX_KERNEL] for name in WORDS]
        counts = [getattr(row, side)[quantity] for quantity in QUANTITIES for side in SIDES]
        table.writerow([*words, *map(_text, counts), _text(row.fabric), _text(row.time_s)])
    try:
        with replacing(path) as temporary:
            temporary.write_text(text.getvalue(), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def _text(value: float | None) -> str:
    return "" if value is None else str(int(value)) if float(value).is_integer() else repr(float(value))


def read_table(path: Path) -> tuple[dict[str, str], list[Row]]:
    """Return what a file of counters says of itself, and its rows.

    Raises:
        InputError: for a file that is not one, of another version, or damaged; one line that names the line.
    """
    right = "give a file that `hwmodel capture --counters` or benchmarks/gpu/validate.py wrote"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: more than {MAX_BYTES >> 20} MiB; {right}")
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; {right}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not text; {right}") from None
    if not lines or not lines[0].startswith(TITLE):
        raise InputError(f"{path}: no counters; {right}")
    if (version := lines[0].removeprefix(TITLE).strip()) != str(VERSION):
        raise InputError(f"{path}: of version {version[:20]}; this hwmodel reads version {VERSION}")
    head = next((at for at, line in enumerate(lines) if not line.startswith("#")), len(lines))
    about = {name: value for name, _, value in (line[2:].partition(": ") for line in lines[1:head])}
    if lines[head : head + 1] != [",".join(COLUMNS)]:
        raise InputError(f"{path}: line {head + 1}: the columns are not those of version {VERSION}")
    return about, [_read(line, f"{path}: line {number}") for number, line in enumerate(lines[head + 1 :], head + 2)]


def _read(line: str, where: str) -> Row:
    try:
        (fields,) = csv.reader([line], strict=True)
    except (csv.Error, ValueError):
        raise InputError(f"{where}: no row of counters") from None
    if len(fields) != len(COLUMNS):
        raise InputError(f"{where}: has {len(fields)} fields of {len(COLUMNS)}")
    of = dict(zip(COLUMNS, fields, strict=True))
    if of["mode"] not in MODES:
        raise InputError(f"{where}: mode {of['mode'][:40]!r}; cold and warm are known")
    if not (of["operation"].isascii() and of["operation"].isdigit() and len(of["operation"]) < 10):
        raise InputError(f"{where}: operation {of['operation'][:40]!r} is no number of a call")
    measured, modelled = ({name: _number(of[f"{side}_{name}"], where) for name in QUANTITIES} for side in SIDES)
    return Row(
        of["item"], of["mode"], int(of["operation"]), of["operator"], of["layer"], of["phase"], of["measured_kernel"],
        of["modelled_kernel"], measured, modelled, _number(of["measured_fabric"], where),
        _number(of["measured_time_s"], where),
    )  # fmt: skip


def _number(text: str, where: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise InputError(f"{where}: {text[:40]!r} is no count")
    return value
