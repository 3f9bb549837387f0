"""Constants for layers of which only their shapes are known."""

import math
from dataclasses import replace

import numpy as np

from hwmodel.latency.graph.graph import Graph, Node


def filled(graph: Graph, seed: int = 0) -> Graph:
    """Return the graph with constants drawn for every layer that has shapes of them alone.

    Weights are normal with a variance of 2 over their inputs, which keeps values in the range of a trained network's
    through any depth: numbers that overflow or are subnormal take other times on many processors.
    """
    drawn = np.random.default_rng(seed)
    nodes = []
    for node in graph.nodes:
        missing = [name for name in node.weight_shapes if name not in node.weights]
        new = {name: _drawn(node, name, drawn) for name in missing}
        nodes.append(replace(node, weights={**node.weights, **new}) if new else node)
    return replace(graph, nodes=tuple(nodes))


def _drawn(node: Node, name: str, drawn: np.random.Generator) -> np.ndarray:
    shape = node.weight_shapes[name]
    if name == "variance" or (name == "weight" and node.kind in ("batch_norm", "layer_norm")):
        return np.ones(shape, np.float32)
    if name == "weight":
        inputs = 1 if node.kind == "embedding" else math.prod(shape[1:])
        return drawn.standard_normal(shape, np.float32) * np.float32(math.sqrt(2 / max(inputs, 1)))
    return drawn.standard_normal(shape, np.float32) * np.float32(0.1)
