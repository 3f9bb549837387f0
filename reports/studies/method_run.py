"""A method that was run on real images: what became of its claims, variant by variant, and what that rests on."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from hwmodel.units import label_of
from reports.csv_table import read_table
from reports.figures.intervals import Estimate, course_figure, interval_figure
from reports.labels import digits
from reports.model import Bullets, Code, Document, Heading, Paragraph, Section, Table, plain, strong
from reports.record import Record, clean
from reports.studies import Told, common
from reports.studies.common import figures_of

QUESTION = "Does what the paper claims hold here?"
LOW, HIGH = "_low", "_high"
MOST_ROWS = 60  # of a table of a curve
Row = dict[str, Any]


def tell(record: Record) -> Told:
    """Return the report of `hwmodel method NAME run -o`: summary.csv a row a variant, claims.csv a row a claim."""
    claims = _claims(record.folder)
    summary = read_table(record.folder / "summary.csv", ("variant",), ())
    drawn: dict[str, Mapping[str, bytes]] = {}
    x, y = str(record.inputs.get("x", "variant")), str(record.inputs.get("y", "accuracy"))
    drawn["variants"] = _variants(record.folder, summary, x, y)
    if claims:
        drawn["claims"] = interval_figure("claims", [
            Estimate(f"{place}. {row['unit']}", row["estimate"], row["low"], row["high"],
                     f"{row['claim']}: {_figure(row)}") for place, row in enumerate(claims, 1)
        ], "Estimate and 95 % interval over seeds, each in its own unit", level=0.0)  # fmt: skip
    return Told(_document(record, claims, summary, drawn, x, y), drawn)


def _has(path: Path) -> bool:
    return path.is_file() and bool(path.read_text(encoding="utf-8", errors="replace").strip())


def number(where: Path, name: str, text: str) -> float:
    """Return a figure that a table holds, which may be below 0; not a number where it holds none.

    Raises:
        InputError: for a text that is no number.
    """
    try:
        return float(text) if text else math.nan
    except ValueError:
        raise InputError(f"{where}: {name} is {text[:40]!r}, not a number; run the method again") from None


def _claims(folder: Path) -> list[Row]:
    """Return the claims, which a run may have none of."""
    path = folder / "claims.csv"
    if not _has(path):
        return []
    rows = read_table(path, ("claim", "verdict", "estimate", "low", "high", "rule"), ())
    return [_claim(path, place, row) for place, row in enumerate(rows, 1)]


def _claim(where: Path, place: int, row: Row) -> Row:
    found = row | {name: number(where, name, row[name]) for name in ("estimate", "low", "high")}
    if not all(math.isfinite(found[name]) for name in ("estimate", "low", "high")):
        raise InputError(f"{where}: claim {place} has no finite estimate and interval; run the method again")
    return found | {"unit": clean(row.get("unit", ""))}


def _variants(folder: Path, summary: Sequence[Row], x: str, y: str) -> dict[str, bytes]:
    """Return the figure of the summary's main figure: along numbers where x is of numbers, else a row a variant."""
    where = folder / "summary.csv"
    rows = []
    for row in summary:
        value = number(where, y, row.get(y, ""))
        low, high = (number(where, y + end, row.get(y + end, "")) for end in (LOW, HIGH))
        if not math.isfinite(value):
            continue
        low, high = (one if math.isfinite(one) else value for one in (low, high))
        rows.append((row, value, low, high))
    if not rows:
        raise InputError(f"{where}: no numbers in a column {y!r}; run the method again")
    title = f"{label_of(y)}, mean over seeds and 95 % interval"
    tips = [f"{row['variant']}: {digits(value)} ({digits(low)} to {digits(high)})" for row, value, low, high in rows]
    if x == "variant":
        found = [
            Estimate(row["variant"], value, low, high, tip)
            for (row, value, low, high), tip in zip(rows, tips, strict=True)
        ]
        return interval_figure("variants", found, title)
    along = []
    for (row, value, low, high), tip in zip(rows, tips, strict=True):
        place = number(where, x, row.get(x, ""))
        if math.isfinite(place):
            along.append(Estimate(clean(row.get("series") or y), value, low, high, tip, place))
    return course_figure("variants", along, label_of(x), title)


def _figure(row: Row) -> str:
    return f"{digits(row['estimate'])} ({digits(row['low'])} to {digits(row['high'])}) {row['unit']}".strip()


def _document(
    record: Record, claims: Sequence[Row], summary: Sequence[Row], drawn: Mapping[str, Mapping[str, bytes]],
    x: str, y: str,
) -> Document:  # fmt: skip
    seeds = record.inputs.get("seeds") or []
    title = clean(str(record.inputs.get("title", record.inputs.get("method", ""))))
    verdicts = [row["verdict"] for row in claims]
    words = {"holds": ("holds", "hold"), "does not hold": ("does not hold", "do not hold"),
             "not shown": ("is not shown", "are not shown")}  # fmt: skip
    counts = [
        f"{verdicts.count(one)} {told[verdicts.count(one) > 1]}" for one, told in words.items() if one in verdicts
    ]
    head = f"Of {len(claims)} claims, {', '.join(counts)}." if claims else "No claim was judged."
    told = " ".join(f"{row['claim'].rstrip('.')}: {row['verdict']}, {_figure(row)}." for row in claims)
    caption = (
        f"{label_of(y).capitalize()} by {label_of(x)} on held-out test images: means over {len(seeds)} seeds, bars the "
        "95 % interval of the mean (measured)."
    )
    pictures = figures_of(drawn["variants"], caption, lead=True)
    asked = [plain(f"{label_of(str(name))}: {clean(str(value))}")
             for name, value in (record.inputs.get("settings") or {}).items()]  # fmt: skip
    of_claims = "The figure that decides each claim, as numbered in the table; the line is where it would turn over."
    return Document(
        title=f"hwmodel · method {clean(str(record.inputs.get('method', '')))}",
        subtitle=title,
        short=clean(str(record.inputs.get("method", ""))),
        question=QUESTION,
        answer=plain(strong(head), f" {told}"),
        keys=_claims_table(claims, len(seeds)) if claims else _table("Variants.", summary),
        pictures=pictures,
        sections=[section for section in (
            Section("The claims", [*figures_of(drawn.get("claims", {}), of_claims), *_rules(claims)]),
            Section("Every variant", [_table("Means over seeds; _low and _high end the 95 % interval.", summary)]),
            *(_curve(record, name) for name in record.inputs.get("curves") or []),
            Section("What was run", [Bullets(asked)] if asked else []),
            Section("What to know", [Bullets([plain(clean(note)) for note in record.assumptions])]
                    if record.assumptions else []),
            common.works(record),
            _again(record),
        ) if section.blocks],
        date=record.date.isoformat(),
        version=record.version,
    )  # fmt: skip


def _claims_table(claims: Sequence[Row], seeds: int) -> Table:
    rows = [[f"{place}. {row['claim']}", row["verdict"], _figure(row)] for place, row in enumerate(claims, 1)]
    headings = [Heading("Claim", align="left"), Heading("Verdict", align="left"), Heading("Estimate (95 % interval)")]
    caption = f"What {seeds} paired seeds say to each claim: it holds where the whole interval is on the claimed side."
    return Table(plain(caption), headings, rows, even=False)


def _rules(claims: Sequence[Row]) -> list[Any]:
    items = [plain(strong(f"{place}. "), clean(row["rule"])) for place, row in enumerate(claims, 1)]
    return [Paragraph(plain("How each was judged:")), Bullets(items)] if items else []


def _table(caption: str, rows: Sequence[Row]) -> Table:
    """Return any table of names and numbers; columns that are empty throughout are left out."""
    names = [name for name in rows[0] if any(row.get(name) for row in rows)]
    shown = rows[:MOST_ROWS]
    note = f"The first {MOST_ROWS} of {len(rows)} rows." if len(rows) > MOST_ROWS else ""
    headings = [Heading(label_of(name), align="left" if place == 0 else "right") for place, name in enumerate(names)]
    return Table(plain(caption), headings, [[cell_text(row[name]) for name in names] for row in shown], plain(note))


def cell_text(text: str) -> str:
    """Return a table's text as people read it: whole numbers as they are, others to four digits, nothing as a dash."""
    if not text or text.lstrip("-").isdecimal():
        return text or "-"
    try:
        return digits(float(text), 4)
    except ValueError:
        return clean(text)


def _curve(record: Record, name: str) -> Section:
    path = record.folder / f"{clean(str(name))}.csv"
    if "/" in str(name) or not _has(path):
        return Section(str(name), [])
    rows = read_table(path, (), ())
    return Section(label_of(str(name)).capitalize(), [_table(f"{label_of(str(name)).capitalize()}.", rows)])


def _again(record: Record) -> Section:
    settings = record.inputs.get("settings") or {}
    options = " ".join(option_of(str(name), value) for name, value in settings.items() if value not in (None, "", []))
    seeds = record.inputs.get("seeds") or [0]
    words = (
        f"hwmodel method {clean(str(record.inputs.get('method', '')))} run --seeds {len(seeds)} --first-seed {seeds[0]}"
    )
    cpu = record.made.get("cpu_s")
    facts = f"hwmodel {record.version}; {record.date.isoformat()}; {cpu} s of processors." if cpu else ""
    return Section("Make it again", [Code(f"{words} {clean(options)} -o again".replace("  ", " ")),
                                     Paragraph(plain(facts))])  # fmt: skip


def option_of(name: str, value: Any) -> str:
    """Return a setting as the command line takes it."""
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f"--{flag} {','.join(map(str, value)) if isinstance(value, list) else value}"
