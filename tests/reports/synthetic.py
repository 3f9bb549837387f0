"""SYNTHETIC studies for tests: a folder as `hwmodel study iso-capacity` leaves it, filled by formulas, not by a run.

The cache figures of the three known cells are the recalled table of DeepNVM++ (arXiv:2012.04559), so that the pages
look like a real study's; further cells, the traffic and the DRAM figures are made up.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

# read s, write s, read J, write J, leakage W, area m2 of a 3 MiB cache
KNOWN = {
    "sram": (2.91e-9, 1.53e-9, 0.35e-9, 0.32e-9, 6.442, 5.53e-6),
    "stt": (2.98e-9, 9.31e-9, 0.81e-9, 0.31e-9, 0.748, 2.34e-6),
    "sot": (3.71e-9, 1.38e-9, 0.49e-9, 0.22e-9, 0.527, 1.95e-6),
}
CACHE = ("read_latency_s", "write_latency_s", "read_energy_J", "write_energy_J", "leakage_W", "area_m2")
SIZES = {
    "alexnet": (61_100_840, 714_188_480, 9e6),
    "googlenet": (6_624_904, 1_498_000_000, 2.1e7),
    "vgg16": (138_357_544, 15_470_264_320, 1.4e8),
    "resnet18": (11_689_512, 1_814_073_344, 2.6e7),
    "squeezenet": (1_248_424, 819_000_000, 1.9e7),
}
NETWORKS = tuple(SIZES)
# kernel, share of reads, share of writes, share of the reads that miss
INFERENCE = (("implicit_gemm_forward", 0.70, 0.45, 0.12), ("pool_forward", 0.08, 0.05, 0.3),
             ("elementwise", 0.15, 0.4, 0.4), ("gemm", 0.07, 0.10, 0.95))  # fmt: skip
TRAINING = (("implicit_gemm_forward", 0.25, 0.15, 0.3), ("implicit_gemm_dgrad", 0.22, 0.14, 0.3),
            ("implicit_gemm_wgrad", 0.20, 0.06, 0.4), ("batch_norm_backward", 0.08, 0.1, 0.8),
            ("elementwise", 0.1, 0.25, 0.9), ("sgd_step", 0.05, 0.1, 0.9), ("pool_backward", 0.04, 0.1, 0.7),
            ("batch_norm_forward", 0.03, 0.05, 0.6), ("reduce", 0.02, 0.03, 0.2),
            ("softmax", 0.01, 0.02, 0.1))  # fmt: skip
DRAM_J, DRAM_S = 32 * 8 * 20e-12, 50e-9


def _traffic(networks: Sequence[str], phases: dict[str, int]) -> list[dict[str, Any]]:
    rows = []
    for index, network in enumerate(networks):
        base = SIZES.get(network, (0, 0, 1.1e7 * (index + 1)))[2]
        for phase, batch in phases.items():
            kinds = TRAINING if phase == "training" else INFERENCE
            for kernel, reads, writes, misses in kinds:
                skew = 1 + 0.3 * ((index * 7 + len(kernel)) % 5 - 2) / 2
                read, write = int(base * batch * reads * skew), int(base * batch * 0.22 * writes * skew)
                rows.append({"network": network, "phase": phase, "kernel": kernel, "launches": 5 + index,
                             "l2_reads": read, "l2_writes": write, "dram_reads": int(read * misses),
                             "dram_writes": int(write * 0.8)})  # fmt: skip
    return rows


def _account(row: dict[str, Any]) -> dict[str, Any]:
    reads, writes = row["l2_reads"], row["l2_writes"]
    row["cache_time_s"] = reads * row["read_latency_s"] + writes * row["write_latency_s"]
    row["dram_time_s"] = (row["dram_reads"] + row["dram_writes"]) * DRAM_S
    row["time_s"] = row["cache_time_s"] + row["dram_time_s"]
    row["dynamic_energy_J"] = reads * row["read_energy_J"] + writes * row["write_energy_J"]
    row["leakage_energy_J"] = row["leakage_W"] * row["cache_time_s"]
    row["cache_energy_J"] = row["dynamic_energy_J"] + row["leakage_energy_J"]
    row["dram_energy_J"] = (row["dram_reads"] + row["dram_writes"]) * DRAM_J
    row["energy_J"] = row["cache_energy_J"] + row["dram_energy_J"]
    row["cache_edp_Js"] = row["cache_energy_J"] * row["cache_time_s"]
    row["edp_Js"] = row["energy_J"] * row["time_s"]
    return row


def _cache(cell: str, index: int) -> dict[str, Any]:
    figures = KNOWN.get(cell) or tuple(v * (1 + 0.17 * index) for v in KNOWN["sot"])
    head = {"cell": cell, "node": "16nm", "capacity_bytes": 3 << 20, "ways": 16, "line_bytes": 128}
    return head | dict(zip(CACHE, figures, strict=True))


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_study(
    folder: Path,
    networks: Sequence[str] = NETWORKS,
    cells: Sequence[str] = ("sram", "stt", "sot"),
    phases: dict[str, int] | None = None,
    **made: Any,
) -> Path:
    """Write a synthetic study's tables and study.yaml (no parquet) to `folder`, which is made, and return it."""
    phases = phases or {"inference": 4, "training": 64}
    folder.mkdir(parents=True, exist_ok=True)
    traffic = _traffic(networks, phases)
    caches = [_cache(cell, index) for index, cell in enumerate(cells)]
    results = []
    for network in networks:
        for phase, batch in phases.items():
            rows = [row for row in traffic if (row["network"], row["phase"]) == (network, phase)]
            total = {
                name: sum(row[name] for row in rows) for name in ("l2_reads", "l2_writes", "dram_reads", "dram_writes")
            }
            for cache in caches:
                head = {"network": network, "phase": phase, "batch": batch, "gpu": "gtx1080ti"}
                hits = {"read_hits": total["l2_reads"] - total["dram_reads"], "read_misses": total["dram_reads"],
                        "write_hits": total["l2_writes"], "write_misses": 0,
                        "writebacks": total["dram_writes"] // 3}  # fmt: skip
                results.append(_account(head | cache | hits | total))
    organization = {"organization_access": "sequential", "organization_banks": 2, "organization_subarray_rows": 512}
    _write(folder / "results.csv", results)
    _write(folder / "caches.csv", [cache | organization | {"searched": 5321} for cache in caches])
    _write(folder / "traffic.csv", traffic)
    document = {
        "study": "iso-capacity", "networks": list(networks), "phases": phases, "cells": list(cells), "node": "16nm",
        "capacity": 3 << 20, "ways": 16, "line": 128, "index": "hashed", "target": "edap", "gpu": "gtx1080ti",
        "dram": "gddr5x",
        "made": {
            "version": "0.1.0", "date": "2026-01-31", "wall_time_s": 312.4,
            "sectors_replayed": sum(row["l2_reads"] + row["l2_writes"] for row in traffic),
            "networks": {name: dict(zip(("parameters", "macs"), SIZES[name][:2], strict=True))
                         for name in networks if name in SIZES},
            "assumptions": ["SYNTHETIC: every figure of this study is made up to test the report.",
                            "Accesses are charged one after another; a GPU overlaps them: only ratios mean anything."],
            "works": {"deepnvm": "A. Inci, M. M. Isgenc, D. Marculescu, DeepNVM++, IEEE TCAD 41(10), 2022, "
                                 "arXiv:2012.04559",
                      "nvsim": "X. Dong, C. Xu, Y. Xie, N. P. Jouppi, NVSim, IEEE TCAD 31(7), 2012"},
        } | made,
    }  # fmt: skip
    (folder / "study.yaml").write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return folder


if __name__ == "__main__":
    import sys

    print(write_study(Path(sys.argv[1])))
