"""What users may hand in, and what they hear when it cannot be used."""

import numpy as np
import pytest
from click.testing import CliRunner

from circuits.errors import InputError
from hwmodel.cache import CacheConfig, Hybrid, Replay, replay, replay_trace
from hwmodel.cache.commands import replay as command
from tests.hwmodel.test_cache_laws import intervals, make_trace

CONFIG = CacheConfig("64KiB")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"capacity": "3MiB"}, 1536),
        ({"capacity": 7 << 20}, 3584),
        ({"capacity": np.int64(10 << 20)}, 5120),
        ({"capacity": "1KiB", "ways": 1, "line": "64 B"}, 16),
        ({"capacity": "96KiB", "ways": 48, "line": 256}, 8),
    ],
)
def test_sets(given, expected):
    config = CacheConfig(**given)
    assert config.sets == expected
    assert isinstance(config.capacity, int)
    assert config == CacheConfig(**given)
    assert hash(config) == hash(CacheConfig(**given))


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"capacity": 0}, "capacity"),
        ({"capacity": -1}, "capacity"),
        ({"capacity": "3.5 B"}, "capacity"),
        ({"capacity": 1e30}, "capacity"),
        ({"capacity": "1e30"}, "capacity"),
        ({"capacity": True}, "capacity"),
        ({"capacity": None}, "capacity"),
        ({"capacity": "1TiB"}, "memory"),
        ({"capacity": 3000}, "multiple of 2048 B"),
        ({"capacity": "3MiB", "ways": 0}, "ways"),
        ({"capacity": "3MiB", "ways": 65}, "ways"),
        ({"capacity": "3MiB", "ways": 2.0}, "ways"),
        ({"capacity": "3MiB", "ways": True}, "ways"),
        ({"capacity": "3MiB", "ways": np.arange(2)}, "ways"),
        ({"capacity": "3MiB", "line": 96}, "line"),
        ({"capacity": "3MiB", "line": 512}, "line"),
        ({"capacity": "3MiB", "line": 16}, "line"),
        ({"capacity": "3MiB", "index": "crc"}, "index"),
        ({"capacity": "3MiB", "index": "xor"}, "power of two"),
        ({"capacity": "4MiB", "slices": 6, "index": "ipoly"}, "slices 6"),
        ({"capacity": "6MiB", "slices": 2, "index": "ipoly"}, "power of two"),
        ({"capacity": "3MiB", "slices": 0}, "slices"),
        ({"capacity": "3MiB", "slices": 2.5}, "slices"),
        ({"capacity": "3MiB", "sector": 64}, "sector"),
        ({"capacity": "3MiB", "sector": 0}, "sector"),
        ({"capacity": "3MiB", "policy": "nru"}, "policy"),
        ({"capacity": "3MiB", "ways": 12, "policy": "plru"}, "power of two of ways"),
        ({"capacity": "3MiB", "seed": -1}, "seed"),
        ({"capacity": "3MiB", "seed": 2**63}, "seed"),
        ({"capacity": "3MiB", "write": "around"}, "write"),
        ({"capacity": "3MiB", "write_miss": "allocate"}, "write_miss"),
        ({"capacity": "3MiB", "wear": 1}, "wear"),
        ({"capacity": "3MiB", "hybrid": 2}, "hybrid"),
        ({"capacity": "3MiB", "hybrid": Hybrid(16)}, "sram_ways"),
        ({"capacity": "3MiB", "hybrid": Hybrid(2), "policy": "fifo"}, "hybrid"),
        ({"capacity": "100GiB", "policy": "fifo"}, "memory"),
    ],
)
def test_a_wrong_configuration_is_one_line(given, word):
    with pytest.raises(InputError, match=word) as caught:
        CacheConfig(**given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [[-1], [0, -5], [1.0], [float("nan")], np.array([1.5]), ["1"], [None], [[1, 2]], 5, [True], [2**64], [1, [2]],
     np.array([1 + 0j]), [0, 2**63, -1]],
)  # fmt: skip
def test_a_wrong_address_is_one_line(address):
    with pytest.raises(InputError, match=r"^address") as caught:
        replay(address, np.zeros(np.size(np.array(address, object)), bool), [CONFIG])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("is_write", [[True], [True, False, True], [0.5, 0.5], [2, 0], [-1, 0], ["r", "w"], True, None])
def test_a_wrong_kind_is_one_line(is_write):
    with pytest.raises(InputError, match=r"^is_write") as caught:
        replay([0, 32], is_write, [CONFIG])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("configs", [[], ["3MiB"], [None]])
def test_wrong_configs(configs):
    with pytest.raises(InputError, match=r"^configs"):
        replay([0], [False], configs)


def test_no_accesses_are_no_counts():
    row = replay([], [], [CONFIG]).iloc[0]
    assert row.accesses == row.read_misses == row.write_misses == row.dirty_lines_left == 0


def test_arrays_of_any_kind():
    plain = replay(np.array([0, 32, 0, 4096], np.uint64), np.array([0, 1, 0, 1], bool), CONFIG)
    read_only = np.array([0, 32, 0, 4096], np.uint64)
    read_only.flags.writeable = False
    for address in ([0, 32, 0, 4096], read_only, np.array([0, 9, 32, 9, 0, 9, 4096, 9], np.int32)[::2]):
        assert replay(address, [0, 1, 0, 1], CONFIG).equals(plain)
    assert replay(range(0), [], CONFIG).accesses[0] == 0
    assert replay([2**64 - 1, 0], [True, False], CONFIG).read_misses[0] == 1


@pytest.mark.parametrize(
    "row",
    [(0, 0, 0, 32, False, 0, 0), (0, 0, 1, 0, False, 0, 0), (64, -32, 4, 32, False, 0, 0),
     (2**63, 0, 1, 1, False, 0, 0), (0, 2**62, 2, 1, False, 0, 0),
     (0, 2**40, 2**32 - 1, 4, True, 0, 0), (2**62 - 1, 0, 1, 2, False, 0, 0)],
)  # fmt: skip
def test_an_interval_that_cannot_be_is_one_line(row):
    with pytest.raises(InputError, match=r"^interval 0") as caught:
        Replay([CONFIG]).feed(intervals(row))
    assert "\n" not in str(caught.value)


def test_a_batch_that_cannot_be():
    good = intervals((0, 0, 1, 32, False, 0, 0))
    with pytest.raises(InputError, match="rows"):
        Replay([CONFIG]).feed(good._replace(rows=np.ones(2, np.uint32)))
    with pytest.raises(InputError, match="kernel 7"):
        Replay([CONFIG], kernels=3).feed(good._replace(kernel=np.array([7], np.uint32)))
    with pytest.raises(InputError, match="by 'colour'"):
        replay_trace(make_trace(), [CONFIG], by="colour")
    with pytest.raises(InputError, match="kernel 7: the trace has only 3 kernels"):
        replay_trace(make_trace(good._replace(kernel=np.array([7], np.uint32))), [CONFIG], by="layer")
    with pytest.raises(InputError, match="tensor 0: the trace has only 0 tensors"):
        replay_trace(make_trace(good), [CONFIG], by="tensor")


def test_a_long_interval_is_replayed_in_parts():
    run = Replay([CONFIG])
    run.feed(intervals((0, 1 << 20, 1 << 20, 4096, False, 0, 0), (0, 0, 1 << 25, 64, True, 0, 0)))
    row = run.result().iloc[0]
    assert row.accesses == run.accesses == (1 << 27) + (1 << 26)
    assert row.write_hits == (1 << 26) - 1


@pytest.fixture
def readable(monkeypatch):
    import traces

    trace = make_trace(intervals((0, 0, 1, 1 << 20, True, 0, 0), (0, 0, 1, 1 << 20, False, 0, 2)))
    monkeypatch.setattr(traces, "open_trace", lambda path: trace, raising=False)


def run_command(*arguments: str) -> tuple[object, object]:
    runner = CliRunner()
    result = runner.invoke(command, ["a.trace", *arguments], standalone_mode=False)
    return result.return_value, result.exception


def test_the_command_gives_a_row_a_capacity(readable):
    rows, error = run_command("--capacity", "1MiB,3MiB,7MiB")
    assert error is None
    assert [row["capacity_bytes"] for row in rows] == [1 << 20, 3 << 20, 7 << 20]
    assert all(row["sector_bytes"] == 32 and row["read_misses"] == 0 for row in rows)
    whole, _ = run_command("--capacity", "1MiB", "--sector", "none", "--index", "modulo", "--ways", "8")
    assert (whole[0]["sector_bytes"], whole[0]["index"], whole[0]["ways"]) == (0, "modulo", 8)
    around, _ = run_command(
        "--capacity", "1MiB", "--write-miss", "around", "--policy", "random", "--seed", "7", "--wear"
    )
    assert (around[0]["through_sectors"], around[0]["read_misses"], around[0]["most_written"]) == (1 << 15, 1 << 15, 4)
    mixed, _ = run_command("--capacity", "1MiB", "--sram-ways", "4", "--migrate-after", "0")
    assert (mixed[0]["sram_writes"], mixed[0]["migrations"]) == (1 << 15, 0)
    through, _ = run_command("--capacity", "1MiB", "--write", "through")
    assert (through[0]["dram_write_sectors"], through[0]["dirty_lines_left"]) == (1 << 15, 0)
    kernels, _ = run_command("--capacity", "1MiB,3MiB", "--by", "kernel")
    assert [row["name"] for row in kernels] == ["k0", "k1", "k2"] * 2


@pytest.mark.parametrize("capacity", ["", "1MiB,", "x", "3000", "0", "-1", "3.5B", "1e30"])
def test_the_command_names_a_wrong_capacity(readable, capacity):
    _, error = run_command("--capacity", capacity)
    assert error is not None
    assert getattr(error, "is_input_error", False) or type(error).__name__ == "BadParameter"
