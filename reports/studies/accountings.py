"""Two accountings side by side: latencies summed, as DeepNVM++ has it, and a GPU that hides latency."""

import statistics
from typing import TYPE_CHECKING, Any

from reports.comparisons import accountings_table
from reports.labels import cell_label, listed
from reports.model import Paragraph, Section, plain
from reports.studies import sweeps
from reports.wording import verdict

if TYPE_CHECKING:
    import pandas as pd

SIDES = {
    "summed": {"time_s": "Time", "energy_J": "Energy", "edp_Js": "EDP"},
    "latency hidden": {"time_overlap_s": "Time", "energy_overlap_J": "Energy", "edp_overlap_Js": "EDP"},
    "whole board": {"energy_board_J": "Energy", "edp_board_Js": "EDP"},
}
FIGURES = [name for side in SIDES.values() for name in side]
CAPTION = (
    "The same caches, streams and DRAM, each figure over the first cell’s. Summed: accesses times latency, one after "
    "another, as DeepNVM++ has it. Latency hidden: per kernel the largest of what compute, L2, its banks, DRAM and "
    "latency over the parallelism at hand allow, with energies over that time (modelled; the model stands beside "
    "measurements on an H200 in docs/gpu-time.md). The board’s energy includes the GPU’s own static power, products "
    "and data paths. Waits: the share of time in kernels that the cache’s own slow cycles limit, in percent."
)


def accountings(results: "pd.DataFrame") -> Section:
    """Return both accountings, a row a (workload, cell); empty where a study has but the first."""
    if sweeps.OVERLAP not in results:
        return Section("", [])
    frame = ratios(results)
    sides = {side: {f"{name} ratio": title for name, title in of.items()} for side, of in SIDES.items()}
    sides["latency hidden"]["waits"] = "Waits"
    table = accountings_table(frame, CAPTION, {"cell": "Cell"}, sides, group="workload")
    return Section("What a GPU that hides latency makes of it", [Paragraph(plain(_words(frame))), table])


def ratios(results: "pd.DataFrame") -> "pd.DataFrame":
    """Return each figure over that of its workload's first cell (`edp_Js ratio`), and `waits` in percent."""
    import pandas as pd

    numbers: Any = results.loc[:, [*FIGURES, "banks_limited_s"]].apply(pd.to_numeric)
    rows = []
    for workload in dict.fromkeys(results["workload"]):
        places = results.index[results["workload"] == workload]
        first = numbers.loc[places[0]]
        for place in places:
            own = numbers.loc[place]
            found = {f"{name} ratio": own[name] / first[name] for name in FIGURES}
            waits = 100 * own["banks_limited_s"] / own["time_overlap_s"]
            rows.append({"workload": workload, "cell": results.loc[place, "cell"], **found, "waits": waits})
    return pd.DataFrame(rows)


def _words(frame: "pd.DataFrame") -> str:
    """Return in a sentence how hiding latency moves each cell's EDP, in the median over workloads."""
    first, *others = dict.fromkeys(frame["cell"])
    parts = []
    for cell in others:
        own: Any = frame.loc[frame["cell"] == cell]
        summed = statistics.median(own["edp_Js ratio"].tolist())
        hidden = statistics.median(own["edp_overlap_Js ratio"].tolist())
        waits = statistics.median(own["waits"].tolist())
        share = f"where {waits:.0f} % of its time waits for banks"
        parts.append(
            f"{cell_label(cell)}’s EDP is {verdict(1 / summed)} than {cell_label(first)}’s when latencies are "
            f"summed, and {verdict(1 / hidden)} when they are hidden, {share}"
        )
    return f"In the median over workloads, {listed(parts)}." if parts else ""
