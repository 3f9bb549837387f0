"""Meters: what a job counts is what is read, while it runs and after it died, from every process and thread of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.balance import Meter
from hwmodel.balance.meter import FILE_BYTES, SLOTS, SUMS
from hwmodel.balance.meters import Meters

EVENT = st.tuples(st.integers(1, 64), st.floats(0, 10), st.floats(0, 10))


@given(st.lists(EVENT, min_size=1, max_size=20))
def test_sums_are_those_of_the_events(tmp_path_factory: pytest.TempPathFactory, events):
    folder = tmp_path_factory.mktemp("meters")
    meter = Meter(folder)
    for size, wall, cpu in events:
        meter.add("inference", size, wall, cpu)
    sums = dict(zip(SUMS, Meters(folder).read()[os.getpid(), "inference"], strict=True))
    n, w, c = np.array(events, dtype=float).T
    expected = {"count": len(events), "size": n.sum(), "size2": n @ n, "wall_s": w.sum(), "wall_s2": w @ w,
                "size_wall_s": n @ w, "cpu_s": c.sum(), "cpu_s2": c @ c, "size_cpu_s": n @ c}  # fmt: skip
    assert sums == pytest.approx(expected)


def test_two_meters_of_a_process_add_up_and_phases_stay_apart(tmp_path: Path):
    first, second, reader = Meter(tmp_path), Meter(tmp_path), Meters(tmp_path)
    first.frames(3)
    assert reader.read()[os.getpid(), "frames"][1] == 3
    second.frames(4)
    second.add("queue", wall_s=0.5)
    found = reader.read()
    assert found[os.getpid(), "frames"][:2].tolist() == [2, 7]
    assert found[os.getpid(), "queue"][3] == 0.5


def test_a_phase_is_timed_by_the_wall_and_by_the_processor(tmp_path: Path):
    meter = Meter(tmp_path)
    with meter.phase("environment", size=8):
        sum(range(200_000))
    with pytest.raises(RuntimeError), meter.phase("environment"):
        raise RuntimeError
    sums = dict(zip(SUMS, Meters(tmp_path).read()[os.getpid(), "environment"], strict=True))
    assert sums["count"] == 1
    assert sums["size"] == 8
    assert 0 < sums["cpu_s"] <= sums["wall_s"] * 1.01


def test_without_a_folder_nothing_is_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("HWMODEL_METER", raising=False)
    monkeypatch.chdir(tmp_path)
    meter = Meter()
    meter.frames(1)
    with meter.phase("environment"):
        pass
    assert not list(tmp_path.iterdir())


def test_sums_outlive_a_killed_process(tmp_path: Path):
    code = "import os, signal; from hwmodel.balance import Meter; m = Meter(); m.frames(5); os.kill(os.getpid(), 9)"
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | {"HWMODEL_METER": str(tmp_path)}, check=False)
    assert done.returncode == -signal.SIGKILL
    (sums,) = Meters(tmp_path).read().values()
    assert sums[1] == 5


def test_a_forked_process_counts_for_itself(tmp_path: Path):
    code = """
import os
from hwmodel.balance import Meter
m = Meter(); m.frames(5)
child = os.fork()
m.frames(1 if child else 2)
if child: os.waitpid(child, 0)
else: os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"HWMODEL_METER": str(tmp_path)}, check=True)
    assert sorted(sums[1] for sums in Meters(tmp_path).read().values()) == [2, 6]


def test_strange_files_are_passed_over_and_unfinished_ones_found_later(tmp_path: Path):
    reader = Meters(tmp_path / "later")
    assert reader.read() == {}
    folder = tmp_path / "later"
    folder.mkdir()
    (folder / "1-0.meter").write_bytes(b"short")
    (folder / "2-0.meter").write_bytes(os.urandom(FILE_BYTES))
    (folder / "notes.txt").write_text("hello")
    (folder / "3-0.meter").mkdir()
    assert reader.read() == {}
    (folder / "1-0.meter").unlink()
    Meter(folder).frames(2)
    (sums,) = reader.read().values()
    assert sums[1] == 2


@pytest.mark.parametrize("name", ["", "Frames", "x" * 33, "two words", "ä"])
def test_a_phase_has_a_plain_name(tmp_path: Path, name: str):
    with pytest.raises(ValueError, match="phase"):
        Meter(tmp_path).add(name)


def test_a_meter_has_room_for_so_many_phases(tmp_path: Path):
    meter = Meter(tmp_path)
    for number in range(SLOTS):
        meter.add(f"phase{number}")
    with pytest.raises(ValueError, match="holds"):
        meter.add("one_more")
    assert len(Meters(tmp_path).read()) == SLOTS
