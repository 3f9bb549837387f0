"""How fast cells are drawn, and what moves a cache most: `python benchmarks/circuits/variation.py [--json]`.

For sram, stt and sot at 16 nm, 3 MiB: cells drawn a second on one core, yields of a cell and of a chip, and for each
output the five assumptions that move it most, a tenth either way, with the organisation kept and searched again. The
leakage schools, which differ by more than a tenth, stand apart.
"""

import argparse
import json
import math
import time
from typing import Any

from circuits.cache.design import FIELDS
from circuits.variation import tornado, vary_cache, vary_cell
from circuits.variation.sensitivity import LEAKAGE

CELLS = ("sram", "stt", "sot")
SAMPLES = 200_000
MOST = 5
SHOWN = ("assumption", "basis", "low", "base", "high", "swing", "elasticity", "note")


def study(cell: str) -> dict[str, Any]:
    start = time.perf_counter()
    cells = vary_cell(cell, "16nm", SAMPLES)
    drawn = time.perf_counter()
    chips = vary_cache(cell, "16nm", "3MiB")
    varied = time.perf_counter()
    table = tornado(cell, "16nm", "3MiB")
    done = time.perf_counter()
    rest = table[table["assumption"] != LEAKAGE]
    schools = table[(table["assumption"] == LEAKAGE) & (table["output"] == "leakage_W")].iloc[0]
    most = {}
    for organization in ("fixed", "free"):
        kept = rest[rest["organization"] == organization]
        most[organization] = {
            name: kept[kept["output"] == name].head(MOST)[list(SHOWN)].to_dict("records") for name in FIELDS
        }
    return {
        "cell": cell,
        "samples_per_s": SAMPLES / (drawn - start),
        "chips_s": varied - drawn,
        "tornado_s": done - varied,
        "assumptions": int(table["assumption"].nunique()),
        "cell_yields": cells.yields,
        "cell_failures": cells.failures,
        "chip_yields": chips.yields,
        "leakage_W": {schools["low_at"]: schools["low"], schools["base_at"]: schools["base"],
                      schools["high_at"]: schools["high"]},
        "most": most,
    }  # fmt: skip


def finite(value: Any) -> Any:
    """Return a document with what JSON cannot say as null."""
    if isinstance(value, dict):
        return {k: finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show(found: dict[str, Any]) -> None:
    print(f"\n{found['cell']}: {found['samples_per_s']:,.0f} cells/s, 50 chips in {found['chips_s']:.1f} s, "
          f"{found['assumptions']} assumptions in {found['tornado_s']:.1f} s")  # fmt: skip
    print("  a cell fails with", {k: f"{v:.2g}" for k, v in found["cell_failures"].items()})
    for code, yields in found["chip_yields"].items():
        print(f"  3 MiB, {code}:", {k: f"{v:.4g}" for k, v in yields.items()})
    print("  leakage:", {k: f"{v:.3g} W" for k, v in found["leakage_W"].items()})
    for organization, outputs in found["most"].items():
        for name, rows in outputs.items():
            print(f"  {name}, organisation {organization}")
            for row in rows:
                end = f"   {row['note'][:60]}" if row["note"] else ""
                print(f"    {row['assumption']:<44} {100 * row['swing']:>7.1f} % {row['elasticity']:>7.2f}{end}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    found = [study(cell) for cell in CELLS]
    if options.json:
        print(json.dumps(finite(found), indent=2, allow_nan=False))
        return
    for one in found:
        show(one)


if __name__ == "__main__":
    main()
