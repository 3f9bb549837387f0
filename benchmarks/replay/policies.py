"""How fast what takes each access by itself is replayed, beside LRU with write-back, which need not.

    python benchmarks/replay/policies.py [--json] [--accesses 20000000] [--rounds 5]

The policies, LRU with writes that go through and around, LRU with wear, hybrid ways, lines that expire or are refreshed
after as many accesses as a quarter of the stream has, and two levels, of which the first
is eight private ones; all of 3 MiB, sectored, hashed. CPU seconds of one thread, interleaved, medians; intervals, but
two levels take addresses.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from by_stream import main, rates
from streams import STREAMS, expand

from hwmodel.cache import CacheConfig, Hybrid, Replay, Retention
from hwmodel.cache.config import POLICIES
from hwmodel.cache.hierarchy import Hierarchy, Level, replay_hierarchy


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
    return {"stream": name, "accesses": len(address)} | rates(works, len(address), rounds)


if __name__ == "__main__":
    main(__doc__, measure, 20_000_000, 5, "M sector accesses per CPU second.")
