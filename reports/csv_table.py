"""A study's tables, read and checked: nothing is drawn from a file that is cut short or was made by others."""

import csv
import io
import math
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from circuits.errors import InputError
from reports.record import WHOLE, Row, clean

MAX_TABLE_BYTES = 1 << 26  # 64 MiB: a million rows, far above any study


def bytes_of(path: Path) -> bytes:
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
        return bytes_of(path).decode("utf-8-sig")
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


def _number(where: str, name: str, text: str, *, positive: bool) -> float | int:
    try:
        value = int(text) if re.fullmatch(r"\d{1,18}", text) else float(text)
    except ValueError:
        raise InputError(f"{where}: {name} is {text[:40]!r}, not a number; {WHOLE}") from None
    if not math.isfinite(value) or value < 0 or (value == 0 and positive):
        kind = "positive" if positive else "non-negative"
        raise InputError(f"{where}: {name} is {text[:40]}, not a {kind} number; {WHOLE}")
    return value


def read_table(
    path: Path, texts: Collection[str], numbers: Collection[str], positive: Collection[str] = ()
) -> list[Row]:
    """Read a CSV table; `texts` and `numbers` are columns it must have, other columns stay text.

    Args:
        path: the file.
        texts: columns of names, none of them empty.
        numbers: columns of numbers, finite and not negative.
        positive: those among them that are divided by, and so may not be 0 either.

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
        row |= {name: _number(where, name, row[name], positive=name in positive) for name in numbers}
        rows.append(row)
    if not rows:
        raise InputError(f"{path}: no rows; {WHOLE}")
    return rows
