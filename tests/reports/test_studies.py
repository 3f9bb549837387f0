import sys
from pathlib import Path
from types import ModuleType

import pytest

from circuits.errors import InputError
from hwmodel.cli import main
from reports import studies
from reports.csv_table import read_table
from reports.labels import cell_label
from reports.model import Document, Heading, Section, Table, plain, strong
from reports.record import Record, read_record
from reports.results import CACHE, POSITIVE, RESULT, TEXT, TRAFFIC, read_study, study_of
from reports.studies import Told, common, tell
from reports.study import make_report
from reports.tables import caches_table, workloads_table
from tests.reports.test_page import check, parsed
from tests.reports.test_study import text_of


def renamed(folder: Path, kind: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("iso-capacity", kind), encoding="utf-8")
    return folder


def test_an_unknown_kind_is_one_line_that_lists_the_known(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["report", str(renamed(folder, "iso-weight"))])
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert "study.yaml: no report is known of a study 'iso-weight'; known are iso-capacity" in error
    assert error.count("\n") == 1
    assert not (folder / "report.pdf").exists()


def test_a_record_is_of_any_kind(folder: Path) -> None:
    (folder / "results.csv").unlink()
    record = read_record(renamed(folder, "iso-weight"))
    assert (record.kind, record.version, record.inputs["node"]) == ("iso-weight", "0.1.0", "16nm")
    assert record.basis("edp_Js") == "modelled"


@pytest.mark.parametrize("kind", studies.KINDS)
def test_every_kind_has_a_module(kind: str) -> None:
    __import__(studies.KINDS[kind])
    assert callable(sys.modules[studies.KINDS[kind]].tell)


def _area(record: Record) -> Told:
    """A kind as docs/reports.md shows how to add one: a headline of its own, and the sections that all share."""
    rows = read_table(record.folder / "caches.csv", ("cell",), CACHE)
    headings = [Heading("Cell", align="left"), Heading("Area", "mm²")]
    keys = Table(plain("Areas."), headings, [[cell_label(r["cell"]), f"{r['area_m2'] * 1e6:.2f}"] for r in rows])
    least = min(rows, key=lambda row: row["area_m2"])
    study = study_of(record, read_table(record.folder / "results.csv", TEXT, RESULT, POSITIVE), rows,
                     read_table(record.folder / "traffic.csv", ("network", "phase", "kernel"), TRAFFIC))  # fmt: skip
    sections = [common.assumptions(record), Section("The caches", [caches_table(study)]),
                Section("The traffic", [workloads_table(study)]), common.works(record),
                common.again(record, "The caches are in caches.csv."), common.figures_assumed(record)]  # fmt: skip
    return Told(
        Document(common.title_of(record), "by area", "area", "Which is the smallest?",
                 plain(strong(f"{cell_label(least['cell'])}.")), keys, [], [s for s in sections if s.blocks],
                 record.date.isoformat(), record.version),
        {},
    )  # fmt: skip


def test_a_further_kind_plugs_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("iso_weight")
    module.tell = _area  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "iso_weight", module)
    monkeypatch.setitem(studies.KINDS, "iso-weight", "iso_weight")
    made = make_report(renamed(folder, "iso-weight"))
    assert made.figures == []
    text = text_of(made.pdf)
    for part in ("hwmodel · iso-weight study", "SOT-MRAM.", "What was assumed", "Works used", "arXiv:2012.04559",
                 "hwmodel report .", "The caches are in caches.csv."):  # fmt: skip
        assert part in text, part
    check(parsed(folder))


def test_a_slice_of_many_capacities_is_a_study(folder: Path) -> None:
    record = read_record(folder)
    paths = [folder / f"{name}.csv" for name in ("results", "caches", "traffic")]
    results, caches = read_table(paths[0], TEXT, RESULT), read_table(paths[1], ("cell",), CACHE)
    traffic = read_table(paths[2], ("network", "phase", "kernel"), TRAFFIC)
    both = [row | {"capacity_bytes": str(capacity)} for capacity in (3 << 20, 7 << 20) for row in traffic]
    sliced = study_of(record, results, caches, both)
    assert sliced.results == read_study(folder).results
    assert [row for rows in sliced.traffic.values() for row in rows] == both[: len(traffic)]
    with pytest.raises(InputError, match="two rows for alexnet, inference, sram"):
        study_of(record, results * 2, caches, traffic)
    assert tell(record).document.title == "hwmodel · iso-capacity study"
