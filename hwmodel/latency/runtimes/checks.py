"""What every runtime asks of a graph before it writes it."""

from collections.abc import Container

from circuits.errors import InputError
from hwmodel.latency.graph import Graph

_MIXING = ("cast", "embedding")  # kinds that read one type and return another


def check_runnable(graph: Graph, runtime: str, kinds: Container[str]) -> None:
    """Check that a runtime can write a graph's layers.

    Raises:
        InputError: for a layer of another kind than `kinds`, one that has shapes of constants alone, and one that mixes
            types of numbers.
    """
    values = graph.values()
    for node in graph.nodes:
        if node.kind not in kinds:
            raise InputError(f"{node.name}: {runtime} has no way to run a layer of kind {node.kind!r}")
        if missing := sorted(set(node.weight_shapes) - set(node.weights)):
            raise InputError(f"{node.name}: has no {', '.join(missing)}; only shapes of them are known")
        types = {values[name].dtype for name in node.inputs} | {one.dtype.name for one in node.weights.values()}
        if node.kind not in _MIXING and types - {node.output.dtype}:
            mixed = ", ".join(sorted(types | {node.output.dtype}))
            raise InputError(f"{node.name}: a layer of kind {node.kind!r} mixes {mixed}; {runtime} takes one type")
