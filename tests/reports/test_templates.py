import json
from pathlib import Path

import pytest
from pypdf import PdfReader

from docs.examples import lay_files
from hwmodel.cli import main
from reports.results import read_study
from reports.wording import answer
from tests.reports.synthetic import write_study
from tests.reports.test_page import HOSTILE, check, parsed


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["report", *arguments])
    printed = capsys.readouterr()
    return int(caught.value.code or 0), printed.out, printed.err


def test_the_templates_of_the_docs_are_set(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lay_files("reports.md", folder.parent)
    typ, jinja = folder.parent / "brief.typ", folder.parent / "brief.html.j2"
    code, out, _ = run(capsys, str(folder), "--template", str(typ), "--html-template", str(jinja), "--json")
    assert code == 0
    assert json.loads(out)["pages"] == 1 == len(PdfReader(folder / "report.pdf").pages)
    told = "".join(span.text for span in answer(read_study(folder)))
    text = PdfReader(folder / "report.pdf").pages[0].extract_text()
    assert " ".join(told.split()[:6]) in " ".join(text.split())
    found = parsed(folder)
    check(found)
    assert found.all("p") == [({}, told)]
    assert len(found.all("svg")) == 4
    assert len(found.all("figcaption")) == 4


def test_a_template_finds_what_lies_beside_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = folder.parent / "own"
    place.mkdir()
    (place / "a.typ").write_text('#import "style.typ": head\n#head(json("data.json").title)\n#pagebreak()\nlast')
    (place / "style.typ").write_text("#let head(it) = strong(it)")
    (place / "data.json").write_text("{}")  # an older one: the report's own comes first
    (place / "a.html.j2").write_text('{% include "part.j2" %}')
    (place / "part.j2").write_text("<p>{{ doc.title }}</p>")
    code, out, _ = run(capsys, str(folder), "--template", str(place / "a.typ"), "--html-template",
                       str(place / "a.html.j2"), "--json")  # fmt: skip
    assert (code, json.loads(out)["pages"]) == (0, 2)
    assert (folder / "report.html").read_text(encoding="utf-8") == "<p>hwmodel · iso-capacity study</p>"
    assert (place / "data.json").read_text() == "{}"


TYPST = {
    "a key that is not there": ('#let doc = json("data.json")\n\n#doc.nothing', 'own.typ, line 3: dictionary does not'),
    "panic": ('#panic("no\\nway")', "panicked with: "),
    "syntax": ("= a\n#let f(", "own.typ, line 2: unclosed delimiter"),
    "outside": ('#read("../x")', "outside"),
    "absolute": ('#read("/etc/hostname")', "file not found"),
    "beside": ('#import "part.typ": x\n#x', "own.typ: part.typ, line 1: panicked"),
    "latin-1": (b"caf\xe9", "UTF-8"),
}  # fmt: skip
JINJA = {
    "a key that is not there": ("<p>\n{{ doc.nothing }}", "own.html.j2, line 2: 'dict object' has no attribute"),
    "syntax": ("a\nb\n{% if %}", "own.html.j2, line 3: Expected an expression"),
    "outside": ('{% include "../secret" %}', "../secret: no such file in the template's folder"),
    "absolute": ('{% include "/etc/hostname" %}', "/etc/hostname: no such file in the template's folder"),
    "by a link": ('{% include "link" %}', "link: no such file in the template's folder"),
    "Python's insides": ("{{ doc.__class__.__mro__ }}", "is unsafe"),
    "a function's globals": ('{{ "x".format.__globals__ }}', "is unsafe"),
    "change": ('{{ doc["keys"].update(x=1) }}', "is unsafe"),
    "arithmetic": ("{{ 1 / 0 }}", "division by zero"),
    "recursion": ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "recursion"),
    "beside": ('\n{% include "part.j2" %}', "line 1: 'dict object' has no attribute 'no'"),
    "latin-1": (b"caf\xe9", "utf-8"),
}
CASES = [("--template", "own.typ", *TYPST[what]) for what in TYPST] + [
    ("--html-template", "own.html.j2", *JINJA[what]) for what in JINJA
]


@pytest.mark.parametrize(("option", "name", "source", "says"), CASES)
def test_a_template_that_fails_is_one_line_and_changes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], option: str, name: str, source: str | bytes, says: str
) -> None:
    place = folder.parent / "own"
    place.mkdir()
    (folder.parent / "secret").write_text("secret")
    (place / "link").symlink_to(folder.parent / "secret")
    (place / "part.typ").write_text("#let x = panic(1)")
    (place / "part.j2").write_text("{{ doc.no }}")
    (place / name).write_bytes(source if isinstance(source, bytes) else source.encode())
    (folder / "report.pdf").write_bytes(b"older")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    code, out, err = run(capsys, str(folder), option, str(place / name))
    assert (code, out) == (2, "")
    assert says in err
    assert str(place / name) in err
    assert err.count("\n") == 1
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--template", "no.typ"], "no.typ: no such file; give a typst template"),
        (["--html-template", "no.html.j2"], "no.html.j2: no such file; give a Jinja template"),
        (["--template", "page.html.j2"], "whose name ends in .typ"),
        (["--html-template", "report.typ"], "whose name ends in .html.j2"),
    ],
)
def test_no_template_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    code, _, err = run(capsys, str(folder), *arguments)
    assert code == 2
    assert says in err
    assert err.count("\n") == 1


def test_hostile_names_in_the_template_of_the_docs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_study(tmp_path / "s", HOSTILE, phases={"<b>": 1})
    lay_files("reports.md", tmp_path)
    code, _, _ = run(capsys, str(folder), "--html-template", str(tmp_path / "brief.html.j2"))
    assert code == 0
    found = parsed(folder)
    check(found)
    assert len(found.all("script")) == len(found.all("style")) == 1
    assert not found.all("b", "img")
