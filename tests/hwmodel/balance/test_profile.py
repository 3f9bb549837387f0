"""Watching commands: what ran is found, however it detached; counters add up to the kernel's; endings are told."""

import os
import sys
import textwrap
from pathlib import Path

import pytest

from hwmodel.balance.profile import Profile, watch

BURN = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass\n"


def python(tmp_path: Path, code: str, **more) -> Profile:
    """Watch a program of a few lines."""
    return watch([sys.executable, "-c", textwrap.dedent(code)], tmp_path / "profile", **more)


def names_of_reasons(profile: Profile) -> str:
    return "\n".join(profile.about["warnings"])


def test_processor_time_is_the_kernels(tmp_path: Path):
    profile = python(tmp_path, BURN.format(0.3))
    totals = profile.about["totals"]
    assert totals["cpu_s"] == pytest.approx(totals["sampled_cpu_s"], abs=1e-3)
    assert 0.3 <= totals["cpu_s"] < 2
    assert totals["coverage"] > 0.99
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
    assert profile.about["wall_s"] >= 0.3
    assert profile.about["totals"]["cpu_s"] >= 0.3
    assert profile.about["totals"]["coverage"] > 0.9
    last = profile.processes.sort_values("cpu_s").iloc[-1]
    assert last["cpu_s"] > 0.29


def test_threads_waits_are_counted_though_the_kernel_gives_those_of_the_first_alone(tmp_path: Path):
    code = """
    import hashlib, threading
    data = bytes(1 << 20)
    def work():
        for _ in range(300): hashlib.sha256(data)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads: one.start()
    for one in threads: one.join()
    """
    profile = python(tmp_path, code, hz=50, cpus=[min(os.sched_getaffinity(0))])
    of = profile.processes.iloc[0]
    assert of["threads"] == 5
    assert of["wait_s"] > of["cpu_s"]  # four threads on one core: each waits for three others
    assert profile.about["cpus"] == {"asked": "0", "found": "0"}
    assert profile.ticks["running"].max() == 1
