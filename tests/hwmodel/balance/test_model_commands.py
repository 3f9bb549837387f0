"""`hwmodel balance calibrate|predict|recommend|machines` as their user meets them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from circuits.errors import InputError
from hwmodel.balance.commands import balance
from hwmodel.balance.model.job import load_job
from hwmodel.cli import main

TRAIN = '''
"""Trains with so many actors in one process, and counts what it does."""
import sys, time
from hwmodel.balance.meter import Meter
meter, actors, end = Meter(), int(sys.argv[1]), time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    for _ in range(actors):
        with meter.phase("environment"):
            until = time.thread_time() + 2e-4
            while time.thread_time() < until: pass
        meter.add("queue", 1, 3e-3)
    with meter.phase("inference", actors):
        time.sleep(2e-3 + 5e-4 * actors)
    meter.frames(4 * actors)
'''


def run(*arguments):
    """Return a command's document."""
    found = CliRunner().invoke(balance, [str(one) for one in arguments], standalone_mode=False)
    if found.exception:
        raise found.exception
    return found.return_value


def refused(capsys, *arguments) -> str:
    """Return the line that a mistake ends with."""
    with pytest.raises(SystemExit) as ended:
        main(["balance", *(str(one) for one in arguments)])
    assert ended.value.code == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith("hwmodel: ")
    return line


def train(folder: Path, seconds: float = 1.2) -> list[str]:
    path = folder / "train.py"
    path.write_text(TRAIN)
    return ["--", sys.executable, str(path), "{actors}", str(seconds)]


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibrated")
    return folder, run("calibrate", "-o", folder / "job", "--actors", "1,3", *train(folder))


def test_calibrate_runs_the_command_and_keeps_the_job(calibrated):
    folder, document = calibrated
    assert [row["actors"] for row in document["runs"]] == [1, 3]
    assert sorted(path.name for path in (folder / "job").iterdir()) == ["job.yaml", "runs"]
    job = load_job(folder / "job")
    assert job.name == "job"
    assert job.frames_per_request == pytest.approx(4, rel=0.1)
    assert 1e-4 < job.time("actor_s") < 2e-3
    assert 1e-3 < job.time("device_s") + job.time("device_each_s") < 2e-2
    assert set(document["times"]) == set(job.times) == set(document["spreads"])
    assert json.loads(json.dumps(document, default=str))["frames_per_request"] == job.frames_per_request


def test_runs_that_are_there_are_not_run_again(calibrated, tmp_path):
    folder, document = calibrated
    began = [path.stat().st_mtime_ns for path in sorted((folder / "job" / "runs").glob("*/profile.yaml"))]
    again = run("calibrate", "-o", folder / "job", "--actors", "1,3", "--turns", *train(folder))
    assert again["runs"][0]["frames_per_second"] == document["runs"][0]["frames_per_second"]
    assert [path.stat().st_mtime_ns for path in sorted((folder / "job" / "runs").glob("*/profile.yaml"))] == began
    assert load_job(folder / "job").turns
    with pytest.raises(InputError, match="holds a run of another command; give another --output"):
        run("calibrate", "-o", folder / "job", "--actors", "1,3", *train(folder, 1.3))
    run("calibrate", "-o", folder / "job", "--actors", "1,3", *train(folder))


def test_profiles_serve_as_runs(calibrated, tmp_path):
    folder, document = calibrated
    runs = folder / "job" / "runs"
    found = run("calibrate", "-o", tmp_path, "--profile", f"1={runs}/actors-1-1", "--profile", f"3={runs}/actors-3-1")
    assert found["times"] == document["times"]
    alone = run("calibrate", "-o", tmp_path, "--profile", runs / "actors-3-1")  # a process that acts is an actor
    assert [row["actors"] for row in alone["runs"]] == [1]
    assert any("all runs have the same number of actors" in line for line in alone["warnings"])


@pytest.mark.parametrize(("arguments", "told"), [
    ([], "give either -- COMMAND with {actors} in it, or --profile DIR"),
    (["--profile", "x", "--", "true", "{actors}"], "give either -- COMMAND"),
    (["--", "train", "4"], "train 4: does not say where the number of actors goes; write {actors} there"),
    (["--profile", "x=y"], "--profile x=y: give DIR, or ACTORS=DIR"),
    (["--profile", "0=y"], "--profile 0=y: give DIR, or ACTORS=DIR"),
    (["--profile", "nowhere"], "nowhere"),
    (["--seconds", "0", "--", "true", "{actors}"], "'--seconds': 0: give a number above 0"),
    (["--seconds", "nan", "--", "true", "{actors}"], "'--seconds': nan: give a number above 0"),
    (["--actors", "0", "--", "true", "{actors}"], "give whole numbers above 0, such as 1,2,4"),
    (["--actors", "1;2", "--", "true", "{actors}"], "give whole numbers above 0, such as 1,2,4"),
    (["--ahead", "nan", "--", "true", "{actors}"], "'--ahead': nan: give a number of 0 or more"),
    (["--repeats", "0", "--", "true", "{actors}"], "'--repeats'"),
    (["--actors", "1", "--", "false", "{actors}"], "false 1: ended with exit status 1; see "),
    (["--actors", "1", "--", "sleep", "0.3{actors}"], "no frames were counted; give --frames, or count them"),
    (["--actors", "1", "--", "no-such-program", "{actors}"], "no-such-program"),
])  # fmt: skip
def test_a_calibration_that_cannot_be(capsys, tmp_path, arguments, told):
    assert told in refused(capsys, "calibrate", "-o", tmp_path / "job", *arguments)
    assert not (tmp_path / "job" / "job.yaml").exists()


def test_ctrl_c_keeps_the_runs_that_are_done(tmp_path):
    command = [sys.executable, "-c", "from hwmodel.cli import main; main()", "balance", "calibrate", "-o",
               tmp_path / "job", "--actors", "1,2", *train(tmp_path, 0.7)]  # fmt: skip
    (tmp_path / "train.py").write_text(TRAIN.replace("float(sys.argv[2])", "(0.7 if sys.argv[1] == '1' else 60)"))
    child = subprocess.Popen(command, env=os.environ, stderr=subprocess.PIPE, text=True, start_new_session=True)
    second = tmp_path / "job" / "runs" / "actors-2-1" / "output.log"
    until = time.monotonic() + 60
    while not second.exists() and child.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130, said
    assert said.splitlines()[-1] == "hwmodel: interrupted"
    assert (tmp_path / "job" / "runs" / "actors-1-1" / "profile.yaml").exists()
    assert not (tmp_path / "job" / "job.yaml").exists()


@pytest.fixture
def by_hand(tmp_path):
    path = tmp_path / "job.yaml"
    times = {"actor_s": 1e-3, "gather_s": 1e-4, "device_s": 5e-4, "device_each_s": 5e-5}
    path.write_text(yaml.safe_dump({"format": 1, "name": "mine", "sms": 80, "threads": 8, "times": times}))
    return path


def test_predict_prints_a_row_a_setting(by_hand, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["balance", "predict", str(by_hand), "--actors", "4,16", "--threads", "2,8", "--sms", "40,80", "--json"])
    assert ended.value.code == 0
    rows = json.loads(capsys.readouterr().out)
    settings = [(row["actors"], row["threads"], row["sms"]) for row in rows]
    assert settings == [(n, t, s) for t in (2, 8) for s in (40, 80) for n in (4, 16)]
    for row in rows:
        assert row["low_frames_per_second"] < row["frames_per_second"] < row["high_frames_per_second"]
        assert row["limit"] in ("threads", "device", "learner", "server", "actors")
        assert 0 < row["threads_busy"] <= 1
        assert row["learner_steps_per_second"] is None


@pytest.mark.parametrize(("arguments", "told"), [
    (["--actors", "x"], "give whole numbers above 0"),
    (["--actors", "1", "--threads", "0"], "give whole numbers above 0"),
    (["--actors", "100000"], "actors: 100000: give 1 to 65536"),
    (["--actors", "9" * 5000], "give whole numbers above 0"),
    (["--actors", "1", "--model", "guess"], "guess"),
    ([], "--actors"),
])  # fmt: skip
def test_a_prediction_that_cannot_be(capsys, by_hand, arguments, told):
    assert told in refused(capsys, "predict", by_hand, *arguments)


def test_a_job_that_is_none(capsys, by_hand, tmp_path):
    assert "No such file" in refused(capsys, "predict", tmp_path / "nowhere", "--actors", "1")
    by_hand.write_text(by_hand.read_text().replace("sms: 80", "sms: 0"))
    assert "says of no SMs" in refused(capsys, "predict", by_hand, "--actors", "1", "--sms", "4")
    by_hand.write_text("format: 1\nname: x\ntimes: {actor_s: fast}\n")
    assert "times: actor_s: 'fast' is no number" in refused(capsys, "recommend", by_hand)


def test_recommend_for_a_machine_and_among_machines(by_hand):
    one = run("recommend", by_hand, "--machine", "aws-p3-2xlarge")
    assert set(one) >= {"machines", "best", "knee", "gains", "balanced_cpu_gpu_ratio", "settings", "notes"}
    assert "Of the job, not measured: actor_s, device_each_s, device_s, gather_s." in one["notes"]
    two = run("recommend", by_hand, "--machine", "aws-p3-2xlarge", "--machine", "aws-g4dn-xlarge", "--budget", "1kW")
    assert "best" not in two
    assert {row["machine"]: row["number"] for row in two["machines"]} == {"aws-p3-2xlarge": 2, "aws-g4dn-xlarge": 8}
    balance.commands["recommend"].view(one)


@pytest.mark.parametrize(("arguments", "told"), [
    (["--machine", "dgx-9"], "machine 'dgx-9': unknown; known are"),
    (["--machine", "dgx-1", "--budget", "20"], "--budget 20: give a number above 0 with W"),
    (["--machine", "dgx-1", "--thread-speed", "0"], "'--thread-speed': 0: give a number above 0"),
    (["--machine", "dgx-1", "--sm-speed", "nan"], "'--sm-speed': nan: give a number above 0"),
])  # fmt: skip
def test_a_recommendation_that_cannot_be(capsys, by_hand, arguments, told):
    assert told in refused(capsys, "recommend", by_hand, *arguments)


def test_machines_are_listed_by_their_ratio():
    rows = run("machines")
    ratios = [row["cpu_gpu_ratio"] for row in rows]
    assert ratios == sorted(ratios)
    assert {"dgx-1", "dgx-a100", "gh200"} < {row["machine"] for row in rows}
