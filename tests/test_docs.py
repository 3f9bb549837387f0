"""Every example in README and docs runs and prints what stands there.

A block fenced as `console` holds commands (lines that begin with `$ `) and what they print; `...` stands for anything.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return for each block its page and its commands with what each should print."""
    found = []
    for page in PAGES:
        for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), 1):
            commands = [part.partition("\n") for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
            found.append((f"{page.name}-{number}", [(command, output) for command, _, output in commands]))
    return found


def matches(expected: str, printed: str) -> bool:
    """Compare line by line, trailing blanks aside; `...` in what is expected stands for any text."""
    lines = [re.escape(line.rstrip()).replace(r"\.\.\.", ".*") for line in expected.strip().splitlines()]
    text = "\n".join(line.rstrip() for line in printed.strip().splitlines())
    return re.fullmatch("\n".join(lines), text, re.DOTALL) is not None


def test_matches_lets_only_ellipses_vary() -> None:
    assert matches("a ... c", "a b b c")
    assert matches("a\n...\nc", "a\nb\nb\nc")
    assert not matches("a", "b")
    assert not matches("a ... c", "a b d")


def test_there_are_examples() -> None:
    assert any(name.startswith("README") for name, _ in examples())


@pytest.mark.parametrize(("name", "commands"), examples(), ids=[name for name, _ in examples()])
def test_example(name: str, commands: list[tuple[str, str]], tmp_path: Path) -> None:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
    }
    for command, expected in commands:
        done = subprocess.run(
            shlex.split(command),
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert matches(expected, done.stdout), f"{command} printed\n{done.stdout}"
