"""Iso-capacity: the same capacity in every technology. The question, the answer, and everything the answer rests on."""

from collections.abc import Mapping

from reports.figures import cache_figures, edp_figures, energy_figures, leakage_figures, traffic_figures
from reports.labels import cache_words, cell_label, listed, shared
from reports.model import Block, Document, Equations, Paragraph, Section, formula, plain
from reports.record import Record, clean
from reports.results import Study, read_rows
from reports.studies import Told, common, sweeps
from reports.studies.accountings import accountings
from reports.studies.common import figures_of
from reports.studies.variation import variation
from reports.tables import (
    caches_table,
    checks_table,
    key_table,
    leakage_table,
    organisation_table,
    results_table,
    workloads_table,
)
from reports.wording import (
    answer,
    caches_caption,
    edp_caption,
    energy_caption,
    energy_words,
    leakage_caption,
    leakage_words,
    networks_words,
    traffic_caption,
)

QUESTION = "Which memory should this GPU’s last-level cache be made of?"

Drawn = Mapping[str, Mapping[str, bytes]]


def tell(record: Record) -> Told:
    """Return the report of a finished iso-capacity study."""
    study = read_rows(record)
    drawn = draw_figures(study)
    return Told(document_of(study, drawn), drawn)


def draw_figures(study: Study) -> dict[str, dict[str, bytes]]:
    """Return the SVGs of each figure by file name, figure by figure."""
    makers = (cache_figures, energy_figures, edp_figures, traffic_figures, leakage_figures)
    return dict(zip(("caches", "energy", "edp", "traffic", "leakage"), (make(study) for make in makers), strict=True))


def document_of(study: Study, drawn: Drawn) -> Document:
    """Return the report as data."""
    capacity, node, gpu = shared(study, "capacity_bytes"), shared(study, "node"), _gpu(study)
    machine = ", ".join(filter(None, [gpu or "a GPU", node]))
    cells = listed([cell_label(cell) for cell in study.cells])
    cache = cache_words(study)
    return Document(
        title=common.title_of(study),
        subtitle=f"{cache[0].upper()}{cache[1:]} of {machine}: {cells} on {networks_words(study)}",
        short=", ".join(filter(None, [capacity, node, gpu])),
        question=QUESTION,
        answer=answer(study),
        keys=key_table(study),
        pictures=figures_of(drawn["edp"], edp_caption(study), lead=True),
        sections=[section for section in _sections(study, drawn) if section.blocks],
        date=study.date.isoformat(),
        version=study.version,
    )


def _gpu(study: Study) -> str:
    return clean(str(study.row(study.workloads[0], study.baseline).get("gpu") or study.inputs.get("gpu") or ""))


def _sections(study: Study, drawn: Drawn) -> list[Section]:
    organisation = organisation_table(study)
    caches = [caches_table(study), *figures_of(drawn["caches"], caches_caption(study))]
    energy = [Paragraph(plain(energy_words(study))), *figures_of(drawn["energy"], energy_caption(study))]
    return [
        common.assumptions(study),
        Section("The caches", caches),
        Section("Energy and energy-delay product", energy),
        Section(
            "The traffic behind it", [workloads_table(study), *figures_of(drawn["traffic"], traffic_caption(study))]
        ),
        accountings(sweeps.results_of(study)),
        variation(study, sweeps.results_of(study)),
        Section("What would change the answer", _sensitivity(study, drawn)),
        Section("How these numbers came about", _method(study)),
        common.works(study),
        common.again(study),
        Section("How each cache is organised", [organisation] if organisation else []),
        Section("Every result", [results_table(study)]),
        common.figures_assumed(study),
    ]


def _sensitivity(study: Study, drawn: Drawn) -> list[Block]:
    if not study.others:
        return []
    figures = figures_of(drawn["leakage"], leakage_caption(study))
    return [Paragraph(plain(leakage_words(study))), leakage_table(study), *figures]


def _method(study: Study) -> list[Block]:
    return [
        Paragraph(plain(
            "Four models stand in a row. A circuit model makes each memory cell from device data, builds arrays, mats "
            "and banks from it, and searches their organisations for the best cache. Each network is captured kernel "
            "by kernel on a machine without a GPU, with the addresses a caching allocator would give. Each kernel is "
            "lowered to the sectors it asks the last-level cache for, in the order a GPU’s waves of thread blocks ask "
            "for them. These streams are replayed exactly, access by access, through a set-associative write-back "
            "cache. Then, with reads and writes counted in sectors at the cache:"
        )),
        Equations([
            formula("D = reads × t_read + writes × t_write"),
            formula("E = reads × E_read + writes × E_write + leakage × T"),
            plain("EDP = ", *formula("E × D")),
        ]),
        Paragraph(plain(
            *formula("T is D"), ", the cache’s own time. With DRAM, ", *formula("D"), " grows by the time and ",
            *formula("E"), " by the energy of its reads and writes; the cache’s leakage stays that of its own time. "
            "Accesses are summed as if one followed another, which a GPU does not do: compare cells, not seconds."
        )),
        checks_table(study),
    ]  # fmt: skip
