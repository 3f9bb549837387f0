"""Every example in README and docs runs and prints what stands there."""

from pathlib import Path

import pytest

from docs.examples import blocks, matches, run


def test_matches_lets_only_ellipses_vary():
    assert matches("a ... c", "a b b c")
    assert matches("a\n...\nc", "a\nb\nb\nc")
    assert matches("a  \n", "a")
    assert not matches("a", "b")
    assert not matches("a ... c", "a b d")
    assert not matches("a (b)", "a b")


def test_the_readme_has_examples():
    assert [name for name, _ in blocks() if name.startswith("README")]


@pytest.mark.parametrize("commands", [pytest.param(commands, id=name) for name, commands in blocks()])
def test_example(commands: list[tuple[str, str]], tmp_path: Path):
    for command, expected in commands:
        done = run(command, tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert matches(expected, done.stdout), f"{command} printed\n{done.stdout}"
