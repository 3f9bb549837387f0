"""A convolution's map of half the size, which is brought back to full size when somebody reads it.

A convolution cannot know which activation follows it: modules apply theirs through `nn.Sequential`, attributes or
functions, under conditions, and share one module among layers. So its map waits. A batch normalisation and then an
activation are applied to the small map, as they come; whatever else asks for the map gets it interpolated.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional
from torch.utils._pytree import tree_map_only

from circuits.errors import InputError
from workloads.vip.interpolation import midpoint_upsample2d

# Applied element by element; in place too where torch has that.
ACTIVATIONS = ("celu", "elu", "gelu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid", "mish",
               "prelu", "relu", "relu6", "selu", "sigmoid", "silu", "softplus", "softsign", "tanh", "tanhshrink",
               "threshold", "clamp", "clamp_min", "clamp_max")  # fmt: skip


def _named(names: tuple[str, ...]) -> frozenset[Any]:
    places = (functional, torch, torch.Tensor)
    found = (getattr(place, name + tail, None) for place in places for name in names for tail in ("", "_"))
    return frozenset(one for one in found if one is not None)


_ACTIVATIONS = _named(ACTIVATIONS)
_NORMS = _named(("batch_norm",))
_QUESTIONS = ("size", "dim", "numel", "ndimension", "is_floating_point")
_PROPERTIES = ("shape", "dtype", "device", "ndim", "layout")
_ABOUT = frozenset((
    *(getattr(torch.Tensor, name) for name in _QUESTIONS),
    *(getattr(torch.Tensor, name).__get__ for name in _PROPERTIES),
))  # fmt: skip


class Halved(torch.Tensor):
    """A map of the full size to whoever asks; in memory of half of it.

    Attributes:
        small: the map that was computed.
        fused: whether readers interpolate, in cost models.
        waits: whether a normalisation or activation may still be applied to the small map.
    """

    small: torch.Tensor
    fused: bool
    waits: bool
    _traced: bool
    _size: tuple[int, int]
    _full: torch.Tensor | None

    @staticmethod
    def __new__(
        cls: type["Halved"], small: torch.Tensor, size: tuple[int, int], fused: bool, waits: bool = True
    ) -> "Halved":
        gradient = small.requires_grad and torch.is_grad_enabled()
        self: Halved = torch.Tensor._make_wrapper_subclass(  # pyright: ignore[reportAttributeAccessIssue]
            cls, (*small.shape[:-2], *size), dtype=small.dtype, device=small.device, requires_grad=gradient
        )
        self.small, self._size, self.fused, self.waits, self._full = small, size, fused, waits, None
        self._traced = gradient
        if gradient:
            with torch._C.DisableTorchFunctionSubclass():
                self.register_hook(_unseen)
        return self

    def full(self) -> torch.Tensor:
        """Return the interpolated map, the same one as long as it will do."""
        wanted = torch.is_grad_enabled() and self.small.requires_grad
        if self._full is not None and (self._full.requires_grad or not wanted):
            return self._full
        made: torch.Tensor = midpoint_upsample2d(self.small, *self._size, self.fused)
        self._full = made
        return made

    def _applied(self, func: Callable[..., Any], rest: tuple[Any, ...], named: dict[str, Any]) -> torch.Tensor:
        """Return the map after a normalisation or activation of the small one."""
        waits = func in _NORMS
        result = func(self.small, *rest, **named)
        if result is not self.small:
            made = Halved(result, self._size, self.fused, waits)
            # Gradients may be off because a torch.autograd.Function runs, which must return a tensor it can trace.
            return made.full() if self._traced and not torch.is_grad_enabled() else made
        self.waits, self._full = waits, None
        return self

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        del types
        kwargs = kwargs or {}
        first = args[0] if args else None
        if isinstance(first, Halved):
            if func in _ABOUT:
                with torch._C.DisableTorchFunctionSubclass():
                    return func(*args, **kwargs)
            alone = not any(isinstance(one, Halved) for one in (*args[1:], *kwargs.values()))
            if first.waits and alone and func in _ACTIVATIONS | _NORMS:
                return first._applied(func, args[1:], kwargs)
            if _in_place(func):
                first.waits = False  # the small map no longer is what the full one was made of
        return func(*full(args), **full(kwargs))

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Interpolate for what asks below Python's functions."""
        del types
        return func(*full(args), **full(kwargs or {}))


def full(tree: Any) -> Any:
    """Return nested tuples, lists and dicts with each small map at its full size."""
    return tree_map_only(Halved, Halved.full, tree)


def _in_place(func: Any) -> bool:
    name = getattr(func, "__name__", "")
    return (name.endswith("_") and not name.endswith("__")) or name in ("__setitem__", "__set__") or name[:3] == "__i"


def _unseen(gradient: torch.Tensor) -> None:
    """Refuse a gradient that would be lost: the map was read past torch's functions, so nothing leads back from it."""
    raise InputError(
        f"a virtually pooled map of shape {tuple(gradient.shape)} is read by a torch.autograd.Function, or by another "
        "reader past torch's functions: its gradient would be lost; leave that convolution out of `layers`"
    )
