"""Every example in README and docs runs and prints what stands there."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from circuits.array.assumptions import Choices, load_assumptions
from docs.examples import ROOT, blocks, environment, lay_files, matches
from docs.examples import run as shell
from tests import program


def test_matches_lets_only_ellipses_vary():
    assert matches("a ... c", "a b b c")
    assert matches("a\n...\nc", "a\nb\nb\nc")
    assert matches("a  \n", "a")
    assert not matches("a", "b")
    assert not matches("a ... c", "a b d")
    assert not matches("a (b)", "a b")


def test_the_readme_has_examples():
    assert [name for name, _ in blocks() if name.startswith("README")]


def test_a_page_brings_its_files(tmp_path: Path):
    lay_files("circuits.md", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"front.py", "macros.csv", "my.cell", "my.cfg"}
    assert (tmp_path / "macros.csv").read_text().startswith("cell,node")


def test_the_faults_stand_in_the_sets_as_circuits_md_says():
    rows = re.findall(r"\| `(\w+)` \| (\d) \| (\d) \|$", (ROOT / "docs" / "circuits.md").read_text(), re.MULTILINE)
    older, mended = load_assumptions("older"), load_assumptions("mended")
    changed = {field.name for field in fields(Choices) if getattr(older, field.name) != getattr(mended, field.name)}
    assert {name for name, _, _ in rows} == changed
    for name, before, after in rows:
        assert (getattr(older, name), getattr(mended, name)) == (float(before), float(after)), name


@pytest.mark.parametrize(("name", "commands"), [pytest.param(*block, id=block[0]) for block in blocks()])
def test_example(name: str, commands: list[tuple[str, str]], tmp_path: Path):
    page = name.rpartition("-")[0]
    lay_files(page, tmp_path)
    for command, expected in commands:
        real = name == "README.md-1"  # as a newcomer starts it, imports and all
        done = shell(command, tmp_path) if real else program.run(command, tmp_path, environment())
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert matches(expected, done.stdout), f"{command} printed\n{done.stdout}"
