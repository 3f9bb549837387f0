"""A .tflite file as it is written: tensors, constants and operators of one subgraph."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

VERSION = 3  # of the file format
ALIGNMENT_BYTES = 16  # of a constant within the file, as the format asks
LIMIT_BYTES = (1 << 31) - (1 << 20)  # a flatbuffer's offsets have 31 bits
TYPES: Mapping[str, int] = {
    "float32": schema.TensorType.FLOAT32,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
    "int8": schema.TensorType.INT8,
    "uint8": schema.TensorType.UINT8,
    "bool": schema.TensorType.BOOL,
}


class _Buffer(schema.BufferT):
    """A constant that the format's own class would not align."""

    def Pack(self, builder: flatbuffers.Builder) -> int:
        content = None
        if self.data is not None:
            raw = np.ascontiguousarray(self.data).view(np.uint8).ravel()
            builder.StartVector(1, raw.size, ALIGNMENT_BYTES)
            builder.head = builder.Head() - raw.size
            builder.Bytes[builder.Head() : builder.Head() + raw.size] = raw.tobytes()
            content = builder.EndVector()
        schema.BufferStart(builder)
        if content is not None:
            schema.BufferAddData(builder, content)
        return schema.BufferEnd(builder)


class ModelFile:
    """Gathers what a file will hold; tensors are known by their number."""

    def __init__(self) -> None:
        self._tensors: list[schema.TensorT] = []
        self._buffers: list[schema.BufferT] = [_Buffer()]  # the first stands for: no content
        self._operators: list[schema.OperatorT] = []
        self._codes: dict[int, int] = {}
        self._bytes = 0

    def tensor(self, name: str, shape: Sequence[int], dtype: str = "float32") -> int:
        """Return a new tensor, which an operator computes or which is given."""
        name = name or f"value{len(self._tensors)}"
        kind = TYPES[dtype]
        self._tensors.append(schema.TensorT(shape=list(shape), type=kind, buffer=0, name=name, hasRank=True))
        return len(self._tensors) - 1

    def constant(self, array: np.ndarray) -> int:
        """Return a new tensor that holds an array."""
        number = self.tensor(f"constant{len(self._buffers)}", array.shape, array.dtype.name)
        self._tensors[number].buffer = len(self._buffers)
        self._buffers.append(_Buffer(data=array))
        self._bytes += array.nbytes
        return number

    def operator(self, code: str, inputs: Sequence[int], output: int, options: Any = None) -> None:
        """Add an operator, by its name in the format (`CONV_2D`), with an object of its options' class."""
        number = getattr(schema.BuiltinOperator, code)
        index = self._codes.setdefault(number, len(self._codes))
        kind = type(options).__name__.removesuffix("T") if options is not None else "NONE"
        self._operators.append(
            schema.OperatorT(
                opcodeIndex=index,
                inputs=list(inputs),
                outputs=[output],
                builtinOptionsType=getattr(schema.BuiltinOptions, kind),
                builtinOptions=options,
            )
        )

    def write(self, path: Path, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        """Write the file.

        Raises:
            ValueError: where constants are more than the format can hold.
        """
        if self._bytes > LIMIT_BYTES:
            raise ValueError(f"{self._bytes} bytes of constants; a .tflite file holds {LIMIT_BYTES} at most")
        codes = [
            schema.OperatorCodeT(deprecatedBuiltinCode=min(number, 127), builtinCode=number, version=1)
            for number in self._codes
        ]
        subgraph = schema.SubGraphT(
            tensors=self._tensors, inputs=list(inputs), outputs=list(outputs), operators=self._operators, name="main"
        )
        model = schema.ModelT(
            version=VERSION,
            operatorCodes=codes,
            subgraphs=[subgraph],
            buffers=self._buffers,
            description="written by hwmodel",
        )
        builder = flatbuffers.Builder(self._bytes + (1 << 16))
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        path.write_bytes(builder.Output())
