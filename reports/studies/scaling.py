"""Scaling: small caches to large ones, and the capacities at which one memory overtakes another."""

import math
import statistics
from typing import TYPE_CHECKING, Any

from hwmodel.units import show
from reports.figures.axes import rounded
from reports.figures.curves import Curves, curve_figures
from reports.labels import cell_label, listed, network_label
from reports.model import Document, Heading, Paragraph, Section, Table, Text, plain, strong
from reports.record import Record
from reports.studies import Told, common, sweeps
from reports.studies.common import figures_of
from reports.studies.variation import variation

if TYPE_CHECKING:
    import pandas as pd

QUESTION = "At which capacity does one memory overtake another?"
AXIS = "capacity_bytes"


def tell(record: Record) -> Told:
    """Return the report of a finished scaling study."""
    import pandas as pd

    results, caches = sweeps.results_of(record), sweeps.caches_of(record)
    crossings = sweeps.frame_of(record, "summary", ("network", "phase", "figure", "cell", "over"), ("batch",))
    names = [network_label(name) for name in crossings["network"]]
    crossings = crossings.assign(
        workload=[f"{name} {phase}" for name, phase in zip(names, crossings["phase"], strict=True)],
        capacity_bytes=pd.to_numeric(crossings[AXIS], errors="coerce"),
    )
    gained = sweeps.reductions(results, AXIS)
    mean = sweeps.means(gained, AXIS)
    drawn = {
        "gains": curve_figures("gains", mean, Curves(AXIS, "mean", panel="accounting", low="min", high="max",
                                                     title="EDP of the first cell / EDP")),
        "edp": curve_figures("edp", results, Curves(AXIS, "edp_Js", panel="workload"),
                             _of(crossings, "edp_Js")),
        "cache_edp": curve_figures("cache_edp", results, Curves(AXIS, "cache_edp_Js", panel="workload"),
                                   _of(crossings, "cache_edp_Js")),
    }  # fmt: skip
    return Told(_document(record, results, caches, crossings, gained, drawn), drawn)


def _of(crossings: "pd.DataFrame", figure: str) -> "pd.DataFrame":
    return crossings.loc[crossings["figure"] == figure]


def _document(
    record: Record, results: "pd.DataFrame", caches: "pd.DataFrame", crossings: "pd.DataFrame", gained: "pd.DataFrame",
    drawn: dict[str, dict[str, bytes]],
) -> Document:  # fmt: skip
    cells, sizes = list(dict.fromkeys(results["cell"])), sorted(set(results[AXIS]))
    workloads = list(dict.fromkeys(results["workload"]))
    first = cell_label(cells[0])
    ends = f"{show(AXIS, int(sizes[0]))} to {show(AXIS, int(sizes[-1]))}"
    lead = (
        f"{first}’s EDP over each other cell’s at the same capacity, the geometric mean over workloads; the band spans "
        "them. Above 1 the other cell is better. The cache alone, with DRAM’s time and energy, and on a GPU that hides "
        "latency."
    )
    many = (
        "The EDP {} at each capacity, a panel a workload. Rings mark where curves cross: from there on the cell named "
        "is lower."
    )
    return Document(
        title=common.title_of(record),
        subtitle=f"Caches of {ends} for {sweeps.machine_words(record)}: {sweeps.cells_words(cells)} on "
                 f"{len(workloads)} workload{'s' * (len(workloads) > 1)}",
        short=ends,
        question=QUESTION,
        answer=_answer(crossings, cells, len(workloads), ends),
        keys=sweeps.gains_table(gained, AXIS, _some(sizes), cells[0], len(workloads)),
        pictures=figures_of(drawn["gains"], lead, lead=True),
        sections=[section for section in (
            common.assumptions(record),
            Section("Where the curves cross", [
                Paragraph(plain("Between two capacities, the logarithm of the ratio is taken to run straight over the "
                                "logarithm of the capacity.")),
                _crossings_table(crossings),
            ]),
            Section("With DRAM", [
                Paragraph(plain("A larger cache saves accesses of DRAM, and takes longer and leaks more itself.")),
                *figures_of(drawn["edp"], many.format("with DRAM")),
            ]),
            Section("The caches alone", [
                Paragraph(plain("Alone, a larger cache only costs more; how fast is the cell’s doing.")),
                *figures_of(drawn["cache_edp"], many.format("of the cache alone")),
            ]),
            variation(record, results),
            Section("The caches", [sweeps.designs_table(caches, record)]),
            common.works(record),
            common.again(record),
            Section("Every result", [sweeps.every_table(results, AXIS)]),
            common.figures_assumed(record),
        ) if section.blocks],
        date=record.date.isoformat(),
        version=record.version,
    )  # fmt: skip


def _some(sizes: list[float]) -> list[float]:
    """Return at most four of the capacities, the ends among them."""
    if len(sizes) <= 4:
        return sizes
    places = [round(number * (len(sizes) - 1) / 3) for number in range(4)]
    return [sizes[place] for place in places]


def _answer(crossings: "pd.DataFrame", cells: list[str], workloads: int, ends: str) -> Text:
    """Return, for each accounting and cell after the first, at which capacity and on how many workloads it wins."""
    parts: list[str] = []
    for figure, title in (("edp_Js", "With DRAM counted"), ("cache_edp_Js", "The caches alone")):
        own = _of(crossings, figure)
        told = [_overtakes(own, cell, cells[0], workloads) for cell in cells[1:]]
        parts.append(f"{title}, {listed(told)}.")
    if len(cells) < 2:
        return plain(strong(cell_label(cells[0])), " is the only cell of this study, so nothing overtakes it.")
    return plain(strong(parts[0]), " ", parts[1], f" (From {ends}; medians over workloads.)")


def _overtakes(own: "pd.DataFrame", cell: str, first: str, workloads: int) -> str:
    names = [cell, first]
    pair: Any = own.loc[own["cell"].isin(names) & own["over"].isin(names)]
    last = pair.groupby("workload", sort=False).last()
    above: Any = last.loc[last["cell"] == cell]
    name, base = cell_label(cell), cell_label(first)
    if not len(above):
        return f"{name} overtakes {base} on no workload"
    met = [value for value in above[AXIS] if not math.isnan(value)]
    throughout = len(above) - len(met)
    share = "every workload" if len(above) == workloads else f"{len(above)} of {workloads} workloads"
    if not met:
        return f"{name} is better than {base} throughout on {share}"
    at = rounded(AXIS, statistics.median(met))
    more = f" (on {throughout} of them already below)" if throughout else ""
    return f"{name} overtakes {base} at {at} on {share}{more}"


def _crossings_table(crossings: "pd.DataFrame") -> Table:
    headings = [Heading("Figure", align="left"), Heading("Lower above it", align="left"), Heading("Than", align="left"),
                Heading("They cross at")]  # fmt: skip
    rows: list[list[str]] = []
    for workload in dict.fromkeys(crossings["workload"]):
        rows.append([workload])
        for row in crossings.loc[crossings["workload"] == workload].to_dict("records"):
            met = row[AXIS]
            where = "lower throughout" if math.isnan(met) else show(AXIS, met)
            pair = [cell_label(row["cell"]), cell_label(row["over"])]
            rows.append([sweeps.EDPS.get(row["figure"]) or str(row["figure"]), *pair, where])
    return Table(plain("Where one cell’s EDP falls below another’s as the capacity grows."), headings, rows)
