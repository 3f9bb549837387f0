"""Multiply-accumulates as a function of how many channels units have, whole numbers or not."""

from collections.abc import Mapping
from typing import TypeVar

import torch

from workloads.channels import Channels, Layer
from workloads.channels.axes import Axis

Count = TypeVar("Count", int, float, torch.Tensor)


def length(channels: Channels, axis: Axis, counts: Mapping[int, Count]) -> Count | float:
    """Return how many channels an axis has; units that are not named are whole."""
    return sum(part.repeat * counts.get(part.unit, channels.sizes[part.unit]) for part in axis)


def macs(channels: Channels, counts: Mapping[int, Count]) -> Count | float:
    """Return the multiply-accumulates of an example's forward pass.

    Args:
        channels: of the network.
        counts: channels of units by number; units that are not named are whole.
    """
    total: Count | float = float(channels.other_macs)
    for layer in channels.layers:
        inputs = _inputs(channels, layer, counts)
        total = total + inputs * length(channels, layer.outputs, counts) * (layer.positions * layer.window)
    return total


def _inputs(channels: Channels, layer: Layer, counts: Mapping[int, Count]) -> Count | float:
    if layer.depthwise or layer.inputs is None:
        return 1.0
    return length(channels, layer.inputs, counts) / layer.groups


def penalty(channels: Channels, sizes: Mapping[int, torch.Tensor], alive: Mapping[int, int]) -> torch.Tensor:
    """Return MorphNet's regulariser of FLOPs, two a multiply-accumulate (Gordon et al. 2018).

    Each layer adds 2 x positions x window x (sum of its inputs' scales x outputs that are alive + inputs that are alive
    x sum of its outputs' scales): every channel's scale is weighed by what the channel costs as the others are now. A
    depthwise convolution's outputs cost by themselves.

    Args:
        channels: of the network.
        sizes: number of a unit -> sizes of its channels' scales, those of dead channels 0.
        alive: number of a unit -> channels that are alive; units that are not named are whole, and have no scales.
    """
    sums = {number: one.sum() for number, one in sizes.items()}
    total = torch.zeros(())
    for layer in channels.layers:
        each = 2.0 * layer.positions * layer.window
        outputs = _sum(layer.outputs, sums)
        if layer.depthwise or layer.inputs is None:
            total = total + each * outputs
            continue
        own = _sum(layer.inputs, sums) * length(channels, layer.outputs, alive)
        total = total + each / layer.groups * (own + outputs * length(channels, layer.inputs, alive))
    return total


def _sum(axis: Axis, sums: Mapping[int, torch.Tensor]) -> torch.Tensor:
    return sum((part.repeat * sums[part.unit] for part in axis if part.unit in sums), torch.zeros(()))
