"""A document and its figures to PDF, by typst: embedded fonts, no network, the same bytes for the same input."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from reports.model import Document

TEMPLATE = Path(__file__).parent / "templates" / "study.typ"


def typeset(document: Document, figures: Mapping[str, bytes], template: Path = TEMPLATE) -> tuple[bytes, int]:
    """Return (PDF, number of pages).

    The template reads the document from `data.json` beside it, so no text of a user's is ever typst source.

    Args:
        document: the report.
        figures: SVG by file name, as the document's figures name them.
        template: a typst file.

    Raises:
        RuntimeError: what typst says, where the template does not fit the document.
    """
    import matplotlib
    import typst

    # DejaVu Sans, for letters typst's own fonts lack, comes with matplotlib: the same file on every machine.
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[Path(matplotlib.get_data_path()) / "fonts" / "ttf"])
    with tempfile.TemporaryDirectory(prefix="hwmodel-report-") as name:
        folder = Path(name)
        shutil.copyfile(template, folder / "main.typ")
        (folder / "data.json").write_text(json.dumps(document.as_dict()), encoding="utf-8")
        for file, content in figures.items():
            (folder / file).write_bytes(content)
        compiler = typst.Compiler(folder / "main.typ", root=folder, font_paths=fonts)
        pdf = compiler.compile(format="pdf", timestamp=0)
        pages = json.loads(compiler.query("<pages>", field="value", one=True))
    if not isinstance(pdf, bytes):
        raise RuntimeError("typst returned no PDF")
    return pdf, int(pages)
