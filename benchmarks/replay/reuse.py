"""How fast stack distances are, beside replaying capacity by capacity, on the same streams in the same run.

    python benchmarks/replay/reuse.py [--json] [--accesses 10000000] [--rounds 3]

CPU seconds of one thread, interleaved, medians. `capacities` counts every capacity of a fully associative cache,
`sectored` the same of one that fills sector by sector, `ways` every associativity of 1536 sets; `one` replays one such
cache of 16 ways. Their counts must agree.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from by_stream import main, rates
from streams import STREAMS

from hwmodel.cache import CacheConfig, Replay
from hwmodel.cache.reuse import Reuse
from hwmodel.cache.set_reuse import SetReuse

SETS, WAYS, LINE = 1536, 16, 128
COUNTS = ["read_misses", "write_misses", "writebacks", "dirty_lines_left"]


def fed(run: Any, batch: Any) -> Any:
    run.feed(batch)
    return run.result()


def measure(name: str, accesses: int, rounds: int) -> dict[str, Any]:
    batch = STREAMS[name](accesses, np.random.default_rng(1))
    config = CacheConfig(SETS * WAYS * LINE, WAYS, LINE)
    works: dict[str, Callable[[], object]] = {
        "capacities": lambda: fed(Reuse(LINE), batch),
        "sectored": lambda: fed(Reuse(LINE, 32), batch),
        "ways": lambda: fed(SetReuse(SETS, LINE), batch),
        "one": lambda: fed(Replay([config]), batch),
    }
    one, every = fed(Replay([config]), batch), fed(SetReuse(SETS, LINE), batch)
    if one.loc[0, COUNTS].tolist() != every.loc[WAYS - 1, COUNTS].tolist():
        raise SystemExit(f"{name}: the counts of {WAYS} ways differ from the replay's")
    distances = fed(Reuse(LINE), batch)
    row = {"stream": name, "accesses": distances.accesses, "distinct_lines": distances.lines}
    return row | rates(works, distances.accesses, rounds)


if __name__ == "__main__":
    main(__doc__, measure, 10_000_000, 3, "M sector accesses per CPU second.")
