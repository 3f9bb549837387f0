"""An ONNX file as a graph of layers."""

import os
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.graph.build import Builder, Constant, Ref
from hwmodel.latency.graph.checks import MOST_ELEMENTS, MOST_LAYERS
from hwmodel.latency.graph.graph import Graph
from hwmodel.latency.graph.onnx_constants import compute
from hwmodel.latency.graph.onnx_operators import OPERATORS

if TYPE_CHECKING:
    import onnx

MOST_BYTES = 1 << 31  # of a file; protobuf reads no more
NAME = 200  # characters of a layer's name


def from_onnx(path: str | Path, batch: int = 1) -> Graph:
    """Return the layers of an ONNX file's main graph.

    Args:
        path: of the file. Weights that it keeps in files beside it are left unread, and only their shapes are known.
        batch: what a first dimension becomes that the file leaves open; 1 leaves it as the file has it otherwise.

    Raises:
        InputError: without the onnx package, for a file that is no model, for dimensions that stay open, and for an
            operator that is no layer, by its name.
    """
    path = Path(path)
    model = _loaded(path)
    try:
        return _graph(model, path, batch)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _loaded(path: Path) -> "onnx.ModelProto":
    try:
        import onnx
    except ImportError as error:
        raise InputError(f"{path}: onnx is not installed; pip install hwmodel[onnx]") from error
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path}: larger than {MOST_BYTES} bytes; keep weights in a file beside it")
    try:
        model = onnx.load_model(path, format="protobuf", load_external_data=False)
    except OSError:
        raise
    except Exception as error:  # protobuf's own kinds
        raise InputError(f"{path}: no ONNX model, or cut off: {_line(error)}") from None
    if not model.graph.node and not model.graph.output:
        raise InputError(f"{path}: no ONNX model, or an empty one: it has no nodes")
    return model


def _graph(model: "onnx.ModelProto", path: Path, batch: int) -> Graph:
    graph = model.graph
    if len(graph.node) > MOST_LAYERS:
        raise InputError(f"{len(graph.node)} nodes: too many; give at most {MOST_LAYERS}")
    builder = Builder()
    held: dict[str, Ref] = {one.name: _weight(one, path.parent) for one in graph.initializer}
    for one in graph.input:
        if one.name not in held:  # older files list weights as inputs too
            held[one.name] = builder.input(one.name[:NAME] or "input", *_declared(one, batch))
    version = {one.domain: one.version for one in model.opset_import}.get("", 1)
    for number, node in enumerate(graph.node):
        what = f"node {node.name or number} ({node.op_type})"
        for name in node.input:
            if name and name not in held:
                raise InputError(f"{what}: reads {name!r}, which is no input and no node before it makes")
        builder.scope = (node.name or f"{node.op_type}_{number}")[:NAME]
        try:
            outputs = _call(builder, node, [held[name] if name else None for name in node.input], version)
        except InputError as error:
            raise InputError(f"{what}: {error}") from None
        except (IndexError, KeyError, TypeError, ValueError, OverflowError, MemoryError) as error:
            raise InputError(f"{what}: its inputs and attributes do not fit together: {_line(error)}") from error
        for name, ref in zip(node.output, outputs, strict=False):
            if name in held:
                raise InputError(f"{what}: {name!r} is there already; each value is made once")
            held[name] = ref
    return builder.finish([_output(held, one.name) for one in graph.output])


def _output(held: Mapping[str, Ref], name: str) -> Ref:
    if name not in held:
        raise InputError(f"output {name!r}: no node makes it")
    return held[name]


def _call(builder: Builder, node: "onnx.NodeProto", inputs: Sequence[Ref | None], version: int) -> Sequence[Ref]:
    """Return a node's outputs, computed where all that it reads is known."""
    import onnx

    if node.domain not in {"", "ai.onnx", "com.microsoft"}:
        raise InputError(f"an operator of {node.domain!r}: no kind of layer is known for it")
    attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    for name, value in attributes.items():
        if value is None:  # of no kind
            raise InputError(f"{node.op_type}: its attribute {name!r} has no value")
    if node.op_type == "Shape" and inputs[0] is not None:
        shape = inputs[0].shape[attributes.get("start", 0) : attributes.get("end")]
        return [Constant.of(np.asarray(shape, np.int64))]
    if (computed := compute(node, inputs, version)) is not None:
        return computed
    operator = OPERATORS.get(node.op_type)
    if operator is None:
        raise InputError("no kind of layer is known for it")
    builder.dtype = next((ref.dtype for ref in inputs if ref is not None), "float32")
    attributes |= {"outputs": len(node.output), "version": version}
    found = operator(builder, [*inputs, *[None] * (8 - len(inputs))], attributes)
    refs = found if isinstance(found, list) else [found]
    for ref in refs:
        if prod(ref.shape) > MOST_ELEMENTS:
            raise InputError(f"{ref.shape}: more than {MOST_ELEMENTS} elements")
    return refs


def _weight(tensor: "onnx.TensorProto", folder: Path) -> Constant:
    """Return a weight; of one in another file, its shape."""
    import onnx

    shape = tuple(tensor.dims)
    if any(length < 0 for length in shape) or prod(shape) > MOST_ELEMENTS:
        raise InputError(f"weight {tensor.name!r}: {shape}: no shape of a weight")
    dtype = _dtype(tensor.data_type, f"weight {tensor.name!r}")
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        _inside(folder, {one.key: one.value for one in tensor.external_data}.get("location", ""), tensor.name)
        return Constant(shape, dtype)
    try:
        return Constant.of(onnx.numpy_helper.to_array(tensor))
    except Exception as error:
        raise InputError(f"weight {tensor.name!r}: its data are not of its shape {shape}: {_line(error)}") from None


def _inside(folder: Path, location: str, name: str) -> None:
    """Raise InputError for data outside of the model's folder: a file has no business elsewhere."""
    place = Path(os.path.realpath(folder / location))
    if not location or not place.is_relative_to(os.path.realpath(folder)):
        raise InputError(f"weight {name!r}: its data are in {location!r}, outside of the model's folder")


def _declared(one: "onnx.ValueInfoProto", batch: int) -> tuple[tuple[int, ...], str]:
    """Return an input's shape and type."""
    what = f"input {one.name!r}"
    if not one.type.HasField("tensor_type") or not one.type.tensor_type.HasField("shape"):
        raise InputError(f"{what}: it has no shape; export the model with the shapes of its inputs")
    shape = []
    for place, dimension in enumerate(one.type.tensor_type.shape.dim):
        length = dimension.dim_value if dimension.HasField("dim_value") else 0
        if length <= 0 and place:
            name = dimension.dim_param or "unnamed"
            raise InputError(f"{what}: dimension {place} ({name}) is open; only the first, the batch, may be")
        if not place and length > 0 and batch not in {1, length}:
            raise InputError(f"{what}: dimension 0 is {length}, not the batch of {batch} that is asked for")
        shape.append(length if length > 0 else batch)
    if prod(shape) > MOST_ELEMENTS:
        raise InputError(f"{what}: {tuple(shape)} has more than {MOST_ELEMENTS} elements")
    return tuple(shape), _dtype(one.type.tensor_type.elem_type, what)


def _dtype(kind: int, what: str) -> str:
    import onnx

    try:
        name = str(onnx.helper.tensor_dtype_to_np_dtype(kind))
    except (KeyError, ValueError, TypeError):
        name = f"type {kind}"
    if name not in {"float16", "float32", "float64", "int8", "uint8", "int16", "int32", "int64", "bool"}:
        raise InputError(f"{what}: {name}: layers are of float16, float32, float64, integers and bool")
    return name


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
