"""Our counts beside DineroIV's own, over caches and treatments of writes that both know.

    python benchmarks/replay/against_dinero.py path/to/dineroIV [--json] [--references 3000]

DineroIV (Edler and Hill, release d4-7) is not ours to bring along: build it, and give the path of its program. A row a
treatment of writes: how many caches (sets, ways, lines, sub-blocks, LRU and FIFO) were replayed, and how many counted
other misses or bytes than DineroIV. It writes back at the end what is dirty, so what we have left is added; it counts
the bytes that a write sends on, we their sectors.
"""

import argparse
import itertools
import json
import re
import subprocess
from typing import Any

import numpy as np

from hwmodel.cache import CacheConfig, Replay
from traces.stream import COLUMNS, Intervals

SECTOR = 32
ALLOCATE = {"fetch": "a", "validate": "f", "around": "n"}
CACHES = list(itertools.product([1, 16, 64], [1, 4, 16], [64, 128], [None, SECTOR], ["lru", "fifo"]))
# In part, DineroIV takes a sector for valid where it does not fetch; with whole lines it knows no `validate`.
TREATMENTS = [
    (write, miss, part)
    for write, miss, part in itertools.product(["back", "through"], ALLOCATE, [False, True])
    if not part or miss == "fetch"
]


def dinero(program: str, config: CacheConfig, text: str) -> tuple[int, ...]:
    """Return read misses, write misses, bytes read and bytes written."""
    options = {
        "dsize": config.capacity, "dbsize": config.line, "dsbsize": config.sector or config.line,
        "dassoc": config.ways, "drepl": config.policy[0], "dwalloc": ALLOCATE[config.on_write_miss],
        "dwback": "a" if config.write == "back" else "n",
    }  # fmt: skip
    words = [word for name, value in options.items() for word in (f"-l1-{name}", str(value))]
    done = subprocess.run([program, "-informat", "D", *words], input=text, capture_output=True, text=True, check=True)
    misses = re.search(r"Demand Misses\s+(.*)", done.stdout)
    read, written = (re.search(rf"Bytes {way} Memory\s+(\d+)", done.stdout) for way in ("From", "To"))
    if misses is None or read is None or written is None:
        raise SystemExit(f"{program}: prints no counts of DineroIV's")
    return int(misses[1].split()[3]), int(misses[1].split()[4]), int(read[1]), int(written[1])


def ours(config: CacheConfig, address: np.ndarray, is_write: np.ndarray, size: int) -> tuple[int, ...]:
    zero, same = np.zeros(len(address)), np.ones(len(address))
    columns = (address, zero, same, same * size, is_write, zero, zero)
    run = Replay([config])
    run.feed(Intervals(*(column.astype(kind) for column, kind in zip(columns, COLUMNS.values(), strict=True))))
    row = run.result().iloc[0]
    left = row.dirty_sectors_left * SECTOR if config.sector else row.dirty_lines_left * config.line
    written = row.dram_write_sectors * SECTOR - row.through_sectors * (SECTOR - size) + left
    return int(row.read_misses), int(row.write_misses), int(row.fill_sectors * SECTOR), int(written)


def compare(program: str, write: str, miss: str, part: bool, references: int) -> dict[str, Any]:
    rng, size, apart, runs = np.random.default_rng(7), SECTOR // 2 if part else SECTOR, 0, 0
    for sets, ways, line, sector, policy in CACHES:
        if sector is None and miss == "validate":
            continue
        config = CacheConfig(sets * ways * line, ways, line, "modulo", sector, 1, policy, 0, write, miss)
        address = (4 * config.capacity * rng.random(references) ** 2).astype(np.int64) // SECTOR * SECTOR
        is_write = rng.random(references) < 0.4
        kinds = np.where(is_write, "w", "r")
        text = "".join(f"{kind} {place:x} {size:x}\n" for kind, place in zip(kinds, address.tolist(), strict=True))
        runs += 1
        apart += dinero(program, config, text) != ours(config, address, is_write, size)
    return {"write": write, "write_miss": miss, "bytes": size, "caches": runs, "unequal": apart}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="DineroIV's program")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--references", type=int, default=3000, help="of each run")
    options = parser.parse_args()
    rows = [compare(options.program, *treatment, options.references) for treatment in TREATMENTS]
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    from hwmodel.console import view

    view(rows)


if __name__ == "__main__":
    main()
