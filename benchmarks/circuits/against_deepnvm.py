"""DeepNVM++'s cells and caches beside ours: `python benchmarks/circuits/against_deepnvm.py [FILE] [--json]`.

FILE holds the paper's figures (by default the ones that `hwmodel reproduce deepnvm` reads); all of them are recalled,
not confirmed. The caches are designed for least energy x delay x area at 16 nm: under our defaults, with the
high-density SRAM cell in place of the high-current one, and under the older tool's leakage table with and without its
bare global wires. The paper's tool chain lies somewhere between.

With --calibrate, figures are fitted to the paper's 3 MiB caches alone, and the other two, never used, are predicted.
"""

import argparse
import json
import time
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from circuits import design_cache, design_cell
from circuits.calibration import calibrate, design_as_fitted, ratios

DEFAULT = Path(__file__).parents[2] / "hwmodel" / "studies" / "deepnvm.yaml"
CACHE_FIGURES = ("read_latency_s", "write_latency_s", "read_energy_J", "write_energy_J", "leakage_W", "area_m2")
SETTINGS: dict[str, dict[str, str]] = {
    "default": {},
    "older leakage": {"leakage": "nvsim-22nm"},
    "older leakage, bare wires": {"leakage": "nvsim-22nm", "wires": "unrepeated"},
}


# what is fitted to the 3 MiB caches: global wires, heights of cells, off-current, latches, swings, sensing, control
VARY = (
    "16nm.wires.global.resistivity_ohm_m", "sram.finfet.gate_pitches", "stt.finfet.gate_pitches",
    "sot.finfet.gate_pitches", "16nm.leakage.schools.ptm-hp.off_current_300K_A_per_m",
    "default.figures.latched_fan_outs", "default.figures.activity", "columns.figures.swing_factor",
    "columns.figures.sense_clamp_gates", "columns.figures.control_gates", "stt.sense.sense_capacitance_F",
    "sot.sense.sense_capacitance_F",
)  # fmt: skip


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


def calibrated(table: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what was fitted to the 3 MiB caches, with bare wires as the paper's tool has, and the others predicted."""
    rows = [one | {"node": "16nm"} for one in table]
    known = [one for one in rows if one["capacity_bytes"] == 3 << 20]
    found = calibrate(known, VARY, wires="unrepeated")
    kept = []
    for one in rows:
        if one not in known:
            design = design_as_fitted(one, found.fitted, wires="unrepeated")
            kept += [{"name": f"{one['cell']} {one['capacity_bytes'] >> 20} MiB {name}", "ratio": ratio}
                     for name, ratio in ratios(design, one).items()]  # fmt: skip
    return found.as_dict() | {"predicted": kept, "within_15_percent": sum(abs(k["ratio"] - 1) <= 0.15 for k in kept)}


def show_calibrated(found: dict[str, Any]) -> None:
    errors = f"{found['error_before']:.2f} -> {found['error_after']:.2f}"
    print(f"fitted to the 3 MiB caches: r.m.s. of ln(ours/paper) {errors}")
    for one in found["figures"]:
        print(f"  {one['figure']:<58} {one['nominal']:>10.4g} x {one['factor']:.2f}")
    for before, after in zip(found["before"], found["after"], strict=True):
        print("  " + "  ".join(f"{name} {before[name]:.2f} -> {after[name]:.2f}" for name in before))
    print(f"predicted, never used: {found['within_15_percent']} of {len(found['predicted'])} within 15 %")
    for one in found["predicted"]:
        print(f"  {one['name']:<34} ours/paper {one['ratio']:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--calibrate", action="store_true", help="fit to the 3 MiB caches, predict the others")
    options = parser.parse_args()
    recalled = yaml.safe_load(options.file.read_text(encoding="utf-8"))["recalled"]
    if options.calibrate:
        found = calibrated(recalled["caches"])
        print(json.dumps(found, indent=2)) if options.json else show_calibrated(found)
        return
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
