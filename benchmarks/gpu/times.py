"""Modelled times beside an H200's own: `python -m benchmarks.gpu.times`, without a GPU, from tests/reference.

- counted: each kernel's measured time beside hwmodel.gpu.overlap's, with the counts that the GPU counted and, where a
  kernel's name states its tile, launched so;
- own: each operator's call with what is modelled of it: our kernels, their counts, tiles by time;
- runs: whole runs' time and energy beside those of CUDA graphs (eager launches for training).

The machine's figures come of microbenchmarks (hwmodel/gpu/machines/h200.yaml says which). One constant is taken of the
counted kernels: how much later a kernel starts under the profiler, of bert_base's smallest, which is then left out.
Beside each stands a roofline: the same start, and the greater of products and of DRAM's bytes at their peaks.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))  # where this is run as a file

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from benchmarks.gpu.machine import JOBS as RUNS  # noqa: E402
from benchmarks.gpu.timed import Card, own, table_of, timed  # noqa: E402
from benchmarks.gpu.validate import JOBS, again, name_of  # noqa: E402
from hwmodel.cache import replay_trace  # noqa: E402
from hwmodel.gpu.dram import load_dram  # noqa: E402
from hwmodel.gpu.machine import load_machine  # noqa: E402
from hwmodel.gpu.replayed import by_kernel, cache_of  # noqa: E402
from hwmodel.gpu.runs import kernel_table, overlap_runs  # noqa: E402
from traces import capture_network  # noqa: E402
from traces.counters.table import MODES, read_table  # noqa: E402

SEEN = "bert_base"  # whose products two choices were made by: slabs_ahead in machines/h200.yaml, shapes.CUTS
UNSEEN = f"all but {SEEN}"
REFERENCE = HERE.parents[1] / "tests" / "reference"
WARM_S = 30e9  # MACs of a run beyond which its traffic is replayed once, from an empty cache


def runs(machine: Path, card: Card, chosen: Sequence[str]) -> list[dict[str, Any]]:
    """Return measured and modelled time and energy of whole runs: as a graph where that was measured, else eager."""
    real = pd.read_csv(machine, comment="#")
    real = real[real["subject"] == "run"].pivot_table("value", "case", "quantity")
    found = []
    for job in RUNS:
        name = f"{job.network.rpartition(':')[2]} {job.phase} {job.batch} {job.dtype}"
        if name not in real.index or (chosen and not any(name.startswith(one) for one in chosen)):
            continue
        trace = capture_network(job.network, job.batch, job.phase, card.lowered.name, shape=job.shape,
                                arguments=job.arguments, dtype=job.dtype, checkpoint=job.checkpoint)  # fmt: skip
        work = trace.header.macs * (3 if job.phase == "training" else 1)
        if work < WARM_S:
            kernels = table_of(trace, by_kernel(trace, card.lowered, "warm"))
        else:
            kernels = kernel_table(trace, replay_trace(trace, cache_of(card.lowered), by="kernel", exact=False))
        graph = not np.isnan(real.loc[name].get("graph_s", np.nan))
        row = overlap_runs(kernels, None, card.gpu, load_dram("hbm3e"), load_machine("h200"),
                           launch="graph" if graph else "eager").iloc[0]  # fmt: skip
        time, energy = (float(real.loc[name, key]) for key in ("graph_s" if graph else "eager_s", "energy_J"))
        found.append({
            "run": name, "launch": "graph" if graph else "eager", "kernels": len(trace.kernels),
            "time_measured_s": time, "time_s": float(row["time_overlap_s"]),
            "time_ratio": float(row["time_overlap_s"]) / time,
            "roofline_ratio": float(card.roofline(kernels).sum()) / time,
            "energy_measured_J": energy, "energy_J": float(row["energy_board_J"]),
            "energy_ratio": float(row["energy_board_J"]) / energy,
        })  # fmt: skip
    return found


def errors(table: pd.DataFrame, of: str = "time_s") -> list[dict[str, Any]]:
    """Return errors by mode and class, all of them last: median, 90th percentile, mean; mean ratio; ratio of sums."""
    found = []
    for mode in (*MODES, "both"):
        part = table if mode == "both" else table[table["mode"] == mode]
        classes = [UNSEEN] if mode == "both" else sorted(part["class"].unique())
        for name in (*classes, "all"):
            some = part if name == "all" else part[part["class"] == name]
            if name == UNSEEN:
                some = part[~part["item"].str.contains(SEEN)]
            ratio = (some[of] / some["time_measured_s"]).to_numpy(float)
            off = np.abs(ratio - 1)
            found.append({
                "mode": mode, "class": name, "kernels": len(some), "median": float(np.median(off)),
                "p90": float(np.quantile(off, 0.9)), "mean": float(off.mean()),
                "mean_ratio": float(np.exp(np.log(np.maximum(ratio, 1e-9)).mean())),
                "sum_ratio": float(some[of].sum() / some["time_measured_s"].sum()),
            })  # fmt: skip
    return found


def compare(counters: Path, machine: Path, chosen: Sequence[str]) -> dict[str, Any]:
    """Return the whole comparison as one document."""
    card = Card.h200()
    about, rows = read_table(counters)
    traces = {
        name_of(job): capture_network(job.network, job.batch, job.phase, card.lowered.name, shape=job.shape,
                                      arguments=job.arguments, dtype=job.dtype, checkpoint=job.checkpoint)
        for job in JOBS if any(row.item == name_of(job) for row in rows)
    }  # fmt: skip
    rows = again(rows, card.lowered.name)
    table, start, told = timed(rows, traces, card)
    left = table[~told]
    ours = own(rows, traces, card, start)
    return {
        "gpu": about.get("gpu", "?"),
        "date": about.get("date", "?"),
        "start_under_profiler_s": start,
        "counted": errors(left),
        "counted_roofline": errors(left, "roofline_s")[-1],
        "own": errors(ours),
        "own_roofline": errors(ours, "roofline_s")[-1],
        "runs": runs(machine, card, chosen),
    }


def show(document: dict[str, Any]) -> None:
    """Print the tables for people."""
    start = document["start_under_profiler_s"] * 1e6
    print(f"{document['gpu']}, {document['date']}; a kernel starts {start:.2f} us into its time under the profiler")
    for name, title in (("counted", "kernels, counts as counted"), ("own", "calls, counts of our own kernels")):
        head = f"{title:42}{'kernels':>8}{'median':>9}{'p90':>8}{'mean':>8}{'mean ratio':>12}{'sums':>7}"
        print(f"\n{head}\n{'-' * len(head)}")
        for row in (*document[name], document[f"{name}_roofline"] | {"class": "all, roofline"}):
            print(f"{row['mode']:6}{row['class']:36}{row['kernels']:>8}{row['median']:>9.1%}{row['p90']:>8.0%}"
                  f"{row['mean']:>8.1%}{row['mean_ratio']:>12.2f}{row['sum_ratio']:>7.2f}")  # fmt: skip
    head = f"{'whole runs':34}{'launch':8}{'time [ms]':>10}{'ratio':>7}{'roofline':>10}{'energy [J]':>12}{'ratio':>7}"
    print(f"\n{head}\n{'-' * len(head)}")
    for row in document["runs"]:
        time, energy = row["time_measured_s"] * 1e3, row["energy_measured_J"]
        print(f"{row['run']:34}{row['launch']:8}{time:>10.3f}{row['time_ratio']:>7.2f}{row['roofline_ratio']:>10.2f}"
              f"{energy:>12.3f}{row['energy_ratio']:>7.2f}")  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counters", type=Path, default=REFERENCE / "gpu_counters_h200.csv", metavar="FILE")
    parser.add_argument("--machine", type=Path, default=REFERENCE / "gpu_machine_h200.csv", metavar="FILE")
    parser.add_argument(
        "--runs", nargs="+", default=[], metavar="NAME", help="whole runs that begin so  [default: all]"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args(arguments)
    document = compare(chosen.counters, chosen.machine, chosen.runs)
    print(json.dumps(document, indent=1)) if chosen.json else show(document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
