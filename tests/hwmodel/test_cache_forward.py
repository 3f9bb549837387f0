"""Fast-forward beside the exact replay: what is skipped, what is counted of it, and within which bound."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from torch import nn

from circuits.errors import InputError
from hwmodel.cache import CacheConfig, Replay, replay_trace
from hwmodel.cache.forward import Forward
from hwmodel.cache.touched import Touched, gather_back, show
from tests.hwmodel.test_cache_laws import intervals
from tests.hwmodel.test_cache_twin import batches, several
from traces import capture
from traces.container import write_trace
from traces.stream import Intervals
from traces.trace import Header, Kernel, Trace

MIB = 1 << 20
WAVE = 1 << 19  # bytes that a wave reads, and writes
SWEEP = [CacheConfig(size, sector=32) for size in ("128KiB", "1MiB", "4MiB", "16MiB")]
BOUNDED = ("read_misses", "write_misses", "writebacks", "dram_read_sectors", "dram_write_sectors")


def trace_of(batch: Intervals, kernels: int = 1) -> Trace:
    named = [Kernel("copy", "aten.copy", "", "forward", 1, 0)] * kernels
    return Trace(Header("copy", "inference", 1, "gtx1080ti"), [], named, lambda: iter([batch]))


def copy(waves: int, source: int = 0, target: int = 1 << 32, kernel: int = 0) -> list[tuple]:
    """Waves that read one stretch after another and write it elsewhere."""
    rows = []
    for wave in range(waves):
        rows.append((source + wave * WAVE, 0, 1, WAVE, False, 0, kernel))
        rows.append((target + wave * WAVE, 0, 1, WAVE, True, 1, kernel))
    return rows


def both(batch: Intervals, configs=SWEEP, by=None, kernels: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    trace = trace_of(batch, kernels)
    return replay_trace(trace, configs, by), replay_trace(trace, configs, by, exact=False)


def within(exact: pd.DataFrame, fast: pd.DataFrame) -> bool:
    for name in ("accesses", "read_hits", "write_hits"):
        total = {"accesses": 0, "read_hits": "read_misses", "write_hits": "write_misses"}[name]
        left, right = (frame[name] + (frame[total] if total else 0) for frame in (exact, fast))
        assert (left == right).all()  # reads, writes and both: counted of all windows
    return all(((fast[name] - exact[name]).abs() <= fast[f"{name}_bound"]).all() for name in BOUNDED)


@settings(max_examples=60, deadline=None)
@given(batch=batches(), configs=several)
def test_short_kernels_are_replayed_whole(batch, configs):
    exact, fast = Replay(configs), Forward(configs)
    exact.feed(batch)
    fast.feed(batch)
    expected, found = exact.result(), fast.result()
    pd.testing.assert_frame_equal(found[expected.columns], expected)
    assert not found[["extrapolated_accesses", *(f"{name}_bound" for name in BOUNDED)]].to_numpy().any()


@settings(max_examples=60, deadline=None)
@given(batch=batches(), configs=several)
def test_lines_shown_by_their_last_visits_are_those_a_cache_holds(batch, configs):
    for config in configs:
        seen, shown = Replay([config]), Replay([config])
        for run in (seen, shown):
            run.feed(batch._replace(base=batch.base + np.uint64(4096)))
        seen.feed(batch)
        shown._widen(int(batch.base.max()) + (1 << 20))
        room, bits = Touched.room(1 << 14), config.line.bit_length() - 1
        room.recent[:] = -1
        half, end = len(batch.base) // 2, len(batch.base)
        count = gather_back(*batch[:5], half, end, end, bits, 1 << 14, room, 0)
        count = gather_back(*batch[:5], 0, half, end, bits, 1 << 14, room, count)
        show(room, count, np.array([0]), shown._block, shown._caches)
        assert (seen._slots(0)[0] == shown._slots(0)[0]).all()


def test_a_steady_copy_is_skipped_and_counted():
    exact, fast = both(intervals(*copy(160)))
    assert (fast.extrapolated_accesses > 0.4 * fast.accesses).all()
    assert within(exact, fast)
    assert (fast.read_misses == exact.read_misses).all()
    assert (fast.writebacks == exact.writebacks).all()


@pytest.mark.parametrize(
    "config",
    [
        CacheConfig("1MiB"),
        CacheConfig("1MiB", ways=8, line=64, index="modulo"),
        CacheConfig("2MiB", ways=32, line=256, sector=32),
        CacheConfig("3MiB", line=32, slices=6, sector=32),
    ],
)
def test_other_caches_too(config):
    exact, fast = both(intervals(*copy(160)), [config])
    assert (fast.extrapolated_accesses > 0).all()
    assert within(exact, fast)


def test_what_a_kernel_leaves_is_there_for_the_next():
    left = copy(160) + copy(8, source=(1 << 32) + 152 * WAVE, target=1 << 33, kernel=1)
    exact, fast = both(intervals(*left), by="kernel", kernels=2)
    second = fast.kernel == 1
    assert (fast.extrapolated_accesses[~second] > 0).all()
    assert (exact.read_misses[second] < exact.read_misses[second].max()).any()  # some of it is still there
    for name in BOUNDED:
        assert (fast[name][second] == exact[name][second]).all()


def test_a_kernel_that_is_never_steady_is_never_skipped():
    rows, waves = [], 12
    for wave in range(waves):  # of each, one part more is new, the rest a stretch that is read again
        fresh = wave * WAVE // waves
        rows.append(((1 + wave) * (8 << 20), 0, 1, max(fresh, 32), False, 0, 0))
        rows.append((0, 0, 7, (8 * WAVE - fresh * 8) // 7 // 32 * 32, False, 0, 0))
        rows.append(((1 + wave) * (8 << 20) + WAVE, 0, 1, fresh * 7 + 32, False, 0, 0))
        rows.append(((1 << 34) + wave * 64, 0, 1, 32, True, 1, 0))
    exact, fast = both(intervals(*rows), [CacheConfig("2MiB", sector=32)])
    assert not fast.extrapolated_accesses.any()
    assert (fast[exact.columns] == exact).all(axis=None)


def test_a_wave_unlike_the_others_is_replayed():
    odd = [(1 << 30, 0, 9, 4 * WAVE, False, 0, 0), (1 << 31, 0, 1, WAVE, True, 1, 0)]
    rows = copy(60) + odd + copy(60, source=60 * WAVE, target=(1 << 32) + 60 * WAVE)
    exact, fast = both(intervals(*rows))
    assert (fast.extrapolated_accesses > 0).all()
    assert (fast.read_misses == exact.read_misses).all()
    assert within(exact, fast)


@pytest.mark.parametrize("phase", ["training", "inference"])
@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nn.Sequential(nn.Conv2d(16, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1)), (8, 16, 64, 64)),
        (nn.Sequential(nn.Linear(1024, 1024), nn.GELU(), nn.LayerNorm(1024), nn.Linear(1024, 512)), (2048, 1024)),
        (nn.Sequential(nn.Conv2d(32, 32, 3, groups=32), nn.BatchNorm2d(32), nn.MaxPool2d(2)), (16, 32, 112, 112)),
    ],
)
def test_networks_stay_within_the_bound(module, shape, phase):
    loss = lambda out: out.sum()  # noqa: E731
    trace = capture(module, torch.zeros(shape), phase, loss=loss if phase == "training" else None)
    exact, fast = replay_trace(trace, SWEEP), replay_trace(trace, SWEEP, exact=False)
    assert (fast.extrapolated_accesses > 0).all()
    assert within(exact, fast)


def test_what_is_not_lru_with_write_back_sees_every_access():
    configs = [CacheConfig("1MiB", sector=32, policy="srrip"), CacheConfig("1MiB", sector=32)]
    exact, fast = both(intervals(*copy(40)), configs)
    assert fast.extrapolated_accesses.tolist()[0] == 0 < fast.extrapolated_accesses.tolist()[1]
    assert (fast.loc[0, exact.columns] == exact.loc[0]).all()


def test_it_may_be_fed_in_pieces_and_addresses_in_between():
    batch = intervals(*copy(30))
    runs = Replay(SWEEP), Forward(SWEEP)
    for run in runs:
        run.feed(batch.part(0, 7))
        run.feed_addresses(np.arange(0, 1 << 16, 32), np.zeros(1 << 11, bool))
        run.feed(batch.part(7, 60))
        run.result()
        run.feed(batch)
    exact, fast = (run.result() for run in runs)
    assert within(exact, fast)


def test_counts_by_tensor_are_refused():
    with pytest.raises(InputError, match="by tensor: fast-forward counts by kernel"):
        replay_trace(trace_of(intervals(*copy(2))), SWEEP, "tensor", exact=False)


def test_the_command_says_how_much_it_skipped(tmp_path):
    trace = capture(nn.ReLU(), torch.zeros(64, 64, 56, 56), "inference")
    write_trace(trace, tmp_path / "relu.trace")
    arguments = ["replay", str(tmp_path / "relu.trace"), "--capacity", "1MiB", "--fast-forward", "--json"]
    command = [Path(sys.executable).parent / "hwmodel", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (row,) = json.loads(done.stdout)
    assert 0 < row["extrapolated_accesses"] < row["accesses"]
    assert row["read_misses"] == row["accesses"] // 2
    assert row["read_misses_bound"] < row["read_misses"] // 100
