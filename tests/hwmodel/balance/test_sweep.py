"""Sweeps: what is limited is read back; MPS is believed only when the driver counts fewer SMs; mistakes in one line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from circuits.errors import InputError
from hwmodel.balance import mps, sweep
from hwmodel.balance.model.job import Job, Time

JOB = """
import os, sys, time
from hwmodel.balance import Meter
number = int(sys.argv[1])
for _ in range(number - 1):
    if not os.fork(): break
meter, end = Meter(), time.monotonic() + 0.6
while time.monotonic() < end:
    with meter.phase("environment"): sum(range(2000))
    meter.add("queue", wall_s=1e-3)
    time.sleep(1e-3)
    meter.frames(4)
while True:
    try: os.wait()
    except ChildProcessError: break
"""


def swept(folder: Path, *words: str, **more):
    given = {"actors": [1, 2], "threads": [1], "shares": None, "mps": False, "seconds": 20, "frames": None, "job": None}
    return sweep.swept(folder, words, advance=lambda *_: None, **given | more)


def test_a_sweep_is_measured_beside_what_is_predicted_and_not_run_again(tmp_path: Path, monkeypatch):
    job = Job("j", {"actor_s": Time(1e-4), "device_s": Time(1e-3)}, frames_per_request=4)
    words = (sys.executable, "-c", JOB, "{actors}")
    rows = swept(tmp_path, *words, job=job)
    assert [(row["actors"], row["threads"]) for row in rows] == [(1, 1), (2, 1)]
    assert all(row["frames_per_second"] > 0 and row["predicted_frames_per_second"] > 0 for row in rows)
    assert rows[0]["sm_share"] is rows[0]["frames_per_joule"] is None
    told = pd.read_csv(tmp_path / "sweep.csv")
    assert told["frames_per_second"].tolist() == pytest.approx([row["frames_per_second"] for row in rows])

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("hwmodel.balance.calibrate.watch", never)
    assert swept(tmp_path, *words) == [
        {k: v for k, v in row.items() if "predicted" not in k and k != "limit"} for row in rows
    ]
    with pytest.raises(InputError, match="holds a run of another command"):
        swept(tmp_path, *words, "more")


@pytest.mark.parametrize(
    ("words", "more", "match"),
    [(("x",), {}, "actors"), ((), {}, "COMMAND"), (("x", "{actors}"), {"threads": [1 << 13]}, "this process may use"),
     (("x", "{actors}"), {"shares": [0.5]}, "sm_share"), (("x", "{actors}", "{sm_share}"), {}, "give --sm-shares"),
     (("x", "{actors}"), {"mps": True}, "give --sm-shares")],
)  # fmt: skip
def test_mistakes_are_told_before_anything_runs(tmp_path: Path, words, more, match):
    with pytest.raises(InputError, match=match):
        swept(tmp_path / "new", *words, **more)
    assert not (tmp_path / "new").exists()


def test_without_mps_nothing_is_shared(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=f"no {mps.DAEMON}"):
        swept(tmp_path / "new", "x", "{actors}", shares=[0.5], mps=True)


@pytest.mark.parametrize(("limited", "whole", "held"), [(40, 80, True), (80, 80, False)])
def test_a_percentage_is_believed_when_fewer_sms_are_seen(monkeypatch, limited: int, whole: int, held: bool):
    def driver(words, env, **_):
        return subprocess.CompletedProcess(words, 0, f"{limited if mps.PERCENTAGE in env else whole}\n", "")

    monkeypatch.setattr(subprocess, "run", driver)
    if held:
        mps.check(50)
        assert mps.seen_sms(50) == limited
    else:
        with pytest.raises(InputError, match="has no effect"):
            mps.check(50)
    assert mps.PERCENTAGE not in os.environ


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="there is a driver")
def test_without_a_driver_it_says_so():
    with pytest.raises(InputError, match="no GPU"):
        mps.check(50)
