"""GoogLeNet with batch normalisation, without the auxiliary classifiers."""

from collections import OrderedDict
from typing import NamedTuple

import torch
from torch import nn

from workloads.networks.blocks import convolution
from workloads.networks.network import Network

WORKS = {
    "szegedy2015": "C. Szegedy, W. Liu, Y. Jia, P. Sermanet, S. Reed, D. Anguelov, D. Erhan, V. Vanhoucke, "
    "A. Rabinovich. Going Deeper with Convolutions. IEEE Conference on Computer Vision and Pattern Recognition (CVPR), "
    "pp. 1-9, 2015. doi:10.1109/CVPR.2015.7298594.",
    "ioffe2015": "S. Ioffe, C. Szegedy. Batch Normalization: Accelerating Deep Network Training by Reducing Internal "
    "Covariate Shift. International Conference on Machine Learning (ICML), pp. 448-456, 2015. arXiv:1502.03167.",
}


class Widths(NamedTuple):
    """A row of the paper's table 1: channels of each layer of an inception module."""

    direct: int  # 1 x 1
    reduce3: int  # 1 x 1 before the 3 x 3
    conv3: int
    reduce5: int  # 1 x 1 before the 5 x 5
    conv5: int
    project: int  # 1 x 1 after the pooling

    @property
    def outputs(self) -> int:
        return self.direct + self.conv3 + self.conv5 + self.project


INCEPTIONS = {
    "3a": Widths(64, 96, 128, 16, 32, 32),
    "3b": Widths(128, 128, 192, 32, 96, 64),
    "4a": Widths(192, 96, 208, 16, 48, 64),
    "4b": Widths(160, 112, 224, 24, 64, 64),
    "4c": Widths(128, 128, 256, 24, 64, 64),
    "4d": Widths(112, 144, 288, 32, 64, 64),
    "4e": Widths(256, 160, 320, 32, 128, 128),
    "5a": Widths(256, 160, 320, 32, 128, 128),
    "5b": Widths(384, 192, 384, 48, 128, 128),
}
POOL_AFTER = ("3b", "4e")  # a max-pooling follows these modules


class Inception(nn.Module):
    """Four branches over one input, their channels joined: 1 x 1; 3 x 3; "5 x 5"; pooling.

    Takes batch x inputs x h x w, gives batch x widths.outputs x h x w. The third branch's convolution is 3 x 3 here,
    not 5 x 5 as in the paper: that is the network of 6,624,904 parameters that torch's users know; with 5 x 5 it would
    have 7,005,832.
    """

    def __init__(self, inputs: int, widths: Widths) -> None:
        super().__init__()
        self.branch1 = convolution(inputs, widths.direct, 1)
        self.branch2 = nn.Sequential(
            OrderedDict(reduce=convolution(inputs, widths.reduce3, 1), conv=convolution(*widths[1:3], 3))
        )
        self.branch3 = nn.Sequential(
            OrderedDict(reduce=convolution(inputs, widths.reduce5, 1), conv=convolution(*widths[3:5], 3))
        )
        self.branch4 = nn.Sequential(
            OrderedDict(
                pool=nn.MaxPool2d(kernel_size=3, stride=1, padding=1), project=convolution(inputs, widths.project, 1)
            )
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], dim=1)


def googlenet(num_classes: int = 1000) -> Network:
    """Return GoogLeNet for 224 x 224 images: 57 convolutions, 1 fully connected layer, 6,624,904 parameters.

    Batch normalisation follows each convolution and takes the place of its bias and of local response normalisation.
    Poolings round up, as in the paper: maps are 112, 56, 28, 14 and 7 pixels wide.
    """
    layers: dict[str, nn.Module] = {
        "conv1": convolution(3, 64, 7, stride=2),
        "pool1": nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),
        "conv2_reduce": convolution(64, 64, 1),
        "conv2": convolution(64, 192, 3),
        "pool2": nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),
    }
    channels = 192
    for name, widths in INCEPTIONS.items():
        layers[f"inception{name}"] = Inception(channels, widths)
        channels = widths.outputs
        if name in POOL_AFTER:
            layers[f"pool{name[0]}"] = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
    layers |= {
        "avgpool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "drop": nn.Dropout(0.4),
        "fc": nn.Linear(channels, num_classes),
    }
    return Network(layers, dict(WORKS))
