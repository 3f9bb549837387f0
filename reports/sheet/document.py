"""A cache's datasheet as a document, and as a PDF."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from circuits.cache.design import CacheDesign
from circuits.errors import InputError
from hwmodel import __version__
from hwmodel.units import show
from reports.labels import cell_label, digits, engineering, listed, percent
from reports.model import Beside, Code, Document, Figure, Paragraph, Section, Works, plain
from reports.sheet.facts import MOST, Sheet, facts
from reports.sheet.figures import sheet_figures
from reports.sheet.names import headline, node_label, spoken, target_words
from reports.sheet.tables import cell_table, key_table, large, organisation_table, parts_table, waiting_s
from reports.typeset import typeset
from traces.files import replacing

MODES = {
    "normal": "Tags and a row of data open together; the hit then selects its way’s columns (normal mode)",
    "fast": "All ways of a set are read and sent while the tags are compared (fast mode)",
    "sequential": "The tags are read first, then one way of the data (sequential mode)",
}
STUCK_SHOWN = 6
ALIKE = 1.05  # schools that differ by less


@dataclass(frozen=True)
class Made:
    """What was written, in how many pages, on which cache."""

    path: Path
    pages: int
    design: CacheDesign


def write_datasheet(path: Path, command: str, **asked: Any) -> Made:
    """Write the datasheet of the best cache, as `facts` takes what is asked; `command` is what makes it again.

    Raises:
        InputError: a value that cannot be used, or a file that cannot be written.
    """
    if path.suffix.lower() != ".pdf" or path.is_dir():
        raise InputError(f"{path}: give a file's name that ends in .pdf")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist")
    sheet = facts(**asked)
    pdf, pages = typeset(document_of(sheet, command), sheet_figures(sheet))
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(pdf)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    return Made(path, pages, sheet.design)


def document_of(sheet: Sheet, command: str) -> Document:
    """Return the datasheet as data."""
    design = sheet.design
    conditions = [f"{design.ways} way{'s' * (design.ways > 1)}", f"lines of {design.line_bytes} B",
                  f"data of {cell_label(design.cell)}, tags of SRAM", f"{design.temperature_K:g} K",
                  show("vdd_V", design.vdd_V), f"leakage school {design.leakage}", f"{design.wires} global wires",
                  *([f"cells of school {design.cell_leakage}"] if design.cell_leakage else []),
                  *([f"{design.ports} ports"] if design.ports > 1 else []),
                  *([design.ecc.upper()] if design.ecc else [])]  # fmt: skip
    works = [text for key, text in (design.works | sheet.cell.works).items() if key != "assumed"]
    return Document(
        title="hwmodel · cache datasheet",
        subtitle=", ".join(conditions),
        short=headline(design),
        question=headline(design),
        answer=plain(_unbroken(_answer(design))),
        keys=key_table(sheet),
        pictures=[],
        sections=[
            Section("What it is made of", [Paragraph(plain(_unbroken(_made_of(sheet)))),
                                           Beside([organisation_table(sheet), parts_table(sheet)], (5, 6))]),
            Section("Among its alternatives, and at other temperatures", [Beside(_pictures(sheet))]),
            Section("What moves it", _moves(sheet)),
            Section("The bit cell", [cell_table(sheet)]),
            Section("Works used", [Works([plain(text) for text in works])]),
            Section("Make it again", [Code(command)]),
        ],
        date="",
        version=__version__,
        dense=True,
    )  # fmt: skip


def _unbroken(text: str) -> str:
    """Return a text whose lines do not break between a number and its unit."""
    return re.sub(r"(?<=\d) (?=(?:[afpnµmkMG]?[sJWV]|[nµm]?m²)\b)", "\u00a0", text)


def _answer(design: CacheDesign) -> str:
    read, write = (engineering(f"{what}_latency_s", getattr(design, f"{what}_latency_s")) for what in ("read", "write"))
    read_J, write_J = (engineering("x_J", getattr(design, f"{what}_energy_J")) for what in ("read", "write"))
    return (
        f"A read hit takes {read} and {read_J}, a write {write} and {write_J}; at rest the cache draws "
        f"{engineering('leakage_W', design.leakage_W)}, on {engineering('area_m2', design.area_m2)}. Of "
        f"{large(design.searched)} pairs of organisations this one has the least {target_words(design.target)}."
    )


def _made_of(sheet: Sheet) -> str:
    design, data = sheet.design, sheet.design.organization["data"]
    waits = waiting_s(sheet)
    wait = f", after {engineering('wait_s', waits)} of waiting for the tags" if waits else ""
    slowest = "data_mat_s" if design.parts["data_mat_s"] >= design.parts["data_tree_s"] else "data_tree_s"
    where = "the data’s mats" if slowest == "data_mat_s" else "the data’s H-tree"
    efficiency = percent(design.organization["data_area_efficiency"])
    return (
        f"{MODES[design.mode]}. An access opens {data['active_subarrays']:,} of {data['subarrays']:,} subarrays of "
        f"{data['rows']:,} rows by {data['columns']:,} columns; {efficiency} of the data’s area is cells. A read "
        f"spends {percent(design.parts[slowest] / design.read_latency_s)} of its time in {where}{wait}. The tags take "
        f"{percent(design.parts['tag_leakage_W'] / design.leakage_W)} of the leakage on "
        f"{percent(design.organization['tag_area_m2'] / design.area_m2)} of the area."
    )


def _pictures(sheet: Sheet) -> list[Figure]:
    design, table = sheet.design, sheet.front
    at = _nearest(sheet.temperatures, design.temperature_K)
    known = {school: row[at] for school, row in sheet.leakage.items()}
    values = {school: value for school, value in known.items() if value}
    front = (
        f"Read latency against area of the {len(table):,} caches that none beats in latency, area and read energy. "
        "Shades: the least energy of a read among caches no slower and no larger. Star: this cache."
    )
    leak = f"The power at rest with the organisation kept, under each leakage school of {node_label(design.node)}"
    if len(values) > 1:
        least, most = min(values, key=lambda s: values[s]), max(values, key=lambda s: values[s])
        ratio = values[most] / values[least]
        told = f"{digits(ratio, 2)} times as much by {most} as by {least}" if ratio >= ALIKE else "alike by all"
        leak += f": at {sheet.temperatures[at]:g} K, {told}"
    gap = any(value is None for row in sheet.leakage.values() for value in row)
    leak += ". Star: this cache." + (" A line ends where the organisation cannot be kept." if gap else "")
    alternatives = ("Map of read latency against area of all undominated caches, this one marked.",
                    "Leakage power from 300 to 400 K, a line a school of belief.")  # fmt: skip
    return [Figure("front.svg", plain(front), alternatives[0]), Figure("leakage.svg", plain(leak), alternatives[1])]


def _nearest(values: list[float], wanted: float) -> int:
    return min(range(len(values)), key=lambda i: abs(values[i] - wanted))


def _moves(sheet: Sheet) -> list[Any]:
    count, stuck = len(sheet.swings()), sheet.stuck()
    shown = min(MOST, count)
    caption = (
        f"The {shown} of {count} assumptions that move the outputs most, leakage schools aside: each a tenth down and "
        "up from the value beside it, a share of a rule from 0 to 1, wires repeated or not; organisation kept. Each "
        "column has its own scale; a longer bar is cut and says how far it goes."
    )
    if stuck:
        told = listed([spoken(name) for name in stuck[:STUCK_SHOWN]])
        rest = f" and {len(stuck) - STUCK_SHOWN} more" if len(stuck) > STUCK_SHOWN else ""
        caption += f" A cross, or no row: nothing can be designed so with {told}{rest} moved."
    return [Figure("tornado.svg", plain(caption), "How far each assumption moves each output of the cache.")]
