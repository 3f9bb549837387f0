"""DeepNVM++'s cells and caches beside ours: `python benchmarks/circuits/against_deepnvm.py [FILE] [--json]`.

FILE holds the paper's figures (by default the ones that `hwmodel reproduce deepnvm` reads); all of them are recalled,
not confirmed. The caches are designed for least energy x delay x area at 16 nm: under our defaults, with the
high-density SRAM cell in place of the high-current one, and under the older tool's leakage table with and without its
bare global wires. The paper's tool chain lies somewhere between.
"""

import argparse
import json
import time
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from circuits import design_cache, design_cell

DEFAULT = Path(__file__).parents[2] / "hwmodel" / "studies" / "deepnvm.yaml"
CACHE_FIGURES = ("read_latency_s", "write_latency_s", "read_energy_J", "write_energy_J", "leakage_W", "area_m2")
SETTINGS: dict[str, dict[str, str]] = {
    "default": {},
    "older leakage": {"leakage": "nvsim-22nm"},
    "older leakage, bare wires": {"leakage": "nvsim-22nm", "wires": "unrepeated"},
}


def row(name: str, paper: float, ours: float, setting: str = "default") -> dict[str, Any]:
    return {"name": name, "setting": setting, "status": "recalled", "basis": "modelled", "paper": paper, "ours": ours,
            "ratio": ours / paper}  # fmt: skip


def cells(table: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    sram = {name: design_cell(name, "16nm").area_m2 for name in ("sram", "sram-hd")}
    rows = []
    for name, figures in table.items():
        ours = design_cell(name, "16nm")
        for figure, paper in figures.items():
            if figure == "area_vs_sram":
                rows += [
                    row(f"{name} cell area over {other}", paper, ours.area_m2 / area) for other, area in sram.items()
                ]
            else:
                rows.append(row(f"{name} cell {figure}", paper, getattr(ours, figure)))
    return rows


def caches(table: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    rows, seconds, searched, areas = [], [], [], {}
    for setting, options in SETTINGS.items():
        for paper in table:
            start = time.perf_counter()
            ours = design_cache(paper["cell"], "16nm", paper["capacity_bytes"], 16, 128, "edap", **options)
            seconds.append(time.perf_counter() - start)
            searched.append(ours.searched)
            where = f"{paper['cell']} {paper['capacity_bytes'] >> 20} MiB"
            areas[setting, where] = ours.area_m2
            rows += [row(f"{where} {name}", paper[name], getattr(ours, name), setting) for name in CACHE_FIGURES]
        dense = design_cache("sram-hd", "16nm", 3 << 20, 16, 128, "edap", **options).area_m2
        for cell, ratio in (("stt", 2.4), ("sot", 2.8)):
            for name, area in (("sram", areas[setting, "sram 3 MiB"]), ("sram-hd", dense)):
                found = area / areas[setting, f"{cell} 3 MiB"]
                rows.append(row(f"area {name}/{cell} 3 MiB", ratio, found, setting) | {"status": "published"})
    return rows, {"seconds_a_cache": {"median": median(seconds), "max": max(seconds)}, "searched": max(searched)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    recalled = yaml.safe_load(options.file.read_text(encoding="utf-8"))["recalled"]
    rows, effort = caches(recalled["caches"])
    rows = [*cells(recalled["cells"]), *rows]
    if options.json:
        print(json.dumps({"rows": rows, **effort}, indent=2))
        return
    for setting, chosen in SETTINGS.items():
        print(f"\n{setting}: {chosen or 'predictive-model leakage at 350 K, repeated global wires'}")
        print(f"  {'figure':<34} {'paper':>10} {'ours':>10} {'ratio':>7}")
        for one in rows:
            if one["setting"] == setting:
                figures = f"{one['paper']:>10.4g} {one['ours']:>10.4g} {one['ratio']:>7.2f}"
                print(f"  {one['name']:<34} {figures}  {one['status']}")
    spent = effort["seconds_a_cache"]
    print(
        f"\n{effort['searched']:,} organisations in {spent['median']:.3f} s a cache (median; most {spent['max']:.3f} s)"
    )


if __name__ == "__main__":
    main()
