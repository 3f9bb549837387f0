"""Bounds of kernels' times: laws, a slow twin, the banks of hwmodel.cache.timing, and mistakes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from circuits.errors import InputError
from hwmodel.gpu.dram import load_dram
from hwmodel.gpu.machine import load_machine
from hwmodel.gpu.overlap import BOUNDS, overlap
from hwmodel.gpu.runs import overlap_runs
from traces.gpus import load_gpu

GPU, DRAM, MACHINE = load_gpu("h100"), load_dram("hbm3"), load_machine("h100")
CACHE = {"read_latency_s": 2e-9, "write_latency_s": 5e-9, "read_energy_J": 3e-10, "write_energy_J": 7e-10,
         "leakage_W": 0.5}  # fmt: skip
STREAM = {"l2_reads": 4e6, "l2_writes": 2e6, "dram_reads": 4e6, "dram_writes": 2e6}
NOTHING = dict.fromkeys(STREAM, 0)
PRODUCT = {"l2_reads": 1e6, "l2_writes": 1e5, "dram_reads": 1e5, "dram_writes": 0, "macs": 4e9, "blocks": 512,
           "threads": 256, "registers": 128, "rounds": 64}  # fmt: skip


def table(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def of(kernel: dict, gpu=GPU, cache=CACHE, machine=MACHINE, dram=DRAM, **more) -> pd.Series:
    return overlap(table(kernel), gpu, dram, cache, machine, **more).iloc[0]


def test_a_kernel_takes_its_start_and_its_largest_bound():
    rows = overlap(table(STREAM, PRODUCT, NOTHING), GPU, DRAM, CACHE)
    columns = rows[[f"{name}_s" for name in BOUNDS]]
    assert rows["time_s"].to_numpy() == pytest.approx(rows["start_s"] + columns.max(axis=1))
    assert rows["limiter"].tolist() == ["banks", "compute", "start"]
    assert (columns.loc[2] == 0).all()


def test_runs_sum_kernels_by_their_launches():
    kernels = table(STREAM, PRODUCT).assign(launches=[3, 2], network=["a", "b"])
    times = overlap(kernels, GPU, DRAM, CACHE)["time_s"]
    caches = pd.DataFrame([CACHE, CACHE | {"write_latency_s": 9e-9}], index=["fast", "slow"])
    rows = overlap_runs(kernels, caches, GPU, DRAM, by=["network"]).set_index(["network", "cache"])
    assert rows.loc[("a", "fast"), "time_overlap_s"] == pytest.approx(3 * times[0])
    assert rows.loc[("b", "fast"), "time_overlap_s"] == pytest.approx(2 * times[1])
    assert rows.loc[("a", "slow"), "time_overlap_s"] > rows.loc[("a", "fast"), "time_overlap_s"]
    whole = overlap_runs(kernels, CACHE, GPU, DRAM).iloc[0]
    assert whole["time_overlap_s"] == pytest.approx((times * kernels["launches"]).sum())
    assert whole["launches"] == 5


@pytest.mark.parametrize(("change", "reason"), [
    ({"l2_reads": -1}, "row 0: l2_reads is -1; give a count from 0"),
    ({"l2_reads": np.nan}, "row 0: l2_reads is nan"),
    ({"l2_reads": "many"}, "l2_reads holds what is no number"),
    ({"blocks": np.inf}, "row 0: blocks is inf"),
])  # fmt: skip
def test_refuses_what_is_no_count(change, reason):
    with pytest.raises(InputError, match=reason):
        of(STREAM | change)


def test_refuses_tables_and_caches_that_lack_figures():
    with pytest.raises(InputError, match="kernels: dram_writes missing; give sectors"):
        overlap(table(STREAM).drop(columns="dram_writes"), GPU, DRAM)
    with pytest.raises(InputError, match="cache: write_latency_s missing"):
        of(STREAM, cache={"read_latency_s": 1e-9})
    with pytest.raises(InputError, match="cache: banks is 0; give a positive number"):
        of(STREAM, cache=CACHE | {"banks": 0})
    with pytest.raises(InputError, match=r"row_hits 1.5: give a share"):
        of(STREAM, row_hits=1.5)
    with pytest.raises(InputError, match=r"machine 'none': unknown; known are .*h200"):
        overlap(table(STREAM), replace(GPU, name="none"), DRAM)
