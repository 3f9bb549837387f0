"""Frames from output, files and meters, whatever these hold; the window in which their rate is steady."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.balance import Meter
from hwmodel.balance.meters import Meters
from hwmodel.balance.profile import watch
from hwmodel.balance.profile.frames import Count, InFile, InOutput, number_of
from hwmodel.balance.profile.patterns import Pattern
from hwmodel.balance.profile.phases import Phases, fitted
from hwmodel.balance.profile.series import steady


def python(tmp_path: Path, code: str, **more):
    return watch([sys.executable, "-c", code], tmp_path / "profile", hz=50, **more)


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), ("1,234,567", 1234567), ("1_000", 1000), ("1.2e6", 1.2e6), ("3k", 3000), (" 1.5M ", 1.5e6),
     ("2 B", 2e9), ("x", None), ("", None), ("1.2.3", None), ("nan", None), ("-", None)],
)  # fmt: skip
def test_numbers_as_jobs_print_them(text: str, number: float | None):
    assert number_of(text) == number


@pytest.mark.parametrize(
    ("pattern", "told", "total"),
    [(r"total (\d+)", "total {}", 40), (r"(?P<frames>\d+) frames", "\x1b[32m{}\x1b[0m frames", 40),
     (r"\+(?P<more>\d+)", "+{}", 100), (r"steps[(\]]+(\d+)\(", "steps(]{}(", 40)],
)  # fmt: skip
def test_frames_by_a_pattern_on_the_output(tmp_path: Path, pattern: str, told: str, total: int):
    code = f"import time\nfor n in (10, 20, 30, 40): print({told!r}.format(n)); time.sleep(.05)"
    profile = python(tmp_path, code, frames=pattern)
    assert profile.about["frames"]["total"] == total
    assert f"'{pattern}'" in profile.about["frames"]["by"]
    times, totals = profile.frame_counts()
    assert totals[-1] == total
    assert np.diff(times).min() > 0.02  # of the lines, not of the ticks
    assert profile.window(float(times[0]), float(times[-1]))["frames"] == total - totals[0]


def test_rates_are_integrated():
    count = Count("rate")
    for at_s, rate in ((1.0, 100), (2.0, 200), (4.0, 50)):
        count.tell(rate, at_s)
    assert count.total == 200 * 1 + 50 * 2


def test_a_total_that_falls_is_a_new_count():
    count = Count("frames")
    for number in (100, 200, 50, 60, -3, float("nan")):
        count.tell(number, 0.0)
    assert (count.total, count.restarts) == (260, 1)


def test_a_line_without_an_end_and_bytes_of_any_kind_do_no_harm(tmp_path: Path):
    code = """
import os, sys
out = sys.stdout.buffer
out.write(os.urandom(200_000)); out.write(b"\\nframes 7\\n"); out.write(b"a" * 300_000); out.flush()
out.write(b"\\nframes 8\\r"); out.write(b"frames 9"); out.flush()
"""
    profile = python(tmp_path, code, frames=r"frames (\d+)")
    assert profile.about["frames"]["total"] == 9
    assert (tmp_path / "profile" / "output.log").stat().st_size == profile.about["output_bytes"] > 500_000


def test_no_pattern_can_hang():
    began = time.perf_counter()
    assert Pattern(r"((?:a+)+)$", "frames").numbers(["a" * 4000 + "!"] * 10) == []
    assert time.perf_counter() - began < 30  # a backtracking matcher takes 2^4000 steps


@pytest.mark.parametrize("pattern", ["(a)(b)", "(", "(?=a)(b)", "(?P<other>a)", "abc", "\ud800(a)"])
def test_patterns_that_cannot_count_are_refused(pattern: str):
    with pytest.raises(InputError, match="frames: pattern"):
        InOutput(pattern)


def test_frames_that_are_never_found_are_told_once(tmp_path: Path):
    profile = python(tmp_path, "print('hello'); print('frames: many')", frames=r"frames: (.+)")
    (warning,) = [one for one in profile.about["warnings"] if "no frames" in one]
    assert "looked for a running total by 'frames: (.+)' in the output; 19 bytes of output held none" in warning
    assert profile.about["frames"]["total"] is None
    assert profile.about["steady"]["frames_per_second"] is None
    assert profile.about["totals"]["cpu_s"] > 0


def test_meters_count_where_the_pattern_finds_nothing(tmp_path: Path):
    code = "from hwmodel.balance import Meter\nMeter().frames(5)\nimport time; time.sleep(.1)"
    profile = python(tmp_path, code, frames="never (x)")
    assert profile.about["frames"] == {"total": 5.0, "by": "the job's meters"}
    assert "held none" in profile.about["warnings"][0]


def looked(source: InFile, path: Path, *parts: str) -> list[float | None]:
    """Append each part to a file, and return the total after each."""
    totals = []
    for number, part in enumerate(parts):
        with path.open("a") as file:
            file.write(part)
        source.look((), float(number))
        totals.append(source.count.total)
    return totals


def test_frames_in_a_column_of_a_csv_that_grows_and_is_written_anew_with_more_columns(tmp_path: Path):
    path = tmp_path / "progress.csv"
    source = InFile(path, None, "time/steps")
    source.look((), 0.0)
    assert source.count.total is None
    assert looked(source, path, "loss,time/steps\n", ".5,100\n", '"a,b",2', "00\n") == [None, 100, 100, 200]
    path.write_text("extra,loss,time/steps\n,.5,100\n,.4,200\n1,.3,300\n")
    source.look((), 5.0)
    assert source.count.total == 300
    assert source.count.restarts == 0


def test_increments_in_a_monitors_csv_whose_first_line_is_a_comment(tmp_path: Path):
    path = tmp_path / "monitor.csv"
    source = InFile(path, None, "l:more")
    assert looked(source, path, '#{"t_start": 1}\n', "r,l,t\n", "1.0,20,0.1\n1.0,30,0.2\n") == [None, None, 50]


def test_frames_under_a_key_of_json_lines(tmp_path: Path):
    path = tmp_path / "result.json"
    source = InFile(path, None, "env_runners/steps")
    line = json.dumps({"env_runners": {"steps": 64}, "much": "x" * 100_000}) + "\n"
    assert looked(source, path, line, "{broken\n", line.replace("64", "128"), "[" * 10_000 + "\n") == [64, 64, 128, 128]


def test_what_a_file_held_before_is_passed_over(tmp_path: Path):
    path = tmp_path / "log.txt"
    path.write_text("frames 1000\n")
    source = InFile(path, r"frames (\d+)", None)
    assert looked(source, path, "frames 2000\n") == [2000]


def test_a_file_that_the_command_writes(tmp_path: Path):
    path = tmp_path / "out.csv"
    code = f"import time\nf = open({str(path)!r}, 'w')\nfor n in range(5):\n"
    code += "    print(n * 10, file=f, flush=True); time.sleep(.05)"
    profile = python(tmp_path, code, frames_file=path, frames=r"^(\d+)$")
    assert profile.about["frames"] == {"total": 40.0, "by": f"a running total by '^(\\d+)$' in {path}"}


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abcde"), st.floats(0, 9)), max_size=30))
def test_sums_read_at_once_are_those_read_one_by_one(tmp_path_factory: pytest.TempPathFactory, events):
    folder = tmp_path_factory.mktemp("meters")
    meters = [Meter(folder) for _ in range(3)]
    phases = Phases(folder)
    for number, (which, phase, size) in enumerate(events):
        meters[which].add(phase, size, size / 2)
        phases.tick(number, look=True)
        expected: dict[str, np.ndarray] = {}
        for (_, name), sums in Meters(folder).read().items():
            expected[name] = expected.get(name, 0) + sums
        assert phases.names == list(dict.fromkeys(phases.names))
        assert {name: row.tolist() for name, row in zip(phases.names, phases.sums, strict=True)} == {
            name: pytest.approx(sums.tolist()) for name, sums in expected.items()
        }


def test_a_line_is_fitted_only_through_events_of_several_sizes():
    size, wall = np.array([1.0, 2, 3, 4]), np.array([3.0, 5, 7, 9])
    zero = np.zeros(4)
    sums = np.array([4, size.sum(), size @ size, wall.sum(), wall @ wall, size @ wall, 0, 0, 0])
    assert fitted(sums)["wall_a_s"] == pytest.approx(1)
    assert fitted(sums)["wall_b_s"] == pytest.approx(2)
    assert fitted(sums)["wall_residual_s"] == pytest.approx(0, abs=1e-6)
    assert "mean_cpu_s" not in fitted(sums)
    same = np.array([4, 8, 16, wall.sum(), wall @ wall, 2 * wall.sum(), *zero[:3]])
    assert fitted(same)["wall_b_s"] is None
    assert fitted(same)["wall_residual_s"] == pytest.approx(wall.std())
    assert fitted(np.zeros(9)) == {}


def test_the_steady_window_begins_where_the_rate_has_settled():
    times = np.arange(0, 60, 0.1)
    rates = np.where(times < 12, 20.0, 200.0) + np.random.default_rng(1).normal(0, 5, len(times))
    window = steady(times, np.cumsum(rates) * 0.1, "frames", 60.0)
    assert 11.5 < window.start_s < 15
    assert window.settled
    assert "MSER" in window.how


def test_a_rate_that_does_not_settle_is_told():
    times = np.arange(0, 60, 0.1)
    window = steady(times, times**3, "frames", 60.0)
    assert not window.settled
    assert "has not settled" in window.how
    assert steady(times, np.zeros(600), "frames", 60.0).how == "the whole run: frames hardly grew"
    assert "too few readings" in steady(times[:6], times[:6], "frames", 60.0).how


def test_the_window_ends_where_frames_end():
    times = np.arange(0, 60, 0.1)
    window = steady(times, np.minimum(times * 100, 4000), "frames", 60.0)
    assert window.end_s == pytest.approx(40, abs=0.2)
    assert window.settled


def test_the_steady_window_of_bursts_holds_whole_ones():
    times = np.arange(0, 40, 0.1)
    acting = (times % 3) < 1.2  # then it learns
    totals = np.cumsum(np.where(acting, 250.0, 0.0))
    window = steady(times, totals, "frames", 40.0)
    frames = np.diff(np.interp([window.start_s, window.end_s], times, totals))[0]
    assert frames / (window.end_s - window.start_s) == pytest.approx(1000, rel=0.01)
    assert (window.end_s - window.start_s) % 3 == pytest.approx(0, abs=1e-6) or (
        window.end_s - window.start_s
    ) % 3 == pytest.approx(3)
    assert window.settled
