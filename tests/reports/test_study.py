import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from pypdf import PdfReader

from circuits.errors import InputError
from reports import study as module
from reports.study import make_report, write_report
from reports.tables import organisation_table
from tests.reports.synthetic import NETWORKS, write_study


def text_of(pdf: Path) -> str:
    """The words of a PDF on one line; spaces that only break lines or numbers are plain spaces."""
    text = " ".join(page.extract_text() for page in PdfReader(pdf).pages)
    return " ".join(text.replace("\u00a0", " ").replace("\u200b", "").split())


def test_the_pdf_has_its_parts(finished: Path) -> None:
    text = text_of(finished / "report.pdf")
    for part in ("Which memory should this GPU’s last-level cache be made of?", "SOT-MRAM. Over 10 workloads",
                 "What was assumed", "SYNTHETIC", "The caches", "Energy and energy-delay product",
                 "The traffic behind it", "What would change the answer", "How these numbers came about", "Works used",
                 "arXiv:2012.04559", "Make it again", "hwmodel study rerun study.yaml --output again", "Every result",
                 "All modelled", "2026-01-31", "page 1 of", "61,100,840"):  # fmt: skip
        assert part in text, part
    assert all(f"Figure {n}." in text for n in range(1, 6))
    assert all(f"Table {n}." in text for n in range(1, 8))


def test_every_page_says_which_it_is(finished: Path) -> None:
    pages = PdfReader(finished / "report.pdf").pages
    assert 4 <= len(pages) <= 9
    for number, page in enumerate(pages, 1):
        assert f"page {number} of {len(pages)}" in page.extract_text()


def test_fonts_are_embedded(finished: Path) -> None:
    fonts = [
        font.get_object()
        for page in PdfReader(finished / "report.pdf").pages
        for font in page["/Resources"].get_object()["/Font"].get_object().values()  # type: ignore[index]
    ]
    assert fonts
    for font in fonts:
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert any(key in descriptor for key in ("/FontFile2", "/FontFile3"))


def test_figures_are_svg(finished: Path) -> None:
    files = sorted(path.name for path in (finished / "figures").iterdir())
    assert files == ["caches.svg", "edp.svg", "energy.svg", "leakage.svg", "traffic.svg"]
    for name in files:
        root = ElementTree.parse(finished / "figures" / name).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_equal_inputs_give_equal_bytes(finished: Path, tmp_path: Path) -> None:
    again = write_study(tmp_path / "another place")
    for path in write_report(again):
        assert path.read_bytes() == (finished / path.relative_to(again)).read_bytes(), path.name


def test_paths_come_back_pdf_first(folder: Path) -> None:
    paths = write_report(folder)
    assert paths[:2] == [folder / "report.pdf", folder / "report.html"]
    assert all(path.is_file() for path in paths)
    assert make_report(folder).pages == len(PdfReader(paths[0]).pages)


HOSTILE = ('a"b\'c', "#include $x^2$ <b>&amp;</b> \\alpha @ref *x* _y_ `z` ~ [k]", "naïve–Ωμέγα", "n" * 150 + "END",
           "= heading // comment /* c", "-1e5,", '#panic("no")')  # fmt: skip


def test_hostile_names_come_through_literally(tmp_path: Path) -> None:
    cells = ("sram", "sot", "my #cell$ \\ <x>")
    folder = write_study(tmp_path / "s", HOSTILE, cells, {"inference": 1})
    text = re.sub(r"\s|\u00ad", "", text_of(write_report(folder)[0]))
    for name in (*HOSTILE, *cells[2:]):
        assert re.sub(r"\s", "", name) in text, name
    for path in (folder / "figures").iterdir():
        ElementTree.parse(path)


def test_glyphs_no_font_has_do_no_harm(tmp_path: Path) -> None:
    write_report(write_study(tmp_path / "s", networks=("網路🙂", "a\x1b[0m\u2028b"), phases={"inference": 1}))


@pytest.mark.parametrize(
    ("networks", "cells", "phases"),
    [
        (NETWORKS[:1], ("sram",), {"inference": 1}),
        (NETWORKS[:1], ("stt", "sot"), {"training": 8}),
        (NETWORKS[:2], ("stt", "c2", "c3", "sram", "c4", "sot", "c5"), {"inference": 1, "training": 2, "idle": 3}),
        (tuple(f"network {i}" for i in range(24)), ("sram", "stt"), {"inference": 1, "training": 2}),
    ],
)
def test_any_cells_networks_and_phases(tmp_path: Path, networks: tuple, cells: tuple, phases: dict) -> None:
    folder = write_study(tmp_path / "s", networks, cells, phases)
    text = text_of(write_report(folder)[0])
    assert text.count("batch") >= len(networks) * len(phases)
    if len(cells) == 1:
        assert "nothing to compare" in text


def test_figures_of_an_earlier_report_go(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "s", tuple(f"network {i}" for i in range(24)))
    assert len(write_report(folder)) > 6
    (folder / "figures" / "mine.svg").write_text("<svg/>")
    write_study(folder)
    paths = write_report(folder)
    assert {path.name for path in (folder / "figures").iterdir()} == {path.name for path in paths[2:]} | {"mine.svg"}


def test_nothing_half_written_when_typesetting_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = folder.parent / "broken.typ"
    broken.write_text('#panic("no")')
    before = sorted(folder.rglob("*"))
    typeset = module.typeset
    monkeypatch.setattr(module, "typeset", lambda document, figures, _: typeset(document, figures, broken))
    with pytest.raises(InputError, match="panicked"):
        write_report(folder)
    assert sorted(folder.rglob("*")) == before


def test_nothing_half_written_when_a_write_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_report(folder)
    shutil.copytree(folder, folder.parent / "before")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(ValueError, match="No space left"):
        write_report(folder)
    names = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    assert names == sorted(path.relative_to(folder.parent / "before") for path in (folder.parent / "before").rglob("*"))


def test_a_figure_that_one_cell_has_not_keeps_its_unit() -> None:
    """An SRAM cell has no write current; the others' energies are read as energies all the same."""
    caches = {"sram": {"parts_data_cells_J": ""}, "stt": {"parts_data_cells_J": "7.096e-10"},
              "sot": {"parts_data_cells_J": "3.745e-11"}}  # fmt: skip
    found = organisation_table(SimpleNamespace(cells=list(caches), caches=caches))
    assert found is not None
    (row,) = found.rows
    assert row[1:] == ["-", "710 pJ", "37.4 pJ"]
