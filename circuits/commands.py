"""The commands `cell` and `cache`."""

from typing import Any

import click

_TEMPERATURE = click.option("--temperature", "temperature_K", type=float, default=350.0, show_default=True,
                            help="In kelvin, 300 to 400.")  # fmt: skip
_LEAKAGE = click.option("--leakage", help="A leakage school of the node; by default the node's own default.")
_CELLS = "sram, sram-hd, sram8t, stt, sot, reram, pcm, fefet, edram, gain, or a .yaml file."
_NODE = click.option("--node", default="16nm", show_default=True,
                     help="45nm, 32nm, 22nm; 16nm, 14nm, 10nm, 7nm, 5nm, 3nm (FinFET); or a .yaml file.")  # fmt: skip
_SUPPLY = click.option("--vdd", "vdd_V", type=float, help="The logic's supply in volts; by default the node's own.")


@click.command()
@click.option("--cell", default="sram", show_default=True, help=_CELLS)
@_NODE
@_TEMPERATURE
@_LEAKAGE
@_SUPPLY
def cell(cell: str, node: str, temperature_K: float, leakage: str | None, vdd_V: float | None) -> dict[str, Any]:
    """Compute a bit cell from a node's devices.

    \b
    Example:
      hwmodel cell --cell stt --node 16nm
    """
    from circuits.cells.design import design_cell

    return design_cell(cell, node, temperature_K=temperature_K, leakage=leakage, vdd_V=vdd_V).as_dict()


@click.command()
@click.option("--cell", default="sram", show_default=True, help=f"The data's cell, the tags are SRAM: {_CELLS}")
@_NODE
@click.option("--capacity", help="Such as 3MiB; any whole number of sets.")
@click.option("--ways", type=int, default=16, show_default=True, help="1 to 64.")
@click.option("--line", default="128", show_default=True, help="Bytes: a power of two from 16 to 512.")
@click.option(
    "--target",
    default="edap",
    show_default=True,
    help="edap, edp, read-latency, write-latency, read-energy, write-energy, read-edp, write-edp, leakage, area.",
)
@click.option("--mode", help="normal, fast or sequential; by default the best of the three.")
@click.option("--ecc", help="The data's code: secded, bch1, bch2, ...; by default none.")
@click.option("--wires", default="repeated", show_default=True, help="The H-tree's: repeated or unrepeated.")
@click.option("--config", type=click.Path(exists=True, dir_okay=False),
              help="An NVSim .cfg file, run as it is, in place of all the above.")  # fmt: skip
@click.option("--assumptions", help="For --config: mended, or older for what NVSim assumes; by default mended.")
@_TEMPERATURE
@_LEAKAGE
@_SUPPLY
def cache(cell: str, node: str, capacity: str | None, ways: int, line: str, target: str, mode: str | None,
          ecc: str | None, wires: str, config: str | None, assumptions: str | None, temperature_K: float,
          leakage: str | None, vdd_V: float | None) -> dict[str, Any] | list[dict[str, Any]]:  # fmt: skip
    """Find the best organisation of a cache.

    The target edap is the mean dynamic energy of a read and a write x their mean latency x area.

    \b
    Example:
      hwmodel cache --cell sot --node 16nm --capacity 3MiB --ways 16 --line 128 --target edap
    """
    if config is not None:
        if capacity is not None:
            raise click.BadParameter("give either --config or --capacity; a .cfg file states its own capacity")
        from circuits.interchange.config import run_config

        return run_config(config, assumptions or "mended")
    if capacity is None:
        raise click.BadParameter("--capacity: missing; give a size such as 3MiB, or --config FILE.cfg")
    if assumptions is not None:
        raise click.BadParameter("--assumptions goes with --config only")
    from circuits.cache.design import design_cache

    return design_cache(cell, node, capacity, ways, line, target, mode=mode, temperature_K=temperature_K,
                        leakage=leakage, vdd_V=vdd_V, wires=wires, ecc=ecc).as_dict()  # fmt: skip
