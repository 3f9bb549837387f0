"""A torch module as a graph of layers, through torch.export."""

import operator
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind
from torch.utils._pytree import tree_map

from circuits.errors import InputError
from hwmodel.latency.graph.aten import FIRST_ONLY, OPERATORS
from hwmodel.latency.graph.build import Builder, Constant, Ref
from hwmodel.latency.graph.graph import Graph

Held = torch.Tensor | Ref | list[Any] | tuple[Any, ...] | None  # tensors are what weights alone determine


def from_torch(module: nn.Module, inputs: Sequence[Any]) -> Graph:
    """Return the layers of a module's inference.

    The module stays as it was; its weights are shared with the graph, not copied. On the meta device and of fake
    tensors there are shapes only. A copy, dropout or a change of nothing is no layer; attention becomes products and a
    softmax; what depends on weights alone is computed.

    Args:
        module: as it runs for inference; dimensions that vary are those of the inputs.
        inputs: of its forward, in order: tensors on any device.

    Raises:
        InputError: where the module cannot be exported, and for an operator that is no layer, by its name.
    """
    program = _exported(module, tuple(inputs))
    builder = Builder()
    held = {spec.arg.name: value for spec, value in _given(builder, program)}
    for node in program.graph.nodes:
        if node.op == "call_function" and (node.users or "val" in node.meta):  # the others are torch's assertions
            held[node.name] = _call(builder, node, _arguments(node, held))
    outputs = [
        _reference(held[spec.arg.name])
        for spec in program.graph_signature.output_specs
        if spec.kind is OutputKind.USER_OUTPUT and isinstance(held.get(spec.arg.name), (torch.Tensor, Ref))
    ]
    return builder.finish(outputs)


def _exported(module: nn.Module, inputs: tuple[Any, ...]) -> ExportedProgram:
    """Export a module, decomposed until only operators of our table are left, as far as torch can."""
    table = torch.export.default_decompositions()
    for one in list(table.keys()):
        if isinstance(one, torch._ops.OpOverload) and one._schema.name.removeprefix("aten::") in OPERATORS:
            table.pop(one)
    try:
        with _inference(module), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, about its own parts
            return torch.export.export(module, inputs, strict=False).run_decompositions(table)
    except Exception as error:  # the module's own code may raise anything
        raise InputError(f"{type(module).__name__}: cannot be exported: {_line(error)}") from error


@contextmanager
def _inference(module: nn.Module) -> Iterator[None]:
    """Put the module in inference, without gradients, and back again."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, training in modes.items():
            part.training = training


def _given(builder: Builder, program: ExportedProgram) -> Iterator[tuple[Any, Held]]:
    """Yield what a program starts from: weights as tensors, inputs as values."""
    values = {node.name: node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"}
    tensors = {**program.constants, **program.state_dict}
    for spec in program.graph_signature.input_specs:
        if spec.kind is InputKind.USER_INPUT:
            tensor = values.get(spec.arg.name)
            if isinstance(tensor, torch.Tensor):
                yield spec, builder.input(spec.arg.name, tuple(tensor.shape), _dtype(tensor))
        elif isinstance(tensor := tensors.get(spec.target or ""), torch.Tensor):
            yield spec, _weight(tensor)


def _weight(tensor: torch.Tensor) -> torch.Tensor:
    """Return a weight on the meta device where it has no memory."""
    from torch._subclasses.fake_tensor import FakeTensor

    if isinstance(tensor, FakeTensor):
        return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
    return tensor.detach()


def _arguments(node: torch.fx.Node, held: Mapping[str, Held]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return torch.fx.map_arg((node.args, node.kwargs), lambda one: held[one.name])  # type: ignore[return-value]


def _call(builder: Builder, node: torch.fx.Node, arguments: tuple[tuple[Any, ...], dict[str, Any]]) -> Held:
    """Add an operator's layers; compute it where all that it reads is known."""
    positional, named = arguments
    if node.target is operator.getitem:
        return positional[0][positional[1]]
    if not isinstance(node.target, torch._ops.OpOverload):
        raise InputError(f"operator {node.target}: no layer; what runs must be torch's own operators")
    computed: list[Any] = []
    tree_map(lambda one: computed.append(one) if isinstance(one, Ref) else None, (positional, named))
    if not computed:
        return _computed(node.target, positional, named)
    name = node.target._schema.name.removeprefix("aten::")
    layer: Callable[[Builder, Mapping[str, Any]], Any] | None = OPERATORS.get(name)
    output = node.meta.get("val")
    first = output if isinstance(output, torch.Tensor) else output[0] if isinstance(output, (list, tuple)) else None
    builder.scope = _layer(node)
    if layer is None or first is None:
        raise InputError(f"operator {node.target} in {builder.scope}: no kind of layer is known for it")
    builder.dtype = _dtype(first)
    by_name = _by_name(node.target, positional, named) | {"shape_of_output": tuple(first.shape)}
    try:
        result = layer(builder, by_name)
    except InputError as error:
        raise InputError(f"operator {node.target} in {builder.scope}: {error}") from error
    found = result[0] if isinstance(result, list) else result
    if found.shape != tuple(first.shape):
        raise AssertionError(f"{node.target} in {builder.scope}: {found.shape} is not torch's {tuple(first.shape)}")
    return [result] if name in FIRST_ONLY else result


def _by_name(target: torch._ops.OpOverload, positional: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call's arguments by the names of its schema, those not given too, with weights as constants."""
    schema = target._schema.arguments
    given = {one.name: one.default_value if one.has_default_value() else None for one in schema}
    given.update(zip(given, positional, strict=False))
    given.update(named)
    return tree_map(_reference, given)


def _computed(target: Callable[..., Any], positional: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Return what an operator makes of weights: numbers, or shapes on the meta device where one of them is there."""
    found: list[torch.Tensor] = []
    tree_map(lambda one: found.append(one) if isinstance(one, torch.Tensor) else None, (positional, named))
    with torch.no_grad():
        if any(one.is_meta for one in found):
            positional, named = tree_map(
                lambda one: one.to("meta") if isinstance(one, torch.Tensor) else one, (positional, named)
            )
        return target(*positional, **named)


def _reference(held: Any) -> Ref:
    if not isinstance(held, torch.Tensor):
        return held
    shape, dtype = tuple(held.shape), _dtype(held)
    return Constant(shape, dtype, None if held.is_meta else held.detach().cpu().resolve_neg().numpy())


def _dtype(tensor: torch.Tensor) -> str:
    name = str(tensor.dtype).removeprefix("torch.")
    if name.startswith(("complex", "bfloat", "float8", "q", "bits")):
        raise InputError(f"a tensor of {name}: layers are of float32, float16, float64, integers and bool")
    return name


def _layer(node: torch.fx.Node) -> str:
    """Return the qualified name of the module that calls an operator; the operator's own outside of any."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    return (stack[-1][0] if stack else "") or node.name


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
