"""How large a network is: parameters, multiply-accumulates, layers. Nothing here computes with a weight."""

from typing import Any

import torch
from torch import nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def count_parameters(module: nn.Module) -> int:
    """Return the number of scalars among the module's parameters; a parameter used twice counts once."""
    return sum(parameter.numel() for parameter in module.parameters())


def count_layers(module: nn.Module) -> dict[str, int]:
    """Return how many convolution (`conv`) and fully connected (`fc`) layers the module holds."""
    layers = list(module.modules())
    return {
        "conv": sum(isinstance(layer, CONVOLUTIONS) for layer in layers),
        "fc": sum(isinstance(layer, nn.Linear) for layer in layers),
    }


def _meta(tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device="meta")


def count_macs(module: Any, batch: int = 1) -> int:
    """Return the multiply-accumulates of the module's forward pass on `batch` examples.

    Those of convolutions and matrix products (linear layers, attention); additions of biases, normalisation, pooling
    and activations count nothing, as in the field's tables. Shapes come from a run on the meta device over stand-ins
    for the parameters, so that neither memory nor time is spent on values and the module stays as it was.

    Args:
        module: a torch module with `example_inputs(batch) -> tuple of tensors`, on any device.
        batch: number of examples, at least 1.

    Raises:
        InputError: for a batch below 1, by the networks of this package.
    """
    state = {name: _meta(tensor) for name, tensor in (*module.named_parameters(), *module.named_buffers())}
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), torch.device("meta"):
        inputs = tuple(_meta(tensor) for tensor in module.example_inputs(batch))
        with counter:
            functional_call(module, state, inputs)
    return counter.get_total_flops() // 2  # torch counts a multiplication and an addition as two
