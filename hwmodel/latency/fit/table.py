"""Tables of measurements: one row an architecture, its encoding or features first, then one column a device."""

import fnmatch
import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.fit.features import Features, basis, of_codes, of_quantities, worthwhile
from hwmodel.latency.query.listed import NUMBERS

if TYPE_CHECKING:
    import pandas as pd

# Names of columns that describe a network rather than time it.
DESCRIBING = re.compile(
    r"^(.*_)?(flops|macs|params|parameters|size|bytes|memory|depth|layers|channels|resolution|width)$", re.IGNORECASE
)
# Names of columns that say how a device's numbers scatter: no pattern means them.
SPREAD = re.compile(r"(^|.*[|_. ])(std|stddev|stdev|sd|var|variance|count)$", re.IGNORECASE)
LARGEST_BYTES = 1 << 30
MOST_CHOICES = 64
MOST_NUMBERS = 1 << 27  # of one array that describes a table's architectures


@dataclass(frozen=True)
class Table:
    """N architectures: their names, what is known of them, and seconds or joules (or any unit) on each device (N,)."""

    path: str
    names: Sequence[str]
    features: Features
    columns: np.ndarray | None  # as `features.basis`, None where only quantities are known
    devices: "dict[str, np.ndarray]"
    quantities: np.ndarray | None = None  # (N, d), where architectures are described by them
    codes: np.ndarray | None = None  # (N, L), where they are choices
    quantity_names: Sequence[str] = ()  # d of them, as the file has them

    def rows(self, kept: np.ndarray) -> "Table":
        """The architectures at `kept` (n,) alone."""

        def cut(of_all: np.ndarray | None) -> np.ndarray | None:
            return None if of_all is None else of_all[kept]

        return replace(
            self, names=[str(self.names[row]) for row in kept], features=self.features.rows(kept),
            columns=cut(self.columns), devices={name: values[kept] for name, values in self.devices.items()},
            quantities=cut(self.quantities), codes=cut(self.codes),
        )  # fmt: skip

    def device(self, name: str) -> np.ndarray:
        if name not in self.devices:
            near = ", ".join(sorted(self.devices)[:8]) or "none"
            raise InputError(
                f"{self.path}: no column of numbers {name!r}; devices are {near}"
                f"{', ...' if len(self.devices) > 8 else ''}"
            )
        return self.devices[name]


def family(device: str) -> str:
    """The maker of a column: what stands before the first bar, or else before the first underline."""
    return device.split("|", maxsplit=1)[0] if "|" in device else device.split("_", maxsplit=1)[0]


def named(table: "Table", asked: str) -> list[str]:
    """Columns that a comma-separated list of names or patterns names, in its order; of spread only by their names.

    Raises:
        InputError: for a name or pattern that no column has.
    """
    devices = [name for name in table.devices if not SPREAD.match(name)]
    found: list[str] = []
    for part in filter(None, (part.strip() for part in asked.split(","))):
        matches = [part] if part in table.devices else fnmatch.filter(devices, part)
        if not matches:
            table.device(part)
        found += [name for name in matches if name not in found]
    return found


def read(path: Path, features: Sequence[str] = ()) -> Table:
    """A .parquet or .csv file; `features` are columns that describe architectures, beside those whose names say so.

    Raises:
        InputError: on a file that cannot be read, without rows, or whose columns of devices hold no numbers.
    """
    return of_frame(read_frame(path), str(path), features)


def join(first: Table, second: Table) -> Table:
    """The architectures of both, on the devices that both have.

    Raises:
        InputError: where architectures are described by other quantities, or no device is in both.
    """
    both = [name for name in first.devices if name in second.devices]
    if first.quantities is None or second.quantities is None or first.quantities.shape[1] != second.quantities.shape[1]:
        raise InputError(f"{second.path}: its architectures are not described by the columns that {first.path} has")
    if not both:
        raise InputError(f"{second.path}: has none of the devices of {first.path}")
    quantities = np.concatenate([first.quantities, second.quantities])
    devices = {name: np.concatenate([first.devices[name], second.devices[name]]) for name in both}
    names = [*first.names, *second.names]
    return Table(first.path, names, of_quantities(quantities), None, devices, quantities)


def of_frame(frame: "pd.DataFrame", path: str, features: Sequence[str] = ()) -> Table:
    if len(frame.columns) < 2 or not len(frame):
        raise InputError(f"{path}: needs a column of architectures, a column a device, and a row an architecture")
    first = frame.columns[0]
    if not frame.columns.is_unique or frame.columns.nlevels > 1:
        twice = frame.columns[frame.columns.duplicated()]
        raise InputError(
            f"{path}: column {str(next(iter(twice), frame.columns[0]))[:60]!r}: give each a name of its own"
        )
    unknown = [name for name in features if name not in frame.columns]
    if unknown:
        raise InputError(f"{path}: no column {unknown[0]!r} of features")
    describing = [name for name in frame.columns if name in features or DESCRIBING.match(str(name))]
    devices = {}
    for name in frame.columns:
        if name in describing or name == first:
            continue
        values = numbers(frame[name])
        if values is not None:
            devices[str(name)] = values
    names = [" ".join(str(name).split()) for name in frame[first].tolist()]  # arrays are written on several lines
    codes, canonical = codes_of(names, path)
    if codes is not None:
        choices = int(codes.max()) + 1
        if codes.size * choices > MOST_NUMBERS:
            raise InputError(f"{path}: {len(codes)} architectures of {codes.shape[1]} layers are too many")
        columns = basis(codes, canonical) if worthwhile(codes, canonical) else None
        return Table(path, names, of_codes(codes, canonical), columns, devices, codes=codes)
    quantities = {str(name): numbers(frame[name]) for name in describing}
    known = {name: values for name, values in quantities.items() if values is not None and usable(values)}
    if not known:
        return Table(path, names, Features(), None, devices)
    described = np.stack(list(known.values()), axis=1)
    return Table(path, names, of_quantities(described), None, devices, described, quantity_names=list(known))


def read_frame(path: Path) -> "pd.DataFrame":
    import pandas as pd
    import pyarrow.parquet as pq

    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InputError(f"{path}: {path.stat().st_size >> 20} MiB; a table of measurements has 1 GiB at most")
        if not path.is_file():
            raise InputError(f"{path}: not a file; give a table of measurements (.parquet or .csv)")
        if path.suffix == ".parquet":
            # What pandas noted in the file is not followed: damaged, it raises anything.
            found = pq.read_table(path).to_pandas(ignore_metadata=True)
            return found[[name for name in found.columns if not str(name).startswith("__index_level_")]]
        with warnings.catch_warnings():
            # Lines of more cells than there are names would move all cells under other names.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(path, index_col=False, low_memory=False, compression=None)
    except InputError:
        raise
    except Exception as error:  # a damaged file makes its readers raise anything
        text = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{path}: not a readable table of measurements (.parquet or .csv): {text}") from error


def usable(values: np.ndarray) -> bool:
    """Whether a column says something of networks: finite, not negative, and not the same everywhere."""
    return bool(np.all(np.isfinite(values) & (values >= 0)) and values.max() > values.min())


def numbers(column: Any) -> np.ndarray | None:
    """The column as floats (N,), or None where it is no column of numbers."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return None
    return column.to_numpy(dtype=float, na_value=math.nan)


def codes_of(names: Sequence[str], path: str) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Choices (N, L) that the texts spell, and the same without dead branches in cells of NAS-Bench-201.

    Raises:
        InputError: naming `path` and the first of the texts that is no such cell, where the first is meant to be one.
    """
    from hwmodel.latency.spaces import canonical_codes, decode, load_space

    if all(name.startswith("|") for name in names):
        space = load_space("nasbench201")
        codes = decode(space, names, path)
        return codes, canonical_codes(space, codes)
    if not all(NUMBERS.fullmatch(name) for name in names):
        return None, None
    rows = [[int(part) for part in re.findall(r"\d+", name)] for name in names]
    if len({len(row) for row in rows}) != 1 or len(rows[0]) < 2 or max(map(max, rows)) >= MOST_CHOICES:
        return None, None
    return np.array(rows), None


__all__ = ["Table", "family", "read"]
