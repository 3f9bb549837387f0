"""How well blocks tell what networks never seen cost on the machine at hand, before and after drift correction.

Measures the blocks that come along, and 30 random networks of three families between them, in one session; then fits
on the blocks alone and predicts the networks. A session that was cut off goes on; `--rounds 0` judges what is there.
Run it on two days, or under two loads, into two folders. Terms and blocks were settled with an eye on errors on the
networks of seeds 0 to 5; those of another `--seed` were never looked at.

    python -m benchmarks.latency.live -o FOLDER [--runtime litert] [--rounds 10] [--seed 7] [--core K] [--json]
"""

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwmodel.console import progress
from hwmodel.latency.graph import Graph
from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.graph.described import of_description
from hwmodel.latency.graph.features import macs
from hwmodel.latency.layers.model import crossed, fit
from hwmodel.latency.layers.profiled import reach
from hwmodel.latency.profile.items import blocks, random_networks
from hwmodel.latency.profile.run import profile
from hwmodel.latency.profile.session import Plan

TIMES = ("wall_corrected_s", "wall_uncorrected_s", "cpu_corrected_s", "cpu_uncorrected_s")
WITHIN = (0.05, 0.10)
# From blocks and their times to networks' times and deviations; None where a predictor says none.
Told = tuple[np.ndarray, np.ndarray | None, float]
Predictor = Callable[[Sequence[Graph], np.ndarray, Sequence[Graph]], Told]


def measured(folder: Path) -> pd.DataFrame:
    """Return a session's rows, with each graph read back from its description."""
    table = pd.read_parquet(folder / "measurements.parquet")
    return table.assign(graph=[of_description(json.loads(text)) for text in table["graph"]])


def line(graphs: Sequence[Graph], times: np.ndarray, asked: Sequence[Graph]) -> Told:
    """Predict times by a straight line in multiplications, by least squares of relative errors: the floor."""
    known, wanted = (np.array([[1.0, _macs(graph)] for graph in some]) for some in (graphs, asked))
    fitted, *_ = np.linalg.lstsq(known / times[:, None], np.ones(len(times)), rcond=None)
    return wanted @ fitted, None, math.nan


def layered(graphs: Sequence[Graph], times: np.ndarray, asked: Sequence[Graph]) -> Told:
    """Predict times as `hwmodel latency fit FOLDER` does, with its 90 % interval."""
    known = [canonical(graph) for graph in graphs]
    model = fit(known, times)
    mean, deviation = model.predict([canonical(graph) for graph in asked])
    unseen, spread = crossed(model, known, times)
    return mean, deviation, reach(np.log(times / unseen) / spread, known, 0.9)


def _macs(graph: Graph) -> float:
    values = graph.values()
    return float(sum(macs(node, [values[name].shape for name in node.inputs]) for node in graph.nodes))


PREDICTORS: Mapping[str, Predictor] = {"line in MACs": line, "layers": layered}


def judged(folder: Path) -> list[dict[str, Any]]:
    """Return a row a predictor, clock and family: what is fitted on blocks, against networks."""
    table = measured(folder)
    known, asked = (table[table["role"] == role] for role in ("block", "network"))
    rows = []
    for name, predict in PREDICTORS.items():
        for time in TIMES:
            found, deviation, by = predict(list(known["graph"]), known[time].to_numpy(), list(asked["graph"]))
            truth = asked[time].to_numpy()
            off = np.abs(found / truth - 1)
            inside = None if deviation is None else np.abs(np.log(truth / found)) <= by * deviation
            for family in ("all", *dict.fromkeys(asked["family"])):
                of = ((asked["family"] == family) | (family == "all")).to_numpy()
                rows.append(
                    {"predictor": name, "time": time, "family": family, "networks": int(of.sum()),
                     "mape": float(np.mean(off[of])), "median": float(np.median(off[of]))}
                    | {f"within_{round(100 * part)}": float(np.mean(off[of] <= part)) for part in WITHIN}
                    | ({} if inside is None else {"coverage_90": float(np.mean(inside[of]))})
                )  # fmt: skip
    return rows


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--runtime", default="litert")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
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
