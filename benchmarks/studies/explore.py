"""How few designs a search needs: the share of a space's hypervolume that it finds, beside an exhaustive sweep.

The space has 10,920 designs. The sweep computes all of them once, into a store (--store); searches then run on its
answers, several seeds each, so that what is compared is which designs they ask for. A share is the hypervolume of the
designs computed so far over that of all, in one of two boxes from the best of each objective (times, energies and areas
by their logarithms): `front`, to the worst on the space's front and a tenth of the way further, which is strict; `all`,
to the worst of the space, where most of the volume is had by designs that are just not bad.

    python -m benchmarks.studies.explore --store FOLDER [--jobs 1] [--seeds 5] [--shares 0.01,0.03,0.1] [--json]
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


def course(spec: Explore, space: Space, values: np.ndarray, count: int) -> tuple[np.ndarray, float]:
    """Return the designs that a search asks for, in order, and the seconds that it took to choose them."""
    proposer, chance = proposer_of(spec, space), np.random.default_rng([spec.seed, 1])
    seen, start = np.empty(0, np.int64), time.perf_counter()
    while len(seen) < count:
        chosen = proposer.propose(seen, values[seen], spec.population)
        rest = unseen(space, np.concatenate([seen, chosen]), spec.population - len(chosen), chance)
        seen = np.concatenate([seen, chosen, rest])
    return seen, time.perf_counter() - start


def compare(spec: Explore, space: Space, values: np.ndarray, counts: list[int], seeds: int) -> list[dict[str, Any]]:
    """Return, for each box, the shares of the hypervolume after so many designs over seeds; and of the front."""
    best = front(values)
    low, far = values.min(axis=0), values.max(axis=0)
    near = values[best].max(axis=0)
    boxes = {"front": near + (near - low) / 10, "all": far}
    courses = [course(spec.model_copy(update={"seed": seed}), space, values, counts[-1]) for seed in range(seeds)]
    rows = []
    for box, high in boxes.items():
        whole = share(values[best], low, high)
        shares = np.array([[share(values[seen[:n]], low, high) / whole for n in counts] for seen, _ in courses])
        rows.append({
            "search": spec.search, "box": box, "median": np.median(shares, axis=0).tolist(),
            "least": shares.min(axis=0).tolist(),
            "on_front": [float(np.median([best[seen[:n]].sum() for seen, _ in courses])) for n in counts],
            "choosing_s": float(np.median([seconds for _, seconds in courses])),
        })  # fmt: skip
    return rows


def main() -> None:
    """Print a table, or a document with --json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--population", type=int, default=10)
    parser.add_argument("--searches", default=",".join(SEARCHES))
    parser.add_argument("--shares", default="0.01,0.03,0.1", help="of the designs, to compute")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    spec = Explore.model_validate(SPEC | {"population": asked.population})
    space, figures, seconds = sweep(spec, asked.store, asked.jobs)
    counts = [round(part * len(space)) for part in map(float, asked.shares.split(","))]
    rows = []
    for title, names in OBJECTIVES.items():
        values = values_of(figures, names)
        for search in asked.searches.split(","):
            one = spec.model_copy(update={"objectives": names, "search": search})
            for row in compare(one, space, values, counts, asked.seeds):
                rows.append({"objectives": title, "front": int(front(values).sum())} | row)
                print(rows[-1], file=sys.stderr, flush=True)
    document = {"designs": len(space), "sweep_s": seconds, "seeds": asked.seeds, "population": asked.population,
                "evaluations": counts, "rows": rows}  # fmt: skip
    if asked.json:
        print(json.dumps(document, indent=1))
        return
    print(f"{len(space)} designs, swept or read from the store in {seconds:.0f} s")
    print(
        f"share of the hypervolume after so many evaluations: median (least) of {asked.seeds} seeds; found of the front"
    )
    print(f"{'objectives':20} {'box':6} {'search':10} " + " ".join(f"{count:>22}" for count in counts) + "   choosing")
    for row in rows:
        cells = (
            f"{middle:8.4f} ({least:.4f}) {there:3.0f}"
            for middle, least, there in zip(row["median"], row["least"], row["on_front"], strict=True)
        )
        head = f"{row['objectives']:20} {row['box']:6} {row['search']:10}"
        print(f"{head} {'   '.join(cells)} {row['choosing_s']:8.1f} s")


if __name__ == "__main__":
    main()
