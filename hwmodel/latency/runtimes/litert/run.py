"""LiteRT as a runtime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.graph import Graph
from hwmodel.latency.runtimes.find import installed
from hwmodel.latency.runtimes.litert.layout import Order


class _Prepared:
    def __init__(self, path: Path, threads: int, orders: Sequence[Order], back: Sequence[Order]) -> None:
        self._path, self._threads, self._orders, self._back = path, threads, orders, back
        self._interpreter: Any = None

    def load(self, inputs: Sequence[np.ndarray]) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_path=str(self._path), num_threads=self._threads)
        self._interpreter.allocate_tensors()
        for about, array, order in zip(self._interpreter.get_input_details(), inputs, self._orders, strict=True):
            self._interpreter.set_tensor(about["index"], np.ascontiguousarray(array.transpose(order)))

    def unload(self) -> None:
        self._interpreter = None

    def run(self) -> None:
        self._interpreter.invoke()

    def outputs(self) -> list[np.ndarray]:
        pairs = zip(self._interpreter.get_output_details(), self._back, strict=True)
        return [self._interpreter.get_tensor(about["index"]).transpose(np.argsort(order)) for about, order in pairs]


class LiteRT:
    """Google's runtime of phones, with XNNPACK's kernels on a processor."""

    name = "litert"

    @property
    def version(self) -> str:
        return installed("ai_edge_litert", "ai-edge-litert", "litert")

    def prepare(self, graph: Graph, folder: Path, threads: int) -> _Prepared:
        """Write `folder/model.tflite` (see `Runtime.prepare`)."""
        _ = self.version
        from hwmodel.latency.runtimes.litert.convert import converted

        conversion = converted(graph)
        path = folder / "model.tflite"
        inputs = [conversion.values[value.name] for value in graph.inputs]
        outputs = [conversion.values[name] for name in graph.outputs]
        try:
            conversion.file.write(path, [one.tensor for one in inputs], [one.tensor for one in outputs])
        except ValueError as error:
            raise InputError(f"LiteRT: {error}") from None
        return _Prepared(path, threads, [one.order for one in inputs], [one.order for one in outputs])
