"""Virtual pooling of any module (arXiv:1906.07912): named convolutions compute every other pixel of every other row.

A pooled convolution takes steps of twice its stride; batch normalisation and activation, where they follow, are applied
to its small map; then the map is interpolated to the size it would have had. What follows sees no difference in shape.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from circuits.errors import InputError
from traces.recording.fake import Faker
from workloads.vip.halved import Halved, full
from workloads.vip.interpolation import lengths

LEAST_SIDE = 4  # of a full map: of a smaller one, most pixels would be at a border or copies of one another


@dataclass
class _Interpolate:
    """A forward hook that lets a convolution's small map stand for the full one."""

    stride: tuple[int, int]  # before pooling
    fused: bool

    def __call__(self, module: nn.Module, arguments: tuple[Any, ...], small: torch.Tensor) -> torch.Tensor:
        size = _full_size(module, arguments[0].shape[-2:], self.stride)
        got, wanted = tuple(small.shape[-2:]), tuple(map(lengths, size))
        if got != wanted:
            raise InputError(f"{type(module).__name__}: gives {got} pixels where its stride asks for {wanted}; only "
                             "convolutions that use theirs can be pooled")  # fmt: skip
        return Halved(small, size, self.fused)


def _whole(_: nn.Module, __: tuple[Any, ...], result: Any) -> Any:
    """Give users of a pooled module maps of the full size: a forward hook."""
    return full(result)


def virtual_pool(
    module: nn.Module,
    layers: Sequence[str] | None = None,
    *,
    example: Any = None,
    fused: bool = False,
    least_side: int = LEAST_SIDE,
) -> nn.Module:
    """Return a copy of a module, some of whose convolutions are virtually pooled.

    The copy is of the same class and has the same state_dict: weights carry over, on any device. Layers that were
    pooled stay so.

    Eligible are `nn.Conv2d` and its subclasses, of any kernel, stride, padding, dilation and groups (which pixels are
    left out depends on none of these), that run, and whose maps have `least_side` pixels along both axes.
    Not supported: an activation written out as several operations (x * sigmoid(x)) or inside a
    `torch.autograd.Function` is applied after the interpolation; `F.conv2d` of a parameter is no layer; torch.compile
    and torch.jit.

    Args:
        module: any module.
        layers: qualified names of convolutions; every eligible one when None.
        example: inputs that the module runs with, a tensor or tuple; the module's own `example_inputs(1)` when None.
            No number of it is used. Without either, named layers are pooled whatever their size.
        fused: whether cost models let what reads a map interpolate it, so that full maps are never written.
        least_side: pixels of a full map's shorter side that a layer must have.

    Raises:
        InputError: for names of no convolution, maps that are too small, and a module with nothing to pool.
    """
    sizes = None if layers is not None and example is None and not hasattr(module, "example_inputs") else (
        map_sizes(module, example))  # fmt: skip
    found = dict(module.named_modules())
    names = list(layers) if layers is not None else []
    if layers is None:
        names = [name for name, side in (sizes or {}).items() if side >= least_side and not refusal(found[name])]
    if not names:
        raise InputError(f"{type(module).__name__}: nothing to pool: no convolution in two dimensions has a map of "
                         f"{least_side} x {least_side} pixels or more")  # fmt: skip
    for position, name in enumerate(names):
        _check(found, name, sizes, least_side)
        if name in names[:position]:
            raise InputError(f"layers: {name!r} is there twice; name each layer once")
    copied = copy.deepcopy(module)
    for name in names:
        _halve(copied.get_submodule(name), fused)
    if _whole not in copied._forward_hooks.values():
        copied.register_forward_hook(_whole)
    return copied


def pooled_layers(module: nn.Module) -> list[str]:
    """Return the names of a module's convolutions that are virtually pooled."""
    return [name for name, one in module.named_modules() if _pooled(one)]


def map_sizes(module: nn.Module, example: Any = None) -> dict[str, int]:
    """Return, of each convolution that runs, in order, the shorter side of its smallest map [pixels].

    Args:
        module: any module; it is run without its weights' memory.
        example: inputs it runs with; its own `example_inputs(1)` when None.

    Raises:
        InputError: where there is no example and where the module cannot run with it.
    """
    inputs = example
    if inputs is None:
        own: Any = getattr(module, "example_inputs", None)
        if own is None:
            raise InputError(f"{type(module).__name__}: sizes of its maps are not known; give an example of its inputs")
        inputs = own(1)
    faker = Faker()
    fake, arguments = faker.module(module).eval(), faker.tensors(inputs)
    arguments = arguments if isinstance(arguments, (tuple, list)) else (arguments,)
    sizes: dict[str, int] = {}

    def measure(name: str) -> Any:
        def hook(_: nn.Module, __: Any, result: torch.Tensor) -> None:
            sizes[name] = min(*result.shape[-2:], sizes.get(name, 1 << 62))

        return hook

    for name, one in fake.named_modules():
        if isinstance(one, nn.Conv2d):
            one.register_forward_hook(measure(name))
    try:
        with faker.mode, torch.no_grad():
            fake(*arguments)
    except Exception as error:  # the module's own code may raise anything
        line = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        shapes = ", ".join(str(tuple(x.shape)) for x in tree_leaves(arguments) if isinstance(x, torch.Tensor))
        raise InputError(f"{type(module).__name__}: does not run with an example of {shapes}: {line}") from error
    return sizes


def refusal(module: nn.Module) -> str:
    """Return why a module cannot be pooled, empty where it can."""
    if not isinstance(module, nn.Conv2d):
        return f"a {type(module).__name__}, not a convolution in two dimensions (nn.Conv2d)"
    if _pooled(module):
        return "virtually pooled already"
    if module.padding == "same" and any(span % 2 for span in _spans(module)):
        return "padded by unlike numbers of pixels on two sides (padding='same'), which torch strides not"
    return ""


def _check(found: dict[str, nn.Module], name: str, sizes: dict[str, int] | None, least_side: int) -> None:
    if name not in found:
        convolutions = [one for one, module in found.items() if isinstance(module, nn.Conv2d)]
        shown = ", ".join(convolutions[:8]) + (", .." if len(convolutions) > 8 else "")
        raise InputError(f"layer {name!r}: no such layer; convolutions are {shown or 'not among them'}")
    if reason := refusal(found[name]):
        raise InputError(f"layer {name!r}: {reason}")
    if sizes is not None and sizes.get(name, 0) < least_side:
        has = f"its map has {sizes[name]} pixels a side" if name in sizes else "it does not run"
        raise InputError(f"layer {name!r}: {has}; pooling takes maps of {least_side} or more")


def _halve(module: nn.Module, fused: bool) -> None:
    assert isinstance(module, nn.Conv2d)
    stride: tuple[int, int] = (module.stride[0], module.stride[-1])
    if module.padding == "same":
        down, across = _spans(module)
        module.padding = (down // 2, across // 2)  # the same pixels, said so that torch takes a stride
    module.stride = (2 * stride[0], 2 * stride[1])
    module.register_forward_hook(_Interpolate(stride, fused))


def _full_size(module: nn.Module, pixels: Sequence[int], stride: tuple[int, int]) -> tuple[int, int]:
    """Return height and width of a convolution's map at a stride."""
    assert isinstance(module, nn.Conv2d)
    padding = (0, 0) if isinstance(module.padding, str) else module.padding  # "valid"
    sides = zip(pixels, padding, _spans(module), stride, strict=True)
    height, width = ((length + 2 * pad - span - 1) // step + 1 for length, pad, span, step in sides)
    return height, width


def _spans(module: nn.Conv2d) -> tuple[int, int]:
    """Return the pixels from a window's first row or column to its last."""
    (rows, columns), (down, across) = module.kernel_size, module.dilation
    return down * (rows - 1), across * (columns - 1)


def _pooled(module: nn.Module) -> bool:
    return any(isinstance(hook, _Interpolate) for hook in module._forward_hooks.values())
