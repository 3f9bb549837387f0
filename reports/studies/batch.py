"""Batch: one input at a time to many, at one capacity."""

from typing import TYPE_CHECKING

from hwmodel.units import show
from reports.figures.curves import Curves, curve_figures
from reports.labels import cell_label, listed
from reports.model import Document, Paragraph, Section, Text, plain, strong
from reports.record import Record
from reports.studies import Told, common, sweeps
from reports.studies.common import figures_of
from reports.wording import verdict

if TYPE_CHECKING:
    import pandas as pd

QUESTION = "Does the batch size decide which memory is best?"
AXIS = "batch"


def tell(record: Record) -> Told:
    """Return the report of a finished batch study."""
    results, caches = sweeps.results_of(record), sweeps.caches_of(record)
    gained = sweeps.reductions(results, AXIS)
    first = results.loc[results["cell"] == results["cell"].iloc[0]]
    accesses = first["l2_reads"] + first["l2_writes"]
    mixes = first.assign(mix=first["l2_writes"] / accesses).loc[:, ["workload", AXIS, "mix"]]
    drawn = {
        "gains": curve_figures("gains", sweeps.means(gained, AXIS), Curves(AXIS, "mean", panel="accounting", low="min",
                               high="max", title="EDP of the first cell / EDP")),
        "each": curve_figures("each", gained.loc[gained["accounting"] == "with DRAM"],
                              Curves(AXIS, "reduction", panel="workload", title="EDP of the first / EDP, with DRAM")),
        "mix": curve_figures("mix", mixes.loc[mixes["mix"] > 0], Curves(AXIS, "mix", by="workload",
                             title="writes among accesses of the cache")),
    }  # fmt: skip
    return Told(_document(record, results, caches, gained, drawn), drawn)


def _document(
    record: Record, results: "pd.DataFrame", caches: "pd.DataFrame", gained: "pd.DataFrame",
    drawn: dict[str, dict[str, bytes]],
) -> Document:  # fmt: skip
    cells, sizes = list(dict.fromkeys(results["cell"])), sorted(set(results[AXIS]))
    workloads = list(dict.fromkeys(results["workload"]))
    first, size = cell_label(cells[0]), show("capacity_bytes", int(results["capacity_bytes"].iloc[0]))
    lead = (
        f"{first}’s EDP over each other cell’s at the same batch, the geometric mean over workloads; the band spans "
        "them. Flat lines mean that the batch decides nothing."
    )
    each = f"{first}’s EDP over each other cell’s, with DRAM, a panel a workload."
    mix = (
        "The share of writes among accesses of the cache, a line a workload: with the accesses of DRAM it is all that "
        "these EDPs depend on."
    )
    machine, batches = sweeps.machine_words(record), listed([str(int(value)) for value in sizes])
    return Document(
        title=common.title_of(record),
        subtitle=f"A {size} last-level cache of {machine}: {sweeps.cells_words(cells)} at batches of {batches}",
        short=f"{size}, batches {int(sizes[0])} to {int(sizes[-1])}",
        question=QUESTION,
        answer=_answer(gained, cells, sizes),
        keys=sweeps.gains_table(gained, AXIS, sizes[:6], cells[0], len(workloads)),
        pictures=figures_of(drawn["gains"], lead, lead=True),
        sections=[
            common.assumptions(record),
            Section("Workload by workload", [
                Paragraph(plain("A mean may hide workloads that the batch moves in opposite ways.")),
                *figures_of(drawn["each"], each),
            ]),
            Section("What the batch changes", [
                Paragraph(plain("A larger batch reads weights less often for each input, and writes as much.")),
                *figures_of(drawn["mix"], mix),
            ]),
            Section("The caches", [sweeps.designs_table(caches, record)]),
            common.works(record),
            common.again(record),
            Section("Every result", [sweeps.every_table(results, AXIS)]),
            common.figures_assumed(record),
        ],
        date=record.date.isoformat(),
        version=record.version,
    )  # fmt: skip


def _answer(gained: "pd.DataFrame", cells: list[str], sizes: list[float]) -> Text:
    """Return whether the order of the cells is the same at every batch, with DRAM, and by how much the gains move."""
    if len(cells) < 2:
        return plain(strong(cell_label(cells[0])), " is the only cell of this study, so there is nothing to decide.")
    mean = sweeps.means(gained, AXIS)
    own = mean.loc[mean["accounting"] == "with DRAM"]
    orders, moves = [], []
    for value in sizes:
        rows = own.loc[own[AXIS] == value]
        ranks = {cells[0]: 1.0} | dict(zip(rows["cell"], rows["mean"], strict=True))
        orders.append(max(ranks, key=lambda cell: ranks[cell]))
    for cell in cells[1:]:
        values = own.loc[own["cell"] == cell].sort_values(AXIS)["mean"].tolist()
        moves.append(f"{cell_label(cell)}’s EDP is {verdict(values[0])} at a batch of {int(sizes[0])} and "
                     f"{verdict(values[-1])} at {int(sizes[-1])}")  # fmt: skip
    best = list(dict.fromkeys(orders))
    if len(best) == 1:
        head = f"No: with DRAM counted, {cell_label(best[0])} is best at every batch."
    else:
        at = [f"{cell_label(cell)} at {listed([str(int(v)) for v, b in zip(sizes, orders, strict=True) if b == cell])}"
              for cell in best]  # fmt: skip
        head = f"Yes: with DRAM counted, the best is {listed(at)}."
    return plain(
        strong(head), f" Against {cell_label(cells[0])}, in the geometric mean over workloads, {listed(moves)}."
    )
