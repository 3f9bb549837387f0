"""What virtual pooling's rounds are worth on VGG-16: MACs, modelled traffic, and times measured on this machine.

Times are medians of runs that go from network to network and round again, so that a change of the machine's pace meets
all alike. The ratio is the base network's over theirs, by the wall and by processor time, which says more on a machine
that others use too. `eager` is the pooled module itself in torch, the others are runtimes of `hwmodel latency`. Traffic
is modelled (`capture`, `replay`).

    python -m benchmarks.methods.vip [--network vgg16] [--batches 1,4] [--runtimes eager,litert] [--threads 1,2]
        [--repeats 7] [--no-traffic] [--no-times] [--json]
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn

from circuits.quantity import parse_bytes
from hwmodel.cache import CacheConfig, replay_trace
from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.graph.fill import filled
from hwmodel.latency.graph.from_torch import from_torch
from hwmodel.latency.runtimes import find_runtime
from traces import capture
from traces.networks import find_network
from workloads.networks.counting import count_macs, count_parameters
from workloads.recipes import Recipe, build
from workloads.vip import virtual_pool
from workloads.vip.rounds import shapes
from workloads.vip.settings import ShapesSettings

Run = Callable[[], Any]
SECTOR_BYTES = 32


def modelled(
    recipes: Mapping[str, Recipe], batches: Sequence[int], capacity: int, gpu: str
) -> dict[str, dict[str, Any]]:
    """Return MACs, parameters and bytes behind a cache, of each network."""
    found: dict[str, dict[str, Any]] = {}
    for name, recipe in recipes.items():
        module: Any = build(recipe)
        row: dict[str, Any] = {"macs": count_macs(module), "parameters": count_parameters(module)}
        for batch in batches:
            trace = capture(module, module.example_inputs(batch), "inference", gpu=gpu)
            counts = replay_trace(trace, [CacheConfig(capacity)]).iloc[0]
            row |= {
                f"l2_bytes_batch{batch}": int(counts["accesses"]) * SECTOR_BYTES,
                f"dram_read_bytes_batch{batch}": int(counts["dram_read_sectors"]) * SECTOR_BYTES,
                f"dram_write_bytes_batch{batch}": int(counts["dram_write_sectors"]) * SECTOR_BYTES,
            }
            total = row[f"dram_read_bytes_batch{batch}"] + row[f"dram_write_bytes_batch{batch}"]
            row[f"dram_bytes_batch{batch}"] = total
            print(f"{name}, batch {batch}: {total / 1e6:.1f} MB of DRAM traffic", file=sys.stderr)
        found[name] = row
    return found


def measured(
    recipes: Mapping[str, Recipe], runtimes: Sequence[str], threads: Sequence[int], repeats: int
) -> dict[str, dict[str, Any]]:
    """Return median seconds of a run of one image, by network, of each runtime and number of threads."""
    plain = {name: recipe for name, recipe in recipes.items() if not recipe.fused}
    base = find_network(plain["base"].network)().eval()
    image = tuple(torch.randn_like(x) if x.is_floating_point() else x for x in base.example_inputs(1))
    modules: dict[str, nn.Module] = {}
    for name, recipe in plain.items():
        pooled = recipe.virtual_pooling
        modules[name] = virtual_pool(base, pooled, example=image) if pooled else base
        modules[name].load_state_dict(base.state_dict(), assign=True)  # one copy of the weights
    rows: dict[str, dict[str, Any]] = {name: {} for name in plain}
    for runtime in runtimes:
        for count in threads:
            what = f"{runtime}_{count}"
            for name, seconds in _timed(runtime, modules, image, count, repeats).items():
                rows[name] |= {f"{what}_s": median(wall for wall, _ in seconds),
                               f"{what}_cpu_s": median(cpu for _, cpu in seconds)}  # fmt: skip
            for name, row in rows.items():
                for clock in ("", "_cpu"):
                    row[f"{what}{clock}_speedup"] = rows["base"][f"{what}{clock}_s"] / row[f"{what}{clock}_s"]
                told = f"{row[f'{what}_speedup']:.2f} times as fast, {row[f'{what}_cpu_speedup']:.2f} by processor time"
                print(f"{runtime}, {count} threads, {name}: {told}", file=sys.stderr)
    return rows


def _timed(
    runtime: str, modules: Mapping[str, nn.Module], image: Sequence[torch.Tensor], threads: int, repeats: int
) -> dict[str, list[tuple[float, float]]]:
    """Return seconds by the wall and of processors, of each run of each network."""
    with tempfile.TemporaryDirectory() as folder:
        runs = _eager(modules, image, threads) if runtime == "eager" else (
            _prepared(runtime, modules, image, threads, Path(folder)))  # fmt: skip
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in modules}
        for turn in range(repeats + 1):
            for name, run in runs.items():
                wall, cpu = time.perf_counter(), time.process_time()
                run()
                if turn:  # the first warms up
                    seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return seconds


def _eager(modules: Mapping[str, nn.Module], image: Sequence[torch.Tensor], threads: int) -> dict[str, Run]:
    torch.set_num_threads(threads)

    def run(module: nn.Module) -> Run:
        def once() -> torch.Tensor:
            with torch.inference_mode():
                return module(*image)

        return once

    return {name: run(module) for name, module in modules.items()}


def _prepared(
    runtime: str, modules: Mapping[str, nn.Module], image: Sequence[torch.Tensor], threads: int, folder: Path
) -> dict[str, Run]:
    runs = {}
    for name, module in modules.items():
        (folder / name).mkdir()
        graph = filled(canonical(from_torch(module, image)))
        prepared = find_runtime(runtime).prepare(graph, folder / name, threads)
        prepared.load([x.numpy() for x in image])
        runs[name] = prepared.run
    return runs


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="vgg16")
    parser.add_argument("--batches", default="1,4")
    parser.add_argument("--cache", default="3MiB")
    parser.add_argument("--gpu", default="gtx1080ti")
    parser.add_argument("--runtimes", default="eager,litert")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--no-traffic", action="store_true")
    parser.add_argument("--no-times", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    recipes = shapes(ShapesSettings(network=args.network))
    rows: dict[str, dict[str, Any]] = {name: {"network": name, **recipe.about} for name, recipe in recipes.items()}
    if not args.no_traffic:
        batches = [int(one) for one in args.batches.split(",")]
        capacity = parse_bytes(args.cache)
        for name, row in modelled(recipes, batches, capacity, args.gpu).items():
            rows[name] |= row
    if not args.no_times:
        threads = [int(one) for one in args.threads.split(",")]
        for name, row in measured(recipes, args.runtimes.split(","), threads, args.repeats).items():
            rows[name] |= row
    if args.json:
        about = {"cache": args.cache, "gpu": args.gpu, "repeats": args.repeats}
        print(json.dumps(about | {"rounds": list(rows.values())}))
        return
    columns = list(dict.fromkeys(key for row in rows.values() for key in row))
    for column in columns:
        print(f"{column:26s}", *(f"{_short(row.get(column, '')):>14s}" for row in rows.values()))


def _short(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return f"{value / 1e6:.1f}M" if value >= 1e5 else f"{value:.4g}"


if __name__ == "__main__":
    main()
