"""`hwmodel reuse`: its rows, its picture, and one line for what cannot be."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from hwmodel.cache.reuse_commands import reuse
from tests.hwmodel.test_cache_laws import intervals, make_trace


@pytest.fixture
def readable(monkeypatch):
    import traces

    trace = make_trace(intervals((0, 0, 1, 1 << 16, True, 0, 0), (0, 0, 1, 1 << 16, False, 0, 2)))
    monkeypatch.setattr(traces, "open_trace", lambda path: trace, raising=False)


def run(*arguments: str) -> tuple[object, object]:
    result = CliRunner().invoke(reuse, ["a.trace", *arguments], standalone_mode=False)
    return result.return_value, result.exception


def test_a_row_a_doubling_and_the_last(readable):
    rows, error = run("--sector", "none")
    assert error is None
    assert [row["capacity_bytes"] for row in rows] == [128 << step for step in range(10)]
    assert [row["read_misses"] for row in rows] == [512] * 9 + [0]
    assert [row["writebacks"] for row in rows] == [512] * 9 + [0]
    assert rows[-1]["dirty_lines_left"] == 512
    many, _ = run("--points", "3", "--line", "256")
    assert len(many) > 2 * len(rows)
    assert many[-1]["capacity_bytes"] == 1 << 16


def test_capacities_as_asked(readable):
    rows, _ = run("--capacity", "64KiB,1MiB,384", "--sector", "none")
    assert [(row["capacity_bytes"], row["read_misses"]) for row in rows] == [(1 << 16, 0), (1 << 20, 0), (384, 512)]


def test_sectors_as_the_trace_says(readable):
    rows, _ = run("--capacity", "32KiB,64KiB")
    assert [row["sector_bytes"] for row in rows] == [32, 32]
    assert [row["dram_read_sectors"] for row in rows] == [2048, 0]
    assert [row["dram_write_sectors"] for row in rows] == [2048, 0]
    assert [row["dirty_sectors_left"] for row in rows] == [0, 2048]


def test_a_row_a_number_of_ways(readable):
    rows, _ = run("--sets", "8", "--index", "modulo")
    assert [row["ways"] for row in rows] == list(range(1, 65))
    assert [row["read_misses"] for row in rows] == [512] * 63 + [0]


@pytest.mark.parametrize(("ending", "begins"), [("pdf", b"%PDF"), ("png", b"\x89PNG"), ("svg", b"<?xml")])
@pytest.mark.parametrize("sets", [(), ("--sets", "8")])
def test_a_picture(readable, tmp_path: Path, ending, begins, sets):
    for name in ("one", "two"):
        _, error = run("-o", str(tmp_path / f"{name}.{ending}"), *sets)
        assert error is None
    assert {path.name for path in tmp_path.iterdir()} == {f"one.{ending}", f"two.{ending}"}
    one = (tmp_path / f"one.{ending}").read_bytes()
    assert one.startswith(begins)
    assert one == (tmp_path / f"two.{ending}").read_bytes()


def test_a_picture_of_nothing(monkeypatch, tmp_path: Path):
    import traces

    monkeypatch.setattr(traces, "open_trace", lambda path: make_trace(), raising=False)
    rows, error = run("-o", str(tmp_path / "none.svg"))
    assert (rows, error) == ([], None)
    ways, error = run("-o", str(tmp_path / "ways.svg"), "--sets", "4")
    assert ([row["accesses"] for row in ways], error) == ([0] * 64, None)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    "arguments",
    [("--line", "100"), ("--line", "x"), ("--sets", "0"), ("--sets", "3", "--index", "xor"), ("--capacity", "100"),
     ("--capacity", "1MiB,"), ("--capacity", "1MiB", "--sets", "4"), ("--points", "0"), ("--sector", "64"),
     ("--sector", "x"), ("--sector", "32", "--sets", "4"), ("-o", "a.txt"), ("-o", "a"),
     ("-o", "/nowhere/a.pdf")],
)  # fmt: skip
def test_a_slip_is_one_line(readable, arguments):
    _, error = run(*arguments)
    assert error is not None
    assert getattr(error, "is_input_error", False) or type(error).__name__ == "BadParameter"
    assert "\n" not in str(error)
