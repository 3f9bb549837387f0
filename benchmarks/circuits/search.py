"""How fast and how good the search is: `python benchmarks/circuits/search.py [RAM.csv CACHE.csv ...] [--json]`.

First the CPU time, on one core, of one 8 MiB STT cache at 22 nm: every target's best and the Pareto front over read
latency, read energy, leakage and area. Beside it stand the CPU times of the older tool for the same task (one process,
sequential access: 43-46 s) and for a 1 MiB SRAM cache (22 s). The kernel that sorts out the front is compiled before.
Then, for each row of the files (as `against_peer.py` reads them), our best in the same space beside the row's figure
for its own target, both under our equations: a ratio above 1 would be a better design that our search missed.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from against_peer import CELLS, evaluated

from circuits.array.assumptions import load_assumptions
from circuits.array.cache import Shape
from circuits.array.organisation import Content
from circuits.array.process import Metal
from circuits.array.search import TARGETS, design_front
from circuits.array.space import DATA, explore
from circuits.interchange.cell_file import read_cell
from circuits.interchange.tables import load_metal, load_process

OLDER_S = {("STT", "sequential", 8192): (43.0, 46.0), ("SRAM", "normal", 1024): (22.0, 22.0)}
NAMES = {"ReadLatency": "read-latency", "WriteLatency": "write-latency", "ReadDynamicEnergy": "read-energy",
         "WriteDynamicEnergy": "write-energy", "ReadEDP": "read-edp", "WriteEDP": "write-edp",
         "LeakagePower": "leakage", "Area": "area"}  # fmt: skip
FIGURES = ("read_s", "write_s", "read_J", "write_J", "leakage_W", "area_m2")


def setup(tech: str, node_nm: int, roadmap: str = "HP", temperature_K: float = 350.0) -> tuple[Any, ...]:
    given, cell = load_assumptions("older"), read_cell(CELLS / f"{tech}.cell")
    metals = (load_metal(node_nm, f"{level}_aggressive", temperature_K) for level in ("local", "global"))
    return load_process(node_nm, roadmap, temperature_K), given, cell, *metals


def refinements(node_nm: int, temperature_K: float = 350.0) -> tuple[Metal, ...]:
    """Return the global wires that the older tool tries for its best tags beside bare ones."""
    return tuple(load_metal(node_nm, "global_aggressive", temperature_K, style) for style in ("repeated", "low-swing"))


def timed(repeats: int) -> list[dict[str, Any]]:
    rows = []
    for (tech, mode, size), older in OLDER_S.items():
        spent = []
        for _ in range(repeats + 1):
            start = time.process_time()
            found = design_front(*setup(tech, 22), mode, Shape.of(size * 8192, 512, 16), refine=refinements(22))
            spent.append(time.process_time() - start)
        seconds = statistics.median(spent[1:])
        rows.append({"cell": tech, "mode": mode, "capacity_KB": size, "cpu_s": seconds, "older_cpu_s": older,
                     "times_faster": [one / seconds for one in older], "tag_banks": len(found.tags),
                     "data_banks": len(found.datas), "pairs": found.pairs, "front": len(found.front_tag)})  # fmt: skip
    return rows


def best(rows: pd.DataFrame) -> dict[str, float]:
    """Return our best value of every target in the space of some rows."""
    first = rows.iloc[0]
    parts = setup(first.tech, int(first.node_nm), first.roadmap, float(first.temp_K))
    bits, word = int(first.capacity_KB) * 8192, int(first.word_bits)
    if "tag_bank_org" in rows:
        mode = first["mode"].lower()
        wires = refinements(int(first.node_nm), float(first.temp_K))
        found = design_front(*parts, mode, Shape.of(bits, word, int(first.assoc)), refine=wires)
        return {
            name: float(np.prod([choice.totals[f] for f in TARGETS[name].figures]))
            for name, choice in found.best.items()
        }
    ram = explore(*parts, DATA, lambda _: Content(bits // word, word))
    return {
        name: float(np.min(np.prod([getattr(ram, f) for f in parts], axis=0)))
        for name, parts in ((n, t.figures) for n, t in TARGETS.items())
    }


def quality(path: Path) -> dict[str, Any]:
    table = pd.read_csv(path)
    table = table[table.status == "ok"] if "status" in table else table
    ratios, worst = [], (0.0, "")
    with np.errstate(all="ignore"):
        for rows, figures, _ in evaluated(table, load_assumptions("older"), CELLS):
            ours = best(rows)
            for i, target in enumerate(rows.target):
                name = NAMES[target]
                theirs = np.prod([figures[FIGURES.index(f)][i] for f in TARGETS[name].figures])
                ratios.append(ours[name] / theirs)
                worst = max(worst, (ratios[-1], f"line {rows.index[i] + 2}: {rows.tech.iloc[i]} {target}"))
    values = np.array(ratios)
    return {"file": path.name, "rows": len(values), "as_good_or_better": int((values <= 1 + 1e-6).sum()),
            "better": int((values < 1 - 1e-3).sum()), "median_ratio": float(np.median(values)),
            "best_ratio": float(values.min()), "worst_ratio": worst[0], "worst": worst[1]}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    result = {"time": timed(options.repeats), "quality": [quality(path) for path in options.files]}
    if options.json:
        print(json.dumps(result, indent=2))
        return
    for one in result["time"]:
        faster = " to ".join(f"{n:.0f}" for n in sorted(set(one["times_faster"])))
        print(f"{one['capacity_KB']} KB {one['cell']}, {one['mode']}: {one['cpu_s']:.3f} s of CPU,"
              f" {faster} times faster; {one['pairs']:,} pairs, {one['front']} on the front")  # fmt: skip
    for one in result["quality"]:
        print(f"{one['file']}: as good or better in {one['as_good_or_better']} of {one['rows']} rows, better in"
              f" {one['better']}; worst ratio {one['worst_ratio']:.6f} ({one['worst']})")  # fmt: skip


if __name__ == "__main__":
    main()
