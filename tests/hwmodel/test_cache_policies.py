"""Every policy and treatment of writes, count for count, against one access at a time in Python; and their laws."""

from dataclasses import replace as changed

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.cache import CacheConfig, Hybrid, Replay, replay, wear
from hwmodel.cache.block import Block
from hwmodel.cache.config import POLICIES, WRITE_MISSES, WRITES
from hwmodel.cache.fixed import FixedCache
from tests.hwmodel.test_cache_laws import intervals
from tests.hwmodel.test_cache_twin import COUNTS, batches, caches, traces
from tests.naive.cache import Cache, HybridCache, MaskedCache, bytes_written, counts_by_kernel, sectors
from tests.naive.dinero import Dinero


def other(config: CacheConfig, policy: str, seed: int, write: str, miss: str | None, wear: bool) -> CacheConfig:
    fits = policy != "plru" or config.ways & (config.ways - 1) == 0
    policy = policy if fits else "srrip"
    return changed(config, policy=policy, seed=seed, write=write, write_miss=miss, wear=wear)


others = st.builds(
    other, caches, st.sampled_from(POLICIES), st.sampled_from([0, 1, 2**62]), st.sampled_from(WRITES),
    st.sampled_from([None, *WRITE_MISSES]), st.booleans(),
)  # fmt: skip
several = st.lists(others, min_size=1, max_size=3)


@settings(max_examples=100, deadline=None)
@given(trace=traces(), configs=several)
def test_addresses_equal_the_twin(trace, configs):
    run = Replay(configs)
    run.feed_addresses(*trace)
    for config, row in zip(configs, run.result().to_dict("records"), strict=True):
        twin = Cache(config)
        for address, write in zip(trace[0].tolist(), trace[1].tolist(), strict=True):
            twin.access(address, write)
        expected = {name: twin.counts[name] for name in COUNTS} | twin.left()
        assert {name: row[name] for name in expected} == expected
    assert run.accesses == len(trace[0])


@settings(max_examples=100, deadline=None)
@given(stream=st.lists(batches(), min_size=1, max_size=3), configs=several)
def test_intervals_equal_the_twin_kernel_by_kernel(stream, configs):
    run = Replay(configs, kernels=4)
    for batch in stream:
        run.feed(batch)
    rows = run.result().to_dict("records")
    for number, config in enumerate(configs):
        expected = counts_by_kernel(Cache(config), stream, 4)
        for kernel in range(4):
            row = rows[4 * number + kernel]
            assert {name: row[name] for name in COUNTS} == {name: expected[kernel][name] for name in COUNTS}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("ways", [16, 64])
def test_a_long_trace_equals_the_twin_across_blocks(policy, ways):
    """Enough sets that some follow in DRRIP's duel, and a loop that turns it."""
    rng = np.random.default_rng(3)
    loop = np.arange(20_000, dtype=np.uint64) * np.uint64(128) % np.uint64(3 << 19)
    address = np.where(rng.random(20_000) < 0.4, rng.zipf(1.2, 20_000).astype(np.uint64) % np.uint64(1 << 21), loop)
    write = rng.random(20_000) < 0.3
    config = CacheConfig(160 * ways * 128 // (ways // 16), ways, policy=policy, wear=True)
    twin, run = Cache(config), Replay([config])
    for a, w in zip(address.tolist(), write.tolist(), strict=True):
        twin.access(a, w)
    run.feed_addresses(address, write)
    row = run.result().iloc[0]
    assert {name: row[name] for name in COUNTS} == {name: twin.counts[name] for name in COUNTS}
    assert run.wear(0).tolist() == twin.wear


@settings(max_examples=100, deadline=None)
@given(trace=traces(), config=others)
def test_conservation(trace, config):
    row = replay(*trace, config).iloc[0]
    address, write = trace
    written = len(np.unique(address[write] >> np.uint64(5)))
    assert row.read_hits + row.read_misses == np.count_nonzero(~write)
    assert row.write_hits + row.write_misses == np.count_nonzero(write)
    assert row.through_sectors + row.writeback_sectors + row.dirty_sectors_left >= written
    assert row.through_sectors + row.writeback_sectors <= np.count_nonzero(write)
    if config.write == "through":
        assert row.through_sectors == row.dram_write_sectors == np.count_nonzero(write)
        assert row.writebacks == row.dirty_lines_left == 0


@settings(max_examples=100, deadline=None)
@given(trace=traces(), config=caches)
def test_plain_lru_is_the_same_by_either_kernel(trace, config):
    """Wear asks for slots that lines keep; nothing else may differ."""
    fast, fixed = Replay([config]), Replay([changed(config, wear=True)])
    fast.feed_addresses(*trace)
    fixed.feed_addresses(*trace)
    shared = fast.result().columns
    pd.testing.assert_frame_equal(fast.result(), fixed.result()[shared])


@settings(max_examples=60, deadline=None)
@given(trace=traces(), config=caches, ways=st.sampled_from([1, 2]))
def test_a_tree_of_two_ways_is_lru(trace, config, ways):
    lru = changed(config, capacity=config.sets * ways * config.line, ways=ways)
    names = list(COUNTS)
    one, two = replay(*trace, [lru, changed(lru, policy="plru")])[names].to_dict("records")
    assert one == two


@pytest.mark.parametrize("policy", ["fifo", "plru"])
def test_a_stream_without_reuse_is_the_same_under_each(policy):
    address = np.random.default_rng(1).permutation(20_000) * 128
    write = address % 3 == 0
    lru, same = replay(address, write, [CacheConfig("64KiB"), CacheConfig("64KiB", policy=policy)])[
        list(COUNTS)
    ].to_dict("records")
    assert lru == same


@settings(max_examples=60, deadline=None)
@given(trace=traces(), foreign=traces(), seed=st.integers(0, 9), sets=st.sampled_from([4, 8]))
def test_random_sets_do_not_see_each_other(trace, foreign, seed, sets):
    """Lines of even sets miss alike whether or not others go to odd sets."""
    config = CacheConfig(sets * 4 * 128, 4, index="modulo", policy="random", seed=seed)
    even = (trace[0] >> np.uint64(8) << np.uint64(8)) + trace[0] % np.uint64(128)
    odd = (foreign[0] >> np.uint64(8) << np.uint64(8)) + np.uint64(128)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(even) + len(odd)) < len(even)
    both, kinds = np.empty(len(order), np.uint64), np.empty(len(order), bool)
    both[order], both[~order], kinds[order], kinds[~order] = even, odd, trace[1], foreign[1]
    alone, apart, together = (
        replay(address, kind, config).iloc[0] for address, kind in ((even, trace[1]), (odd, foreign[1]), (both, kinds))
    )
    for name in ("read_misses", "write_misses", "writebacks"):
        assert together[name] == alone[name] + apart[name]


def test_random_draws_follow_the_seed():
    address = np.random.default_rng(2).integers(0, 1 << 18, 20_000)
    rows = replay(address, address % 2, [CacheConfig("64KiB", policy="random", seed=seed) for seed in (0, 0, 1)])
    assert rows.read_misses[0] == rows.read_misses[1] != rows.read_misses[2]


@settings(max_examples=60, deadline=None)
@given(trace=traces(), sector=st.sampled_from([None, 32]), power=st.integers(0, 6))
def test_twice_the_sets_never_hurt_lru(trace, sector, power):
    """Under modulo, sets of twice as many are halves of the sets before: each holds no less of its own lines."""
    configs = [CacheConfig(128 * 4 << n, 4, 128, "modulo", sector, wear=True) for n in (power, power + 1)]
    few, many = replay(*trace, configs)[["read_misses", "write_misses", "writebacks"]].to_numpy()
    assert (many <= few).all()


def test_rrip_keeps_what_is_used_again_from_a_scan():
    """Four lines used twice, then a scan of eight, over and over: RRIP keeps the four, LRU none."""
    hot, cold = [0, 1, 2, 3, 0, 1, 2, 3], iter(range(100, 1000))
    lines = np.array([line for _ in range(20) for line in (*hot, *(next(cold) for _ in range(8)))]) * 128
    rows = replay(lines, np.zeros(len(lines), bool), [CacheConfig(8 * 128, 8, policy=p) for p in ("lru", "srrip")])
    assert rows.read_misses.tolist() == [20 * 12, 4 + 20 * 8]


def test_drrip_withstands_a_loop_too_large():
    """A loop of twice the cache: LRU and SRRIP never hit, BRRIP keeps a part, and the duel finds it."""
    loop = np.tile(np.arange(2 * 16 * 256), 40) * 128
    configs = [CacheConfig(16 * 256 * 128, index="modulo", policy=policy) for policy in ("lru", "srrip", "drrip")]
    hits = replay(loop, np.zeros(len(loop), bool), configs).read_hits
    assert hits[0] == hits[1] == 0
    assert hits[2] > 0.3 * len(loop)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"sector": 32}, [2, 1, 1, 0, 1]),
        ({"sector": 32, "write_miss": "fetch"}, [2, 2, 0, 0, 1]),
        ({"sector": 32, "write_miss": "around"}, [2, 0, 2, 2, 2]),
        ({"sector": 32, "write": "through"}, [2, 1, 1, 2, 1]),
        ({"sector": 32, "write": "through", "write_miss": "fetch"}, [2, 2, 0, 2, 1]),
        ({}, [1, 2, 0, 0, 4]),
        ({"write_miss": "validate"}, [2, 1, 1, 0, 3]),
        ({"write_miss": "around"}, [2, 1, 1, 2, 4]),
    ],
)
def test_two_sectors_written_and_read(given, expected):
    """A sector written whole, its neighbour in part, then both read; counted by hand."""
    run = Replay([CacheConfig("64KiB", wear=True, **given)])
    run.feed(intervals((0, 0, 1, 48, True, 0, 0), (0, 0, 1, 64, False, 0, 0)))
    row = run.result().iloc[0]
    names = ["write_misses", "read_hits", "read_misses", "through_sectors", "fill_sectors"]
    assert row[names].tolist() == expected


def test_wear_of_two_lines():
    """A line filled and written twice, another filled once."""
    run = Replay([CacheConfig(1024, 2, 128, "modulo", wear=True)])
    run.feed_addresses([0, 0, 32, 512], [False, True, True, False])
    assert run.wear(0).tolist() == [[3, 1], [0, 0], [0, 0], [0, 0]]
    row = run.result().iloc[0]
    assert (row.array_writes, row.most_written, row.mean_written, row.wear_ratio) == (4, 3, 0.5, 6.0)
    assert wear.lifetime_s(3, 2.0, 1e9) == pytest.approx(2e9 / 3)
    assert wear.lifetime_s(0, 2.0, 1e9) == float("inf")
    with pytest.raises(InputError, match="wear"):
        Replay([CacheConfig(1024, 2)]).wear(0)


@settings(max_examples=100, deadline=None)
@given(stream=st.lists(batches(), min_size=1, max_size=3), config=others)
def test_byte_masks_equal_the_twin(stream, config):
    config = changed(config, byte_masks=True)
    run, twin = Replay([config]), MaskedCache(config)
    for batch in stream:
        run.feed(batch)
        for (address, write, whole, _), written in zip(sectors(batch), bytes_written(batch), strict=True):
            twin.access(address, write, whole)
            if write:
                twin.write_bytes(address, written)
    row = run.result().iloc[0]
    expected = {name: twin.counts[name] for name in COUNTS} | twin.left()
    assert {name: row[name] for name in expected} == expected


def test_halves_of_a_sector_make_it_whole():
    """Sector 0 is written in two halves and read; sector 1's second half is missing, and is fetched."""
    halves = intervals((0, 0, 1, 16, True, 0, 0), (16, 0, 1, 32, True, 0, 0), (0, 0, 1, 64, False, 0, 0))
    for masks, fetched in ((False, 2), (True, 1)):
        run = Replay([CacheConfig("64KiB", sector=32, byte_masks=masks)])
        run.feed(halves)
        assert run.result().iloc[0].dram_read_sectors == fetched


def test_masks_change_nothing_where_sectors_are_written_whole():
    rng = np.random.default_rng(1)
    trace = rng.integers(0, 1 << 12, 20_000).astype(np.uint64) * np.uint64(32), rng.random(20_000) < 0.4
    plain, masked = (replay(*trace, CacheConfig("32KiB", sector=32, byte_masks=masks)) for masks in (False, True))
    pd.testing.assert_frame_equal(plain, masked)


@settings(max_examples=200, deadline=None)
@given(
    trace=traces(), config=others, sram=st.integers(1, 4), more=st.integers(1, 12),
    after=st.sampled_from([0, 1, 2, 5]),
)  # fmt: skip
def test_hybrid_ways_equal_the_twin(trace, config, sram, more, after):
    ways = sram + more
    config = changed(config, policy="lru", ways=ways, capacity=config.sets * ways * config.line,
                     hybrid=Hybrid(sram, after))  # fmt: skip
    run, twin = Replay([config]), HybridCache(config)
    run.feed_addresses(*trace)
    for address, write in zip(trace[0].tolist(), trace[1].tolist(), strict=True):
        twin.access(address, write)
    row = run.result().iloc[0]
    names = (*COUNTS, "sram_read_hits", "mram_read_hits", "migrations", "mram_read_accesses", "mram_write_accesses")
    assert {name: row[name] for name in names} == {name: twin.counts[name] for name in names}
    assert run.wear(0).tolist() == twin.wear
    assert row.sram_writes == sum(sum(set_[:sram]) for set_ in twin.wear)
    assert row.most_written == max(max(set_[sram:]) for set_ in twin.wear)
    assert row.sram_read_hits + row.mram_read_hits == row.read_hits
    assert after > 0 or row.migrations == 0


def test_a_line_written_often_moves_to_sram():
    """Line 0 is read, so comes to MRAM, and moves at its second write; line 8 is written, so comes to SRAM."""
    run = Replay([CacheConfig(8 * 2 * 128, 2, index="modulo", hybrid=Hybrid(1))])
    lines, writes = [0, 0, 8, 0, 0, 8], [False, True, True, True, False, True]
    run.feed_addresses(np.array(lines) * 128, writes)
    row = run.result().iloc[0]
    # SRAM: 8 filled and written, 0 moved in and written. MRAM: 0 filled and written, 8 moved in and written.
    assert run.wear(0)[0].tolist() == [4, 4]
    assert (row.migrations, row.sram_read_hits, row.mram_read_hits, row.read_misses) == (1, 1, 0, 1)
    assert (row.mram_read_accesses, row.mram_write_accesses) == (1, 2)  # 0 read and written; 8 written there at the end


def test_rows_of_counts_are_made_as_they_are_needed():
    cache = FixedCache(CacheConfig("64KiB", policy="fifo"), 1)
    batch = intervals((0, 0, 1, 64, False, 0, 0), (128, 0, 1, 32, True, 0, 9))
    cache.feed((*batch[:5], batch.kernel), Block.empty())
    assert [cache.counted(row)[0] for row in (0, 8, 9, 12)] == [2, 0, 1, 0]


def as_dinero(config: CacheConfig, walloc: str) -> Dinero:
    sub_block = config.sector or config.line
    wback = "a" if config.write == "back" else "n"
    return Dinero(config.line, sub_block, config.sets, config.ways, config.policy, walloc, wback)


@settings(max_examples=200, deadline=None)
@given(
    trace=traces(), sets=st.sampled_from([1, 2, 8, 32]), ways=st.sampled_from([1, 2, 4, 16]),
    line=st.sampled_from([64, 128, 256]), sector=st.sampled_from([None, 32]), policy=st.sampled_from(["lru", "fifo"]),
    write=st.sampled_from(WRITES), miss=st.sampled_from(WRITE_MISSES), part=st.booleans(),
)  # fmt: skip
def test_dinero_counts_the_same(trace, sets, ways, line, sector, policy, write, miss, part):
    """Sub-blocks are sectors or whole lines; writes in part only where DineroIV does not take them for whole."""
    assume(sector is not None or miss != "validate")  # DineroIV knows no line that is one block yet valid in parts
    walloc = {"fetch": "a", "validate": "f", "around": "n"}[miss]
    config = CacheConfig(sets * ways * line, ways, line, "modulo", sector, 1, policy, 0, write, miss)
    run, dinero = Replay([config]), as_dinero(config, walloc)
    half = part and miss == "fetch"
    places = (trace[0] % np.uint64(1 << 40)) // np.uint64(32) * np.uint64(32)
    for address, kind in zip(places.tolist(), trace[1].tolist(), strict=True):
        dinero.reference("w" if kind else "r", address, 16 if half else 32)
    size = 16 if half else 32
    run.feed(intervals(*((a, 0, 1, size, w, 0, 0) for a, w in zip(places.tolist(), trace[1].tolist(), strict=True))))
    row = run.result().iloc[0]
    ours = [row.read_misses, row.write_misses, row.fill_sectors * 32, row.dram_write_sectors * 32]
    assert ours == [dinero.misses["r"], dinero.misses["w"], dinero.bytes_read, dinero.bytes_written]
