"""What studies over an axis (capacity, batch, a factor) share: their tables as frames, gains, medians and ranges."""

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hwmodel.units import label_of, show
from reports.csv_table import read_table
from reports.labels import cell_label, column, digits, listed, network_label
from reports.model import Heading, Table, plain
from reports.numbers import Spread
from reports.record import Record
from reports.wording import ranged_text

if TYPE_CHECKING:
    import pandas as pd

CACHE = ("read_latency_s", "write_latency_s", "read_energy_J", "write_energy_J", "leakage_W", "area_m2")
EDPS = {"cache_edp_Js": "cache alone", "edp_Js": "with DRAM"}
OVERLAP = "edp_overlap_Js"
HIDDEN = "latency hidden"  # what a GPU that hides latency makes of it, DRAM included
RESULT = ("batch", "capacity_bytes", *CACHE, "l2_reads", "l2_writes", "dram_reads", "dram_writes", *EDPS)
POSITIVE = ("capacity_bytes", "area_m2", *EDPS)


def frame_of(
    record: Record, name: str, texts: Sequence[str], numbers: Sequence[str], positive: Sequence[str] = ()
) -> "pd.DataFrame":
    """Return a table of the study's folder, read and checked.

    Raises:
        InputError: as `read_table` does.
    """
    import pandas as pd

    return pd.DataFrame(read_table(record.folder / f"{name}.csv", texts, numbers, positive))


def results_of(record: Record, *texts: str) -> "pd.DataFrame":
    """Return results.csv, with a column `workload` that names network and phase as people read them."""
    import pandas as pd

    frame = frame_of(record, "results", ("network", "phase", "cell", *texts), RESULT, POSITIVE)
    if OVERLAP in frame:
        frame = frame.assign(**{OVERLAP: pd.to_numeric(frame[OVERLAP], errors="coerce")})
    names = [network_label(name) for name in frame["network"]]
    return frame.assign(workload=[f"{name} {phase}" for name, phase in zip(names, frame["phase"], strict=True)])


def caches_of(record: Record) -> "pd.DataFrame":
    """Return caches.csv: a row a design."""
    return frame_of(record, "caches", ("cell",), ("capacity_bytes", *CACHE), ("capacity_bytes", "area_m2"))


def reductions(results: "pd.DataFrame", axis: str) -> "pd.DataFrame":
    """Return by how much each cell's EDP is below the first cell's, a row a (workload, axis, cell, accounting).

    Columns: workload, the axis, cell, accounting (cache alone, with DRAM, latency hidden where it is known), reduction.
    """
    import pandas as pd

    figures = EDPS | ({OVERLAP: HIDDEN} if OVERLAP in results else {})
    rows: list[dict[str, Any]] = []
    groups: Any = results.groupby(["workload", axis], sort=False)
    for (workload, value), part in groups:
        first, *others = part.to_dict("records")
        for row in others:
            rows += [{"workload": workload, axis: value, "cell": row["cell"], "accounting": title,
                      "reduction": first[name] / row[name]} for name, title in figures.items()]  # fmt: skip
    return pd.DataFrame(rows, columns=["workload", axis, "cell", "accounting", "reduction"])


def spread_of(rows: "pd.DataFrame", name: str = "reduction") -> Spread:
    """Return the median and the range of a column over workloads."""
    pairs = sorted(zip(rows[name].tolist(), rows["workload"].tolist(), strict=True))
    (low, lowest), (high, highest) = pairs[0], pairs[-1]
    middle = statistics.median(value for value, _ in pairs)
    return Spread(middle, low, high, (lowest, ""), (highest, ""))


def means(gained: "pd.DataFrame", axis: str) -> "pd.DataFrame":
    """Return geometric means of the reductions over workloads, a row a (axis, cell, accounting)."""
    import numpy as np

    groups: Any = gained.assign(log=np.log(gained["reduction"])).groupby([axis, "cell", "accounting"], sort=False)
    found = groups["log"].agg(["mean", "min", "max"]).reset_index()
    return found.assign(**{name: np.exp(found[name]) for name in ("mean", "min", "max")})


def gains_table(gained: "pd.DataFrame", axis: str, values: Sequence[float], first: str, workloads: int) -> Table:
    """Return medians and ranges of the reductions at some values of the axis, a row a cell and value."""
    rows, titles = [], list(dict.fromkeys(gained["accounting"]))
    for cell in dict.fromkeys(gained["cell"]):
        rows.append([cell_label(cell)])
        for value in values:
            own: Any = gained.loc[(gained["cell"] == cell) & (gained[axis] == value)]
            texts = [ranged_text(spread_of(own.loc[own["accounting"] == title])) for title in titles]
            rows.append([show(axis, int(value)), *texts])
    headings = [Heading(label_of(axis).capitalize(), align="left"),
                *(Heading("EDP reduction", title) for title in titles)]  # fmt: skip
    caption = (
        f"How many times lower the EDP is than {cell_label(first)}’s of the same {label_of(axis)}: median (range) over "
        f"{workloads} workload{'s' * (workloads > 1)}. Below 1 it is higher."
    )
    return Table(plain(caption), headings, rows)


def designs_table(caches: "pd.DataFrame", record: Record, axis: str = "capacity_bytes") -> Table:
    """Return the caches' figures, grouped by cell, a row a value of the axis."""
    headings, texts = [Heading(label_of(axis).capitalize(), align="left")], []
    for name in CACHE:
        unit, values = column(name, caches[name].tolist())
        headings.append(Heading(label_of(name).capitalize(), unit))
        texts.append(values)
    sizes = [show(axis, int(value)) for value in caches[axis]]
    rows: list[list[str]] = []
    for cell in dict.fromkeys(caches["cell"]):
        rows.append([cell_label(cell)])
        places = [place for place, name in enumerate(caches["cell"]) if name == cell]
        rows += [[sizes[place], *(values[place] for values in texts)] for place in places]
    kinds = dict.fromkeys(record.basis(name) for name in CACHE)
    caption = (
        f"The caches, each the best of its cell and capacity by the study’s target; figures are {listed(list(kinds))}."
    )
    return Table(plain(caption), headings, rows)


def every_table(results: "pd.DataFrame", axis: str) -> Table:
    """Return every result, grouped by workload: traffic and EDP of each cell and value of the axis."""
    names = ("l2_reads", "l2_writes", "dram_reads", "dram_writes", "cache_edp_Js", "edp_Js")
    headings = [Heading(label_of(axis).capitalize(), align="left"), Heading("Cell", align="left")]
    texts = []
    for name in names:
        values = results[name].tolist()
        if name.endswith("_Js"):
            unit, shown = column(name, values)
        else:
            unit, shown = "M", [digits(value / 1e6) for value in values]
        headings.append(Heading(label_of(name).replace("dram", "DRAM"), unit))
        texts.append(shown)
    rows: list[list[str]] = []
    for workload in dict.fromkeys(results["workload"]):
        rows.append([workload])
        for place, row in enumerate(results.to_dict("records")):
            if row["workload"] == workload:
                head = [show(axis, int(row[axis])), cell_label(row["cell"])]
                rows.append([*head, *(values[place] for values in texts)])
    return Table(plain("Every result: sector accesses in millions, and energy-delay products."), headings, rows)


def machine_words(record: Record) -> str:
    """Return what the study's runs have in common: `gtx1080ti with gddr5x, 16nm, 350 K`."""
    inputs = record.inputs
    names = [gpu_words(str(inputs.get("gpu", ""))), f"with {str(inputs['dram']).upper()}" if inputs.get("dram") else ""]
    place = " ".join(filter(None, names))
    heat = show("temperature_K", inputs["temperature_K"]) if inputs.get("temperature_K") else ""
    return ", ".join(filter(None, [place, str(inputs.get("node", "")), heat]))


def gpu_words(name: str) -> str:
    """Return a described GPU's title, as its maker sells it; another's name as it is."""
    from circuits.errors import InputError
    from traces.errors import InputError as Unknown
    from traces.gpus import load_gpu

    try:
        return str(load_gpu(name).title)
    except (InputError, Unknown):
        return name


def cells_words(cells: Sequence[str]) -> str:
    return listed([cell_label(cell) for cell in cells])
