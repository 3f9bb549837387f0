"""Whole runs: what is counted is what was done, and nobody outlives the server."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from hwmodel.balance.meter import SUMS
from hwmodel.balance.meters import Meters
from workloads.rl.actors import ActorError, Actors
from workloads.rl.environments import make
from workloads.rl.settings import Settings, parse_service
from workloads.rl.train import train

QUICK = parse_service("200us+10us")


def phases(folder: Path) -> dict[str, dict[str, float]]:
    """Sums of all processes, by phase."""
    found: dict[str, dict[str, float]] = {}
    for (_, phase), sums in Meters(folder).read().items():
        into = found.setdefault(phase, dict.fromkeys(SUMS, 0.0))
        for name, value in zip(SUMS, sums, strict=True):
            into[name] += value
    return found


@pytest.fixture
def metered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HWMODEL_METER", str(tmp_path / "meters"))
    return tmp_path / "meters"


@pytest.mark.parametrize(("actors", "each", "env"), [(3, 2, "CartPole-v1"), (2, 1, "PongNoFrameskip-v4")])
def test_steps_are_counted_once_by_everyone(actors: int, each: int, env: str, metered: Path):
    done = train(
        Settings(env, actors, each, device="emulated", service=QUICK, steps=300, learner_service=parse_service("1ms"))
    )
    found, skip = phases(metered), done["frames_per_step"]
    assert 300 <= done["steps"] < 300 + actors * each
    assert done["frames"] == skip * done["steps"]
    # the server counts a step when its actor comes back; actors that were at it when the run ended count it themselves
    assert done["steps"] <= found["environment"]["size"] <= done["steps"] + actors * each
    assert found["environment"]["size"] == each * found["environment"]["count"] == found["frames"]["size"] / skip
    assert found["inference"]["size"] == done["steps"] + actors * each  # all that was seen, and each actor's first
    assert found["inference"]["count"] == found["gather"]["count"] == found["reply"]["count"] == done["batches"]
    # a wait between any two times of stepping; the last ended by the word to stop
    assert 0 <= found["environment"]["count"] - found["queue"]["count"] <= actors
    assert found["inference"]["wall_s"] >= found["inference"]["count"] * 200e-6 * 0.9
    assert found["environment"]["cpu_s"] <= found["environment"]["wall_s"] * 1.01
    steps = 16 * 20 if env == "CartPole-v1" else 8 * 10
    assert done["learner_batches"] <= done["steps"] / steps
    if done["learner_batches"]:
        assert found["learner"]["size"] == done["learner_batches"] * steps * skip


@pytest.mark.parametrize(("given", "most"), [(5, 4), (4, 4), (2, 2), (None, 8)])
def test_no_batch_is_above_the_largest(given: int | None, most: int):
    done = train(
        Settings("CartPole-v1", 4, 2, device="emulated", service=parse_service("3ms"), steps=100, max_batch=given)
    )
    assert done["batch_max"] <= most
    assert done["batch_mean"] > most / 2  # they pile up meanwhile


def test_a_batch_waits_for_as_many_as_it_was_told():
    done = train(Settings("CartPole-v1", 4, device="emulated", service=QUICK, steps=100, min_batch=4, patience_s=5.0))
    assert done["batch_mean"] == 4


def test_nothing_is_counted_unless_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("HWMODEL_METER", raising=False)
    monkeypatch.chdir(tmp_path)
    assert train(Settings("CartPole-v1", 1, device="emulated", service=QUICK, steps=5))["steps"] == 5
    assert not list(tmp_path.iterdir())


def test_an_actor_that_is_killed_ends_the_run_with_its_name():
    settings = Settings("CartPole-v1", 2, device="emulated", service=QUICK, steps=1)
    actors = Actors(settings, make("CartPole-v1").shape)
    try:
        actors.take(2, 2, 60.0, time.perf_counter() + 60)
        victim = psutil.Process(actors.process.pid).children()[1]
        victim.kill()
        with pytest.raises(ActorError, match=rf"actor 1 \(process {victim.pid}\): ended by signal SIGKILL"):
            actors.take(2, 2, 60.0, time.perf_counter() + 60)
    finally:
        actors.stop()
    assert actors.process.returncode == 0


def test_an_environment_that_fails_ends_the_run_with_its_reason():
    settings = Settings("CartPole-v1", 2, device="emulated", service=QUICK, steps=1)
    actors = Actors(settings, make("CartPole-v1").shape)
    try:
        numbers = actors.take(2, 2, 60.0, time.perf_counter() + 60)
        actors.layout.board["action"][1] = 7  # no such action
        actors.ring(numbers)
        with pytest.raises(ActorError, match=r"actor 1 \(process \d+\): AssertionError: .*7"):
            actors.take(2, 2, 60.0, time.perf_counter() + 60)
    finally:
        actors.stop()


def started(*arguments: str) -> tuple[subprocess.Popen, list[psutil.Process]]:
    """A run on the command line, and all its processes once it tells of frames."""
    command = [sys.executable, "-c", "from hwmodel.cli import main; main()", "rl", "train", "--env", "CartPole-v1",
               "--json", "--device", "emulated", "--service", "1ms", "--actors", "3", "--seconds", "60",
               *arguments]  # fmt: skip
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stderr is not None
    assert "frames/s" in run.stderr.readline()
    return run, psutil.Process(run.pid).children(recursive=True)


def gone(processes: list[psutil.Process]) -> bool:
    def alive(process: psutil.Process) -> bool:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE

    end = time.monotonic() + 20
    while any(map(alive, processes)) and time.monotonic() < end:
        time.sleep(0.01)
    return not any(map(alive, processes))


def test_actors_end_with_a_server_that_is_killed():
    run, processes = started()
    assert len(processes) == 4  # three, and who holds them
    run.kill()
    run.communicate()
    assert gone(processes)


def test_an_interrupt_keeps_what_there_is_and_leaves_nobody(tmp_path: Path):
    run, processes = started("-o", str(tmp_path / "run"))
    os.kill(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert (run.returncode, out, err) == (130, "", "hwmodel: interrupted\n")
    assert gone(processes)
    rows = (tmp_path / "run" / "curve.csv").read_text().splitlines()
    assert rows[0].startswith("seconds,steps,frames,episodes,return_mean")
    assert len(rows) >= 2  # the last one; that of the first second, unless the interrupt came first
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["actors"] == 3
