"""Hierarchies, count for count and slot for slot, against a twin in plain Python; and their laws."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.cache import CacheConfig, Hybrid, replay
from hwmodel.cache.config import POLICIES, WRITE_MISSES, WRITES
from hwmodel.cache.hierarchy import Dram, Hierarchy, HierarchyReplay, Level, replay_hierarchy
from hwmodel.cache.levels import HOLDS
from hwmodel.cache.requests import DRAM_COUNTS, LEVEL_COUNTS
from tests.hwmodel.test_cache_laws import intervals
from tests.hwmodel.test_cache_policies import others
from tests.hwmodel.test_cache_twin import batches, traces
from tests.naive.cache import sectors
from tests.naive.hierarchy import Twin

DRAMS = [Dram(), Dram("column:5 bank:2 column:3 rank:1 row", True), Dram("column:10 channel:1 row"),
         Dram("column:6 bank:1 row:3 channel:2 bank:2 row", True)]  # fmt: skip


@st.composite
def hierarchies(draw: st.DrawFn, most: int = 3) -> Hierarchy:
    line, units = draw(st.sampled_from([32, 64, 128])), draw(st.sampled_from([1, 2, 4]))
    levels: list[Level] = []
    for _ in range(draw(st.integers(1, most))):
        policy, ways = draw(st.sampled_from(POLICIES)), draw(st.sampled_from([1, 2, 4, 8]))
        holds = draw(st.sampled_from(HOLDS)) if levels else "neither"
        write = draw(st.sampled_from(WRITES))
        if holds == "exclusive":
            write = "back"
            holds = holds if levels[-1].cache.write == "back" else "neither"
        sets = draw(st.integers(1, 8))
        cache = CacheConfig(sets * ways * line, ways, line, "hashed", draw(st.sampled_from([None, 32])), 1, policy, 5,
                            write, draw(st.sampled_from([None, *WRITE_MISSES])), True)  # fmt: skip
        levels.append(Level(cache, units, holds))
        units = draw(st.sampled_from([n for n in (1, 2, 4) if n <= units]))
    return Hierarchy(levels, draw(st.sampled_from(DRAMS)))


@st.composite
def streams(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count, top = draw(st.integers(1, 800)), draw(st.sampled_from([2**9, 2**11, 2**13, 2**15]))
    address = (top * rng.random(count) ** draw(st.sampled_from([1, 3]))).astype(np.uint64)
    address += np.uint64(draw(st.sampled_from([0, 12345, 2**63 + 96])))
    return address, rng.random(count) < draw(st.sampled_from([0, 0.3, 1])), rng.integers(0, 4, count)


def state_of(run: HierarchyReplay) -> list:
    """Per level, a list of slots: line, valid and dirty sectors."""
    found, state = [], run._levels.caches
    for number in range(len(run.hierarchy.levels)):
        tags = state.of(state.tags, number)
        found.append(np.where(tags == 0, -1, tags.astype(object) - 1).tolist())
        found.append(state.of(state.bits, number).tolist())
    return found


def twin_state(twin: Twin) -> list:
    def bits(sectors: set[int]) -> int:
        return sum(1 << sector for sector in sectors)

    found = []
    for caches in twin.levels:
        found.append([[[line.number if line else -1 for line in ways] for ways in unit] for unit in caches.ways])
        found.append([
            [[bits(line.dirty) << 8 | bits(line.valid) if line else 0 for line in ways] for ways in unit]
            for unit in caches.ways
        ])  # fmt: skip
    return found


@settings(max_examples=120, deadline=None)
@given(hierarchy=hierarchies(), stream=streams())
def test_a_hierarchy_equals_the_twin(hierarchy, stream):
    address, write, source = stream
    source %= hierarchy.levels[0].units
    run, twin = HierarchyReplay(hierarchy), Twin(hierarchy)
    run.feed_addresses(address, write, source)
    for one in zip(address.tolist(), write.tolist(), source.tolist(), strict=True):
        twin.access(*one)
    check(run, twin)


@settings(max_examples=80, deadline=None)
@given(hierarchy=hierarchies(), stream=st.lists(batches(), min_size=1, max_size=3))
def test_intervals_through_a_hierarchy_equal_the_twin(hierarchy, stream):
    """The kernel's number serves as source; sectors written in part keep their other bytes."""
    run, twin = HierarchyReplay(hierarchy), Twin(hierarchy)
    units = hierarchy.levels[0].units
    for batch in stream:
        run.feed(batch, batch.kernel % units)
        for address, write, whole, kernel in sectors(batch):
            twin.access(address, write, kernel % units, whole)
    check(run, twin)


def check(run: HierarchyReplay, twin: Twin) -> None:
    levels, dram = run.result()
    for number, (row, caches) in enumerate(zip(levels.to_dict("records"), twin.levels, strict=True), 1):
        assert {name: row[name] for name in LEVEL_COUNTS} == {name: caches.counts[name] for name in LEVEL_COUNTS}
        assert run.wear(number).tolist() == caches.wear
    assert dram == {name: twin.memory.counts[name] for name in DRAM_COUNTS}
    assert state_of(run) == twin_state(twin)


@settings(max_examples=150, deadline=None)
@given(hierarchy=hierarchies(), stream=streams())
def test_what_levels_hold_of_each_other(hierarchy, stream):
    """An inclusive level has each line above it, an exclusive one none of a single unit's; through has none dirty."""
    run = HierarchyReplay(hierarchy)
    run.feed_addresses(stream[0], stream[1], stream[2] % hierarchy.levels[0].units)
    lines = state_of(run)[::2]
    for (above, below), (upper, lower) in zip(pairwise(hierarchy.levels), pairwise(lines), strict=True):
        share = above.units // below.units
        for unit, sets in enumerate(upper):
            here = {line for ways in sets for line in ways if line >= 0}
            there = {line for ways in lower[unit // share] for line in ways if line >= 0}
            assert below.holds != "inclusive" or here <= there
            assert below.holds != "exclusive" or above.units > 1 or not here & there
    table, dram = run.result()
    for level, row in zip(hierarchy.levels, table.to_dict("records"), strict=True):
        assert row["dirty_lines_left"] == 0 or level.cache.write == "back"
    assert dram["row_hits"] + dram["activations"] == dram["read_sectors"] + dram["write_sectors"]
    assert dram["activations"] - dram["precharges"] <= hierarchy.dram.banks


@settings(max_examples=80, deadline=None)
@given(config=others, stream=traces())
def test_a_single_level_is_a_replay(config, stream):
    levels, dram = replay_hierarchy(*stream, Hierarchy([Level(config)]))
    row, one = levels.iloc[0], replay(*stream, config).iloc[0]
    assert (row.read_misses, row.write_misses, row.fill_sectors) == (
        one.read_misses,
        one.write_misses,
        one.fill_sectors,
    )
    assert (row.writebacks, row.through_sectors) == (one.writebacks, one.through_sectors)
    assert (dram["read_sectors"], dram["write_sectors"]) == (one.dram_read_sectors, one.dram_write_sectors)


@settings(max_examples=100, deadline=None)
@given(hierarchy=hierarchies(), stream=streams())
def test_what_a_level_sends_is_what_the_next_sees(hierarchy, stream):
    """Sectors that the last level asks for and writes are DRAM's."""
    levels, dram = replay_hierarchy(stream[0], stream[1], hierarchy, stream[2] % hierarchy.levels[0].units)
    last = levels.iloc[-1]
    assert dram["read_sectors"] == last.fill_sectors
    assert dram["write_sectors"] == last.writeback_sectors + last.through_sectors


def test_exclusive_levels_hold_the_sum_of_both():
    """A loop as large as both levels together: with exclusive levels it stays in them, with inclusive ones not."""
    loop = np.tile(np.arange(48), 20) * 128

    def read(holds: str) -> int:
        one, two = CacheConfig(16 * 128, 16), CacheConfig(32 * 128, 32)
        return replay_hierarchy(loop, loop < 0, Hierarchy([Level(one), Level(two, 1, holds)])).dram["read_sectors"]

    assert read("exclusive") == 48 * 4
    assert read("inclusive") == 48 * 4 * 20


def test_an_inclusive_level_takes_its_lines_back():
    """Line 0, written, stays hot in the first level, so the second forgets it: it goes from both, its write down."""
    one, two = CacheConfig(4 * 128, 4), CacheConfig(4 * 128, 4)
    lines = np.array([0, 1, 0, 2, 0, 3, 0, 4, 0])
    levels, dram = replay_hierarchy(lines * 128, lines == 0, Hierarchy([Level(one), Level(two, 1, "inclusive")]))
    assert levels.back_invalidations.tolist() == [0, 2]  # 0 for 4, then 1, the oldest, for 0
    assert (levels.write_misses[0], dram["write_sectors"]) == (2, 4)


def test_rows_of_a_small_dram():
    """Two banks of rows of 64 B: hand-counted."""
    dram = Dram("column:6 bank:1 row")
    assert (dram.banks, dram.row_bytes) == (2, 64)
    stream = [0, 32, 64, 128, 0, 96]  # row 0 of bank 0 twice, row 0 of bank 1, row 1 of bank 0, its row 0, bank 1 again
    counts = replay_hierarchy(stream, [False] * 6, Hierarchy([Level(CacheConfig(32, 1, 32))], dram)).dram
    assert counts == {"read_sectors": 6, "write_sectors": 0, "row_hits": 2, "activations": 4, "precharges": 2}


BACK, THROUGH = CacheConfig("64KiB"), CacheConfig("64KiB", write="through")


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: Hierarchy([]), "levels"),
        (lambda: Hierarchy([BACK]), "levels"),
        (lambda: Hierarchy([Level(BACK, 1, "inclusive")]), "first level"),
        (lambda: Hierarchy([Level(BACK), Level(CacheConfig("64KiB", 16, 64))]), "level 2"),
        (lambda: Hierarchy([Level(BACK, 4), Level(BACK, 3)]), "do not divide"),
        (lambda: Hierarchy([Level(THROUGH), Level(BACK, 1, "exclusive")]), "exclusive"),
        (lambda: Level(BACK, 0), "units"),
        (lambda: Level(CacheConfig("64KiB", hybrid=Hybrid(2))), "hybrid"),
        (lambda: Hybrid(0), "sram_ways"),
        (lambda: Hybrid(1, -1), "migrate_after"),
        (lambda: Level("64KiB"), "level"),
        (lambda: Level(BACK, 1, "inclusiv"), "holds"),
        (lambda: Dram("row"), "column:5"),
        (lambda: Dram("column:4 row"), "column:5"),
        (lambda: Dram("column:8 bank:3"), "row"),
        (lambda: Dram("column:8 banks:3 row"), "banks:3"),
        (lambda: Dram("column:8 bank:x row"), "bank:x"),
        (lambda: Dram("column:40 bank:30 row"), "70 bits"),
        (lambda: Dram("column:8 bank:30 row"), "banks"),
        (lambda: replay_hierarchy([0], [True], Level(BACK)), "hierarchy"),
        (lambda: replay_hierarchy([0], [True], Hierarchy([Level(BACK)]), [1]), "source"),
        (lambda: replay_hierarchy([0], [True], Hierarchy([Level(BACK)]), [0, 0]), "source"),
        (lambda: replay_hierarchy([0], [True], Hierarchy([Level(BACK)]), [0.5]), "source"),
        (lambda: HierarchyReplay(Hierarchy([Level(BACK)])).wear(1), "wear"),
        (lambda: HierarchyReplay(Hierarchy([Level(BACK)])).feed(intervals((0, 0, 1, 8, True, 0, 0)), [1]), "source"),
        (lambda: HierarchyReplay(Hierarchy([Level(BACK)])).feed(intervals((0, 0, 1, 0, True, 0, 0))), "interval 0"),
    ],
)  # fmt: skip
def test_a_wrong_hierarchy_is_one_line(make, word):
    with pytest.raises(InputError, match=word) as caught:
        make()
    assert "\n" not in str(caught.value)
