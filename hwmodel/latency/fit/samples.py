"""A device's own measurements, as a file holds them."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.query.form import Quantity
from hwmodel.latency.query.tables import unit_of

LEAST, MOST = 1e-30, 1e30  # what is a time or an energy, in whatever unit


@dataclass(frozen=True)
class Samples:
    """A device's measurements: texts of architectures, and their times or energies in SI (n,)."""

    names: Sequence[str]
    values: np.ndarray
    quantity: Quantity


def read_samples(path: Path, unit: str) -> Samples:
    """A .csv file: a line of names, then an architecture and a number a line, in `unit` (s, ms, us, ns, J, mJ, uJ).

    Raises:
        InputError: on what is no such file, or holds no positive finite number.
    """
    quantity, factor = unit_of(unit)
    names, values = [], []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            rows = [(reader.line_num, row) for row in reader if row]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not CSV: {' '.join(str(error).split())[:120]}") from None
    if rows and len(rows[0][1]) > 1 and is_number(rows[0][1][1]):
        raise InputError(f"{path}: line 1: is a sample already; give a line of names above it")
    for number, row in rows[1:]:
        if len(row) < 2 or not is_number(row[1]):
            raise InputError(f"{path}: line {number}: give an architecture and a number in {unit}")
        value = float(row[1]) * factor
        if not LEAST <= value <= MOST:
            raise InputError(
                f"{path}: line {number}: {row[1][:40]} is no time or energy; give a positive number in {unit}"
            )
        names.append(row[0].strip())
        values.append(value)
    if not names:
        raise InputError(f"{path}: no samples; give a line of names, and below it an architecture and a number a line")
    return Samples(names, np.array(values), quantity)


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
