"""VGG with 16 weight layers (configuration D)."""

from torch import nn

from workloads.networks.network import Network, check_side, scaled

WORKS = {
    "simonyan2015": "K. Simonyan, A. Zisserman. Very Deep Convolutional Networks for Large-Scale Image Recognition. "
    "International Conference on Learning Representations (ICLR), 2015. arXiv:1409.1556.",
}

# Table 1, column D: output channels of the 3 x 3 convolutions of each stage; a pooling ends each stage.
CONFIGURATION_D = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


def vgg16(num_classes: int = 1000, *, width: float = 1.0, image: int = 224) -> Network:
    """Return VGG-16 for 224 x 224 images: 13 convolutions, 3 fully connected layers, 138,357,544 parameters.

    Without batch normalisation, as in the paper. Layers are named by stage: `conv3_2` is the second of stage 3.

    Args:
        num_classes: scores.
        width: multiplies the channels of all layers but the last.
        image: pixels of a side, at least 32, which five poolings leave one of.
    """
    side = check_side(image, 1 << len(CONFIGURATION_D))
    layers: dict[str, nn.Module] = {}
    channels = 3
    for stage, widths in enumerate(CONFIGURATION_D, start=1):
        for place, base in enumerate(widths, start=1):
            wide = scaled(base, width)
            layers[f"conv{stage}_{place}"] = nn.Conv2d(channels, wide, kernel_size=3, padding=1)
            layers[f"relu{stage}_{place}"] = nn.ReLU(inplace=True)
            channels = wide
        layers[f"pool{stage}"] = nn.MaxPool2d(kernel_size=2, stride=2)
    hidden = scaled(4096, width)
    layers |= {
        "flatten": nn.Flatten(),
        "fc6": nn.Linear(channels * (side >> len(CONFIGURATION_D)) ** 2, hidden),
        "relu6": nn.ReLU(inplace=True),
        "drop6": nn.Dropout(0.5),
        "fc7": nn.Linear(hidden, hidden),
        "relu7": nn.ReLU(inplace=True),
        "drop7": nn.Dropout(0.5),
        "fc8": nn.Linear(hidden, num_classes),
    }
    return Network(layers, dict(WORKS), (3, side, side))
