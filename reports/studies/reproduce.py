"""A paper's figures beside ours: with the paper's own caches, and with our circuits from the device up."""

from typing import TYPE_CHECKING, Any

from hwmodel.units import show
from reports.comparisons import comparison_table, figure_label
from reports.csv_table import read_table
from reports.figures.ranges import range_figures
from reports.labels import cell_label, column, digits, listed, network_label, percent, times
from reports.model import Bullets, Code, Document, Heading, Paragraph, Section, Table, Text, plain, strong
from reports.record import Record
from reports.studies import Told, common, reproduction
from reports.studies.common import figures_of

if TYPE_CHECKING:
    import pandas as pd

QUESTION = "Do the paper’s figures come out again?"
NEAR = 0.15
ENERGIES = ("dynamic_energy_J", "leakage_energy_J", "dram_energy_J")
ORIGINS = {"paper": "the paper’s caches", "ours": "our circuits"}
TOPICS = {"iso_capacity": "EDP at equal capacity", "iso_area": "EDP in equal area",
          "iso_capacity_mean": "mean energies", "cache": "caches", "cell": "bit cells", "workload": "workloads",
          "date20": "EDP as of DATE 2020"}  # fmt: skip


def tell(record: Record) -> Told:
    """Return the report of a finished reproduction: DeepNVM++'s here, another paper's by `reproduction`."""
    import pandas as pd

    if record.inputs.get("paper", "deepnvm") != "deepnvm":
        return reproduction.tell(record)

    folder = record.folder
    names = ("name", "status", "circuits", "basis")
    rows = pd.DataFrame(
        read_table(folder / "results.csv", names, ("paper", "ours", "ratio"), ("paper", "ours", "ratio"))
    )
    accounts = pd.DataFrame(read_table(folder / "summary.csv", ("circuits", "network", "phase", "cell"),
                                       ("capacity_bytes", *ENERGIES, "cache_edp_Js", "edp_Js")))  # fmt: skip
    drawn = {"ratios": range_figures("ratios", _ratios(rows), "ratio", title="ours / paper", by="circuits",
                                     labels=TOPICS)}  # fmt: skip
    return Told(_document(record, rows, accounts, drawn), drawn)


def _ratios(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return each row's ratio by topic, for a figure: a factor is a topic, a series the origin of the circuits."""
    import pandas as pd

    topic = [str(name).partition(".")[0] for name in rows["name"]]
    labels = [
        figure_label(str(name)).replace("-MRAM", "").replace("EDP reduction up to", "EDP") for name in rows["name"]
    ]
    origins = [ORIGINS[str(one)] for one in rows["circuits"]]
    frame = pd.DataFrame({"factor": topic, "value": labels, "circuits": origins, "ratio": rows["ratio"]})
    base = pd.DataFrame({"factor": "base", "value": "base", "circuits": list(ORIGINS.values()), "ratio": 1.0})
    return pd.concat([frame, base], ignore_index=True)


def _document(
    record: Record, rows: "pd.DataFrame", accounts: "pd.DataFrame", drawn: dict[str, dict[str, bytes]]
) -> Document:
    caption = (
        "Each figure of ours over the paper’s, a mark a figure, by topic; the ends are named. The line at 1 is the "
        "paper. With the paper’s caches only our traffic and accounting are tried; with our circuits everything is."
    )
    reasons = [
        [*plain(strong(f"{_topic(row)}, {figure_label(str(row['name']))}: ")), *plain(str(row["reason"]))]
        for row in rows.to_dict("records") if row.get("reason")
    ]  # fmt: skip
    return Document(
        title="hwmodel · reproduction",
        subtitle="DeepNVM++ (arXiv:2012.04559): SRAM, STT-MRAM and SOT-MRAM as the last-level cache of a GPU at 16 nm, "
                 "five networks, inference and training",
        short="DeepNVM++",
        question=QUESTION,
        answer=_answer(rows),
        keys=_keys(rows),
        pictures=figures_of(drawn["ratios"], caption, lead=True),
        sections=[section for section in (
            Section("How to read this", [Bullets([
                plain("Published: read in the paper’s abstract. Recalled: from readers’ notes of its tables, without a "
                      "second confirmation."),
                plain("The paper’s caches: its own (recalled) table of latencies, energies and leakage stands under "
                      "our traffic and accounting. Our circuits: everything from the device up."),
                plain("Up to: the best of ten workloads, as the abstract has it. Ratio: ours over the paper’s."),
            ])]),
            Section("Why EDPs are missed", [
                Paragraph(plain("In this accounting an EDP depends on a stream by its share of writes and by its "
                                "accesses of DRAM alone; so what a published figure takes can be worked out.")),
                Bullets(reasons),
            ] if reasons else []),
            Section("Every figure", [comparison_table(rows, "DeepNVM++’s figures beside ours.")]),
            Section("Where the energy goes", [_energies(accounts)]),
            common.assumptions(record),
            common.works(record),
            _again(record),
        ) if section.blocks],
        date=record.date.isoformat(),
        version=record.version,
    )  # fmt: skip


def _topic(row: Any) -> str:
    """Return what a row is about, and whose caches stand under it: `EDP in equal area, our circuits`."""
    topic = str(row["name"]).partition(".")[0]
    return f"{TOPICS.get(topic, topic)}, {ORIGINS[str(row['circuits'])]}"


def _near(rows: Any) -> str:
    near = sum(abs(value - 1) <= NEAR for value in rows["ratio"])
    return f"{near} of {len(rows)}"


def _answer(rows: "pd.DataFrame") -> Text:
    """Return how many figures come within 15 % under either origin of the circuits, and how the headline stands."""
    named = rows.assign(topic=[str(name).partition(".")[0] for name in rows["name"]])
    theirs, ours = named.loc[named["circuits"] == "paper"], named.loc[named["circuits"] == "ours"]
    head = f"Under the paper’s caches, {_near(theirs)} figures come within {percent(NEAR)}; under ours {_near(ours)}."
    parts = []
    for cell in ("stt", "sot"):
        by = {str(row["circuits"]): row for row in named.loc[
            named["name"] == f"iso_capacity.edp_reduction_up_to.{cell}.with_dram"].to_dict("records")}  # fmt: skip
        if {"paper", "ours"} <= set(by):
            parts.append(f"{cell_label(cell)} {times(by['paper']['ours'])} and {times(by['ours']['ours'])} "
                         f"(published {times(by['ours']['paper'])})")  # fmt: skip
    tail = (
        f" The headline, an EDP reduction at equal capacity, comes out with DRAM as {listed(parts)}." if parts else ""
    )
    return plain(strong(head), tail)


def _keys(rows: "pd.DataFrame") -> Table:
    """Return the published figures, with ours under either origin of the circuits."""
    table = []
    chosen = rows.loc[(rows["status"] == "published") & ~rows["name"].str.startswith("date20")]
    for name in dict.fromkeys(chosen["name"]):
        by = {row["circuits"]: row for row in chosen.loc[chosen["name"] == name].to_dict("records")}
        paper = next(iter(by.values()))["paper"]
        ours = [digits(by[one]["ours"], 2) if one in by else "-" for one in ORIGINS]
        at = "equal area" if str(name).startswith("iso_area") else "equal capacity"
        table.append([figure_label(str(name)), at, digits(paper, 2), *ours])
    headings = [Heading("Figure", align="left"), Heading("At", align="left"), Heading("Published"),
                *(Heading(title, "", "ours") for title in ORIGINS.values())]  # fmt: skip
    return Table(
        plain("What the abstract says of SRAM’s figure over the cell’s, and what comes out here."), headings, table
    )


def _energies(accounts: "pd.DataFrame") -> Table:
    """Return the energy breakdown of each cell at 3 MiB, the sums over workloads, under either origin."""
    headings = [Heading("Circuits", align="left"), Heading("Cell", align="left")]
    own = accounts.loc[accounts["capacity_bytes"] == 3 << 20]
    sums: Any = own.groupby(["circuits", "cell"], sort=False)[list(ENERGIES)].sum().reset_index()
    texts = []
    for name, title in zip(ENERGIES, ("Dynamic", "Leakage", "DRAM"), strict=True):
        unit, values = column(name, sums[name].tolist())
        headings.append(Heading(title, unit, "energy"))
        texts.append(values)
    headings.append(Heading("Leakage’s share", "of the cache"))
    shares = sums["leakage_energy_J"] / (sums["leakage_energy_J"] + sums["dynamic_energy_J"])
    texts.append([percent(share) for share in shares])
    heads = [[ORIGINS[row["circuits"]], cell_label(row["cell"])] for row in sums.to_dict("records")]
    rows = [[*head, *(values[place] for values in texts)] for place, head in enumerate(heads)]
    networks = listed([network_label(name) for name in dict.fromkeys(own["network"])])
    size = show("capacity_bytes", 3 << 20)
    caption = f"Energy of caches of {size}, summed over {networks}, inference and training."
    return Table(plain(caption), headings, rows)


def _again(record: Record) -> Section:
    facts = [f"hwmodel {record.version}", f"finished {record.date.isoformat()}"]
    return Section("Make it again", [
        Paragraph(plain("The first command computes everything again (what is in the store comes at once), the second "
                        "remakes this report:")),
        Code("hwmodel reproduce deepnvm --output again\nhwmodel report ."),
        Paragraph(plain(f"{'; '.join(facts)}. The figures are in results.csv and results.parquet (SI units), caches "
                        "in caches.csv, the traffic in traffic.csv, what each stream costs in summary.csv.")),
    ])  # fmt: skip
