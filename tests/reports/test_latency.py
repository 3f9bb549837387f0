"""Reports of what `hwmodel latency` leaves: a predictor's file, a profile's folder."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from circuits.errors import InputError
from hwmodel.cli import root
from hwmodel.latency.layers.evidence import of_blocks
from hwmodel.latency.layers.model import crossed
from hwmodel.latency.layers.predictor import write_layers
from hwmodel.latency.query.evidence import Evidence, LeftOut, Next, Source
from hwmodel.latency.query.form import Numbers
from hwmodel.latency.query.listed import write_listed
from hwmodel.latency.query.predictor import DEVICES
from reports.record import read_source
from reports.studies import Told, latency_parts, tell
from reports.study import make_report
from tests.hwmodel.latency.layer_devices import known, learned, numbers, small, times_of

SHIPPED = DEVICES / "epyc-avx512-litert"
QUANTILES = [[0.5, 0.7, 0.7], [0.9, 1.6, 1.6]]


def listed_device(path: Path, count: int = 12, **more: Any) -> Path:
    """A predictor of listed networks, whose samples are off by known errors."""
    draw = np.random.default_rng(0)
    measured = np.geomspace(1e-3, 5e-2, count)
    rows = [LeftOut(name=f"net {place} <b>|x", measured=own, mean=own * (1 + error), deviation=0.05, floor=own * 1.4)
            for place, (own, error) in enumerate(zip(measured, draw.normal(0, 0.04, count), strict=True))]  # fmt: skip
    sources = [Source(name=f"p{n}|big|mean", family=f"p{n}", kind="AB"[n % 2], weight=0.3 - 0.1 * n, correlation=0.9)
               for n in range(4)]  # fmt: skip
    given: dict[str, Any] = {
        "left_out": rows, "sources": sources, "kinds": {"all": 0.4, "A": 0.3, "B": 0.1, "none": 0.2},
        "next": [Next(name="[1, 2]", mean=2e-3, deviation=0.2)], "floor": "a straight line in FLOPS",
        "reach": "sources",
    }  # fmt: skip
    evidence = Evidence(**(given | more))
    said = Numbers(device="phone", quantity="latency_s", link="log", quantiles=QUANTILES, evidence=evidence,
                   conditions={"governor": "performance"}, provenance={"table": "t.csv", "samples": count})  # fmt: skip
    write_listed(path, said, ["a", "b"], np.zeros(2), np.ones(2))
    return path


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A predictor of layers, with two networks beside its blocks."""
    graphs, families, times = known()
    blocks = ([f"block {place}" for place in range(len(graphs))], families.tolist(), graphs, times)
    networks = [small(8), small(24)]
    found = of_blocks(
        learned(),
        crossed(learned(), graphs, times),
        blocks,
        (["one", "two"], ["made"] * 2, networks, times_of(networks)),
    )
    path = tmp_path_factory.mktemp("device") / "desk.safetensors"
    write_layers(path, numbers(evidence=found), learned())
    return path


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The measurements of a device that comes along, beside visits of a session that slowed down and grew warm."""
    folder = tmp_path_factory.mktemp("profile") / "desk"
    shutil.copytree(SHIPPED, folder)
    draw, lines = np.random.default_rng(1), [{"format": 1}]
    for place in range(60):
        slow = 1 + 0.1 * (place > 30)
        time_s = [(1 + place % 3) * 1e-3 * slow * (1 + 0.002 * draw.normal()) for _ in range(3)]
        lines.append({
            "item": f"anchor_{'abc'[place % 3]}", "graph": "0", "role": "anchor", "round": 0, "at_s": 1e9 + 10 * place,
            "inner": 1, "wall_s": time_s, "cpu_s": time_s, "involuntary_switches": 0, "temperature_C": 40 + place / 9,
            "frequency_Hz": 2e9, "steal_s": None,
        })  # fmt: skip
    (folder / "visits.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def told_of(path: Path) -> Told:
    return tell(read_source(path))


def words(text: Any) -> str:
    return "".join(span.text for span in text)


def titles(told: Told) -> list[str]:
    return [section.title for section in told.document.sections]


def test_a_fit_is_told(tmp_path: Path) -> None:
    path = listed_device(tmp_path / "phone.safetensors")
    made = make_report(path)
    assert made.pdf == tmp_path / "phone-report" / "report.pdf"
    assert 2 <= made.pages <= 3
    assert sorted(one.name for one in made.figures) == ["predicted.svg", "sources.svg", "trust.svg"]
    told = told_of(path)
    answer = words(told.document.answer)
    rows = json.loads(json.dumps([one.model_dump() for one in _evidence(path).left_out]))
    errors = [abs(row["mean"] / row["measured"] - 1) for row in rows]
    assert f"Half of 12 samples are within {100 * np.median(errors):.1f}\u00a0%" in answer
    inside = sum(abs(np.log(row["measured"] / row["mean"])) <= 1.6 * 0.05 for row in rows)
    assert f"holds {inside} of 12" in answer
    assert "half are within 40\u00a0%" in answer
    assert "20\u00a0% is on no other device" in answer
    assert titles(told) == ["How far intervals can be trusted", "Which devices count", "What to measure next",
                            "Farthest off", "Conditions", "Make it again"]  # fmt: skip
    page = made.html.read_text(encoding="utf-8")
    assert "net 3 &lt;b&gt;|x: measured" in page
    assert "governor" in page
    again = make_report(path, output=tmp_path / "again")
    for one, other in ((made.pdf, again.pdf), (made.html, again.html)):
        assert one.read_bytes() == other.read_bytes()


def _evidence(path: Path) -> Evidence:
    from hwmodel.latency.query.predictor import load

    predictor: Any = load(path)
    return predictor.numbers.evidence


@pytest.mark.parametrize("more", [
    {"sources": [], "kinds": {"none": 1.0}, "next": [], "floor": "", "reach": "normal law"},
    {"sources": [Source(name="p", family="p", correlation=0.5)], "kinds": {}, "reach": "left out"},
    {"left_out": [LeftOut(name="only", measured=1e-3, mean=1e-3, deviation=0.0)]},
])  # fmt: skip
def test_whatever_a_fit_lacks(tmp_path: Path, more: dict[str, Any]) -> None:
    told = told_of(listed_device(tmp_path / "a.safetensors", **more))
    assert told.document.keys.rows
    assert ("sources.svg" in told.figures) == bool(more.get("sources", True))
    assert len(words(told.document.answer)) > 60


def test_layers_are_told_by_class(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency_parts, "NETWORKS", ("squeezenet",))
    told = told_of(desk)
    answer = words(told.document.answer)
    assert "Half of 2 networks are within" in answer
    assert "The kind of block missed most is" in answer
    assert set(told.figures) == {"predicted.svg", "trust.svg", "classes.svg", "kinds.svg"}
    assert b"SqueezeNet: conv 1x1" in told.figures["classes.svg"]
    (following,) = [one for one in told.document.sections if one.title == "What to measure next"]
    assert "softmax" in words(following.blocks[0].text)  # type: ignore[union-attr]
    names = {row[0] for row in told.document.keys.rows}
    assert {"networks, never learned from", "blocks, left out"} <= names


def test_a_profile_is_told(profile: Path, tmp_path: Path) -> None:
    made = make_report(profile, output=tmp_path / "pages")
    assert 2 <= made.pages <= 3
    assert {one.name for one in made.figures} == {"course.svg", "work.svg", "noise.svg", "told.svg"}
    assert not (profile / "report.pdf").exists()
    told = told_of(profile)
    assert "Half of 50 blocks" in words(told.document.answer)
    assert "frequency [GHz]" not in told.figures["told.svg"].decode()  # it did not move
    (row,) = [row for row in told.document.keys.rows if row[0] == "blocks"]
    assert row[1] == "50"
    assert told.document.date == "2026-11-26"


def test_a_profile_without_its_visits_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "desk"
    shutil.copytree(SHIPPED, folder)
    told = told_of(folder)
    (drift,) = [one for one in told.document.sections if one.title == "Drift"]
    assert "visits.jsonl" in words(drift.blocks[0].text)  # type: ignore[union-attr]
    assert set(told.figures) == {"work.svg", "noise.svg"}


def spoil(folder: Path, name: str, content: bytes | None) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)


@pytest.mark.parametrize(("name", "content", "says"), [
    ("device.yaml", None, "no finished profile"),
    ("measurements.parquet", None, "no finished profile"),
    ("measurements.parquet", b"PAR1", "no finished profile"),
    ("device.yaml", b"- 3", "lacks conditions"),
    ("visits.jsonl", b"{}\n", "line 1: damaged"),
    ("visits.jsonl", b'{"format": 1}\n{"item": 3}\n', "line 2: damaged"),
    ("visits.jsonl", b'{"format":1}\n' + json.dumps({
        "item": "a", "graph": "", "role": "anchor", "round": 0, "at_s": "x", "inner": 1, "wall_s": [1], "cpu_s": [1],
        "involuntary_switches": 0}).encode() + b"\n", "no positive numbers"),
])  # fmt: skip
def test_a_damaged_profile_is_one_line(
    profile: Path, tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    folder = tmp_path / "desk"
    shutil.copytree(profile, folder)
    spoil(folder, name, content)
    with pytest.raises(InputError) as caught:
        make_report(folder)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (folder / "report.pdf").exists()


def test_mistakes_exit_with_2_and_leave_nothing(tmp_path: Path, desk: Path) -> None:
    bare = tmp_path / "bare.safetensors"
    write_layers(bare, numbers(), learned())
    (tmp_path / "cut.safetensors").write_bytes(bare.read_bytes()[:400])
    mistakes = {"bare.safetensors": "keeps no measurement", "cut.safetensors": "damaged",
                "no.safetensors": "no such file", "no": "no such folder"}  # fmt: skip
    for given, says in mistakes.items():
        done = CliRunner().invoke(root, ["report", str(tmp_path / given)], standalone_mode=False)
        assert says in str(done.exception)
        assert "\n" not in str(done.exception)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["bare.safetensors", "cut.safetensors"]
