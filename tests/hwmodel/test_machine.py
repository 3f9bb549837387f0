"""`hwmodel hierarchy` and the YAML file that says what machine it replays."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from circuits.errors import InputError
from hwmodel.cache import CacheConfig
from hwmodel.cache.hierarchy import Dram, Hierarchy, Level, replay_hierarchy, replay_hierarchy_trace
from hwmodel.cache.hierarchy_commands import hierarchy as command
from hwmodel.cache.machine import read_machine
from tests.hwmodel.test_cache_laws import intervals, make_trace

MACHINE = """
levels:
  L2: {capacity: 64KiB, ways: 8, sector: 32, slices: 4, write_miss: fetch, wear: true}
  LLC: {capacity: 256 KB, line: 128 B, sector: none, holds: inclusive, policy: srrip, index: modulo, wear: true}
dram: {mapping: "column:8 channel:2 column:3 bank:4 row", hashed: true}
"""
STREAM = intervals((0, 0, 1, 1 << 17, True, 0, 0), (0, 256, 512, 64, False, 0, 1), (0, 0, 1, 1 << 17, False, 0, 2))


def written(folder: Path, text: str) -> Path:
    path = folder / "machine.yaml"
    path.write_text(text)
    return path


def test_a_file_is_what_python_makes(tmp_path):
    names, found = read_machine(written(tmp_path, MACHINE))
    first = CacheConfig("64KiB", 8, sector=32, slices=4, write_miss="fetch", wear=True)
    second = CacheConfig("256KiB", index="modulo", policy="srrip", wear=True)
    dram = Dram("column:8 channel:2 column:3 bank:4 row", hashed=True)
    assert names == ("L2", "LLC")
    assert found == Hierarchy([Level(first), Level(second, holds="inclusive")], dram)
    plain = read_machine(written(tmp_path, "levels: {L1: {capacity: 32KiB, units: 4}, L2: {capacity: 1MiB}}"))
    assert plain.hierarchy == Hierarchy([Level(CacheConfig("32KiB"), 4), Level(CacheConfig("1MiB"))])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("levels: {L2: {capacity: 1MiB}}\nmemory: {}", "unknown memory; known are levels, dram"),
        ("dram: {}", "levels: give names"),
        ("levels: []", "levels: give names"),
        ("levels: {}", "levels: give names"),
        ("levels: {L2: 3MiB}", r"levels.L2: '3MiB': give names with values"),
        ("levels: {L2: {ways: 16}}", "levels.L2: capacity missing"),
        ("levels: {L2: {capacity: 1MiB, size: 3}}", "levels.L2: unknown size; known are capacity, ways"),
        ("levels: {L2: {capacity: 1MiB, hybrid: 3}}", "levels.L2: unknown hybrid"),
        ("levels: {L2: {capacity: 1MiB, ways: 0}}", "levels.L2: ways 0"),
        ("levels: {L2: {capacity: 3000}}", "levels.L2: capacity 3000"),
        ("levels: {L2: {capacity: 1MiB, units: true}}", "levels.L2: units True"),
        ("levels: {L2: {capacity: 1MiB, units: 9999999999999}}", "levels.L2: units 9999999999999"),
        ("levels: {L2: {capacity: 1MiB, policy: [lru]}}", "levels.L2: policy"),
        ("levels: {L2: {capacity: 1MiB}, L3: {capacity: 1MiB, holds: all}}", "levels.L3: holds 'all'"),
        ("levels: {L2: {capacity: 1MiB}, L3: {capacity: 1MiB, line: 64}}", "level 2: lines of 64 B"),
        ("levels: {L2: {capacity: 1MiB, holds: inclusive}}", "the first level has none above it"),
        ("levels: {L2: {capacity: 1MiB}}\ndram: column", "dram: 'column'"),
        ("levels: {L2: {capacity: 1MiB}}\ndram: {rows: 3}", "dram: unknown rows; known are mapping, hashed"),
        ("levels: {L2: {capacity: 1MiB}}\ndram: {hashed: 3}", "dram: hashed 3"),
        ("levels: {L2: {capacity: 1MiB}}\ndram: {mapping: row}", "dram: mapping 'row'"),
        ("levels: {L2: {capacity: 1MiB}, L2: {capacity: 2MiB}}", "'L2' is given twice"),
        ("levels: [", "not YAML"),
        ("3", "holds no mapping"),
    ],
)
def test_a_slip_in_the_file_is_one_line(tmp_path, text, words):
    with pytest.raises(InputError, match=words) as caught:
        read_machine(written(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path}/machine.yaml: ")


def test_a_trace_is_replayed_as_its_addresses(tmp_path):
    found = read_machine(written(tmp_path, MACHINE)).hierarchy
    sectors = np.arange(1 << 12) * 32
    rows = (np.arange(512)[:, None] * 256 + np.array([0, 32])).ravel()
    address = np.concatenate([sectors, rows, sectors])
    expected = replay_hierarchy(address, np.arange(len(address)) < len(sectors), found)
    seen: list[float] = []
    counts = replay_hierarchy_trace(make_trace(STREAM), found, seen.append)
    assert counts.levels.equals(expected.levels)
    assert counts.dram == expected.dram
    assert seen[-1] == 1.0


def test_a_trace_has_no_source_for_several_first_levels():
    with pytest.raises(InputError, match="units 2: a trace does not say which core or SM"):
        replay_hierarchy_trace(make_trace(STREAM), Hierarchy([Level(CacheConfig("64KiB"), 2)]))


@pytest.fixture
def readable(monkeypatch):
    import traces

    monkeypatch.setattr(traces, "open_trace", lambda path: make_trace(STREAM), raising=False)


def test_the_command_gives_a_row_a_level_and_drams(readable, tmp_path, capsys):
    result = CliRunner().invoke(
        command, ["a.trace", "--machine", str(written(tmp_path, MACHINE))], standalone_mode=False
    )
    assert result.exception is None
    first, second, dram = result.return_value
    assert [row["name"] for row in (first, second, dram)] == ["L2", "LLC", "DRAM"]
    assert (first["reads"], first["writes"]) == (1024 + 4096, 4096)
    assert second["read_misses"] * 4 == second["fill_sectors"] == dram["read_sectors"]
    assert dram["row_hits"] + dram["activations"] == dram["read_sectors"] + dram["write_sectors"]
    command.view(result.return_value)  # type: ignore[attr-defined]
    shown = capsys.readouterr().out
    assert "LLC" in shown
    assert "row hits" in shown


def test_the_command_names_the_level_whose_source_no_trace_has(readable, tmp_path):
    path = written(tmp_path, "levels: {L1: {capacity: 64KiB, units: 28}, L2: {capacity: 1MiB}}")
    result = CliRunner().invoke(command, ["a.trace", "--machine", str(path)], standalone_mode=False)
    assert str(result.exception).startswith(f"{path}: levels.L1: units 28: a trace does not say")
