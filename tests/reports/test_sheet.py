"""The datasheet: its parts, its figures against the design's own, its bytes, its refusals."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from pypdf import PdfReader

from circuits import design_cache
from circuits.cache.banks import Maker
from circuits.devices.node import load_node, with_threshold_for
from hwmodel.cli import main, root
from reports.commands import datasheet
from reports.labels import engineering
from reports.model import plain
from reports.sheet import document as module
from reports.sheet.document import document_of, write_datasheet
from reports.sheet.facts import Sheet, facts
from reports.sheet.figures import sheet_figures
from reports.sheet.names import assumption_label, lasting, moved_label, node_label, spoken
from reports.sheet.tables import cell_table, parts_table, waiting_s
from reports.typeset import typeset
from tests.reports.test_study import text_of

ASKED = {"cell": "stt", "node": "16nm", "capacity": "96KiB", "ways": 8, "line": "64", "target": "edap"}
FIELDS = ("read_latency_s", "write_latency_s", "read_energy_J", "write_energy_J", "leakage_W", "area_m2")


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    return facts(**ASKED)


@pytest.fixture(scope="module")
def coded() -> Sheet:
    return facts("sram", "7nm", "200KiB", 5, "128", "read-latency", ecc="secded", mode="sequential",
                 limits={"area_m2": 1e-6}, figures={"7nm.transistors.vdd_V": 0.72}, temperature_K=310.0)  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, sheet: Sheet) -> Path:
    path = tmp_path_factory.mktemp("sheet") / "sheet.pdf"
    path.write_bytes(typeset(document_of(sheet, "hwmodel datasheet --cell stt"), sheet_figures(sheet))[0])
    return path


def test_the_parts_are_there_on_two_pages(written: Path, sheet: Sheet) -> None:
    text = text_of(written)
    assert len(PdfReader(written).pages) == 2
    for part in ("96 KiB STT-MRAM cache at 16 nm", "8 ways, lines of 64 B", "What it is made of", "Works used",
                 "Among its alternatives", "What moves it", "The bit cell", "Make it again", "page 2 of 2",
                 "calibrated in part", "hwmodel datasheet --cell stt", *(f"Figure {n}." for n in (1, 2, 3)),
                 *(f"Table {n}." for n in (1, 2, 3, 4))):  # fmt: skip
        assert part in text, part
    for name in FIELDS:
        assert engineering(name, getattr(sheet.design, name)) in text
    assert all(" ".join(work.split()[:3]) in text for work in sheet.design.works.values())


def test_no_raw_float_reaches_a_page(written: Path, coded: Sheet, tmp_path: Path) -> None:
    other = tmp_path / "x.pdf"
    other.write_bytes(typeset(document_of(coded, "again"), sheet_figures(coded))[0])
    for path in (written, other):
        told = text_of(path).partition("Works used")[0]
        assert not re.findall(r"\d\.\d{5,}|\d[eE][-+]?\d+|\bnan\b|\binf\b|None|_", told)


def test_the_design_is_that_of_the_cache_command(sheet: Sheet, coded: Sheet) -> None:
    assert sheet.design == design_cache("stt", "16nm", "96KiB", 8, 64)
    assert coded.design.mode == "sequential"
    assert coded.design.ecc == "secded"
    assert coded.design.area_m2 <= 1e-6
    assert coded.design.vdd_V == 0.72


def test_leakage_of_the_own_school_passes_through_the_design(sheet: Sheet) -> None:
    own = sheet.leakage[sheet.design.leakage]
    assert own[sheet.temperatures.index(350.0)] == pytest.approx(sheet.design.leakage_W)
    known = [value for value in own if value is not None]
    assert known == sorted(known)
    assert set(sheet.leakage) == {"ptm-hp", "ptm-lstp", "intel-14nm", "nvsim-22nm", "cacti-22nm"}


def test_no_cache_of_the_front_beats_the_chosen_one_in_all(sheet: Sheet) -> None:
    beaten = sheet.front[[*FIELDS]].lt([getattr(sheet.design, name) for name in FIELDS]).all(axis=1)
    assert not beaten.any()


def test_ports_and_the_cells_devices_are_told() -> None:
    one = facts("sram", "16nm", "32KiB", 4, "64", "area", ports=2, cell_leakage="ptm-lstp")
    told = document_of(one, "hwmodel datasheet").subtitle
    assert "2 ports" in told
    assert "cells of school ptm-lstp" in told
    maker = Maker.of(load_node("16nm"), "sram", "default", "repeated", 2, with_threshold_for(load_node("16nm"),
                     load_node("16nm", leakage="ptm-lstp")))  # fmt: skip
    assert replace(one.cell, works={}, assumptions=()) == replace(maker.cell.cell, works={}, assumptions=())
    table = cell_table(one)
    assert plain("The bit cell at 350 K, of 2 ports.") == table.caption
    assert engineering("area_m2", maker.cell.cell.area_m2) in [text for row in table.rows for text in row]


@pytest.mark.parametrize("name", ["sheet", "coded"])
def test_parts_of_a_read_make_its_latency(name: str, request: pytest.FixtureRequest) -> None:
    one: Sheet = request.getfixturevalue(name)
    parts, design = one.design.parts, one.design
    code = design.organization.get("ecc", {"decode_latency_s": 0.0})["decode_latency_s"]
    column = parts["data_column_s"] if design.mode == "normal" else 0.0
    whole = parts["data_tree_s"] + parts["data_mat_s"] + column + waiting_s(one) + code
    assert whole == pytest.approx(design.read_latency_s)
    if design.mode == "sequential":
        assert waiting_s(one) == pytest.approx(parts["tag_tree_s"] + parts["tag_mat_s"])
    assert ("Code" in [head.title for head in parts_table(one).headings]) == (design.ecc is not None)


def test_what_moves_it_is_ranked_and_assumptions_are_told_apart(sheet: Sheet) -> None:
    most = sheet.swings().max(axis=1).tolist()
    assert most == sorted(most, reverse=True)
    assert "leakage school" not in sheet.swings().index
    assert sheet.basis("area_m2") == "calibrated in part"  # the longest pulse sizes the cell
    assert 0 < sheet.assumed("leakage_W") < len(set(sheet.moved["assumption"]))
    assert sheet.assumed("area_m2") < sheet.assumed("read_latency_s")
    leakage = sheet.swings()["leakage_W"].drop(sheet.stuck(), errors="ignore")
    assert sheet.swings()["leakage_W"][sheet.strongest("leakage_W")] == leakage.max()


def test_equal_caches_give_equal_bytes(sheet: Sheet, written: Path, tmp_path: Path) -> None:
    made = write_datasheet(tmp_path / "again.pdf", "hwmodel datasheet --cell stt", **ASKED)
    assert made.path.read_bytes() == written.read_bytes()
    assert made.pages == 2
    assert made.design == sheet.design


def test_names() -> None:
    assert assumption_label("stt.junction.half_bias_V") == "STT-MRAM: junction half bias"
    assert spoken("default.figures.activity") == "activity (circuits)"
    assert spoken("global wires") == "global wires"
    assert moved_label("stt.write.path_ohm", 1500.0) == "STT-MRAM: write path, 1.5 kΩ"
    assert moved_label("stt.junction.resistance_area_ohm_m2", 5e-12) == "STT-MRAM: junction resistance area, 5.00 pΩ·m²"
    assert moved_label("global wires", "repeated") == "global wires, repeated"
    assert (node_label("7nm"), node_label("my")) == ("7 nm", "my")
    assert [lasting(s) for s in (2.4e-4, 7200.0, 86400.0 * 3, 3.2e8, 1e14)] == [
        "240 µs", "2.00 hours", "3.00 days", "10.1 years", "over 1,000 years"]  # fmt: skip


def test_the_command_prints_path_pages_and_design(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sheet: Sheet
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "facts", lambda **_: sheet)
    done = CliRunner().invoke(
        root, ["datasheet", "--capacity", "96KiB", "--limit", "area_m2=1", "-o", "a.pdf", "--json"]
    )
    document = json.loads(done.stdout)
    assert (document["datasheet"], document["pages"]) == ("a.pdf", 2)
    assert document["design"]["area_m2"] == sheet.design.area_m2
    assert "hwmodel datasheet --capacity 96KiB --limit area_m2=1 --output a.pdf" in text_of(tmp_path / "a.pdf")


def test_options_are_those_of_the_cache_command() -> None:
    from circuits.commands import cache

    mine, theirs = ({option.name: option for option in command.params} for command in (datasheet, cache))
    assert set(theirs) - set(mine) <= {"front", "config"}
    assert all(mine[name] is theirs[name] for name in set(mine) & set(theirs))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--capacity: missing"),
        (["--capacity", "much"], "much"),
        (["--capacity", "3MiB", "--cell", "core"], "core"),
        (["--capacity", "3MiB", "--target", "beauty"], "beauty"),
        (["--capacity", "3MiB", "--limit", "area_m2"], "give NAME=VALUE"),
        (["--capacity", "3MiB", "--limit", "area_m2=1e-12"], "no organisation"),
        (["--capacity", "3MiB", "--set", "stt.no=1"], "no figure of this design"),
        (["--capacity", "3MiB", "-o", "sheet.txt"], "ends in .pdf"),
        (["--capacity", "3MiB", "-o", "nowhere/sheet.pdf"], "the folder nowhere does not exist"),
    ],
)
def test_mistakes_exit_with_2_in_one_line_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["datasheet", *arguments])
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_older_sheet_outlives_a_fault(
    tmp_path: Path, sheet: Sheet, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    path = tmp_path / "sheet.pdf"
    path.write_bytes(b"older")
    monkeypatch.setattr(module, "facts", lambda **_: sheet)
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(fault))
    with pytest.raises((KeyboardInterrupt, ValueError)):
        write_datasheet(path, "again")
    assert path.read_bytes() == b"older"
    assert [one.name for one in tmp_path.iterdir()] == ["sheet.pdf"]
