"""`hwmodel hierarchy`: a trace through the levels of a machine, and the rows of its DRAM."""

from pathlib import Path
from typing import Any

import click

from hwmodel import console

_SHOWN = ("name", "capacity_bytes", "ways", "holds", "reads", "read_misses", "writes", "write_misses", "fill_sectors",
          "writebacks", "writeback_sectors", "back_invalidations", "moved_up", "moved_down", "most_written",
          "mean_written")  # fmt: skip


@click.command()
@click.argument("trace", type=click.Path(path_type=Path))
@click.option(
    "--machine",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE.yaml",
    help="Caches by name, from the cores down, and the DRAM below them; see below.",
)
def hierarchy(trace: Path, machine: Path) -> list[dict[str, Any]]:
    """Replay a trace, exactly, through levels of caches and DRAM with rows: a row a level, and DRAM's last.

    TRACE is a file of `hwmodel capture`'s, or of a format that `hwmodel trace import` reads. No trace says which core
    or SM made an access, so the first level is one cache: a GPU's begins at its L2, which is what its traces are of; a
    CPU program's at the caches of one core.

    \b
    FILE.yaml describes the machine, such as a GPU's L2 and a memory-side cache:
      levels:
        L2: {capacity: 3MiB, sector: 32, slices: 24}
        LLC: {capacity: 8MiB, sector: 32, holds: exclusive, policy: srrip}
      dram: {mapping: "column:8 channel:3 column:3 bank:4 row", hashed: true}

    A level has capacity, and may have ways (16), line (128), sector (32, or none for lines filled whole: none), slices,
    index, policy, seed, write, write_miss and wear as `hwmodel replay` has them, units (1) and holds: inclusive or
    exclusive of the level above, or neither. A mapping names an address's bits from the lowest; hashed xors the bank
    with the row's low bits.

    \b
    Example:
      hwmodel hierarchy vgg16.trace --machine gpu.yaml --json
    """
    from circuits.errors import InputError
    from hwmodel.cache.machine import read_machine
    from traces import open_trace

    names, levels = read_machine(machine)
    units = levels.levels[0].units
    if units > 1:
        raise InputError(
            f"{machine}: levels.{names[0]}: units {units}: a trace does not say which core or SM made an access; give 1"
        )
    found = open_trace(trace)
    from hwmodel.cache.hierarchy import replay_hierarchy_trace

    with console.progress(f"hierarchy of {trace.name}") as advance:
        counts = replay_hierarchy_trace(found, levels, lambda part: advance(part, 1.0))
    rows = [{"name": name} | row for name, row in zip(names, counts.levels.to_dict("records"), strict=True)]
    return [*rows, {"name": "DRAM", "level": len(names) + 1, "banks": levels.dram.banks} | counts.dram]  # type: ignore[list-item]


def _view(document: list[dict[str, Any]]) -> None:
    *levels, dram = document
    shown = [name for name in _SHOWN if any(row.get(name) for row in levels)]
    console.view([{name: row[name] for name in shown} for row in levels])
    console.view([{name: value for name, value in dram.items() if name != "level"}])


hierarchy.view = _view  # type: ignore[attr-defined]
