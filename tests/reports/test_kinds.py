"""Each kind of study is told whole: question, answer, figures, tables, and a PDF and a page made of them."""

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from circuits.errors import InputError
from hwmodel.studies import ask, reproduce
from hwmodel.studies.folder import save
from hwmodel.studies.runner import Runner
from hwmodel.studies.store import Store, default_folder
from reports.record import read_record
from reports.studies import KINDS, tell
from reports.study import make_report
from tests.hwmodel.test_questions import made_up
from tests.hwmodel.traffic import instead_of_replay

SMALL = {"networks": ["alexnet", "squeezenet"], "phases": {"inference": 1, "training": 2}}
KNOWN: dict[str, dict[str, Any]] = {
    "explore": {
        "networks": ["squeezenet"],
        "phases": {"inference": 1},
        "capacities": ["64KiB", "256KiB"],
        "ways": [4, 8],
        "sram_ways": [0, 1],
        "budget": 12,
        "population": 4,
    },
    "iso-capacity": {**SMALL, "capacity": "64KiB", "dies": 2},
    "iso-area": {**SMALL, "capacity": "48KiB", "ways": 4, "most": 3},
    "scaling": {**SMALL, "capacities": ["64KiB", "256KiB", "1MiB"], "dies": 2},
    "batch": {**SMALL, "capacity": "64KiB", "phases": ["inference"], "batches": [1, 4]},
    "sensitivity": {**SMALL, "capacity": "64KiB", "nodes": ["7nm"], "gpus": ["h100"], "capacities": ["256KiB"]},
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("kinds")
    with instead_of_replay(made_up):
        for kind, values in KNOWN.items():
            ask(kind, output=base / kind, **values)
        with Store(default_folder()) as store:
            save(reproduce.reproduction(Runner(store)), _made(base / "reproduce"))
    make_report(base / "reproduce")
    return {kind: base / kind for kind in [*KNOWN, "reproduce"]}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def words(text: Any) -> str:
    return "".join(span.text for span in text)


@pytest.mark.parametrize("kind", [*KNOWN, "reproduce"])
def test_a_kind_is_told_whole(folders: dict[str, Path], kind: str) -> None:
    folder = folders[kind]
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
    told = tell(read_record(folder))
    document = told.document
    assert document.question.endswith("?")
    assert len(words(document.answer)) > 60
    assert document.keys.rows
    assert all(len(row) in (1, len(document.keys.headings)) for row in document.keys.rows)
    titles = [section.title for section in document.sections]
    assert "What was assumed" in titles
    assert "Make it again" in titles
    assert all(section.blocks for section in document.sections)
    assert told.figures
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert document.question in page
    for name, content in told.figures.items():
        assert (folder / "figures" / name).read_bytes() == content


@pytest.mark.parametrize("kind", [*KNOWN, "reproduce"])
def test_a_report_is_remade_byte_for_byte(folders: dict[str, Path], kind: str) -> None:
    folder = folders[kind]
    before = {name: (folder / name).read_bytes() for name in ("report.pdf", "report.html")}
    os.utime(folder / "results.csv", (0, 0))
    make_report(folder)
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_scaling_names_the_crossings(folders: dict[str, Path]) -> None:
    answer = words(tell(read_record(folders["scaling"])).document.answer).partition("The caches alone")[0]
    summary = pd.read_csv(folders["scaling"] / "summary.csv")
    own = summary[(summary["figure"] == "edp_Js") & (summary["cell"] == "stt") & (summary["over"] == "sram")]
    assert ("STT-MRAM overtakes SRAM on no workload" in answer) == own.empty


def test_sensitivity_says_what_turns_the_choice(folders: dict[str, Path]) -> None:
    answer = words(tell(read_record(folders["sensitivity"])).document.answer)
    summary = pd.read_csv(folders["sensitivity"] / "summary.csv", keep_default_na=False)
    for figure in ("edp_reduction_mean", "cache_edp_reduction_mean"):
        base = summary[summary["factor"] == "base"].set_index("cell")[figure].astype(float)
        others = summary[summary["factor"] != "base"]
        turned = any((base[row["cell"]] - 1) * (float(row[figure]) - 1) < 0 for _, row in others.iterrows())
        assert not turned or "would turn that" in answer
    assert "Most depends on the" in answer


def test_two_accountings_stand_side_by_side(folders: dict[str, Path]) -> None:
    document = tell(read_record(folders["iso-capacity"])).document
    (section,) = [one for one in document.sections if one.title == "What a GPU that hides latency makes of it"]
    table = section.blocks[1]
    assert {heading.over for heading in table.headings} == {"", "summed", "latency hidden", "whole board"}


def test_bands_and_yields_are_told_where_chips_were_drawn(folders: dict[str, Path]) -> None:
    titled = {kind: [one.title for one in tell(read_record(folders[kind])).document.sections] for kind in KNOWN}
    drawn = [kind for kind, titles in titled.items() if "What process variation makes of it" in titles]
    assert drawn == ["iso-capacity", "scaling"]


def test_a_reproduction_gives_reasons_for_far_edps(folders: dict[str, Path]) -> None:
    rows = pd.read_csv(folders["reproduce"] / "results.csv", keep_default_na=False)
    far = rows[rows["name"].str.startswith("iso_capacity.edp") & ((rows["ratio"] - 1).abs() > 0.15)]
    assert far["reason"].str.len().gt(20).all()


@pytest.mark.parametrize("damage", ["results.csv", "summary.csv", "study.yaml"])
def test_a_damaged_folder_is_one_line(folders: dict[str, Path], tmp_path: Path, damage: str) -> None:
    from shutil import copytree

    for kind in ("scaling", "sensitivity", "reproduce"):
        copy = tmp_path / kind
        copytree(folders[kind], copy)
        before = (copy / "report.pdf").read_bytes()
        data = (copy / damage).read_bytes()
        keep = 120 if damage == "study.yaml" else len(data) // 2  # half of what was made is still a record
        (copy / damage).write_bytes(data[:keep].rstrip(b"\n"))
        with pytest.raises(InputError) as caught:
            make_report(copy)
        assert damage in str(caught.value)
        assert "\n" not in str(caught.value)
        assert (copy / "report.pdf").read_bytes() == before


def test_every_kind_of_study_has_a_report() -> None:
    from hwmodel.studies.spec import STUDIES

    others = {f"balance-{one}" for one in ("profile", "job", "recommend")} | {"latency-fit", "latency-profile"}
    others |= {"method-run", "method-study"}
    assert set(KINDS) == {*STUDIES, "reproduce", *others}
