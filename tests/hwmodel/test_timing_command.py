"""`hwmodel timing`: what it takes from a cell, a GPU and a DRAM, and one line for what cannot be."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import traces.gpus
from circuits import design_cache
from circuits.errors import InputError
from hwmodel.cache import CacheConfig
from hwmodel.cache.banked import BankedCache
from hwmodel.cache.timing import time_trace
from hwmodel.cache.timing_commands import timing
from hwmodel.cache.timing_machines import Surroundings
from hwmodel.gpu.dram import load_dram
from tests.hwmodel.test_cache_laws import intervals, make_trace
from traces.gpus import load_gpu

TRACE = make_trace(intervals((0, 0, 1, 1 << 17, True, 0, 0), (0, 0, 1, 1 << 17, False, 0, 1)))
GIVEN = ("--set", "read_latency_s=2e-9", "--set", "write_latency_s=9e-9")


@pytest.fixture
def readable(monkeypatch):
    import traces

    monkeypatch.setattr(traces, "open_trace", lambda path: TRACE, raising=False)


def run(*arguments: str) -> tuple[object, object]:
    result = CliRunner().invoke(timing, ["a.trace", *arguments], standalone_mode=False)
    return result.return_value, result.exception


def test_a_gpu_and_its_dram_are_around_the_array():
    gpu, dram = load_gpu("gtx1080ti"), load_dram("gddr5x")
    made = Surroundings("gtx1080ti").cache({"read_latency_s": 2e-9, "write_latency_s": 9e-9})
    assert made == BankedCache(
        24, 2e-9, 9e-9, 1024, interval_s=1 / (24 * gpu.core_Hz), dram_latency_s=dram.read_latency_s,
        dram_bytes_per_s=484e9,
    )  # fmt: skip
    given = {"interval_s": 1e-9, "dram_latency_s": 1e-7, "write_cycle_s": 3e-9, "read_latency_s": 1e-9}
    other = Surroundings("a100_40gb", banks=8, outstanding=2, buffer=3, figures=given).cache({"write_latency_s": 9e-9})
    assert other == BankedCache(
        8, 1e-9, 9e-9, 2, write_cycle_s=3e-9, buffer=3, interval_s=1e-9, dram_latency_s=1e-7,
        dram_bytes_per_s=load_gpu("a100_40gb").dram_bytes_per_s,
    )  # fmt: skip


def test_what_is_around_may_lack(tmp_path):
    with pytest.raises(InputError, match="figure 'speed': unknown"):
        Surroundings("gtx1080ti", figures={"speed": 1.0})
    other = tmp_path / "other.yaml"
    text = (Path(traces.gpus.__file__).parent / "v100.yaml").read_text()
    other.write_text(text.replace("{value: HBM2,", "{value: HBM9,"))
    with pytest.raises(InputError, match="no figures of its HBM9;"):
        Surroundings(str(other)).cache({"read_latency_s": 2e-9, "write_latency_s": 9e-9})
    with pytest.raises(InputError, match="write_latency_s: missing"):
        Surroundings("gtx1080ti").cache({"read_latency_s": 2e-9})


def test_the_command_is_time_trace(readable):
    rows, error = run("--capacity", "64KiB,256KiB", *GIVEN, "--buffer", "4")
    assert error is None
    cache = Surroundings("gtx1080ti", buffer=4).cache({"read_latency_s": 2e-9, "write_latency_s": 9e-9})
    for row, capacity in zip(rows, ("64KiB", "256KiB"), strict=True):
        config = CacheConfig(capacity, sector=32)
        expected = time_trace(TRACE, config, cache)
        assert {name: row[name] for name in expected} == expected
        assert (row["cell"], row["capacity_bytes"], row["buffer"]) == (None, config.capacity, 4)
    assert rows[0]["misses"] > rows[1]["misses"] == 0


def test_a_cell_gives_the_latencies(readable, capsys):
    rows, error = run("--capacity", "256KiB", "--cell", "sram,stt", "--set", "write_cycle_s=1e-8", "--sector", "none")
    assert error is None
    for row, cell in zip(rows, ("sram", "stt"), strict=True):
        design = design_cache(cell, "16nm", "256KiB")
        assert (row["cell"], row["read_latency_s"]) == (cell, design.read_latency_s)
        assert (row["write_latency_s"], row["write_cycle_s"]) == (design.write_latency_s, 1e-8)
    assert rows[0]["misses"] == 1024  # whole lines
    timing.view(rows)  # type: ignore[attr-defined]
    assert "write time" in capsys.readouterr().out


def test_a_trace_that_names_no_gpu_asks_for_one(monkeypatch):
    import traces

    nameless = replace(TRACE, header=replace(TRACE.header, gpu=""))
    monkeypatch.setattr(traces, "open_trace", lambda path: nameless, raising=False)
    _, error = run("--capacity", "64KiB", *GIVEN)
    assert "give --gpu" in str(error)
    rows, error = run("--capacity", "64KiB", *GIVEN, "--gpu", "gtx1080ti")
    assert (error, len(rows)) == (None, 1)


@pytest.mark.parametrize(
    "arguments",
    [(), ("--cell", "tape"), ("--cell", "stt,"), ("--cell", "stt", "--node", "1nm"), ("--set", "read_latency_s=x"),
     (*GIVEN, "--set", "pace_s=1"), (*GIVEN, "--banks", "0"), (*GIVEN, "--buffer", "-1"), (*GIVEN, "--gpu", "abacus"),
     (*GIVEN, "--dram", "drum"), (*GIVEN, "--outstanding", "0"), (*GIVEN, "--set", "write_latency_s=-1"),
     (*GIVEN, "--set", "write_latency_s=nan"), (*GIVEN, "--sector", "64"), (*GIVEN, "--ways", "0")],
)  # fmt: skip
def test_a_slip_is_one_line(readable, arguments):
    rows, error = run("--capacity", "64KiB", *arguments)
    assert error is not None
    assert rows is None
    assert getattr(error, "is_input_error", False) or type(error).__name__ == "BadParameter"
    assert "\n" not in str(error)
