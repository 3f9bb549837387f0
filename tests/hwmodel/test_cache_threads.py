"""Several threads count what one does, to the bit, whatever the stream, the caches, and how chunks are dealt."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.cache import CacheConfig, Replay, crew, replay
from hwmodel.cache.crew import _dealt
from tests.hwmodel.test_cache_laws import intervals
from tests.hwmodel.test_cache_twin import batches, several, traces


@pytest.fixture(autouse=True, scope="module")
def small_chunks():
    """Let short traces go by several threads, in chunks so small that the ring turns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crew, "LEAST", 1)
        patch.setattr(crew, "_SIZE", 128)
        yield


@settings(max_examples=60, deadline=None)
@given(trace=traces(), configs=several, threads=st.integers(2, 9), high=st.booleans())
def test_addresses(trace, configs, threads, high):
    address, write = trace
    if high and len(address):  # in the midst of the trace, caches have to be laid out anew
        address = address.copy()
        address[len(address) // 2] |= np.uint64(1 << 60)
    one = replay(address, write, configs)
    pd.testing.assert_frame_equal(replay(address, write, configs, threads=threads), one)


@settings(max_examples=120, deadline=None)
@given(stream=st.lists(batches(), min_size=1, max_size=3), configs=several, threads=st.integers(2, 9))
def test_intervals_kernel_by_kernel(stream, configs, threads):
    one, many = (Replay(configs, kernels=4, threads=n) for n in (1, threads))
    for batch in stream:
        one.feed(batch)
        many.feed(batch)
    pd.testing.assert_frame_equal(many.result(), one.result())
    for number in range(len(configs)):
        assert [part.tolist() for part in many._slots(number)] == [part.tolist() for part in one._slots(number)]


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_a_long_trace_at_full_size(monkeypatch, threads):
    monkeypatch.setattr(crew, "_SIZE", 8 * 2048)
    rng = np.random.default_rng(5)
    address = (rng.zipf(1.1, 300_000).astype(np.uint64) * np.uint64(32)) % np.uint64(1 << 24)
    write = rng.random(300_000) < 0.3
    configs = [CacheConfig("3MiB", sector=32), CacheConfig("1MiB", 64, 256), CacheConfig("256KiB", 16, index="modulo")]
    one = replay(address, write, configs)
    pd.testing.assert_frame_equal(replay(address, write, configs, threads), one)
    pd.testing.assert_frame_equal(replay(address, write, configs[:1], threads), one.iloc[:1])


def test_what_goes_wrong_in_one_thread_stops_all(monkeypatch):
    done = []

    def fails(thread: int, *rest: object) -> bool:
        if thread == 1:
            raise MemoryError
        done.append(thread)
        return False

    monkeypatch.setattr(crew.parallel, "work_on_addresses", fails)
    with pytest.raises(MemoryError):
        replay(np.zeros(999, np.uint64), np.zeros(999, bool), CacheConfig("1MiB"), threads=2)


def test_few_long_intervals_are_work_for_several(monkeypatch):
    monkeypatch.setattr(crew, "LEAST", 4096)
    small, large = intervals((0, 0, 1, 4096, True, 0, 0)), intervals((0, 128, 4096, 128, True, 0, 0))
    assert not crew.much(small)
    assert crew.much(large)


def test_items_are_dealt_there_and_back():
    assert [hand.tolist() for hand in _dealt(np.arange(7), 2)] == [[0, 3, 4], [1, 2, 5, 6]]
    assert [hand.tolist() for hand in _dealt(np.arange(2), 3)] == [[0], [1], []]


@pytest.mark.parametrize("threads", [0, -1, 65, 1.5, True, "2"])
def test_threads_that_cannot_be(threads):
    with pytest.raises(InputError, match="threads"):
        replay([0], [False], CacheConfig("1MiB"), threads=threads)
