"""Fast-forward beside the exact replay of whole networks: how fast, how far off, and within which bound.

    python benchmarks/replay/forward.py [--json] [--networks vgg16,resnet18] [--phases training] [--batch 64]
        [--capacities 1MiB,2MiB,4MiB,8MiB,16MiB,32MiB,64MiB] [--trace FILE ...] [--fast-only]

All capacities at once; 16 ways, 128 B lines of 32 B sectors, hashed index, LRU, write-back. Seconds are CPU seconds of
one process, once each: `stream` makes the intervals (or reads them from a file) and drops them, `fast` and `exact`
replay them, which includes making them. Sectors a second are those of the stream, whatever the number of capacities.
Bounds and differences are in parts of the exact count; `beyond` counts those of a row's five that miss their bound.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hwmodel.cache import CacheConfig, replay_trace
from hwmodel.cache.forward import Forward
from traces import open_trace
from traces.networks import capture_network
from traces.trace import Trace

COUNTED = ("read_misses", "write_misses", "writebacks", "dram_read_sectors", "dram_write_sectors")


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    done = work()
    return time.process_time() - start, done


def run_through(trace: Trace) -> None:
    for _ in trace.batches():
        pass


def measure(name: str, trace: Trace, configs: list[CacheConfig], fast_only: bool) -> dict[str, Any]:
    """Return what a trace took, and a row a capacity with how far fast-forward was off."""
    warm = Forward(configs)
    warm.feed(next(trace.batches()))
    warm.result()
    stream, _ = seconds(lambda: run_through(trace))
    fast, found = seconds(lambda: replay_trace(trace, configs, exact=False))
    sectors = int(found.accesses.iloc[0])
    took: dict[str, Any] = {"stream_s": stream, "fast_s": fast}
    rate = {"fast_sectors_per_s": sectors / fast, "fast_sectors_per_s_without_stream": sectors / (fast - stream)}
    if fast_only:
        return {"trace": name, "sectors": sectors, "capacities": len(configs)} | took | rate
    took["exact_s"], exact = seconds(lambda: replay_trace(trace, configs))
    rate["exact_sectors_per_s"] = sectors / took["exact_s"]
    rate["fast_to_exact_ratio"] = took["exact_s"] / fast
    rows = []
    for right, left in zip(exact.to_dict("records"), found.to_dict("records"), strict=True):
        row = {"capacity_bytes": right["capacity_bytes"], "extrapolated": left["extrapolated_accesses"] / sectors}
        for count in COUNTED:
            whole = max(right[count], 1)
            row[f"{count}_difference"] = (left[count] - right[count]) / whole
            row[f"{count}_bound"] = left[f"{count}_bound"] / whole
        row["beyond"] = sum(abs(left[count] - right[count]) > left[f"{count}_bound"] for count in COUNTED)
        rows.append(row)
    return {"trace": name, "sectors": sectors, "capacities": len(configs)} | took | rate | {"rows": rows}


def traces(chosen: argparse.Namespace) -> Iterator[tuple[str, Trace]]:
    for path in chosen.trace:
        yield Path(path).name, open_trace(path)
    for network in [] if chosen.trace else chosen.networks.split(","):
        for phase in chosen.phases.split(","):
            yield f"{network} {phase} {chosen.batch}", capture_network(network, chosen.batch, phase)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--networks", default="vgg16,resnet18", help="names, with commas between them")
    parser.add_argument("--phases", default="training", help="training, inference or both, with a comma")
    parser.add_argument("--batch", type=int, default=64, help="examples")
    parser.add_argument("--capacities", default=",".join(f"{1 << power}MiB" for power in range(7)))
    parser.add_argument("--trace", action="append", default=[], metavar="FILE", help="a trace instead of networks")
    parser.add_argument("--fast-only", action="store_true", help="leave the exact replay out")
    chosen = parser.parse_args()
    configs = [CacheConfig(size, sector=32) for size in chosen.capacities.split(",")]
    done = []
    for name, trace in traces(chosen):
        done.append(measure(name, trace, configs, chosen.fast_only))
        print(f"{name}: done", file=sys.stderr)
    if chosen.json:
        print(json.dumps(done, indent=2))
        return
    from hwmodel.console import view

    view([{key: value for key, value in one.items() if key != "rows"} for one in done])
    for one in done:
        if "rows" in one:
            print(one["trace"])
            view(one["rows"])


if __name__ == "__main__":
    main()
