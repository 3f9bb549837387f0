"""Reports of what `hwmodel balance` leaves, and of a reproduction with rows of any paper."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from circuits.errors import InputError
from hwmodel.balance.model.job import load_job
from hwmodel.cli import root
from reports.record import read_source
from reports.studies import Told, tell
from reports.studies.balance_curves import curves_of, parts
from reports.studies.balance_how import threads_of
from reports.study import make_report
from tests.reports.balance import write_job, write_machine, write_profile, write_reproduction


def told_of(path: Path) -> Told:
    return tell(read_source(path))


def words(text: Any) -> str:
    return "".join(span.text for span in text).replace("\u00a0", " ")


def titles(told: Told) -> list[str]:
    return [section.title for section in told.document.sections]


def block(told: Told, title: str, kind: str = "table") -> Any:
    (section,) = [one for one in told.document.sections if one.title == title]
    return next(one for one in section.blocks if one.type == kind)


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_profile(tmp_path_factory.mktemp("profile") / "run")


def test_a_profile_is_told(profile: Path, tmp_path: Path) -> None:
    made = make_report(profile, output=tmp_path / "pages")
    assert made.pages <= 3
    assert not (profile / "report.pdf").exists()
    told = told_of(profile)
    answer = words(told.document.answer)
    assert "Actors waited 50 % of the time they wanted a core." in answer
    assert "1.10 of 2 threads" in answer
    assert "had work 50 % of the time, on 25 % of its SMs’ cycles, and so stood still the rest" in answer
    assert "1,000 frames/s at 1.10 ms of CPU time each" in answer
    assert [row[0] for row in told.document.keys.rows] == ["actor", "learner"]
    (batches,) = [row for row in block(told, "Phases").rows if row[0] == "inference"]
    assert batches[-4:] == ["2.50 ms", "1.00 ms", "500 µs", "0 s"]  # mean, a, b, about the line
    assert titles(told) == ["Phases", "GPUs", "Warnings", "How it was measured", "From here"]
    assert "no energy_J: not supported" in words(block(told, "GPUs", "bullets").items[0])
    drawing = told.figures["timeline.svg"].decode()
    for says in ("s: 0.800 threads", "learner after", "frames/s after", ": 300 W"):
        assert says in drawing
    page = made.html.read_text(encoding="utf-8")
    assert "left &lt;the&gt; processors" in page
    again = make_report(profile, output=tmp_path / "again")
    assert [made.pdf.read_bytes(), made.html.read_bytes()] == [again.pdf.read_bytes(), again.html.read_bytes()]


def test_a_rate_that_has_not_settled_is_said_to_be_none(profile: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(profile, tmp_path / "run")
    text = (folder / "profile.yaml").read_text()
    (folder / "profile.yaml").write_text(text.replace("settled: true", "settled: false"))
    assert "a rate that had not settled" in words(told_of(folder).document.answer)
    assert "settled" not in words(told_of(profile).document.answer)


def test_without_a_gpu_there_is_a_reason_and_no_panel(tmp_path: Path) -> None:
    told = told_of(write_profile(tmp_path / "run", gpu=False))
    assert "There are no GPU figures: NVML: no library." in words(told.document.answer)
    assert "GPUs" not in titles(told)
    assert "GPU" not in told.figures["timeline.svg"].decode()


@pytest.mark.parametrize(("about", "threads"), [
    ({"cpus": {"asked": "0-3", "found": "0-2,8"}, "machine": {"allowed_cpus": 64}}, 4),
    ({"cpus": {"asked": "5", "found": None}}, 1), ({"machine": {"allowed_cpus": 2}}, 2), ({}, None),
])  # fmt: skip
def test_threads_are_those_that_the_command_was_held_to(about: dict[str, Any], threads: int | None) -> None:
    assert threads_of(about) == threads


@pytest.mark.parametrize(("name", "content"), [
    ("profile.yaml", b"format: 1\n"), ("profile.yaml", b"format: 7\n"), ("roles.parquet", None),
    ("profile.yaml", b"format: 1\nsteady: {roles: [1], start_s: 0, end_s: 1}\n"),
])  # fmt: skip
def test_a_damaged_profile_is_one_line(profile: Path, tmp_path: Path, name: str, content: bytes | None) -> None:
    folder = shutil.copytree(profile, tmp_path / "run")
    (folder / name).unlink() if content is None else (folder / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        make_report(folder)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (folder / "report.pdf").exists()


def test_a_job_is_told(tmp_path: Path) -> None:
    told = told_of(write_job(tmp_path / "job" / "job.yaml").parent)
    answer = words(told.document.answer)
    curves = curves_of(load_job(tmp_path / "job"))
    assert curves.knee["frames_per_second"] >= 0.95 * curves.best["frames_per_second"]
    assert f"{curves.knee['actors']} actors reach" in answer
    assert "Of the 2 runs it was learned from, the model is 4.5 % off in the mean, at most 5.0 %." in answer
    assert "In 1 of them other work kept threads busy" in answer
    assert [row[5] for row in told.document.keys.rows] == ["+4.0\u00a0%", "-5.0\u00a0%"]
    assert set(told.figures) == {"frames.svg", "parts.svg", "busy.svg", "limits.svg"}
    assert "Not measured: learner’s device, a step." in words(block(told, "Where the time goes").note)
    assert b"measured, 2 actors: 1,900 frames/s; modelled 1,805" in told.figures["frames.svg"]
    assert "times that are assumed, calibrated and measured" in words(told.document.pictures[0].caption)


def test_bounds_hold_and_parts_add_up(tmp_path: Path) -> None:
    job = load_job(write_job(tmp_path / "job.yaml"))
    curves = curves_of(job)
    for row, closed, *bounds in zip(curves.simulated, curves.closed, *curves.bounds.values(), strict=True):
        assert max(row["frames_per_second"], closed) <= 1.03 * min(bounds)
    from hwmodel.balance.model.settings import Setting, settled

    (asked,) = settled(job, [Setting(4, 2)])
    assert sum(parts(asked, 4.0).values()) == pytest.approx(
        asked.actor_s + asked.serve_s(4.0) / 4 + (asked.learn_cpu_s + asked.learn_device_s) / asked.learn_every
    )
    assert curves.line is not None
    assert curves.line[curves.actors.index(4)] == pytest.approx(4 * 1500)
    spans = curves.limits()
    assert [end for _, end, _ in spans[:-1]] == [begin for begin, _, _ in spans[1:]]


def test_a_job_with_runs_that_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    path = write_job(tmp_path / "job.yaml")
    path.write_text(path.read_text().replace("frames_per_second: 1500", "frames_per_second: none"))
    with pytest.raises(InputError, match="run 1: give actors"):
        make_report(path)


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("answer")
    job, machine = write_job(base / "job.yaml", sms=16), write_machine(base / "desk.yaml")
    done = CliRunner().invoke(root, ["balance", "recommend", str(job), "--machine", str(machine), "--budget", "20kW",
                                     "-o", str(base / "kept"), "--json"], catch_exceptions=False)  # fmt: skip
    document = json.loads(done.stdout)
    assert {"machines", "best", "knee", "gains", "settings", "notes"} <= set(document)
    assert sorted(document["files"]) == sorted(one.name for one in (base / "kept").iterdir())
    return base / "kept"


def test_a_recommendation_is_told(answer: Path) -> None:
    made = make_report(answer)
    assert made.pages <= 4
    assert {one.name for one in made.figures} == {"map.svg", "actors.svg", "gains.svg", "ranking.svg"}
    told = told_of(answer)
    text = words(told.document.answer)
    assert "The machine has 0.500 threads per SM, the job wants" in text
    assert "For 20 kW, " in text
    drawing = told.figures["map.svg"].decode()
    assert "desk: 8 threads, 16 SMs, 0.500 threads per SM" in drawing
    assert "knee: " in told.figures["actors.svg"].decode()
    figures = {row[0]: row for row in [one for one in next(
        section for section in told.document.sections if section.title == "What this rests on").blocks
        if one.type == "table"][1].rows}  # type: ignore[union-attr]  # fmt: skip
    assert figures["max"] == ["max", "500 W", "assumed"]
    assert figures["price"] == ["price", "4,000 USD", "published [1]"]
    ranking = block(told, "Which machine")
    assert ranking.type == "table"
    rows = [row for row in ranking.rows if row[0] == "desk"]
    assert rows[0][4] == "40"  # of 500 W each


def test_a_damaged_recommendation_is_one_line(answer: Path, tmp_path: Path) -> None:
    for name, content in (("recommend.yaml", "format: 1\n"), ("machines.csv", "machine\n"), ("results.csv", "a\n1\n")):
        folder = shutil.copytree(answer, tmp_path / name, ignore=shutil.ignore_patterns("report*", "figures"))
        (folder / name).write_text(content)
        with pytest.raises(InputError) as caught:
            make_report(folder)
        assert "\n" not in str(caught.value)
        assert not (folder / "report.pdf").exists()


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    job = write_job(tmp_path / "job.yaml", sms=16)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    asked = ["balance", "recommend", str(job), "--machine", str(write_machine(tmp_path / "desk.yaml"))]
    done = CliRunner().invoke(root, [*asked, "-o", str(tmp_path / "mine")], standalone_mode=False)
    assert "holds other files and no recommend" in str(done.exception)
    assert [one.name for one in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_any_papers_figures_are_told(tmp_path: Path) -> None:
    told = told_of(write_reproduction(tmp_path / "full"))
    assert set(told.figures) == {"ratios.svg", "hangs.svg", "actors.svg"}
    assert words(told.document.answer).startswith("1 of 2 figures come within 15 %. Beside these, 1 is what the model")
    assert "the paper’s is within what ours moves by in 1. The farthest is slow-down, half the SMs" in words(
        told.document.answer
    )
    assert ["actors 4 to 40", "5.00", "5.50", "5.20", "6.00", "1.1", "recalled", "modelled"] in told.document.keys.rows
    assert {"Why figures are missed", "What ours hangs on", "Over actors", "Machines"} <= set(titles(told))


def test_rows_alone_will_do(tmp_path: Path) -> None:
    told = told_of(write_reproduction(tmp_path / "bare", bare=True))
    assert set(told.figures) == {"ratios.svg"}
    assert [heading.title for heading in told.document.keys.headings] == ["Figure", "Paper", "Ours", "Ratio", "Status",
                                                                         "Basis"]  # fmt: skip
