"""A search space: layers, each with named choices, and the rows of numbers that stand for its networks."""

import math
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from circuits.errors import InputError

MOST_LAYERS, MOST_CHOICES = 256, 127  # a code is one int8 a layer
MOST_LISTED = 1 << 22  # networks that `all_codes` holds in memory
Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[!-~]([ -~]*[!-~])?$")]
Text = Annotated[str, StringConstraints(max_length=2000)]


class Layer(BaseModel):
    """A layer of a space: one of its choices is made."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Name
    choices: Annotated[list[Name], Field(min_length=1, max_length=MOST_CHOICES)]

    @model_validator(mode="after")
    def _distinct(self) -> "Layer":
        if len(set(self.choices)) < len(self.choices):
            raise ValueError(f"choices of layer {self.name!r}: one is given twice")
        return self


class Cell(BaseModel):
    """What makes layers edges of a cell: they lead from one node to another, node 0 in, the last one out."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    edges: list[tuple[int, int]]  # a layer's nodes: from, to
    absent: Name  # the choice that stands for no edge

    @model_validator(mode="before")
    @classmethod
    def _pairs(cls, value: Any) -> Any:
        edges = value.get("edges") if isinstance(value, dict) else None
        if isinstance(edges, list):  # YAML and JSON know no tuples
            return value | {"edges": [tuple(edge) if isinstance(edge, list) else edge for edge in edges]}
        return value

    @model_validator(mode="after")
    def _forward(self) -> "Cell":
        nodes = {node for edge in self.edges for node in edge}
        if any(not 0 <= start < end < MOST_LAYERS for start, end in self.edges) or nodes != set(range(len(nodes))):
            raise ValueError("cell: edges lead from a node to one of a higher number; nodes are numbered from 0")
        return self


class Space(BaseModel):
    """A search space, checked. Made by `load_space` or `make_space`, whose errors are one line."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Name
    source: Text = ""
    constant: Text = ""  # what all its networks have besides, in words
    text: Text = ""  # how a network is written: {} stands for each layer's choice; empty for lists of numbers alone
    layers: Annotated[list[Layer], Field(min_length=1, max_length=MOST_LAYERS)]
    cell: Cell | None = None

    @model_validator(mode="after")
    def _fits(self) -> "Space":
        names = [layer.name for layer in self.layers]
        if len(set(names)) < len(names):
            raise ValueError("layers: a name is given twice")
        if self.text and self.text.count("{}") != len(names):
            raise ValueError(f"text {self.text!r}: has {self.text.count('{}')} places {{}} for {len(names)} layers")
        between = self.text.split("{}")[1:-1]
        if not all(between) or any(part[0] in name for part in between for one in self.layers for name in one.choices):
            raise ValueError(f"text {self.text!r}: after a place must stand what no choice's name contains")
        if self.cell is not None:
            if len(self.cell.edges) != len(names):
                raise ValueError(f"cell: {len(self.cell.edges)} edges for {len(names)} layers")
            if lacking := [layer.name for layer in self.layers if self.cell.absent not in layer.choices]:
                raise ValueError(f"cell: layer {lacking[0]!r} has no choice {self.cell.absent!r}")
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and self.model_dump() == other.model_dump()

    def __hash__(self) -> int:
        return hash((self.name, len(self.layers)))

    @cached_property
    def counts(self) -> np.ndarray:
        """Numbers of choices, int64, shape (L,)."""
        return np.array([len(layer.choices) for layer in self.layers])

    @property
    def choices(self) -> int:
        """The most choices that a layer has: C, the width that arrays over choices are padded to."""
        return int(self.counts.max())

    @property
    def size(self) -> int:
        """How many networks there are."""
        return math.prod(self.counts.tolist())

    @cached_property
    def present(self) -> np.ndarray:
        """Which places of an array over choices stand for a choice, bool, shape (L, C)."""
        return np.arange(self.choices) < self.counts[:, None]

    def codes(self, codes: Any, where: str = "codes") -> np.ndarray:
        """Return networks as int8, shape (N, L), C-contiguous; a single one, shape (L,), becomes one row.

        Raises:
            InputError: for what are not whole numbers, another shape, and a number that is no choice of its layer.
        """
        try:
            given: np.ndarray = np.asarray(codes)
        except (ValueError, TypeError, OverflowError):
            given = np.empty(0, object)
        length = len(self.layers)
        if given.dtype.kind not in "iu":
            raise InputError(f"{where}: not whole numbers; give {length} a network, shape (N, {length})")
        if given.ndim == 1 and given.size == length:
            given = given[None]
        if given.ndim != 2 or given.shape[1] != length:
            raise InputError(f"{where}: shape {given.shape}; {self.name} has {length} layers, give shape (N, {length})")
        if given.size and (int(given.min()) < 0 or (given.max(axis=0) >= self.counts).any()):
            network, layer = np.argwhere((given < 0) | (given >= self.counts))[0].tolist()
            raise InputError(
                f"{where}: network {network}: {given[network, layer]} is no choice of layer "
                f"{self.layers[layer].name!r}; give 0 to {self.counts[layer] - 1}"
            )
        return np.ascontiguousarray(given, np.int8)

    def sample(self, number: int, generator: np.random.Generator) -> np.ndarray:
        """Return `number` networks drawn uniformly, with replacement, as codes."""
        return generator.integers(0, self.counts, (number, len(self.layers))).astype(np.int8)

    def all_codes(self) -> np.ndarray:
        """Return every network, the last layer's choice changing fastest.

        Raises:
            InputError: where there are more than MOST_LISTED.
        """
        if self.size > MOST_LISTED:
            raise InputError(f"space {self.name}: {self.size:.3g} networks, more than {MOST_LISTED} to list; sample it")
        places = np.unravel_index(np.arange(self.size), self.counts.tolist())
        return np.stack(places, axis=1).astype(np.int8)

    def one_hot(self, codes: np.ndarray, dtype: Any = np.float32) -> np.ndarray:
        """Return codes of shape (N, L) as ones among zeros, shape (N, L, C)."""
        return (codes[:, :, None] == np.arange(self.choices)).astype(dtype)
