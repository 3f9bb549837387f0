"""Residual networks with 18 and 50 weight layers."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import nn

from workloads.networks.network import Network, check_depths, check_side, scaled

WORKS = {
    "he2016": "K. He, X. Zhang, S. Ren, J. Sun. Deep Residual Learning for Image Recognition. IEEE Conference on "
    "Computer Vision and Pattern Recognition (CVPR), pp. 770-778, 2016. doi:10.1109/CVPR.2016.90.",
}

WIDTHS = (64, 128, 256, 512)  # table 1: channels of a stage's 3 x 3 convolutions


def _projection(inputs: int, outputs: int, stride: int) -> nn.Module | None:
    """Return what brings a shortcut to its block's shape (option B); None where it has that shape."""
    if stride == 1 and inputs == outputs:
        return None
    weights = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
    return nn.Sequential(OrderedDict(conv=weights, bn=nn.BatchNorm2d(outputs)))


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions around a shortcut.

    Takes batch x inputs x h x w, gives batch x width x h/stride x w/stride.
    """

    expansion: ClassVar[int] = 1  # output channels for each of the width's

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _projection(inputs, width, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += shortcut
        return self.relu(y)


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolutions around a shortcut.

    Takes batch x inputs x h x w, gives batch x 4*width x h/stride x w/stride. The 3 x 3 convolution strides, as in the
    network that torch's users know; in the paper the first 1 x 1 does.
    """

    expansion: ClassVar[int] = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = self.expansion * width
        self.conv1 = nn.Conv2d(inputs, width, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = _projection(inputs, outputs, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += shortcut
        return self.relu(y)


def resnet18(
    num_classes: int = 1000, *, width: float = 1.0, depths: Sequence[int] = (2, 2, 2, 2), image: int = 224
) -> Network:
    """Return ResNet-18 for 224 x 224 images: 20 convolutions, 1 fully connected layer, 11,689,512 parameters.

    Three of the convolutions are projections on shortcuts, which the name's 18 does not count.

    Args:
        num_classes: scores.
        width: multiplies all channels.
        depths: blocks of each stage.
        image: pixels of a side.
    """
    return _resnet(BasicBlock, depths, num_classes, width, image)


def resnet50(
    num_classes: int = 1000, *, width: float = 1.0, depths: Sequence[int] = (3, 4, 6, 3), image: int = 224
) -> Network:
    """Return ResNet-50 for 224 x 224 images: 53 convolutions, 1 fully connected layer, 25,557,032 parameters.

    Four of the convolutions are projections on shortcuts.

    Args:
        num_classes: scores.
        width: multiplies all channels.
        depths: blocks of each stage.
        image: pixels of a side.
    """
    return _resnet(Bottleneck, depths, num_classes, width, image)


def _resnet(
    block: type[BasicBlock | Bottleneck], depths: Sequence[int], num_classes: int, by: float, image: int
) -> Network:
    """Return the network whose stages have so many blocks of this kind (table 1), all channels multiplied."""
    depths, side = check_depths(depths, len(WIDTHS)), check_side(image)
    channels = scaled(WIDTHS[0], by)
    layers: dict[str, nn.Module] = {
        "conv1": nn.Conv2d(3, channels, kernel_size=7, stride=2, padding=3, bias=False),
        "bn1": nn.BatchNorm2d(channels),
        "relu": nn.ReLU(inplace=True),
        "maxpool": nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
    }
    for stage, (width, depth) in enumerate(zip(WIDTHS, depths, strict=True), start=1):
        blocks: list[nn.Module] = []
        for place in range(depth):
            blocks.append(block(channels, scaled(width, by), 2 if stage > 1 and place == 0 else 1))
            channels = scaled(width, by) * block.expansion
        layers[f"layer{stage}"] = nn.Sequential(*blocks)
    layers |= {"avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "fc": nn.Linear(channels, num_classes)}
    return Network(layers, dict(WORKS), (3, side, side))
