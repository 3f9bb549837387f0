"""A graph while it is read from a framework: layers are added one by one, each with its shape checked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.graph.graph import KINDS, Graph, Node, Value
from hwmodel.latency.graph.shapes import Shape, broadcast, output_shape


@dataclass(frozen=True)
class Constant:
    """A tensor that is there before the network runs: a weight, or what follows from weights alone."""

    shape: Shape
    dtype: str = "float32"
    array: np.ndarray | None = None  # None where the network has shapes only

    @classmethod
    def of(cls, array: np.ndarray) -> "Constant":
        return cls(tuple(array.shape), str(array.dtype), array)

    def reshaped(self, shape: Sequence[int]) -> "Constant":
        return Constant(tuple(shape), self.dtype, None if self.array is None else self.array.reshape(shape))

    def transposed(self, order: Sequence[int]) -> "Constant":
        shape = tuple(self.shape[place] for place in order)
        return Constant(shape, self.dtype, None if self.array is None else self.array.transpose(order))

    def scaled(self, factor: float) -> "Constant":
        return Constant(self.shape, self.dtype, None if self.array is None else self.array * np.float32(factor))

    def inverse(self) -> "Constant":
        if self.array is None:
            return Constant(self.shape, "float32")
        return Constant.of(np.asarray(1 / self.array.astype(np.float64), np.float32))


@dataclass(frozen=True)
class Broadcast:
    """A value that is read as if it were of another shape; elementwise layers need no copy of it."""

    value: Value
    shape: Shape

    @property
    def dtype(self) -> str:
        return self.value.dtype


Ref = Value | Constant | Broadcast


class Builder:
    """Layers so far.

    Attributes:
        scope: what the next layers are named after, such as the name of the framework's module.
        dtype: of the next layers' outputs.
    """

    def __init__(self) -> None:
        self.scope, self.dtype = "layer", "float32"
        self._inputs: list[Value] = []
        self._nodes: list[Node] = []
        self._taken: dict[str, int] = {}

    def input(self, name: str, shape: Sequence[int], dtype: str) -> Value:
        """Add an input of the network."""
        value = Value(self._name(name), tuple(shape), dtype)
        self._inputs.append(value)
        return value

    def add(
        self,
        kind: str,
        inputs: Iterable[Ref] = (),
        weights: Mapping[str, Constant | None] | None = None,
        shape: Sequence[int] | None = None,
        **attributes: object,
    ) -> Value:
        """Add a layer and return its output.

        Args:
            kind: of the layer, one of `KINDS`.
            inputs: what it reads; a constant becomes a layer of kind `constant`.
            weights: its constants by name; those that are None are left out.
            shape: of the output, for kinds whose inputs do not tell it.
            attributes: as `KINDS` names them; an activation that is not given is None.

        Raises:
            InputError: where inputs, attributes and constants do not fit together.
        """
        if "activation" in KINDS[kind]:
            attributes = {"activation": None} | attributes
        if attributes.keys() != set(KINDS[kind]):
            raise AssertionError(f"{kind}: attributes {sorted(attributes)}")
        read = [self.value(ref) for ref in inputs]
        constants = {name: constant for name, constant in (weights or {}).items() if constant is not None}
        shapes = {name: constant.shape for name, constant in constants.items()}
        given = None if shape is None else tuple(shape)
        found = output_shape(kind, [value.shape for value in read], attributes, shapes, given)
        output = Value(self._name(self.scope), found, self.dtype)
        arrays = {name: constant.array for name, constant in constants.items() if constant.array is not None}
        self._nodes.append(
            Node(output.name, kind, tuple(value.name for value in read), output, attributes, shapes, arrays)
        )
        return output

    def value(self, ref: Ref) -> Value:
        """Return a reference as a value that layers can read; that may take a layer."""
        if isinstance(ref, Value):
            return ref
        if isinstance(ref, Broadcast):
            ones = Constant.of(np.ones(ref.shape, ref.value.dtype))
            return self.add("mul", [ref.value], {"constant": ones})
        dtype, self.dtype = self.dtype, ref.dtype
        value = self.add("constant", (), {"constant": ref})
        self.dtype = dtype
        return value

    def elementwise(self, kind: str, left: Ref, right: Ref) -> Value:
        """Add an addition or a product (`kind` is add or mul) of two references that broadcast."""
        shape = broadcast(left.shape, right.shape)
        if isinstance(left, Constant):
            left, right = right, left
        bare = [ref.value if isinstance(ref, Broadcast) else ref for ref in (left, right)]
        if broadcast(*(ref.shape for ref in bare)) != shape:
            bare = [self.value(ref) if isinstance(ref, Broadcast) else ref for ref in (left, right)]
        if isinstance(bare[1], Constant):
            return self.add(kind, [bare[0]], {"constant": bare[1]})
        return self.add(kind, bare)

    def finish(self, outputs: Sequence[Ref]) -> Graph:
        """Return the graph of the layers so far."""
        if not outputs:
            raise InputError("a network without outputs: it must return a tensor")
        self.scope = "output"
        names = tuple(self.value(ref).name for ref in outputs)
        return Graph(tuple(self._inputs), tuple(self._nodes), names)

    def _name(self, wished: str) -> str:
        """Return the name, with a number behind it where it is taken."""
        name = wished
        while name in self._taken:
            self._taken[wished] += 1
            name = f"{wished}.{self._taken[wished]}"
        self._taken[name] = 1
        return name
