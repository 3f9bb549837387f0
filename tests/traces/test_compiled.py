"""Kernels on disk: what a process compiles, the next one loads, whatever becomes of the files meanwhile."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hwmodel.cache import compiled as cache_kernels
from hwmodel.cache import fixed, records, requests, stack
from traces import survey
from traces.compiled import KERNELS, stamp_of
from traces.formats import compiled as format_kernels
from traces.formats import warps

ROOT = Path(__file__).parents[2]
CALLER = """
from pathlib import Path
from mine.callee import SHIFT, twice
from traces.compiled import kernel, stamp_of

@kernel(stamp_of(Path(__file__).parent), _nrt=False)
def work(number):
    return twice(number) + SHIFT
"""
CALLEE = """
from traces.compiled import inner

SHIFT = 1

@inner
def twice(number):
    return 2 * number
"""
RUN = """
import logging, sys
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
from mine.caller import work
from traces.compiled import counted
print(work(20), *counted())
"""
# What a user meets who may not write beside the sources; root, as in containers, may write anywhere.
UNWRITABLE = """
from numba.core import caching
def refuse(self):
    raise PermissionError(13, "Permission denied", self.get_cache_path())
tree = getattr(caching, "InTreeCacheLocator", None) or caching._InTreeCacheLocator  # its name up to numba 0.61
tree.ensure_cache_path = refuse
"""


class Package:
    """A package of two files with a kernel, and runs of it in processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder / "mine", folder / "home"
        self.folder.mkdir()
        self.home.mkdir()
        for name, text in (("__init__", ""), ("caller", CALLER), ("callee", CALLEE)):
            (self.folder / f"{name}.py").write_text(text)

    def run(self, before: str = "", **more: str) -> tuple[int, int, int, str]:
        """Return what the kernel made of 20, kernels loaded, kernels compiled, and what was logged."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA", "XDG"))}
        env |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{self.folder.parent}", "HOME": str(self.home)} | more
        done = subprocess.run(
            [sys.executable, "-c", before + RUN], env=env, capture_output=True, text=True, check=True
        )  # fmt: skip
        *logged, last = done.stdout.splitlines()
        value, loaded, made = map(int, last.split())
        return value, loaded, made, "\n".join(logged)

    def kept(self) -> list[Path]:
        return sorted((self.folder / "__pycache__").glob("*.nb?"))


@pytest.fixture
def package(tmp_path):
    return Package(tmp_path)


def test_a_second_process_loads_and_says_nothing(package):
    value, *counts, said = package.run()
    assert (value, counts) == (41, [0, 1])
    assert "compiling kernels" in said
    assert str(package.folder / "__pycache__") in said
    assert package.run() == (41, 1, 0, "")


def test_files_that_are_touched_are_the_same(package):
    package.run()
    for path in package.folder.glob("*.py"):
        os.utime(path, (1, 1))
    assert package.run()[:3] == (41, 1, 0)


def test_a_callee_of_another_file_that_changed_is_noticed(package):
    package.run()
    callee, stat = package.folder / "callee.py", (package.folder / "callee.py").stat()
    callee.write_text(CALLEE.replace("SHIFT = 1", "SHIFT = 3"))
    os.utime(callee, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # of one size and time, yet another file
    assert package.run(PYTHONDONTWRITEBYTECODE="1", PYTHONPYCACHEPREFIX=str(package.home))[:3] == (43, 0, 1)


def test_who_may_not_write_beside_the_sources_loads_what_is_there(package):
    package.run()
    assert package.run(UNWRITABLE) == (41, 1, 0, "")
    assert not list(package.home.rglob("*.nb?"))


def test_who_may_not_write_beside_the_sources_keeps_kernels_at_home(package):
    assert package.run(UNWRITABLE)[:3] == (41, 0, 1)
    assert not package.kept()
    assert package.run(UNWRITABLE)[:3] == (41, 1, 0)


def test_who_may_write_nowhere_is_served_all_the_same(package):
    nowhere = {"HOME": os.devnull}
    *counts, said = package.run(UNWRITABLE, **nowhere)
    assert counts == [41, 0, 1]
    assert "NUMBA_CACHE_DIR" in said
    package.run()
    assert package.run(UNWRITABLE, **nowhere) == (41, 1, 0, "")


def test_a_folder_that_is_named_is_used_alone(package, tmp_path):
    package.run()
    assert package.run(NUMBA_CACHE_DIR=str(tmp_path / "named"))[:3] == (41, 0, 1)
    assert package.run(NUMBA_CACHE_DIR=str(tmp_path / "named"))[:3] == (41, 1, 0)


@pytest.mark.parametrize("content", [b"", b"\x80\x04", b"not a pickle", None])
def test_damaged_files_are_compiled_anew(package, content):
    package.run()
    assert len(package.kept()) == 2
    for path in package.kept():
        path.write_bytes(path.read_bytes()[:-9] if content is None else content)
    assert package.run()[:3] == (41, 0, 1)
    assert package.run()[:3] == (41, 1, 0)


def test_without_compilation_functions_stay_as_they_are(package):
    assert package.run(NUMBA_DISABLE_JIT="1") == (41, 0, 0, "")


def test_a_stamp_is_of_names_and_contents(tmp_path):
    (tmp_path / "a.py").write_text("x")
    (tmp_path / "note.txt").write_text("x")
    first = stamp_of(tmp_path)
    assert stamp_of(tmp_path / "a.py") == first
    (tmp_path / "note.txt").write_text("y")
    assert stamp_of(tmp_path) == first
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    second = stamp_of(tmp_path)
    (tmp_path / "b.py").write_text("y")
    assert len({first, second, stamp_of(tmp_path)}) == 3


@pytest.mark.parametrize(
    ("kernel", "stamp"),
    [(records.feed_intervals, cache_kernels.STAMP), (fixed.visit_any, cache_kernels.STAMP),
     (requests.feed, cache_kernels.STAMP), (stack.follow, cache_kernels.STAMP),
     (warps.parse, format_kernels.STAMP), (survey.sums, survey._STAMP)],
)  # fmt: skip
def test_kernels_are_kept_by_the_stamp_of_their_package(kernel, stamp):
    assert any(kernel is one for one in KERNELS)
    assert kernel._cache._cache_file._source_stamp == stamp
