"""`hwmodel replay`: a trace through caches of several capacities."""

from pathlib import Path
from typing import Any

import click

from hwmodel import console
from hwmodel.cache.config import INDICES, POLICIES, WRITE_MISSES, WRITES, CacheConfig, Hybrid, Retention

_SHOWN = ("capacity_bytes", "ways", "line_bytes", "kernel", "name", "operator", "layer", "phase", "tensor_name",
          "tensor_kind", "accesses", "read_misses", "write_misses", "writebacks", "dram_read_sectors",
          "dram_write_sectors", "extrapolated_accesses", "dram_read_sectors_bound", "dram_write_sectors_bound",
          "expired_lines", "expired_writebacks", "refreshes", "sram_writes", "mram_writes", "most_written",
          "mean_written")  # fmt: skip
MOST_THREADS = 8  # as it comes: more are not known to help


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
@click.option(
    "--policy",
    type=click.Choice(POLICIES),
    default="lru",
    show_default=True,
    help="Which line of a full set goes; all but lru replay each access by itself, and take longer.",
)
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Of random, and of drrip.")
@click.option("--write", type=click.Choice(WRITES), default="back", show_default=True, help="When memory is written.")
@click.option(
    "--write-miss",
    type=click.Choice(WRITE_MISSES),
    help="A write whose line is not there: brings and fetches it, only brings it, or goes around. "
    "[default: validate where sectored, else fetch]",
)
@click.option("--wear", is_flag=True, help="Count the writes of each slot: the most written, the mean, their ratio.")
@click.option("--sram-ways", type=int, metavar="N", help="A hybrid cache: the first N ways are SRAM, the others MRAM.")
@click.option(
    "--migrate-after",
    type=int,
    default=2,
    show_default=True,
    metavar="N",
    help="Writes of a line in MRAM that move it to SRAM; 0: none do.",
)
@click.option(
    "--retention",
    metavar="N|TIME",
    help="Cells forget after N accesses of the cache, or, with --accesses-per-s, after a time such as 26.5us.",
)
@click.option("--accesses-per-s", type=float, metavar="RATE", help="How often the cache is accessed, for --retention.")
@click.option(
    "--refresh-ways",
    type=int,
    metavar="N",
    help="Of lines about to be forgotten, refresh the N used last of their set; others go, dirty ones written back. "
    "[default: all are refreshed]",
)
@click.option("--byte-masks", is_flag=True, help="Sectors written in part by several writes become whole.")
@click.option("--by", type=Names(), metavar="NAME[,NAME...]", help="A row a capacity and kernel, name, operator, "
              "layer, phase, tensor or kind (of tensor), or several, instead of a row a capacity.")  # fmt: skip
@click.option("--fast-forward", is_flag=True, help="Skip what has become steady in a kernel; the counts are then "
              "estimates, and a bound stands beside each.")  # fmt: skip
@click.option("--threads", type=int, metavar="N", help="Threads that take part; no count depends on it. "
              f"[default: the processors there are, {MOST_THREADS} at most]")  # fmt: skip
def replay(
    trace: Path, capacities: list[str], ways: int, line: str, index: str, slices: int, sector: str | None,
    policy: str, seed: int, write: str, write_miss: str | None, wear: bool, sram_ways: int | None,
    migrate_after: int, retention: str | None, accesses_per_s: float | None, refresh_ways: int | None,
    byte_masks: bool, by: list[str] | None, fast_forward: bool, threads: int | None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Replay a trace, access by access, through last-level caches of several capacities.

    TRACE is a file of `hwmodel capture`'s, or of a format that `hwmodel trace import` reads.

    Each cache starts empty and stays warm from kernel to kernel. Counts are of 32 B sector accesses; write-backs are of
    dirty lines; sectors written at once, through or around, count in what DRAM is written.

    \b
    Examples:
      hwmodel replay vgg16.trace --capacity 1MiB,3MiB,7MiB --ways 16 --line 128 --json
      hwmodel replay vgg16.trace --capacity 3MiB --by layer,kind
      hwmodel replay vgg16.trace --capacity 1MiB,64MiB --fast-forward
      hwmodel replay vgg16.trace --capacity 3MiB --policy drrip --write through --write-miss around
      hwmodel replay vgg16.trace --capacity 3MiB --retention 26.5us --accesses-per-s 5e9 --refresh-ways 8
    """
    from traces import open_trace

    chosen = sector_of(sector)
    hybrid = None if sram_ways is None else Hybrid(sram_ways, migrate_after)
    lasts = _retention(retention, accesses_per_s, refresh_ways)
    rest = slices, policy, seed, write, write_miss, wear, hybrid, byte_masks, lasts
    configs = [
        CacheConfig(capacity, ways, line, index, chosen, *rest) for capacity in capacities
    ]  # a slip shows at once
    found = open_trace(trace)
    if sector is None:
        chosen = found.header.sector_bytes
        configs = [CacheConfig(capacity, ways, line, index, chosen, *rest) for capacity in capacities]

    from hwmodel.cache import replay_trace
    from hwmodel.studies.workers import processors

    with console.progress(f"replay of {trace.name}") as advance:
        chosen_threads = min(processors(), MOST_THREADS) if threads is None else threads
        table = replay_trace(
            found, configs, by, lambda part: advance(part, 1.0), threads=chosen_threads, exact=not fast_forward
        )
    return table.to_dict("records")  # type: ignore[return-value]


def sector_of(text: str | None) -> str | None:
    """Return what `--sector` says, `none` as None; None where it is not given."""
    return None if text is None or text.strip().lower() == "none" else text


def _retention(text: str | None, accesses_per_s: float | None, refresh_ways: int | None) -> Retention | None:
    """Return what the three options say together."""
    from circuits.errors import InputError
    from circuits.quantity import parse_time

    if text is None:
        if accesses_per_s is None and refresh_ways is None:
            return None
        raise InputError("--accesses-per-s and --refresh-ways: go with --retention; give it")
    if text.strip().isascii() and text.strip().isdigit():
        if accesses_per_s is not None:
            raise InputError(f"--retention {text}: accesses, yet --accesses-per-s is given; give a time such as 26.5us")
        return Retention(int(text), refresh_ways)
    time_s = parse_time(text, "retention")
    if accesses_per_s is None:
        raise InputError(f"--retention {text}: a time; give --accesses-per-s too, or a number of accesses")
    return Retention.of(time_s, accesses_per_s, refresh_ways)


def _view(document: list[dict[str, Any]]) -> None:
    console.view([{name: row[name] for name in _SHOWN if name in row} for row in document])


replay.view = _view  # type: ignore[attr-defined]
