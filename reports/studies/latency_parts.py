"""What predictors of samples and those of layers tell apart: which devices count, and which layers take the time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.query.evidence import Evidence
from reports.figures.accuracy import error_words
from reports.figures.strips import bar_figure, share_figure, strip_figure
from reports.labels import digits, engineering, listed, network_label, percent
from reports.model import Heading, Paragraph, Section, Table, plain
from reports.record import clean
from reports.studies.common import figures_of

NETWORKS = ("mobilenet_v2", "resnet18", "squeezenet")  # whose time is told by class of layer, of any device of layers
MOST_SOURCES = 16
NOBODY = 0.5  # share of belief without sources from which they are said to mislead
RARE = 0.005  # of a network's time, below which a class is not told apart


@dataclass(frozen=True)
class Parts:
    """Of what a predictor is, the end of the answer, and sections with their figures."""

    subject: str
    answer: str
    sections: list[Section]
    drawn: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)


def of(predictor: Any, evidence: Evidence) -> Parts:
    """Return what this kind of predictor tells."""
    return _of_layers(predictor, evidence) if predictor.kind == "layers" else _of_samples(predictor, evidence)


def _of_samples(predictor: Any, evidence: Evidence) -> Parts:
    drawn = {"sources": _sources(evidence)}
    caption = (
        "The devices that were learned from, and what part of the predicted shape is each one’s; with what is "
        f"predicted without any they add up to 1, and from a device with less than 0 this one leans away. "
        f"{_kinds(evidence)}Beside each bar: how its times go with the samples’ (correlation of logarithms)."
    )
    if evidence.sources and all(one.weight is None for one in evidence.sources):
        caption = "How times of the devices that were learned from go with the samples’ (correlation of logarithms)."
    counting = Section("Which devices count", figures_of(drawn["sources"], caption))
    space = predictor.kind == "space"
    subject = f"any network of {clean(predictor.space.name)}" if space else f"{len(predictor.names):,} networks"
    without = evidence.kinds.get("none")
    answer = ""
    if without is not None and evidence.sources:
        answer = f"Of the belief {percent(without)} is on no other device"
        answer += ": they mislead here, so measure more." if without > NOBODY else "."
    return Parts(subject, answer, [counting, *_next(predictor, evidence)], drawn)


def _sources(evidence: Evidence) -> dict[str, bytes]:
    """Return the bars of the sources that count most."""
    weighed = any(one.weight is not None for one in evidence.sources)
    rows = []
    for one in evidence.sources:
        value = one.weight if weighed else one.correlation
        if value is None:
            continue
        group = f"kind {one.kind}" if one.kind else "of no kind"
        beside = "-" if one.correlation is None else f"r {one.correlation:.2f}"
        rows.append((clean(one.name.replace("|", " ")), group, float(value), beside))
    rows = sorted(rows, key=lambda row: -abs(row[2]))[:MOST_SOURCES]
    rows.sort(key=lambda row: -row[2])
    title = "part of the predicted shape" if weighed else "correlation with the samples"
    return bar_figure("sources", rows, title) if rows else {}


def _kinds(evidence: Evidence) -> str:
    told = [f"{percent(share)} on kind {name}" for name, share in sorted(evidence.kinds.items())
            if name not in ("all", "none")]  # fmt: skip
    if not told:
        return ""
    return (f"Devices that resemble each other are a kind; the belief is "
            f"{percent(evidence.kinds.get('all', 0.0))} on all together, {listed(told)}. ")  # fmt: skip


def _next(predictor: Any, evidence: Evidence) -> list[Section]:
    if not evidence.next:
        return []
    rows = [[f"{place}", clean(one.name), engineering(predictor.quantity, one.mean), error_words(one.deviation)]
            for place, one in enumerate(evidence.next, 1)]  # fmt: skip
    headings = [Heading("Order"), Heading("Architecture", align="left"), Heading("Predicted"),
                Heading("Standard deviation")]  # fmt: skip
    caption = ("Whose measurement would lower most what is not yet known of all others, each as if those before it had "
               "turned out as expected (hwmodel latency next).")  # fmt: skip
    return [Section("What to measure next", [Table(plain(caption), headings, rows)])]


def _of_layers(predictor: Any, evidence: Evidence) -> Parts:
    from hwmodel.latency.layers.terms import CLASSES

    shares, least = _shares(predictor)
    rows = evidence.left_out
    kinds = {kind: [(100 * (one.mean / one.measured - 1), f"{one.name}: {100 * (one.mean / one.measured - 1):+.1f} %")
                    for one in rows if one.group == kind]
             for kind in dict.fromkeys(one.group for one in rows)}  # fmt: skip
    drawn = {
        "classes": share_figure("classes", shares, "of a network’s time [%]") if shares else {},
        "kinds": strip_figure("kinds", kinds, "error [% of measured]", logarithmic=False) if kinds else {},
    }
    hard = max(kinds, key=lambda kind: float(np.median([abs(value) for value, _ in kinds[kind]]))) if kinds else ""
    where = f"Where the time of some known networks goes, by class of layer. Predicted: {listed(least or ['-'])}."
    apart = (
        "Blocks by kind, each predicted from other folds, a mark a block; the kind missed most stands first. "
        "Bars are medians. What is missed here will be missed in networks that lean on it."
    )
    known = {CLASSES[place] for place in np.unique(predictor.model.classes).tolist()}
    unseen = [name.replace("_", " ") for name in CLASSES if name not in known and name != "other"]
    told = ("Every class of layer is in some block." if not unseen else
            f"No block has layers of these classes: {listed(unseen)}. Their prices are what is assumed of any machine, "
            "scaled to this one; a block with such a layer (--blocks) would teach the most.")  # fmt: skip
    middle = float(np.median([abs(value) for value, _ in kinds[hard]])) if hard else 0.0
    answer = f"The kind of block missed most is {hard.replace('_', ' ')} ({digits(middle, 2)}\u00a0%)." if hard else ""
    sections = [
        Section("Where the time goes", figures_of(drawn["classes"], where)),
        Section("Which kinds of blocks are hard", figures_of(drawn["kinds"], apart)),
        Section("What to measure next", [Paragraph(plain(told))]),
    ]
    return Parts("any network, from its layers", answer, sections, drawn)


def _shares(predictor: Any) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Return the share of each class of layer in known networks' time, and what these take."""
    from hwmodel.latency.graph.read import read_graph

    found: dict[str, dict[str, float]] = {}
    takes = []
    for name in NETWORKS:
        try:
            rows = predictor.layers(read_graph(name))
        except InputError:
            continue  # of an environment without torch, or without networks by name
        own: dict[str, float] = {}
        for row in rows:
            own[row["layer_class"]] = own.get(row["layer_class"], 0.0) + row["share"]
        found[network_label(name)] = {key: share for key, share in own.items() if share >= RARE}
        rest = 1 - sum(found[network_label(name)].values())
        found[network_label(name)] |= {"rarer classes": rest} if rest > 0 else {}
        whole = engineering(predictor.quantity, sum(row[predictor.quantity] for row in rows))
        takes.append(f"{network_label(name)} {whole}")
    return found, takes
