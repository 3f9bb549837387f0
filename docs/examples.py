"""The examples of README and docs: what they run, what they print, and how to bring them up to date.

A block fenced as `console` holds commands (lines that begin with `$ `) and what they print; `...` stands for anything.
A block fenced with `file=NAME` after its language is a file that the page's commands find beside them.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_SECONDS = re.compile(r"(?<=replayed in )\d+(?= s)")  # differs from run to run
_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```)", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^```\w+ file=([\w.-]+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def lay_files(page: str, folder: Path) -> None:
    """Write the files that a page shows, by the page's name, to a folder."""
    text = next(path for path in PAGES if path.name == page).read_text(encoding="utf-8")
    for name, content in _FILE.findall(text):
        (folder / name).write_text(content, encoding="utf-8")


def blocks() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield for each block its name and its commands, each with what it should print."""
    for page in PAGES:
        for number, block in enumerate(_BLOCK.findall(page.read_text(encoding="utf-8")), 1):
            yield f"{page.name}-{number}", _commands(block)


def _commands(block: str) -> list[tuple[str, str]]:
    parts = [part.partition("\n") for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(command, output) for command, _, output in parts]


def environment() -> dict[str, str]:
    """Return the environment of a command: ours, with this Python's `hwmodel` and `python` first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "COLUMNS": "110"}


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one command with the environment's `hwmodel` and `python` first on the path."""
    return subprocess.run(
        shlex.split(command),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def matches(expected: str, printed: str) -> bool:
    """Compare line by line, trailing blanks aside; `...` in what is expected stands for any text."""
    lines = [re.escape(line.rstrip()).replace(r"\.\.\.", ".*") for line in expected.strip().splitlines()]
    text = "\n".join(line.rstrip() for line in printed.strip().splitlines())
    return re.fullmatch("\n".join(lines), text, re.DOTALL) is not None


def refresh(folder: Path) -> list[str]:
    """Rewrite each example whose output no longer matches; return the names of the pages that changed."""
    changed = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")

        def renew(block: re.Match[str], page: Path = page, place: Path = folder / page.stem) -> str:
            place.mkdir(exist_ok=True)
            lay_files(page.name, place)
            made = []
            for command, expected in _commands(block[0]):
                done = run(command, place)
                done.check_returncode()
                printed = done.stdout
                lines = _SECONDS.sub("...", "\n".join(line.rstrip() for line in printed.strip("\n").splitlines()))
                made.append(f"$ {command}\n" + (expected if matches(expected, printed) else f"{lines}\n"))
            return "".join(made)

        new = _BLOCK.sub(renew, text)
        if new != text:
            page.write_text(new, encoding="utf-8")
            changed.append(page.name)
    return changed
