"""VGG with 16 weight layers (configuration D)."""

from torch import nn

from workloads.networks.network import Network

WORKS = {
    "simonyan2015": "K. Simonyan, A. Zisserman. Very Deep Convolutional Networks for Large-Scale Image Recognition. "
    "International Conference on Learning Representations (ICLR), 2015. arXiv:1409.1556.",
}

# Table 1, column D: output channels of the 3 x 3 convolutions of each stage; a pooling ends each stage.
CONFIGURATION_D = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


def vgg16(num_classes: int = 1000) -> Network:
    """Return VGG-16 for 224 x 224 images: 13 convolutions, 3 fully connected layers, 138,357,544 parameters.

    Without batch normalisation, as in the paper. Layers are named by stage: `conv3_2` is the second of stage 3.
    """
    layers: dict[str, nn.Module] = {}
    channels = 3
    for stage, widths in enumerate(CONFIGURATION_D, start=1):
        for place, width in enumerate(widths, start=1):
            layers[f"conv{stage}_{place}"] = nn.Conv2d(channels, width, kernel_size=3, padding=1)
            layers[f"relu{stage}_{place}"] = nn.ReLU(inplace=True)
            channels = width
        layers[f"pool{stage}"] = nn.MaxPool2d(kernel_size=2, stride=2)
    layers |= {
        "flatten": nn.Flatten(),
        "fc6": nn.Linear(512 * 7 * 7, 4096),
        "relu6": nn.ReLU(inplace=True),
        "drop6": nn.Dropout(0.5),
        "fc7": nn.Linear(4096, 4096),
        "relu7": nn.ReLU(inplace=True),
        "drop7": nn.Dropout(0.5),
        "fc8": nn.Linear(4096, num_classes),
    }
    return Network(layers, dict(WORKS))
