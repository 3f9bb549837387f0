"""MobileNets of three generations: separable convolutions, inverted residuals, and those found by search."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from torch import nn

from workloads.networks.blocks import Inverted, SqueezeExcite, convolution
from workloads.networks.network import Network, check_depths, check_side, scaled

WORKS = {
    "howard2017": "A. G. Howard, M. Zhu, B. Chen, D. Kalenichenko, W. Wang, T. Weyand, M. Andreetto, H. Adam. "
    "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications. arXiv:1704.04861, 2017.",
    "sandler2018": "M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L.-C. Chen. MobileNetV2: Inverted Residuals and "
    "Linear Bottlenecks. IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR), pp. 4510-4520, 2018. "
    "arXiv:1801.04381.",
    "howard2019": "A. Howard, M. Sandler, G. Chu, L.-C. Chen, B. Chen, M. Tan, W. Wang, Y. Zhu, R. Pang, V. Vasudevan, "
    "Q. V. Le, H. Adam. Searching for MobileNetV3. IEEE/CVF International Conference on Computer Vision (ICCV), "
    "pp. 1314-1324, 2019. arXiv:1905.02244.",
}

# Howard et al. 2017, table 1: channels and stride of each depthwise separable convolution after the first layer's 32.
SEPARABLE = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))

# Sandler et al. 2018, table 2: expansion, channels, blocks, stride of the first block.
INVERTED = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


class Row(NamedTuple):
    """A row of tables 1 and 2 of Howard et al. 2019."""

    size: int  # of the depthwise window
    expanded: int  # channels
    outputs: int  # channels
    gated: bool  # squeeze and excite
    activation: type[nn.Module]
    stride: int


RE, HS = nn.ReLU, nn.Hardswish
LARGE = tuple(Row(*row) for row in (
    (3, 16, 16, False, RE, 1), (3, 64, 24, False, RE, 2), (3, 72, 24, False, RE, 1), (5, 72, 40, True, RE, 2),
    (5, 120, 40, True, RE, 1), (5, 120, 40, True, RE, 1), (3, 240, 80, False, HS, 2), (3, 200, 80, False, HS, 1),
    (3, 184, 80, False, HS, 1), (3, 184, 80, False, HS, 1), (3, 480, 112, True, HS, 1), (3, 672, 112, True, HS, 1),
    (5, 672, 160, True, HS, 2), (5, 960, 160, True, HS, 1), (5, 960, 160, True, HS, 1),
))  # fmt: skip
SMALL = tuple(Row(*row) for row in (
    (3, 16, 16, True, RE, 2), (3, 72, 24, False, RE, 2), (3, 88, 24, False, RE, 1), (5, 96, 40, True, HS, 2),
    (5, 240, 40, True, HS, 1), (5, 240, 40, True, HS, 1), (5, 120, 48, True, HS, 1), (5, 144, 48, True, HS, 1),
    (5, 288, 96, True, HS, 2), (5, 576, 96, True, HS, 1), (5, 576, 96, True, HS, 1),
))  # fmt: skip


def mobilenet_v1(num_classes: int = 1000) -> Network:
    """Return MobileNet for 224 x 224 images: 27 convolutions, 1 fully connected layer, 4,231,976 parameters."""
    layers: dict[str, nn.Module] = {"conv1": convolution(3, 32, 3, stride=2)}
    channels = 32
    for number, (width, stride) in enumerate(SEPARABLE, start=2):
        depthwise = convolution(channels, channels, 3, stride, groups=channels)
        pointwise = convolution(channels, width, 1)
        layers[f"conv{number}"] = nn.Sequential(OrderedDict(depthwise=depthwise, pointwise=pointwise))
        channels = width
    return Network(layers | _head(channels, num_classes), _works("howard2017"))


def mobilenet_v2(
    num_classes: int = 1000, *, width: float = 1.0, depths: Sequence[int] | None = None, image: int = 224
) -> Network:
    """Return MobileNetV2 for 224 x 224 images: 52 convolutions, 1 fully connected layer, 3,504,872 parameters.

    Args:
        num_classes: scores.
        width: multiplies all channels, to multiples of 8; those of the last convolution only where it is above 1, as
            in the paper (section 6.1).
        depths: blocks of each of the seven stages; None: those of the paper's table 2.
        image: pixels of a side.
    """
    depths = check_depths([row[2] for row in INVERTED] if depths is None else depths, len(INVERTED))
    side, last = check_side(image), _eights(1280, max(1.0, width))
    channels = _eights(32, width)
    layers: dict[str, nn.Module] = {"conv1": convolution(3, channels, 3, stride=2, activation=nn.ReLU6)}
    for stage, ((expansion, base, _, first), blocks) in enumerate(zip(INVERTED, depths, strict=True), start=1):
        wide = _eights(base, width)
        for place in range(1, blocks + 1):
            stride = first if place == 1 else 1
            layers[f"block{stage}_{place}"] = Inverted(channels, expansion * channels, wide, 3, stride, nn.ReLU6)
            channels = wide
    layers["conv2"] = convolution(channels, last, 1, activation=nn.ReLU6)
    return Network(layers | _head(last, num_classes, 0.2), _works("sandler2018"), (3, side, side))


def mobilenet_v3_large(num_classes: int = 1000) -> Network:
    """Return MobileNetV3-Large for 224 x 224 images: 5,483,032 parameters."""
    return _third(LARGE, 1280, num_classes)


def mobilenet_v3_small(num_classes: int = 1000) -> Network:
    """Return MobileNetV3-Small for 224 x 224 images: 2,542,856 parameters."""
    return _third(SMALL, 1024, num_classes)


def _third(rows: tuple[Row, ...], hidden: int, num_classes: int) -> Network:
    """Return a network of the third generation; its last stage works on one pixel, after the pooling."""
    layers: dict[str, nn.Module] = {"conv1": convolution(3, 16, 3, stride=2, activation=nn.Hardswish)}
    channels = 16
    for number, row in enumerate(rows, start=1):
        gate = _gate if row.gated else None
        layers[f"bneck{number}"] = Inverted(
            channels, row.expanded, row.outputs, row.size, row.stride, row.activation, gate
        )
        channels = row.outputs
    wide = 6 * channels
    layers |= {
        "conv2": convolution(channels, wide, 1, activation=nn.Hardswish),
        "pool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "fc1": nn.Linear(wide, hidden),
        "act": nn.Hardswish(inplace=True),
        "drop": nn.Dropout(0.2),
        "fc2": nn.Linear(hidden, num_classes),
    }
    return Network(layers, _works("sandler2018", "howard2019"))


def _gate(channels: int) -> nn.Module:
    """Return the gate of section 5.3: a quarter of the channels, as a multiple of 8."""
    return SqueezeExcite(channels, _eights(channels, 1 / 4), nn.ReLU, nn.Hardsigmoid)


def _eights(channels: int, by: float) -> int:
    """Return channels times a multiplier, to the nearest multiple of 8 that is not below nine tenths of it."""
    found = scaled(channels, by, 8)
    return found + 8 if found < 0.9 * channels * by else found


def _head(channels: int, num_classes: int, drop: float = 0.0) -> dict[str, nn.Module]:
    layers: dict[str, nn.Module] = {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten()}
    return layers | ({"drop": nn.Dropout(drop)} if drop else {}) | {"fc": nn.Linear(channels, num_classes)}


def _works(*keys: str) -> dict[str, str]:
    return {key: WORKS[key] for key in keys}
