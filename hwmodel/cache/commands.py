"""`hwmodel replay`: a trace through caches of several capacities."""

from pathlib import Path
from typing import Any

import click

from hwmodel import console
from hwmodel.cache.config import INDICES, CacheConfig

_SHOWN = ("capacity_bytes", "ways", "line_bytes", "kernel", "name", "operator", "layer", "phase", "tensor_name",
          "tensor_kind", "accesses", "read_misses", "write_misses", "writebacks", "dram_read_sectors",
          "dram_write_sectors")  # fmt: skip


class Names(click.ParamType):
    """Words with commas between them."""

    name = "name,name"
    example = "kernel,tensor"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        parts = value if isinstance(value, list) else [part.strip() for part in str(value).split(",")]
        if not all(parts):
            self.fail(
                f"{value!r}: an empty {self.name.split(',')[0]}; separate them by commas: {self.example}", param, ctx
            )
        return parts


class Capacities(Names):
    """Sizes with commas between them."""

    name = "size,size"
    example = "1MiB,3MiB"


@click.command()
@click.argument("trace", type=click.Path(path_type=Path))
@click.option(
    "--capacity",
    "capacities",
    type=Capacities(),
    required=True,
    metavar="SIZE[,SIZE...]",
    help="Capacities, all replayed in one pass, such as 1MiB,3MiB,7MiB.",
)
@click.option("--ways", type=int, default=16, show_default=True, metavar="N", help="Lines a set holds, 1 to 64.")
@click.option("--line", default="128", show_default=True, metavar="SIZE", help="Line: 32, 64, 128 or 256 B.")
@click.option(
    "--index",
    type=click.Choice(INDICES),
    default="hashed",
    show_default=True,
    help="How a line's set is chosen: hashed, as GPUs do; line number modulo sets; xor or ipoly of its bits.",
)
@click.option("--slices", type=int, default=1, show_default=True, metavar="N", help="Parts that lines are spread over.")
@click.option(
    "--sector",
    metavar="SIZE",
    help="32 for a sectored cache, none for one that fills whole lines. [default: as the trace says]",
)
@click.option("--by", type=Names(), metavar="NAME[,NAME...]", help="A row a capacity and kernel, name, operator, "
              "layer, phase, tensor or kind (of tensor), or several, instead of a row a capacity.")  # fmt: skip
def replay(
    trace: Path, capacities: list[str], ways: int, line: str, index: str, slices: int, sector: str | None,
    by: list[str] | None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Replay a trace, exactly, through last-level caches of several capacities.

    TRACE is a file of `hwmodel capture`'s, or of a format that `hwmodel trace import` reads.

    LRU, write-back, write-allocate; each cache starts empty and stays warm from kernel to kernel. Counts are of 32 B
    sector accesses; write-backs are of dirty lines.

    \b
    Example:
      hwmodel replay vgg16.trace --capacity 1MiB,3MiB,7MiB --ways 16 --line 128 --json
      hwmodel replay vgg16.trace --capacity 3MiB --by layer,kind
    """
    from traces import open_trace

    chosen = None if sector is None else _sector(sector)
    configs = [
        CacheConfig(capacity, ways, line, index, chosen, slices) for capacity in capacities
    ]  # a slip shows at once
    found = open_trace(trace)
    if sector is None:
        chosen = found.header.sector_bytes
        configs = [CacheConfig(capacity, ways, line, index, chosen, slices) for capacity in capacities]

    from hwmodel.cache import replay_trace

    with console.progress(f"replay of {trace.name}") as advance:
        table = replay_trace(found, configs, by, lambda part: advance(part, 1.0))
    return table.to_dict("records")  # type: ignore[return-value]


def _sector(text: str) -> str | None:
    return None if text.strip().lower() == "none" else text


def _view(document: list[dict[str, Any]]) -> None:
    console.view([{name: row[name] for name in _SHOWN if name in row} for row in document])


replay.view = _view  # type: ignore[attr-defined]
