"""A graph by the name that its network has on the command line."""

from hwmodel.latency.graph.graph import Graph


def read_graph(model: str, batch: int = 1, shape: tuple[int, ...] | None = None) -> Graph:
    """Return the graph of a network, as it is written.

    Args:
        model: an .onnx file, the name of a network that an installed package offers, or package.module:factory.
        batch: number of examples; of a file, where it leaves the number open.
        shape: of one example, for a module that has no `example_inputs`; None asks the module.

    Raises:
        InputError: for a file, name, batch or shape that cannot be used.
    """
    if model.lower().endswith(".onnx"):
        from hwmodel.latency.graph.from_onnx import from_onnx

        return from_onnx(model, batch)
    from hwmodel.latency.graph.from_torch import from_torch
    from traces.networks import make_network

    return from_torch(*make_network(model, batch, shape))
