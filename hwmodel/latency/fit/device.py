"""A device of one's own: samples beside a table of other devices, the predictor of them, and what to measure next."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.fit import calibrate
from hwmodel.latency.fit.choose import best_next
from hwmodel.latency.fit.features import basis, of_codes
from hwmodel.latency.fit.posterior import Posterior
from hwmodel.latency.fit.project import NETWORKS, project
from hwmodel.latency.fit.table import Table, family
from hwmodel.latency.fit.transfer import Transfer, prepare
from hwmodel.latency.query.form import Form, Numbers, Quantity, write_form
from hwmodel.latency.query.listed import write_listed
from hwmodel.latency.query.tables import unit_of
from hwmodel.latency.spaces import Space, canonical_codes

LISTED = 1 << 16  # spaces of so many networks are listed whole


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
            rows = [row for row in csv.reader(file, strict=True) if row]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not CSV: {' '.join(str(error).split())[:120]}") from None
    for number, row in enumerate(rows[1:], 2):
        try:
            value = float(row[1]) * factor
        except (IndexError, ValueError):
            raise InputError(f"{path}: line {number}: give an architecture and a number in {unit}") from None
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"{path}: line {number}: {row[1]} is no time or energy; give a positive number in {unit}")
        names.append(row[0].strip())
        values.append(value)
    if not names:
        raise InputError(f"{path}: no samples; give a line of names, and below it an architecture and a number a line")
    return Samples(names, np.array(values), quantity)


def usable(table: Table, sources: Sequence[str]) -> Table:
    """The architectures that every source has a positive number for.

    Raises:
        InputError: where there are fewer than two, or a source is not there.
    """
    good = np.ones(len(table.names), bool)
    for name in sources:
        values = table.device(name)
        good &= np.isfinite(values) & (values > 0)
    if good.sum() < 2:
        raise InputError(f"{table.path}: {good.sum()} architectures have a number on each of the sources; needs two")
    return table.rows(np.flatnonzero(good))


def learn(table: Table, sources: Sequence[str], report: Callable[[], None] = lambda: None) -> Transfer:
    """What the columns `sources` of a table teach."""
    known = np.stack([table.device(name) for name in sources]) if sources else np.zeros((0, len(table.names)))
    return prepare(known, [family(name) for name in sources], table.features, table.columns, report)


def places(table: Table, names: Sequence[str], path: str) -> np.ndarray:
    """Rows of the table that hold the architectures `names` (n,).

    Raises:
        InputError: naming the first that the table does not have.
    """
    known = {compact(name): row for row, name in enumerate(table.names)}
    missing = [name for name in names if compact(name) not in known]
    if missing:
        raise InputError(f"{path}: architecture {missing[0][:60]!r}: not in {table.path}")
    return np.array([known[compact(name)] for name in names], dtype=np.int64)


def compact(name: str) -> str:
    """An architecture's text without what lists may be written with."""
    return "".join(name.split()).strip("[]()")


def widened(table: Table, transfer: Transfer, codes: np.ndarray, space: Space) -> Transfer:
    """The transfer over the table's networks and `codes` (M, L) besides, on which sources are what their columns say.

    Raises:
        InputError: where sources are not described by choices, so that nothing is known of other networks.
    """
    if table.codes is None or (len(transfer.sources) and transfer.weights is None):
        raise InputError(f"{table.path}: too few networks to tell what its devices would take for others of the space")
    both = np.concatenate([table.codes, codes])
    canonical = canonical_codes(space, both) if space.cell else None
    features, columns = of_codes(both, canonical), basis(both, canonical)
    described = transfer.described
    if transfer.weights is not None:
        more = np.maximum(transfer.weights @ columns[len(table.codes) :].T, described.min(axis=1, keepdims=True))
        described = np.concatenate([described, more], axis=1)
    return replace(transfer, sources=described, described=described, features=features)


def quantiles(transfer: Transfer, posterior: Posterior,
              report: Callable[[], None] = lambda: None) -> tuple[tuple[float, float, float], ...]:  # fmt: skip
    """(level, low, high), of which intervals are made."""
    distances = transfer.distances(posterior, report)
    reaches = np.maximum.accumulate([calibrate.reach(distances, level) for level in calibrate.LEVELS])
    return tuple((level, float(reach), float(reach)) for level, reach in zip(calibrate.LEVELS, reaches, strict=True))


def write(
    output: Path,
    table: Table,
    transfer: Transfer,
    samples: Samples,
    rows: np.ndarray,
    device: str,
    space: Space | None,
    conditions: Mapping[str, Any],
    provenance: Mapping[str, Any],
    report: Callable[[], None] = lambda: None,
    seed: int = 0,
) -> dict[str, Any]:
    """Fit, and write the predictor: a list where the table or the space is listed whole, tables to add otherwise.

    Raises:
        InputError: where it cannot be written, and as `widened`.
    """
    posterior = transfer.fit(rows, samples.values)
    levels = quantiles(transfer, posterior, report)
    share = posterior.without_sources
    provenance = dict(provenance) | {"samples": len(rows), "architectures": len(table.names), "without_sources": share}
    if space is None:
        mean, variance = posterior.logarithm(np.arange(len(table.names)))
        numbers = Numbers(
            device=device, quantity=samples.quantity, link="log", quantiles=[list(level) for level in levels],
            conditions=dict(conditions), provenance=provenance,
        )  # fmt: skip
        write_listed(output, numbers, table.names, mean, np.sqrt(variance))
        return {"kind": "listed", "networks": len(table.names)} | summary(posterior, levels)
    if space.size <= LISTED:
        codes = space.all_codes()
        known = widened(table, transfer, codes, space).fit(rows, samples.values)
        whole = np.array(known.logarithm(np.arange(len(codes)) + len(table.names)))
        form = Form(
            space, device, samples.quantity, "log", np.zeros((len(space.layers), space.choices)), whole=whole,
            quantiles=levels, conditions=dict(conditions), provenance=provenance,
        )  # fmt: skip
        write_form(form, output)
        return {"kind": "space", "space": space.name, "networks": len(codes)} | summary(posterior, levels)
    number = max(NETWORKS, 3 * int(space.counts.sum()))
    codes = space.sample(number, np.random.default_rng(seed))
    wide = widened(table, transfer, codes, space)
    drawn = np.arange(len(table.names), len(table.names) + len(codes))
    form = project(
        wide.fit(rows, samples.values), drawn, codes, space, device, samples.quantity, levels, conditions, provenance
    )
    write_form(form, output)
    error = float(form.provenance["projection_error"])
    return {"kind": "space", "space": space.name, "projection_error": error} | summary(posterior, levels)


def summary(posterior: Posterior, levels: Sequence[tuple[float, float, float]]) -> dict[str, Any]:
    """What a fit says of itself."""
    left = calibrate.left_out_errors(posterior)
    return {
        "samples": len(posterior.rows), "without_sources": posterior.without_sources,
        "left_out_median_error": float(np.median(left)) if len(left) > 1 else None,
        "reach_90": {level: low for level, low, _ in levels}[0.9],
    }  # fmt: skip


def ask_next(transfer: Transfer, rows: np.ndarray, values: Sequence[float] | np.ndarray, count: int) -> list[int]:
    """Rows of the `count` architectures to measure next, each as if those before it had turned out as expected.

    Without samples the first is the one nearest to the middle of what sources say, so that a scale is known.
    """
    everything = np.arange(transfer.described.shape[1])
    known, times = list(rows), list(values)
    found: list[int] = []
    while len(found) < min(count, len(everything) - len(set(rows.tolist()))):
        if known:
            posterior = transfer.fit(np.array(known), np.array(times))
            best = best_next(posterior, everything, seed=len(known))
            expected = float(np.exp(posterior.logarithm(np.array([best]))[0][0]))
        else:
            shape = np.log(transfer.described).mean(axis=0) if len(transfer.described) else np.zeros(len(everything))
            best, expected = int(np.argmin(np.abs(shape - np.median(shape)))), 1.0
        found.append(best)
        known.append(best)
        times.append(expected)
    return found


def same_space(table: Table, space: Space) -> None:
    """Raise InputError unless the table's architectures are of `space`."""
    if table.codes is None:
        raise InputError(f"{table.path}: its architectures are no choices of layers; leave out --space")
    space.codes(table.codes, table.path)
