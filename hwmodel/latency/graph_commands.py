"""`hwmodel latency graph`: a network's layers, as a device's runtime sees them."""

from typing import Any

import click

from hwmodel import console
from traces.commands import MAX_BATCH, Shape


@click.command()
@click.argument("model")
@click.option("--batch", type=click.IntRange(1, MAX_BATCH), default=1, show_default=True, help="Examples in the batch.")
@click.option("--input", "shape", type=Shape(), help="Shape of one example, for a module without example_inputs.")
@click.option("--as-written", is_flag=True, help="Keep layers as the network has them, none fused or left out.")
def graph(model: str, batch: int, shape: tuple[int, ...] | None, as_written: bool) -> list[dict[str, Any]]:
    """List the layers of a network as a runtime runs them, with multiply-accumulates (MACs) and bytes.

    MODEL is an .onnx file, the name of a network that an installed package offers, or package.module:factory, a
    function that returns a torch module. Bytes are those of values as their types hold them.

    \b
    Example:
      hwmodel latency graph mobilenet_v2
      hwmodel latency graph model.onnx --json
      hwmodel latency graph mypackage.models:small --input 3x32x32 --json
    """
    from hwmodel.latency.graph.canonical import canonical
    from hwmodel.latency.graph.features import features
    from hwmodel.latency.graph.read import read_graph

    found = read_graph(model, batch, shape)
    found = found if as_written else canonical(found)
    return [
        row | {"output": "x".join(map(str, node.output.shape))}
        for row, node in zip(features(found).to_dict("records"), found.nodes, strict=True)
    ]


_SHOWN = ("layer", "layer_class", "activation", "output", "macs", "input_bytes", "output_bytes", "weight_bytes")


def _view(document: list[dict[str, Any]]) -> None:
    """Print the columns that fit, and their sums."""
    total = {name: sum(row[name] for row in document) for name in _SHOWN[4:]}
    console.view([{name: row[name] for name in _SHOWN} for row in document] + [dict.fromkeys(_SHOWN, "") | total])


graph.view = _view  # type: ignore[attr-defined]
