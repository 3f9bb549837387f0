"""Networks of one size, of few bits and many channels or of many bits and few: what each is worth, and what it costs.

`train` trains small ones on images, seed by seed (a folder keeps each seed; the same command goes on), and prints
accuracies with intervals and the verdicts on the claims. `traffic` captures full-size ones in int8, replays a 3 MiB
cache, and prints what they ask of it and what energy that takes in SRAM, STT- and SOT-MRAM, kernel by kernel as
launched and with epilogues fused.

    python -m benchmarks.methods.bitwidth train --folder FOLDER [--seeds 12] [--jobs 2] [--json]
    python -m benchmarks.methods.bitwidth traffic [--networks resnet18,mobilenet_v2] [--batches 1,4] [--at 8] [--json]
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from circuits import design_cache
from circuits.quantity import parse_bytes
from hwmodel.cache import CacheConfig, replay_trace
from hwmodel.gpu.accounting import account
from hwmodel.gpu.dram import load_dram
from traces import capture
from traces.gpus import load_gpu
from traces.lowering import Options
from workloads.bitwidth.method import METHOD, RunSettings, ShapesSettings
from workloads.recipes import Recipe, build

CELLS = ("sram", "stt", "sot")
GPU, DRAM, NODE = "gtx1080ti", "gddr5x", "16nm"


def traffic(recipe: Recipe, batch: int, fusion: str, capacity: int) -> dict[str, Any]:
    """Return the sectors that a network asks of a cache and the cache of DRAM, its weights' apart."""
    module, gpu = build(recipe), load_gpu(GPU)
    inputs = module.example_inputs(batch)  # type: ignore[operator]
    trace = capture(module, inputs, "inference", gpu=gpu, dtype="int8", options=Options(fusion=fusion))
    frame = replay_trace(trace, CacheConfig(capacity, 16, 128, "hashed", gpu.sector_bytes), by="tensor")
    weights = frame["tensor_name"].isin(list(module.weight_bits))  # type: ignore[arg-type]
    reads, writes = frame["read_hits"] + frame["read_misses"], frame["write_hits"] + frame["write_misses"]
    return {
        "l2_reads": int(reads.sum()),
        "l2_writes": int(writes.sum()),
        "l2_weight_reads": int(reads[weights].sum()),
        "dram_reads": int(frame["dram_read_sectors"].sum()),
        "dram_writes": int(frame["dram_write_sectors"].sum()),
        "dram_weight_reads": int(frame["dram_read_sectors"][weights].sum()),
        "macs": trace.header.macs,
    }


def measure(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """Return a row a network, batch, fusion and bits."""
    sector, dram, capacity = load_gpu(GPU).sector_bytes, load_dram(DRAM), parse_bytes(asked.capacity, "capacity")
    figures = ("read_latency_s", "write_latency_s", "read_energy_J", "write_energy_J", "leakage_W")
    designs = {cell: design_cache(cell=cell, node=NODE, capacity=capacity).as_dict() for cell in CELLS}
    rows = []
    for network in asked.networks.split(","):
        recipes = METHOD.shapes(ShapesSettings(network=network, at=asked.at, ends=asked.ends or None))
        for batch in map(int, asked.batches.split(",")):
            for fusion in asked.fusion.split(","):
                for recipe in recipes.values():
                    found = traffic(recipe, batch, fusion, capacity)
                    row = {"network": network, "batch": batch, "fusion": fusion, **recipe.about, **found}
                    for cell, design in designs.items():
                        case = pd.DataFrame([found | {name: design[name] for name in figures}])
                        costs = account(case, dram, sector).iloc[0]
                        row |= {
                            f"{cell}_{name}": float(costs[name]) for name in ("energy_J", "cache_energy_J", "edp_Js")
                        }
                    rows.append(row)
                    print(json.dumps(row), file=sys.stderr, flush=True)
    return rows


def show_traffic(rows: list[dict[str, Any]]) -> None:
    """Print megabytes (10^6), and energies as multiples of those of the most bits."""
    print(f"{'network':14} batch fusion    bits width  GMAC  L2 MB (weights)  DRAM MB (weights)   energy of sram, mJ "
          f"(x)   stt (x)   sot (x)")  # fmt: skip
    for row in rows:
        key = ("network", "batch", "fusion")
        base = max((one for one in rows if all(one[name] == row[name] for name in key)), key=lambda one: one["bits"])
        energies = {name: (row[name], base[name]) for name in (f"{cell}_energy_J" for cell in CELLS)}
        cells = "   ".join(f"{1e3 * own:8.2f} ({own / most:.2f})" for own, most in energies.values())
        l2, dram = row["l2_reads"] + row["l2_writes"], row["dram_reads"] + row["dram_writes"]
        print(f"{row['network']:14} {row['batch']:5} {row['fusion']:8} {row['bits']:5} {row['width']:5.2f} "
              f"{row['macs'] / row['batch'] / 1e9:5.2f} {32e-6 * l2:8.1f} ({32e-6 * row['l2_weight_reads']:6.1f}) "
              f"{32e-6 * dram:8.1f} ({32e-6 * row['dram_weight_reads']:5.1f})   {cells}")  # fmt: skip


def show_training(found: Any) -> None:
    """Print each variant's figures, the claims and the notes."""
    print(f"{'variant':24} accuracy, % (95 %)      bits width  bytes  others  kMAC")
    for row in found.summary:
        low, high = 100 * row["accuracy_low"], 100 * row["accuracy_high"]
        print(f"{row['variant']:24} {100 * row['accuracy']:6.2f} ({low:.2f} to {high:.2f}) {row['mean_bits']:6.2f} "
              f"{row['width']:5.2f} {row['size_bytes']:6.0f} {row['other_bytes']:7.0f} "
              f"{row['macs'] / 1e3:5.0f}")  # fmt: skip
    for one in found.claims:
        print(f"{one.verdict}: {one.claim}: {one.estimate:+.2f} ({one.low:+.2f} to {one.high:+.2f}) {one.unit}; "
              f"{one.seeds} seeds. {one.rule}")  # fmt: skip
    print(f"{found.cpu_s:.0f} s of processors", *found.notes, sep="\n")


def main() -> None:
    """Print tables, or a document with --json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["train", "traffic"])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--folder", type=Path, help="of the training's seeds")
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--settings", default="{}", help="of the training, as JSON")
    parser.add_argument("--networks", default="resnet18,mobilenet_v2")
    parser.add_argument("--batches", default="1,4")
    parser.add_argument("--fusion", default="none,epilogue")
    parser.add_argument("--at", type=int, default=8, help="bits at width 1, whose size all have")
    parser.add_argument("--ends", type=int, default=8, help="bits of the first and last layer; 0: as the others")
    parser.add_argument("--capacity", default="3MiB")
    asked = parser.parse_args()
    if asked.part == "traffic":
        rows = measure(asked)
        print(json.dumps({"capacity": asked.capacity, "rows": rows}, indent=1)) if asked.json else show_traffic(rows)
        return
    if asked.folder is None:
        parser.error("train: give --folder")
    settings, seeds = RunSettings(**json.loads(asked.settings)), range(asked.first, asked.first + asked.seeds)
    found = METHOD.run(settings, asked.folder, seeds, asked.jobs,
                       lambda share: print(f"\r{share:6.1%}", end="", file=sys.stderr))  # fmt: skip
    print(file=sys.stderr)
    print(json.dumps(asdict(found), indent=1)) if asked.json else show_training(found)


if __name__ == "__main__":
    main()
