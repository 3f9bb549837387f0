"""Fit named figures so that caches come out as known ones: a published table, a user's own macros.

What is fitted are the figures of our own data files, each within a factor of what it was; nothing else is scaled. Rows
that were fitted to say nothing of a model's accuracy: keep others aside.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from circuits.cache.design import FIELDS, CacheDesign, design_cache
from circuits.cells.design import cell_names
from circuits.data import short
from circuits.errors import InputError
from circuits.overrides import overridden

GIVEN = ("cell", "node", "capacity_bytes", "ways", "line_bytes", "target")
NAMES = ("cell", "node", "target")  # of these; the others are counts
MOST_COUNT = 1 << 40
MOST_FACTOR = 10.0
PRIOR = 0.01  # weight of a figure's own distance, so that what nothing asks for stays where it was
ROUNDS = 6
FIRST_STEP = 0.15  # of a figure's logarithm, where the search itself is part of what is fitted
MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Calibration:
    """Figures as they were and as fitted; ours over known of every row and figure, before and after."""

    nominal: dict[str, float]
    fitted: dict[str, float]
    before: list[dict[str, float]]
    after: list[dict[str, float]]

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able document."""
        figures = [{"figure": name, "nominal": value, "fitted": self.fitted[name],
                    "factor": self.fitted[name] / value} for name, value in self.nominal.items()]  # fmt: skip
        return {"figures": figures, "before": self.before, "after": self.after, "error_before": spread(self.before),
                "error_after": spread(self.after)}  # fmt: skip


def spread(ratios: list[dict[str, float]]) -> float:
    """Return the root mean square of ln(ours/known)."""
    logs = [math.log(value) for row in ratios for value in row.values()]
    return math.sqrt(sum(x * x for x in logs) / len(logs)) if logs else 0.0


def read_known(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a CSV file of known caches: cell, node, capacity_bytes and any figures of a design.

    Raises:
        InputError: the file cannot be read, or a row lacks what names its cache, or gives no figure.
    """
    import pandas as pd

    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than 1 MiB; give a table of known caches")
        table = pd.read_csv(path, comment="#")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a CSV file: {' '.join(str(error).split())[:120]}") from None
    missing = [name for name in GIVEN[:3] if name not in table]
    if missing or not len(table):
        raise InputError(f"{path}: lacks {', '.join(missing) or 'rows'}; columns are {', '.join((*GIVEN, *FIELDS))}")
    rows = [{k: v for k, v in row.items() if not pd.isna(v)} for row in table.to_dict("records")]
    for number, row in enumerate(rows, 2):
        _named(f"{path}: line {number}", row)
        figures = [row[name] for name in FIELDS if name in row]
        if not figures or not all(isinstance(v, (int, float)) and 0 < v < math.inf for v in figures):
            raise InputError(f"{path}: line {number}: give at least one of {', '.join(FIELDS)}, each a positive number")
    return [{str(k): v for k, v in row.items()} for row in rows]


def _named(where: str, row: Mapping[Any, Any]) -> None:
    """Refuse a row that does not name its cache."""
    for name in GIVEN:
        value = row.get(name)
        if value is None and name not in GIVEN[:3]:
            continue
        told = f"{where}: {name} {'missing' if value is None else short(value)}"
        if name in NAMES and not isinstance(value, str):
            raise InputError(f"{told}; give a name, as `hwmodel cache` takes it")
        if name not in NAMES and not (
            isinstance(value, (int, float)) and 1 <= value <= MOST_COUNT and float(value).is_integer()
        ):
            raise InputError(f"{told}; give a whole, positive number")


def _design(row: Mapping[str, Any], figures: Mapping[str, float], options: Mapping[str, Any]) -> CacheDesign:
    with overridden(figures):
        return design_cache(str(row["cell"]), str(row["node"]), int(row["capacity_bytes"]), int(row.get("ways", 16)),
                            int(row.get("line_bytes", 128)), str(row.get("target", "edap")), **options)  # fmt: skip


def design_as_fitted(row: Mapping[str, Any], fitted: Mapping[str, float], **options: Any) -> CacheDesign:
    """Return a cache under fitted figures, of which those of other cells are left alone."""
    return _design(row, _of(row, fitted), options)


def ratios(design: CacheDesign, row: Mapping[str, Any]) -> dict[str, float]:
    """Return ours over known, for the figures that a row gives."""
    return {name: getattr(design, name) / float(row[name]) for name in FIELDS if name in row}


def calibrate(known: Iterable[Mapping[str, Any]], vary: Iterable[str], *, factor: float = 4.0,
              **options: Any) -> Calibration:  # fmt: skip
    """Return figures under which caches come out as known ones, in the sense of least squares of ln(ours/known).

    The organisations are searched, the figures fitted with these kept, and so on until the searched caches get no
    nearer; then a simplex steps through figures with a search at each.

    Args:
        known: rows with cell, node, capacity_bytes, and optionally ways, line_bytes and target as `design_cache` takes
            them, and at least one figure [SI] of a design.
        vary: names of figures as `overridden` takes them, such as 16nm.wires.global.resistivity_ohm_m.
        factor: how far a figure may move either way, above 1 to 10.
        **options: as `design_cache` takes them: temperature_K, leakage, wires, mode, assumptions.

    Raises:
        InputError: a figure that these caches do not rest on, or a value that cannot be used.
    """
    from scipy.optimize import least_squares, minimize

    rows, names = [dict(row) for row in known], list(dict.fromkeys(vary))
    if not rows or not names:
        raise InputError("calibrate: give at least one known cache, and one figure to vary")
    if isinstance(factor, bool) or not 1 < float(factor) <= MOST_FACTOR:
        raise InputError(f"factor {factor!r}: give a number above 1, to {MOST_FACTOR:g}")
    with overridden() as figures:
        designs = [_design(row, {}, options) for row in rows]
    used = {name: figure.value for name, figure in figures.items()}
    for name in names:
        if not used.get(name):
            import difflib

            near = difflib.get_close_matches(name, used, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise InputError(f"vary {name}: no figure that these caches rest on{hint}")
    nominal = {name: used[name] for name in names}

    def at(x: Any) -> dict[str, float]:
        return {name: nominal[name] * math.exp(shift) for name, shift in zip(names, x, strict=True)}

    def told(x: Any, kept: list[Any]) -> list[dict[str, float]] | None:
        try:
            return [
                ratios(_design(row, _of(row, at(x)), options | ({"organization": o} if o else {})), row)
                for row, o in zip(rows, kept, strict=True)
            ]
        except InputError:
            return None

    searched = [None] * len(rows)
    before = [ratios(design, row) for design, row in zip(designs, rows, strict=True)]
    best, after = np.zeros(len(names)), before
    reach, count = math.log(factor), sum(map(len, before))
    organizations: list[Any] = [design.organization for design in designs]
    for _ in range(ROUNDS):

        def missed(x: Any, kept: list[Any] = organizations) -> Any:
            found = told(x, kept)
            logs = [math.log(v) for row in found for v in row.values()] if found else [3.0] * count
            return np.concatenate([logs, PRIOR * np.asarray(x)])

        fit = least_squares(missed, best, bounds=(-reach, reach), diff_step=1e-3, max_nfev=12).x
        free = told(fit, searched)
        if free is None or spread(free) >= spread(after) * (1 - 1e-3):
            break
        best, after = fit, free
        organizations = [_design(row, _of(row, at(fit)), options).organization for row in rows]

    def far(x: Any) -> float:
        found = told(np.clip(x, -reach, reach), searched)
        return math.hypot(spread(found), PRIOR * float(np.linalg.norm(x))) if found else math.inf

    simplex = best + np.concatenate([np.zeros((1, len(names))), FIRST_STEP * np.eye(len(names))])
    steps = {"maxfev": 40 + 12 * len(names), "xatol": 1e-3, "fatol": 1e-4, "initial_simplex": simplex}
    polished = np.clip(minimize(far, best, method="Nelder-Mead", options=steps).x, -reach, reach)
    free = told(polished, searched)
    if free is not None and spread(free) < spread(after):
        best, after = polished, free
    return Calibration(nominal, at(best), before, after)


def _of(row: Mapping[str, Any], figures: Mapping[str, float]) -> dict[str, float]:
    """Return the figures that a row's cache may rest on: not those of the other cells."""
    others = {*cell_names()} - {str(row["cell"]), "sram"}
    return {name: value for name, value in figures.items() if name.split(".")[0] not in others}
