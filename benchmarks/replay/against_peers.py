"""The replay beside its peers, on the same traces in the same run: CPU seconds of one thread, interleaved, medians.

    python benchmarks/replay/against_peers.py [--json] [--trace FILE.npz] [--accesses 20000000] [--rounds 5]

`addresses` replays an array of sector addresses, `records` the same accesses as runs of neighbouring sectors of one
kind, `seven` all capacities from 1 to 64 MiB at once, in runs of one of them (the mean). Peers, on addresses:
pycachesim's C core (its source from PyPI, compiled here without Python for this machine; it moves no line to the
front when a write hits, so its counts differ where there are writes) and a plain C loop that moves to the front,
whose counts must equal ours. `threads` compares seconds on the clock of two threads with those of one. All: 16 ways,
128 B lines, whole lines, modulo index, LRU, write-back.

A trace of your own: an .npz with `address` (uint64, byte addresses of 32 B sectors) and `is_write` (bool).
"""

import argparse
import ctypes
import json
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from by_stream import medians
from streams import STREAMS, expand

from hwmodel.cache import CacheConfig, Replay, replay
from traces.stream import SECTOR_BYTES, Intervals

HERE = Path(__file__).parent
PEER = "pycachesim==0.3.1"
COUNTS = ("read_hits", "read_misses", "write_hits", "write_misses", "writebacks")
SWEEP = [CacheConfig(f"{1 << power}MiB", index="modulo") for power in range(7)]
Loop = Callable[[np.ndarray, np.ndarray, int], list[int]]


def compiled(folder: Path, source: str, *options: str) -> Loop | None:
    """Return a C function over a trace, or None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    library = folder / source.replace(".c", ".so")
    flags = ["-O3", "-march=native", "-shared", "-fPIC", "-w", *options]
    subprocess.run([compiler, *flags, "-o", library, HERE / source], check=True)
    function = ctypes.CDLL(str(library)).replay

    def loop(address: np.ndarray, is_write: np.ndarray, sets: int) -> list[int]:
        counts = np.zeros(5, np.uint64)
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (address, is_write, counts)]
        if function(*pointers[:2], ctypes.c_uint64(len(address)), ctypes.c_uint64(sets), pointers[2]):
            raise MemoryError
        return counts.tolist()

    return loop


def pycachesim(folder: Path) -> Loop | None:
    """Return pycachesim's C core, or None where PyPI is out of reach."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--no-binary",
        ":all:",
        "-d",
        folder,
        PEER,
    ]
    if subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode:
        print(f"{PEER}: cannot be had from PyPI; left out", file=sys.stderr)
        return None
    with tarfile.open(next(folder.glob("pycachesim-*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    backend = next(folder.glob("*/cachesim/backend.c"))
    return compiled(folder, "pycachesim_core.c", f'-DBACKEND="{backend}"')


def records_of(address: np.ndarray, is_write: np.ndarray) -> Intervals:
    """Return the accesses as runs of neighbouring sectors of one kind."""
    sector = address // np.uint64(SECTOR_BYTES)
    opens = np.r_[True, (np.diff(sector) != 1) | (is_write[1:] != is_write[:-1])]
    first = np.flatnonzero(opens)
    length = np.diff(np.r_[first, len(sector)])
    nought = np.zeros(len(first), np.uint32)
    return Intervals(
        base=sector[first] * np.uint64(SECTOR_BYTES), stride=np.zeros(len(first), np.int64),
        rows=np.ones(len(first), np.uint32), width=(length * SECTOR_BYTES).astype(np.uint32), write=is_write[first],
        tensor=nought, kernel=nought,
    )  # fmt: skip


def feed(configs: list[CacheConfig], batch: Intervals) -> Replay:
    run = Replay(configs)
    run.feed(batch)
    return run


def measure(
    name: str, trace: tuple[np.ndarray, np.ndarray], capacity: str, rounds: int, peers: dict[str, Loop]
) -> dict[str, Any]:
    address, is_write = trace
    config, batch = CacheConfig(capacity, index="modulo"), records_of(*trace)
    works: dict[str, Callable[[], object]] = {
        "addresses": lambda: replay(address, is_write, config),
        "records": lambda: feed([config], batch),
    }
    for peer, loop in peers.items():
        works[peer] = lambda loop=loop: loop(address, is_write, config.sets)
    ours = replay(address, is_write, config).iloc[0]
    if "c" in peers and peers["c"](address, is_write, config.sets) != [int(ours[count]) for count in COUNTS]:
        raise SystemExit(f"{name}, {capacity}: our counts differ from the C loop's")
    taken = medians(works, rounds)
    row: dict[str, Any] = {"trace": name, "capacity": capacity, "accesses": len(address), "runs": len(batch.base)}
    row |= {f"{work}_median_M_per_s": round(len(address) / seconds / 1e6, 1) for work, seconds in taken.items()}
    for peer in peers:
        row[f"addresses_to_{peer}_ratio"] = round(taken[peer] / taken["addresses"], 2)
        row[f"records_to_{peer}_ratio"] = round(taken[peer] / taken["records"], 2)
    return row


def sweep(name: str, trace: tuple[np.ndarray, np.ndarray], rounds: int) -> dict[str, Any]:
    """Return what seven capacities at once cost, in runs of one."""
    batch = records_of(*trace)
    row: dict[str, Any] = {"trace": name, "capacities": len(SWEEP)}
    forms: dict[str, Callable[[list[CacheConfig]], object]] = {
        "addresses": lambda configs: replay(*trace, configs),
        "records": lambda configs: feed(configs, batch),
    }
    for form, run in forms.items():
        works: dict[str, Callable[[], object]] = {str(c.capacity): (lambda c=c, run=run: run([c])) for c in SWEEP}
        works["seven"] = lambda run=run: run(SWEEP)
        taken = medians(works, rounds)
        seven = taken.pop("seven")
        row[f"{form}_seven_in_single_runs_ratio"] = round(seven / statistics.mean(taken.values()), 2)
        row[f"{form}_seven_M_per_s"] = round(len(trace[0]) * len(SWEEP) / seven / 1e6, 1)
    return row


def side_by_side(name: str, trace: tuple[np.ndarray, np.ndarray], rounds: int) -> list[dict[str, Any]]:
    """Return how many times faster two threads are than one, for one cache and for seven."""
    batch, rows = records_of(*trace), []
    for configs in ([CacheConfig("3MiB", index="modulo")], SWEEP):
        row: dict[str, Any] = {"trace": name, "capacities": len(configs)}
        runs = {threads: Replay(configs, threads=threads) for threads in (1, 2)}
        forms: dict[str, Callable[[Replay], None]] = {
            "addresses": lambda run: run.feed_addresses(*trace),
            "records": lambda run: run.feed(batch),
        }
        for form, one in forms.items():
            works = {str(threads): (lambda run=run, one=one: one(run)) for threads, run in runs.items()}
            taken = medians(works, rounds, time.perf_counter)
            row[f"{form}_two_threads_ratio"] = round(taken["1"] / taken["2"], 2)
            row[f"{form}_two_threads_M_per_s"] = round(len(trace[0]) * len(configs) / taken["2"] / 1e6, 1)
        if not runs[1].result().equals(runs[2].result()):
            raise SystemExit(f"{name}: the counts of two threads differ from those of one")
        rows.append(row)
    return rows


def load(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return a user's trace.

    Raises:
        SystemExit: with one line, for a file that holds none.
    """
    try:
        with np.load(path, allow_pickle=False) as held:
            address, is_write = held["address"], held["is_write"]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, EOFError) as error:
        print(f"{path}: cannot be read ({error}); give an .npz with address and is_write", file=sys.stderr)
        raise SystemExit(2) from None
    if address.dtype != np.uint64 or is_write.dtype != np.bool_ or address.shape != is_write.shape or address.ndim != 1:
        print(f"{path}: give address as uint64 and is_write as bool, of one length", file=sys.stderr)
        raise SystemExit(2)
    if not len(address):
        print(f"{path}: holds no access", file=sys.stderr)
        raise SystemExit(2)
    return address, is_write


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--trace", type=Path, metavar="FILE.npz", help="a trace of your own instead of the four")
    parser.add_argument("--accesses", type=int, default=20_000_000, help="sector accesses a trace, about")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions, of which the median counts")
    chosen = parser.parse_args()
    if chosen.trace:
        traces = {chosen.trace.name: load(chosen.trace)}
    else:
        traces = {name: expand(make(chosen.accesses, np.random.default_rng(1))) for name, make in STREAMS.items()}
    rows, sweeps, threads = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        loops = {"pycachesim": pycachesim(Path(folder)), "c": compiled(Path(folder), "move_to_front.c")}
        peers = {name: loop for name, loop in loops.items() if loop}
        for name, trace in traces.items():
            rows += [measure(name, trace, capacity, chosen.rounds, peers) for capacity in ("3MiB", "4MiB")]
            sweeps.append(sweep(name, trace, max(chosen.rounds // 2, 1)))
            threads += side_by_side(name, trace, chosen.rounds)
            print(f"{name}: done", file=sys.stderr)
    if chosen.json:
        print(json.dumps({"single": rows, "sweep": sweeps, "threads": threads}, indent=2))
        return
    from hwmodel.console import view

    for table in (rows, sweeps, threads):
        view(
            [
                {key.replace("_median_M_per_s", "").replace("_ratio", ""): value for key, value in row.items()}
                for row in table
            ]
        )
    print("Million sector accesses per CPU second; ratios: how many times faster than the peer.")


if __name__ == "__main__":
    main()
