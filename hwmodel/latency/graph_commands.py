"""`hwmodel latency graph`: a network's layers, as a device's runtime sees them."""

from typing import Any

import click

from traces.commands import MAX_BATCH, Shape


@click.command()
@click.argument("model")
@click.option("--batch", type=click.IntRange(1, MAX_BATCH), default=1, show_default=True, help="Examples in the batch.")
@click.option("--input", "shape", type=Shape(), help="Shape of one example, for a module without example_inputs.")
def graph(model: str, batch: int, shape: tuple[int, ...] | None) -> list[dict[str, Any]]:
    """List the layers of a network.

    MODEL is the name of a network that an installed package offers, or package.module:factory, a function that returns
    a torch module.

    \b
    Example:
      hwmodel latency graph mobilenet_v2
      hwmodel latency graph mypackage.models:small --input 3x32x32 --json
    """
    from hwmodel.latency.graph.from_torch import from_torch
    from traces.networks import make_network

    found = from_torch(*make_network(model, batch, shape))
    return [{"layer": node.name, "kind": node.kind, "output": node.output.shape} for node in found.nodes]
