"""What any exact LRU write-back cache obeys, whatever the stream."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.cache import CacheConfig, Replay, replay, replay_trace
from tests.hwmodel.test_cache_twin import batches, several, traces
from traces.stream import COLUMNS, Intervals
from traces.trace import Header, Kernel, Trace

MODES = [(index, sector) for index in ("hashed", "modulo") for sector in (None, 32)]


def intervals(*rows: tuple[int, int, int, int, bool, int, int]) -> Intervals:
    columns = zip(*rows, strict=True)
    return Intervals(*(np.array(c, kind) for c, kind in zip(columns, COLUMNS.values(), strict=True)))


@settings(max_examples=80, deadline=None)
@given(trace=traces(), configs=several)
def test_conservation(trace, configs):
    address, write = trace
    written = len(np.unique(address[write] >> np.uint64(5)))
    for config, (_, row) in zip(configs, replay(*trace, configs).iterrows(), strict=True):
        assert row.read_hits + row.read_misses == np.count_nonzero(~write)
        assert row.write_hits + row.write_misses == np.count_nonzero(write)
        assert row.accesses == len(address)
        assert row.writebacks <= row.writeback_sectors <= np.count_nonzero(write)
        assert row.dirty_sectors_left + row.writeback_sectors >= written
        assert row.dirty_lines_left <= config.sets * config.ways
        assert row.fill_sectors == row.dram_read_sectors


@settings(max_examples=80, deadline=None)
@given(trace=traces(), sets=st.integers(1, 9), ways=st.integers(1, 63), mode=st.sampled_from(MODES))
def test_more_ways_never_miss_more(trace, sets, ways, mode):
    index, sector = mode
    configs = [CacheConfig(sets * n * 128, n, 128, index, sector) for n in (ways, ways + 1)]
    few, many = replay(*trace, configs)[["read_misses", "write_misses", "writebacks"]].to_numpy()
    assert (many <= few).all()


@settings(max_examples=60, deadline=None)
@given(trace=traces(), configs=several, cuts=st.lists(st.integers(0, 1500), max_size=5))
def test_splitting_a_trace_changes_nothing(trace, configs, cuts):
    run = Replay(configs)
    bounds = sorted({0, len(trace[0]), *(min(cut, len(trace[0])) for cut in cuts)})
    for start, stop in pairwise(bounds):
        run.feed_addresses(trace[0][start:stop], trace[1][start:stop])
    pd.testing.assert_frame_equal(run.result(), replay(*trace, configs))


@settings(max_examples=60, deadline=None)
@given(batch=batches(), configs=several)
def test_splitting_a_batch_and_replaying_alone_change_nothing(batch, configs):
    together = Replay(configs)
    together.feed(batch)
    for number, config in enumerate(configs):
        alone = Replay([config])
        for place in range(len(batch.base)):
            alone.feed(batch.part(place, place + 1))
        expected = together.result().iloc[[number]].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone.result(), expected)


@settings(max_examples=60, deadline=None)
@given(batch=batches(), configs=several)
def test_intervals_equal_their_sectors(batch, configs):
    """Rows that cover whole sectors are the accesses that an address stream would list."""
    whole = batch._replace(
        base=batch.base // 32 * 32, stride=batch.stride // 32 * 32, width=batch.width // 32 * 32 + 32
    )
    by_interval, by_address = Replay(configs), Replay(configs)
    by_interval.feed(whole)
    for base, stride, rows, width, write, _, _ in zip(*(column.tolist() for column in whole), strict=True):
        starts = base + np.arange(rows, dtype=np.int64)[:, None] * stride + np.arange(0, width, 32)
        by_address.feed_addresses(starts.ravel(), np.full(starts.size, write))
    pd.testing.assert_frame_equal(by_interval.result(), by_address.result())


@pytest.mark.parametrize(("index", "sector"), MODES)
def test_a_cache_that_holds_everything_misses_each_line_or_sector_once(index, sector):
    rng = np.random.default_rng(1)
    address = rng.integers(0, 1 << 20, 50_000)
    row = replay(address, np.zeros(50_000, bool), CacheConfig("4MiB", 16, 128, index, sector)).iloc[0]
    assert row.read_misses == len(np.unique(address // (sector or 128)))
    assert row.fill_sectors == len(np.unique(address // (sector or 128))) * (1 if sector else 4)
    assert row.writebacks == row.dirty_lines_left == 0


@pytest.mark.parametrize(("index", "sector"), MODES)
@pytest.mark.parametrize("capacity", ["3MiB", "7MiB", "10MiB"])
def test_a_warm_loop_as_large_as_the_cache_has_no_misses(index, sector, capacity):
    config = CacheConfig(capacity, 16, 128, index, sector)
    run = Replay([config])
    loop = intervals((0, 0, 1, config.capacity, False, 0, 0))
    run.feed(loop)
    cold = run.result().iloc[0]
    run.feed(loop)
    warm = run.result().iloc[0]
    assert cold.read_misses == config.capacity // (sector or 128)
    assert warm.read_misses == cold.read_misses
    assert warm.read_hits == cold.read_hits + config.capacity // 32


@pytest.mark.parametrize("sector", [None, 32])
def test_a_loop_of_one_line_too_many_never_hits_twice(sector):
    """LRU's worst case: a cycle over one line more than a fully associative cache holds."""
    lines = np.tile(np.arange(65), 10) * 128
    row = replay(lines, np.zeros(650, bool), CacheConfig(64 * 128, 64, 128, "modulo", sector)).iloc[0]
    assert (row.read_hits, row.read_misses) == (0, 650)


def test_a_stream_without_reuse():
    """64 MiB read and 64 MiB written, as in a copy: every read fetched once, writes fetch nothing, the last stay."""
    size = 64 << 20
    config = CacheConfig("3MiB", sector=32)
    run = Replay([config])
    run.feed(intervals((0, 0, 1, size, False, 0, 0), (size, 0, 1, size, True, 0, 0)))
    row = run.result().iloc[0]
    assert (row.read_misses, row.write_misses) == (size // 32, size // 32)
    assert row.dram_read_sectors == size // 32
    assert row.dirty_sectors_left == config.capacity // 32
    assert row.dram_write_sectors == (size - config.capacity) // 32


def test_write_validate():
    """A sector written whole serves a read; one written in part is fetched when read, and its write counts once."""
    config = CacheConfig("64KiB", sector=32)
    run = Replay([config])
    run.feed(intervals((0, 0, 1, 48, True, 0, 0), (0, 0, 1, 64, False, 0, 0), (0, 0, 1, 64, False, 0, 0)))
    row = run.result().iloc[0]
    assert (row.write_misses, row.read_hits, row.read_misses, row.fill_sectors) == (2, 3, 1, 1)
    assert (row.dirty_lines_left, row.dirty_sectors_left) == (1, 2)


@pytest.mark.parametrize("stride", [2**power for power in range(7, 24)] + [1536 * 128, 3 << 20])
def test_the_hashed_index_spreads_strides(stride):
    """Half the capacity's worth of lines a constant stride apart, read twice: modulo would thrash, hashed must not."""
    config = CacheConfig("3MiB")
    lines = config.capacity // 128 // 2
    address = np.tile(np.arange(lines, dtype=np.uint64) * np.uint64(stride), 2)
    row = replay(address, np.zeros(2 * lines, bool), config).iloc[0]
    # Thrown at random, 12288 lines leave 0.4 % of the sets of 16 with more than 16 (Poisson, mean 8).
    assert row.read_misses < 1.03 * lines


def make_trace(*batch: Intervals) -> Trace:
    kernels = [Kernel(f"k{n}", "aten.op", f"layer{n}", "forward", n, 0) for n in range(3)]
    return Trace(Header("net", "inference", 1, "gtx1080ti"), [], kernels, lambda: iter(batch))


def test_a_trace_by_kernel_adds_up_to_its_totals():
    trace = make_trace(
        intervals((0, 0, 1, 1 << 16, True, 0, 0), (1 << 20, 256, 64, 64, False, 0, 1)),
        intervals((0, 0, 1, 1 << 16, False, 0, 2), (1 << 22, 0, 1, 1 << 16, False, 0, 0)),
    )
    configs = [CacheConfig("32KiB", sector=32), CacheConfig("48KiB", line=64)]
    seen: list[float] = []
    total = replay_trace(trace, configs, on_progress=seen.append)
    by_kernel = replay_trace(trace, configs, by="kernel")
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert by_kernel["kernel"].tolist() == [0, 1, 2] * 2
    assert by_kernel["name"].tolist() == ["k0", "k1", "k2"] * 2
    counts = [name for name in total.columns if name in by_kernel.columns and by_kernel[name].dtype == np.int64]
    counts = [name for name in counts if name not in ("capacity_bytes", "ways", "line_bytes", "sector_bytes")]
    summed = by_kernel.groupby("capacity_bytes", sort=False)[counts].sum().reset_index(drop=True)
    pd.testing.assert_frame_equal(summed, total[counts])
    # Of kernel 0's 512 dirty lines in room for 256 its own writes evict half, the 64 rows of kernel 1 a line each.
    assert by_kernel["writebacks"].tolist()[:3] == [256, 64, 192]
