"""A predictor of a device: how near it is to what was measured, and why. Every prediction shown was made without it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel import __version__
from hwmodel.latency.fit.condition import MANY
from hwmodel.latency.query.evidence import Evidence, LeftOut
from hwmodel.latency.query.predictor import LEVEL, load
from reports.figures.accuracy import Predicted, error_words, predicted_figure, trust_figure
from reports.labels import engineering, percent
from reports.model import Code, Document, Heading, Paragraph, Section, Table, Text, plain, strong
from reports.record import Source, clean
from reports.studies import Told, latency_parts
from reports.studies.common import figures_of
from reports.studies.conditions import conditions_table, runtime_words, states_table

FARTHEST = 5
NEAR = 0.1
QUANTITIES = {"latency_s": "latency", "energy_J": "energy"}


def tell(source: Source) -> Told:
    """Return the report of a predictor's file.

    Raises:
        InputError: for a file that is none, or that keeps nothing of what it was fitted to.
    """
    predictor: Any = load(source.folder)
    said = predictor.form if predictor.kind == "space" else predictor.numbers
    evidence: Evidence | None = said.evidence
    if evidence is None or not (evidence.left_out or evidence.networks):
        why = (
            "keeps no measurement that could be held against it (`hwmodel latency fit` keeps them from two samples "
            "on, a table of layers has none); fit it anew"
        )
        raise InputError(f"{source.folder}: {why}")
    reaches = [(level, low, high) for level, low, high in said.quantiles]
    groups = {name: _predicted(rows, reaches) for name, rows in _groups(predictor.kind, evidence).items()}
    drawn: dict[str, Mapping[str, bytes]] = {
        "predicted": predicted_figure("predicted", groups, said.quantity, evidence.floor),
        "trust": trust_figure("trust", groups, reaches, evidence.floor),
    }
    parts = latency_parts.of(predictor, evidence)
    drawn.update(parts.drawn)
    return Told(_document(source, predictor, said, groups, drawn, parts), drawn)


def _groups(kind: str, evidence: Evidence) -> dict[str, Sequence[LeftOut]]:
    """Return what is drawn apart; what nothing was learned from comes first."""
    first = "blocks, left out" if kind == "layers" else "samples, each left out"
    groups = {"networks, never learned from": evidence.networks, first: evidence.left_out}
    return {name: rows for name, rows in groups.items() if rows}


def _predicted(rows: Sequence[LeftOut], reaches: Sequence[tuple[float, float, float]]) -> Predicted:
    measured, mean, deviation = (np.array([getattr(row, name) for row in rows])
                                 for name in ("measured", "mean", "deviation"))  # fmt: skip
    down, up = next(((low, high) for level, low, high in reaches if abs(level - LEVEL) < 1e-9), (0.0, 0.0))
    floor = np.array([math.nan if row.floor is None else row.floor for row in rows])
    far = np.minimum(deviation * max(down, up), 50.0)  # of an interval that says nothing; what a float holds
    low, high = (mean * np.exp(sign * np.minimum(reach * deviation, far)) for sign, reach in ((-1, down), (1, up)))
    return Predicted([clean(row.name) for row in rows], measured, mean, low, high, deviation, floor)


def _document(
    source: Source, predictor: Any, said: Any, groups: Mapping[str, Predicted], drawn: Mapping[str, Any],
    parts: latency_parts.Parts,
) -> Document:  # fmt: skip
    evidence: Evidence = said.evidence
    device, quantity = clean(said.device), QUANTITIES[said.quantity]
    seen = (
        f"Left: {quantity} predicted over measured, with the interval of {percent(LEVEL)}; on the line they are equal. "
        f"Right: the same as relative errors. {_without(predictor, evidence)}"
    )
    held = (
        "Left: the share of measurements that intervals hold, over the share they promise; within the shade, chance "
        f"explains the difference nine times in ten. {_rehearsed(evidence, groups)} Right: how many predictions are "
        "how near; the dotted line is half of them."
    )
    states = states_table(said.conditions)
    conditions = conditions_table(said.conditions)
    given = [table for table in (conditions, states) if table is not None]
    nothing = Paragraph(plain("Nothing is kept of them; hwmodel latency fit --conditions NAME=TEXT does that."))
    return Document(
        title="hwmodel · latency predictor",
        subtitle=", ".join(filter(None, [f"{quantity} of {parts.subject}", runtime_words(said.conditions)])),
        short=device,
        question=f"How near are predictions for {device}?",
        answer=_answer(groups, evidence, parts),
        keys=_keys(groups, evidence),
        pictures=figures_of(drawn["predicted"], seen, lead=True),
        sections=[section for section in (
            Section("How far intervals can be trusted", figures_of(drawn["trust"], held)),
            *parts.sections,
            Section("Farthest off", [_farthest(groups, said.quantity)]),
            Section("Conditions", given or [nothing]),
            Section("Make it again", [
                Code(f"hwmodel report {source.folder.name}"),
                Paragraph(plain(_made(predictor, said))),
            ]),
        ) if section.blocks],
        date="",
        version=__version__,
        dense=True,
    )  # fmt: skip


def _without(predictor: Any, evidence: Evidence) -> str:
    """Return of what predictions were made without, and what little of it they know all the same."""
    if predictor.kind == "layers":
        return "Blocks are dealt out to ten folds, each predicted from the others."
    if len(evidence.left_out) >= MANY:
        return "Each sample is predicted from the others; what weighs how much was learned with it."
    return "Nothing was learned from what a prediction is held against."


def _rehearsed(evidence: Evidence, groups: Mapping[str, Predicted]) -> str:
    if evidence.reach == "left out":
        own = "Intervals were made as wide as what was left out needs, so that it fits them by construction"
        return f"{own}; that of networks was not." if evidence.networks and len(groups) > 1 else f"{own}."
    if evidence.reach == "sources":
        return "How wide intervals are was learned from other devices alone, so this is a test of them."
    return "Intervals are the normal law’s; nothing could be rehearsed."


def _answer(groups: Mapping[str, Predicted], evidence: Evidence, parts: latency_parts.Parts) -> Text:
    name, first = next(iter(groups.items()))
    errors = np.abs(first.errors)
    what = name.partition(",")[0]
    head = (
        f"Half of {len(errors)} {what} are within {error_words(float(np.median(errors)))}, nine in ten within "
        f"{error_words(float(np.quantile(errors, 0.9)))}."
    )
    inside = int(((first.measured >= first.low) & (first.measured <= first.high)).sum())
    tail = f" The interval of {percent(LEVEL)} holds {inside} of {len(errors)}."
    rest = np.abs(first.floor_errors)
    if rest.size:
        tail += f" Of {evidence.floor}, half are within {error_words(float(np.median(rest)))}."
    return plain(strong(head), tail, f" {parts.answer}" if parts.answer else "")


def _keys(groups: Mapping[str, Predicted], evidence: Evidence) -> Table:
    rows = []
    for name, one in groups.items():
        inside = (one.measured >= one.low) & (one.measured <= one.high)
        rows.append([name, *_figures(one.errors, one.measured, one.mean), percent(float(inside.mean()))])
        known = np.isfinite(one.floor)
        if known.any():
            figures = _figures(one.floor_errors, one.measured[known], one.floor[known])
            rows.append([f"the same by {evidence.floor}", *figures, "-"])
    headings = [Heading("Of", align="left"), Heading("Count"), Heading("median", over="error"),
                Heading("mean", over="error"), Heading("largest", over="error"), Heading("within 10 %"),
                Heading("Rank correlation"), Heading("in the interval", over="of 90 %")]  # fmt: skip
    return Table(plain("How near predictions are to what was measured."), headings, rows)


def _figures(errors: np.ndarray, measured: np.ndarray, mean: np.ndarray) -> list[str]:
    away = np.abs(errors)
    ordered = len(away) > 2 and np.ptp(measured) > 0 and np.ptp(mean) > 0
    order = f"{_spearman(measured, mean):.2f}" if ordered else "-"
    return [f"{len(away)}", error_words(float(np.median(away))), error_words(float(away.mean())),
            error_words(float(away.max())), percent(float((away <= NEAR).mean())), order]  # fmt: skip


def _spearman(measured: np.ndarray, mean: np.ndarray) -> float:
    from scipy.stats import spearmanr

    found: Any = spearmanr(measured, mean)
    return float(found[0])


def _farthest(groups: Mapping[str, Predicted], quantity: str) -> Table:
    """Return what was missed most, of each group."""
    rows: list[list[str]] = []
    for group, one in groups.items():
        rows.append([group[:1].upper() + group[1:]])
        for place in np.argsort(-np.abs(one.errors), kind="stable")[:FARTHEST].tolist():
            values = [engineering(quantity, float(of[place])) for of in (one.measured, one.mean, one.low, one.high)]
            sign = "+" if one.errors[place] > 0 else "−"
            rows.append([str(one.names[place]), *values[:2], f"{values[2]} to {values[3]}",
                         f"{sign}{error_words(abs(float(one.errors[place])))}"])  # fmt: skip
    headings = [Heading("Network", align="left"), Heading("Measured"), Heading("Predicted"),
                Heading(f"Interval of {percent(LEVEL)}"), Heading("Error")]  # fmt: skip
    return Table(plain("What predictions miss most."), headings, rows)


def _made(predictor: Any, said: Any) -> str:
    """Return from what the predictor was made, in a sentence."""
    given = said.provenance
    parts = [f"A predictor of kind {predictor.kind}"]
    if "profile" in given:
        parts.append(f"fitted on {clean(str(given.get('blocks')))} blocks of the profile {clean(str(given['profile']))}"
                     f" (column {clean(str(given.get('column')))})")  # fmt: skip
    if "table" in given:
        parts.append(f"fitted on {clean(str(given.get('samples', '?')))} samples beside the table "
                     f"{clean(str(given['table']))}")  # fmt: skip
    if "model" in given:
        parts.append(f"by {clean(str(given['model']))}")
    if isinstance(given.get("projection_error"), float):
        parts.append(f"projected onto sums of layers, which adds {error_words(given['projection_error'])} to its "
                     "intervals (not to what is shown here)")  # fmt: skip
    return f"{', '.join(parts)}; {clean(str(given.get('basis', 'calibrated')))}."
