"""`hwmodel reuse`: a trace's misses and write-backs for every capacity, or every associativity, in one pass."""

from pathlib import Path
from typing import Any

import click

from hwmodel import console
from hwmodel.cache.commands import Capacities
from hwmodel.cache.config import INDICES
from hwmodel.units import show

_HIDDEN = ("capacity_bytes", "accesses", "line_bytes", "sector_bytes", "index", "dirty_sectors_left")
PICTURES = ("pdf", "png", "svg")


@click.command()
@click.argument("trace", type=click.Path(path_type=Path))
@click.option("--line", default="128", show_default=True, metavar="SIZE", help="Line: 32, 64, 128 or 256 B.")
@click.option("--capacity", "capacities", type=Capacities(), metavar="SIZE[,SIZE...]", help="Only these capacities.")
@click.option(
    "--points", type=click.IntRange(1, 1000), default=1, show_default=True, help="Capacities for each doubling."
)
@click.option(
    "--sets", type=int, metavar="N", help="Caches of N sets and 1 to 64 ways, instead of one set of all ways."
)
@click.option(
    "--index",
    type=click.Choice(INDICES),
    default="hashed",
    show_default=True,
    help="With --sets: how a line's set is chosen.",
)
@click.option(
    "--sector",
    metavar="SIZE",
    help="32 for sectored caches, none for ones that fill whole lines. [default: as the trace says; with --sets none]",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Draw the curve: .pdf, .png or .svg."
)
def reuse(
    trace: Path, line: str, capacities: list[str] | None, points: int, sets: int | None, index: str,
    sector: str | None, output: Path | None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Misses and write-backs of a trace for every capacity at once, exactly.

    Caches are LRU, write-back, write-allocate, and start empty. Without --sets they are fully associative, and the last
    capacity shown is the first that misses nothing twice.

    \b
    Example:
      hwmodel reuse vgg16.trace --json
      hwmodel reuse vgg16.trace --sets 1536 -o curve.pdf
    """
    from circuits.errors import InputError
    from circuits.quantity import parse_bytes
    from traces import open_trace

    line_bytes = parse_bytes(line, "line")
    if sets is not None and capacities is not None:
        raise InputError("--capacity with --sets: ways are all shown; give one of the two")
    unit = None if sector is None or sector.strip().lower() == "none" else parse_bytes(sector, "sector")
    if sets is not None and unit is not None:
        raise InputError(f"--sector {sector} with --sets: those caches fill whole lines; give one of the two")
    sizes = None if capacities is None else [_lines(text, line_bytes) for text in capacities]
    if output is not None:
        _check(output)
    from hwmodel.cache.reuse import Reuse, feed_trace
    from hwmodel.cache.set_reuse import SetReuse

    into = Reuse(line_bytes, unit) if sets is None else SetReuse(sets, line_bytes, index)  # a slip shows at once
    found = open_trace(trace)
    if sets is None and sector is None:
        into = Reuse(line_bytes, found.header.sector_bytes)
    with console.progress(f"reuse of {trace.name}") as advance:
        feed_trace(found, into, lambda part: advance(part, 1.0))
    if isinstance(into, SetReuse):
        table = curve = into.result()
    else:
        distances = into.result()
        curve = distances.curve() if output is not None else None
        table = distances.curve(_spaced(distances.lines, points) if sizes is None else sizes)
        table = table.drop(columns="lines").assign(line_bytes=line_bytes, sector_bytes=distances.sector or 0)
    if output is not None and curve is not None:
        from hwmodel.cache.curve import draw_curve

        draw_curve(curve, trace.name, output)
    return table.to_dict("records")  # type: ignore[return-value]


def _lines(text: str, line_bytes: int) -> int:
    """Return a capacity as a number of lines; raises InputError where it is no whole number of them."""
    from circuits.errors import InputError
    from circuits.quantity import parse_bytes

    size = parse_bytes(text, "capacity")
    if size % line_bytes:
        raise InputError(f"capacity {text}: no whole number of lines; give a multiple of {line_bytes} B")
    return size // line_bytes


def _spaced(lines: int, points: int) -> list[int]:
    """Return numbers of lines from 1 to `lines`, `points` for each doubling."""
    sizes = {round(2 ** (step / points)) for step in range(points * lines.bit_length())}
    return sorted({size for size in sizes if size < lines} | ({lines} if lines else set()))


def _view(document: list[dict[str, Any]]) -> None:
    """Print the table with a unit for each capacity: they reach from a line to all that there is."""
    console.view([{"capacity": show("capacity_bytes", row["capacity_bytes"])} | _rest(row) for row in document])


def _rest(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _HIDDEN}


reuse.view = _view  # type: ignore[attr-defined]


def _check(output: Path) -> None:
    """Refuse a picture that could not be written, before the long work begins."""
    from circuits.errors import InputError

    if output.suffix[1:].lower() not in PICTURES:
        raise InputError(f"{output}: no form of picture; give a name that ends in .pdf, .png or .svg")
    if not output.parent.is_dir():
        raise InputError(f"{output}: the folder {output.parent} does not exist")
    if output.is_dir():
        raise InputError(f"{output}: a folder; give a file")
