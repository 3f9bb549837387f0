"""How fast the replay is, beside a plain C move-to-front loop on the same streams in the same run.

    python benchmarks/replay/replay.py [--json] [--accesses 20000000] [--rounds 5]

CPU seconds of one thread, interleaved, medians. `addresses` replays an array of sector addresses, `intervals` the same
accesses as rows (zipf has one an access), `three` the intervals through 3, 7 and 10 MiB at once. The C loop knows
addresses only; its counts must equal ours.
"""

import argparse
import ctypes
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from streams import STREAMS, expand

from hwmodel.cache import CacheConfig, Replay, replay

COUNTS = ("read_hits", "read_misses", "write_hits", "write_misses", "writebacks")


def compiled(folder: Path) -> Any:
    """Return the C loop, or None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    library = folder / "move_to_front.so"
    source = Path(__file__).with_name("move_to_front.c")
    subprocess.run([compiler, "-O3", "-march=native", "-shared", "-fPIC", "-o", library, source], check=True)
    return ctypes.CDLL(str(library)).replay


def c_counts(loop: Any, address: np.ndarray, is_write: np.ndarray, sets: int) -> list[int]:
    counts = np.zeros(5, np.uint64)
    pointers = (ctypes.c_void_p(array.ctypes.data) for array in (address, is_write))
    size, sets_ = ctypes.c_uint64(len(address)), ctypes.c_uint64(sets)
    if loop(*pointers, size, sets_, ctypes.c_void_p(counts.ctypes.data)):
        raise MemoryError
    return counts.tolist()


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def feed(configs: list[CacheConfig], batch: Any) -> Replay:
    run = Replay(configs)
    run.feed(batch)
    return run


def measure(name: str, capacity: str, accesses: int, rounds: int, loop: Any) -> dict[str, Any]:
    batch = STREAMS[name](accesses, np.random.default_rng(1))
    address, is_write = expand(batch)
    plain = CacheConfig(capacity, index="modulo")
    sectored = CacheConfig(capacity, sector=32)
    three = [CacheConfig(size, sector=32) for size in ("3MiB", "7MiB", "10MiB")]
    works: dict[str, Callable[[], object]] = {
        "addresses": lambda: replay(address, is_write, plain),
        "addresses_hashed_sectored": lambda: replay(address, is_write, sectored),
        "intervals_hashed_sectored": lambda: feed([sectored], batch),
        "three_intervals_hashed_sectored": lambda: feed(three, batch),
    }
    if loop is not None:
        works["c"] = lambda: c_counts(loop, address, is_write, plain.sets)
        ours = replay(address, is_write, plain).iloc[0]
        if c_counts(loop, address, is_write, plain.sets) != [int(ours[count]) for count in COUNTS]:
            raise SystemExit(f"{name}, {capacity}: our counts differ from the C loop's")
    times: dict[str, list[float]] = {work: [] for work in works}
    for work in works.values():
        work()
    for _ in range(rounds):
        for work, run in works.items():
            times[work].append(seconds(run))
    rate = {work: len(address) / statistics.median(taken) / 1e6 for work, taken in times.items()}
    row: dict[str, Any] = {"stream": name, "capacity": capacity, "accesses": len(address)}
    row |= {f"{work}_median_M_per_s": round(value, 1) for work, value in rate.items()}
    if "c" in rate:
        row["addresses_to_c_ratio"] = round(rate["addresses"] / rate["c"], 2)
        row["intervals_to_c_ratio"] = round(rate["intervals_hashed_sectored"] / rate["c"], 2)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--accesses", type=int, default=20_000_000, help="sector accesses a stream, about")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions, of which the median counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        loop = compiled(Path(folder))
        rows = [
            measure(name, capacity, options.accesses, options.rounds, loop)
            for name in STREAMS
            for capacity in ("3MiB", "4MiB")
        ]
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    from hwmodel.console import view

    short = {"_median_M_per_s": "", "_hashed_sectored": "", "_ratio": ""}
    view([{_shorter(key, short): value for key, value in row.items()} for row in rows])
    print("M sector accesses per CPU second; addresses: modulo index, whole lines, as the C loop does.")


def _shorter(key: str, parts: dict[str, str]) -> str:
    if key == "addresses_hashed_sectored_median_M_per_s":
        return "addresses_sectored"
    for part, other in parts.items():
        key = key.replace(part, other)
    return key


if __name__ == "__main__":
    main()
