"""What a session measures: blocks, networks, and the anchors that are visited between them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from circuits.errors import InputError
from hwmodel.latency.graph import Graph
from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.graph.described import describe
from hwmodel.latency.graph.writer import Writer
from hwmodel.latency.profile import sections as s
from hwmodel.latency.profile.blocks import DEFAULT, read_blocks
from hwmodel.latency.profile.families import FAMILIES, random_network


@dataclass(frozen=True)
class Item:
    """A graph to measure.

    Attributes:
        name: of which there is one in a session.
        family: block kind, family of random networks, or `named`.
        role: `block`, `network` or `anchor`.
    """

    name: str
    family: str
    role: str
    graph: Graph

    @cached_property
    def description(self) -> str:
        """The graph as JSON, without constants."""
        return json.dumps(describe(self.graph), separators=(",", ":"))

    @cached_property
    def digest(self) -> str:
        """What tells a graph from another of the same name."""
        return hashlib.sha256(self.description.encode()).hexdigest()[:16]


def blocks(path: Path | None) -> list[Item]:
    """Return the blocks of a file, or those that come along."""
    return [Item(block.name, block.kind, "block", canonical(block.graph())) for block in read_blocks(path or DEFAULT)]


def random_networks(count: int, seed: int = 0) -> list[Item]:
    """Return so many networks, of the families in turn."""
    names = list(FAMILIES)
    made = [(names[number % len(names)], number // len(names)) for number in range(count)]
    return [Item(f"{family}_{number + 1}", family, "network", canonical(random_network(family, number, seed)))
            for family, number in made]  # fmt: skip


def named_networks(names: Sequence[str]) -> list[Item]:
    """Return networks that installed packages offer, or `package.module:factory`, for one input.

    Raises:
        InputError: for a name that there is not, and a network that cannot be read.
    """
    from hwmodel.latency.graph.from_torch import from_torch
    from traces.networks import make_network

    modules = (make_network(name, 1, None) for name in names)
    graphs = [canonical(from_torch(*made)) for made in modules]
    return [Item(name, "named", "network", graph) for name, graph in zip(names, graphs, strict=True)]


def anchors() -> list[Item]:
    """Return the anchors: short networks that lean on arithmetic, on memory, and on both as people's networks do."""
    return [Item(f"anchor_{name}", "anchor", "anchor", canonical(graph())) for name, graph in _ANCHORS.items()]


def _arithmetic() -> Graph:
    w = Writer()
    x = w.input(1, 64, 28, 28)
    for _ in range(4):
        x = s.conv(w, x, 64)
    return w.graph(x)


def _memory() -> Graph:
    w = Writer()
    x = w.input(1, 1024)
    for _ in range(3):
        x = s.linear(w, x, 1024)
    return w.graph(x)


def _both() -> Graph:
    w = Writer()
    x = s.conv(w, w.input(1, 3, 128, 128), 16, 3, 2, activation="relu6")
    for out, stride in ((16, 1), (24, 2), (24, 1), (40, 2), (40, 1), (96, 2), (96, 1)):
        x = s.inverted(w, x, out, 3, stride, 4)
    return w.graph(s.head(w, x, 320, 200))


_ANCHORS = {"arithmetic": _arithmetic, "memory": _memory, "both": _both}


def checked(items: Sequence[Item]) -> list[Item]:
    """Return the items.

    Raises:
        InputError: where there are none, or two have one name.
    """
    if not items:
        raise InputError("nothing to profile: give --blocks, --networks or --count")
    seen: Mapping[str, Item] = {}
    for item in items:
        if item.name in seen:
            raise InputError(f"{item.name}: names two things to profile; name each once")
        seen = {**seen, item.name: item}
    return list(items)
