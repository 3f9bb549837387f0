"""ResNet with 18 weight layers."""

from collections import OrderedDict

import torch
from torch import nn

from workloads.networks.network import Network

WORKS = {
    "he2016": "K. He, X. Zhang, S. Ren, J. Sun. Deep Residual Learning for Image Recognition. IEEE Conference on "
    "Computer Vision and Pattern Recognition (CVPR), pp. 770-778, 2016. doi:10.1109/CVPR.2016.90.",
}


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions around a shortcut, which projects (option B) where the shape changes.

    Takes batch x inputs x h x w, gives batch x outputs x h/stride x w/stride.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.downsample = nn.Sequential(OrderedDict(conv=projection, bn=nn.BatchNorm2d(outputs)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += shortcut
        return self.relu(y)


def resnet18(num_classes: int = 1000) -> Network:
    """Return ResNet-18 for 224 x 224 images: 20 convolutions, 1 fully connected layer, 11,689,512 parameters.

    Three of the convolutions are projections on shortcuts, which the name's 18 does not count.
    """
    layers: dict[str, nn.Module] = {
        "conv1": nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False),
        "bn1": nn.BatchNorm2d(64),
        "relu": nn.ReLU(inplace=True),
        "maxpool": nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
    }
    channels = 64
    for stage, width in enumerate((64, 128, 256, 512), start=1):
        stride = 1 if stage == 1 else 2
        layers[f"layer{stage}"] = nn.Sequential(BasicBlock(channels, width, stride), BasicBlock(width, width, 1))
        channels = width
    layers |= {"avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "fc": nn.Linear(512, num_classes)}
    return Network(layers, dict(WORKS))
