"""The report of an iso-capacity study: the question, the answer, and everything the answer rests on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from circuits.errors import InputError
from hwmodel.units import show
from reports.assumptions import figures_table, sentences
from reports.figures import cache_figures, edp_figures, energy_figures, leakage_figures, traffic_figures
from reports.labels import cache_words, cell_label, listed, shared
from reports.model import (
    Block,
    Bullets,
    Code,
    Document,
    Equations,
    Figure,
    Paragraph,
    Section,
    Text,
    Works,
    formula,
    plain,
)
from reports.results import Study, clean, kind_of, read_study
from reports.tables import (
    caches_table,
    checks_table,
    key_table,
    leakage_table,
    organisation_table,
    results_table,
    workloads_table,
)
from reports.typeset import typeset
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
from traces.files import replacing

QUESTION = "Which memory should this GPU’s last-level cache be made of?"
STEMS = ("caches", "energy", "edp", "traffic", "leakage")
WITHOUT = ("explore",)  # studies whose tables are all there is
RERUN = "hwmodel study rerun study.yaml --output again"


@dataclass(frozen=True)
class Report:
    """What was written: the PDF, the figures beside it, and how many pages a reader turns."""

    pdf: Path
    figures: list[Path]
    pages: int


def write_report(folder: Path) -> list[Path]:
    """Write report.pdf and figures/*.svg of a finished study to its folder; return the paths, the PDF first.

    Of a kind that has no report, nothing is written.

    Raises:
        InputError: for a folder that holds no finished study, or in which a file is missing, cut short or foreign.
    """
    if kind_of(folder) in WITHOUT:
        return []
    report = make_report(folder)
    return [report.pdf, *report.figures]


def make_report(folder: Path) -> Report:
    """Do what `write_report` does and say how many pages there are. Nothing is written until everything is typeset."""
    study = read_study(folder)
    drawn = draw_figures(study)
    figures = {name: content for part in drawn.values() for name, content in part.items()}
    pdf, pages = typeset(document_of(study, drawn), figures)
    try:
        (folder / "figures").mkdir(exist_ok=True)
        for name, content in figures.items():
            _write(folder / "figures" / name, content)
        for path in _stale(folder / "figures", set(figures)):
            path.unlink()
        _write(folder / "report.pdf", pdf)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to: {error.strerror}; copy it to where you may write") from None
    return Report(folder / "report.pdf", [folder / "figures" / name for name in figures], pages)


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _stale(folder: Path, current: set[str]) -> list[Path]:
    """Return figures of an earlier report that this one does not have."""
    return [path for stem in STEMS for path in (folder / f"{stem}.svg", *folder.glob(f"{stem}-[0-9]*.svg"))
            if path.name not in current and path.is_file()]  # fmt: skip


def draw_figures(study: Study) -> dict[str, dict[str, bytes]]:
    """Return the SVGs of each figure by file name, figure by figure."""
    makers = (cache_figures, energy_figures, edp_figures, traffic_figures, leakage_figures)
    return dict(zip(("caches", "energy", "edp", "traffic", "leakage"), (make(study) for make in makers), strict=True))


def document_of(study: Study, drawn: Mapping[str, Mapping[str, bytes]]) -> Document:
    """Return the report as data."""
    capacity, node, gpu = shared(study, "capacity_bytes"), shared(study, "node"), _gpu(study)
    machine = ", ".join(filter(None, [gpu or "a GPU", node]))
    cells = listed([cell_label(cell) for cell in study.cells])
    cache = cache_words(study)
    return Document(
        title=f"hwmodel · {study.kind} study",
        subtitle=f"{cache[0].upper()}{cache[1:]} of {machine}: {cells} on {networks_words(study)}",
        short=", ".join(filter(None, [capacity, node, gpu])),
        question=QUESTION,
        answer=answer(study),
        keys=key_table(study),
        pictures=_figures(drawn["edp"], edp_caption(study), lead=True),
        sections=[section for section in _sections(study, drawn) if section.blocks],
        date=study.date.isoformat(),
        version=study.version,
    )


def _gpu(study: Study) -> str:
    return clean(str(study.row(study.workloads[0], study.baseline).get("gpu") or study.inputs.get("gpu") or ""))


def _sections(study: Study, drawn: Mapping[str, Mapping[str, bytes]]) -> list[Section]:
    organisation, assumed = organisation_table(study), figures_table(study)
    caches = [caches_table(study), *_figures(drawn["caches"], caches_caption(study))]
    energy = [Paragraph(plain(energy_words(study))), *_figures(drawn["energy"], energy_caption(study))]
    works = [citation for key, citation in study.works.items() if key != "assumed"]
    return [
        Section("What was assumed", [Bullets(_assumed(study))]),
        Section("The caches", caches),
        Section("Energy and energy-delay product", energy),
        Section("The traffic behind it", [workloads_table(study), *_figures(drawn["traffic"], traffic_caption(study))]),
        Section("What would change the answer", _sensitivity(study, drawn)),
        Section("How these numbers came about", _method(study)),
        Section("Works used", [Works([plain(citation) for citation in works])] if works else []),
        Section("Make it again", _again(study)),
        Section("How each cache is organised", [organisation] if organisation else []),
        Section("Every result", [results_table(study)]),
        Section("Figures assumed", [assumed] if assumed else []),
    ]


def _figures(files: Mapping[str, bytes], caption: str, *, lead: bool = False) -> list[Figure]:
    """Return a figure in as many parts as it has files; the caption stands under the first."""
    rest = f"Part {{}} of {len(files)} of the same figure."
    return [Figure(name, plain(rest.format(part) if part > 1 else caption), caption, lead, part > 1)
            for part, name in enumerate(files, 1)]  # fmt: skip


def _assumed(study: Study) -> list[Text]:
    names = (("node", "node"), ("capacity", "capacity_bytes"), ("ways", "ways"), ("line", "line_bytes"),
             ("index", "set index"), ("target", "search target"), ("gpu", "GPU"), ("dram", "DRAM"))  # fmt: skip
    asked = [f"{label.removesuffix('_bytes')} {show(label, study.inputs[key])}" for key, label in names
             if isinstance(study.inputs.get(key), (str, int))]  # fmt: skip
    head = [plain("Asked for: " + ", ".join(clean(text) for text in asked) + ".")] if asked else []
    spoken = sentences(study)
    rest = len(study.assumptions) - len(spoken)
    tail = (
        [plain(f"{rest} figures of the models are assumed, too: the last table gives each with its reason.")]
        if rest
        else []
    )
    return [*head, *(plain(text) for text in spoken), *tail]


def _sensitivity(study: Study, drawn: Mapping[str, Mapping[str, bytes]]) -> list[Block]:
    if not study.others:
        return []
    figures = _figures(drawn["leakage"], leakage_caption(study))
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


def _again(study: Study) -> list[Block]:
    facts = [f"hwmodel {study.version}", f"study finished {study.date.isoformat()}"]
    wall, sectors = study.made.get("wall_time_s"), study.made.get("sectors_replayed")
    if isinstance(wall, (int, float)) and not isinstance(wall, bool):
        facts.append(f"{wall:.0f} s of wall time")
    if isinstance(sectors, int) and not isinstance(sectors, bool):
        facts.append(f"{sectors:,} sector accesses replayed")
    files = (
        "The numbers are in results.csv and results.parquet (SI units), the caches in caches.csv, the traffic in "
        "traffic.csv, the figures as SVG in figures/."
    )
    commands = "In this report’s folder, the first command runs the study again, the second remakes this report:"
    return [
        Paragraph(plain(commands)),
        Code(f"{RERUN}\nhwmodel report ."),
        Paragraph(plain(f"{'; '.join(facts)}. {files}")),
    ]
