"""A method's networks on caches and devices: what falls with their size, and what does not."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hwmodel.units import label_of, scale_of
from reports.csv_table import read_table
from reports.figures.intervals import Panel, panels_figure
from reports.labels import cell_label, column, counted, digits, listed
from reports.model import Code, Document, Heading, Paragraph, Section, Table, plain, strong
from reports.record import Record, clean
from reports.results import read_rows
from reports.studies import Told, common, sweeps
from reports.studies.accountings import accountings
from reports.studies.common import figures_of
from reports.studies.method_run import cell_text, number, option_of
from reports.tables import caches_table

QUESTION = "What do its networks cost?"
COUNTS = ("macs", "parameters", "weight_bytes")
Row = dict[str, Any]


def tell(record: Record) -> Told:
    """Return the report of `hwmodel method NAME study -o`: networks.csv and iso-capacity's tables."""
    networks = read_table(record.folder / "networks.csv", ("network",), COUNTS, ("macs",))
    numbers = ("dram_reads", "dram_writes", "l2_reads", "l2_writes", "energy_J", "edp_Js", "batch")
    results = read_table(record.folder / "results.csv", ("network", "phase", "cell"), numbers, ("energy_J", "edp_Js"))
    latency = _latency(record)
    axis = clean(str(record.inputs.get("axis", "")))
    places, ticks = _places(networks, axis, clean(str(record.inputs.get("series", ""))))
    drawn = {f"costs_{phase}": panels_figure(f"costs_{phase}", _panels(networks, part, latency, places), label_of(axis),
                                             ticks)
             for phase, part in _by_phase(results).items()}  # fmt: skip
    drawn |= _staircase(record)
    return Told(_document(record, networks, results, latency, places, drawn), drawn)


def _staircase(record: Record) -> dict[str, dict[str, bytes]]:
    """Return the figure of latency over widths, where it was asked for."""
    path = record.folder / "staircase.csv"
    if not path.is_file():
        return {}
    rows = read_table(path, ("widths", "device"), ("first_channels", "macs", "latency_s"), ("latency_s",))
    factor, unit = scale_of("latency_s", [row["latency_s"] for row in rows])
    panels = []
    for device in dict.fromkeys(row["device"] for row in rows):
        lines: dict[str, list[tuple[float, float, str]]] = {}
        for row in rows:
            if row["device"] == device:
                time, wide = row["latency_s"] * factor, row["first_channels"]
                tip = f"{wide} channels, {row['widths']}: {digits(time)} {unit}, {counted(row['macs'])} MACs"
                lines.setdefault(f"widths {row['widths']}", []).append((wide, time, tip))
        panels.append(Panel(f"{device} [{unit}]", lines))
    return {"staircase": panels_figure("staircase", panels, "channels of the first layer")}


def _latency(record: Record) -> list[Row]:
    path = record.folder / "latency.csv"
    return read_table(path, ("network", "device"), ()) if path.is_file() else []


def _places(
    networks: Sequence[Row], axis: str, series: str
) -> tuple[dict[str, tuple[str, float]], dict[float, str]]:  # fmt: skip
    """Return each network's line and place along the axis, and the names of places where they are no numbers."""
    texts = [row.get(axis, "") for row in networks]
    try:
        values = [float(text) for text in texts]
        ticks: dict[float, str] = {}
    except ValueError:
        order = list(dict.fromkeys(texts if any(texts) else [row["network"] for row in networks]))
        values = [float(order.index(text or row["network"])) for text, row in zip(texts, networks, strict=True)]
        ticks = dict(enumerate(map(clean, order)))
    truth = {"True": label_of(series), "False": f"not {label_of(series)}"}
    names = [truth.get(row.get(series, ""), clean(row.get(series, ""))) for row in networks]
    return {row["network"]: (name, value) for row, name, value in zip(networks, names, values, strict=True)}, ticks


def _by_phase(results: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in results:
        found.setdefault(row["phase"], []).append(row)
    return found


def _panels(
    networks: Sequence[Row], results: Sequence[Row], latency: Sequence[Row], places: Mapping[str, tuple[str, float]]
) -> list[Panel]:  # fmt: skip
    own = {row["network"]: row for row in networks}
    first = results[0]["cell"]
    traffic = {row["network"]: row for row in results if row["cell"] == first}
    made = [_panel("MACs of one input", "macs", {name: row["macs"] for name, row in own.items()}, places),
            _panel("weights", "weight_bytes", {name: row["weight_bytes"] for name, row in own.items()}, places),
            *(_panel(f"{level.upper()} accesses", level, {name: row[f"{level}_reads"] + row[f"{level}_writes"]
                                                          for name, row in traffic.items()}, places)
              for level in ("l2", "dram"))]  # fmt: skip
    for cell in dict.fromkeys(row["cell"] for row in results):
        part = {row["network"]: row["edp_Js"] for row in results if row["cell"] == cell}
        made.append(_panel(f"EDP, {cell_label(cell)}", "edp_Js", part, places))
    for device in dict.fromkeys(row["device"] for row in latency):
        part = {row["network"]: number_of(row) for row in latency if row["device"] == device}
        made.append(_panel(f"latency, {device}", "latency_s", part, places))
    return made


def number_of(row: Row) -> float:
    """Return what a device's row predicts."""
    name = "latency_s" if "latency_s" in row else "energy_J"
    return number(Path("latency.csv"), name, row.get(name, ""))


def _panel(title: str, name: str, values: Mapping[str, float], places: Mapping[str, tuple[str, float]]) -> Panel:
    plain_count = name in ("macs", "l2", "dram")
    factor, unit = _counts(values.values()) if plain_count else scale_of(name, list(values.values()))
    lines: dict[str, list[tuple[float, float, str]]] = {}
    for network, value in values.items():
        line, place = places[network]
        shown = counted(value) if plain_count else f"{digits(value * factor)} {unit}"
        lines.setdefault(line or "networks", []).append((place, value * factor, f"{network}: {title} {shown}"))
    return Panel(f"{title} [{unit}]" if unit else title, lines)


def _counts(values: Any) -> tuple[float, str]:
    most = max(values)
    power = max(0, min(4, int(math.log10(most) // 3))) if most > 0 else 0
    return 1000.0**-power, ("", "thousand", "million", "billion", "trillion")[power]


def _ratio(values: Mapping[str, float], ends: tuple[str, str]) -> float:
    return values[ends[1]] / values[ends[0]] if values[ends[0]] else math.nan


def _answer(
    networks: Sequence[Row], results: Sequence[Row], latency: Sequence[Row], ends: tuple[str, str]
) -> tuple[str, str]:  # fmt: skip
    """Return what happens from one end of the axis to the other, in two sentences."""
    own = {row["network"]: float(row["macs"]) for row in networks}
    weights = {row["network"]: float(row["weight_bytes"]) for row in networks}
    parts = [f"MACs × {digits(_ratio(own, ends), 2)}", f"bytes of weights × {digits(_ratio(weights, ends), 2)}"]
    for phase, rows in _by_phase(results).items():
        first = rows[0]["cell"]
        dram = {row["network"]: float(row["dram_reads"] + row["dram_writes"]) for row in rows if row["cell"] == first}
        told = [f"DRAM accesses × {digits(_ratio(dram, ends), 2)}"]
        for cell in dict.fromkeys(row["cell"] for row in rows):
            edp = {row["network"]: float(row["edp_Js"]) for row in rows if row["cell"] == cell}
            told.append(f"EDP with DRAM on {cell_label(cell)} × {digits(_ratio(edp, ends), 2)}")
        parts.append(f"in {phase} {listed(told)}")
    for device in dict.fromkeys(row["device"] for row in latency):
        times = {row["network"]: number_of(row) for row in latency if row["device"] == device}
        parts.append(f"latency on {device} × {digits(_ratio(times, ends), 2)}")
    return (
        f"From {ends[0]} to {ends[1]}: {'; '.join(parts)}.",
        " All modelled but what says that it was measured on this machine."
        if any(row.get("basis") == "measured" for row in latency)
        else " All of this is modelled.",
    )


def _document(
    record: Record, networks: Sequence[Row], results: Sequence[Row], latency: Sequence[Row],
    places: Mapping[str, tuple[str, float]], drawn: Mapping[str, Mapping[str, bytes]],
) -> Document:  # fmt: skip
    method = clean(str(record.inputs.get("method", "")))
    ordered = sorted(networks, key=lambda row: (places[row["network"]][0] != places[networks[0]["network"]][0],
                                                places[row["network"]][1]))  # fmt: skip
    same = [row for row in ordered if places[row["network"]][0] == places[ordered[0]["network"]][0]]
    head, rest = _answer(networks, results, latency, (same[0]["network"], same[-1]["network"]))
    study = read_rows(record)
    of_phase = "What each network costs in {}, each panel from 0 (modelled; EDP with DRAM)."
    captions = {name: of_phase.format(name.removeprefix("costs_")) for name in drawn if name != "staircase"}
    stairs = (
        "Latency of the whole network as all widths grow together, a channel of the first layer at a time: exact, and "
        "each width rounded up to a multiple of 8 (modelled)."
    )
    first, *others = captions
    return Document(
        title=f"hwmodel · method {method}, study",
        subtitle=clean(str(record.inputs.get("title", ""))),
        short=method,
        question=QUESTION,
        answer=plain(strong(head), rest),
        keys=_networks_table(networks),
        pictures=figures_of(drawn[first], captions[first], lead=True),
        sections=[section for section in (
            Section("Costs", [*(block for name in others for block in figures_of(drawn[name], captions[name])),
                              _costs_table(results)]),
            Section("Latency", [*figures_of(drawn.get("staircase", {}), stairs),
                                *([_latency_table(latency)] if latency else [])]),
            common.assumptions(record),
            Section("The caches", [caches_table(study)]),
            accountings(sweeps.results_of(study)),
            common.works(record),
            _again(method, record),
            common.figures_assumed(record),
        ) if section.blocks],
        date=record.date.isoformat(),
        version=record.version,
    )  # fmt: skip


def _networks_table(networks: Sequence[Row]) -> Table:
    about = [
        name for name in networks[0] if name not in ("network", *COUNTS) and any(row.get(name) for row in networks)
    ]
    unit, weights = column("weight_bytes", [float(row["weight_bytes"]) for row in networks])
    headings = [Heading("Network", align="left"), *(Heading(label_of(name)) for name in about), Heading("MACs"),
                Heading("Parameters"), Heading("Weights", unit)]  # fmt: skip
    rows = [[row["network"], *(cell_text(row[name]) for name in about), counted(row["macs"]),
             counted(row["parameters"]), weight] for row, weight in zip(networks, weights, strict=True)]  # fmt: skip
    return Table(plain("The networks: MACs of one input, parameters, bytes of weights as stored."), headings, rows)


def _costs_table(results: Sequence[Row]) -> Table:
    energy_unit, energies = column("energy_J", [row["energy_J"] for row in results])
    edp_unit, edps = column("edp_Js", [row["edp_Js"] for row in results])
    headings = [Heading("Network", align="left"), Heading("Phase", align="left"), Heading("Batch"),
                Heading("Cell", align="left"), Heading("L2 accesses"), Heading("DRAM accesses"),
                Heading("Energy", energy_unit), Heading("EDP", edp_unit)]  # fmt: skip
    rows = [[row["network"], row["phase"], f"{row['batch']:,}", cell_label(row["cell"]),
             counted(row["l2_reads"] + row["l2_writes"]), counted(row["dram_reads"] + row["dram_writes"]), energy, edp]
            for row, energy, edp in zip(results, energies, edps, strict=True)]  # fmt: skip
    note = "A batch’s; energy and EDP with DRAM. All modelled."
    return Table(plain("What a run of each network costs."), headings, rows, plain(note))


def _latency_table(latency: Sequence[Row]) -> Table:
    unit, values = column("latency_s", [number_of(row) for row in latency])
    rows = [[row["network"], row["device"], value, row.get("basis") or "modelled"]
            for row, value in zip(latency, values, strict=True)]  # fmt: skip
    headings = [Heading("Network", align="left"), Heading("Device", align="left"), Heading("Latency", unit),
                Heading("", align="left")]  # fmt: skip
    told = "What one input takes: as a device’s predictor has it, or as this machine was measured."
    return Table(plain(told), headings, rows)


def _again(method: str, record: Record) -> Section:
    settings = record.inputs.get("settings") or {}
    words = " ".join(option_of(str(name), value) for name, value in settings.items())
    command = clean(f"hwmodel method {method} study --nets networks.yaml {words} -o again")
    facts = f"hwmodel {record.version}; {record.date.isoformat()}. The networks are in networks.yaml, a recipe each."
    return Section("Make it again", [Code(command), Paragraph(plain(facts))])
