"""A result's report: report.pdf, report.html and figures, made from its folder, or a predictor's file, alone."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from circuits.errors import InputError
from reports.page import TEMPLATE as JINJA
from reports.page import page
from reports.record import read_source
from reports.studies import tell
from reports.typeset import TEMPLATE as TYPST
from reports.typeset import typeset
from traces.files import replacing


@dataclass(frozen=True)
class Report:
    """What was written: the PDF and how many pages it has, the HTML page, and the figures beside them."""

    pdf: Path
    html: Path
    figures: list[Path]
    pages: int


def write_report(folder: Path) -> list[Path]:
    """Write report.pdf, report.html and figures/*.svg of a finished study to its folder; return the paths so.

    Raises:
        InputError: for a folder that holds no finished study, or in which a file is missing, cut short or foreign.
    """
    report = make_report(folder)
    return [report.pdf, report.html, *report.figures]


def make_report(path: Path, template: Path = TYPST, html_template: Path = JINJA, output: Path | None = None) -> Report:
    """Do what `write_report` does, with templates of one's own, and say how many pages there are.

    Nothing is written until everything is typeset.

    Args:
        path: a finished study's or profile's folder, or a predictor's file.
        template: typst, for report.pdf.
        html_template: Jinja, for report.html.
        output: the folder to write to, which is made where it is not there; without one, the folder itself, of a file
            the folder beside it that is named after it, NAME-report.

    Raises:
        InputError: as `write_report`, or for a template that is missing or fails.
    """
    for given, form in ((template, "typst"), (html_template, "Jinja")):
        if not given.is_file():
            raise InputError(f"{given}: no such file; give a {form} template")
    told = tell(read_source(path))
    folder = output or (path if path.is_dir() else path.with_name(f"{path.stem}-report"))
    figures = told.figures
    pdf, pages = typeset(told.document, figures, template)
    html = page(told.document, figures, html_template)
    try:
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        for name, content in figures.items():
            _write(folder / "figures" / name, content)
        for stale in _stale(folder / "figures", told.drawn, figures):
            stale.unlink()
        _write(folder / "report.html", html)
        _write(folder / "report.pdf", pdf)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to: {error.strerror}; give an --output that can") from None
    return Report(folder / "report.pdf", folder / "report.html", [folder / "figures" / name for name in figures], pages)


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _stale(folder: Path, stems: Collection[str], current: Collection[str]) -> list[Path]:
    """Return figures of an earlier report that this one does not have."""
    return [path for stem in stems for path in (folder / f"{stem}.svg", *folder.glob(f"{stem}-[0-9]*.svg"))
            if path.name not in current and path.is_file()]  # fmt: skip
