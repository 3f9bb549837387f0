"""EfficientNet-B0, the base of the scaled family."""

from torch import nn

from workloads.networks.blocks import Inverted, SqueezeExcite, convolution
from workloads.networks.network import Network

WORKS = {
    "tan2019": "M. Tan, Q. V. Le. EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks. "
    "International Conference on Machine Learning (ICML), PMLR 97, pp. 6105-6114, 2019. arXiv:1905.11946.",
}

# Table 1, stages 2 to 8: expansion, window, channels, blocks, stride of the first block.
STAGES = (
    (1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2), (6, 5, 112, 3, 1), (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)  # fmt: skip
DROP_PATH = 0.2  # of the last block; section 5.2 gives the survival probability 0.8


def efficientnet_b0(num_classes: int = 1000) -> Network:
    """Return EfficientNet-B0 for 224 x 224 images: 5,288,548 parameters.

    Gates squeeze to a quarter of a block's input channels. Blocks are left out while training with a probability that
    grows evenly with depth; dropout of 0.2 precedes the classifier.
    """
    layers: dict[str, nn.Module] = {"conv1": convolution(3, 32, 3, stride=2, activation=nn.SiLU)}
    channels, number, total = 32, 0, sum(stage[3] for stage in STAGES)
    for stage, (expansion, size, width, blocks, first) in enumerate(STAGES, start=2):
        for place in range(1, blocks + 1):
            stride, squeezed = (first if place == 1 else 1), channels // 4

            def gate(expanded: int, squeezed: int = squeezed) -> nn.Module:
                return SqueezeExcite(expanded, squeezed, nn.SiLU, nn.Sigmoid)

            layers[f"block{stage}_{place}"] = Inverted(
                channels, expansion * channels, width, size, stride, nn.SiLU, gate, DROP_PATH * number / total
            )
            channels, number = width, number + 1
    layers |= {
        "conv9": convolution(channels, 1280, 1, activation=nn.SiLU),
        "pool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "drop": nn.Dropout(0.2),
        "fc": nn.Linear(1280, num_classes),
    }
    return Network(layers, dict(WORKS))
