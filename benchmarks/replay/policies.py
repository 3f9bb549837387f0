"""How fast what takes each access by itself is replayed, beside LRU with write-back, which need not.

    python benchmarks/replay/policies.py [--json] [--accesses 20000000] [--rounds 5]

The policies, LRU with writes that go through and around, LRU with wear, hybrid ways, lines that expire or are refreshed
after as many accesses as a quarter of the stream has, and two levels, of which the first
is eight private ones; all of 3 MiB, sectored, hashed. CPU seconds of one thread, interleaved, medians; intervals, but
two levels take addresses.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from streams import STREAMS, expand

from hwmodel.cache import CacheConfig, Hybrid, Replay, Retention
from hwmodel.cache.config import POLICIES
from hwmodel.cache.hierarchy import Hierarchy, Level, replay_hierarchy


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def measure(name: str, accesses: int, rounds: int) -> dict[str, Any]:
    batch = STREAMS[name](accesses, np.random.default_rng(1))
    address, is_write = expand(batch)
    source = np.arange(len(address)) // 64 % 8
    first = Level(CacheConfig("64KiB", 4, sector=32, write="through", write_miss="around"), 8)
    two = Hierarchy([first, Level(CacheConfig("3MiB", sector=32))])
    configs = {policy: CacheConfig("3MiB", sector=32, policy=policy) for policy in POLICIES}
    configs["through_around"] = CacheConfig("3MiB", sector=32, write="through", write_miss="around")
    configs["wear"] = CacheConfig("3MiB", sector=32, wear=True)
    configs["hybrid"] = CacheConfig("3MiB", sector=32, hybrid=Hybrid(4))
    configs["expire"] = CacheConfig("3MiB", sector=32, retention=Retention(max(len(address) // 4, 1), 0))
    configs["refresh"] = CacheConfig("3MiB", sector=32, retention=Retention(max(len(address) // 4, 1)))
    works: dict[str, Callable[[], object]] = {
        work: lambda config=config: Replay([config]).feed(batch) for work, config in configs.items()
    }
    works["two_levels"] = lambda: replay_hierarchy(address, is_write, two, source)
    times: dict[str, list[float]] = {work: [] for work in works}
    for work in works.values():
        work()
    for _ in range(rounds):
        for work, run in works.items():
            times[work].append(seconds(run))
    rate = {work: len(address) / statistics.median(taken) / 1e6 for work, taken in times.items()}
    row: dict[str, Any] = {"stream": name, "accesses": len(address)}
    return row | {f"{work}_median_M_per_s": round(value, 1) for work, value in rate.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--accesses", type=int, default=20_000_000, help="sector accesses a stream, about")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions, of which the median counts")
    options = parser.parse_args()
    rows = [measure(name, options.accesses, options.rounds) for name in STREAMS]
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    from hwmodel.console import view

    view([{key.replace("_median_M_per_s", ""): value for key, value in row.items()} for row in rows])
    print("M sector accesses per CPU second.")


if __name__ == "__main__":
    main()
