"""A document and its figures to PDF, by typst: embedded fonts, no network, the same bytes for the same input."""

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from circuits.errors import InputError
from reports.model import Document

if TYPE_CHECKING:
    import typst

TEMPLATE = Path(__file__).parent / "templates" / "study.typ"
_MAIN, _DATA = "main.typ", "data.json"
_PLACE = re.compile(r"┌─ (.+):(\d+):\d+")  # where typst's message points
_COUNT = re.compile(rb"/Type\s*/Pages\b[^>]*?/Count (\d+)")


def typeset(document: Document, figures: Mapping[str, bytes], template: Path = TEMPLATE) -> tuple[bytes, int]:
    """Return (PDF, number of pages).

    The template reads the document from `data.json` beside it, so no text of a user's is ever typst source. It finds
    the figures beside it, too, and the files of its own folder; it can read nothing outside.

    Args:
        document: the report.
        figures: SVG by file name, as the document's figures name them.
        template: a typst file.

    Raises:
        InputError: what typst says, on one line, where another template than ours fails.
        RuntimeError: the same of our own, which is a fault of ours.
    """
    import matplotlib
    import typst

    # DejaVu Sans, for letters typst's own fonts lack, comes with matplotlib: the same file on every machine.
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[Path(matplotlib.get_data_path()) / "fonts" / "ttf"])
    with tempfile.TemporaryDirectory(prefix="hwmodel-report-") as name:
        folder = Path(name)
        shutil.copyfile(template, folder / _MAIN)
        (folder / _DATA).write_text(json.dumps(document.as_dict()), encoding="utf-8")
        for file, content in figures.items():
            (folder / file).write_bytes(content)
        if template != TEMPLATE:
            _lend(template, folder)
        try:
            pdf = typst.Compiler(folder / _MAIN, root=folder, font_paths=fonts).compile(format="pdf", timestamp=0)
        except typst.TypstError as error:
            if template == TEMPLATE:
                raise
            raise InputError(_told(error, template, folder)) from None
    if not isinstance(pdf, bytes):
        raise RuntimeError("typst returned no PDF")
    return pdf, max(int(count) for count in _COUNT.findall(pdf))


def _lend(template: Path, folder: Path) -> None:
    """Let a template find what lies beside it, except where a file of the report has the same name."""
    for path in template.resolve().parent.iterdir():
        if not (folder / path.name).exists():
            (folder / path.name).symlink_to(path)


def _told(error: "typst.TypstError", template: Path, folder: Path) -> str:
    """Return typst's first complaint on one line, with the template's name in place of our copy's."""
    place = _PLACE.search(error.diagnostic)
    where = f"{template}"
    if place and Path(place[1]).name != _MAIN:
        where += f": {Path(place[1]).name}"
    where += f", line {place[2]}" if place else ""
    hints = [hint for hint in error.hints if "--root" not in hint]  # an option of typst's own command line
    text = "; ".join([error.message, *hints]).replace(f"{folder}/", "")
    return f"{where}: {' '.join(text.split())}; docs/reports.md tells what a template gets"
