"""Calls of one set of weights at any width: the first channels of each unit, gradients and all."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.func import functional_call

from workloads.channels.network import Channels, Widths, reshape


class Slim:
    """A network whose narrower versions share its weights.

    Args:
        module: that holds the weights; they are read at every call and get the gradients.
        channels: as `find_channels` of it says.
    """

    def __init__(self, module: nn.Module, channels: Channels) -> None:
        self.module, self.channels = module, channels
        self._shape = copy.deepcopy(module).to("meta")  # told the sizes of each call; holds no weights

    def at(self, widths: Widths) -> Callable[..., Any]:
        """Return the network's forward at these widths.

        In training mode, batch normalisation's running statistics are those of the whole network's first channels, and
        move with every call; `extract` and recalibrate for statistics of a width's own.

        Raises:
            InputError: for widths that cannot be had.
        """
        kept = self.channels.check(widths)

        def forward(*inputs: Any) -> Any:
            state = {
                name: self.channels.cut(name, value, kept)
                for name, value in (*self.module.named_parameters(), *self.module.named_buffers())
            }
            reshape(self._shape, {name: tuple(value.shape) for name, value in state.items()})
            for own, other in zip(self._shape.modules(), self.module.modules(), strict=True):
                own.training = other.training
            return functional_call(self._shape, state, inputs)

        return forward

    def extract(self, widths: Widths) -> nn.Module:
        """Return a network of its own at these widths, its weights copied.

        Raises:
            InputError: for widths that cannot be had.
        """
        with torch.no_grad():
            return self.channels.resized(self.module, widths)
