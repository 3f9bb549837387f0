"""Iso-area: the capacity that fits in the area of the first cell's cache, and what it buys."""

from hwmodel.units import show
from reports.figures import cache_figures, edp_figures, energy_figures, traffic_figures
from reports.labels import cell_label, digits, listed, percent, workload_label
from reports.model import Document, Heading, Paragraph, Section, Table, Text, plain, strong
from reports.numbers import ranked, spread
from reports.record import Record
from reports.results import Study, read_rows
from reports.studies import Told, common, sweeps
from reports.studies.accountings import accountings
from reports.studies.common import figures_of
from reports.studies.variation import variation
from reports.tables import caches_table, checks_table, organisation_table, results_table, workloads_table
from reports.wording import (
    caches_caption,
    edp_caption,
    energy_caption,
    energy_words,
    networks_words,
    ranged_text,
    verdict,
)

QUESTION = "In the area of today’s cache, which memory makes the better one?"


def tell(record: Record) -> Told:
    """Return the report of a finished iso-area study."""
    study = read_rows(record)
    drawn = {"edp": edp_figures(study), "caches": cache_figures(study), "energy": energy_figures(study),
             "traffic": traffic_figures(study)}  # fmt: skip
    return Told(_document(study, drawn), drawn)


def _size(study: Study, cell: str) -> str:
    return show("capacity_bytes", int(study.caches[cell]["capacity_bytes"]))


def _saved(study: Study, cell: str) -> dict[tuple[str, str], float]:
    """Return the share of DRAM's accesses that a cell's capacity saves, by workload; negative where it adds."""
    found = {}
    for workload in study.workloads:
        first, own = study.row(workload, study.baseline), study.row(workload, cell)
        had = first["dram_reads"] + first["dram_writes"]
        found[workload] = 1 - (own["dram_reads"] + own["dram_writes"]) / had if had else 0.0
    return found


def _document(study: Study, drawn: dict[str, dict[str, bytes]]) -> Document:
    base = cell_label(study.baseline)
    sizes = listed([f"{_size(study, cell)} of {cell_label(cell)}" for cell in study.cells])
    organisation = organisation_table(study)
    traffic = (
        f"What reaches the cache is the same for every cell; what goes on to DRAM depends on the capacity. Drawn is "
        f"{base}’s of {_size(study, study.baseline)}."
    )
    return Document(
        title=common.title_of(study),
        subtitle=f"{sizes}, in equal area, for {sweeps.machine_words(study)}, on {networks_words(study)}",
        short=f"the area of {_size(study, study.baseline)} of {base}",
        question=QUESTION,
        answer=_answer(study),
        keys=_keys(study),
        pictures=figures_of(drawn["edp"], edp_caption(study), lead=True),
        sections=[section for section in (
            common.assumptions(study),
            Section("The caches", [caches_table(study), *figures_of(drawn["caches"], caches_caption(study))]),
            Section("What the capacity saves", [
                Paragraph(plain("Every twelfth of the first capacity was tried, and the largest that fits taken: an "
                                "organisation’s area is not smooth in capacity, so a little area may be left.")),
                _saved_table(study),
            ]),
            Section("Energy", [Paragraph(plain(energy_words(study))),
                               *figures_of(drawn["energy"], energy_caption(study))]),
            Section("The traffic behind it", [workloads_table(study), *figures_of(drawn["traffic"], traffic)]),
            accountings(sweeps.results_of(study)),
            variation(study, sweeps.results_of(study)),
            Section("The books", [checks_table(study)]),
            common.works(study),
            common.again(study),
            Section("How each cache is organised", [organisation] if organisation else []),
            Section("Every result", [results_table(study)]),
            common.figures_assumed(study),
        ) if section.blocks],
        date=study.date.isoformat(),
        version=study.version,
    )  # fmt: skip


def _answer(study: Study) -> Text:
    if not study.others:
        return plain(strong(cell_label(study.baseline)), " is the only cell of this study.")
    whole, alone = dict(ranked(study, dram=True)), dict(ranked(study))
    base, first = cell_label(study.baseline), study.caches[study.baseline]["capacity_bytes"]
    told = []
    for cell in study.others:
        gain = study.caches[cell]["capacity_bytes"] / first
        saved = spread(_saved(study, cell)).median
        fits = f"{cell_label(cell)} fits {digits(gain, 2)} times the capacity, which saves {percent(max(saved, 0))} of"
        edps = f"{verdict(whole[cell].median)} than {base}’s, that of the cache alone {verdict(alone[cell].median)}"
        told.append(f"{fits} DRAM’s accesses and makes the EDP with DRAM {edps}")
    best = max(study.cells, key=lambda cell: whole[cell].median)
    even = best != study.baseline and verdict(whole[best].median) == "about the same"
    head = f"{cell_label(best)} and {base} are about even" if even else f"{cell_label(best)} does"
    return plain(strong(f"With DRAM counted, {head}:"), f" in the median, {listed(told)}.")


def _keys(study: Study) -> Table:
    whole, alone = dict(ranked(study, dram=True)), dict(ranked(study))
    area = study.caches[study.baseline]["area_m2"]
    rows = []
    for cell in study.cells:
        own = study.caches[cell]
        same = cell == study.baseline
        edp = ["1", "1"] if same else [ranged_text(alone[cell]), ranged_text(whole[cell])]
        saved = "-" if same else percent(max(0.0, spread(_saved(study, cell)).median))
        rows.append([cell_label(cell), _size(study, cell), f"× {digits(own['area_m2'] / area, 3)}", saved, *edp])
    base = f"{cell_label(study.baseline)} = 1"
    headings = [Heading("Cell", align="left"), Heading("Capacity"), Heading("Area", base),
                Heading("DRAM accesses saved", "median"), Heading("EDP reduction", "cache alone"),
                Heading("EDP reduction", "with DRAM")]  # fmt: skip
    caption = f"Median (range) over {len(study.workloads)} workload{'s' * (len(study.workloads) > 1)}."
    return Table(plain(caption), headings, rows)


def _saved_table(study: Study) -> Table:
    headings = [
        Heading("Workload", align="left"),
        *(Heading(cell_label(cell), _size(study, cell)) for cell in study.others),
    ]
    saved = {cell: _saved(study, cell) for cell in study.others}
    rows = [[workload_label(workload), *(f"{100 * saved[cell][workload]:.1f} %" for cell in study.others)]
            for workload in study.workloads]  # fmt: skip
    base = f"{_size(study, study.baseline)} of {cell_label(study.baseline)}"
    return Table(plain(f"DRAM accesses saved against {base}."), headings, rows)
