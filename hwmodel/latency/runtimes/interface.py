"""What a runtime is to the profiler: something that takes a graph and runs it, again and again, by its own kernels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from hwmodel.latency.graph import Graph


class Prepared(Protocol):
    """A network as a runtime's file, which it can load any number of times."""

    def load(self, inputs: Sequence[np.ndarray]) -> None:
        """Load the network, anew if it is loaded, and set what `run` reads: an array an input, laid out as in torch."""
        ...

    def unload(self) -> None:
        """Give back what the loaded network holds."""
        ...

    def run(self) -> None:
        """Run the network once, from inputs set to outputs ready. Nothing else: this is what is timed."""
        ...

    def outputs(self) -> list[np.ndarray]:
        """Return copies of what the last `run` computed, laid out as in torch."""
        ...


class Runtime(Protocol):
    """Makes networks ready to run. An instance is what an entry point of the group `hwmodel.runtimes` names."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def prepare(self, graph: Graph, folder: Path, threads: int) -> Prepared:
        """Write the graph as the runtime's file, if it has one.

        Args:
            graph: of which every layer has its constants (`hwmodel.latency.graph.fill.filled`).
            folder: for files, and for this network alone; the caller removes it when the network is no longer run.
            threads: that may compute.

        Raises:
            InputError: for a graph with a layer that this runtime has no way to run.
        """
        ...
