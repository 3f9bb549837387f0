"""Width Transfer over seeds, and what searches of widths cost at full size.

    python -m benchmarks.methods.width_transfer width --seeds 12 --jobs 2 [--optimiser dmcp] [--json]

Seeds that are done are kept in the folder, and the same command goes on where it was stopped.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from hwmodel import console
from workloads.width_transfer.method import METHOD, RunSettings


def main() -> None:
    """Print claims, a row a variant and, beside them, what the searches cost at full size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--first-seed", type=int, default=100, help="seeds 0 to 2 were seen when defaults were chosen")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--optimiser", default="morphnet", choices=["morphnet", "dmcp", "autoslim"])
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON", help="further settings of the run")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    more = {name: json.loads(value) for name, _, value in (text.partition("=") for text in given.set)}
    settings = RunSettings(optimiser=given.optimiser, **more)
    with console.progress("width-transfer") as advance:
        seeds = range(given.first_seed, given.first_seed + given.seeds)
        found = METHOD.run(settings, given.folder, seeds, given.jobs, lambda share: advance(share, 1.0))
    document = {
        "settings": settings.model_dump(mode="json"),
        "claims": found.told_claims(),
        "summary": found.summary,
        "full_size": found.curves.get("full_size", []),
        "notes": found.notes,
        "cpu_s": round(found.cpu_s, 1),
    }
    if given.json:
        print(json.dumps(document, indent=1))
        return
    for name in ("claims", "summary", "full_size"):
        console.view([{key: _short(value) for key, value in row.items() if key != "rule"} for row in document[name]])
    print(*found.notes, f"{found.cpu_s:.0f} s of processors", sep="\n")


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
