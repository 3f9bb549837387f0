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
POINTS = "percentage points"  # a difference's: 0 is where nothing is gained
FEW = 3  # claims, up to which the answer tells each
WIDE = 7  # columns of a table
MOST_ROWS = 24  # of a table of a curve
Row = dict[str, Any]


def tell(record: Record) -> Told:
    """Return the report of `hwmodel method NAME run -o`: summary.csv a row a variant, claims.csv a row a claim."""
    claims = _claims(record.folder)
    summary = read_table(record.folder / "summary.csv", ("variant",), ())
    drawn: dict[str, Mapping[str, bytes]] = {}
    x, y = str(record.inputs.get("x", "variant")), str(record.inputs.get("y", "accuracy"))
    drawn["variants"] = _variants(record.folder, summary, x, y)
    for number_of_unit, unit in enumerate(dict.fromkeys(row["unit"] for row in claims), 1):
        own = [(place, row) for place, row in enumerate(claims, 1) if row["unit"] == unit]
        if len(own) > 1:  # a single one says no more than its row of the table
            drawn[f"claims_{number_of_unit}"] = interval_figure(f"claims_{number_of_unit}", [
                Estimate(f"{place}. {row['claim']}", row["estimate"], row["low"], row["high"],
                         f"{row['claim']}: {_figure(row)}") for place, row in own
            ], unit or "estimate", level=0.0 if unit == POINTS else None)  # fmt: skip
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
    found: Row = row | {name: number(where, name, row[name]) for name in ("estimate", "low", "high")}
    if not all(math.isfinite(found[name]) for name in ("estimate", "low", "high")):
        raise InputError(f"{where}: claim {place} has no finite estimate and interval; run the method again")
    claim = found["claim"]
    return found | {"unit": clean(row.get("unit", "")), "claim": claim[:1].upper() + claim[1:].rstrip(".")}


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
    shown = claims if len(claims) <= FEW else [row for row in claims if row["verdict"] != "holds"]
    told = " ".join(f"{row['claim'].rstrip('.')}: {row['verdict']}, {_figure(row)}." for row in shown)
    caption = (
        f"{label_of(y).capitalize()} by {label_of(x)} on held-out test images: means over {len(seeds)} seeds, bars the "
        "95 % interval of the mean (measured)."
    )
    pictures = figures_of(drawn["variants"], caption, lead=True)
    asked = [plain(f"{label_of(str(name))}: {clean(str(value))}")
             for name, value in (record.inputs.get("settings") or {}).items()]  # fmt: skip
    of_claims = "Estimates and 95 % intervals over seeds of the claims told in {}, as numbered in table 1."
    figures = [block for name, files in drawn.items() if name.startswith("claims_")
               for block in figures_of(files, of_claims.format(_unit(name, claims)))]  # fmt: skip
    return Document(
        title=f"hwmodel · method {clean(str(record.inputs.get('method', '')))}",
        subtitle=title,
        short=clean(str(record.inputs.get("method", ""))),
        question=QUESTION,
        answer=plain(strong(head), f" {told}"),
        keys=_claims_table(claims, len(seeds)) if claims else _tables("Variants.", summary)[0],
        pictures=pictures,
        sections=[section for section in (
            Section("The claims", [*figures, *_rules(claims)]),
            Section("Every variant", _tables("Means over seeds, and the 95 % interval where there is one.", summary)),
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
    rows = [[f"{place}", row["verdict"], _figure(row), row["claim"]] for place, row in enumerate(claims, 1)]
    headings = [Heading("", align="left"), Heading("Verdict", align="left"), Heading("Estimate (95 % interval)"),
                Heading("Claim", align="left")]  # fmt: skip
    caption = f"What {seeds} paired seeds say to each claim: it holds where the whole interval is on the claimed side."
    return Table(plain(caption), headings, rows, even=False)


def _rules(claims: Sequence[Row]) -> list[Any]:
    items = [plain(strong(f"{place}. "), clean(row["rule"])) for place, row in enumerate(claims, 1)]
    return [Paragraph(plain("How each was judged:")), Bullets(items)] if items else []


def _unit(name: str, claims: Sequence[Row]) -> str:
    """Return the unit that a figure of claims is of."""
    units = list(dict.fromkeys(row["unit"] for row in claims))
    return units[int(name.removeprefix("claims_")) - 1] or "no unit"


def _tables(caption: str, rows: Sequence[Row]) -> list[Table]:
    """Return any rows of names and numbers as tables that fit the page; the first column stands in each.

    A figure and the ends of its interval share a column; columns that are empty throughout are left out.
    """
    ends = {name + end for name in rows[0] for end in (LOW, HIGH) if name + LOW in rows[0]}
    names = [name for name in rows[0] if name not in ends and any(row.get(name) for row in rows)]
    first, *others = names
    parts = [others[start : start + WIDE - 1] for start in range(0, len(others), WIDE - 1)] or [[]]
    shown = rows[:MOST_ROWS]
    note = f"The first {MOST_ROWS} of {len(rows)} rows." if len(rows) > MOST_ROWS else ""
    return [
        Table(plain(caption), [Heading(label_of(first), align="left"), *(Heading(label_of(name)) for name in part)],
              [[cell_text(row[first]), *(_ranged(row, name) for name in part)] for row in shown], plain(note))
        for part in parts
    ]  # fmt: skip


def _ranged(row: Row, name: str) -> str:
    """Return a figure, with its interval where the row has one."""
    low, high = row.get(name + LOW), row.get(name + HIGH)
    if not low or not high or not row[name] or low == high:
        return cell_text(row[name])
    value, *ends = (digits(float(text)) for text in (row[name], low, high))
    return f"{value} ({ends[0]} to {ends[1]})"


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
    title = label_of(str(name)).capitalize()
    return Section(title, _tables(f"{title}; all rows are in {path.name}.", rows))


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
