"""What every kind of study tells of alike: what was assumed, whose works were used, how to make it again."""

from collections.abc import Mapping

from hwmodel.units import show
from reports.assumptions import figures_table, sentences
from reports.model import Bullets, Code, Figure, Paragraph, Section, Text, Works, plain
from reports.record import Record, clean

RERUN = "hwmodel study rerun study.yaml --output again"
FILES = (
    "The numbers are in results.csv and results.parquet (SI units), the caches in caches.csv, the traffic in "
    "traffic.csv, the figures as SVG in figures/."
)


def title_of(record: Record) -> str:
    return f"hwmodel · {record.kind} study"


def assumptions(record: Record) -> Section:
    """Return what was asked for, and the assumptions that are no single figure."""
    return Section("What was assumed", [Bullets(_assumed(record))])


def works(record: Record) -> Section:
    cited = [citation for key, citation in record.works.items() if key != "assumed"]
    return Section("Works used", [Works([plain(citation) for citation in cited])] if cited else [])


def figures_assumed(record: Record) -> Section:
    """Return the assumed figures of the models, for the end of a report."""
    table = figures_table(record)
    return Section("Figures assumed", [table] if table else [])


def again(record: Record, files: str = FILES) -> Section:
    facts = [f"hwmodel {record.version}", f"study finished {record.date.isoformat()}"]
    wall, sectors = record.made.get("wall_time_s"), record.made.get("sectors_replayed")
    if isinstance(wall, (int, float)) and not isinstance(wall, bool):
        facts.append(f"{wall:.0f} s of wall time")
    if isinstance(sectors, int) and not isinstance(sectors, bool):
        facts.append(f"{sectors:,} sector accesses replayed")
    commands = "In this report’s folder, the first command runs the study again, the second remakes this report:"
    return Section("Make it again", [
        Paragraph(plain(commands)),
        Code(f"{RERUN}\nhwmodel report ."),
        Paragraph(plain(f"{'; '.join(facts)}. {files}")),
    ])  # fmt: skip


def figures_of(files: Mapping[str, bytes], caption: str, *, lead: bool = False) -> list[Figure]:
    """Return a figure in as many parts as it has files; the caption stands under the first."""
    rest = f"Part {{}} of {len(files)} of the same figure."
    return [Figure(name, plain(rest.format(part) if part > 1 else caption), caption, lead, part > 1)
            for part, name in enumerate(files, 1)]  # fmt: skip


def _assumed(record: Record) -> list[Text]:
    names = (("node", "node"), ("capacity", "capacity_bytes"), ("ways", "ways"), ("line", "line_bytes"),
             ("index", "set index"), ("target", "search target"), ("gpu", "GPU"), ("dram", "DRAM"))  # fmt: skip
    asked = [f"{label.removesuffix('_bytes')} {show(label, record.inputs[key])}" for key, label in names
             if isinstance(record.inputs.get(key), (str, int))]  # fmt: skip
    head = [plain("Asked for: " + ", ".join(clean(text) for text in asked) + ".")] if asked else []
    spoken = sentences(record)
    rest = len(record.assumptions) - len(spoken)
    tail = (
        [plain(f"{rest} figures of the models are assumed, too: the last table gives each with its reason.")]
        if rest
        else []
    )
    return [*head, *(plain(text) for text in spoken), *tail]
