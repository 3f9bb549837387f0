"""Every capacity and every associativity at once, against a cache at a time: the twin's, and the replay's."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.cache import CacheConfig, Replay, replay, stack
from hwmodel.cache.reuse import Reuse, feed_trace, reuse_distances
from hwmodel.cache.set_reuse import SetReuse
from tests.hwmodel.test_cache_laws import intervals, make_trace
from tests.hwmodel.test_cache_twin import batches, traces
from tests.naive import cache
from tests.naive import reuse as naive

COUNTS = ["read_misses", "write_misses", "writebacks", "dirty_lines_left"]
SECTORS = ["dram_read_sectors", "dram_write_sectors", "dirty_sectors_left"]
lines = st.sampled_from([32, 64, 128, 256])


@settings(max_examples=150, deadline=None)
@given(trace=traces(), line=lines)
def test_distances_equal_the_twin(trace, line):
    found = reuse_distances(trace[0], line, trace[1])
    accesses = list(zip((trace[0] // np.uint64(line)).tolist(), trace[1].tolist(), strict=True))
    expected = naive.distances(accesses)
    assert (found.cold_reads, found.cold_writes) == (expected[None, False], expected[None, True])
    for write, counts in ((False, found.reads), (True, found.writes)):
        assert counts.tolist() == [expected[distance, write] for distance in range(found.lines)]
    assert found.accesses == len(accesses)


@settings(max_examples=60, deadline=None)
@given(trace=traces(), line=lines, sizes=st.lists(st.integers(1, 1600), min_size=1, max_size=6))
def test_every_capacity_equals_a_cache_of_it(trace, line, sizes):
    found = reuse_distances(trace[0], line, trace[1])
    accesses = list(zip((trace[0] // np.uint64(line)).tolist(), trace[1].tolist(), strict=True))
    every, some = found.curve(), found.curve(sizes)
    assert every["lines"].tolist() == list(range(1, found.lines + 1))
    for place, size in enumerate(sizes):
        expected = naive.one_cache(accesses, size)
        assert some.loc[place, COUNTS].to_dict() == expected
        assert every.loc[min(size, found.lines) - 1, COUNTS].to_dict() == expected
        assert some.loc[place, "miss_ratio"] == pytest.approx(
            (expected["read_misses"] + expected["write_misses"]) / len(accesses)
        )


@settings(max_examples=60, deadline=None)
@given(trace=traces(), line=lines)
def test_one_set_of_up_to_64_ways_is_replayed_alike(trace, line):
    configs = [CacheConfig(ways * line, ways, line) for ways in range(1, 65)]
    table = replay(*trace, configs)
    expected, counts = table[COUNTS], [*COUNTS, *SECTORS[:2]]
    pd.testing.assert_frame_equal(reuse_distances(trace[0], line, trace[1]).curve(range(1, 65))[counts], table[counts])
    run = SetReuse(1, line)
    run.feed_addresses(*trace)
    pd.testing.assert_frame_equal(run.result()[COUNTS], expected)


@settings(max_examples=60, deadline=None)
@given(batch=batches(), line=lines)
def test_one_set_of_sectored_lines_is_replayed_alike(batch, line):
    configs = [CacheConfig(ways * line, ways, line, sector=32) for ways in range(1, 65)]
    one, every = Replay(configs), Reuse(line, 32)
    one.feed(batch)
    every.feed(batch)
    counts = ["accesses", *COUNTS, *SECTORS]
    pd.testing.assert_frame_equal(every.result().curve(range(1, 65))[counts], one.result()[counts])


@settings(max_examples=60, deadline=None)
@given(trace=traces(), line=lines, size=st.integers(1, 1600))
def test_every_sectored_capacity_equals_the_twin(trace, line, size):
    found = reuse_distances(trace[0], line, trace[1], 32)
    large: Any = SimpleNamespace(  # of more ways than a CacheConfig may have
        sets=1, slices=1, ways=size, line=line, sector=32, index="modulo", policy="lru", seed=0, write="back",
        on_write_miss="validate", writes_lines=False,
    )  # fmt: skip
    twin = cache.Cache(large)
    for address, write in zip(trace[0].tolist(), trace[1].tolist(), strict=True):
        twin.access(address, write)
    row = found.curve([size]).loc[0]
    expected = twin.counts + Counter(twin.left())
    assert row[COUNTS].to_dict() == {name: expected[name] for name in COUNTS}
    assert row[SECTORS].tolist() == [
        twin.counts["fill_sectors"], twin.counts["dram_write_sectors"], expected["dirty_sectors_left"]
    ]  # fmt: skip
    assert found.accesses == len(trace[0])


@settings(max_examples=60, deadline=None)
@given(
    batch=batches(),
    line=lines,
    shape=st.sampled_from([(3, "hashed"), (12, "modulo"), (40, "hashed"), (8, "xor"), (16, "ipoly"), (128, "ipoly")]),
)
def test_every_associativity_is_replayed_alike(batch, line, shape):
    sets, index = shape
    configs = [CacheConfig(sets * ways * line, ways, line, index) for ways in range(1, 65)]
    one, every = Replay(configs), SetReuse(sets, line, index)
    one.feed(batch)
    every.feed(batch)
    shared = ["accesses", "capacity_bytes", "line_bytes", "index", *COUNTS]
    pd.testing.assert_frame_equal(every.result()[shared], one.result()[shared])


@pytest.mark.parametrize("sector", [0, 64, "32"])
def test_a_wrong_sector_is_one_line(sector):
    with pytest.raises(InputError, match=r"^sector"):
        Reuse(128, sector)


@pytest.mark.parametrize("sets", [1, 24])
def test_many_lines_are_replayed_alike(sets):
    """Long enough for the tables to grow and for time to run out several times."""
    rng = np.random.default_rng(4)
    address = (np.uint64(1 << 21) * rng.random(200_000) ** 3).astype(np.uint64)
    write = rng.random(200_000) < 0.3
    found, run = reuse_distances(address, 32, write), SetReuse(sets, 32)
    run.feed_addresses(address, write)
    assert found.lines > 4 * 4096
    configs = [CacheConfig(sets * ways * 32, ways, 32) for ways in range(1, 65)]
    expected = replay(address, write, configs)
    pd.testing.assert_frame_equal(run.result()[COUNTS], expected[COUNTS])
    if sets == 1:
        pd.testing.assert_frame_equal(found.curve(range(1, 65))[COUNTS], expected[COUNTS])
        configs = [CacheConfig(ways * 128, ways, 128, sector=32) for ways in range(1, 65)]
        sectored, counts = replay(address, write, configs), [*COUNTS, *SECTORS]
        pd.testing.assert_frame_equal(
            reuse_distances(address, 128, write, 32).curve(range(1, 65))[counts], sectored[counts]
        )
    accesses = list(zip((address // 32).tolist(), write.tolist(), strict=True))
    for size in (1000, 30_000, found.lines):
        assert found.curve([size]).loc[0, COUNTS].to_dict() == naive.one_cache(accesses, size)


def test_memory_follows_distinct_lines_and_not_accesses():
    run = Reuse(32)
    room = len(run._stack.owner)
    for _ in range(20):
        run.feed_addresses(np.arange(room // stack.TIMES) * 32, np.zeros(room // stack.TIMES, bool))
    assert len(run._stack.owner) == room
    assert run.result().reads[room // stack.TIMES - 1] == 19 * room // stack.TIMES


@settings(max_examples=50, deadline=None)
@given(trace=traces(), cut=st.integers(0, 1500))
def test_splitting_and_asking_between_change_nothing(trace, cut):
    run, sets = Reuse(64), SetReuse(5, 64)
    for part in (slice(cut), slice(cut, None)):
        for one in (run, sets):
            one.feed_addresses(trace[0][part], trace[1][part])
            one.result()
    pd.testing.assert_frame_equal(run.result().curve(), reuse_distances(trace[0], 64, trace[1]).curve())
    whole = SetReuse(5, 64)
    whole.feed_addresses(*trace)
    pd.testing.assert_frame_equal(sets.result(), whole.result())


@settings(max_examples=50, deadline=None)
@given(trace=traces())
def test_larger_caches_miss_and_write_back_no_more(trace):
    curve = reuse_distances(trace[0], 128, trace[1]).curve()
    for name in COUNTS[:3]:
        assert (np.diff(curve[name]) <= 0).all()
    assert (np.diff(curve["dirty_lines_left"]) >= 0).all()
    last, written = curve.iloc[-1], np.unique(trace[0][trace[1]] >> np.uint64(7))
    assert (last.writebacks, last.dirty_lines_left) == (0, len(written))


def test_a_loop_has_one_distance():
    found = reuse_distances(np.tile(np.arange(1000), 5) * 128)
    assert found.reads.tolist() == [0] * 999 + [4000]
    assert (found.cold_reads, found.cold_writes) == (1000, 0)
    assert found.curve([999, 1000])["read_misses"].tolist() == [5000, 1000]


def test_a_trace_is_its_accesses():
    trace = make_trace(
        intervals((0, 0, 1, 1 << 16, True, 0, 0), (1 << 20, 256, 64, 64, False, 0, 1)),
        intervals((0, 0, 1, 1 << 16, False, 0, 2)),
    )
    seen: list[float] = []
    run, sets = Reuse(), SetReuse(8)
    feed_trace(trace, run, seen.append)
    feed_trace(trace, sets)
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert run.result().curve([16, 512, 1024])["read_misses"].tolist() == [576, 576, 64]
    assert sets.result().loc[63, "writebacks"] == replay_writebacks(trace, CacheConfig(8 * 64 * 128, 64))


def replay_writebacks(trace, config):
    run = Replay([config])
    for batch in trace.batches():
        run.feed(batch)
    return run.result()["writebacks"][0]


def test_nothing_has_no_distances():
    found = reuse_distances([])
    assert found.accesses == found.lines == len(found.curve()) == 0
    assert found.curve([5]).loc[0, ["miss_ratio", *COUNTS]].tolist() == [0] * 5
    assert SetReuse(4).result()["miss_ratio"].tolist() == [0] * 64


@pytest.mark.parametrize("line", [0, 16, 96, "128", None, 128.5])
def test_a_wrong_line_is_one_line(line):
    with pytest.raises(InputError, match=r"^line"):
        Reuse(line)


@pytest.mark.parametrize(
    ("given", "word"),
    [((0,), "sets"), ((2.5,), "sets"), ((True,), "sets"), ((1 << 40,), "capacity"), ((3, 128, "xor"), "power of two"),
     ((4, 100), "line"), ((4, 128, "crc"), "index")],
)  # fmt: skip
def test_wrong_sets_are_one_line(given, word):
    with pytest.raises(InputError, match=word) as caught:
        SetReuse(*given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("capacities", [[0], [-1], [1.5], [[1]], ["a"]])
def test_wrong_capacities_are_one_line(capacities):
    with pytest.raises(InputError, match=r"^capacities"):
        reuse_distances([0, 32]).curve(capacities)


def test_wrong_accesses_are_one_line():
    with pytest.raises(InputError, match=r"^address"):
        reuse_distances([-1])
    with pytest.raises(InputError, match=r"^is_write"):
        reuse_distances([1, 2], 128, [True])
