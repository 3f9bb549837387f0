"""What each access finds, against one access at a time in plain Python, and against the replay's sums."""

import numpy as np
import pytest
from hypothesis import given, settings

from circuits.errors import InputError
from hwmodel.cache import CacheConfig, Hybrid, Retention, replay
from hwmodel.cache.accesses import CHUNK, accesses_of
from hwmodel.cache.outcomes import Cache, replay_outcomes
from tests.hwmodel.test_cache_laws import intervals
from tests.hwmodel.test_cache_twin import batches, caches, traces
from tests.naive import cache as naive


@settings(max_examples=150, deadline=None)
@given(trace=traces(), config=caches)
def test_each_outcome_equals_the_twin(trace, config):
    twin, found = naive.Cache(config), replay_outcomes(*trace, config)
    assert found.address.tolist() == trace[0].tolist()
    for number, (address, write) in enumerate(zip(trace[0].tolist(), trace[1].tolist(), strict=True)):
        before = twin.counts.copy()
        twin.access(address, write)
        change = twin.counts - before
        assert found.write[number] == write
        assert found.hit[number] == change["read_hits"] + change["write_hits"]
        assert found.fetched[number] == change["fill_sectors"]
        assert found.written[number] == change["dram_write_sectors"]


@settings(max_examples=100, deadline=None)
@given(batch=batches(), config=caches)
def test_outcomes_of_intervals_equal_the_twin(batch, config):
    twin, cache = naive.Cache(config), Cache(config)
    expected = list(naive.sectors(batch))
    parts = [[column.copy() for column in part] for part in accesses_of(batch)]
    address, write, whole = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    assert list(zip(address.tolist(), write.tolist(), whole.tolist(), strict=True)) == [row[:3] for row in expected]
    fetched = sum(int(cache.feed(part).fetched.sum(dtype=np.int64)) for part in accesses_of(batch))
    for row in expected:
        twin.access(*row[:3])
    assert fetched == twin.counts["fill_sectors"]


def test_a_long_interval_comes_in_parts():
    batch = intervals((32, 4096, 3, 32 * CHUNK, True, 0, 0), (7, 0, 1, 60, False, 0, 0))
    parts = [(int(part.address[0]), int(part.address[-1]), len(part.address)) for part in accesses_of(batch)]
    assert [length for *_, length in parts] == [CHUNK, CHUNK, CHUNK, 3]
    assert parts[1][:2] == (32 + 4096, 32 * CHUNK + 4096)
    assert parts[3] == (0, 64, 3)


def test_many_accesses_add_up_to_the_replay():
    rng = np.random.default_rng(2)
    address, write = rng.integers(0, 1 << 22, 2 * CHUNK + 5), rng.random(2 * CHUNK + 5) < 0.3
    config = CacheConfig("1MiB", sector=32)
    found, row = replay_outcomes(address, write, config), replay(address, write, config).iloc[0]
    assert np.count_nonzero(found.hit & ~write) == row.read_hits
    assert np.count_nonzero(found.hit & write) == row.write_hits
    assert found.fetched.sum(dtype=np.int64) == row.dram_read_sectors
    assert found.written.sum(dtype=np.int64) == row.dram_write_sectors


def test_no_accesses_and_wrong_ones():
    assert all(len(column) == 0 for column in replay_outcomes([], [], CacheConfig("64KiB")))
    with pytest.raises(InputError, match="address"):
        replay_outcomes([-1], [False], CacheConfig("64KiB"))


@pytest.mark.parametrize("other", [{"policy": "fifo"}, {"write": "through"}, {"write_miss": "around"},
                                   {"hybrid": Hybrid(2)}, {"retention": Retention(9)}])  # fmt: skip
def test_other_caches_are_refused(other):
    with pytest.raises(InputError, match="LRU with write-back alone"):
        replay_outcomes([0], [False], CacheConfig("64KiB", **other))
