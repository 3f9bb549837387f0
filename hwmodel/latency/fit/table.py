"""Tables of measurements: one row an architecture, its encoding or features first, then one column a device."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hwmodel.latency.fit.features import Features, basis, of_codes, of_quantities
from circuits.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

# Names of columns that describe a network rather than time it.
DESCRIBING = re.compile(r"^(flops|macs|params|parameters|size|bytes|memory|depth|layers)\b", re.IGNORECASE)
CODES = re.compile(r"^\s*[\[(]?\s*\d+(\s*[,;\s]\s*\d+)*\s*[\])]?\s*$")
LARGEST_BYTES = 1 << 30
MOST_CHOICES = 64


@dataclass(frozen=True)
class Table:
    """N architectures: their names, what is known of them, and seconds or joules (or any unit) on each device (N,)."""

    path: str
    names: Sequence[str]
    features: Features
    columns: np.ndarray | None  # as `features.basis`, None where only quantities are known
    devices: "dict[str, np.ndarray]"

    def device(self, name: str) -> np.ndarray:
        if name not in self.devices:
            near = ", ".join(sorted(self.devices)[:8])
            raise InputError(f"{self.path}: no column {name!r}; there are {near}{', ...' if len(self.devices) > 8 else ''}")
        return self.devices[name]


def family(device: str) -> str:
    """The maker of a column: what stands before the first bar, or else before the first underline."""
    return device.split("|")[0] if "|" in device else device.split("_")[0]


def read(path: Path) -> Table:
    """A .parquet or .csv file.

    Raises:
        InputError: on a file that cannot be read, without rows, or whose columns of devices hold no numbers.
    """
    frame = read_frame(path)
    if len(frame.columns) < 2 or not len(frame):
        raise InputError(f"{path}: needs a column of architectures, a column a device, and a row an architecture")
    first = frame.columns[0]
    describing = [name for name in frame.columns if DESCRIBING.match(str(name))]
    devices = {}
    for name in frame.columns:
        if name in describing or name == first:
            continue
        values = numbers(frame[name])
        if values is not None:
            devices[str(name)] = values
    names = [str(name) for name in frame[first]]
    codes, canonical = codes_of(names)
    if codes is not None:
        return Table(str(path), names, of_codes(codes, canonical), basis(codes, canonical), devices)
    quantities = [numbers(frame[name]) for name in describing]
    known = [values for values in quantities if values is not None and np.all(np.isfinite(values) & (values > 0))]
    features = of_quantities(np.stack(known, axis=1)) if known else Features()
    return Table(str(path), names, features, None, devices)


def read_frame(path: Path) -> "pd.DataFrame":
    import pandas as pd

    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InputError(f"{path}: {path.stat().st_size >> 20} MiB; a table of measurements has 1 GiB at most")
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except InputError:
        raise
    except (OSError, ValueError, pd.errors.ParserError) as error:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: not a readable table of measurements (.parquet or .csv): {text}") from error


def numbers(column: "pd.Series") -> np.ndarray | None:
    """The column as floats (N,), or None where it is no column of numbers."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return None
    return column.to_numpy(dtype=float, na_value=math.nan)


def codes_of(names: Sequence[str]) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Choices (N, L) that the texts spell, and the same without dead branches in cells of NAS-Bench-201."""
    from hwmodel.latency.spaces import canonical_codes, decode, load_space

    if all(name.startswith("|") for name in names):
        space = load_space("nasbench201")
        codes = decode(space, names)
        return codes, canonical_codes(space, codes)
    if not all(CODES.match(name) for name in names):
        return None, None
    rows = [[int(part) for part in re.findall(r"\d+", name)] for name in names]
    if len({len(row) for row in rows}) != 1 or len(rows[0]) < 2 or max(map(max, rows)) >= MOST_CHOICES:
        return None, None
    return np.array(rows), None


__all__ = ["Table", "family", "read"]
