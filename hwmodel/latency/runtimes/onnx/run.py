"""ONNX Runtime as a runtime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hwmodel.latency.graph import Graph
from hwmodel.latency.runtimes.find import installed

SPLIT_BYTES = 1 << 30  # above it, constants lie in a file of their own: protobuf ends at 2 GiB


class _Prepared:
    def __init__(self, path: Path, threads: int) -> None:
        self._path, self._threads = path, threads
        self._session: Any = None
        self._binding: Any = None

    def load(self, inputs: Sequence[np.ndarray]) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self._threads, 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3  # errors: its warnings tell of what it optimised
        self._session = ort.InferenceSession(str(self._path), options, providers=["CPUExecutionProvider"])
        self._binding = self._session.io_binding()
        for about, array in zip(self._session.get_inputs(), inputs, strict=True):
            self._binding.bind_cpu_input(about.name, np.ascontiguousarray(array))
        for about in self._session.get_outputs():
            self._binding.bind_output(about.name, "cpu")

    def unload(self) -> None:
        self._session = self._binding = None

    def run(self) -> None:
        self._session.run_with_iobinding(self._binding)

    def outputs(self) -> list[np.ndarray]:
        return self._binding.copy_outputs_to_cpu()


class OnnxRuntime:
    """Microsoft's runtime, with the kernels of its processor provider."""

    name = "onnxruntime"

    @property
    def version(self) -> str:
        installed("onnx", "onnx", "onnx")
        return installed("onnxruntime", "onnxruntime", "onnx")

    def prepare(self, graph: Graph, folder: Path, threads: int) -> _Prepared:
        """Write `folder/model.onnx` (see `Runtime.prepare`)."""
        _ = self.version
        import onnx

        from hwmodel.latency.runtimes.onnx.convert import converted

        path = folder / "model.onnx"
        size = sum(array.nbytes for node in graph.nodes for array in node.weights.values())
        onnx.save_model(converted(graph), str(path), save_as_external_data=size > SPLIT_BYTES)
        return _Prepared(path, threads)
