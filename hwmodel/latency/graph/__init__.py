"""A network as an inference runtime sees it: a graph of layers with shapes, and perhaps weights."""

from hwmodel.latency.graph.graph import Graph, Node, Value

__all__ = ["Graph", "Node", "Value"]
