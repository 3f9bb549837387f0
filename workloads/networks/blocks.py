"""Blocks that families of convolutional networks share."""

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import nn


def convolution(
    inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1, activation: type[nn.Module] | None = nn.ReLU
) -> nn.Sequential:
    """Return a convolution without bias, its batch normalisation and its activation.

    Maps keep their size but for the stride. The activation works in place; None leaves the result linear. Weights are
    drawn so that values keep their scale through many layers (K. He et al., ICCV 2015, arXiv:1502.01852).
    """
    weights = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, groups=groups, bias=False)
    nn.init.kaiming_normal_(weights.weight)
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv=weights, bn=nn.BatchNorm2d(outputs))
    if activation is not None:
        layers["act"] = activation(inplace=True)
    return nn.Sequential(layers)


class SqueezeExcite(nn.Module):
    """Scale each channel by a gate computed from all channels' means (J. Hu et al., CVPR 2018, arXiv:1709.01507).

    Takes and gives batch x channels x h x w.
    """

    def __init__(self, channels: int, squeezed: int, activation: type[nn.Module], gate: type[nn.Module]) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.act = activation(inplace=True)
        self.expand = nn.Conv2d(squeezed, channels, 1)
        self.gate = gate()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gate(self.expand(self.act(self.reduce(self.pool(x)))))


class DropPath(nn.Module):
    """Leave a residual branch out at random, example by example (G. Huang et al., ECCV 2016, arXiv:1603.09382).

    While training only; what stays is scaled so that its mean is kept.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or not self.probability:
            return x
        kept = 1 - self.probability
        return x * x.new_empty(x.shape[0], *[1] * (x.ndim - 1)).bernoulli_(kept).div_(kept)


class Inverted(nn.Module):
    """An inverted residual (M. Sandler et al., CVPR 2018): 1 x 1 up, depthwise, a gate if any, 1 x 1 down, linear.

    Takes batch x inputs x h x w, gives batch x outputs x h/stride x w/stride; its input is added where shapes agree.

    Args:
        inputs, expanded, outputs: channels before, within and after; the first 1 x 1 is left out where nothing expands.
        size: of the depthwise window.
        stride: of the depthwise convolution.
        activation: after the first two convolutions.
        gate: from a number of channels to a module that scales them; None for none.
        drop: probability of leaving the branch out.
    """

    def __init__(
        self,
        inputs: int,
        expanded: int,
        outputs: int,
        size: int,
        stride: int,
        activation: type[nn.Module],
        gate: Callable[[int], nn.Module] | None = None,
        drop: float = 0.0,
    ) -> None:
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if expanded != inputs:
            layers["expand"] = convolution(inputs, expanded, 1, activation=activation)
        layers["depthwise"] = convolution(expanded, expanded, size, stride, expanded, activation)
        if gate:
            layers["gate"] = gate(expanded)
        layers["project"] = convolution(expanded, outputs, 1, activation=None)
        if drop:
            layers["drop"] = DropPath(drop)
        self.branch = nn.Sequential(layers)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.branch(x)
        return x + y if self.shortcut else y
