"""`hwmodel method`: options from settings, shapes, runs and studies in folders, their reports, and what is refused."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from circuits.errors import InputError
from hwmodel.cli import root
from reports.study import make_report
from tests.workloads.methods import toy
from workloads.methods import faces
from workloads.methods.commands import Methods
from workloads.methods.method import Claim, find_method, known_methods
from workloads.methods.options import settings_of
from workloads.recipes import read_recipes


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "find_method", lambda name: toy.METHOD if name == "toy" else find_method(name))
    monkeypatch.setattr(Methods, "list_commands", lambda self, ctx: ["toy", "other"])


def ask(*words: str) -> Any:
    """Return what a command prints as JSON."""
    result = CliRunner().invoke(root, ["method", "toy", *words, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(*words: str) -> str:
    result = CliRunner().invoke(root, ["method", "toy", *words])
    assert result.exit_code != 0
    return str(result.exception) if isinstance(result.exception, InputError) else result.output


def test_shapes_are_told_and_written(tmp_path: Path) -> None:
    path = tmp_path / "nets.yaml"
    document = ask("shapes", "--bits", "1, 8", "-o", str(path))
    small, large = document["networks"]
    assert (small["network"], small["bits"], large["bits"]) == ("of-1", 1, 8)
    assert small["macs"] == large["macs"]
    weights = 8 / 7 * (large["weight_bytes"] - small["weight_bytes"])  # one bit in place of eight, of these
    others = large["parameters"] - weights  # biases and what normalises stay in four bytes
    assert large["weight_bytes"] == pytest.approx(weights + 4 * others, abs=4)
    assert list(read_recipes(path)) == ["of-1", "of-8"]
    assert "is there already" in refused("shapes", "-o", str(path))
    assert "ends in .yaml" in refused("shapes", "-o", str(tmp_path / "nets.txt"))
    assert "no such folder" in refused("shapes", "-o", str(tmp_path / "none" / "nets.yaml"))


def test_a_run_leaves_tables_verdicts_and_a_report(tmp_path: Path) -> None:
    folder = tmp_path / "answer"
    document = ask("run", "--steps", "5", "--no-flip", "--seeds", "3", "-o", str(folder))
    assert [claim["verdict"] for claim in document["claims"]] == ["holds", "does not hold", "not shown"]
    record = yaml.safe_load((folder / "study.yaml").read_text())
    assert record["settings"] == {"steps": 5, "share": None, "how": "fast", "flip": False}
    assert record["seeds"] == [0, 1, 2]
    with (folder / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    assert float(rows[-1]["accuracy"]) == pytest.approx(6.2)
    assert (folder / "front.csv").is_file()
    text = (folder / "report.html").read_text()
    assert "Of 3 claims, 1 holds, 1 does not hold, 1 is not shown." in text
    assert "--no-flip" in text
    assert make_report(folder).pages >= 2


def test_a_run_that_was_stopped_goes_on_in_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "answer"
    (folder / "seeds").mkdir(parents=True)
    assert ask("run", "--seeds", "1", "-o", str(folder))["seeds"] == 1
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    assert "holds other files" in refused("run", "-o", str(tmp_path / "mine"))


def test_a_study_puts_the_networks_on_caches_and_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def profile(runtime: str, items: list[Any], folder: Path, plan: Any, core_W: None, advance: Any) -> dict[str, Any]:
        """Answer in place of the machine's clock."""
        assert (runtime, plan.rounds, plan.threads, core_W) == ("torch", 4, 2, None)
        assert folder.name == "live-torch-2"
        assert callable(advance)
        times = [{"name": item.name, "wall_corrected_s": 0.5 + place} for place, item in enumerate(items)]
        return {"measurements": times[::-1]}

    monkeypatch.setattr("hwmodel.latency.profile.run.profile", profile)
    folder = tmp_path / "cost"
    document = ask("study", "--bits", "1,8", "--cells", "sram,sot", "--phases", "inference:1", "--jobs", "1",
                   "--staircase", "3", "-o", str(folder))  # fmt: skip
    with (folder / "staircase.csv").open(newline="") as file:
        steps = list(csv.DictReader(file))
    assert [(row["widths"], row["first_channels"]) for row in steps] == [
        (kind, str(count)) for count in (14, 15, 16) for kind in ("exact", "rounded")
    ]
    assert int(steps[0]["macs"]) < int(steps[1]["macs"]) < int(steps[-1]["macs"])
    reads = {(row["network"], row["cell"]): row["dram_reads"] for row in document["summary"]}
    assert reads["of-1", "sram"] == reads["of-1", "sot"] < reads["of-8", "sram"]
    first, second = document["latencies"]
    assert first["latency_s"] == second["latency_s"] > 0
    record = yaml.safe_load((folder / "study.yaml").read_text())
    assert record["settings"]["dtype"] == "int8"  # the method's own default
    assert any("of how many bits" in one for one in record["made"]["assumptions"])
    assert "From of-1 to of-8" in (folder / "report.html").read_text()
    again = ask("study", "--nets", str(folder / "networks.yaml"), "--cells", "sram,sot", "--phases", "inference:1",
                "--devices", "none", "--live", "torch:2", "--rounds", "4", "--jobs", "1",
                "-o", str(tmp_path / "again"))  # fmt: skip
    assert again["summary"] == document["summary"]
    assert [(row["basis"], row["device"], row["latency_s"]) for row in again["latencies"]] == [
        ("measured", "this machine, torch, 2 threads", time) for time in (0.5, 1.5)
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("shapes", "--bits", "1,x"), "--bits"),
        (("shapes", "--side", "3"), "--side 3: Input should be greater than or equal to 8"),
        (("run", "--how", "so", "-o", "x"), "'so' is not one of"),
        (("run", "--seeds", "0", "-o", "x"), "0 is not in the range"),
        (("study", "--phases", "inference", "-o", "x"), "--phases inference"),
        (("study", "--devices", "nothing", "-o", "x"), "nothing"),
        (("study", "--nets", "none.yaml", "-o", "x"), "none.yaml"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    words: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert told in refused(*words)
    assert not list(tmp_path.iterdir())


def test_help_tells_fields_and_defaults() -> None:
    text = CliRunner().invoke(root, ["method", "toy", "run", "--help"]).output
    assert "How many.  [default: 3]" in " ".join(text.split("\n")).replace("  [", "  [")
    assert "--flip / --no-flip" in text
    assert "[fast|slow]" in text
    assert settings_of(toy.Run, {"share": "0.5"}) == toy.Run(share=0.5)
    assert settings_of(toy.Run, {"share": "none"}) == toy.Run(share=None)


def test_a_verdict_is_of_the_whole_interval() -> None:
    def verdict(low: float, high: float) -> str:
        return Claim.above("", ((low + high) / 2, low, high), "", "", 1).verdict

    assert [verdict(0.1, 1), verdict(-1, -0.1), verdict(-1, 1)] == ["holds", "does not hold", "not shown"]


def test_a_method_that_is_not_there_is_told() -> None:
    with pytest.raises(InputError, match="method 'none': unknown; known are bitwidth"):
        find_method("none")
    assert {"bitwidth", "joslim", "vip", "width-transfer"} <= set(known_methods())


def test_a_damaged_run_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "answer"
    ask("run", "--seeds", "1", "-o", str(folder))
    claims = (folder / "claims.csv").read_text()
    (folder / "claims.csv").write_text(claims.replace("0.5", "five"))
    with pytest.raises(InputError, match="low is 'five', not a number"):
        make_report(folder)
    (folder / "claims.csv").write_text(claims)
    summary = (folder / "summary.csv").read_text()
    (folder / "summary.csv").write_text(summary.replace("accuracy", "speed"))
    with pytest.raises(InputError, match="no numbers in a column 'accuracy'"):
        make_report(folder)
