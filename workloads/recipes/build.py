"""From a recipe to a module without memory."""

from typing import Any

import torch
from torch import nn

from circuits.errors import InputError
from traces.networks import make_network
from workloads.recipes.recipe import Recipe


def build(recipe: Recipe) -> nn.Module:
    """Return the module of a recipe, on the meta device where its factory allows, with `example_inputs(batch)`.

    Raises:
        InputError: where the network cannot be made, or what the recipe names is not in it.
    """
    shape = tuple(recipe.input) if recipe.input else None
    module, inputs = make_network(recipe.network, 2, shape, recipe.arguments)
    if recipe.widths:
        from workloads.channels import find_channels

        channels = find_channels(module, inputs)
        module = channels.resized(module.to("meta"), recipe.widths)
    if recipe.virtual_pooling:
        from workloads.vip import virtual_pool

        module = virtual_pool(module, recipe.virtual_pooling, example=inputs, fused=recipe.fused)
    if recipe.weight_bits is not None:
        _tell_bits(module, recipe.weight_bits)
    if shape is not None or not callable(getattr(module, "example_inputs", None)):
        _tell_inputs(module, inputs)
    return module


def _tell_inputs(module: Any, inputs: tuple[Any, ...]) -> None:
    """Let a module say what it takes; by what it is given here, the batch left open."""

    def example_inputs(batch: int) -> tuple[torch.Tensor, ...]:
        return tuple(torch.zeros((batch, *one.shape[1:]), dtype=one.dtype) for one in inputs)

    module.example_inputs = example_inputs


def _tell_bits(module: nn.Module, bits: int | dict[str, int]) -> None:
    """Say of how many bits each weight is; `traces.capture` reads it."""
    layers = {name: part for name, part in module.named_modules() if is_weighted(part)}
    chosen = dict.fromkeys(layers, bits) if isinstance(bits, int) else bits
    for name in chosen:
        if name not in layers:
            raise InputError(
                f"weight_bits: {name!r}: no layer with weights; known are {', '.join(list(layers)[:6])}, ..."
            )
    module.weight_bits = {f"{name}.weight".lstrip("."): count for name, count in chosen.items()}  # type: ignore[assignment]


def is_weighted(part: nn.Module) -> bool:
    """Return whether a layer is a convolution or fully connected one: what is quantised, and has MACs."""
    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear)
    return isinstance(part, kinds)
