"""Channels of a unit scaled behind every batch normalisation that they pass, so that each counts as much as told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from circuits.errors import InputError
from workloads.channels import Channels
from workloads.channels.axes import Axis


@dataclass(frozen=True)
class Scale:
    """A layer of batch normalisation.

    Attributes:
        weight, bias: names of its parameters.
        axis: units of its channels, by number.
    """

    weight: str
    bias: str
    axis: Axis


class Scales:
    """The layers of batch normalisation whose channels may be fewer.

    A normalisation takes back whatever scaled its input, so that a unit's channels are scaled behind all of them.

    Args:
        module: any.
        channels: as `find_channels` of it says.

    Raises:
        InputError: no unit has a batch normalisation with weights.
    """

    def __init__(self, module: nn.Module, channels: Channels) -> None:
        self.module, self.channels = module, channels
        self.layers: list[Scale] = []
        for name, part in module.named_modules():
            weight = f"{name}.weight" if name else "weight"
            axes = channels.axes.get(weight, ())
            if isinstance(part, _BatchNorm) and part.affine and axes and axes[0] is not None:
                self.layers.append(Scale(weight, weight.removesuffix("weight") + "bias", axes[0]))
        named = {number: name for name, number in channels.numbers.items()}
        found = {part.unit for layer in self.layers for part in layer.axis} & named.keys()
        if not found:
            raise InputError(
                f"{type(module).__name__}: no channels that may be fewer pass a batch normalisation, whose weights "
                "morphnet and dmcp find widths by; take autoslim, or a network with batch normalisation"
            )
        self.units = {number: name for number, name in named.items() if number in found}
        """Number of a unit -> its name; units without batch normalisation are left out, and stay whole."""

    def weights(self) -> dict[int, torch.Tensor]:
        """Return of each unit by number the sizes of its scales: the largest of each channel's, over all layers.

        Where a shortcut adds maps up, a channel is there as long as one of them has it.
        """
        own = dict(self.module.named_parameters())
        found: dict[int, list[torch.Tensor]] = {}
        for layer in self.layers:
            start, size = 0, own[layer.weight].abs()
            for part in layer.axis:
                count = self.channels.sizes[part.unit] * part.repeat
                if part.unit in self.units:
                    one = size[start : start + count].reshape(-1, part.repeat)
                    found.setdefault(part.unit, []).append(one.amax(1))
                start += count
        return {number: torch.stack(rows).amax(0) for number, rows in found.items()}

    def scaled(self, shares: Mapping[int, torch.Tensor]) -> Callable[..., Any]:
        """Return the module's forward with channels scaled.

        Args:
            shares: of each unit by number a factor a channel; units that are not named are as they are.
        """
        own = dict(self.module.named_parameters())
        state: dict[str, torch.Tensor] = {}
        for layer in self.layers:
            if not any(part.unit in shares for part in layer.axis):
                continue
            rows = [
                shares[part.unit].repeat_interleave(part.repeat)
                if part.unit in shares
                else torch.ones(self.channels.sizes[part.unit] * part.repeat)
                for part in layer.axis
            ]
            factor = torch.cat(rows) if len(rows) > 1 else rows[0]
            state[layer.weight] = own[layer.weight] * factor
            state[layer.bias] = own[layer.bias] * factor
        return lambda *inputs: functional_call(self.module, state, inputs)
