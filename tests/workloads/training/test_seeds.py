"""Runs a seed: kept as soon as done, gone on with, refused when they are of something else."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from circuits.errors import InputError
from workloads.training.seeds import run_seeds, seconds

SETTINGS = {"net": "resnet", "epochs": 3, "deep": {"widths": (1, 2)}}


def rows_of(seed, report, scale=1.0):
    report(0.5)
    return [{"seed": seed, "accuracy": np.float32(scale * seed / 4), "loss": float("inf")} for _ in range(2)]


def noted(seed, report, note=None):
    with Path(note).open("a") as file:
        file.write(f"{seed} {os.getpid()} {torch.get_num_threads()}\n")
    return rows_of(seed, report)


def failing(seed, report):
    if seed == 2:
        raise KeyboardInterrupt
    return rows_of(seed, report)


def expected(*seeds):
    return [{"seed": seed, "accuracy": seed / 4, "loss": None} for seed in seeds for _ in range(2)]


def test_rows_come_back_in_order_and_are_kept(tmp_path):
    told = []
    threads = torch.get_num_threads()
    found = run_seeds(tmp_path / "run", [3, 1], SETTINGS, rows_of, on_progress=lambda *a: told.append(a))
    assert found == expected(3, 1)
    assert torch.get_num_threads() == threads
    assert told[-1][:2] == (2, 2)
    assert all(0 <= done <= total == 2 for done, total, _ in told)
    document = json.loads((tmp_path / "run" / "seeds" / "seed-3.json").read_text())
    assert document["rows"] == expected(3)
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["deep"] == {"widths": [1, 2]}
    assert set(seconds(tmp_path / "run")) == {1, 3}
    assert all(value >= 0 for value in seconds(tmp_path / "run").values())


def test_finished_seeds_do_not_run_again(tmp_path):
    note = tmp_path / "note"
    one = partial(noted, note=note)
    run_seeds(tmp_path / "run", [0, 1], SETTINGS, one)
    assert run_seeds(tmp_path / "run", [1, 2, 0], SETTINGS, one) == expected(1, 2, 0)
    assert [line.split()[0] for line in note.read_text().splitlines()] == ["0", "1", "2"]
    assert {line.split()[2] for line in note.read_text().splitlines()} == {"1"}  # thread


def test_processes_of_their_own_give_the_same(tmp_path):
    note = tmp_path / "note"
    found = run_seeds(tmp_path / "run", [0, 1, 2], SETTINGS, partial(noted, note=note), jobs=2)
    assert found == expected(0, 1, 2)
    lines = [line.split() for line in note.read_text().splitlines()]
    assert sorted(line[0] for line in lines) == ["0", "1", "2"]
    assert str(os.getpid()) not in {line[1] for line in lines}
    assert {line[2] for line in lines} == {"1"}


def test_an_interrupt_keeps_what_was_done(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_seeds(tmp_path, [1, 2, 3], SETTINGS, failing)
    assert {path.name for path in (tmp_path / "seeds").iterdir()} == {"seed-1.json"}
    assert run_seeds(tmp_path, [1, 2, 3], SETTINGS, rows_of) == expected(1, 2, 3)


SLOW = """
import sys, time
from pathlib import Path
from workloads.training.seeds import run_seeds

def one(seed, report):
    time.sleep(0.01 if seed == 0 else 60)
    return [{"seed": seed}]

run_seeds(Path(sys.argv[1]), [0, 1], {}, one)
"""


def test_a_kill_keeps_what_was_done(tmp_path):
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "run")], env=os.environ | {"PYTHONPATH": "."}
    )
    kept = tmp_path / "run" / "seeds" / "seed-0.json"
    try:
        until = time.monotonic() + 60
        while not kept.exists() and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert json.loads(kept.read_text())["rows"] == [{"seed": 0}]
    assert not (tmp_path / "run" / "seeds" / "seed-1.json").exists()


def test_a_folder_of_other_settings_is_refused(tmp_path):
    run_seeds(tmp_path, [0], SETTINGS, rows_of)
    for other, match in (
        (SETTINGS | {"epochs": 4}, "holds a run with epochs 3, not 4; give the same, or another folder"),
        (SETTINGS | {"lr": 0.1}, "with lr null, not 0.1"),
        ({"net": "resnet", "epochs": 3}, r'with deep {"widths": \[1, 2\]}, not null'),
    ):
        with pytest.raises(InputError, match=match) as caught:
            run_seeds(tmp_path, [1], other, rows_of)
        assert "\n" not in str(caught.value)
        assert str(tmp_path) in str(caught.value)
    assert len(list((tmp_path / "seeds").iterdir())) == 1


def test_files_that_are_none_of_a_run_are_refused(tmp_path):
    run_seeds(tmp_path, [0], SETTINGS, rows_of)
    kept = tmp_path / "seeds" / "seed-0.json"
    whole = kept.read_text()
    for text, match in (
        ("{", "cannot be read"),
        ("[]", "no settings or rows"),
        ("{}", "no seed's rows"),
        (whole.replace('"seed": 0', '"seed": 5', 1), "of another run"),
    ):
        kept.write_text(text)
        with pytest.raises(InputError, match=match) as caught:
            run_seeds(tmp_path, [0], SETTINGS, rows_of)
        assert "\n" not in str(caught.value)
    kept.write_text(whole)
    (tmp_path / "settings.json").unlink()
    with pytest.raises(InputError, match=r"holds seeds without settings.json"):
        run_seeds(tmp_path, [0], SETTINGS, rows_of)
    with pytest.raises(InputError, match="each only once"):
        run_seeds(tmp_path / "other", [0, 0], SETTINGS, rows_of)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="give a folder that can be written to"):
        run_seeds(tmp_path / "file" / "run", [0], SETTINGS, rows_of)
