"""Tables that hold figures against each other: a paper's and ours, and two ways of accounting."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hwmodel.units import label_of, unit_of
from reports.frames import checked
from reports.labels import cell_label, column, counted, digits, engineering, is_cell, is_network, network_label
from reports.model import Heading, Table, plain

if TYPE_CHECKING:
    import pandas as pd

ORIGINS = {"paper": "paper’s caches", "ours": "our circuits"}
TOPICS = {"cell": "Bit cells", "cache": "Caches", "workload": "Workloads", "iso_capacity": "At equal capacity",
          "iso_capacity_mean": "At equal capacity, the mean", "iso_area": "In equal area",
          "date20": "At equal capacity, as of DATE 2020"}  # fmt: skip
WORDS = {"sram": "SRAM", "macs": "MACs", "sms": "SMs", "cpu": "CPU", "cpus": "CPUs"}
_SIZE = re.compile(r"\d+[KMG]iB")


def comparison_table(frame: "pd.DataFrame", caption: str, topics: Mapping[str, str] | None = None) -> Table:
    """Return a paper's figures beside ours, grouped by topic, a row a figure.

    Args:
        frame: what `hwmodel reproduce` gives, a row a figure and origin of the circuits: name (`topic.what.of`, its
            unit where it has one), status (published or recalled), circuits (paper: the paper's own caches under our
            traffic and accounting; ours), paper, ours, basis. The ratio is computed here.
        caption: what is compared; how to read the columns is added.
        topics: titles of topics that `TOPICS` lacks.

    Raises:
        InputError: for a frame without these columns, or two rows of one name and origin.
    """
    table = checked(frame, "comparison", ["name", "status", "circuits", "basis"], ["ours"], positive=["paper"])
    _distinct(table)
    titles = TOPICS | dict(topics or {})
    rows: list[list[str]] = []
    grouped: Any = table.assign(topic=[name.partition(".")[0] for name in table["name"]]).groupby("topic", sort=False)
    for topic, part in grouped:
        rows.append([titles.get(topic, label_of(topic).capitalize())])
        names = dict.fromkeys(part["name"])
        rows += [_compared(name, part.loc[part["name"] == name].to_dict("records")) for name in names]
    headings = [Heading("Figure", align="left"), Heading("Paper"),
                *(Heading(title, "", "ours") for title in ORIGINS.values()), Heading("Ratio"),
                Heading("Status", align="left")]  # fmt: skip
    how = ("Ours with the paper’s caches: its own cache figures under our traffic and accounting. Ratio: ours over the "
           "paper’s, with our circuits where a figure has them.")  # fmt: skip
    return Table(plain(f"{caption} {how}"), headings, rows)


def _distinct(table: Any) -> None:
    from circuits.errors import InputError

    foreign = [value for value in table["circuits"] if value not in ORIGINS]
    if foreign:
        raise InputError(f"comparison: circuits {foreign[0]!r}: unknown; known are {', '.join(ORIGINS)}")
    twice = table.loc[table.duplicated(["name", "circuits"]), "name"].tolist()
    if twice:
        raise InputError(f"comparison: two rows of {twice[0]} with the same circuits")


def _compared(name: str, rows: Sequence[dict[str, Any]]) -> list[str]:
    by = {row["circuits"]: row for row in rows}
    last = by.get("ours", rows[-1])
    ours = [figure_text(name, by[origin]["ours"]) if origin in by else "-" for origin in ORIGINS]
    kinds = "" if last["basis"] == "modelled" else f", {last['basis']}"
    return [figure_label(name), figure_text(name, last["paper"]), *ours, digits(last["ours"] / last["paper"], 2),
            f"{last['status']}{kinds}"]  # fmt: skip


def _quantity(name: str) -> str:
    """Return the part of a name that carries a unit, or the empty string."""
    return next((part for part in reversed(name.split(".")) if unit_of(part)), "")


def figure_text(name: str, value: float) -> str:
    """Return a figure of a comparison with the unit that its name has."""
    quantity = _quantity(name)
    if quantity:
        return engineering(quantity, value)
    return counted(value) if value >= 1e6 else digits(value)


def figure_label(name: str) -> str:
    """Return what a figure of a comparison is, in words: `cache.stt.3MiB.leakage_W` -> `STT-MRAM, 3 MiB: leakage`."""
    of, what = [], []
    for part in name.split(".")[1:] or [name]:
        if is_cell(part):
            of.append(cell_label(part))
        elif is_network(part):
            of.append(network_label(part))
        elif _SIZE.fullmatch(part):
            of.append(f"{part[:-3]} {part[-3:]}")
        else:
            what.append(_words(part))
    return ": ".join(filter(None, [", ".join(of), ", ".join(what)]))


def _words(part: str) -> str:
    text = label_of(part)
    return " ".join(WORDS.get(word, word) for word in text.split(" "))


def accountings_table(
    frame: "pd.DataFrame", caption: str, keys: Mapping[str, str], accountings: Mapping[str, Mapping[str, str]],
    group: str = "",
) -> Table:  # fmt: skip
    """Return the same cases under two ways of accounting, side by side: one heading over the columns of each.

    Args:
        frame: a row a case.
        caption: what is accounted for.
        keys: columns of names, each with its heading; a column `cell` is shown by its label.
        accountings: of each its title, such as `cache alone`, and its columns of numbers, each with its heading; a
            column is in the unit of its name, and a ratio has none.
        group: a column whose values are the titles of groups of rows; none: a flat table.

    Raises:
        InputError: for a frame without these columns, or with values that are no finite numbers.
    """
    figures = [name for columns in accountings.values() for name in columns]
    table = checked(frame, "accountings", [*keys, *([group] if group else [])], figures)
    headings = [Heading(title, align="left") for title in keys.values()]
    texts = [[cell_label(value) if name == "cell" else value for value in table[name]] for name in keys]
    for over, columns in accountings.items():
        for name, title in columns.items():
            unit, shown = column(name, table[name].tolist())
            headings.append(Heading(title, unit, over))
            texts.append(shown)
    rows: list[list[str]] = []
    last = ""
    for index, row in enumerate(zip(*texts, strict=True)):
        if group and table[group].iloc[index] != last:
            last = table[group].iloc[index]
            rows.append([last])
        rows.append(list(row))
    return Table(plain(caption), headings, rows)
