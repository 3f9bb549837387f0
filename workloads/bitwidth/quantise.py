"""Weights of few bits, filter by filter: their codes, their steps, and training through them.

A weight w of b bits is the code k = floor(w / s), clipped to -2^(b-1) ... 2^(b-1) - 1, and stands for (k + 1/2) s: all
2^b levels are used, and lie symmetric about nought. Of one bit that is sign(w) times s / 2. The step s of a filter
follows from its weights: the one of least squared error if they were normal, in units of their spread (J. Max,
Quantizing for Minimum Distortion, IRE Transactions on Information Theory 6(1), 1960); of one bit, twice the mean of
|w|, which is best whatever their distribution. A step of the weights, not a learned one (S. K. Esser et al., Learned
Step Size Quantization, ICLR 2020): it has no initial value, rate or decay to choose for each width and bitwidth, all of
which are compared; behind batch normalisation it is no further freedom, since weights can grow instead; and scaling a
filter scales its step.
"""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from circuits.errors import InputError
from workloads.recipes.build import is_weighted

BITS = range(1, 9)
TURNED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)

# Step of least squared error over the standard deviation of a normal variable, by bits; a test computes them.
NORMAL_STEPS = {2: 0.99569, 3: 0.58602, 4: 0.33520, 5: 0.18814, 6: 0.10406, 7: 0.05687, 8: 0.03076}


def codes(weight: torch.Tensor, step: torch.Tensor, bits: int) -> torch.Tensor:
    """Return each weight's code, a whole number from -2^(bits-1) to 2^(bits-1) - 1, as int8."""
    half = 1 << (bits - 1)
    return torch.floor(weight / step).clamp_(-half, half - 1).to(torch.int8)


def steps(weight: torch.Tensor, bits: int, axis: int = 0) -> torch.Tensor:
    """Return each filter's step, shaped so that it broadcasts against the weight.

    Args:
        weight: filters along `axis`.
        bits: of its codes.
        axis: of filters: 0, but 1 for transposed convolutions (of whose groups those at one place share a step).
    """
    others = [dim for dim in range(weight.ndim) if dim != axis]
    if bits == 1:
        spread = 2 * weight.abs().mean(others, keepdim=True)
    else:
        spread = NORMAL_STEPS[bits] * weight.square().mean(others, keepdim=True).sqrt()
    return spread.clamp_min(torch.finfo(weight.dtype).tiny)  # a filter of noughts: any step will do


class _Through(torch.autograd.Function):
    """Quantise; a gradient passes to the weights that lie within the levels' range, and stops at others."""

    @staticmethod
    def forward(ctx: Any, weight: torch.Tensor, step: torch.Tensor, bits: int) -> torch.Tensor:
        half = 1 << (bits - 1)
        scaled = weight / step
        ctx.save_for_backward(scaled.abs() <= half)
        return (scaled.floor_().clamp_(-half, half - 1) + 0.5) * step

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (within,) = ctx.saved_tensors
        return gradients[0] * within, None, None


def quantise(weight: torch.Tensor, step: torch.Tensor, bits: int) -> torch.Tensor:
    """Return the values that the weights' codes stand for; gradients pass straight through, within range."""
    return _Through.apply(weight, step, bits)  # type: ignore[no-any-return]


class FewBits(nn.Module):
    """A parametrisation of a weight: what it is stored as in float, and used as in few bits."""

    def __init__(self, bits: int, axis: int = 0) -> None:
        super().__init__()
        self.bits, self.axis = bits, axis

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return quantise(weight, steps(weight.detach(), self.bits, self.axis), self.bits)

    def extra_repr(self) -> str:
        return f"bits={self.bits}"


def layer_bits(layers: Iterable[str], bits: int, ends: int | None = 8) -> dict[str, int]:
    """Return the bits of each layer: all alike, but the first and the last have `ends`, unless that is None."""
    check_bits(bits)
    found = dict.fromkeys(layers, bits)
    if ends is not None and found:
        check_bits(ends)
        found[next(iter(found))] = found[next(reversed(found))] = ends
    return found


def check_bits(bits: Any) -> int:
    """Return the bits.

    Raises:
        InputError: they are not a whole number from 1 to 8.
    """
    if isinstance(bits, bool) or not isinstance(bits, int) or bits not in BITS:
        raise InputError(f"bits {bits!r}: of a weight; give a whole number from {BITS[0]} to {BITS[-1]}")
    return bits


def weighted(module: nn.Module) -> dict[str, nn.Module]:
    """Return the convolutions and fully connected layers by name.

    Raises:
        InputError: there are none.
    """
    found = {name: part for name, part in module.named_modules() if is_weighted(part)}
    if not found:
        raise InputError(f"{type(module).__name__}: no convolution or fully connected layer, so no weights to quantise")
    return found


def quantised(module: nn.Module, bits: int | Mapping[str, int]) -> nn.Module:
    """Return a copy of the module whose weights are used in few bits, and trained through that.

    Its state holds the float weights under `NAME.parametrizations.weight.original`; steps are no state.

    Args:
        module: any; its convolutions and fully connected layers are meant.
        bits: of all of them, or by layer; others stay as they are.

    Raises:
        InputError: bits outside 1 to 8; a layer that has no weights, or has few bits already.
    """
    made = copy.deepcopy(module)
    layers = weighted(made)
    for name, count in (dict.fromkeys(layers, bits) if isinstance(bits, int) else bits).items():
        if name not in layers:
            raise InputError(f"bits: {name!r}: no layer with weights; known are {', '.join(list(layers)[:6])}, ...")
        part = layers[name]
        if few_bits(part):
            raise InputError(f"bits: {name}: has weights of {few_bits(part)} bits already; give the float module")
        axis = 1 if isinstance(part, TURNED) else 0
        parametrize.register_parametrization(part, "weight", FewBits(check_bits(count), axis), unsafe=True)
    return made


def few_bits(part: nn.Module) -> int | None:
    """Return the bits of a layer's weight, if they are few."""
    if not parametrize.is_parametrized(part, "weight"):
        return None
    last: Any = part.parametrizations["weight"][-1]  # type: ignore[index]
    return last.bits if isinstance(last, FewBits) else None


def packed_weights(module: nn.Module) -> dict[str, tuple[torch.Tensor, torch.Tensor, int]]:
    """Return of each layer of few bits its codes (int8), its filters' steps, and its bits: all that is stored."""
    found = {}
    for name, part in weighted(module).items():
        if (bits := few_bits(part)) is not None:
            original: torch.Tensor = part.parametrizations["weight"].original.detach()  # type: ignore[index]
            step = steps(original, bits, 1 if isinstance(part, TURNED) else 0)
            found[name] = codes(original, step, bits), step, bits
    return found


def plain(module: nn.Module) -> nn.Module:
    """Return a copy of a quantised module whose weights are ordinary parameters of the few levels' values."""
    made = copy.deepcopy(module)
    for part in made.modules():
        if few_bits(part):
            values = {name: getattr(part, name).detach() for name in part.parametrizations}  # type: ignore[union-attr]
            del part.parametrizations
            # Not torch's remove_parametrizations: it takes the property off the class, which copies share.
            part.__class__ = part.__class__.__bases__[0]
            for name, value in values.items():
                part.register_parameter(name, nn.Parameter(value))
    return made
