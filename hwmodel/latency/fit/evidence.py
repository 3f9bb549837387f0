"""What a fit to samples leaves behind: each sample predicted from the others, and what sources count."""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cho_solve

from hwmodel.latency.fit.choose import ask_next
from hwmodel.latency.fit.condition import MANY
from hwmodel.latency.fit.posterior import Posterior
from hwmodel.latency.fit.samples import Samples
from hwmodel.latency.fit.table import Table
from hwmodel.latency.fit.transfer import Transfer
from hwmodel.latency.query.evidence import Evidence, LeftOut, Next, Source, line, short, thinned

NEXT = 5
FEWEST = 3  # samples of which a correlation says anything


def of_samples(table: Table, transfer: Transfer, posterior: Posterior, samples: Samples) -> Evidence:
    """Of a Gaussian process."""
    rows, times = posterior.rows, samples.values
    logarithm, deviation = left_out(transfer, posterior, times)
    weights, shares = weights_of(transfer, posterior)
    # From MANY samples on, one more is a search that takes as long as all the rest.
    count = NEXT if len(rows) + NEXT < MANY else 1
    asked = ask_next(transfer, rows.tolist(), times.tolist(), count) if len(np.unique(rows)) < len(table.names) else []
    mean, variance = posterior.logarithm(np.array(asked, int))
    floor, said = floor_of(table, transfer, rows, times)
    return Evidence(
        left_out=held(samples, np.exp(logarithm), deviation, floor),
        sources=sources_of(transfer, rows, times, weights),
        kinds=shares,
        next=[Next(name=short(table.names[row]), mean=float(np.exp(at)), deviation=float(np.sqrt(spread)))
              for row, at, spread in zip(asked, mean, variance, strict=True)],
        floor=said,
        reach=transfer.reach_from(len(rows)),
    )  # fmt: skip


def held(samples: Samples, mean: np.ndarray, deviation: np.ndarray, floor: Sequence[float | None]) -> list[LeftOut]:
    """Samples beside what was predicted without them (n,); those that cannot be left out, because none other is there,
    are not among them.
    """
    return thinned([
        LeftOut(name=short(name), measured=float(own), mean=float(at), deviation=float(spread), floor=simple)
        for name, own, at, spread, simple in zip(samples.names, samples.values, mean, deviation, floor, strict=True)
        if np.isfinite(at) and at > 0
    ])  # fmt: skip


def left_out(transfer: Transfer, posterior: Posterior, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of the logarithm of each sample (n,) as predicted from those of other architectures.

    The fit is made anew without it; from MANY samples on, which hardly lean on any single one, its weights are kept.
    NaN where there is no other architecture.
    """
    rows = posterior.rows
    mean, variance = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    if len(rows) >= MANY:
        best = max(posterior.members, key=lambda entry: entry.share)
        unknown = 1 / np.diag(cho_solve((best.lower, True), np.eye(len(rows)), check_finite=False))
        residual = best.lower @ (best.lower.T @ best.fitted)
        without = residual - best.fitted * unknown
        mean, variance = best.shapes.logarithm(without, unknown - best.added, best.scale, rows)
        return mean, np.sqrt(variance)
    for row in np.unique(rows):
        kept = rows != row
        if kept.any():
            own, spread = transfer.fit(rows[kept], times[kept]).logarithm(np.array([row]))
            mean[~kept], variance[~kept] = own[0], spread[0]
    return mean, np.sqrt(variance)


def weights_of(transfer: Transfer, posterior: Posterior) -> tuple[np.ndarray, dict[str, float]]:
    """Each source's part of the predicted shape (S,), and the belief in each kind of sources, by its name.

    A member predicts base + sum_s a_s R_s, where base is the mean of its sources' shapes and R_s their departures from
    it, over the root of their number; so the shape is a weighted mean of the sources', and these are its weights.
    """
    found = np.zeros(len(transfer.sources))
    shares: dict[str, float] = {}
    named = {tuple(view.places): label for view, label in zip(transfer.views, labels(transfer), strict=True)}
    for member in posterior.members:
        label = named.get(tuple(member.places), "none")
        shares[label] = shares.get(label, 0.0) + float(member.share)
        count = len(member.places)
        if not count:
            continue
        names = [term.name for term in member.terms]
        which = names.index("sources")
        factor = member.terms[which].factor[posterior.rows]
        leaning = np.exp(member.weights[which]) * (factor.T @ member.fitted) / np.sqrt(count)
        found[member.places] += member.share * ((1 - leaning.sum()) / count + leaning)
    return found, shares


def labels(transfer: Transfer) -> list[str]:
    """Names of the views: `all`, then A, B and so on."""
    return ["all", *(chr(ord("A") + place) for place in range(len(transfer.views) - 1))][: len(transfer.views)]


def sources_of(
    transfer: Transfer, rows: np.ndarray, times: np.ndarray, weights: np.ndarray | None = None
) -> list[Source]:
    """The sources, as many as are kept, in the table's order."""
    names = transfer.names or transfer.families
    kinds = dict.fromkeys(range(len(names)), "")
    for label, view in list(zip(labels(transfer), transfer.views, strict=True))[1:]:
        kinds |= dict.fromkeys(view.places.tolist(), label)
    logs = np.log(times)
    found = []
    for place, name in enumerate(names):
        own = np.log(transfer.sources[place, rows])
        told = len(np.unique(rows)) >= FEWEST and np.ptp(own) > 0 and np.ptp(logs) > 0
        found.append(Source(
            name=short(name), family=short(transfer.families[place]), kind=kinds[place],
            weight=None if weights is None else float(weights[place]),
            correlation=float(np.corrcoef(own, logs)[0, 1]) if told else None,
        ))  # fmt: skip
    return thinned(found)


def floor_of(table: Table, transfer: Transfer, rows: np.ndarray, times: np.ndarray) -> tuple[list[float | None], str]:
    """What the simplest model says of each sample without it, and what that model is.

    A straight line in FLOPs, or in the first quantity that describes architectures; where none does, the sources' mean
    shape times one factor.
    """
    if table.quantities is not None:
        names = [name.lower() for name in table.quantity_names]
        place = next((at for word in ("flops", "macs") for at, name in enumerate(names) if word in name), 0)
        name = table.quantity_names[place] if table.quantity_names else "the first quantity"
        return line(table.quantities[rows, place], times, rows), f"a straight line in {short(name)[:60]}"
    if not len(transfer.sources):
        return [None] * len(rows), ""
    shape = (transfer.sources / transfer.sources.mean(axis=1, keepdims=True)).mean(axis=0)[rows]
    found: list[float | None] = [
        float(np.median((times / shape)[rows != row]) * own) if (rows != row).any() else None
        for row, own in zip(rows, shape, strict=True)
    ]
    return found, "the sources’ mean, scaled"
