"""What a newcomer gets wrong with the commands of the cache: one line that names it, exit code 2, nothing printed."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from traces import Header, open_trace, write_trace

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.din").write_text("0 0\n1 40\n")
    trace = replace(open_trace(tmp_path / "a.din"), header=Header("net", "inference", 1, "gtx1080ti"))
    write_trace(trace, tmp_path / "a.trace")
    (tmp_path / "notes.trace").write_text("not a trace\n" * 9)
    (tmp_path / "good.yaml").write_text("levels: {L2: {capacity: 1MiB}}")
    (tmp_path / "key.yaml").write_text("levels: {L2: {capacity: 1MiB, associativity: 16}}")
    (tmp_path / "ways.yaml").write_text("levels: {L2: {capacity: 1MiB, ways: 0}}")
    (tmp_path / "sets.yaml").write_text("levels: {L2: {capacity: 3000}}")
    return tmp_path


MISTAKES = [
    ("hierarchy none.trace --machine good.yaml", "none.trace: cannot be read: No such file"),
    ("hierarchy a.trace --machine none.yaml", "none.yaml: No such file or directory"),
    ("hierarchy a.trace --machine key.yaml", "key.yaml: levels.L2: unknown associativity"),
    ("hierarchy a.trace --machine ways.yaml", "ways.yaml: levels.L2: ways 0"),
    ("hierarchy a.trace --machine sets.yaml", "sets.yaml: levels.L2: capacity 3000"),
    ("hierarchy notes.trace --machine good.yaml", "notes.trace"),
    ("hierarchy a.trace", "--machine"),
    ("timing none.trace --capacity 1MiB --cell stt", "none.trace: cannot be read: No such file"),
    ("timing notes.trace --capacity 1MiB --cell stt", "notes.trace"),
    ("timing a.trace --capacity 1MiB --cell stt --ways 0", "ways 0"),
    ("timing a.trace --capacity 3000 --cell stt", "capacity 3000"),
    ("timing a.trace --capacity 1MiB", "missing; name a cell"),
    ("timing a.trace --capacity 1MiB --cell stt --gpu key.yaml", "key.yaml"),
    ("timing a.trace --cell stt", "--capacity"),
    ("replay none.trace --capacity 1MiB", "none.trace: cannot be read: No such file"),
    ("replay notes.trace --capacity 1MiB", "notes.trace"),
    ("replay a.trace --capacity 1MiB --ways 0", "ways 0"),
    ("replay a.trace --capacity 1MiB --retention 5us", "--accesses-per-s"),
    ("replay a.trace --capacity 3000", "capacity 3000"),
]


@pytest.mark.parametrize(("line", "words"), MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(folder, line, words):
    program = [sys.executable, "-c", "from hwmodel.cli import main; main()", *line.split(), "--json"]
    done = subprocess.run(
        program, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert len(list(folder.iterdir())) == 7
