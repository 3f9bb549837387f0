"""SqueezeNet, version 1.0."""

import torch
from torch import nn

from workloads.networks.network import Network

WORKS = {
    "iandola2016": "F. N. Iandola, S. Han, M. W. Moskewicz, K. Ashraf, W. J. Dally, K. Keutzer. SqueezeNet: "
    "AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size. arXiv:1602.07360, 2016.",
}

# Table 1: channels of the squeeze layer and of each of the two expand layers, fire2 to fire9.
FIRES = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128), 6: (48, 192), 7: (48, 192), 8: (64, 256), 9: (64, 256)}
POOL_AFTER = (4, 8)  # a max-pooling follows fire4 and fire8


class Fire(nn.Module):
    """A 1 x 1 squeeze layer, then 1 x 1 and 3 x 3 expand layers side by side, their channels joined in that order.

    Takes batch x inputs x h x w, gives batch x 2*expand x h x w.
    """

    def __init__(self, inputs: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, kernel_size=1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, kernel_size=1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, kernel_size=3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        squeezed = self.relu(self.squeeze(x))
        return torch.cat([self.relu(self.expand1x1(squeezed)), self.relu(self.expand3x3(squeezed))], dim=1)


def squeezenet(num_classes: int = 1000) -> Network:
    """Return SqueezeNet 1.0 for 224 x 224 images: 26 convolutions, no fully connected layer, 1,248,424 parameters.

    conv1 is not padded and poolings round up, so maps are 109, 54, 27 and 13 pixels wide.
    """
    layers: dict[str, nn.Module] = {
        "conv1": nn.Conv2d(3, 96, kernel_size=7, stride=2),
        "relu1": nn.ReLU(inplace=True),
        "pool1": nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),
    }
    channels = 96
    for number, (squeeze, expand) in FIRES.items():
        layers[f"fire{number}"] = Fire(channels, squeeze, expand)
        channels = 2 * expand
        if number in POOL_AFTER:
            layers[f"pool{number}"] = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
    layers |= {
        "drop9": nn.Dropout(0.5),
        "conv10": nn.Conv2d(channels, num_classes, kernel_size=1),
        "relu10": nn.ReLU(inplace=True),
        "pool10": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
    }
    return Network(layers, dict(WORKS))
