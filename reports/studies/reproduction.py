"""Any paper's figures beside ours, a row a figure: what agrees, what does not, and what that hangs on."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from hwmodel.units import label_of
from reports.comparisons import figure_label, figure_text
from reports.csv_table import read_table
from reports.figures.beside import Beside, beside_figure
from reports.figures.ranges import range_figures
from reports.figures.ratio import actors_figure
from reports.labels import digits, listed, percent
from reports.model import Bullets, Code, Document, Heading, Paragraph, Section, Table, Text, plain, strong
from reports.record import Record, clean
from reports.studies import Told, common
from reports.studies.common import figures_of

QUESTION = "Do the paper’s figures come out again?"
NEAR = 0.15
TOPICS = {"cpu_gpu_ratio": "CPU/GPU ratio", "seed": "SEED RL", "speedup": "speed-up", "slowdown": "slow-down"}
STATUS = {"published": "Published: read in the paper’s abstract, or in the work named.",
          "recalled": "Recalled: from readers’ notes, without a second confirmation."}  # fmt: skip
BASES = {"modelled": "Modelled: from our models alone.", "calibrated": "Calibrated: a time of the model was chosen so "
         "that this figure comes out; it proves nothing.", "measured": "Measured: on a machine.",
         "published": "Ours of basis published: from makers’ data alone."}  # fmt: skip
GIVEN = {"calibrated": "is what the model was calibrated to", "published": "follow from makers’ data alone"}
Row = dict[str, Any]


def tell(record: Record) -> Told:
    """Return the report of a finished reproduction.

    Its results.csv has a row a figure: name (`topic.what`), status, paper, ours, basis; where they are, low and high
    (between which ours moves) and reason are told too. Beside it may stand summary.csv (name, time, factor, of_base),
    traffic.csv (actors, sms, frames_per_second, frames_per_joule) and caches.csv (machine, threads, sms,
    cpu_gpu_ratio).
    """
    rows = [_row(record.folder, place, row) for place, row in enumerate(
        read_table(record.folder / "results.csv", ("name", "status", "basis"), ("paper",), ("paper",)), 1)]  # fmt: skip
    drawn = {"ratios": beside_figure("ratios", [_beside(row) for row in rows])}
    drawn |= _sensitivity(record.folder) | _curves(record.folder)
    return Told(_document(record, rows, drawn), drawn)


def _row(folder: Path, place: int, row: Row) -> Row:
    """Return a row with its numbers; ours may be below 0, as a slow-down that turns out a gain is."""
    found = dict(row)
    for name in ("ours", "low", "high"):
        text = row.get(name) or (row.get("ours") if name != "ours" else "")
        try:
            found[name] = float(text or "nan")
        except ValueError:
            found[name] = math.nan
        if not math.isfinite(found[name]):
            raise InputError(f"{folder / 'results.csv'}: {name} of figure {place} is no number")
    found["low"], found["high"] = min(found["low"], found["ours"]), max(found["high"], found["ours"])
    return found | {"ratio": found["ours"] / row["paper"], "topic": _topic(row["name"])}


def _topic(name: str) -> str:
    topic = name.partition(".")[0]
    return TOPICS.get(topic, label_of(topic))


def _beside(row: Row) -> Beside:
    what = f"{row['topic']}: {figure_label(row['name'])}"
    paper, ours, low, high = (figure_text(row["name"], row[name]) for name in ("paper", "ours", "low", "high"))
    moves = f" ({low} to {high})" if row["high"] > row["low"] else ""
    ends = (row["low"] / row["paper"], row["high"] / row["paper"])
    return Beside(what, row["status"], row["ratio"], *ends, f"{what}, {row['status']} {paper}, ours {ours}{moves}")


def _sensitivity(folder: Path) -> dict[str, dict[str, bytes]]:
    import pandas as pd

    found = _optional(folder / "summary.csv", ("name", "time"), ("factor", "of_base"))
    moved = [row for row in found if row["of_base"] > 0]
    if not moved:
        return {}
    figures = [f"{_topic(row['name'])}: {figure_label(row['name'])}" for row in moved]
    times = [label_of(row["time"]) for row in moved]
    frame = pd.DataFrame({"factor": times, "value": [f"× {row['factor']:g}" for row in moved], "figure": figures,
                          "of_base": [row["of_base"] for row in moved]})  # fmt: skip
    base = pd.DataFrame({"factor": "base", "value": "base", "figure": list(dict.fromkeys(figures)), "of_base": 1.0})
    frame = pd.concat([frame, base], ignore_index=True)
    return {"hangs": range_figures("hangs", frame, "of_base", title="ours over ours as it is", by="figure", across=3)}


def _curves(folder: Path) -> dict[str, dict[str, bytes]]:
    columns = ("actors", "sms", "frames_per_second", "frames_per_joule")
    found = _optional(folder / "traffic.csv", (), columns)
    lines: dict[str, list[tuple[float, float, float]]] = {}
    for row in found:
        if min(row["actors"], row["frames_per_second"], row["frames_per_joule"]) > 0:
            point = float(row["actors"]), float(row["frames_per_second"]), float(row["frames_per_joule"])
            lines.setdefault(f"{row['sms']:,} SMs", []).append(point)
    return {"actors": actors_figure("actors", {name: sorted(rows) for name, rows in lines.items()})} if lines else {}


def _optional(path: Path, texts: Sequence[str], numbers: Sequence[str]) -> list[Row]:
    """Return a table's rows; none where it is not there or tells of something else."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", errors="replace") as file:
        header = file.readline().strip().split(",")
    return read_table(path, texts, numbers) if {*texts, *numbers} <= set(header) else []


def _document(record: Record, rows: Sequence[Row], drawn: dict[str, dict[str, bytes]]) -> Document:
    paper = clean(str(record.inputs.get("paper", "")))
    cited = next(iter(record.works.values()), paper)
    ratios = (
        "Each figure of ours over the paper’s; bars are how far ours moves as each time that is not measured is halved "
        "and doubled. The line at 1 is the paper."
    )
    hangs = "How ours moves as one time at a time is halved and doubled (modelled); what moves most stands first."
    curve = "Frames/s and frames/J over actors, by SMs (modelled, in closed form)."
    reasons = [[strong(f"{row['topic']}, {figure_label(row['name'])}: "), *plain(clean(row["reason"]))]
               for row in rows if row.get("reason")]  # fmt: skip
    told = [STATUS[one] for one in STATUS if any(row["status"] == one for row in rows)]
    told += [BASES[one] for one in BASES if any(row["basis"] == one for row in rows)]
    machines = _machines(record.folder)
    return Document(
        title="hwmodel · reproduction",
        subtitle=clean(cited),
        short=paper,
        question=QUESTION,
        answer=_answer(rows),
        keys=_table(rows),
        pictures=figures_of(drawn["ratios"], ratios, lead=True),
        sections=[section for section in (
            Section("How to read this", [Bullets([plain(one) for one in told])] if told else []),
            Section("Why figures are missed", [Bullets(reasons)] if reasons else []),
            Section("What ours hangs on", figures_of(drawn.get("hangs", {}), hangs)),
            Section("Over actors", figures_of(drawn.get("actors", {}), curve)),
            Section("Machines", [machines] if machines else []),
            Section("What was assumed", [Bullets([plain(one) for one in record.assumptions])]
                    if record.assumptions else []),
            common.works(record),
            Section("Make it again", [
                Paragraph(plain("The first command computes everything again, the second remakes this report:")),
                Code(f"hwmodel reproduce {paper} --output again\nhwmodel report ."),
            ]),
        ) if section.blocks],
        date=record.date.isoformat(),
        version=record.version,
        dense=True,
    )  # fmt: skip


def _answer(rows: Sequence[Row]) -> Text:
    """Return how many figures come near, without those that were bound to."""
    free = [row for row in rows if row["basis"] not in GIVEN]
    near = [row for row in free if abs(row["ratio"] - 1) <= NEAR]
    given = {basis: sum(row["basis"] == basis for row in rows) for basis in GIVEN}
    told = [f"{count} {GIVEN[basis]}" for basis, count in given.items() if count]
    head = f"{len(near)} of {len(free)} figures come within {percent(NEAR)}."
    text = f" Beside these, {listed(told)}." if told else ""
    inside = [row for row in free if row not in near and row["low"] <= row["paper"] <= row["high"]]
    missed = [row for row in free if row not in near]
    if missed:
        worst = max(missed, key=lambda row: abs(math.log(max(row["ratio"], 1e-9))))
        what = f"{worst['topic']}, {figure_label(worst['name'])}"
        ours, paper = (figure_text(worst["name"], worst[name]) for name in ("ours", "paper"))
        text += f" Of the {len(missed)} others the paper’s is within what ours moves by in {len(inside)}."
        text += f" The farthest is {what}: {ours} for {paper}."
    recalled = sum(row["status"] == "recalled" for row in rows)
    text += f" {recalled} of all {len(rows)} are recalled, not read in a publication." if recalled else ""
    return plain(strong(head), text)


def _table(rows: Sequence[Row]) -> Table:
    """Return every figure by topic."""
    moves = any(row["high"] > row["low"] for row in rows)
    table: list[list[str]] = []
    for topic in dict.fromkeys(row["topic"] for row in rows):
        table.append([topic[:1].upper() + topic[1:]])
        for row in (row for row in rows if row["topic"] == topic):
            numbers = [figure_text(row["name"], row[name]) for name in ("paper", "ours", "low", "high")]
            table.append([figure_label(row["name"]), *(numbers if moves else numbers[:2]), digits(row["ratio"], 2),
                          row["status"], row["basis"]])  # fmt: skip
    headings = [Heading("Figure", align="left"), Heading("Paper"), Heading("Ours"),
                *([Heading("from", over="as it moves"), Heading("to", over="as it moves")] if moves else []),
                Heading("Ratio"), Heading("Status", align="left"), Heading("Basis", align="left")]  # fmt: skip
    return Table(plain("The paper’s figures beside ours; ratio: ours over the paper’s."), headings, table)


def _machines(folder: Path) -> Table | None:
    found = _optional(folder / "caches.csv", ("machine",), ("threads", "sms", "cpu_gpu_ratio"))
    rows = [[row["machine"], f"{row['threads']:,g}", f"{row['sms']:,g}", digits(row["cpu_gpu_ratio"])] for row in found]
    headings = [
        Heading("Machine", align="left"),
        Heading("Hardware threads"),
        Heading("SMs"),
        Heading("Threads per SM"),
    ]
    return Table(plain("The machines’ CPU/GPU ratios, from their makers’ data."), headings, rows) if rows else None
