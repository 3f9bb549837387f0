"""The commands `variation` and `sensitivity`."""

import contextlib
from collections.abc import Callable
from typing import Any

import click

from circuits.options import CELLS, LEAKAGE, NODE, TEMPERATURE

_CAPACITY = click.option("--capacity", required=True, help="Such as 3MiB; any whole number of sets.")
_TARGET = click.option("--target", default="edap", show_default=True, help="As `hwmodel cache` takes it.")
_CELL = click.option("--cell", default="sram", show_default=True, help=CELLS)


def _of_a_cache(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that name a cache."""
    for option in (LEAKAGE, TEMPERATURE, _TARGET, _CAPACITY, NODE, _CELL):
        command = option(command)
    return command


@click.command()
@_of_a_cache
@click.option("--samples", type=int, default=100_000, show_default=True, help="Cells drawn, 1 to 4,000,000.")
@click.option("--dies", type=int, default=50, show_default=True, help="Chips drawn, 1 to 1000.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same numbers.")
@click.option("--scale", type=float, default=1.0, show_default=True, help="Of every spread, 0 to 10.")
def variation(cell: str, node: str, capacity: str, target: str, temperature_K: float, leakage: str | None,
              samples: int, dies: int, seed: int, scale: float) -> dict[str, Any]:  # fmt: skip
    """Draw cells and chips about a design: quantiles and yields.

    A yield is the part of cells, or of chips with and without an error-correcting code, that read, write, keep
    their bit and are in time. Thresholds and widths of every transistor vary; and of MRAM the junction and the
    write line, of ReRAM and PCM resistances and write voltages, of FeFET the film, of eDRAM and gain cells
    storage and leakage.

    \b
    Example:
      hwmodel variation --cell stt --node 16nm --capacity 3MiB --samples 20000 --seed 1
    """
    from circuits.variation import vary_cache, vary_cell

    hot: dict[str, Any] = {"temperature_K": temperature_K, "leakage": leakage, "scale": scale, "seed": seed}
    one = vary_cell(cell, node, samples, **hot)
    chips = vary_cache(cell, node, capacity, target=target, dies=dies, **hot)
    cells = one.as_dict()
    named = list(dict.fromkeys([*chips.assumptions, *one.assumptions]))
    dropped = ("cell", "node", "works", "assumptions")
    return {
        **{k: v for k, v in chips.as_dict().items() if k not in ("works", "assumptions", "seed", "dies")},
        "seed": seed, "samples": samples, "dies": dies,
        "of_cell": {k: v for k, v in cells.items() if k not in (*dropped, "samples", "seed")},
        "works": chips.works | one.works, "assumptions": named,
    }  # fmt: skip


@click.command()
@_of_a_cache
@click.option("--swing", type=float, help="The part of itself that a figure moves either way; by default a tenth.")
@click.option("--organization", type=click.Choice(["fixed", "free", "both"]), default="both", show_default=True,
              help="Keep the best organisation, search again under each change, or both.")  # fmt: skip
@click.option("--output", "only", help="Only this output, such as leakage_W.")
def sensitivity(cell: str, node: str, capacity: str, target: str, temperature_K: float, leakage: str | None,
                swing: float | None, organization: str, only: str | None) -> list[dict[str, Any]]:  # fmt: skip
    """Move every assumption of a cache, the leakage school first, and list how far each output follows.

    \b
    Example:
      hwmodel sensitivity --cell stt --node 16nm --capacity 3MiB --output area_m2
    """
    from circuits.cache.design import FIELDS
    from circuits.errors import InputError
    from circuits.variation import tornado

    if only is not None and only not in FIELDS:
        raise InputError(f"output {only!r}: unknown; known are {', '.join(FIELDS)}")
    chosen = ("fixed", "free") if organization == "both" else (organization,)
    with _progress("sensitivity") as advance:
        table = tornado(cell, node, capacity, target=target, swing=swing, organizations=chosen, on_progress=advance,
                        temperature_K=temperature_K, leakage=leakage)  # fmt: skip
    rows = table if only is None else table[table["output"] == only]
    return [dict(zip(rows.columns, row, strict=True)) for row in rows.itertuples(index=False)]


def _progress(title: str) -> contextlib.AbstractContextManager[Any]:
    """Return the progress bar of the command line that we run in, on a terminal; of none where there is none."""
    shown = (click.get_current_context().obj or {}).get("progress")
    return shown(title, lines=False) if shown else contextlib.nullcontext()
