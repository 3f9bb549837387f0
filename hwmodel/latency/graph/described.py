"""A graph's description: its layers, shapes and attributes as a document of dicts, lists, text and numbers.

Weights are left out, so that a description is small, and says nothing of what a network has learned.
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from circuits.errors import InputError
from hwmodel.latency.graph.checks import MOST_LAYERS, check
from hwmodel.latency.graph.graph import ACTIVATIONS, KINDS, Graph, Node, Value

FORMAT, VERSION = "hwmodel.graph", 1

_Model = TypeVar("_Model", bound=BaseModel)
Name = Annotated[str, Field(min_length=1, max_length=200)]
Length = Annotated[int, Field(ge=1, le=1 << 31, strict=True)]
Count = Annotated[int, Field(ge=0, le=1 << 31, strict=True)]
Flag = Annotated[bool, Field(strict=True)]
Shape = Annotated[tuple[Length, ...], Field(max_length=8)]
Places = Annotated[tuple[Annotated[int, Field(ge=0, le=7, strict=True)], ...], Field(max_length=8)]
Type = Literal["float32", "float16", "float64", "int8", "uint8", "int16", "int32", "int64", "bool"]
ATTRIBUTES: Mapping[str, Any] = {
    "stride": tuple[Length, Length], "dilation": tuple[Length, Length], "kernel": tuple[Length, Length],
    "padding": tuple[Count, Count, Count, Count], "groups": Length, "activation": Literal[(*ACTIVATIONS, None)],
    "ceil": Flag, "count_padding": Flag, "keep": Flag, "align_corners": Flag, "dimensions": Places, "order": Places,
    "dimension": Annotated[int, Field(ge=0, le=7, strict=True)], "start": Count, "stop": Count, "step": Length,
    "epsilon": Annotated[float, Field(ge=0, le=1, strict=True)], "mode": Literal["nearest", "bilinear", "midpoint"],
}  # fmt: skip


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Value(_Strict):
    name: Name
    shape: Shape
    dtype: Type


class _Layer(_Value):
    kind: Literal[tuple(KINDS)]  # type: ignore[valid-type]
    inputs: Annotated[tuple[Name, ...], Field(max_length=MOST_LAYERS)]
    attributes: dict[str, Any]
    constants: dict[Literal["weight", "bias", "mean", "variance", "constant"], Shape]


class _Description(_Strict):
    format: Literal["hwmodel.graph"]
    version: Literal[1]
    inputs: Annotated[tuple[_Value, ...], Field(max_length=1000)]
    layers: Annotated[tuple[_Layer, ...], Field(max_length=MOST_LAYERS)]
    outputs: Annotated[tuple[Name, ...], Field(min_length=1, max_length=1000)]


def describe(graph: Graph) -> dict[str, Any]:
    """Return a graph's description, which `of_description` reads; JSON can hold it."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "inputs": [_described(value) for value in graph.inputs],
        "layers": [
            {
                **_described(node.output),
                "kind": node.kind,
                "inputs": list(node.inputs),
                "attributes": {name: _plain(node.attributes[name]) for name in KINDS[node.kind]},
                "constants": {name: list(shape) for name, shape in node.weight_shapes.items()},
            }
            for node in graph.nodes
        ],
        "outputs": list(graph.outputs),
    }


def of_description(description: object) -> Graph:
    """Return the graph, without weights, of a description as JSON's reader returns it.

    Raises:
        InputError: in one line, for anything that is no description of a graph.
    """
    found = _validated(_Description, description, "description")
    layers = []
    for number, layer in enumerate(found.layers):
        attributes = _validated(_attributes(layer.kind), layer.attributes, f"description: layers.{number}.attributes")
        output = Value(layer.name, layer.shape, layer.dtype)
        layers.append(Node(layer.name, layer.kind, layer.inputs, output, dict(attributes), {**layer.constants}))
    inputs = tuple(Value(value.name, value.shape, value.dtype) for value in found.inputs)
    graph = Graph(inputs, tuple(layers), found.outputs)
    try:
        check(graph)
    except InputError as error:
        raise InputError(f"description: {error}") from None
    return graph


@cache
def _attributes(kind: str) -> type[BaseModel]:
    """Return what a kind of layer's attributes are: each as its name says, and no other."""
    fields: dict[str, Any] = {name: (ATTRIBUTES[name], ...) for name in KINDS[kind]}
    return create_model(f"Attributes of {kind}", __base__=_Strict, **fields)


def _validated(model: type[_Model], value: object, where: str) -> _Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part)[:50] for part in first["loc"])
        given = repr(first["input"])[:60]
        reason = "no such key is known" if first["type"] == "extra_forbidden" else first["msg"]
        raise InputError(" ".join(f"{where} {place}: {given}: {reason}".split())) from None


def _described(value: Value) -> dict[str, Any]:
    return {"name": value.name, "shape": list(value.shape), "dtype": value.dtype}


def _plain(attribute: Any) -> Any:
    return list(attribute) if isinstance(attribute, tuple) else attribute
