"""What benchmarks of a row a stream have in common: their options, medians of works in turn, and how rows are shown."""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from streams import STREAMS


def medians(
    works: dict[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.process_time
) -> dict[str, float]:
    """Return each work's seconds, of CPU time unless by another clock: one run to warm up, then all `rounds` times."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            start = clock()
            work()
            if number:
                times[name].append(clock() - start)
    return {name: statistics.median(taken) for name, taken in times.items()}


def rates(works: dict[str, Callable[[], object]], accesses: int, rounds: int) -> dict[str, float]:
    """Return million accesses a CPU second of one thread, work by work: medians of `rounds`, the works in turn."""
    taken = medians(works, rounds)
    return {f"{work}_median_M_per_s": round(accesses / seconds / 1e6, 1) for work, seconds in taken.items()}


def main(text: str, measure: Callable[[str, int, int], dict[str, Any]], accesses: int, rounds: int, note: str) -> None:
    """Print a row a stream, as a table or as JSON.

    Args:
        text: what the benchmark is, for --help.
        measure: returns the row of a stream, accesses and rounds; `_median_M_per_s` at a name's end is not shown.
        accesses: of a stream, where the command line names none.
        rounds: repetitions, likewise.
        note: what people read below the table.
    """
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--accesses", type=int, default=accesses, help="sector accesses a stream, about")
    parser.add_argument("--rounds", type=int, default=rounds, help="repetitions, of which the median counts")
    options = parser.parse_args()
    rows = [measure(name, options.accesses, options.rounds) for name in STREAMS]
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    from hwmodel.console import view

    view([{key.removesuffix("_M_per_s").removesuffix("_median"): value for key, value in row.items()} for row in rows])
    print(note)
