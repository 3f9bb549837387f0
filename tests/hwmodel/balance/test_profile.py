"""Watching commands: what runs is found, however it detaches; counters add up to the kernel's; endings are told."""

import os
import subprocess
import sys
import textwrap
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from circuits.errors import InputError
from hwmodel.balance.profile import Profile, process, read_profile, tree, watch
from hwmodel.balance.profile.proc import Source, own_children

BURN = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass\n"
METER = "from hwmodel.balance import Meter\nmeter = Meter()\n"
FIRST_CPU = min(os.sched_getaffinity(0))


def python(tmp_path: Path, code: str, **more) -> Profile:
    """Watch a program of a few lines."""
    return watch([sys.executable, "-c", textwrap.dedent(code)], tmp_path / "profile", **more)


def warned(profile: Profile) -> str:
    return "\n".join(profile.about["warnings"])


@pytest.mark.parametrize("hz", [10, 100])  # at 100, most readings are of all processes together
def test_processor_time_and_slices_are_the_kernels(tmp_path: Path, hz: int):
    code = "import os\nfor _ in range(2):\n    if not os.fork(): break\n" + BURN.format(0.2)
    code += "if 'pid' in dir(): pass\nwhile True:\n    try: os.wait()\n    except ChildProcessError: break\n"
    profile = python(tmp_path, code, hz=hz)
    totals, processes = profile.about["totals"], profile.processes
    assert totals["cpu_s"] == pytest.approx(processes["cpu_s"].sum(), rel=0.2)  # the rest is of ends between ticks
    assert totals["cpu_s"] >= 0.6
    assert totals["coverage"] > 0.8
    assert len(processes) == 3
    assert profile.roles.groupby("role")["cpu_s"].last().sum() == pytest.approx(processes["cpu_s"].sum())
    assert profile.ticks["cpu_s"].is_monotonic_increasing
    assert profile.ticks["wait_s"].iloc[-1] == pytest.approx(processes["wait_s"].sum())
    first = processes[processes["parent"] == os.getpid()].iloc[0]
    assert abs(first["slices"] - first["voluntary_switches"] - first["involuntary_switches"]) <= 2
    assert profile.about["ended"] == {"how": "exit status 0", "exit_status": 0, "signal": None, "by": None}


def test_what_forks_and_detaches_is_watched_to_its_end(tmp_path: Path):
    code = f"""
    import os, time
    if os.fork(): os._exit(3)
    os.setsid()
    if os.fork(): os._exit(0)
    {textwrap.indent(BURN.format(0.3), "    ").strip()}
    """
    profile = python(tmp_path, code, hz=50)
    assert profile.about["ended"]["exit_status"] == 3
    assert profile.about["totals"]["cpu_s"] >= 0.3
    assert profile.about["totals"]["coverage"] > 0.8
    assert profile.processes["cpu_s"].max() > 0.29


def test_threads_waits_are_counted_though_a_process_tells_those_of_its_first_alone(tmp_path: Path):
    code = """
    import hashlib, threading
    data = bytes(1 << 20)
    def work():
        for _ in range(200): hashlib.sha256(data)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads: one.start()
    for one in threads: one.join()
    """
    profile = python(tmp_path, code, hz=50, cpus=[FIRST_CPU])
    (of,) = profile.processes.to_dict("records")
    assert of["threads"] == 5
    assert of["wait_s"] > of["cpu_s"]  # four threads on one core: each waits for three others
    assert profile.about["cpus"] == {"asked": str(FIRST_CPU), "found": str(FIRST_CPU)}
    assert profile.ticks["running"].max() == 1


def test_processes_that_end_between_ticks_are_in_the_totals_and_told(tmp_path: Path):
    code = f"""
    import os
    for _ in range(12):
        if not os.fork():
            {textwrap.indent(BURN.format(0.03), "            ").strip()}
            os._exit(0)
        os.wait()
    """
    profile = python(tmp_path, code, hz=2)
    totals = profile.about["totals"]
    assert totals["cpu_s"] >= 0.36
    assert totals["coverage"] < 0.9
    assert "ended between two ticks" in warned(profile)


def test_without_lists_of_children_all_processes_are_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tree, "has_children_lists", lambda: False)
    monkeypatch.setattr(tree, "no_wait_reason", lambda: "not compiled in")
    code = "import os\nif not os.fork():\n    if os.fork(): os._exit(0)\n" + BURN.format(0.4)
    profile = python(tmp_path, code, hz=20)
    assert len(profile.processes) >= 2
    assert profile.about["totals"]["wait_s"] is None
    assert profile.about["steady"]["wait_share"] is None
    assert profile.ticks["wait_s"].isna().all()
    assert "no run-queue wait: not compiled in" in warned(profile)
    assert "lists no children" in warned(profile)


@pytest.mark.parametrize("alone", [True, False])
def test_processes_that_may_not_be_read_are_told_and_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: bool
):
    monkeypatch.setattr(threading, "active_count", lambda: 1 if alone else 2)  # another might start children
    first: list[str] = []

    def source(path: str) -> Source:
        first.append(path)
        if path.endswith("/stat") and path != first[0]:
            raise PermissionError(13, "Permission denied", path)  # as of another user's where /proc hides them
        return Source(path)

    monkeypatch.setattr(process, "Source", source)
    profile = python(
        tmp_path, "import os, time\ntime.sleep(0.3 if os.fork() else 0.8)\n", hz=20
    )  # seen below its parent
    assert profile.about["wall_s"] >= 0.5
    assert len(profile.processes) == 1
    assert "could not be read" in warned(profile)
    left = [pid for pid in own_children() if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"]
    assert not left


def test_children_of_others_in_this_process_are_left_alone(tmp_path: Path):
    codes = []

    def other() -> None:
        codes.extend(subprocess.run([sys.executable, "-c", "exit(7)"], check=False).returncode for _ in range(3))

    thread = threading.Thread(target=other)
    thread.start()
    profile = python(tmp_path, BURN.format(0.3), hz=50)
    thread.join()
    assert codes == [7, 7, 7]
    assert len(profile.processes) == 1


def test_processes_that_leave_their_processors_are_named(tmp_path: Path):
    everywhere = sorted(os.sched_getaffinity(0))
    if len(everywhere) < 2:
        pytest.skip("one processor")
    code = f"import os; os.sched_setaffinity(0, {everywhere})\n" + BURN.format(0.2)
    profile = python(tmp_path, code, cpus=[FIRST_CPU], hz=20)
    assert "left the processors asked for: python" in warned(profile)


@pytest.mark.parametrize("cpus", [[], [100_000], [-1]])
def test_processors_that_are_not_there_are_refused(tmp_path: Path, cpus: list[int]):
    with pytest.raises(InputError, match="cpus"):
        python(tmp_path, "", cpus=cpus)
    assert not (tmp_path / "profile").exists()


def test_roles_are_what_meters_count_or_a_rule_or_a_name(tmp_path: Path):
    code = """
    import os, sys, time
    from hwmodel.balance import Meter
    for number in range(4):
        if not os.fork(): break
    else:
        number = 4
    meter = Meter()
    for phase in ([], ["environment", "queue"], ["environment", "inference"], ["learner"], [])[number]:
        meter.add(phase)
    if number == 0: os.execv("/bin/sleep", ["sleep", "0.6"])
    end = time.monotonic() + 0.5
    while time.monotonic() < end: pass
    while number == 4:
        try: os.wait()
        except ChildProcessError: break
    """
    profile = python(tmp_path, code, hz=20, roles=[("idle", "^sleep$")])
    processes = profile.processes
    assert sorted(processes["role"]) == ["actor", "actor+inference", "idle", "learner", "python"]
    assert (processes["parent"] > 1).all()
    learner = processes[processes["role"] == "learner"].iloc[0]
    assert profile.roles[profile.roles["role"] == "learner"]["cpu_s"].max() <= learner["cpu_s"]
    window = profile.window(0, profile.wall_s)
    assert {row["role"] for row in window["roles"]} >= set(processes["role"])


@pytest.mark.parametrize("rule", ["x", "=x", "x=", "x=("])
def test_a_rule_that_is_none_is_refused(rule: str):
    from hwmodel.balance.profile.roles import Roles, rules

    with pytest.raises(InputError, match="role"):
        Roles(rules([rule]))


def test_phases_and_frames_of_meters_in_any_window(tmp_path: Path):
    code = (
        METER
        + """
import time
for number in range(60):
    size = 1 + number % 3
    meter.add("inference", size, 0.002 + 0.001 * size, 0.001 * size)
    meter.frames(4)
    time.sleep(0.01)
"""
    )
    profile = python(tmp_path, code, hz=50)
    assert profile.about["frames"] == {"total": 240.0, "by": "the job's meters"}
    whole = profile.window(0, profile.wall_s)
    assert whole["frames"] == 240
    phase = next(row for row in whole["phases"] if row["phase"] == "inference")
    assert phase["count"] == 60
    assert [phase["wall_a_s"], phase["wall_b_s"]] == pytest.approx([0.002, 0.001])
    assert [phase["cpu_a_s"], phase["cpu_b_s"]] == pytest.approx([0, 0.001], abs=1e-9)
    assert phase["wall_residual_s"] == pytest.approx(0, abs=1e-6)
    cuts = np.linspace(0, profile.wall_s, 4)
    parts = [profile.window(*pair) for pair in pairwise(cuts)]
    assert sum(part["frames"] for part in parts) == pytest.approx(240)
    for name in ("cpu_s", "wait_s"):
        assert sum(row[name] for part in parts for row in part["roles"]) == pytest.approx(
            sum(row[name] for row in whole["roles"])
        )
    steady = profile.steady()
    assert 0 <= steady.start_s < steady.end_s <= profile.wall_s
    with pytest.raises(InputError, match="window"):
        profile.window(1, 0.5)


def test_a_profile_is_read_again_as_it_was(tmp_path: Path):
    profile = python(tmp_path, METER + "meter.add('environment', 2, .1)\n" + BURN.format(0.2))
    again = read_profile(tmp_path / "profile")
    assert again.about == profile.about
    assert again.window(0, again.wall_s) == profile.window(0, profile.wall_s)
    assert {path.name for path in (tmp_path / "profile").iterdir()} == {
        "profile.yaml", "ticks.parquet", "roles.parquet", "processes.parquet", "phases.parquet", "output.log", "meters",
    }  # fmt: skip


def test_folders_that_are_none_or_hold_other_things_are_refused(tmp_path: Path):
    python(tmp_path, "")
    with pytest.raises(InputError, match="holds a profile already"):
        python(tmp_path, "")
    with pytest.raises(InputError, match="holds other files"):
        watch(["true"], tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written to"):
        watch(["true"], tmp_path / "file" / "x")
    with pytest.raises(InputError, match="No such file"):
        read_profile(tmp_path / "nowhere")
    (tmp_path / "profile" / "profile.yaml").write_text("a: [")
    with pytest.raises(InputError, match="no YAML"):
        read_profile(tmp_path / "profile")
    (tmp_path / "profile" / "profile.yaml").write_text("format: 99")
    with pytest.raises(InputError, match="format 1"):
        read_profile(tmp_path / "profile")


@pytest.mark.parametrize(
    ("more", "wrong"),
    [({"hz": 0}, "hz 0"), ({"hz": 1e6}, "hz"), ({"seconds": -1}, "seconds"), ({"gpu_hz": 0}, "gpu hz"),
     ({"frames": "x"}, "one group"), ({"frames": "("}, "pattern"), ({"frames_column": "x"}, "frames column"),
     ({"frames_file": Path("x")}, "either a pattern or a column")],
)  # fmt: skip
def test_options_that_cannot_be_are_refused_before_anything_runs(tmp_path: Path, more: dict, wrong: str):
    with pytest.raises(InputError, match=wrong):
        python(tmp_path, "", **more)
    assert not (tmp_path / "profile").exists()


def test_the_machines_figures_are_differences_or_have_a_reason(tmp_path: Path):
    profile = python(tmp_path, BURN.format(0.2))
    machine = profile.about["machine"]
    for name in ("machine_busy_s", "pressure_cpu_s", "pressure_memory_s"):
        known = profile.ticks[name].dropna()
        assert len(known) or machine["unreadable"]
        assert (known >= 0).all()
        assert known.is_monotonic_increasing
    assert machine["logical_cores"] == os.cpu_count()
