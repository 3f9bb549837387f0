"""What training costs and reaches here: processor seconds an epoch and test accuracy, a row a network, images and seed.

    OMP_NUM_THREADS=1 python benchmarks/methods/training.py [--json] [--epochs 10] [--seeds 3] [--jobs 1] [-o DIR]

With -o, finished seeds are kept there, and a run that was cut off goes on. `seconds` is the median of a seed's epochs'
processor time, `accuracy` the mean over seeds with `low` and `high`, the ends of its BCa interval of 95 %.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from workloads.images import ImageSet, load_images
from workloads.networks.counting import count_macs, count_parameters
from workloads.networks.network import Network
from workloads.networks.small import mobile_small, resnet_cifar, vgg_small
from workloads.training import Schedule, evaluate, run_seeds, seeded, train
from workloads.training.statistics import bootstrap

NETWORKS: dict[str, Callable[[ImageSet], Network]] = {
    "resnet8 x 8": lambda images: resnet_cifar(1, 8, images.classes, images.shape),
    "resnet8 x 16": lambda images: resnet_cifar(1, 16, images.classes, images.shape),
    "resnet20 x 8": lambda images: resnet_cifar(3, 8, images.classes, images.shape),
    "vgg 8-16-32": lambda images: vgg_small(((8, 8), (16, 16), (32, 32)), images.classes, images.shape),
    "mobile": lambda images: mobile_small(1.0, None, images.classes, images.shape),
}
PAIRS = [
    *((network, "mnist5k", 14) for network in NETWORKS),
    ("resnet8 x 8", "digits", 8),
    ("resnet8 x 8", "textures", 16),
    ("vgg 8-16-32", "textures", 16),
    ("resnet8 x 8", "mnist5k", 28),
]
LR = {"mobile": 0.05}


def one(seed: int, report: Callable[[float], None], epochs: float) -> list[dict[str, Any]]:
    """Return a row a pair for one seed."""
    rows = []
    for place, (network, name, side) in enumerate(PAIRS):
        images = load_images(name, side=side)
        module = seeded(lambda network=network, images=images: NETWORKS[network](images), seed)
        history = train(module, images, Schedule(epochs, 64, LR.get(network, 0.1), warmup_epochs=1), seed)
        found = evaluate(module, images.test)
        rows.append(
            {"network": network, "images": f"{name} {side}", "macs": count_macs(module),
             "parameters": count_parameters(module), "seconds": history.cpu_s / epochs, "accuracy": found.accuracy}
        )  # fmt: skip
        report((place + 1) / len(PAIRS))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--epochs", type=float, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as aside:
        rows = run_seeds(
            given.output or Path(aside), range(given.seeds), {"epochs": given.epochs, "pairs": PAIRS},
            partial(one, epochs=given.epochs), jobs=given.jobs,
        )  # fmt: skip
    table = []
    for network, name, side in PAIRS:
        own = [row for row in rows if row["network"] == network and row["images"] == f"{name} {side}"]
        reached = [row["accuracy"] for row in own]
        interval = bootstrap(reached) if len(reached) > 1 else None
        table.append({key: own[0][key] for key in ("network", "images", "macs", "parameters")} | {
            "seconds": float(np.median([row["seconds"] for row in own])), "accuracy": float(np.mean(reached)),
            "low": interval and interval.low, "high": interval and interval.high,
        })  # fmt: skip
    if given.json:
        print(json.dumps({"epochs": given.epochs, "seeds": given.seeds, "rows": table}, indent=2))
        return
    print(f"{'network':14} {'images':12} {'MMAC':>6} {'weights':>8} {'s/epoch':>8} {'accuracy':>9}")
    for row in table:
        print(f"{row['network']:14} {row['images']:12} {row['macs'] / 1e6:6.2f} {row['parameters']:8,} "
              f"{row['seconds']:8.2f} {row['accuracy']:9.4f}"
              + (f"  {row['low']:.4f} to {row['high']:.4f}" if row["low"] is not None else ""))  # fmt: skip


if __name__ == "__main__":
    main()
