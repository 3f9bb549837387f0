"""A machine of which time is a number: a run takes as long as its network costs, times how slow the machine is then."""

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hwmodel.latency.graph import Graph
from hwmodel.latency.graph.writer import Writer
from hwmodel.latency.profile.items import Item
from hwmodel.latency.profile.measure import Clock
from hwmodel.latency.profile.sections import conv


class Machine:
    """Time passes when something runs. `slowness` and `noise` are of a time since the start, in seconds."""

    def __init__(self, slowness: Callable[[float], float] = lambda t: 1.0, noise: float = 0.0) -> None:
        self.now_s, self.cpu_s, self.runs = 0.0, 0.0, 0
        self.slowness, self.noise = slowness, noise
        self._drawn = np.random.default_rng(0)
        self.clock = Clock(lambda: round(self.now_s * 1e9), lambda: round(self.cpu_s * 1e9),
                           lambda: round(self.cpu_s * 1e9), lambda: 1.7e9 + self.now_s)  # fmt: skip

    def run(self, cost_s: float) -> None:
        took = cost_s * self.slowness(self.now_s) * (1 + self.noise * float(self._drawn.exponential()))
        self.now_s, self.cpu_s, self.runs = self.now_s + took, self.cpu_s + took, self.runs + 1


class FakePrepared:
    def __init__(self, machine: Machine, cost_s: float) -> None:
        self.machine, self.cost_s, self.loaded = machine, cost_s, 0

    def load(self, inputs: Sequence[np.ndarray]) -> None:
        self.loaded += 1
        self.machine.now_s += 0.01

    def unload(self) -> None:
        self.loaded -= 1

    def run(self) -> None:
        assert self.loaded == 1
        self.machine.run(self.cost_s)

    def outputs(self) -> list[np.ndarray]:
        return []


class FakeRuntime:
    name, version = "fake", "1.0"

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def prepare(self, graph: Graph, folder: Path, threads: int) -> FakePrepared:
        return FakePrepared(self.machine, cost_s(graph))


def cost_s(graph: Graph) -> float:
    """Return from 2 to 6 ms, which one depending on the network alone."""
    return 2e-3 + 4e-3 * (zlib.crc32(repr([node.output.shape for node in graph.nodes]).encode()) % 1000) / 1000


def item(number: int, name: str = "") -> Item:
    w = Writer()
    return Item(name or f"item_{number}", "conv", "block", w.graph(conv(w, w.input(1, 1, 4, 4), number + 1)))
