"""`hwmodel timing`: how long a trace takes in a banked cache, whose slow writes hold up what comes behind them."""

from pathlib import Path
from typing import Any

import click

from hwmodel import console
from hwmodel.cache.commands import Capacities, Names
from hwmodel.cache.config import INDICES

_SHOWN = ("cell", "capacity_bytes", "read_latency_s", "write_latency_s", "time_s", "write_time_s", "naive_time_s",
          "read_latency_mean_s", "utilisation", "dram_utilisation")  # fmt: skip


@click.command()
@click.argument("trace", type=click.Path(path_type=Path))
@click.option("--capacity", "capacities", type=Capacities(), required=True, metavar="SIZE[,SIZE...]",
              help="Capacities, such as 3MiB.")  # fmt: skip
@click.option("--cell", "cells", type=Names(), metavar="CELL[,CELL...]",
              help="Cells of the array, such as sram,stt,sot: latencies are of the caches that `hwmodel cache` finds. "
              "Without, give them by --set.")  # fmt: skip
@click.option("--node", default="16nm", show_default=True, help="Technology node of the cells.")
@click.option("--target", default="edap", show_default=True, help="What each cell's cache is the best of.")
@click.option("--gpu", help="Its L2's slices, clock and memory bandwidth: a name or a .yaml file. "
              "[default: as the trace says]")  # fmt: skip
@click.option("--dram", help="The memory, for its latency: a name or a .yaml file. [default: the GPU's kind]")
@click.option("--banks", type=int, metavar="N", help="Banks of the cache. [default: the GPU's slices]")
@click.option("--buffer", type=int, default=0, show_default=True, metavar="N",
              help="Entries of each bank's write buffer.")  # fmt: skip
@click.option("--outstanding", type=int, default=1024, show_default=True, metavar="N",
              help="Accesses under way, from the oldest not done to the newest.")  # fmt: skip
@click.option(
    "--set",
    "figures",
    multiple=True,
    metavar="NAME=VALUE",
    help="A figure in SI units in place of what the others come to: read_latency_s, write_latency_s, read_cycle_s, "
    "write_cycle_s, interval_s, tag_latency_s, dram_latency_s, dram_bytes_per_s; often.",
)
@click.option("--ways", type=int, default=16, show_default=True, metavar="N", help="Lines a set holds, 1 to 64.")
@click.option("--line", default="128", show_default=True, metavar="SIZE", help="Line: 32, 64, 128 or 256 B.")
@click.option("--index", type=click.Choice(INDICES), default="hashed", show_default=True,
              help="How a line's set is chosen.")  # fmt: skip
@click.option("--slices", type=int, default=1, show_default=True, metavar="N",
              help="Parts that lines' sets are spread over.")  # fmt: skip
@click.option("--sector", metavar="SIZE", help="32 for a sectored cache, none for one that fills whole lines. "
              "[default: as the trace says]")  # fmt: skip
def timing(
    trace: Path, capacities: list[str], cells: list[str] | None, node: str, target: str, gpu: str | None,
    dram: str | None, banks: int | None, buffer: int, outstanding: int, figures: tuple[str, ...], ways: int, line: str,
    index: str, slices: int, sector: str | None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Time a trace in a banked cache: a row a capacity and cell.

    The cache is LRU and write-back, and starts empty. A bank serves an access at a time, each for its cycle, which is
    its latency unless --set says otherwise. `write time` is by how much the time is longer than where writes keep no
    bank; `naive time` is what DeepNVM++ charges, one access after another. No compute is between accesses, so this
    compares technologies and does not foretell a kernel's time; what else is assumed, --json lists.

    \b
    Examples:
      hwmodel timing vgg16.trace --capacity 3MiB --cell sram,stt,sot
      hwmodel timing vgg16.trace --capacity 3MiB --cell stt --buffer 8 --set write_cycle_s=12e-9 --json
      hwmodel timing app.trace --capacity 1MiB --gpu a100_40gb --set read_latency_s=2e-9 --set write_latency_s=9e-9 \\
        --set dram_latency_s=40e-9
    """
    from circuits.commands import numbers
    from circuits.errors import InputError
    from hwmodel.cache.commands import sector_of
    from hwmodel.cache.config import CacheConfig
    from hwmodel.cache.timing_machines import Surroundings, latencies_of
    from traces import open_trace

    given, chosen = numbers("--set", figures), sector_of(sector)
    configs = [CacheConfig(size, ways, line, index, chosen, slices) for size in capacities]  # a slip shows at once
    found = open_trace(trace)
    if sector is None:
        configs = [CacheConfig(size, ways, line, index, found.header.sector_bytes, slices) for size in capacities]
    machine = gpu or found.header.gpu
    if not machine:
        raise InputError(f"{trace}: names no GPU; give --gpu, for its clock and its memory's bandwidth")
    around = Surroundings(machine, dram, banks, outstanding, buffer, given)
    names = cells or [None]
    made = [
        [around.cache(latencies_of(name, node, config, target) if name else {}) for name in names] for config in configs
    ]
    from hwmodel.cache.timing import time_caches

    rows = []
    with console.progress(f"timing of {trace.name}") as advance:
        for number, (config, caches) in enumerate(zip(configs, made, strict=True)):
            times = time_caches(found, config, caches, lambda part, at=number: advance(at + part, len(configs)))
            for name, cache, row in zip(names, caches, times, strict=True):
                rows.append({"cell": name, "capacity_bytes": config.capacity} | vars(cache) | row)
    return rows


def _view(document: list[dict[str, Any]]) -> None:
    console.view([{name: row[name] for name in _SHOWN if row[name] is not None} for row in document])


timing.view = _view  # type: ignore[attr-defined]
