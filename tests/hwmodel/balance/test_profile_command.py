"""`hwmodel balance profile`: one document, a view in words, a mistake in one line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hwmodel.balance.commands import balance
from hwmodel.balance.profile import view
from hwmodel.cli import _with_json

RUN = "from hwmodel.balance.commands import balance\nfrom hwmodel.cli import _with_json\n_with_json(balance).main()"
JOB = """
import os, sys, time
from hwmodel.balance import Meter
child = os.fork()
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
print("to standard output"); print("to standard error", file=sys.stderr)
meter, end = Meter(), time.monotonic() + 1
while time.monotonic() < end:
    with meter.phase("environment", 2): sum(range(1000))
    meter.frames(2)
if child: os.wait()
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    folder = tmp_path_factory.mktemp("run") / "profile"
    line = [sys.executable, "-c", RUN, "profile", "-o", str(folder), "--json", "--", sys.executable, "-c", JOB]
    return subprocess.run(line, capture_output=True, text=True, check=False), folder


def test_standard_output_holds_the_document_alone(done):
    run, folder = done
    assert run.returncode == 0, run.stderr
    document = json.loads(run.stdout)
    assert document["output"] == str(folder)
    assert document["ended"]["exit_status"] == 0
    assert "to standard output" in run.stderr
    assert "to standard error" in run.stderr
    (actor,) = (row for row in document["steady"]["roles"] if row["role"] == "actor")
    assert document["totals"]["processes"] == 2
    assert 0.3 < actor["wait_share"] < 1  # two on one core


def test_people_read_who_waited(done, capsys: pytest.CaptureFixture[str]):
    document = json.loads(done[0].stdout)
    view.view(document)
    printed = capsys.readouterr().out
    share = next(row["wait_share"] for row in document["steady"]["roles"] if row["role"] == "actor")
    assert f"Actors waited {100 * share:.0f} % of the time for a core." in printed
    assert f"{document['steady']['frames_per_second']:,.4g} (from the job's meters)" in printed
    assert "environment" in printed
    if document["steady"]["gpus"] is None:
        assert "No GPU figures: NVML: " in printed


def test_warnings_and_missing_frames_are_told(capsys: pytest.CaptureFixture[str]):
    document = {"output": "x", "command": ["true"], "ended": {"how": "exit status 0"}, "wall_s": 1.0, "totals": None,
                "steady": None, "warnings": ["it rained"]}  # fmt: skip
    view.view(document)
    printed = capsys.readouterr().out
    assert "Warning: it rained." in printed
    assert "No frames were counted" in printed


def test_gpu_figures_that_are_not_told_are_named():
    document = {"steady": {"roles": [], "frames_per_second": 1.0, "gpus": []}, "warnings": [],
                "gpu": {"devices": [{"gpu": 0, "unreadable": {"energy_J": "Not Supported"}}]}}  # fmt: skip
    assert list(view.sentences(document)) == ["GPU 0: no energy_J: Not Supported."]


@pytest.mark.parametrize(
    ("options", "wrong"),
    [(["--cpus", "a-b", "--", "true"], "cpus 'a-b'"), (["--cpus", "3-1", "--", "true"], "cpus '3-1'"),
     (["--role", "x", "--", "true"], "role 'x'"), (["--", "not-a-program"], "'not-a-program': not found"),
     ([], "no command")],
)  # fmt: skip
def test_a_mistake_is_one_line(options: list[str], wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"give|not found") as error:
        _with_json(balance).main(["profile", *options], standalone_mode=False)
    assert getattr(error.value, "is_input_error", False)
    assert wrong in str(error.value)
    assert not list(tmp_path.iterdir())


def test_what_follows_the_command_is_the_commands(tmp_path: Path):
    job = [sys.executable, "-c", "import sys; print(sys.argv)", "--json", "--hz", "7"]
    line = [sys.executable, "-c", RUN, "profile", "-o", str(tmp_path / "p"), *job]
    run = subprocess.run(line, capture_output=True, text=True, check=True)
    assert "['-c', '--json', '--hz', '7']" in run.stderr
    assert run.stdout.startswith("output ")
