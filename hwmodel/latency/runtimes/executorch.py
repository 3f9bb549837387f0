"""ExecuTorch as a runtime: a graph exported through torch, lowered to XNNPACK's kernels."""

import contextlib
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.graph import Graph
from hwmodel.latency.runtimes.find import installed


class _Prepared:
    def __init__(self, path: Path, threads: int) -> None:
        self._path, self._threads = path, threads
        self._program: Any = None  # the method lives in it
        self._method: Any = None
        self._inputs: list[Any] = []
        self._outputs: Any = ()

    def load(self, inputs: Sequence[np.ndarray]) -> None:
        import torch
        from executorch.runtime import Runtime  # pyright: ignore[reportMissingImports]

        _use(self._threads)
        self._program = Runtime.get().load_program(self._path)
        self._method = self._program.load_method("forward")
        self._inputs = [torch.from_numpy(np.ascontiguousarray(one)) for one in inputs]

    def unload(self) -> None:
        self._outputs, self._method, self._program = (), None, None

    def run(self) -> None:
        self._outputs = self._method.execute(self._inputs)

    def outputs(self) -> list[np.ndarray]:
        return [one.numpy().copy() for one in self._outputs]


class ExecuTorch:
    """PyTorch's runtime of phones, with XNNPACK's kernels on a processor."""

    name = "executorch"

    @property
    def version(self) -> str:
        return installed("executorch", "executorch", "executorch")

    def prepare(self, graph: Graph, folder: Path, threads: int) -> _Prepared:
        """Write `folder/model.pte` (see `Runtime.prepare`)."""
        _ = self.version
        path = folder / "model.pte"
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):  # what the exporter has to say
            warnings.simplefilter("ignore")
            path.write_bytes(_exported(graph))
        return _Prepared(path, threads)


def _exported(graph: Graph) -> bytes:
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner  # pyright: ignore[reportMissingImports]
    from executorch.exir import to_edge_transform_and_lower  # pyright: ignore[reportMissingImports]

    from hwmodel.latency.runtimes.eager import GraphModule

    inputs = tuple(torch.zeros(value.shape, dtype=getattr(torch, value.dtype)) for value in graph.inputs)
    program = torch.export.export(GraphModule(graph).eval(), inputs)
    lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
    return lowered.to_executorch().buffer


def _use(threads: int) -> None:
    """Set the threads of ExecuTorch's pool, which has one a core if nobody says.

    Raises:
        InputError: where its build does not let one: times would be of another number of threads than is said.
    """
    from executorch.extension.pybindings import portable_lib  # pyright: ignore[reportMissingImports]

    count = getattr(portable_lib, "_threadpool_get_thread_count", None)
    reset = getattr(portable_lib, "_unsafe_reset_threadpool", None)
    if count is None or reset is None:
        raise InputError(f"runtime executorch: this build cannot run on {threads} threads; install executorch>=1.0")
    if count() != threads:
        reset(threads)
