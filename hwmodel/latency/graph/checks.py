"""Whether a graph that came from outside is one: names, order, numbers of inputs, constants and shapes."""

from collections.abc import Mapping, Sequence
from math import prod

from circuits.errors import InputError
from hwmodel.latency.graph.graph import Graph, Node, Value
from hwmodel.latency.graph.shapes import Shape, output_shape

MOST_LAYERS = 20_000
MOST_ELEMENTS = 1 << 40  # of a value or a constant
# Inputs: least and most; constants: those that must be there, those that may.
READS: Mapping[str, tuple[int, int]] = {"matmul": (2, 2), "add": (1, 2), "mul": (1, 2), "constant": (0, 0),
                                        "concat": (1, MOST_LAYERS)}  # fmt: skip
HOLDS: Mapping[str, tuple[set[str], set[str]]] = {
    "conv": ({"weight"}, {"bias"}), "linear": ({"weight"}, {"bias"}), "layer_norm": (set(), {"weight", "bias"}),
    "batch_norm": ({"weight", "bias", "mean", "variance"}, set()), "embedding": ({"weight"}, set()),
    "constant": ({"constant"}, set()),
}  # fmt: skip


def check(graph: Graph) -> None:
    """Raise InputError, which names the layer, for the first thing that makes a graph none."""
    if len(graph.nodes) > MOST_LAYERS:
        raise InputError(f"{len(graph.nodes)} layers: too many; give at most {MOST_LAYERS}")
    shapes: dict[str, Shape] = {}
    for value in graph.inputs:
        _add(shapes, value, f"input {value.name!r}")
    for node in graph.nodes:
        what = f"layer {node.name!r}"
        for name in node.inputs:
            if name not in shapes:
                raise InputError(f"{what}: reads {name!r}, which is no input and no layer before it")
        try:
            _check_layer(node, [shapes[name] for name in node.inputs])
        except InputError as error:
            raise InputError(f"{what}: {error}") from None
        _add(shapes, node.output, what)
    for name in graph.outputs:
        if name not in shapes:
            raise InputError(f"output {name!r}: no layer makes it")
    if not graph.outputs:
        raise InputError("outputs: none; name what the network returns")


def _add(shapes: dict[str, Shape], value: Value, what: str) -> None:
    if value.name in shapes:
        raise InputError(f"{what}: {value.name!r} is there already; names must differ")
    _bound(value.shape, what)
    shapes[value.name] = value.shape


def _bound(shape: Shape, what: str) -> None:
    if prod(shape) > MOST_ELEMENTS:
        raise InputError(f"{what}: {shape} has more than {MOST_ELEMENTS} elements")


def _check_layer(node: Node, inputs: Sequence[Shape]) -> None:
    least, most = READS.get(node.kind, (1, 1))
    if not least <= len(inputs) <= most:
        raise InputError(
            f"a {node.kind} of {len(inputs)} inputs: give {least}" + (f" to {most}" if most > least else "")
        )
    if node.kind == "activation" and node.attributes["activation"] is None:
        raise InputError("an activation without its activation")
    _check_constants(node, len(inputs))
    for name, shape in node.weight_shapes.items():
        _bound(shape, name)
    found = output_shape(node.kind, inputs, node.attributes, node.weight_shapes, node.output.shape)
    if found != node.output.shape:
        raise InputError(f"its shape is {node.output.shape}; what it reads makes it {found}")


def _check_constants(node: Node, inputs: int) -> None:
    must, may = HOLDS.get(node.kind, (set(), set()))
    if node.kind in {"add", "mul"} and inputs == 1:
        must = {"constant"}
    names = node.weight_shapes.keys()
    if missing := must - names:
        raise InputError(f"a {node.kind} without {', '.join(sorted(missing))}")
    if more := names - must - may:
        raise InputError(f"a {node.kind} with {', '.join(sorted(more))}: it has none such")
    channels = node.weight_shapes["weight"][:1] if node.kind in {"conv", "linear"} else node.output.shape[1:2]
    if node.kind in {"conv", "linear", "batch_norm"}:
        for name in names - ({"weight"} if node.kind != "batch_norm" else set()):
            if node.weight_shapes[name] != channels:
                raise InputError(f"its {name} is {node.weight_shapes[name]}; it has {channels} channels")
