"""Convolutions and products with weights, as far as their cost depends on widths."""

from dataclasses import dataclass

from workloads.channels.axes import Axis


@dataclass(frozen=True)
class Layer:
    """A convolution or fully connected layer of one example.

    Attributes:
        name: qualified name of its weight's module.
        inputs, outputs: axes of channels.
        positions: pixels of its output's map; rows of a product.
        window: weights a pair of channels.
        depthwise: whether each output reads one input channel only.
        groups: of channels that do not see each other; 1 but for grouped convolutions.
    """

    name: str
    inputs: Axis | None
    outputs: Axis
    positions: int
    window: int
    depthwise: bool = False
    groups: int = 1
