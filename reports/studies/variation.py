"""What process variation makes of a study: each cache's figures over chips, its yield, and the band of its EDP."""

from typing import TYPE_CHECKING, Any

from hwmodel.units import label_of, show
from reports.labels import cell_label, column, digits, percent
from reports.model import Heading, Paragraph, Section, Table, plain
from reports.record import Record

if TYPE_CHECKING:
    import pandas as pd

BANDS = ("read_latency", "write_latency", "read_energy", "write_energy", "leakage")
UNITS = {"read_latency": "s", "write_latency": "s", "read_energy": "J", "write_energy": "J", "leakage": "W"}
LOW, HIGH = "cache_edp_low_Js", "cache_edp_high_Js"
WORDS = (
    "Chips differ: thresholds and widths of transistors, junctions and wires were drawn die by die, and each cache "
    "takes its weakest cell’s time. Bands run from the 5th to the 95th percentile of chips. An EDP’s band has every "
    "figure at its own end, so it is wider than any one chip’s. Yields are of chips that read, write and keep every "
    "bit in time."
)


def variation(record: Record, results: "pd.DataFrame") -> Section:
    """Return bands and yields of each cache, and of its EDP; empty where a study drew no chips."""
    if LOW not in results:
        return Section("", [])
    dies = record.inputs.get("dies", "")
    words = plain(f"{dies} dies a cache. ".lstrip() + WORDS)
    return Section("What process variation makes of it", [Paragraph(words), _caches(results), _edps(results)])


def _caches(results: "pd.DataFrame") -> Table:
    caches: Any = results.drop_duplicates(["cell", "capacity_bytes"])
    yields = [name for name in caches if str(name).startswith("yield_")]
    headings = [Heading("Cell", align="left"), Heading("Capacity")]
    texts = [[cell_label(cell) for cell in caches["cell"]],
             [show("capacity_bytes", int(size)) for size in caches["capacity_bytes"]]]  # fmt: skip
    for name in BANDS:
        ends = [caches[f"{name}_{end}_{UNITS[name]}"].astype(float).tolist() for end in ("low", "high")]
        unit, shown = column(f"{name}_{UNITS[name]}", [*ends[0], *ends[1]])
        headings.append(Heading(label_of(name).capitalize(), unit))
        texts.append([f"{low} – {high}" for low, high in zip(shown[: len(caches)], shown[len(caches) :], strict=True)])
    for name in yields:
        code = str(name).removeprefix("yield_")
        headings.append(Heading("Yield", "no code" if code == "none" else code))
        texts.append([percent(share) for share in caches[name].astype(float)])
    rows = [list(row) for row in zip(*texts, strict=True)]
    return Table(plain("Each cache over its chips: 5th to 95th percentile."), headings, rows)


def _edps(results: "pd.DataFrame") -> Table:
    """Return the band of each cell's EDP reduction, the cache alone: a row a workload (and capacity)."""
    frame: Any = results.assign(**{name: results[name].astype(float) for name in (LOW, HIGH)})
    first, *others = dict.fromkeys(frame["cell"])
    sizes = len(set(frame["capacity_bytes"])) > len({first, *others})
    keys = ["workload", *(["capacity_bytes"] if sizes else [])]
    headings = [Heading("Workload", align="left"), *([Heading("Capacity")] if sizes else []),
                *(Heading(cell_label(cell)) for cell in others)]  # fmt: skip
    rows = []
    groups: Any = frame.groupby(keys, sort=False)
    for key, part in groups:
        by = {row["cell"]: row for row in part.to_dict("records")}
        head = [str(key[0]), *([show("capacity_bytes", int(key[1]))] if sizes else [])]
        bands = []
        for cell in others:
            low, high = by[first][LOW] / by[cell][HIGH], by[first][HIGH] / by[cell][LOW]
            middle = by[first]["cache_edp_Js"] / by[cell]["cache_edp_Js"]
            bands.append(f"{digits(middle, 2)}  ({digits(low, 2)} – {digits(high, 2)})")
        rows.append([*head, *bands])
    return Table(
        plain(f"EDP of {cell_label(first)} over the cell’s, the caches alone: nominal (band)."), headings, rows
    )
