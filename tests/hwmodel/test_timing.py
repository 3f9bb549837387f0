"""What the time of a banked cache obeys: closed forms, limits, conservation, monotonicity; and wrong input."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.cache import CacheConfig, banks, replay
from hwmodel.cache.banked import BankedCache
from hwmodel.cache.outcomes import Outcomes
from hwmodel.cache.timing import Timing, time_accesses, time_trace
from tests.hwmodel.test_banks_twin import machines, serve, streams
from tests.hwmodel.test_cache_laws import intervals, make_trace
from tests.naive.banks import Access, Machine

CONFIG = CacheConfig("64KiB", sector=32)
PLAIN = BankedCache(banks=1, read_latency_s=4e-9, write_latency_s=9e-9, outstanding=64)


def hits(count: int, share: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Accesses to 32 KiB, each sector written once before so that later reads hit, without DRAM in play."""
    rng = np.random.default_rng(seed)
    address = np.concatenate([np.arange(1024) * 32, rng.integers(0, 1024, count) * 32])
    return address, np.concatenate([np.ones(1024, bool), rng.random(count) < share])


def test_one_bank_takes_the_sum_of_all_services():
    address, write = hits(3000, 0.3)
    row = time_accesses(address, write, CONFIG, PLAIN)
    assert row["time_s"] == pytest.approx(row["naive_time_s"], rel=1e-12)
    assert row["naive_time_s"] == pytest.approx(4e-9 * np.count_nonzero(~write) + 9e-9 * np.count_nonzero(write))
    assert row["bank_utilisation"] == [pytest.approx(1)]
    assert row["write_time_s"] == pytest.approx(9e-9 * np.count_nonzero(write))


def test_one_access_at_a_time_takes_the_naive_sum_whatever_the_banks():
    address, write = hits(2000, 0.3)
    row = time_accesses(address, write, CONFIG, replace(PLAIN, banks=24, outstanding=1))
    assert row["time_s"] == pytest.approx(row["naive_time_s"], rel=1e-12)
    assert row["read_latency_mean_s"] == pytest.approx(4e-9, rel=1e-12)


def test_slow_arrivals_wait_for_nothing():
    address, write = hits(2000, 0.3)
    row = time_accesses(address, write, CONFIG, replace(PLAIN, banks=8, interval_s=1e-8))
    assert row["read_latency_mean_s"] == row["read_latency_max_s"] == pytest.approx(4e-9, rel=1e-12)
    assert row["time_s"] == pytest.approx((len(address) - 1) * 1e-8 + (9e-9 if write[-1] else 4e-9))
    assert row["naive_time_s"] < row["time_s"]


def test_many_banks_take_the_issue_interval():
    address, write = np.arange(4096, dtype=np.int64) * 128, np.zeros(4096, bool)
    address[2048:] = address[:2048]
    config = CacheConfig("1MiB")
    row = time_accesses(address, write, config, replace(PLAIN, banks=1 << 16, interval_s=1e-10, outstanding=1 << 16))
    assert row["time_s"] == pytest.approx(4095e-10 + 4e-9, rel=0.02)


def test_a_stream_takes_the_bandwidth_of_dram():
    address = np.arange(200_000) * 32
    cache = replace(PLAIN, banks=64, outstanding=1024, dram_latency_s=50e-9, dram_bytes_per_s=100e9)
    row = time_accesses(address, np.zeros(len(address), bool), CONFIG, cache)
    assert row["time_s"] == pytest.approx(len(address) * 32 / 100e9, rel=0.01)
    assert row["dram_utilisation"] == pytest.approx(1, abs=0.01)
    slow = time_accesses(address, np.zeros(len(address), bool), CONFIG, replace(cache, outstanding=16))
    assert slow["time_s"] == pytest.approx(len(address) * (50e-9 + 32 / 100e9) / 16, rel=0.25)  # Little's law


@pytest.mark.parametrize("sector", [None, 32])
def test_reads_of_a_line_under_way_wait_for_it(sector):
    config = CacheConfig("64KiB", sector=sector)
    cache = replace(PLAIN, dram_latency_s=100e-9, interval_s=1e-9)
    row = time_accesses([0, 32, 64, 96, 0], [False] * 5, config, cache)
    assert (row["misses"], row["merged"]) == ((4, 1) if sector else (1, 4))
    fetched = 32 / cache.dram_bytes_per_s
    expected = [100, 100, 100, 100, 96] if sector else [100, 99, 98, 97, 96]
    assert row["read_latency_mean_s"] == pytest.approx(np.mean(expected) * 1e-9 + fetched)


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_poisson_arrivals_wait_as_in_an_m_d_1_queue(load):
    """Pollaczek and Khinchine: the mean wait is load / (2 (1 - load)) services."""
    rng = np.random.default_rng(int(load * 10))
    count, service = 400_000, 4e-9
    arrivals = np.cumsum(rng.exponential(service / load, count))
    machine = replace(PLAIN, outstanding=1 << 20)
    address = np.concatenate([np.zeros(1, np.int64), rng.integers(0, 4, count) * 32])
    write = np.concatenate([[True], np.zeros(count, bool)])
    address, write = np.concatenate([np.arange(4) * 32, address]), np.concatenate([np.ones(4, bool), write])
    before = np.concatenate([np.zeros(5), arrivals + 1e-6])
    row = time_accesses(address, write, CONFIG, machine, before)
    waits = (row["read_latency_mean_s"] - service) / service
    # Waits in a row go together, the more the fuller the queue: the tolerance is many of their standard errors.
    assert waits == pytest.approx(load / (2 * (1 - load)), rel=0.05)
    assert row["utilisation"] == pytest.approx(load, rel=0.02)


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(st.integers(0, 20), min_size=1, max_size=60),
    kinds=st.lists(st.booleans(), min_size=60, max_size=60),
    read=st.integers(1, 9),
    write=st.integers(1, 30),
)
def test_lindley(gaps, kinds, read, write):
    """One bank, no buffer: the wait is the last one and its service, less the gap, and never below zero."""
    times = np.cumsum(gaps).tolist()
    stream = [Access(0, 0, kind, given=time) for time, kind in zip(times, kinds, strict=False)]
    _, done, _ = serve(Machine(1, read, read, write, write, 1000), stream)
    wait = service = 0
    for number, access in enumerate(stream):
        wait = max(0, wait + service - (gaps[number] if number else wait + service))
        service = write if access.write else read
        assert done[number] == access.given + wait + service


def end(machine: Machine, stream: list[Access]) -> tuple[list[int], int]:
    _, done, state = serve(machine, stream)
    return done, int(state.free.max())


@settings(max_examples=150, deadline=None)
@given(machine=machines, stream=streams(), more=st.integers(1, 20))
def test_a_slower_write_makes_nothing_earlier(machine, stream, more):
    """Without a buffer, where arrivals do not depend on what is done, or where nothing comes from DRAM.

    Elsewhere a slow write may let a read go first that would else have found a write begun.
    """
    slower = replace(machine, write=machine.write + more, write_cycle=machine.write_cycle + more)
    open_, slow = replace(machine, depth=0, outstanding=1000), replace(slower, depth=0, outstanding=1000)
    assert all(a <= b for a, b in zip(end(open_, stream)[0], end(slow, stream)[0], strict=True))
    only = [replace(access, fetched=0, written=0) for access in stream]
    closed, slow = replace(machine, depth=0), replace(slower, depth=0)
    assert all(a <= b for a, b in zip(end(closed, only)[0], end(slow, only)[0], strict=True))


@settings(max_examples=150, deadline=None)
@given(machine=machines, stream=streams())
def test_a_buffer_neither_makes_nor_saves_work(machine, stream):
    """A bank is never idle while it has work: where arrivals stand, its last work ends at one time for every depth."""
    alone = replace(machine, outstanding=1000, forwards=False)
    ends = [serve(replace(alone, depth=depth), stream)[2] for depth in (0, 1, 4, 100)]
    for other in ends[1:]:
        assert other.free.tolist() == ends[0].free.tolist()
        assert other.busy.tolist() == ends[0].busy.tolist()


def test_a_buffer_lets_reads_overtake_writes():
    address, write = hits(20_000, 0.3)
    rows = [time_accesses(address, write, CONFIG, replace(PLAIN, banks=4, interval_s=2e-9, buffer=depth))
            for depth in (0, 4, 64)]  # fmt: skip
    means = [row["read_latency_mean_s"] for row in rows]
    assert means[0] > means[1] > means[2] > 4e-9
    assert rows[0]["read_latency_p50_s"] <= rows[0]["read_latency_p95_s"] <= rows[0]["read_latency_p99_s"]
    assert rows[0]["read_latency_p99_s"] <= rows[0]["read_latency_max_s"]


def test_a_read_of_what_waits_to_be_written_is_done_at_once():
    """One bank of writes that take 10: 40 wait behind 8 entries, more than a ring begins with; each is read at once."""
    writes = [Access(0, unit, True) for unit in range(40)]
    reads = [Access(0, unit, False, given=1) for unit in range(40)]
    machine = Machine(1, 4, 4, 10, 10, 1000, depth=8, forwards=True)
    issued, done, state = serve(machine, [*writes, *reads, Access(0, 50, False, given=1)])
    assert issued[40:80] == done[40:80] == [1] * 40
    assert int(state.counts[banks.FORWARDED]) == 40
    assert done[80] == 10 * 32 + 4  # after the writes that were pushed out of the buffer before it came
    late = [replace(read, given=400 - 10 * 8 + 10 * n) for n, read in enumerate(reads[32:])]
    _, done, state = serve(machine, [*writes, *late])
    assert int(state.counts[banks.FORWARDED]) == 8
    _, done, state = serve(replace(machine, forwards=False), [*writes, *reads])
    assert int(state.counts[banks.FORWARDED]) == 0
    assert min(done[40:]) > 300


def test_quantiles_are_those_of_the_latencies():
    rng = np.random.default_rng(5)
    gaps = np.cumsum(rng.exponential(5, 5000)).astype(int).tolist()
    stream = [Access(0, 0, False, given=gap * 1000) for gap in gaps]
    machine = Machine(1, 4000, 4000, 9, 9, 1000)
    issued, done, _ = serve(machine, stream)
    run = Timing(CONFIG, BankedCache(1, 4e-12, 9e-15, 1000))
    address = np.zeros(len(stream), np.uint64)
    cold = time_accesses([0], [True], CONFIG, run.cache)
    assert cold["reads"] == 0
    assert cold["read_latency_mean_s"] is None
    none = np.zeros(len(stream), np.uint8)
    run.feed(Outcomes(address, none.astype(bool), ~none.astype(bool), none, none), np.array(gaps) * 1e-12)
    latency, row = np.subtract(done, issued) * 1e-15, run.result()
    assert row["read_latency_mean_s"] == pytest.approx(latency.mean())
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        exact = np.quantile(latency, share, method="inverted_cdf")
        assert row[f"read_latency_{name}_s"] == pytest.approx(exact, rel=0.004)
    assert row["read_latency_max_s"] == pytest.approx(latency.max(), rel=1e-12)


def test_a_trace_takes_what_its_accesses_take():
    trace = make_trace(
        intervals((0, 0, 1, 1 << 16, True, 0, 0), (1 << 20, 256, 64, 64, False, 0, 1)),
        intervals((0, 0, 1, 1 << 16, False, 0, 2)),
    )
    cache = replace(PLAIN, banks=8, buffer=2, dram_latency_s=40e-9, dram_bytes_per_s=100e9)
    seen: list[float] = []
    row = time_trace(trace, CONFIG, cache, seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1
    whole = np.arange(0, 1 << 16, 32)
    rows = ((1 << 20) + np.arange(64)[:, None] * 256 + np.array([0, 32])).ravel()
    address = np.concatenate([whole, rows, whole])
    write = np.arange(len(address)) < len(whole)
    assert row == time_accesses(address, write, CONFIG, cache)
    counts = replay(address, write, CONFIG).iloc[0]
    assert (row["reads"], row["misses"]) == (counts.read_hits + counts.read_misses, counts.read_misses)


def test_nothing_takes_no_time():
    row = time_accesses([], [], CONFIG, PLAIN)
    assert row["time_s"] == row["naive_time_s"] == row["utilisation"] == 0
    assert row["read_latency_p99_s"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("banks", 0), ("banks", 2.0), ("banks", True), ("outstanding", 0), ("outstanding", 1 << 30), ("buffer", -1),
     ("read_latency_s", 0), ("read_latency_s", None), ("write_latency_s", -1e-9), ("write_latency_s", "9ns"),
     ("write_cycle_s", 1.0), ("read_cycle_s", float("nan")), ("interval_s", -1e-12), ("tag_latency_s", float("inf")),
     ("forwards", 1), ("forwards", None),
     ("dram_latency_s", -1), ("dram_bytes_per_s", 0), ("dram_bytes_per_s", float("nan")), ("dram_bytes_per_s", "1")],
)  # fmt: skip
def test_a_wrong_figure_is_one_line(name, value):
    with pytest.raises(InputError, match=rf"^{name} ") as caught:
        replace(PLAIN, **{name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("times", [[0.0], [-1.0, 0], [0, float("nan")], [0, 1e9], ["a", "b"], [[0], [0]], 5])
def test_wrong_times_are_one_line(times):
    with pytest.raises(InputError, match=r"^not_before_s") as caught:
        time_accesses([0, 32], [False, False], CONFIG, PLAIN, times)
    assert "\n" not in str(caught.value)


def test_a_total_beyond_an_hour_is_refused():
    run = replace(PLAIN, read_latency_s=1e-4, write_latency_s=1e-4)
    with pytest.raises(InputError, match="more than"):
        time_accesses(np.zeros(2, int), [True, False], CONFIG, run, [0, 4e3])
