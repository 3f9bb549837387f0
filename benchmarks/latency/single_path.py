"""The time of the network that Single-Path NAS published, by its own table of a Pixel 1: 80.4 ms.

    python benchmarks/latency/single_path.py singlepath_pixel1_ms.json [--rest 19.5999] [--json]

The table has 22 blocks; the search is over the 20 between the first, of 16 channels, and the last, of 320. Those two
are the same in every network: the rest of 19.5999 ms holds them, the stem, the last convolution and the classifier.
"""

import argparse
import json
from pathlib import Path

from hwmodel.latency.query.predictor import SpacePredictor
from hwmodel.latency.query.tables import from_table, read_table
from hwmodel.latency.spaces import load_space

STAGES = (  # D. Stamoulis et al., Single-Path NAS, ECML-PKDD 2019: kernel and expansion of each block
    ("3x3-e3", "3x3-e3", "3x3-e3", "skip"),
    ("5x5-e6", "3x3-e3", "3x3-e3", "3x3-e3"),
    ("5x5-e6", "3x3-e3", "3x3-e3", "3x3-e3"),
    ("5x5-e6", "5x5-e3", "5x5-e3", "5x5-e3"),
    ("5x5-e6", "5x5-e6", "5x5-e6", "5x5-e6"),
)
PUBLISHED_MS = 80.4


def main() -> None:
    """Print the time by the table beside the published one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--rest", type=float, default=19.5999)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    space, table = load_space("single_path"), read_table(given.table)
    form = from_table(space, table, "ms", "pixel1", rest=given.rest, left_out=("0", "21"), where=str(given.table))
    network = json.dumps([choice for stage in STAGES for choice in stage])
    found_ms = 1e3 * float(SpacePredictor(form).predict(network).mean[0])
    if given.json:
        print(json.dumps({"network": network, "latency_ms": found_ms, "published_ms": PUBLISHED_MS}))
    else:
        print(f"{found_ms:.1f} ms by the table, {PUBLISHED_MS} ms published: {network}")


if __name__ == "__main__":
    main()
