"""How well blocks tell what networks never seen cost on the machine at hand, before and after drift correction.

Measures the blocks that come along, and 30 random networks of three families between them, in one session; then fits
on the blocks alone and predicts the networks. A session that was cut off goes on; `--rounds 0` judges what is there.
Run it on two days, or under two loads, into two folders. The blocks were designed with an eye on errors on the networks
of seed 0; those of `--seed` were never looked at.

    python -m benchmarks.latency.live -o FOLDER [--runtime litert] [--rounds 10] [--seed 1] [--core K] [--json]
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwmodel.console import progress
from hwmodel.latency.graph import Graph
from hwmodel.latency.graph.described import of_description
from hwmodel.latency.graph.features import macs
from hwmodel.latency.profile.items import blocks, random_networks
from hwmodel.latency.profile.run import profile
from hwmodel.latency.profile.session import Plan

TIMES = ("wall_corrected_s", "wall_uncorrected_s", "cpu_corrected_s", "cpu_uncorrected_s")
WITHIN = (0.05, 0.10)
Predictor = Callable[[Sequence[Graph], np.ndarray, Sequence[Graph]], np.ndarray]


def measured(folder: Path) -> pd.DataFrame:
    """Return a session's rows, with each graph read back from its description."""
    table = pd.read_parquet(folder / "measurements.parquet")
    return table.assign(graph=[of_description(json.loads(text)) for text in table["graph"]])


def line(graphs: Sequence[Graph], times: np.ndarray, asked: Sequence[Graph]) -> np.ndarray:
    """Predict times by a straight line in multiplications, by least squares of relative errors: the floor."""
    known, wanted = (np.array([[1.0, _macs(graph)] for graph in some]) for some in (graphs, asked))
    fit, *_ = np.linalg.lstsq(known / times[:, None], np.ones(len(times)), rcond=None)
    return wanted @ fit


def _macs(graph: Graph) -> float:
    values = graph.values()
    return float(sum(macs(node, [values[name].shape for name in node.inputs]) for node in graph.nodes))


PREDICTORS: Mapping[str, Predictor] = {"line in MACs": line}


def judged(folder: Path) -> list[dict[str, Any]]:
    """Return a row a predictor, clock and family: what is fitted on blocks, against networks."""
    table = measured(folder)
    known, asked = (table[table["role"] == role] for role in ("block", "network"))
    rows = []
    for name, predict in PREDICTORS.items():
        for time in TIMES:
            found = predict(list(known["graph"]), known[time].to_numpy(), list(asked["graph"]))
            off = np.abs(found / asked[time].to_numpy() - 1)
            for family in ("all", *dict.fromkeys(asked["family"])):
                mine = off[(asked["family"] == family) | (family == "all")]
                rows.append({"predictor": name, "time": time, "family": family, "networks": len(mine),
                             "mape": float(np.mean(mine)), "median": float(np.median(mine))}
                            | {f"within_{part:.0%}": float(np.mean(mine <= part)) for part in WITHIN})  # fmt: skip
    return rows


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--runtime", default="litert")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--core", type=int)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    if given.rounds:
        items = [*blocks(None), *random_networks(given.count, given.seed)]
        with progress("live") as advance:
            profile(given.runtime, items, given.output, Plan(given.rounds, core=given.core), None, advance)
    rows = judged(given.output)
    if given.json:
        print(
            json.dumps(
                {"folder": str(given.output), "runtime": given.runtime, "seed": given.seed, "rows": rows}, indent=2
            )
        )
        return
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda value: f"{value:.3f}"))


if __name__ == "__main__":
    main(sys.argv[1:])
