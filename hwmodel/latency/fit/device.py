"""A device of one's own: samples beside a table of other devices, the predictor of them, and what to measure next."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.fit import calibrate, evidence
from hwmodel.latency.fit.posterior import Posterior
from hwmodel.latency.fit.project import networks, project
from hwmodel.latency.fit.samples import LEAST, MOST, Samples
from hwmodel.latency.fit.table import Table, family
from hwmodel.latency.fit.transfer import Transfer, prepare
from hwmodel.latency.fit.widen import widened
from hwmodel.latency.query.evidence import Evidence
from hwmodel.latency.query.form import Form, make_numbers, write_form
from hwmodel.latency.query.listed import compact, write_listed
from hwmodel.latency.spaces import Space

LISTED = 1 << 16  # spaces of so many networks are listed whole


def usable(table: Table, sources: Sequence[str]) -> Table:
    """The architectures that every source has a positive number for.

    Raises:
        InputError: where there are fewer than two, or a source is not there.
    """
    good = np.ones(len(table.names), bool)
    for name in sources:
        values = table.device(name)
        good &= (values >= LEAST) & (values <= MOST)
    if good.sum() < 2:
        raise InputError(f"{table.path}: {good.sum()} architectures have a number on each of the sources; needs two")
    return table.rows(np.flatnonzero(good))


def learn(table: Table, sources: Sequence[str], report: calibrate.Report = calibrate.unheard) -> Transfer:
    """What the columns `sources` of a table teach."""
    known = np.stack([table.device(name) for name in sources]) if sources else np.zeros((0, len(table.names)))
    learned = prepare(known, [family(name) for name in sources], table.features, table.columns, report)
    return replace(learned, names=list(sources))


def places(table: Table, names: Sequence[str], path: str) -> np.ndarray:
    """Rows of the table that hold the architectures `names` (n,).

    Raises:
        InputError: naming the first that the table does not have.
    """
    known = {compact(name): row for row, name in enumerate(table.names)}
    missing = [name for name in names if compact(name) not in known]
    if missing:
        raise InputError(
            f"{path}: architecture {missing[0][:60]!r}: not in {table.path}, or without a number on one of the sources"
        )
    return np.array([known[compact(name)] for name in names], dtype=np.int64)


def quantiles(transfer: Transfer, posterior: Posterior,
              report: calibrate.Report = calibrate.unheard) -> tuple[tuple[float, float, float], ...]:  # fmt: skip
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
    report: calibrate.Report = calibrate.unheard,
    seed: int = 0,
) -> dict[str, Any]:
    """Fit, and write the predictor: a list where the table or the space is listed whole, tables to add otherwise.

    Raises:
        InputError: where it cannot be written, and as `widened`.
    """
    if space is not None and space.size > LISTED:
        networks(space)
    posterior = transfer.fit(rows, samples.values)
    levels = quantiles(transfer, posterior, report)
    share = posterior.without_sources
    found = evidence.of_samples(table, transfer, posterior, samples)
    provenance = dict(provenance) | {"samples": len(rows), "architectures": len(table.names), "without_sources": share}
    if space is None:
        mean, variance = posterior.logarithm(np.arange(len(table.names)))
        numbers = make_numbers({
            "device": device, "quantity": samples.quantity, "link": "log", "conditions": dict(conditions),
            "quantiles": [list(level) for level in levels], "provenance": provenance, "evidence": found,
        })  # fmt: skip
        write_listed(output, numbers, table.names, mean, np.sqrt(variance))
        return {"kind": "listed", "networks": len(table.names)} | summary(posterior, levels, found)
    if space.size <= LISTED:
        codes = space.all_codes()
        known = widened(table, transfer, codes, space).fit(rows, samples.values)
        whole = np.array(known.logarithm(np.arange(len(codes)) + len(table.names)))
        form = Form(
            space, device, samples.quantity, "log", np.zeros((len(space.layers), space.choices)), whole=whole,
            quantiles=levels, conditions=dict(conditions), provenance=provenance, evidence=found,
        )  # fmt: skip
        write_form(form, output)
        return {"kind": "space", "space": space.name, "networks": len(codes)} | summary(posterior, levels, found)
    codes = space.sample(networks(space), np.random.default_rng(seed))
    wide = widened(table, transfer, codes, space)
    drawn = np.arange(len(table.names), len(table.names) + len(codes))
    form = project(
        wide.fit(rows, samples.values), drawn, codes, space, device, samples.quantity, levels, conditions, provenance
    )
    write_form(replace(form, evidence=found), output)
    error = float(form.provenance["projection_error"])
    return {"kind": "space", "space": space.name, "projection_error": error} | summary(posterior, levels, found)


def summary(posterior: Posterior, levels: Sequence[tuple[float, float, float]], found: Evidence) -> dict[str, Any]:
    """What a fit says of itself."""
    errors = [abs(one.mean / one.measured - 1) for one in found.left_out]
    return {
        "samples": len(posterior.rows), "without_sources": posterior.without_sources,
        "left_out_median_error": float(np.median(errors)) if errors else None,
        "reach_90": {level: low for level, low, _ in levels}[0.9],
    }  # fmt: skip
