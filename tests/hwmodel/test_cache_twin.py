"""The replay, count for count, against one access at a time in plain Python."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.cache import CacheConfig, Replay, replay
from hwmodel.cache.config import INDICES, POWERS
from tests.naive.cache import Cache, counts_by_kernel, sectors
from traces.stream import COLUMNS, Intervals

COUNTS = ("accesses", "read_hits", "read_misses", "write_hits", "write_misses", "writebacks", "writeback_sectors",
          "fill_sectors", "dram_write_sectors", "through_sectors")  # fmt: skip


def cache(sets: int, slices: int, ways: int, line: int, index: str, sector: int | None) -> CacheConfig:
    fits = index not in POWERS or sets & (sets - 1) == 0
    return CacheConfig(sets * slices * ways * line, ways, line, index if fits else "hashed", sector, slices)


caches = st.builds(
    cache,
    sets=st.integers(1, 40) | st.sampled_from([64, 128, 512]),
    slices=st.sampled_from([1, 1, 1, 2, 5, 12]),
    ways=st.sampled_from([1, 2, 3, 8, 15, 16, 17, 24, 31, 32, 33, 48, 64]),
    line=st.sampled_from([32, 64, 128, 256]),
    index=st.sampled_from(INDICES),
    sector=st.sampled_from([None, 32]),
)
several = st.lists(caches, min_size=1, max_size=4)


@st.composite
def traces(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count, top = draw(st.integers(1, 1500)), draw(st.sampled_from([2**10, 2**13, 2**16, 2**18]))
    kind = draw(st.sampled_from(["random", "stream", "strided", "skewed", "loop"]))
    step = np.arange(count, dtype=np.uint64)
    if kind == "random":
        address = rng.integers(0, top, count).astype(np.uint64)
    elif kind == "stream":
        address = step * np.uint64(draw(st.sampled_from([4, 16, 32, 48])))
    elif kind == "strided":
        address = step * np.uint64(2 ** draw(st.integers(6, 16))) % np.uint64(top * 64 + 32)
    elif kind == "skewed":
        address = (top * rng.random(count) ** 4).astype(np.uint64)
    else:
        address = step * np.uint64(32) % np.uint64(top)
    base = draw(st.sampled_from([0, 12345, 0x7F12_3456_7800, 2**63 + 96, 2**64 - 2**27]))
    return address + np.uint64(base), rng.random(count) < draw(st.sampled_from([0, 0.1, 0.5, 1]))


@st.composite
def batches(draw: st.DrawFn) -> Intervals:
    count = draw(st.integers(1, 12))
    rows = []
    for _ in range(count):
        write, kernel = draw(st.booleans()), draw(st.integers(0, 3))
        width = draw(st.one_of(st.integers(1, 300), st.sampled_from([4, 32, 64, 128, 512, 1024])))
        step = draw(st.one_of(st.integers(-600, 600), st.sampled_from([0, 4, 32, 128, 256, -128, 4096, width])))
        times = draw(st.integers(1, 40))
        base = draw(st.one_of(st.integers(0, 4096), st.sampled_from([0, 32, 128, 2048]))) + 4096 * 40
        base += draw(st.sampled_from([0, 0, 0, 2**50]))
        rows.append((base, step, times, width, write, 0, kernel))
    return Intervals(*(np.array(c, kind) for c, kind in zip(zip(*rows, strict=True), COLUMNS.values(), strict=True)))


@settings(max_examples=120, deadline=None)
@given(trace=traces(), configs=several)
def test_addresses_equal_the_twin(trace, configs):
    table = replay(*trace, configs)
    for config, row in zip(configs, table.to_dict("records"), strict=True):
        twin = Cache(config)
        for address, write in zip(trace[0].tolist(), trace[1].tolist(), strict=True):
            twin.access(address, write)
        expected = {name: twin.counts[name] for name in COUNTS} | twin.left()
        assert {name: row[name] for name in expected} == expected


@settings(max_examples=100, deadline=None)
@given(stream=st.lists(batches(), min_size=1, max_size=3), configs=several)
def test_intervals_equal_the_twin_kernel_by_kernel(stream, configs):
    total, by_kernel = Replay(configs), Replay(configs, kernels=4)
    for batch in stream:
        total.feed(batch)
        by_kernel.feed(batch)
    totals = total.result().to_dict("records")
    rows = by_kernel.result().to_dict("records")
    for number, config in enumerate(configs):
        twin = Cache(config)
        expected = counts_by_kernel(twin, stream, 4)
        for kernel in range(4):
            row = rows[4 * number + kernel]
            assert row["kernel"] == kernel
            assert {name: row[name] for name in COUNTS} == {name: expected[kernel][name] for name in COUNTS}
        names = {name: twin.counts[name] for name in COUNTS} | twin.left()
        assert {name: totals[number][name] for name in names} == names


@pytest.mark.parametrize("sector", [None, 32])
@pytest.mark.parametrize("ways", [16, 40])
def test_a_long_trace_equals_the_twin_across_blocks(sector, ways):
    rng = np.random.default_rng(3)
    address = (rng.zipf(1.2, 20_000).astype(np.uint64) * np.uint64(32)) % np.uint64(1 << 22)
    write = rng.random(20_000) < 0.3
    config = CacheConfig(3 * ways * 128 * 16, ways, sector=sector)
    twin = Cache(config)
    for a, w in zip(address.tolist(), write.tolist(), strict=True):
        twin.access(a, w)
    row = replay(address, write, config).iloc[0]
    assert {name: row[name] for name in COUNTS} == {name: twin.counts[name] for name in COUNTS}


def test_long_rows_equal_the_twin_across_blocks():
    config = CacheConfig("96KiB", sector=32)
    batch = Intervals(*(np.array(column, kind) for column, kind in zip(
        [(1000, 5, 0), (0, 777, 128), (1, 9, 5000), (700_001, 40_000, 128), (True, False, False), (0, 0, 0), (0, 0, 0)],
        COLUMNS.values(), strict=True)))  # fmt: skip
    twin, run = Cache(config), Replay([config])
    run.feed(batch)
    for address, write, whole, _ in sectors(batch):
        twin.access(address, write, whole)
    row = run.result().iloc[0]
    assert {name: row[name] for name in COUNTS} == {name: twin.counts[name] for name in COUNTS}
