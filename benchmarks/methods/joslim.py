"""Joslim against uniform and random slimmable training, and what a search for widths costs.

    OMP_NUM_THREADS=1 python benchmarks/methods/joslim.py [--json] [--seeds 12] [--jobs 2] [-o DIR]

With -o, finished seeds are kept there, and a run that was cut off goes on. Then, without any training, `searches`: the
processor time that a search takes to propose 8 widths of so many units when so many were visited (with a fit of its
parameters, and without), and which share of the proposals costs what was aimed at within 2 %, where the full network
has so many channels in each unit.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from workloads.joslim.gaussian import Gaussian
from workloads.joslim.method import METHOD, RunSettings
from workloads.joslim.searchers import Seen
from workloads.joslim.space import WidthSpace

PROPOSED = 8


class Chain:
    """The MACs of convolutions in a row on maps of one size, as a cost."""

    quick = True

    def __init__(self, most: np.ndarray) -> None:
        self.full = float((most[:-1] * most[1:]).sum())

    def share(self, row: np.ndarray) -> float:
        return float((row[:-1] * row[1:]).sum()) / self.full


def searches() -> list[dict[str, Any]]:
    """Return a row for each number of units, of visits and of channels."""
    rows = []
    for units, visits, channels in (
        (6, 50, 16),
        (6, 200, 16),
        (20, 50, 16),
        (20, 200, 16),
        (20, 200, 256),
        (50, 200, 256),
    ):
        draw = np.random.default_rng(0)
        most = np.full(units, channels)
        space, cost = WidthSpace(tuple(map(str, range(units))), most // 4, most), Chain(most)
        seen = np.unique(draw.integers(space.least, space.most, (visits, units), endpoint=True), axis=0)
        weights = draw.random(units)
        losses = (1 - space.unit(seen)) @ weights / units + 0.01 * draw.standard_normal(len(seen))
        history = Seen(seen, losses, np.array([cost.share(row) for row in seen]))
        searcher: Any = Gaussian(space, cost)  # type: ignore[arg-type]
        searcher.propose(history, PROPOSED, draw)  # first imports
        spent, found = [], []
        for fit in (True, False):
            if fit:
                searcher = Gaussian(space, cost)  # type: ignore[arg-type]
            began = time.process_time()
            found += searcher.propose(history, PROPOSED, draw)
            spent.append(time.process_time() - began)
        near = [abs(one.found - one.target) <= 0.02 * one.target for one in found]
        rows.append({"units": units, "visits": visits, "channels": channels, "fitted_s": spent[0], "asked_s": spent[1],
                     "within": float(np.mean(near))})  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--epochs", type=float, default=RunSettings.model_fields["epochs"].default)
    parser.add_argument("--bound", choices=("optimistic", "pessimistic"), default="optimistic")
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    settings = RunSettings(epochs=given.epochs, bound=given.bound)  # type: ignore[call-arg]
    numbers = range(given.first_seed, given.first_seed + given.seeds)
    with tempfile.TemporaryDirectory() as scratch:
        began = time.perf_counter()
        found = METHOD.run(settings, given.output or Path(scratch), numbers, given.jobs, None)
    document = {
        "seeds": given.seeds, "cpu_s": found.cpu_s, "wall_s": time.perf_counter() - began, "bound": given.bound,
        "claims": found.told_claims(), "summary": found.summary, "notes": found.notes, "searches": searches(),
    }  # fmt: skip
    if given.json:
        print(json.dumps(document, indent=1))
        return
    for row in found.summary:
        print(row["variant"], *(f"{name} {value:.3g}" for name, value in row.items() if name != "variant"), sep="  ")
    for claim in found.claims:
        print(f"{claim.verdict}: {claim.claim} {claim.estimate:.3g} ({claim.low:.3g} to {claim.high:.3g}) {claim.unit}")
    for row in document["searches"]:
        print("search", *(f"{name} {value:.3g}" for name, value in row.items()), sep="  ")
    print(*found.notes, f"{found.cpu_s:.0f} s of processor time", sep="\n")


if __name__ == "__main__":
    main()
