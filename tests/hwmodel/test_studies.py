"""A whole study of a small network of the user's own, from the command line, with its mistakes and interruptions."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from hwmodel.gpu.accounting import account
from hwmodel.gpu.dram import load_dram
from tests import program

NETWORK = """
from torch import nn, zeros


class Small(nn.Sequential):
    def example_inputs(self, batch):
        return (zeros(batch, 3, 32, 32),)


def small():
    return Small(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))
"""
STUDY = (
    "study",
    "iso-capacity",
    "--networks",
    "mynet:small",
    "--phases",
    "inference:2,training:4",
    "--capacity",
    "64KiB",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mynet.py").write_text(NETWORK)
    return tmp_path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from hwmodel.cli import main; main()", *arguments]


def hwmodel(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return program.run(["hwmodel", *arguments], folder)


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stderr
    line = done.stderr.strip().splitlines()
    assert len(line) == 1, done.stderr
    for word in words:
        assert word in line[0]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    (folder / "mynet.py").write_text(NETWORK)
    done = hwmodel(folder, *STUDY, "-o", "out", "--jobs", "2", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert {"results.csv", "results.parquet", "caches.csv", "traffic.csv", "study.yaml", "report.pdf"} <= set(
        document["files"]
    )
    assert all((folder / "out" / name).stat().st_size for name in document["files"])
    return folder


def test_results_hold_together(study: Path) -> None:
    results = pd.read_csv(study / "out" / "results.csv")
    assert len(results) == 6
    assert sorted(set(results["cell"])) == ["sot", "sram", "stt"]
    pd.testing.assert_frame_equal(results, pd.read_parquet(study / "out" / "results.parquet"))
    assert (results["l2_reads"] == results["read_hits"] + results["read_misses"]).all()
    assert (results["l2_writes"] == results["write_hits"] + results["write_misses"]).all()
    assert (results["dram_writes"] <= results["l2_writes"]).all()
    traffic = ["l2_reads", "l2_writes", "dram_reads", "dram_writes"]
    assert len(results[["network", "phase", *traffic]].drop_duplicates()) == 2  # the same for every cell
    again = account(results, load_dram("gddr5x"), 32)
    pd.testing.assert_frame_equal(again, results)


def test_traffic_by_kernel_adds_up(study: Path) -> None:
    results = pd.read_csv(study / "out" / "results.csv").query("cell == 'sram'").set_index("phase")
    columns = ["l2_reads", "l2_writes", "dram_reads", "dram_writes"]
    kernels = pd.read_csv(study / "out" / "traffic.csv").groupby("phase")[columns].sum()
    for phase in ("inference", "training"):
        assert kernels.loc[phase].to_dict() == results.loc[phase, columns].to_dict()


def test_the_study_names_its_sources_and_assumptions(study: Path) -> None:
    made = yaml.safe_load((study / "out" / "study.yaml").read_text())["made"]
    assert "deepnvm" in made["works"]
    assert made["assumptions"]
    assert made["networks"] == {"mynet:small": {"parameters": 3 * 32 * 9 + 32 + 330, "macs": 32 * 32 * 32 * 27 + 320}}
    assert (
        made["sectors_replayed"]
        == pd.read_csv(study / "out" / "traffic.csv")[["l2_reads", "l2_writes"]].to_numpy().sum()
    )


def test_a_rerun_finds_the_same(study: Path) -> None:
    done = hwmodel(study, "study", "rerun", "out/study.yaml", "-o", "again", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    for name in ("results.csv", "caches.csv", "traffic.csv"):
        assert (study / "again" / name).read_bytes() == (study / "out" / name).read_bytes()


def test_a_study_may_be_written_again_into_its_folder(study: Path) -> None:
    done = hwmodel(study, "study", "rerun", "out/study.yaml", "-o", "out", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert "Read out/report.pdf" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--cells", "sram,vacuum"), ("vacuum",)),
        (("--node", "11nm"), ("11nm",)),
        (("--networks", "vgg17"), ("vgg17", "vgg16")),
        (("--networks", "mynet:large"), ("mynet:large",)),
        (("--gpu", "voodoo2"), ("voodoo2", "gtx1080ti")),
        (("--dram", "ddr9"), ("ddr9", "gddr5x")),
        (("--capacity", "0"), ("capacity '0'", "not positive")),
        (("--capacity", "-1"), ("capacity '-1'", "not positive")),
        (("--capacity", "3.5 B"), ("capacity '3.5 B'", "whole")),
        (("--capacity", "1e30"), ("capacity '1e30'", "1 TiB")),
        (("--phases", "dreaming:4"), ("dreaming:4", "inference:4")),
        (("--phases", "training:0"), ("training",)),
        (("--cells", ""), ("cells",)),
        (("--target", "beauty"), ("beauty",)),
        (("--jobs", "0"), ("jobs",)),
        (("--colour", "red"), ("--colour",)),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    folder: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    assert_refused(hwmodel(folder, *STUDY, "-o", "a/b/out", *arguments), *words)
    assert not (folder / "a").exists()


def test_a_folder_that_cannot_be_used_is_refused_before_the_work(folder: Path) -> None:
    (folder / "file").write_text("x")
    assert_refused(hwmodel(folder, *STUDY, "-o", "file/out"), "file/out")
    assert_refused(hwmodel(folder, *STUDY, "-o", "file"), "file")
    assert_refused(hwmodel(folder, *STUDY, "-o", "/proc/out"), "/proc/out")
    assert_refused(hwmodel(folder, *STUDY, "-o", "."), "holds other files")
    assert sorted(path.name for path in folder.iterdir() if path.name != "__pycache__") == ["file", "mynet.py"]


@pytest.mark.parametrize(
    "text", ["", "- 1\n", "study: iso-capacity\nnodes: 1\n", "capacity: 1e-9\n", "a: 1\na: 2\n", "\0"]
)
def test_a_study_file_that_cannot_be_used_is_refused(folder: Path, text: str) -> None:
    (folder / "study.yaml").write_text(text)
    assert_refused(hwmodel(folder, "study", "rerun", "study.yaml", "-o", "out"), "study.yaml")
    assert not (folder / "out").exists()


def test_a_missing_study_file_is_refused(folder: Path) -> None:
    assert_refused(hwmodel(folder, "study", "rerun", "none.yaml", "-o", "out"), "none.yaml")


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
@pytest.mark.parametrize("wait_s", [0.5, 2, 8])
def test_ctrl_c_ends_all_and_leaves_nothing(folder: Path, wait_s: float) -> None:
    """A study far too long to end on its own is interrupted before, while and after its workers start."""
    arguments = ("study", "iso-capacity", "--networks", "vgg16,googlenet", "--phases", "training:64", "-o", "out")
    process = subprocess.Popen(
        command(*arguments, "--jobs", "2"), cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not (folder / "out").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(wait_s)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.strip().splitlines()[-1] == "hwmodel: interrupted"
    assert "Traceback" not in err
    assert not out
    assert not (folder / "out").exists()
