"""The commands `cell`, `cache` and `calibrate`."""

from typing import Any

import click

from circuits.options import CELLS, LEAKAGE, NODE, TEMPERATURE

_SET = click.option("--set", "figures", multiple=True, metavar="NAME=VALUE",
                    help="A figure of a data file, such as 16nm.transistors.threshold_V=0.2; often.")  # fmt: skip
_PORTS = click.option("--ports", type=int, default=1, show_default=True,
                      help="Read-write ports, 1 to 8; more than one for SRAM.")  # fmt: skip
_SUPPLY = click.option("--vdd", "vdd_V", type=float, help="The logic's supply in volts; by default the node's own.")


@click.command()
@click.option("--cell", default="sram", show_default=True, help=CELLS)
@NODE
@TEMPERATURE
@LEAKAGE
@_SUPPLY
@_PORTS
@_SET
def cell(cell: str, node: str, temperature_K: float, leakage: str | None, vdd_V: float | None, ports: int,
         figures: tuple[str, ...]) -> dict[str, Any]:  # fmt: skip
    """Compute a bit cell from a node's devices.

    \b
    Example:
      hwmodel cell --cell stt --node 16nm
    """
    from circuits.cells.design import design_cell
    from circuits.overrides import overridden

    with overridden(numbers("--set", figures)):
        at: dict[str, Any] = {"temperature_K": temperature_K, "leakage": leakage, "vdd_V": vdd_V, "ports": ports}
        return design_cell(cell, node, **at).as_dict()


@click.command()
@click.option("--cell", default="sram", show_default=True, help=f"The data's cell, the tags are SRAM: {CELLS}")
@NODE
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
@_PORTS
@click.option("--cell-leakage", help="A leakage school for the devices of SRAM cells alone.")
@click.option("--ecc", help="The data's code: secded, bch1, bch2, ...; by default none.")
@click.option("--wires", default="repeated", show_default=True, help="The H-tree's: repeated or unrepeated.")
@click.option("--limit", "limits", multiple=True, metavar="FIGURE=MOST",
              help="The most a figure may come to in SI units, such as area_m2=2e-6; often.")  # fmt: skip
@click.option("--weight", "weights", multiple=True, metavar="FIGURE=WEIGHT",
              help="In place of --target: make least the product of figures, each to its weight.")  # fmt: skip
@click.option("--front", metavar="FIGURES", help="List all caches that none beats in these figures, comma-separated.")
@click.option("--config", type=click.Path(exists=True, dir_okay=False),
              help="An NVSim .cfg file, run as it is, in place of all the above.")  # fmt: skip
@click.option(
    "--assumptions", help="default, mended, older (what NVSim assumes) or cacti; for --config by default mended."
)
@TEMPERATURE
@LEAKAGE
@_SUPPLY
@_SET
def cache(cell: str, node: str, capacity: str | None, ways: int, line: str, target: str, mode: str | None,
          ports: int, cell_leakage: str | None, ecc: str | None, wires: str, limits: tuple[str, ...],
          weights: tuple[str, ...], front: str | None, config: str | None, assumptions: str | None,
          temperature_K: float, leakage: str | None, vdd_V: float | None,
          figures: tuple[str, ...]) -> dict[str, Any] | list[dict[str, Any]]:  # fmt: skip
    """Find the best organisation of a cache, or with --front the whole Pareto front.

    The target edap is the mean dynamic energy of a read and a write x their mean latency x area.

    \b
    Examples:
      hwmodel cache --cell sot --node 16nm --capacity 3MiB --ways 16 --line 128 --target edap
      hwmodel cache --cell stt --capacity 8MiB --target area --limit read_latency_s=2e-9
      hwmodel cache --cell sram --capacity 1MiB --front read_latency_s,area_m2
    """
    if config is not None:
        if capacity is not None:
            raise click.BadParameter("give either --config or --capacity; a .cfg file states its own capacity")
        from circuits.interchange.config import run_config

        return run_config(config, "mended" if assumptions is None else assumptions)
    if capacity is None:
        raise click.BadParameter("--capacity: missing; give a size such as 3MiB, or --config FILE.cfg")
    from circuits.cache.design import cache_front, design_cache
    from circuits.overrides import overridden

    most, weighed = numbers("--limit", limits), numbers("--weight", weights)
    hot: dict[str, Any] = {"mode": mode, "temperature_K": temperature_K, "leakage": leakage, "vdd_V": vdd_V,
                           "wires": wires, "ecc": ecc, "limits": most,
                           "assumptions": "default" if assumptions is None else assumptions,
                           "ports": ports, "cell_leakage": cell_leakage}  # fmt: skip
    with overridden(numbers("--set", figures)):
        if front is not None:
            names = tuple(name.strip() for name in front.split(",") if name.strip())
            return cache_front(cell, node, capacity, ways, line, names, **hot).to_dict("records")
        return design_cache(cell, node, capacity, ways, line, weighed or target, **hot).as_dict()


@click.command()
@click.argument("known", type=click.Path(dir_okay=False))
@click.option("--vary", multiple=True, required=True, metavar="FIGURE",
              help="A figure to fit, such as 16nm.wires.global.resistivity_ohm_m; often.")  # fmt: skip
@click.option("--factor", type=float, default=4.0, show_default=True, help="How far a figure may move either way.")
@click.option("--wires", default="repeated", show_default=True, help="The H-tree's: repeated or unrepeated.")
@TEMPERATURE
@LEAKAGE
def calibrate(known: str, vary: tuple[str, ...], factor: float, wires: str, temperature_K: float,
              leakage: str | None) -> dict[str, Any]:  # fmt: skip
    """Fit named figures so that caches come out as those in a CSV file.

    KNOWN has columns cell, node, capacity_bytes, and what is known of each cache: read_latency_s, area_m2, ... Use what
    is found with --set.

    \b
    Example:
      hwmodel calibrate macros.csv --vary sram.finfet.gate_pitches --vary default.figures.latched_fan_outs
    """
    from pathlib import Path

    from circuits.calibration import calibrate as fit
    from circuits.calibration import read_known

    hot: dict[str, Any] = {"temperature_K": temperature_K, "leakage": leakage, "wires": wires}
    return fit(read_known(Path(known)), vary, factor=factor, **hot).as_dict()


def numbers(option: str, given: tuple[str, ...]) -> dict[str, float]:
    """Return what options such as NAME=VALUE give; the last of a name counts."""
    found = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise click.BadParameter(f"{option} {text!r}: give NAME=VALUE with a number, in SI units") from None
    return found
