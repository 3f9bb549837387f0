import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pypdf import PdfReader

from reports.figures.canvas import draw
from reports.figures.marks import SVG, mark
from reports.labels import cell_label, digits, workload_label
from reports.model import (
    Beside,
    Bullets,
    Code,
    Document,
    Equations,
    Figure,
    Heading,
    Paragraph,
    Section,
    Span,
    Table,
    Works,
    anchor,
    formula,
    plain,
    strong,
)
from reports.numbers import relative
from reports.page import page
from reports.results import read_study
from reports.study import write_report
from reports.typeset import typeset
from tests.reports.synthetic import write_study

VOID = {"meta", "br", "img", "link", "input"}


class Page(HTMLParser):
    """Every element with its attributes and the text in it; fails for what is not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self.open: list[tuple[str, list[str]]] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        text: list[str] = []
        self.elements.append((tag, {name: value or "" for name, value in attrs}, text))
        if tag not in VOID:
            self.open.append((tag, text))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}, []))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, text in self.open:
            text.append(data)

    def all(self, *tags: str) -> list[tuple[dict[str, str], str]]:
        return [(attributes, " ".join("".join(text).split())) for tag, attributes, text in self.elements if tag in tags]


def parsed(folder: Path) -> Page:
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def check(found: Page) -> None:
    """A page stands alone, its names are its own, and nothing but our script and style counts in it."""
    ids = [attributes["id"] for _, attributes, _ in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    values = [(name, value) for _, attributes, _ in found.elements for name, value in attributes.items()]
    links = [value for name, value in values if name in ("href", "xlink:href", "src", "srcset", "action", "data")]
    assert all(link[0] == "#" and link[1:] in ids for link in links)
    assert {name for _, value in values for name in re.findall(r"url\(#([^)]*)\)", value)} <= set(ids)
    labels = [name for key, value in values if key in ("aria-labelledby", "aria-describedby") for name in value.split()]
    assert set(labels) <= set(ids)
    assert not [name for name, _ in values if name.startswith("on") or name == "style"]
    ((policy, _),) = [pair for pair in found.all("meta") if "http-equiv" in pair[0]]
    for tag in ("script", "style"):
        ((_, _, text),) = [element for element in found.elements if element[0] == tag]
        digest = base64.b64encode(hashlib.sha256("".join(text).encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy["content"]
        assert not re.search(r"https?:|//[a-z]|@import|url\(", re.sub(r"^\s*//.*|\s//.*", "", "".join(text)))
    assert policy["content"].startswith("default-src 'none';")
    ((html, _),) = found.all("html")
    assert html["lang"] == "en"


def test_the_page_has_the_parts_of_the_pdf(finished: Path) -> None:
    found = parsed(finished)
    check(found)
    (_, text), *_ = found.all("html")
    for part in ("Which memory should this GPU’s last-level cache be made of?", "SOT-MRAM. Over 10 workloads",
                 "SYNTHETIC", "arXiv:2012.04559", "hwmodel study rerun study.yaml --output again", "2026-01-31",
                 "61,100,840",
                 *(f"Figure {n}." for n in range(1, 6)), *(f"Table {n}." for n in range(1, 8))):  # fmt: skip
        assert part in text, part


def test_headings_and_contents_are_in_order(finished: Path) -> None:
    found = parsed(finished)
    heads = [tag for tag, _, _ in found.elements if re.fullmatch(r"h\d", tag)]
    assert heads[0] == "h1"
    assert set(heads[1:]) == {"h2"}
    sections = [(attributes["id"], text) for attributes, text in found.all("h2")][1:]
    links = [(attributes["href"][1:], text) for attributes, text in found.all("a")]
    assert links[1:] == sections
    assert ("the-caches", "The caches") in sections


def test_tables_say_what_heads_what(finished: Path) -> None:
    found = parsed(finished)
    scopes = {attributes["scope"] for attributes, _ in found.all("th")}
    assert scopes == {"col", "colgroup", "row", "rowgroup"}
    assert len(found.all("caption")) == len(found.all("table"))
    regions = [attributes for attributes, _ in found.all("div") if attributes.get("role") == "region"]
    assert len(regions) == len(found.all("table"))
    assert all(region["tabindex"] == "0" for region in regions)


def test_figures_have_words_and_marks_have_values(finished: Path) -> None:
    found = parsed(finished)
    charts = [attributes for attributes, _ in found.all("svg")]
    assert len(charts) == 5
    assert all(chart["role"] == "img" and len(chart["aria-label"]) > 40 for chart in charts)
    titles = [text for _, text in found.all("title")][1:]
    study = read_study(finished)
    for name, where in (("cache_edp_Js", "cache alone"), ("edp_Js", "with DRAM")):
        for cell in study.others:
            for workload, ratio in relative(study, cell, name).items():
                told = f"{workload_label(workload)}, {cell_label(cell)}, {where}: EDP {digits(ratio)} × SRAM’s"
                assert titles.count(told) == 1
    assert "SRAM: read latency 2.91 ns" in titles
    assert len([tip for tip in titles if "whole energy" in tip]) == 3 * len(study.results)


HOSTILE = ("<script>alert(1)</script>", "\"><img src=x onerror='alert(1)'>", "</title></svg></style><script>1</script>",
           "{{ 7*7 }}{% raw %}{# x #}", "&lt;b&gt; &amp;amp; ]]> <!-- <![CDATA[", "javascript:alert(1)//`${1}`",
           "a\u202eb\ud7ff\ufdd0é")  # fmt: skip


def test_no_name_becomes_markup(tmp_path: Path) -> None:
    cells = ("sram", "<svg onload=alert(1)>", "{{ doc }}'\"")
    folder = write_study(tmp_path / "s", HOSTILE, cells, {"<b>inference": 1},
                         assumptions=["<i>why</i> {{ 1 }}", "x\x00y"], works={"k": "<a href=//x>work</a>"})  # fmt: skip
    write_report(folder)
    found = parsed(folder)
    check(found)
    tags = {tag for tag, _, _ in found.elements}
    assert not tags & {"img", "b:inference", "i", "iframe", "object", "embed", "foreignobject", "animate", "set"}
    assert len(found.all("script")) == len(found.all("style")) == 1
    (_, text), *_ = found.all("html")
    for name in (*HOSTILE[:-1], *cells[1:], "<i>why</i> {{ 1 }}", "<a href=//x>work</a>"):
        assert " ".join(name.split()) in text, name


SQUARE = draw(1, lambda figure: mark(figure.subplots().bar([0, 1], [1, 2], hatch="//")[0], "<one> & only"), 2)
PICTURE = Figure("x.svg", plain("What it shows."), 'Bars, "quoted".')
HEADS = [Heading("Name", align="left"), Heading("Size", "MiB", "over"), Heading("n", "", "over")]
SMALL = Table(plain("Small."), HEADS, [["group"], ["a", "1", "2"], ["b", "3", "4"]], plain("A note."))


def document(*sections: Section, **more: object) -> Document:
    return Document("title", "subtitle", "short", "Why?", plain(strong("So."), " It is."), SMALL, [], list(sections),
                    "2026-01-31", "0.1.0", **more)  # type: ignore[arg-type]  # fmt: skip


EVERY = document(
    Section(
        "Same name", [Paragraph(plain(Span("a_b", "code"), Span("x", "sub"))), Bullets([plain("one"), plain("two")])]
    ),
    Section("Same name", [Equations([formula("E = V × I_read")]), Code("hwmodel <x>"), Works([plain("A work")])]),
    Section("—", [PICTURE, Figure("y.svg", plain("More."), "More bars.", continued=True), Beside([SMALL, PICTURE])]),
)


def test_every_kind_of_block_is_set() -> None:
    html = page(EVERY, {"x.svg": SQUARE, "y.svg": SQUARE}).decode()
    assert page(EVERY, {"x.svg": SQUARE, "y.svg": SQUARE}).decode() == html
    for part in ("<code>a_b</code><sub>x</sub>", "<li>two</li>", "<em>E</em> = <em>V</em> × <em>I</em><sub>read</sub>",
                 "<code>hwmodel &lt;x&gt;</code>", '<ol class="works">', "<b>Figure 1.</b> What",
                 "<b>Continued.</b> More",
                 "<b>Table 2.</b> Small", "<b>Figure 2.</b> What", 'class="beside"', '<p class="note">A note.</p>',
                 '<th scope="colgroup" colspan="2" class="over">over</th>', '<span class="unit">[MiB]</span>',
                 'id="same-name"', 'id="same-name-2"', 'id="section"', 'aria-label="Bars, &quot;quoted&quot;."',
                 "<title>&lt;one&gt; &amp; only</title>"):  # fmt: skip
        assert part in html, part


def test_figures_beside_each_other_keep_names_apart() -> None:
    only = document(Section("s", [PICTURE, Figure("y.svg", plain("More."), "More bars.")]))
    check(Page(page(only, {"x.svg": SQUARE, "y.svg": SQUARE}).decode()))


def test_the_same_document_makes_a_pdf_of_two_pages() -> None:
    assert typeset(EVERY, {"x.svg": SQUARE, "y.svg": SQUARE})[1] == 2


def test_no_figure_floats_above_the_question(tmp_path: Path) -> None:
    path = tmp_path / "x.pdf"
    short = draw(1, lambda figure: figure.subplots().plot([1, 2]) and None)
    blocks = [Paragraph(plain("Words.")), PICTURE, Figure("y.svg", plain("More."), "More bars.")]
    path.write_bytes(typeset(document(Section("First", blocks)), {"x.svg": short, "y.svg": short})[0])
    text = PdfReader(path).pages[0].extract_text()
    places = [text.index(part) for part in ("Why?", "Table 1.", "First", "Words.", "Figure 1.", "Figure 2.")]
    assert places == sorted(places)


def test_anchors_differ_and_are_plain() -> None:
    taken: set[str] = set()
    assert [anchor(title, taken) for title in ("Ärger & Co.", "arger co", "µ¶", "")] == [
        "arger-co", "arger-co-2", "section", "section-2"]  # fmt: skip


def test_a_marker_a_text_or_none() -> None:
    def paint(figure) -> None:
        (line,) = figure.subplots().plot([1, 2, 3], [3, 1, 2], "o")
        mark(line, "one", "two\nlines\x00", "three")

    root = ElementTree.fromstring(draw(1, paint))
    marks = [element for element in root.iter() if element.get("class") == "mark"]
    assert {element.tag for element in marks} == {f"{{{SVG}}}use"}
    assert [element.findtext(f"{{{SVG}}}title") for element in marks] == ["one", "two lines", "three"]
    with pytest.raises(RuntimeError, match="2 texts for 3 marks"):
        draw(1, lambda figure: mark(figure.subplots().plot([1, 2, 3], [3, 1, 2], "o")[0], "one", "two"))
