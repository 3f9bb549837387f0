"""Bounds of kernels' times: laws, a slow twin, the banks of hwmodel.cache.timing, and mistakes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.cache import CacheConfig, replay
from hwmodel.cache.banked import BankedCache
from hwmodel.cache.timing import time_accesses
from hwmodel.gpu.dram import load_dram
from hwmodel.gpu.machine import load_machine
from hwmodel.gpu.overlap import BOUNDS, overlap
from hwmodel.gpu.runs import kernel_table, overlap_runs
from tests.hwmodel.test_cache_laws import intervals, make_trace
from tests.naive.overlap import seconds
from traces.gpus import load_gpu

GPU, DRAM, MACHINE = load_gpu("h100"), load_dram("hbm3"), load_machine("h100")
CACHE = {"read_latency_s": 2e-9, "write_latency_s": 5e-9, "read_energy_J": 3e-10, "write_energy_J": 7e-10,
         "leakage_W": 0.5}  # fmt: skip
STREAM = {"l2_reads": 4e6, "l2_writes": 2e6, "dram_reads": 4e6, "dram_writes": 2e6}
NOTHING = dict.fromkeys(STREAM, 0)
PRODUCT = {"l2_reads": 1e6, "l2_writes": 1e5, "dram_reads": 1e5, "dram_writes": 0, "macs": 4e9, "blocks": 512,
           "threads": 256, "registers": 128, "rounds": 64}  # fmt: skip
COUNT = st.integers(0, 10**6)
LAUNCH = {"blocks": st.integers(1, 3000), "threads": st.integers(1, 1024), "registers": st.integers(0, 255),
          "rounds": st.integers(1, 50)}  # fmt: skip
KERNEL = st.fixed_dictionaries(dict.fromkeys(STREAM, COUNT) | {"macs": st.integers(0, 10**9)} | LAUNCH)


def table(*rows):
    return pd.DataFrame(list(rows))


def of(kernel, gpu=GPU, cache=CACHE, machine=MACHINE, dram=DRAM, **more):
    return overlap(table(kernel), gpu, dram, cache, machine, **more).iloc[0]


def test_a_kernel_takes_its_start_and_its_largest_bound():
    rows = overlap(table(STREAM, PRODUCT, NOTHING), GPU, DRAM, CACHE)
    columns = rows[[f"{name}_s" for name in BOUNDS]]
    assert rows["time_s"].to_numpy() == pytest.approx(rows["start_s"] + columns.max(axis=1))
    assert rows["limiter"].tolist() == ["banks", "compute", "start"]
    assert (columns.loc[2] == 0).all()


@given(KERNEL, st.floats(0, 1), st.floats(1, 20), st.booleans(), st.booleans(), st.sampled_from(["fp32", "bf16"]))
def test_the_slow_twin_agrees(kernel, hits, padding, fills, tuned, dtype):
    kernel = kernel | {"l2_read_hits": int(hits * kernel["l2_reads"]), "issued_macs": int(padding * kernel["macs"])}
    cache = CACHE | {"read_cycle_s": 1e-9, "write_cycle_s": 9e-9, "banks": 100}
    bounds, time = seconds(kernel, GPU, DRAM, MACHINE, cache, dtype, fills=fills, tuned=tuned)
    row = of(kernel, cache=cache, fills=fills, tuned=tuned, dtype=dtype)
    for name, value in bounds.items():
        if not (tuned and name in ("compute", "latency")):  # of shapes equally fast either may be taken
            assert row[f"{name}_s"] == pytest.approx(value, rel=1e-9, abs=1e-18), name
    assert row["time_s"] == pytest.approx(time, rel=1e-9)


@given(KERNEL)
def test_no_faster_part_makes_a_kernel_slower(kernel):
    now = of(kernel)["time_s"] * (1 + 1e-12)
    faster = [
        {"gpu": replace(GPU, dram_bytes_per_s=2 * GPU.dram_bytes_per_s)},
        {"gpu": replace(GPU, sms=2 * GPU.sms)},
        {"gpu": replace(GPU, l2_slices=2 * GPU.l2_slices)},
        {"machine": replace(MACHINE, l2_latency_s=1e-7, dram_latency_s=3e-7)},
        {"machine": replace(MACHINE, macs_per_sm_cycle={"fp32": 256.0})},
        {"cache": CACHE | {"read_latency_s": 1e-9}},
        {"cache": CACHE | {"write_latency_s": 1e-9}},
        {"cache": CACHE | {"banks": 1000}},
        {"row_hits": 1.0},
        {"tuned": True},
        {"start_s": 0.0},
    ]
    for change in faster:
        assert of(kernel, **change)["time_s"] <= now, change


def test_without_parallelism_a_kernel_takes_its_latencies():
    one = {"l2_reads": 1000, "l2_read_hits": 1000, "l2_writes": 0, "dram_reads": 0, "dram_writes": 0, "blocks": 1,
           "threads": 32, "rounds": 1000}  # fmt: skip
    row = of(one, cache=None)
    assert row["limiter"] == "latency"
    assert row["time_s"] == pytest.approx(MACHINE.kernel_start_s + 1000 * MACHINE.l2_latency_s)
    far = of(one | {"l2_read_hits": 0, "dram_reads": 1000}, cache=None)
    assert far["latency_s"] == pytest.approx(1000 * MACHINE.dram_latency_s)


def test_with_all_parallelism_a_stream_takes_its_bandwidth():
    row = of(STREAM | {"blocks": 4000, "rounds": 1}, cache=None)
    read, written = STREAM["dram_reads"] * 32, STREAM["dram_writes"] * 32
    peak = GPU.dram_bytes_per_s
    assert row["limiter"] == "dram"
    expected = read / (peak * MACHINE.dram_read_share) + written / (peak * MACHINE.dram_write_share)
    assert row["time_s"] - row["start_s"] == pytest.approx(expected)


def test_a_block_more_than_the_sms_takes_a_round_more_of_products():
    even = of(PRODUCT | {"macs": 132e6, "blocks": 132, "rounds": 1}, tuned=False)
    tail = of(PRODUCT | {"macs": 133e6, "blocks": 133, "rounds": 1}, tuned=False)
    assert tail["compute_s"] == pytest.approx(2 * even["compute_s"])


def test_products_run_on_the_unit_of_their_type():
    times = {kind: of(PRODUCT, dtype=kind)["compute_s"] for kind in ("fp32", "tf32", "bf16", "int8", "int4w")}
    rates = {kind: MACHINE.macs_per_sm_cycle[kind] * MACHINE.product_share[kind] for kind in ("fp32", "tf32", "bf16")}
    assert times["fp32"] / times["bf16"] == pytest.approx(rates["bf16"] / rates["fp32"])
    assert times["fp32"] / times["tf32"] == pytest.approx(rates["tf32"] / rates["fp32"])
    assert times["int4w"] == times["bf16"]  # weights are unpacked
    assert of(PRODUCT | {"name": "depthwise_forward"}, dtype="bf16")["compute_s"] == times["fp32"]
    v100, small = load_gpu("v100"), load_machine("v100")
    assert of(PRODUCT, v100, machine=small, dtype="bf16")["compute_s"] == of(PRODUCT, v100, machine=small)["compute_s"]


@pytest.mark.parametrize("write_s", [1e-9, 9e-9])
def test_banks_are_as_busy_as_when_each_access_is_timed(write_s):
    """Of hwmodel.cache.timing's banks: their work exactly, and the time where many accesses are under way."""
    rng = np.random.default_rng(1)
    address = rng.integers(0, 1 << 14, 20000).astype(np.uint64) * np.uint64(32)
    write = rng.random(20000) < 0.4
    config, banks = CacheConfig("64KiB", sector=32, slices=16), 16
    row = time_accesses(address, write, config, BankedCache(banks, 2e-9, write_s, outstanding=4096))
    counts = replay(address, write, config).iloc[0]
    kernel = {"l2_reads": row["reads"], "l2_writes": row["writes"], "l2_read_hits": counts["read_hits"],
              "dram_reads": counts["read_misses"], "dram_writes": counts["writeback_sectors"]}  # fmt: skip
    cache = {"read_latency_s": 2e-9, "write_latency_s": write_s, "banks": banks}
    bound = of(kernel, load_gpu("gtx1080ti"), cache, load_machine("gtx1080ti"), load_dram("gddr5x"))["banks_s"]
    busy = sum(row["bank_utilisation"]) / banks * row["time_s"]
    assert row["forwarded"] == 0
    assert bound == pytest.approx(busy, rel=0.03)
    assert bound <= row["time_s"] <= 1.25 * bound


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
    parts = whole[[f"{name}_limited_s" for name in (*BOUNDS, "start")]]
    assert parts.sum() == pytest.approx(whole["time_overlap_s"])
    eager = overlap_runs(kernels, CACHE, GPU, DRAM, launch="eager").iloc[0]
    assert eager["time_overlap_s"] == pytest.approx(max(whole["time_overlap_s"], 5 * MACHINE.launch_s))


def test_energies_by_hand():
    row = overlap_runs(table(STREAM, PRODUCT), CACHE, GPU, DRAM, row_hits=0.75).iloc[0]
    time, moved = row["time_overlap_s"], (4e6 + 2e6 + 1e5) * 32
    expected = {
        "energy_cache_dynamic_J": (9e5 + 2e6) * 3e-10 + (2e6 + 1e5 + 4e6 + 1e5) * 7e-10,  # misses read and fill
        "energy_cache_leakage_J": 0.5 * time,
        "energy_dram_activation_J": moved / 128 * DRAM.activation_energy_J,
        "energy_dram_transfer_J": moved * 8 * DRAM.transfer_energy_J_per_bit,
        "energy_dram_background_J": DRAM.background_W * GPU.dram_bytes_per_s / DRAM.device_bytes_per_s * time,
        "energy_gpu_static_J": MACHINE.static_W * time,
        "energy_gpu_macs_J": 4e9 * MACHINE.mac_J["fp32"],
        "energy_gpu_l2_J": 5e6 * 32 * MACHINE.l2_read_J_per_byte + 2.1e6 * 32 * MACHINE.l2_write_J_per_byte,
        "energy_gpu_dram_J": 4.1e6 * 32 * MACHINE.dram_read_J_per_byte + 2e6 * 32 * MACHINE.dram_write_J_per_byte,
    }
    for name, value in expected.items():
        assert row[name] == pytest.approx(value), name
    memory = sum(value for name, value in expected.items() if "gpu" not in name)
    assert row["energy_overlap_J"] == pytest.approx(memory)
    assert row["energy_board_J"] == pytest.approx(sum(expected.values()))
    assert row["edp_overlap_Js"] == pytest.approx(memory * time)
    plain = overlap_runs(table(STREAM), CACHE, GPU, DRAM, fills=False).iloc[0]
    assert plain["energy_cache_dynamic_J"] == pytest.approx(4e6 * 3e-10 + 2e6 * 7e-10)  # as DeepNVM++ charges


def test_a_dram_without_a_split_pays_its_energy_a_bit():
    whole = replace(DRAM, activation_energy_J=None, transfer_energy_J_per_bit=None, background_W=None)
    row = overlap_runs(table(STREAM), CACHE, GPU, whole).iloc[0]
    dram = row[["energy_dram_activation_J", "energy_dram_transfer_J", "energy_dram_background_J"]]
    assert dram.tolist() == pytest.approx([0, whole.energy_J(6e6 * 32), 0])


def test_a_kernel_table_of_a_replayed_trace():
    from hwmodel.cache import replay_trace

    trace = make_trace(intervals((0, 0, 1, 1 << 12, True, 0, 0), (0, 0, 1, 1 << 12, False, 0, 1)))
    kernels = kernel_table(trace, replay_trace(trace, CacheConfig("64KiB", sector=32), by="kernel"))
    assert len(kernels) == len(trace.kernels)
    assert kernels["l2_writes"].tolist()[:2] == [128, 0]
    assert kernels["l2_reads"].tolist()[:2] == [0, 128]
    assert kernels["blocks"].tolist() == [kernel.blocks for kernel in trace.kernels]
    assert (overlap(kernels, GPU, DRAM, CACHE)["time_s"] >= MACHINE.kernel_start_s).all()


def test_no_kernels_take_no_time():
    none = table(STREAM).iloc[:0]
    assert overlap(none, GPU, DRAM, CACHE).empty
    assert overlap_runs(none, CACHE, GPU, DRAM)[["time_overlap_s", "energy_board_J"]].to_numpy().sum() == 0


@pytest.mark.parametrize(("change", "reason"), [
    ({"l2_reads": -1}, "row 0: l2_reads is -1; give a count from 0"),
    ({"l2_reads": np.nan}, "row 0: l2_reads is nan"),
    ({"l2_reads": "many"}, "l2_reads holds what is no number"),
    ({"blocks": np.inf}, "row 0: blocks is inf"),
])  # fmt: skip
def test_refuses_what_is_no_count(change, reason):
    with pytest.raises(InputError, match=reason):
        of(STREAM | change)


def test_what_is_not_known_of_a_launch_may_be_blank():
    blank = STREAM | dict.fromkeys(("macs", "blocks", "threads", "registers", "rounds", "l2_read_hits"), np.nan)
    pd.testing.assert_series_equal(of(blank), of(STREAM))


def test_refuses_tables_and_caches_that_lack_figures():
    with pytest.raises(InputError, match="kernels: dram_writes missing; give sectors"):
        overlap(table(STREAM).drop(columns="dram_writes"), GPU, DRAM)
    with pytest.raises(InputError, match="cache: write_latency_s missing"):
        of(STREAM, cache={"read_latency_s": 1e-9})
    with pytest.raises(InputError, match="cache: banks is 0; give a positive number"):
        of(STREAM, cache=CACHE | {"banks": 0})
    with pytest.raises(InputError, match=r"row_hits 1\.5: give a share"):
        of(STREAM, row_hits=1.5)
    with pytest.raises(InputError, match=r"machine 'none': unknown; known are .*h200"):
        overlap(table(STREAM), replace(GPU, name="none"), DRAM)
    with pytest.raises(InputError, match="launch 'lazy': give graph or eager"):
        overlap_runs(table(STREAM), CACHE, GPU, DRAM, launch="lazy")
    with pytest.raises(InputError, match="no column network to tell runs apart"):
        overlap_runs(table(STREAM), CACHE, GPU, DRAM, by=["network"])
    with pytest.raises(InputError, match="cache: leakage_W missing"):
        overlap_runs(table(STREAM), {name: CACHE[name] for name in list(CACHE)[:4]}, GPU, DRAM)
