"""Which channels of a network hang together, found from its run; and the network with fewer of them."""

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from circuits.errors import InputError
from workloads.channels.axes import Axis, Units
from workloads.channels.layers import Layer
from workloads.channels.rules import Rules, Value, shape_of

Kept = int | np.ndarray  # the first so many channels of a unit, or those of these indices, rising
Widths = Mapping[str, Kept]


@dataclass(frozen=True)
class Unit:
    """Channels that are kept or left out together.

    Attributes:
        name: of the first layer that makes them.
        size: how many there are.
        layers: that make them; several where a shortcut adds them up.
    """

    name: str
    size: int
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Channels:
    """A network's units, where its parameters hold them, and what its layers cost.

    Attributes:
        units: that may have fewer channels, by name, in the order of the run.
        fixed: name of a layer whose outputs cannot be fewer -> why.
        layers: convolutions and products with weights, in order; their axes name units by number.
        axes: parameter or buffer -> its axis of each dimension, None where the dimension holds no unit.
        sizes: channels of each numbered unit.
        numbers: name of a unit -> its number.
        other_macs: multiply-accumulates of an example that no layer has, such as attention's.
    """

    units: dict[str, Unit]
    fixed: dict[str, str]
    layers: tuple[Layer, ...]
    axes: dict[str, tuple[Axis | None, ...]]
    sizes: tuple[int, ...]
    numbers: dict[str, int] = field(repr=False)
    other_macs: int = 0

    def widths(self, share: float | Mapping[str, float] = 1.0, least: int = 1) -> dict[str, int]:
        """Return so large a share of each unit's channels, rounded, at least `least` of them.

        Args:
            share: of all units, or by name; may be above 1, for a network that is wider.
            least: channels.
        """
        shares = share if isinstance(share, Mapping) else dict.fromkeys(self.units, share)
        return {name: max(least, round(unit.size * shares.get(name, 1.0))) for name, unit in self.units.items()}

    def check(self, widths: Widths, wider: bool = False) -> dict[int, Kept]:
        """Return widths by number of unit.

        Args:
            widths: channels kept by name; units that are not named stay whole.
            wider: whether more channels than there are may be asked for.

        Raises:
            InputError: for a name that is no unit, and a width that it cannot have.
        """
        found: dict[int, Kept] = {}
        for name, kept in widths.items():
            if name not in self.units:
                why = f"cannot shrink: {self.fixed[name]}" if name in self.fixed else "is no unit"
                raise InputError(f"widths: {name!r} {why}; units are {', '.join(list(self.units)[:6])}, ...")
            size = self.units[name].size
            if isinstance(kept, np.ndarray):
                if not len(kept) or kept[0] < 0 or kept[-1] >= size or (np.diff(kept) <= 0).any():
                    raise InputError(f"widths: {name}: channels must rise, from 0 to {size - 1}, one at least")
            elif isinstance(kept, bool) or not isinstance(kept, (int, np.integer)) or not 1 <= kept <= (
                1 << 20 if wider else size
            ):  # fmt: skip
                raise InputError(f"widths: {name}: {kept!r} of {size} channels; give a whole number from 1 to {size}")
            found[self.numbers[name]] = kept
        return found

    def indices(self, axis: Axis, kept: Mapping[int, Kept]) -> slice | np.ndarray:
        """Return which places of an axis stay: a slice where they are the first ones."""
        if len(axis) == 1 and axis[0].unit not in kept:
            return slice(None)
        if len(axis) == 1 and isinstance(one := kept[axis[0].unit], (int, np.integer)):
            return slice(int(one) * axis[0].repeat)
        rows, start = [], 0
        for part in axis:
            size = self.sizes[part.unit]
            one = kept.get(part.unit, size)
            chosen = one if isinstance(one, np.ndarray) else np.arange(int(one))
            rows.append(start + (chosen[:, None] * part.repeat + np.arange(part.repeat)).reshape(-1))
            start += size * part.repeat
        return np.concatenate(rows)

    def length(self, axis: Axis | None, kept: Mapping[int, Kept], otherwise: int = 1) -> int:
        """Return how many places of an axis stay."""
        if axis is None:
            return otherwise
        return sum(part.repeat * _count(kept.get(part.unit, self.sizes[part.unit])) for part in axis)

    def macs(self, widths: Widths | None = None) -> int:
        """Return the multiply-accumulates of one example's forward pass; see `workloads.networks.counting`."""
        kept = {self.numbers[name]: width for name, width in (widths or {}).items()}
        return self.other_macs + sum(self._layer_macs(layer, kept) for layer in self.layers)

    def _layer_macs(self, layer: Layer, kept: Mapping[int, Kept]) -> int:
        inputs = 1 if layer.depthwise else self.length(layer.inputs, kept) // layer.groups
        return inputs * self.length(layer.outputs, kept) * layer.positions * layer.window

    def parameters(self, module: nn.Module, widths: Widths | None = None) -> int:
        """Return the scalars among a module's parameters at these widths."""
        kept = {self.numbers[name]: width for name, width in (widths or {}).items()}
        total = 0
        for name, value in module.named_parameters():
            axes = self.axes.get(name) or (None,) * value.ndim
            total += int(np.prod([self.length(axis, kept, size)
                                  for axis, size in zip(axes, value.shape, strict=True)], dtype=np.int64))  # fmt: skip
        return total

    def cut(self, name: str, tensor: torch.Tensor, kept: Mapping[int, Kept]) -> torch.Tensor:
        """Return a parameter or buffer at these widths (by number): a view where first channels are kept."""
        for dim, axis in enumerate(self.axes.get(name, ())):
            if axis is None or not any(part.unit in kept for part in axis):
                continue
            places = self.indices(axis, kept)
            if isinstance(places, slice):
                tensor = tensor.narrow(dim, 0, places.stop) if places.stop is not None else tensor
            else:
                tensor = tensor.index_select(dim, torch.from_numpy(places).to(tensor.device))
        return tensor

    def resized(self, module: nn.Module, widths: Widths) -> nn.Module:
        """Return a copy of the module with other widths, with the weights of what is kept.

        A unit may have more channels than before where the module is on the meta device.

        Raises:
            InputError: for widths that cannot be had.
        """
        made = copy.deepcopy(module)
        meta = all(value.is_meta for value in made.parameters())
        kept = self.check(widths, wider=meta)
        with torch.no_grad():
            for holder, key, full, value in held(made):
                axes = self.axes.get(full, ())
                shape = [self.length(axis, kept, size) for axis, size in zip(axes, value.shape, strict=False)]
                if not axes or shape == list(value.shape):
                    continue
                new = torch.empty(shape, dtype=value.dtype, device="meta") if meta else self.cut(full, value, kept)
                new = new.clone()
                if isinstance(value, nn.Parameter):
                    holder._parameters[key] = nn.Parameter(new, value.requires_grad)
                else:
                    holder._buffers[key] = new
        reshape(made)
        return made


def _count(kept: Kept) -> int:
    return len(kept) if isinstance(kept, np.ndarray) else int(kept)


def held(module: nn.Module) -> list[tuple[nn.Module, str, str, torch.Tensor]]:
    """Return each place of a parameter or buffer: its module, its name there, its qualified name, its value."""
    found = []
    for prefix, part in module.named_modules():
        for key, value in (*part._parameters.items(), *part._buffers.items()):
            if value is not None:
                found.append((part, key, f"{prefix}.{key}" if prefix else key, value))
    return found


def reshape(module: nn.Module, shapes: Mapping[str, tuple[int, ...]] | None = None) -> None:
    """Tell layers the sizes that their weights have now.

    Args:
        module: whose layers are told.
        shapes: of weights by name, where they are not those that the module holds.
    """
    for name, part in module.named_modules():
        weight = getattr(part, "weight", None)
        if not isinstance(weight, torch.Tensor):
            continue
        shape = (shapes or {}).get(f"{name}.weight" if name else "weight", tuple(weight.shape))
        if isinstance(part, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
            if part.groups > 1 and shape[1] == 1:
                part.groups = part.in_channels = shape[0] // (part.out_channels // part.groups)
            else:
                part.in_channels = shape[1] * part.groups
            part.out_channels = shape[0]
        elif isinstance(part, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)):
            part.in_channels, part.out_channels = shape[0], shape[1] * part.groups
        elif isinstance(part, nn.Linear):
            part.out_features, part.in_features = shape
        elif isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
            part.num_features = shape[0]
        elif isinstance(part, nn.LayerNorm):
            part.normalized_shape = tuple(shape)


def find_channels(module: nn.Module, inputs: Sequence[Any]) -> Channels:
    """Return what may be narrower in a module, and how.

    Found from the operators of a run, so that it does not matter how the module is written. Left as wide as they are:
    the network's outputs, convolutions in groups, whatever an operator reads of which nothing is known here
    (attention's heads, a shuffle of channels), and what is added to values without channels.

    Args:
        module: on any device; it stays as it was.
        inputs: of its forward, tensors in order, of any batch.

    Raises:
        InputError: where it cannot be exported, and where no layer's channels can be fewer.
    """
    program = _exported(module, tuple(inputs))
    units, rules, values = _walked(program)
    outputs = {spec.arg.name for spec in program.graph_signature.output_specs if hasattr(spec.arg, "name")}
    for name in outputs & values.keys():
        value = values[name]
        for one in value if isinstance(value, list) else [value]:
            for axis in one.axes.values():
                units.fix(axis, "the network's output")
    found = _named(module, units, rules, values)
    if not found.units:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(found.fixed.items())[:3])
        raise InputError(f"{type(module).__name__}: no layer's channels can be fewer: "
                         f"{reasons or 'it has no convolution and no fully connected layer'}")  # fmt: skip
    others = _other_macs(module, tuple(inputs)) - found.macs()
    return Channels(found.units, found.fixed, found.layers, found.axes, found.sizes, found.numbers, others)


def _exported(module: nn.Module, inputs: tuple[Any, ...]) -> ExportedProgram:
    modes = {part: part.training for part in module.modules()}
    try:
        module.eval()
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, about its own parts
            return torch.export.export(module, inputs, strict=False)
    except Exception as error:  # the module's own code may raise anything
        line = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise InputError(f"{type(module).__name__}: cannot be exported: {line}") from error
    finally:
        for part, training in modes.items():
            part.training = training


def _walked(program: ExportedProgram) -> tuple[Units, Rules, dict[str, Any]]:
    """Go through the operators; return what came to be known of units, and the values by their name."""
    units = Units()
    rules = Rules(units)
    weights = {
        spec.arg.name: spec.target
        for spec in program.graph_signature.input_specs
        if spec.kind in (InputKind.PARAMETER, InputKind.BUFFER)
    }
    values: dict[str, Any] = {}
    same: dict[str, Value] = {}  # a weight at two places is one
    for node in program.graph.nodes:
        if node.op == "placeholder":
            shape = shape_of(node.meta.get("val"))
            target = weights.get(node.name)
            axes = {dim: units.new(size) for dim, size in enumerate(shape)} if target else {}
            values[node.name] = same.setdefault(target, Value(shape, axes, target)) if target else Value(shape)
        elif node.op == "call_function":
            args = torch.fx.map_arg(_arguments(node), lambda one: values[one.name])
            if getattr(node.target, "__name__", "") == "getitem":
                values[node.name] = args[0][args[1]]
                continue
            result = node.meta.get("val")
            shapes = [shape_of(one) for one in (result if isinstance(result, (list, tuple)) else [result])]
            stack = list((node.meta.get("nn_module_stack") or {}).values())
            source = stack[-1][0] if stack and stack[-1][0] else "the network"
            operator = str(node.target).removeprefix("aten.").split(".")
            name = operator[-2] if len(operator) > 1 else operator[0]
            made = rules.call(name, args, shapes, source)
            values[node.name] = made if isinstance(result, (list, tuple)) else made[0]
    return units, rules, values


def _arguments(node: torch.fx.Node) -> tuple[Any, ...]:
    """Return all of an operator's arguments in the order of its schema."""
    schema = getattr(node.target, "_schema", None)
    if schema is None:
        return node.args
    rest = schema.arguments[len(node.args) :]
    return (*node.args, *(node.kwargs.get(one.name, one.default_value) for one in rest))


def _named(module: nn.Module, units: Units, rules: Rules, values: dict[str, Any]) -> Channels:
    makers: dict[int, list[str]] = {}
    layers = tuple(
        Layer(one.name, _free(units, one.inputs, None), units.resolve(one.outputs), one.positions, one.window,
              one.depthwise, one.groups)
        for one in rules.layers
    )  # fmt: skip
    sources = {part.unit for axis in rules.sources for part in units.resolve(axis)}
    for layer in layers:
        if not layer.depthwise:
            for part in layer.outputs:
                makers.setdefault(part.unit, []).append(layer.name)
    fixed = {makers[number][0]: why for number, why in units.fixed.items() if number in makers}
    free = [number for number in makers if number in sources and number not in units.fixed]
    named = {makers[number][0]: Unit(makers[number][0], units.sizes[number], tuple(dict.fromkeys(makers[number])))
             for number in free}  # fmt: skip
    axes: dict[str, tuple[Axis | None, ...]] = {}
    chosen = set(free)
    weights = {value.name: value for value in values.values() if isinstance(value, Value) and value.name}
    for name, _ in (*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)):
        value = weights.get(name)
        if value is not None:
            axes[name] = tuple(_free(units, value.axis(dim), chosen) for dim in range(len(value.shape)))
    numbers = {makers[number][0]: number for number in free}
    return Channels(named, fixed, layers, axes, tuple(units.sizes), numbers)


def _free(units: Units, axis: Axis | None, chosen: set[int] | None) -> Axis | None:
    """Return an axis in its units; None where none of them may change."""
    if axis is None:
        return None
    found = units.resolve(axis)
    return found if chosen is None or any(part.unit in chosen for part in found) else None


def _other_macs(module: nn.Module, inputs: tuple[Any, ...]) -> int:
    from traces.recording import record

    batch = int(inputs[0].shape[0]) if inputs and isinstance(inputs[0], torch.Tensor) and inputs[0].ndim else 1
    return record(module, inputs, "inference").macs // batch


__all__ = ["Channels", "Kept", "Unit", "Widths", "find_channels", "held", "reshape"]
