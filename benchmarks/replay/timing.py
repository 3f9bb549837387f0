"""How fast the timing of a banked cache is, and what it says beside the sum of latencies.

    python benchmarks/replay/timing.py [--json] [--accesses 4000000] [--rounds 3]

CPU seconds of one thread, medians: `outcomes` finds what each access hits, `serve` gives each its times, once;
`events` is the event-driven twin of tests/naive, on the first 20,000 accesses, whose times must agree.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2]))

from by_stream import main, rates
from streams import STREAMS, expand

from hwmodel.cache import CacheConfig, banks
from hwmodel.cache.accesses import Accesses
from hwmodel.cache.banked import BankedCache
from hwmodel.cache.outcomes import Cache, Outcomes
from hwmodel.cache.timing import Timing
from tests.naive.banks import Access, Machine, Simulation

CONFIG = CacheConfig("3MiB", sector=32)
# 24 banks that write in 9 ns and read in 4, an access each 0.1 ns, DRAM of 33 ns and 484 GB/s.
CACHE = BankedCache(24, 4e-9, 9e-9, 1024, buffer=8, interval_s=1e-10, dram_latency_s=33e-9, dram_bytes_per_s=484e9)
FIRST = 20_000
_NONE = np.empty(0, np.int64)


def served(found: Outcomes, issued: np.ndarray = _NONE, done: np.ndarray = _NONE) -> None:
    state = banks.Banks.idle(CACHE.banks, CACHE.outstanding)
    columns = found.address, found.write, found.fetched, found.written
    banks.serve(*columns, _NONE, CACHE.figures(CONFIG), state, issued, done)


def twin(found: Outcomes) -> Simulation:
    f = CACHE.figures(CONFIG).tolist()
    machine = Machine(
        CACHE.banks, f[banks.READ], f[banks.READ_CYCLE], f[banks.WRITE], f[banks.WRITE_CYCLE], CACHE.outstanding,
        CACHE.buffer, f[banks.INTERVAL], f[banks.TAG], f[banks.DRAM], f[banks.DRAM_SECTOR],
        bool(f[banks.FORWARDS]),
    )  # fmt: skip
    rows = zip(*(column[:FIRST].tolist() for column in (found.address, found.write, found.fetched, found.written)),
               strict=True)  # fmt: skip
    return Simulation(machine, [Access(a // 128, a // 32, w, fetched, back) for a, w, fetched, back in rows])


def measure(name: str, accesses: int, rounds: int) -> dict[str, Any]:
    address, write = expand(STREAMS[name](accesses, np.random.default_rng(1)))
    part = Accesses(address, write, np.ones(len(address), bool))
    found = Cache(CONFIG).feed(part)
    first = Outcomes(*(column[:FIRST] for column in found))
    issued, done = np.empty(FIRST, np.int64), np.empty(FIRST, np.int64)
    served(first, issued, done)
    start = time.process_time()
    slow = twin(first)
    events = time.process_time() - start
    if issued.tolist() != slow.issued or done.tolist() != [slow.done[number] for number in range(FIRST)]:
        raise SystemExit(f"{name}: the times differ from the event-driven twin's")
    works = {"outcomes": lambda: Cache(CONFIG).feed(part), "serve": lambda: served(found)}
    run = Timing(CONFIG, CACHE)
    run.feed(found)
    row: dict[str, Any] = {"stream": name, "accesses": len(address)} | rates(works, len(address), rounds)
    row["events_M_per_s"] = round(FIRST / events / 1e6, 3)
    keep = ("time_s", "write_time_s", "naive_time_s", "read_latency_mean_s", "read_latency_p99_s", "utilisation")
    return row | {key: value for key, value in run.result().items() if key in keep}


if __name__ == "__main__":
    main(__doc__, measure, 4_000_000, 3, "outcomes, serve, events: M sector accesses per CPU second.")
