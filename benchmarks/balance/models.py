"""How far the fixed point is from the simulation, and how many settings a second each answers.

    python benchmarks/balance/models.py [--settings 450] [--seed 2] [--json]

Settings are drawn at random: 1 to 128 actors on 1 to 64 threads, servers that compute on the CPU or use a device, with
and without a learner that shares the device in halves or in turns.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # where this is run as a file

from hwmodel.balance.model.demands import Demands, columns
from hwmodel.balance.model.fixed_point import solve
from hwmodel.balance.model.simulate import simulate

KINDS = ("device", "cpu", "learner")
REQUESTS = 20_000
THREADS, ACTORS = (1, 2, 4, 8, 16, 64), (1, 2, 3, 4, 8, 12, 16, 32, 64, 128)


def drawn(kind: str, random: np.random.Generator) -> Demands:
    """Return a setting at random."""
    threads = int(random.choice(THREADS))
    actors = int(random.choice(ACTORS))

    def between(low: float, high: float) -> float:
        return 10 ** random.uniform(low, high)

    call, each = between(-5, -3.7), between(-6, -4.5)
    device = 0.0 if kind == "cpu" else between(-3.5, -2)
    if kind == "cpu":
        call, each = 10 * call, 5 * each
    every = float(random.choice([20, 80, 320])) if kind == "learner" else 0.0
    step = every * between(-5, -3.5)
    return Demands(
        actors=actors, threads=threads, actor_s=between(-4, -2), delay_s=0.0, gather_s=call, gather_each_s=each,
        device_s=device, device_each_s=device * between(-2.5, -0.5), reply_s=call, reply_each_s=each, least=1,
        most=4096,
        learn_every=every, learn_cpu_s=step * random.uniform(), learn_device_s=step * random.uniform(), ahead=2.0,
        turns=int(random.integers(2)), slice_s=0.7e-3 * (1 + min(math.log2(threads), 3)),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", type=int, default=450)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    random = np.random.default_rng(told.seed)
    settings = [(kind, drawn(kind, random)) for kind in KINDS for _ in range(told.settings // len(KINDS))]
    simulate(settings[0][1])  # compiled
    start = time.perf_counter()
    truth = np.array([simulate(one, REQUESTS, 0.3).requests_per_s for _, one in settings])
    simulating = time.perf_counter() - start
    start = time.perf_counter()
    found = solve(columns([one for _, one in settings]))[:, 0]
    solving = time.perf_counter() - start
    off = np.abs(found / truth - 1)
    kinds = np.array([kind for kind, _ in settings])
    rows = [
        {"kind": kind, "settings": int(of.sum()), "median_percent": 100 * float(np.median(off[of])),
         "mean_percent": 100 * float(off[of].mean()), "p90_percent": 100 * float(np.quantile(off[of], 0.9)),
         "max_percent": 100 * float(off[of].max())}
        for kind, of in [*((kind, kinds == kind) for kind in KINDS), ("all", np.ones(len(off), bool))]
    ]  # fmt: skip
    document = {"fixed_point": rows, "fixed_point_per_second": len(settings) / solving,
                "simulations_per_second": len(settings) / simulating, "requests": REQUESTS,
                "simulated_requests_per_second": REQUESTS * len(settings) / simulating}  # fmt: skip
    if told.json:
        print(json.dumps(document, indent=2))
        return
    for row in rows:
        print(
            f"{row['kind']:<8} {row['settings']:>4} settings, fixed point off: median {row['median_percent']:.1f} %, "
            f"mean {row['mean_percent']:.1f}, 90th percentile {row['p90_percent']:.1f}, most {row['max_percent']:.0f}"
        )
    print(f"a second: {document['fixed_point_per_second']:,.0f} settings by fixed point, "
          f"{document['simulations_per_second']:,.0f} simulations of {REQUESTS:,} requests")  # fmt: skip


if __name__ == "__main__":
    main()
