"""Lines that forget: count for count against a look at all of them before each access; and their laws."""

from dataclasses import replace as changed

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.cache import CacheConfig, Hybrid, Replay, Retention, replay
from hwmodel.cache.commands import replay as command
from hwmodel.cache.hierarchy import Level
from tests.hwmodel.test_cache_laws import intervals, make_trace
from tests.hwmodel.test_cache_policies import others
from tests.hwmodel.test_cache_twin import COUNTS, batches, traces
from tests.naive.cache import ForgetfulCache, counts_by_kernel

FORGOTTEN = ("expired_lines", "expired_writebacks", "refreshes")


@st.composite
def forgetful(draw: st.DrawFn) -> CacheConfig:
    config, ways = draw(others), draw(st.sampled_from([None, 0, 1, 2, 3, 64]))
    retention = Retention(draw(st.sampled_from([1, 2, 3, 7, 20, 60, 1000])), ways)
    some = ways is not None and 0 < ways < config.ways
    return changed(config, policy="lru" if some else config.policy, retention=retention)


@settings(max_examples=160, deadline=None)
@given(trace=traces(), config=forgetful())
def test_addresses_equal_the_twin(trace, config):
    run, twin = Replay([config]), ForgetfulCache(config)
    run.feed_addresses(*trace)
    for address, write in zip(trace[0].tolist(), trace[1].tolist(), strict=True):
        twin.access(address, write)
    row = run.result().to_dict("records")[0]
    expected = {name: twin.counts[name] for name in (*COUNTS, *FORGOTTEN)} | twin.left()
    assert {name: row[name] for name in expected} == expected
    if config.wear:
        assert run.wear(0).tolist() == twin.wear


@settings(max_examples=60, deadline=None)
@given(stream=st.lists(batches(), min_size=1, max_size=3), config=forgetful())
def test_intervals_equal_the_twin_kernel_by_kernel(stream, config):
    run = Replay([config], kernels=4)
    for batch in stream:
        run.feed(batch)
    expected = counts_by_kernel(ForgetfulCache(config), stream, 4)
    for row, counts in zip(run.result().to_dict("records"), expected, strict=True):
        names = (*COUNTS, *FORGOTTEN)
        assert {name: row[name] for name in names} == {name: counts[name] for name in names}


def test_a_long_trace_equals_the_twin_across_blocks():
    rng = np.random.default_rng(5)
    address = rng.zipf(1.2, 12_000).astype(np.uint64) % np.uint64(1 << 19) * np.uint64(32)
    write = rng.random(12_000) < 0.3
    for ways in (None, 0, 4):
        config = CacheConfig("64KiB", sector=32, wear=True, retention=Retention(900, ways))
        run, twin = Replay([config]), ForgetfulCache(config)
        run.feed_addresses(address, write)
        for a, w in zip(address.tolist(), write.tolist(), strict=True):
            twin.access(a, w)
        row = run.result().iloc[0]
        names = (*COUNTS, *FORGOTTEN)
        assert {name: row[name] for name in names} == {name: twin.counts[name] for name in names}
        assert run.wear(0).tolist() == twin.wear


@settings(max_examples=100, deadline=None)
@given(trace=traces(), config=others)
def test_what_lasts_is_as_what_lasts_for_ever_and_refresh_changes_no_hit(trace, config):
    ever = replay(*trace, config)
    lasting = replay(*trace, changed(config, retention=Retention(1 << 60, 0)))
    pd.testing.assert_frame_equal(lasting[ever.columns], ever)
    assert lasting[list(FORGOTTEN)].to_numpy().sum() == 0
    refreshed = replay(*trace, changed(config, retention=Retention(3)))
    counts = [
        name for name in ever.columns if name not in ("most_written", "mean_written", "wear_ratio", "array_writes")
    ]
    pd.testing.assert_frame_equal(refreshed[counts], ever[counts])
    assert refreshed.expired_lines[0] == 0
    if config.wear:
        assert refreshed.array_writes[0] == ever.array_writes[0] + refreshed.refreshes[0]


@settings(max_examples=100, deadline=None)
@given(trace=traces(), config=forgetful())
def test_conservation(trace, config):
    row = replay(*trace, config).iloc[0]
    assert row.accesses == len(trace[0])
    assert row.expired_writebacks <= min(row.expired_lines, row.writebacks)
    assert row.writeback_sectors + row.through_sectors <= np.count_nonzero(trace[1])
    entered = row.read_misses + row.write_misses
    assert row.expired_lines <= entered


def test_a_line_serves_as_long_as_it_lasts():
    """Line 0 is written by access 0 and lasts 2: it serves access 2, not 3; what reads it does not renew it."""
    config = CacheConfig("64KiB", index="modulo", retention=Retention(2, 0))
    row = replay([0, 32, 64, 96], [True, False, False, False], config).iloc[0]
    assert (row.read_hits, row.read_misses, row.expired_lines, row.expired_writebacks) == (2, 1, 1, 1)
    assert row.dram_write_sectors == 4  # the line
    row = replay([0, 32, 64, 96], [True, False, True, False], config).iloc[0]
    assert (row.read_misses, row.expired_lines) == (0, 0)  # access 2 writes it again


def test_idle_lines_are_refreshed_each_period():
    """Of N accesses to another line, those numbered w + T + 1, w + 2 T + 1, ... find a refresh due."""
    config = CacheConfig("64KiB", wear=True, retention=Retention(10))
    address = np.array([0] + [1 << 12] * 100)
    row = replay(address, np.zeros(101, bool), config).iloc[0]
    assert row.refreshes == 9 + 9  # written by access 0 and by access 1, the latter due before 12, 22, ..., 92
    assert row.array_writes == 2 + 18


def test_the_lines_used_last_are_kept():
    """Four lines of one set, read in order: the two used last are refreshed, the others go."""
    config = CacheConfig(4 * 128, 4, retention=Retention(4, 2))
    address = [0, 128, 256, 384, *[384] * 5]
    row = replay(address, np.zeros(9, bool), config).iloc[0]
    assert (row.expired_lines, row.refreshes) == (2, 2)


def test_seconds_and_a_rate_are_accesses():
    assert Retention.of(26.5e-6, 2e9, 4) == Retention(53_000, 4)
    for wrong in ((0, 1e9), (1e-6, -1), (float("nan"), 1), (1e-12, 1e9), (1e30, 1e9), (True, 1e9), ("1", 1e9)):
        with pytest.raises(InputError, match="give"):
            Retention.of(*wrong)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"retention": 1000}, "give Retention"),
        ({"retention": Retention(9), "hybrid": Hybrid(2)}, "hybrid"),
        ({"retention": Retention(9, 2), "policy": "fifo"}, "refresh_ways 2: goes with policy 'lru'"),
    ],
)
def test_a_wrong_configuration_is_one_line(given, word):
    with pytest.raises(InputError, match=word):
        CacheConfig("64KiB", **given)


@pytest.mark.parametrize("wrong", [{"accesses": 0}, {"accesses": 2**61}, {"accesses": 9, "refresh_ways": -1},
                                   {"accesses": 9, "refresh_ways": 65}, {"accesses": 2.5}])  # fmt: skip
def test_a_wrong_retention_is_one_line(wrong):
    with pytest.raises(InputError, match="whole number"):
        Retention(**wrong)


def test_levels_do_not_forget():
    with pytest.raises(InputError, match="without retention"):
        Level(CacheConfig("64KiB", retention=Retention(9)))


def run_command(*arguments: str) -> tuple[list[dict[str, object]], object]:
    result = CliRunner().invoke(command, ["a.trace", "--capacity", "64KiB", *arguments], standalone_mode=False)
    return result.return_value, result.exception


@pytest.fixture
def readable(monkeypatch):
    import traces

    trace = make_trace(intervals((0, 0, 1, 1 << 15, True, 0, 0), (0, 0, 1, 1 << 15, False, 0, 2)))
    monkeypatch.setattr(traces, "open_trace", lambda path: trace, raising=False)


def test_the_command(readable, capsys):
    rows, error = run_command("--retention", "1us", "--accesses-per-s", "1e9", "--refresh-ways", "0")
    assert error is None
    assert rows == run_command("--retention", "1000", "--refresh-ways", "0")[0]
    # Line k, last written by access 4 k + 3, falls due before 4 k + 1004: all do before they are read, by accesses from
    # 1024 + 4 k on, which bring them in again, so that those of k < 5 fall due again before the end.
    assert (rows[0]["expired_lines"], rows[0]["expired_writebacks"], rows[0]["read_misses"]) == (261, 256, 1024)
    kept, _ = run_command("--retention", "1000")
    assert (kept[0]["expired_lines"], kept[0]["refreshes"], kept[0]["read_misses"]) == (0, 256 + 11, 0)
    parts, _ = run_command("--retention", "1000", "--by", "kernel")
    assert [row["refreshes"] for row in parts] == [5, 0, 262]
    command.view(kept)  # type: ignore[attr-defined]
    assert "refreshes" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [("--refresh-ways", "2"), ("--accesses-per-s", "1e9"), ("--retention", "0"), ("--retention", "-3"),
     ("--retention", "1us"), ("--retention", "5", "--accesses-per-s", "1e9"), ("--retention", "1 parsec"),
     ("--retention", "1us", "--accesses-per-s", "-1"), ("--retention", "1ns", "--accesses-per-s", "1e3"),
     ("--retention", "9", "--refresh-ways", "99"), ("--retention", "9", "--sram-ways", "2"),
     ("--retention", "9", "--refresh-ways", "2", "--policy", "fifo"), ("--retention", "9" * 40)],
)  # fmt: skip
def test_a_slip_of_the_command_is_one_line(readable, arguments):
    rows, error = run_command(*arguments)
    assert rows is None
    assert getattr(error, "is_input_error", False)
    assert "\n" not in str(error)
