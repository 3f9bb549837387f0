"""The comparison of times: its tables by hand, and how near the measured kernels are."""

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.gpu import times
from benchmarks.gpu.timed import Card, counted, launch_of, tile_of, timed
from benchmarks.gpu.validate import JOBS, again, name_of
from traces import capture_network
from traces.counters.table import read_table
from traces.trace import Kernel

H200 = Card.h200()
COUNTERS = times.REFERENCE / "gpu_counters_h200.csv"
XMMA = "sm80_xmma_gemm_f32f32_f32f32_f32_tn_n_tilesize32x128x8_stage3_warpsize1x2x1_ffma_aligna4"


@pytest.fixture(scope="module")
def kernels():
    _, rows = read_table(COUNTERS)
    traces = {
        name_of(job): capture_network(job.network, job.batch, job.phase, H200.lowered.name, shape=job.shape,
                                      dtype=job.dtype)
        for job in JOBS if any(row.item == name_of(job) for row in rows)
    }  # fmt: skip
    table, start, told = timed(again(rows, H200.lowered.name), traces, H200)
    assert told.sum() == 1
    assert start == pytest.approx(2.38e-6, rel=0.01)
    return table[~told]


def test_kernels_names_state_their_tiles():
    assert tile_of(XMMA) == (32, 128, 8, 64)
    assert tile_of("void cutlass::Kernel2<cutlass_80_simt_sgemm_128x64_8x5_tn_align1>") == (128, 64, 8, 128)
    assert tile_of("void gemmSN_TN_kernel<float, 128, 16, 2, 4>") is None


def test_a_launch_is_as_its_name_says_or_as_ours():
    ours = Kernel("gemm", "aten.mm", "", "forward", 8, 64 * 256 * 512, 0, 128, 128, 64, 10**8)
    found = launch_of(XMMA, ours, results=64 * 256, written=4 * 64 * 256)
    assert (found["blocks"], found["threads"]) == (4 * 4, 64)  # two by two tiles, four slices of the reduction
    assert found["rounds"] == 512 / 4 / 8
    assert found["issued_macs"] == found["macs"]
    assert launch_of("gemmSN", ours, 64 * 256, 64 * 256)["blocks"] == 8


def test_errors_are_those_of_ratios():
    table = pd.DataFrame({
        "item": ["bert_base", "a", "a"], "mode": ["cold", "cold", "warm"], "class": ["gemm", "gemm", "copy"],
        "time_measured_s": [1.0, 2.0, 4.0], "time_s": [1.1, 1.0, 4.0],
    })  # fmt: skip
    found = {(row["mode"], row["class"]): row for row in times.errors(table)}
    assert found["cold", "gemm"]["median"] == pytest.approx(0.3)
    assert found["cold", "gemm"]["sum_ratio"] == pytest.approx(0.7)
    assert found["both", "all"]["kernels"] == 3
    assert found["both", times.UNSEEN]["mean"] == pytest.approx(0.25)
    assert found["both", "all"]["mean_ratio"] == pytest.approx((1.1 * 0.5 * 1.0) ** (1 / 3))


def test_kernels_take_about_what_an_h200_takes(kernels):
    """As measured: 14.3 % median, 52 % at the 90th percentile, 27.3 % in the mean, 0.79 of the summed time."""
    found = {(row["mode"], row["class"]): row for row in times.errors(kernels)}
    whole, roofline = found["both", "all"], times.errors(kernels, "roofline_s")[-1]
    assert len(kernels) == 615
    assert whole["median"] == pytest.approx(0.143, abs=0.02)
    assert whole["p90"] == pytest.approx(0.52, abs=0.05)
    assert whole["mean"] == pytest.approx(0.273, abs=0.03)
    assert whole["sum_ratio"] == pytest.approx(0.79, abs=0.04)
    assert whole["mean"] < 0.65 * roofline["mean"]
    assert found["warm", "gemm"]["median"] < 0.12
    assert found["cold", "elementwise"]["median"] < 0.08
    assert found["warm", "batch_norm"]["median"] > 0.5  # cuDNN's takes three times what its bytes ask for


def test_every_measured_kernel_is_in_the_table_once(kernels):
    _, rows = read_table(COUNTERS)
    assert len(kernels) + 1 == sum(bool(row.measured_kernel) for row in rows)
    own = {row.item for row in rows}
    assert set(kernels["item"]) == own
    assert counted([], {}).empty


def test_a_whole_run_takes_about_what_an_h200_takes():
    (row,) = times.runs(times.REFERENCE / "gpu_machine_h200.csv", H200, ["resnet18 inference"])
    assert row["launch"] == "graph"
    assert row["time_measured_s"] == pytest.approx(1.451e-3, rel=0.01)
    assert row["time_ratio"] == pytest.approx(0.39, abs=0.05)
    assert row["energy_ratio"] == pytest.approx(0.53, abs=0.07)
    assert row["roofline_ratio"] < 0.3


def test_the_table_is_printed(capsys):
    document = {"gpu": "a card", "date": "a day", "start_under_profiler_s": 2e-6, "runs": []}
    line = {"mode": "both", "class": "all", "kernels": 1, "median": 0.1, "p90": 0.2, "mean": 0.1, "mean_ratio": 0.9,
            "sum_ratio": 0.9}  # fmt: skip
    times.show(document | {name: [line] for name in ("counted", "own")}
               | {f"{name}_roofline": line for name in ("counted", "own")})  # fmt: skip
    out = capsys.readouterr().out
    assert "a card, a day; a kernel starts 2.00 us into its time" in out
    assert out.count("all, roofline") == 2
    assert Path(times.__file__).name == "times.py"
