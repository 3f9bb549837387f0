"""Programs in processes of their own, forked from one that has imported what takes long: torch, pandas, numba.

A process has its own folder, environment, streams and exit code, as one that a shell starts; only its imports are there
already. Where those are what is tested, or a terminal, a signal or a killed process, start a real one instead.
"""

import atexit
import io
import multiprocessing
import os
import runpy
import shlex
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

FORKS = multiprocessing.get_context("forkserver")
# numba's kernels are not: each process loads those it calls.
FORKS.set_forkserver_preload(["torch", "torch._dynamo", "pandas", "numba", "rich.table", "hwmodel.cli"])
PYTHON = "python"


def run(command: str | Sequence[str], folder: Path, environment: dict[str, str] | None = None,
        timeout: float = 300) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """Run `hwmodel ...`, `python FILE ...` or `python -m MODULE ...` in a folder; return its exit code and output.

    Raises:
        subprocess.TimeoutExpired: when it takes longer than `timeout`, in seconds; it is ended.
    """
    words = shlex.split(command) if isinstance(command, str) else list(map(str, command))
    with tempfile.TemporaryDirectory() as place:
        streams = [Path(place) / name for name in ("stdout", "stderr")]
        process = FORKS.Process(target=_begin, args=(words, folder, environment or dict(os.environ), streams))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(words, timeout)
        return subprocess.CompletedProcess(words, process.exitcode, *(path.read_text("utf-8") for path in streams))


def _begin(words: list[str], folder: Path, environment: dict[str, str], streams: list[Path]) -> None:
    """Be the program: in this process, which was forked for it."""
    for number, path in enumerate(streams, 1):
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(open(number, "wb", closefd=False), "utf-8")  # noqa: SIM115
        for number in (1, 2)
    )
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    try:
        _call(words)
    except SystemExit:
        raise
    except BaseException:
        traceback.print_exc()
        sys.exit(1)
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()


def _call(words: list[str]) -> None:
    name, *arguments = words
    if name != PYTHON:
        from hwmodel.cli import main

        assert name == "hwmodel", name
        sys.argv = words
        sys.exit(main())
    if arguments[0] == "-m":
        sys.argv, sys.path[0] = arguments[1:], str(Path.cwd())
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")
