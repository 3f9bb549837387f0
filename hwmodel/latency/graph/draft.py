"""A graph while rules rewrite it: who makes a value, who reads it, and layers put in others' places."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hwmodel.latency.graph.graph import Graph, Node, Value


class Draft:
    """Layers by the names of their outputs, in an order of execution."""

    def __init__(self, graph: Graph) -> None:
        self.inputs, self.outputs = graph.inputs, graph.outputs
        self.nodes = {node.output.name: node for node in graph.nodes}
        self._values = {value.name: value for value in graph.inputs}
        self._readers: dict[str, set[str]] = {}
        for node in graph.nodes:
            self._read(node)

    def value(self, name: str) -> Value:
        return self.nodes[name].output if name in self.nodes else self._values[name]

    def shape(self, name: str) -> tuple[int, ...]:
        return self.value(name).shape

    def maker(self, name: str, *kinds: str) -> Node | None:
        """Return the layer that makes a value, if it is of one of these kinds."""
        node = self.nodes.get(name)
        return node if node is not None and node.kind in kinds else None

    def alone(self, node: Node) -> bool:
        """Return whether a layer's output is read once, and is no output of the network."""
        name = node.output.name
        readers = self._readers.get(name, set())
        uses = sum(self.nodes[reader].inputs.count(name) for reader in readers)
        return uses == 1 and name not in self.outputs

    def put(self, node: Node) -> None:
        """Put a layer in the place of the one that made the same value."""
        self._forget(self.nodes[node.output.name])
        self.nodes[node.output.name] = node
        self._read(node)

    def forward(self, node: Node, name: str) -> None:
        """Take a layer out; who read its output reads the value of this name, which is made before it."""
        gone = node.output.name
        for reader in list(self._readers.get(gone, ())):
            old = self.nodes[reader]
            self.put(replace(old, inputs=tuple(name if one == gone else one for one in old.inputs)))
        self.outputs = tuple(name if one == gone else one for one in self.outputs)
        self._forget(node)
        del self.nodes[gone]

    def prune(self) -> None:
        """Take out what reaches no output."""
        live = set(self.outputs)
        for node in reversed(list(self.nodes.values())):
            if node.output.name in live:
                live.update(node.inputs)
            else:
                self._forget(node)
                del self.nodes[node.output.name]

    def graph(self) -> Graph:
        return Graph(self.inputs, tuple(self.nodes.values()), self.outputs)

    def _read(self, node: Node) -> None:
        for name in node.inputs:
            self._readers.setdefault(name, set()).add(node.output.name)

    def _forget(self, node: Node) -> None:
        for name in node.inputs:
            self._readers[name].discard(node.output.name)


def changed(node: Node, attributes: Mapping[str, Any]) -> Node:
    """Return the layer with some attributes changed."""
    return replace(node, attributes={**node.attributes, **attributes})


def like(node: Node, kind: str, inputs: tuple[str, ...], attributes: Mapping[str, Any]) -> Node:
    """Return a layer of another kind, without constants, that makes the same value."""
    return Node(node.name, kind, inputs, node.output, attributes)


def number(node: Node, name: str = "constant") -> float | None:
    """Return the number that all elements of a layer's constant are; None where they differ or are not known."""
    array = node.weights.get(name)
    if array is None or array.size == 0:
        return None
    first = array.flat[0]
    return float(first) if not any(array.strides) or bool(np.all(array == first)) else None
