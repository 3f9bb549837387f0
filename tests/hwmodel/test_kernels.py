"""`hwmodel compile`: afterwards nothing is left to compile for what it compiled."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from circuits.errors import InputError
from hwmodel.kernel_commands import compile_
from hwmodel.kernels import PARTS, compile_kernels

ROOT = Path(__file__).parents[2]
COMPILE = """
import json
from hwmodel.kernels import compile_kernels
seen = []
print(json.dumps(compile_kernels(("reuse",), 1, lambda *now: seen.append(now))))
print(json.dumps(seen))
"""
USE = """
import numpy as np
from hwmodel.cache.reuse import Reuse, feed_trace, reuse_distances
from hwmodel.cache.set_reuse import SetReuse
from tests.hwmodel.test_cache_laws import intervals, make_trace
from traces.compiled import counted
trace = make_trace(intervals((0, 0, 1, 1 << 16, True, 0, 0), (1 << 20, 256, 64, 64, False, 0, 1)))
for run in (Reuse(64), SetReuse(16, 64, "xor")):
    feed_trace(trace, run)
    run.result()
reuse_distances(np.arange(9000) * 128, 128, np.ones(9000, bool), 32)  # so many that tables grow
print(*counted())
"""


def printed(code: str, kernels: Path) -> list[str]:
    env = os.environ | {"NUMBA_CACHE_DIR": str(kernels), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    ).stdout.splitlines()  # fmt: skip


def test_what_was_compiled_ahead_is_not_compiled_again(tmp_path):
    found, seen = map(json.loads, printed(COMPILE, tmp_path))
    assert found["compiled"] > 3
    assert found["loaded"] == 0
    assert found["folder"] == str(tmp_path)
    assert seen[-1] == [3, 3, "reuse"]
    loaded, made = map(int, printed(USE, tmp_path)[-1].split())
    assert loaded > 0
    assert made == 0
    again, _ = map(json.loads, printed(COMPILE, tmp_path))
    assert again["compiled"] == 0


def test_every_part_does_its_work_and_a_second_time_compiles_nothing():
    compile_kernels()
    assert compile_kernels()["compiled"] == 0


def test_the_command_says_what_it_did():
    found = CliRunner().invoke(compile_, ["reuse", "hierarchy", "--jobs", "2"], standalone_mode=False)
    assert found.exception is None
    assert set(found.return_value) == {"compiled", "loaded", "time_s", "folder"}
    assert found.return_value["time_s"] > 0


def test_parts_are_named_in_the_help():
    said = CliRunner().invoke(compile_, ["--help"]).output
    assert all(part in said for part in PARTS)
    with pytest.raises(InputError, match=r"part 'gpu': unknown; give some of replay"):
        compile_kernels(("gpu",))
