"""Seconds from starting a process to the first result, with kernels on disk and without.

    python benchmarks/replay/first_call.py [--json] [--rounds 5]

`command` is `hwmodel replay small.trace --capacity 1MiB --json`, `python` a script that replays an array; each in
processes of its own, wall clock and CPU seconds (user and system), medians. Kernels: `kept`, those that `hwmodel
compile` left on disk; `none`, an empty folder, as in the very first run without it; `compile` is that command's work,
by one process. `split` says where the CPU seconds of the script go: the interpreter, imports by package, what numba
sets up before it can load a kernel (SciPy's import among it), the first replay with loading kernels, a second replay.
Each row says how many kernels its process compiled, and how many it loaded.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2]))

from streams import STREAMS

from traces import write_trace
from traces.trace import Header, Kernel, Tensor, Trace

ROOT = Path(__file__).resolve().parents[2]
ACCESSES = 100_000
# What a process says at its end; what it prints besides is the result.
COUNTED = """
import atexit, sys
from traces.compiled import counted
atexit.register(lambda: print(*counted(), file=sys.stderr))
"""
COMMAND = """
from hwmodel.cli import main
main(["replay", {trace!r}, "--capacity", "1MiB", "--json"])
"""
COMPILE = "from hwmodel.kernels import compile_kernels; compile_kernels()"
SCRIPT = """
import numpy as np
from hwmodel.cache import CacheConfig, replay
address = np.random.default_rng(1).integers(0, 1 << 22, 100_000)
print(replay(address, address % 3 == 0, CacheConfig("1MiB")).to_string())
"""
SPLIT = """
import json, time
laps, last = {}, 0.0
def lap(name):
    global last
    now = time.process_time()
    laps[name + "_s"], last = now - last, now
lap("interpreter")
import numpy as np; lap("numpy")
import numba; lap("numba")
import pandas; lap("pandas")
from hwmodel.cache import CacheConfig, replay; lap("hwmodel")
from numba.core.registry import cpu_target
cpu_target.typing_context.refresh(); cpu_target.target_context.refresh(); lap("numba_sets_up")
address = np.random.default_rng(1).integers(0, 1 << 22, 100_000)
write = address % 3 == 0; lap("input")
replay(address, write, CacheConfig("1MiB")); lap("first_replay")
replay(address, write, CacheConfig("1MiB")); lap("second_replay")
print(json.dumps(laps))
"""


def small(folder: Path) -> Path:
    """Write a trace of a matrix product, as intervals of one kernel."""
    batch = STREAMS["gemm"](ACCESSES, np.random.default_rng(1))
    tensors, kernels = [Tensor("a", "activation", 0, 1 << 28)], [Kernel("gemm", "", "", "forward", 1, 0)]
    path = folder / "small.trace"
    write_trace(Trace(Header("gemm", "inference", 1, "gtx1080ti"), tensors, kernels, lambda: iter((batch,))), path)
    return path


def once(code: str, kernels: Path) -> tuple[dict[str, float], str]:
    """Run Python in a process of its own that keeps kernels in a folder; return its figures and what it prints."""
    env = os.environ | {"NUMBA_CACHE_DIR": str(kernels), "PYTHONPATH": str(ROOT)}
    before, start = os.times(), time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - start, os.times()
    if done.returncode:
        raise SystemExit(done.stderr)
    figures = {"wall_s": wall, "cpu_s": sum(after[2:4]) - sum(before[2:4])}
    if "counted()" in code:
        loaded, made = map(int, done.stderr.splitlines()[-1].split())
        figures |= {"loaded": loaded, "compiled": made}
    return figures, done.stdout


def measured(what: str, found: str, code: str, folders: list[Path]) -> dict[str, Any]:
    """Return the medians of runs, one with each of the folders."""
    runs = [once(f"{COUNTED}\n{code}", folder)[0] for folder in folders]
    row: dict[str, Any] = {"what": what, "kernels": found, "runs": len(runs)}
    return row | {f"{name}_median": statistics.median(run[name] for run in runs) for name in ("wall_s", "cpu_s")} | {
        name: max(run[name] for run in runs) for name in ("loaded", "compiled")
    }  # fmt: skip


def measure(rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        works = {"command": COMMAND.format(trace=str(small(folder))), "python": SCRIPT}
        kept = folder / "kept"
        rows = [measured("compile", "none", COMPILE, [kept])]
        for work, code in works.items():
            once(code, kept)  # the machine's own file cache is warm in all
            rows.append(measured(work, "kept", code, [kept] * rounds))
            rows.append(measured(work, "none", code, [folder / f"{work}{number}" for number in range(2)]))
        laps = [json.loads(once(SPLIT, kept)[1]) for _ in range(rounds)]
        return {"rows": rows, "split": {name: statistics.median(lap[name] for lap in laps) for name in laps[0]}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--rounds", type=int, default=5, help="runs with kernels on disk, of which the median counts")
    document = measure((options := parser.parse_args()).rounds)
    if options.json:
        print(json.dumps(document, indent=2))
        return
    from hwmodel.console import view

    view([{name.replace("_median", ""): value for name, value in row.items()} for row in document["rows"]])
    view([document["split"]])


if __name__ == "__main__":
    main()
