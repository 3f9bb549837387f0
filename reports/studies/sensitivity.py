"""Sensitivity: one figure at a time away from a base. What would change a designer's mind, on a page."""

from typing import TYPE_CHECKING, Any

from hwmodel.units import show, unit_of
from reports.figures.ranges import BASE, range_figures, swings
from reports.labels import cell_label, digits, listed, times
from reports.model import Document, Heading, Paragraph, Section, Table, Text, plain, strong
from reports.record import Record
from reports.studies import Told, common, sweeps
from reports.studies.common import figures_of
from reports.wording import verdict

if TYPE_CHECKING:
    import pandas as pd

QUESTION = "What would change a designer’s mind?"
LABELS = {"leakage": "leakage school", "temperature_K": "temperature", "node": "node", "capacity": "capacity",
          "batch": "batch", "gpu": "GPU", "dram": "DRAM"}  # fmt: skip
FIGURES = {"edp_reduction_mean": "with DRAM, mean", "edp_reduction_max": "with DRAM, best",
           "cache_edp_reduction_mean": "cache alone, mean", "cache_edp_reduction_max": "cache alone, best"}  # fmt: skip
LEAD, ALONE = "edp_reduction_mean", "cache_edp_reduction_mean"
HIDDEN = "edp_overlap_reduction_mean"


def tell(record: Record) -> Told:
    """Return the report of a finished sensitivity study."""
    names = ("factor", "cell")
    summary = sweeps.frame_of(record, "summary", names, tuple(FIGURES), (LEAD, ALONE))
    moved = _with_accounting(summary)
    first = str(record.inputs["cells"][0]) if isinstance(record.inputs.get("cells"), list) else "sram"
    of = f"EDP of {cell_label(first)} / EDP"
    drawn = {
        "gains": range_figures("gains", moved, LEAD, title=f"{of}, with DRAM: geometric mean over workloads",
                               labels=LABELS),
        "alone": range_figures("alone", summary, ALONE, title=f"{of} of the cache alone: geometric mean over workloads",
                               labels=LABELS),
    }  # fmt: skip
    return Told(_document(record, summary, moved, first, drawn), drawn)


def _with_accounting(summary: "pd.DataFrame") -> "pd.DataFrame":
    """Return the summary with one factor more, where it is known: what a GPU that hides latency makes of the base."""
    import pandas as pd

    if HIDDEN not in summary:
        return summary
    base = summary.loc[summary["factor"] == BASE]
    hidden = base.assign(factor="accounting", value="latency hidden", **{LEAD: base[HIDDEN].astype(float)})
    return pd.concat([summary, hidden], ignore_index=True)


def _document(
    record: Record, summary: "pd.DataFrame", moved: "pd.DataFrame", first: str, drawn: dict[str, dict[str, bytes]]
) -> Document:
    base = cell_label(first)
    caption = (
        f"{base}’s EDP over the other cells’, {{}}, as one factor moves at a time; the factor that moves it most "
        "stands first. Each mark is a value of the factor, the ends are named, vertical lines are the base. Left of "
        f"1, {base} is better."
    )
    size = show("capacity_bytes", record.inputs["capacity"]) if isinstance(record.inputs.get("capacity"), int) else ""
    results = sweeps.results_of(record, "factor")
    at = results.loc[results["factor"] == BASE]
    designs: Any = at.drop_duplicates("cell")
    return Document(
        title=common.title_of(record),
        subtitle=f"Around a {size} last-level cache of {sweeps.machine_words(record)}, on "
                 f"{len(set(at['workload']))} workloads",
        short=f"around {size}",
        question=QUESTION,
        answer=_answer(summary, moved, first),
        keys=_base_table(summary, first),
        pictures=figures_of(drawn["gains"], caption.format("with DRAM"), lead=True),
        sections=[
            common.assumptions(record),
            Section("The caches alone", [
                Paragraph(plain("Without DRAM, whose time and energy all cells share, each factor counts for more.")),
                *figures_of(drawn["alone"], caption.format("of the cache alone")),
            ]),
            Section("Every value", [_every(summary)]),
            Section("The caches of the base", [sweeps.designs_table(designs, record)]),
            common.works(record),
            common.again(record),
            common.figures_assumed(record),
        ],
        date=record.date.isoformat(),
        version=record.version,
    )  # fmt: skip


def _answer(summary: "pd.DataFrame", moved: "pd.DataFrame", first: str) -> Text:
    """Return which factors turn the choice around, with DRAM and of the cache alone; else which one comes nearest."""
    told = [_turns(moved, LEAD, "With DRAM counted", first), _turns(summary, ALONE, "For the cache alone", first)]
    return plain(strong(told[0]), " ", told[1])


def _turns(summary: "pd.DataFrame", figure: str, title: str, first: str) -> str:
    bases = dict(zip(*(summary.loc[summary["factor"] == BASE, name] for name in ("cell", figure)), strict=True))
    turning: dict[str, list[str]] = {}
    for row in summary.loc[summary["factor"] != BASE].to_dict("records"):
        before, after = bases[row["cell"]], row[figure]
        if (before - 1) * (after - 1) < 0:
            turning.setdefault(row["cell"], []).append(f"{_value(row)} ({times(after)})")
    parts = []
    for cell, before in bases.items():
        name = cell_label(cell)
        head = f"{name} is {verdict(before)} in EDP than {cell_label(first)}"
        if cell in turning:
            parts.append(f"{head}, and {listed(turning[cell])} would turn that")
        else:
            parts.append(f"{head}, whatever is moved")
    most = next(iter(swings(summary, figure)), "")
    last = f" Most depends on the {LABELS.get(most, most)}." if most else ""
    return f"{title}, {'; '.join(parts)}.{last}"


def _value(row: dict[str, Any]) -> str:
    factor, value = row["factor"], str(row["value"])
    name = "capacity_bytes" if factor == "capacity" else str(factor)
    if unit_of(name):
        value = show(name, float(value) if name != "capacity_bytes" else int(float(value)))
    if factor == "accounting":
        return "a GPU that hides latency"
    words = {"leakage": "leakage as of", "batch": "a batch of", "dram": "DRAM of", "gpu": "a GPU such as"}
    return f"{words[factor]} {value}" if factor in words else value


def _base_table(summary: "pd.DataFrame", first: str) -> Table:
    rows = [[cell_label(row["cell"]), *(times(row[name]) for name in FIGURES)]
            for row in summary.loc[summary["factor"] == BASE].to_dict("records")]  # fmt: skip
    headings = [Heading("Cell", align="left"), *(Heading("EDP reduction", title) for title in FIGURES.values())]
    caption = f"The base: how many times lower the EDP is than {cell_label(first)}’s, over all workloads."
    return Table(plain(caption), headings, rows)


def _every(summary: "pd.DataFrame") -> Table:
    headings = [Heading("Value", align="left"), Heading("Cell", align="left"),
                *(Heading(title) for title in FIGURES.values())]  # fmt: skip
    rows: list[list[str]] = []
    for factor in dict.fromkeys(summary["factor"]):
        title = LABELS.get(str(factor)) or str(factor)
        rows.append([title[:1].upper() + title[1:]])
        for row in summary.loc[summary["factor"] == factor].to_dict("records"):
            figures = [digits(row[name], 3) for name in FIGURES]
            value = "as asked for" if factor == BASE else _value(row)
            rows.append([value, cell_label(row["cell"]), *figures])
    return Table(plain("EDP reductions at every value of every factor."), headings, rows)
