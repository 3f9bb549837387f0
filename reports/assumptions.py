"""What a study assumed: sentences for its first page, figures of its models for a table at its end."""

import re

from hwmodel.units import label_of, scale_of, show, unit_of
from reports.labels import cell_label, digits
from reports.model import Heading, Table, plain
from reports.record import Record

# `subject: name_with_unit = value (assumed: why)`, as the circuit models say it
_FIGURE = re.compile(r"([^:]{1,80}): ([\w.-]{1,120}) = ([^ ]{1,40}) \(assumed: (.*)\)", re.DOTALL)
# Units of two symbols, which a name's last word does not show whole.
_COMPOUND = re.compile(r"_(?:([A-Za-z]+)_per_([A-Za-z]+2?)|(ohm)_(m2?))$")
_SYMBOLS = {"ohm": "Ω", "m2": "m²"}


def sentences(record: Record) -> list[str]:
    """Return the assumptions that are no single figure."""
    return [text for text in record.assumptions if not _FIGURE.fullmatch(text)]


def figures_table(record: Record) -> Table | None:
    """Return the assumed figures, grouped by what they are of; None where there are none."""
    found = [match for match in map(_FIGURE.fullmatch, record.assumptions) if match]
    if not found:
        return None
    rows: list[list[str]] = []
    for subject in dict.fromkeys(match[1] for match in found):
        rows.append([cell_label(subject)])
        rows += [[*quantity(match[2].removeprefix(f"{subject}."), match[3]), match[4]]
                 for match in found if match[1] == subject]  # fmt: skip
    headings = [Heading("Figure", align="left"), Heading("Value"), Heading("Why", align="left")]
    caption = f"Figures assumed for want of a published one: {len(found)}, by cell, node or part of the model."
    return Table(plain(caption), headings, rows, even=False)


def quantity(name: str, text: str) -> tuple[str, str]:
    """Return a figure's name in words and its value as a person reads it."""
    words = name.replace(".", " ")
    try:
        value = float(text)
    except ValueError:
        return words.replace("_", " "), text
    compound = _COMPOUND.search(name)
    if compound:
        over, under, left, right = (_SYMBOLS.get(part, part) if part else "" for part in compound.groups())
        factor, lead = scale_of(f"x_{compound[1] or compound[3]}", [value])
        unit = f"{lead or over}/{under}" if over else f"{lead or left}·{right}"
        return words[: compound.start()].replace("_", " "), f"{digits(value * factor)} {unit}"
    return label_of(words.replace(" ", "_")), show(name, value) if unit_of(name) else f"{value:.4g}"
