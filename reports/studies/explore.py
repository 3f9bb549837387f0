"""Explore: the designs that no other beats, out of a space of them, and how fast the search came to them."""

from typing import TYPE_CHECKING

from hwmodel.units import label_of, show
from reports.figures.curves import Curves, curve_figures
from reports.figures.front import front_figures
from reports.labels import cell_label, column, counted, listed, network_label, percent
from reports.model import Bullets, Document, Heading, Paragraph, Section, Table, Text, plain, strong
from reports.record import Record, clean
from reports.studies import Told, common, sweeps
from reports.studies.common import figures_of

if TYPE_CHECKING:
    import pandas as pd

QUESTION = "Which designs does no other beat?"
# An objective as study.yaml names it -> its column, whether less is better, what people call it
FIGURES = {"delay": ("time_s", True, "time"), "energy": ("energy_J", True, "energy"), "area": ("area_m2", True, "area"),
           "edp": ("edp_Js", True, "EDP"), "yield": ("yield", False, "yield"),
           "endurance": ("lifetime_years", False, "lifetime")}  # fmt: skip
CHOICES = ("cell", "node", "capacity_bytes", "ways", "line_bytes", "sram_ways", "gpu")
MOST_ROWS = 60


def tell(record: Record) -> Told:
    """Return the report of a finished search."""
    asked = record.inputs.get("objectives")
    names = [name for name in (asked if isinstance(asked, list) else []) if name in FIGURES] or ["delay", "energy"]
    columns = [FIGURES[name][0] for name in names]
    texts, numbers = ("cell", "node", "gpu"), ("capacity_bytes", "ways", "line_bytes", "sram_ways")
    results = sweeps.frame_of(record, "results", texts, (*numbers, *columns))
    best = sweeps.frame_of(record, "summary", texts, (*numbers, *columns))
    progress = sweeps.frame_of(record, "progress", (), ("evaluations", "front", "hypervolume"))
    fewer = [name for name in names if FIGURES[name][1]]
    pair = [*fewer, *(name for name in ("area", "energy") if name not in fewer)][:2]
    both = {"area": "area_m2", "energy": "energy_J"} | {name: FIGURES[name][0] for name in fewer}
    wanted = sweeps.frame_of(record, "results", ("cell",), [both[name] for name in pair])
    drawn = {
        "front": front_figures("front", wanted, *(both[name] for name in pair)),
        "progress": _grown(progress),
    }  # fmt: skip
    return Told(_document(record, names, pair, (results, best, progress), drawn), drawn)


def _grown(progress: "pd.DataFrame") -> dict[str, bytes]:
    """Return the hypervolume as the search went on; nothing where it never ruled any."""
    ruled = progress.loc[progress["hypervolume"] > 0].assign(cell="this search")
    title = "share of the hypervolume found"
    return curve_figures("progress", ruled, Curves("evaluations", "hypervolume", title=title)) if len(ruled) else {}


def _document(
    record: Record, names: list[str], pair: list[str], tables: "tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]",
    drawn: dict[str, dict[str, bytes]],
) -> Document:  # fmt: skip
    results, best, progress = tables
    space = record.made.get("designs")
    share = f" of {space:,}" if isinstance(space, int) else ""
    words = listed([FIGURES[name][2] for name in names])
    asked = record.inputs.get("networks")
    given = asked if isinstance(asked, list) and asked else ["no networks"]
    networks = listed([network_label(clean(str(name))) for name in given])
    seen = (
        f"Every design computed, by {FIGURES[pair[0]][2]} and {FIGURES[pair[1]][2]}; the step joins those that none "
        "beats in both. Right, how the part of the plane that they rule grew with the designs computed."
    )
    grown = "The share of the hypervolume, of all objectives together, that the search had found after so many designs."
    return Document(
        title=common.title_of(record),
        subtitle=f"{len(results):,}{share} designs computed, in {words}, for {networks}",
        short=f"{len(results):,} designs",
        question=QUESTION,
        answer=_answer(names, results, best),
        keys=_ends(names, best),
        pictures=figures_of(drawn["front"], seen, lead=True),
        sections=[section for section in (
            common.assumptions(record),
            Section("What was searched", [Bullets(_space(record))]),
            Section("How the search went", [
                Paragraph(plain(_went(progress))), *figures_of(drawn["progress"], grown)]),
            Section("The front", [_front(names, best)]),
            common.works(record),
            common.again(record),
            common.figures_assumed(record),
        ) if section.blocks],
        date=record.date.isoformat(),
        version=record.version,
    )  # fmt: skip


def _best(frame: "pd.DataFrame", name: str) -> dict[str, object]:
    """Return the row that is best in an objective."""
    values, (column_, less, _) = frame[FIGURES[name][0]].tolist(), FIGURES[name]
    place = values.index(min(values) if less else max(values))
    found: dict[str, object] = {str(key): value for key, value in frame.iloc[place].to_dict().items()}
    return found | {"figure": column_}


def _answer(names: list[str], results: "pd.DataFrame", best: "pd.DataFrame") -> Text:
    cells = best["cell"].value_counts()
    mix = listed([f"{count} of {cell_label(str(cell))}" for cell, count in cells.items()])
    head = f"{len(best)} of {len(results):,} designs: {mix}."
    ends = [f"{_name(row)} has the best {FIGURES[name][2]} ({_value(row)})" for name in names
            for row in [_best(best, name)]]  # fmt: skip
    return plain(strong(head), f" {listed(ends)}.")


def _name(row: dict[str, object]) -> str:
    size = show("capacity_bytes", int(float(str(row["capacity_bytes"]))))
    split = f" with {int(float(str(row['sram_ways'])))} ways of SRAM" if float(str(row["sram_ways"])) else ""
    return f"{size} of {cell_label(str(row['cell']))}{split} at {row['node']}"


def _value(row: dict[str, object]) -> str:
    name = str(row["figure"])
    return show(name, float(str(row[name])))


def _ends(names: list[str], best: "pd.DataFrame") -> Table:
    """Return the design that is best in each objective, with all objectives of it."""
    columns, headings, texts = _columns(names, best)
    rows = []
    for name in names:
        row = _best(best, name)
        place = best[FIGURES[name][0]].tolist().index(row[FIGURES[name][0]])
        rows.append([FIGURES[name][2], _name(row), *(values[place] for values in texts)])
    heads = [Heading("Best in", align="left"), Heading("Design", align="left"), *headings]
    return Table(plain(f"The ends of the front of {len(best)} designs, in {listed(columns)}."), heads, rows)


def _columns(names: list[str], best: "pd.DataFrame") -> tuple[list[str], list[Heading], list[list[str]]]:
    headings, texts = [], []
    for name in names:
        unit, values = column(FIGURES[name][0], best[FIGURES[name][0]].tolist())
        headings.append(Heading(FIGURES[name][2].capitalize() if name != "edp" else "EDP", unit))
        texts.append(values)
    return [FIGURES[name][2] for name in names], headings, texts


def _space(record: Record) -> list[Text]:
    found = []
    for name in ("nodes", "cells", "capacities", "ways", "lines", "sram_ways", "gpus"):
        values = record.inputs.get(name)
        if isinstance(values, list) and values:
            shown = [show("capacity_bytes", value) if name == "capacities" else clean(str(value)) for value in values]
            found.append(plain(f"{label_of(name).replace('sram', 'SRAM')}: {', '.join(shown)}"))
    search = clean(str(record.inputs.get("search", "")))
    return [*found, plain(f"search: {search}, seed {record.inputs.get('seed', 0)}")] if search else found


def _went(progress: "pd.DataFrame") -> str:
    rows = progress.to_dict("records")
    reached = next(row for row in rows if row["hypervolume"] >= 0.95 * rows[-1]["hypervolume"])
    part = percent(reached["evaluations"] / rows[-1]["evaluations"])
    return (
        f"After {counted(reached['evaluations'])} designs, {part} of those computed, the front ruled 95 % of what it "
        f"ruled in the end. The box lies between the best and the worst that was found of each objective."
    )


def _front(names: list[str], best: "pd.DataFrame") -> Table:
    _, headings, texts = _columns(names, best)
    heads = [Heading("Cell", align="left"), Heading("Node"), Heading("Capacity"), Heading("Ways"), Heading("Line"),
             Heading("SRAM ways"), Heading("GPU", align="left")]  # fmt: skip
    rows = []
    for place, row in enumerate(best.to_dict("records")[:MOST_ROWS]):
        sizes = [show("capacity_bytes", int(row["capacity_bytes"])), str(int(row["ways"])), str(int(row["line_bytes"]))]
        own = [cell_label(row["cell"]), row["node"], *sizes, str(int(row["sram_ways"])), row["gpu"]]
        rows.append([*own, *(values[place] for values in texts)])
    more = f" The first {MOST_ROWS}; summary.csv has all." if len(best) > MOST_ROWS else ""
    return Table(plain(f"The designs that none beats, by the first objective.{more}"), [*heads, *headings], rows)
