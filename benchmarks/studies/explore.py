"""How few designs a search needs: the share of a space's hypervolume that it finds, beside an exhaustive sweep.

The space has 10,920 designs. The sweep computes all of them once, into a store (--store); searches then run on its
answers, several seeds each, so that what is compared is which designs they ask for. A share is the hypervolume of the
designs computed so far over that of all, both of the box between the best and the worst of each objective (times,
energies and areas by their logarithms).

    python -m benchmarks.studies.explore --store FOLDER [--jobs 1] [--seeds 5] [--json]
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from hwmodel.console import progress
from hwmodel.studies.explore import prepare, proposer_of
from hwmodel.studies.objectives import values_of
from hwmodel.studies.pareto import front, share
from hwmodel.studies.runner import Runner
from hwmodel.studies.search import unseen
from hwmodel.studies.space import Space
from hwmodel.studies.spec import Explore
from hwmodel.studies.store import Store

SPEC: dict[str, Any] = {
    "study": "explore",
    "networks": ["squeezenet", "resnet18"],
    "phases": {"inference": 1},
    "nodes": ["16nm", "10nm", "7nm", "5nm"],
    "cells": ["sram", "stt", "sot", "reram"],
    "capacities": ["512KiB", "1MiB", "2MiB", "4MiB", "8MiB", "16MiB", "32MiB"],
    "ways": [4, 8, 16],
    "lines": [64, 128],
    "sram_ways": [0, 1, 2, 3],
    "gpus": ["gtx1080ti", "v100", "a100_80gb", "h100", "rtx4090"],
}
OBJECTIVES = {"delay, energy, area": ["delay", "energy", "area"], "edp, area": ["edp", "area"]}
SHARES = (0.01, 0.03, 0.1)
SEARCHES = ("surrogate", "evolution", "random")


def sweep(spec: Explore, store: Path, jobs: int) -> tuple[Space, Any, float]:
    """Return the space, the figures of all its designs, and the seconds that took."""
    space, evaluation = prepare(spec)
    designs = [space.design(number) for number in range(len(space))]
    start = time.perf_counter()
    with Store(store) as kept, progress("sweep") as advance:
        answers = evaluation.answers(designs, Runner(kept, jobs, advance))
    figures = evaluation.figures(designs, answers)
    return space, figures, time.perf_counter() - start


def found(spec: Explore, space: Space, values: np.ndarray, counts: list[int]) -> tuple[list[float], float]:
    """Return the share of the hypervolume after so many designs, and the seconds a search itself took."""
    low, high = values.min(axis=0), values.max(axis=0)
    whole = share(values[front(values)], low, high)
    proposer, chance = proposer_of(spec, space), np.random.default_rng([spec.seed, 1])
    seen, start, shares = np.empty(0, np.int64), time.perf_counter(), {}
    for count in counts:
        while len(seen) < count:
            wanted = min(spec.population, count - len(seen))
            chosen = proposer.propose(seen, values[seen], wanted)
            rest = unseen(space, np.concatenate([seen, chosen]), wanted - len(chosen), chance)
            seen = np.concatenate([seen, chosen, rest])
        shares[count] = share(values[seen], low, high) / whole
    return [shares[count] for count in counts], time.perf_counter() - start


def main() -> None:
    """Print a table, or a document with --json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--population", type=int, default=20)
    parser.add_argument("--searches", default=",".join(SEARCHES))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    spec = Explore.model_validate(SPEC | {"population": asked.population})
    space, figures, seconds = sweep(spec, asked.store, asked.jobs)
    counts = [round(part * len(space)) for part in SHARES]
    rows = []
    for title, names in OBJECTIVES.items():
        values = values_of(figures, names)
        for search in asked.searches.split(","):
            runs = [
                found(
                    spec.model_copy(update={"objectives": names, "search": search, "seed": seed}), space, values, counts
                )
                for seed in range(asked.seeds)
            ]
            shares = np.array([run[0] for run in runs])
            rows.append({"objectives": title, "front": int(front(values).sum()), "search": search,
                         "median": np.median(shares, axis=0).tolist(), "least": shares.min(axis=0).tolist(),
                         "search_s": float(np.median([run[1] for run in runs]))})  # fmt: skip
            print(rows[-1], file=sys.stderr)
    document = {"designs": len(space), "sweep_s": seconds, "seeds": asked.seeds, "population": asked.population,
                "evaluations": counts, "rows": rows}  # fmt: skip
    if asked.json:
        print(json.dumps(document, indent=1))
        return
    print(f"{len(space)} designs, swept or read from the store in {seconds:.0f} s")
    print(f"share of the hypervolume after so many evaluations: median (least) of {asked.seeds} seeds")
    print(f"{'objectives':22} {'search':10} " + " ".join(f"{count:>16}" for count in counts) + "   search itself")
    for row in rows:
        cells = (f"{m:8.4f} ({low:.4f})" for m, low in zip(row["median"], row["least"], strict=True))
        print(f"{row['objectives']:22} {row['search']:10} {' '.join(cells)} {row['search_s']:9.1f} s")


if __name__ == "__main__":
    main()
