"""Networks for small images, which train on two processor cores: residual, plain, and of inverted residuals.

Layers are named by stage and block, as in the large ones: `layer2.0` is the first block of the second stage.
"""

from collections.abc import Sequence

from torch import nn

from traces.errors import InputError
from workloads.networks import mobilenet, resnet, vgg
from workloads.networks.blocks import Inverted, convolution
from workloads.networks.network import Network, check_depths, scaled
from workloads.networks.resnet import BasicBlock

Image = tuple[int, int, int]
CIFAR: Image = (3, 32, 32)
# Expansion, channels, blocks, stride of the first block: stages of MobileNetV2's, for maps that are small at the start.
MOBILE = ((1, 8, 1, 1), (4, 12, 2, 1), (4, 16, 2, 2), (4, 32, 2, 2))


def resnet_cifar(
    depth_per_stage: int | Sequence[int] = (1, 1, 1), width: int = 16, classes: int = 10, image: Image = CIFAR
) -> Network:
    """Return the residual network for small images (He et al. 2016, section 4.2).

    A 3 x 3 convolution, then three stages of `width`, twice and four times as many channels; the second and the third
    halve the maps. n blocks in each give 6n + 2 weight layers: ResNet-20 is n = 3, ResNet-56 is n = 9. Shortcuts
    between stages are 1 x 1 convolutions (option B), which the layers do not count, where the paper pads with zeros.

    Args:
        depth_per_stage: blocks of each of the three stages, or of all.
        width: channels of the first stage.
        classes: scores.
        image: channels, height, width.
    """
    depths = check_depths((depth_per_stage,) * 3 if isinstance(depth_per_stage, int) else depth_per_stage, 3)
    _check(width=width, classes=classes)
    layers: dict[str, nn.Module] = {
        "conv1": nn.Conv2d(image[0], width, kernel_size=3, padding=1, bias=False),
        "bn1": nn.BatchNorm2d(width),
        "relu": nn.ReLU(inplace=True),
    }
    channels = width
    for stage, depth in enumerate(depths, start=1):
        blocks = []
        for place in range(depth):
            wide = width << (stage - 1)
            blocks.append(BasicBlock(channels, wide, 2 if stage > 1 and place == 0 else 1))
            channels = wide
        layers[f"layer{stage}"] = nn.Sequential(*blocks)
    layers |= {"avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "fc": nn.Linear(channels, classes)}
    return Network(layers, dict(resnet.WORKS), image)


def resnet20(num_classes: int = 10, width: int = 16) -> Network:
    """Return ResNet-20 for 32 x 32 images: 272,474 parameters."""
    return resnet_cifar(3, width, num_classes)


def resnet56(num_classes: int = 10, width: int = 16) -> Network:
    """Return ResNet-56 for 32 x 32 images: 855,770 parameters."""
    return resnet_cifar(9, width, num_classes)


def vgg_small(
    widths: Sequence[Sequence[int]] = ((16, 16), (32, 32), (64, 64)), classes: int = 10, image: Image = CIFAR
) -> Network:
    """Return 3 x 3 convolutions with batch normalisation, as VGG stacks them, one fully connected layer at the end.

    Args:
        widths: channels of the convolutions of each stage; a pooling ends each stage but the last, after which comes
            the mean of each map.
        classes: scores.
        image: channels, height, width.
    """
    if not widths or not all(widths):
        raise InputError(f"widths {widths}: give the channels of each stage, such as ((16, 16), (32, 32))")
    if min(image[1:]) >> (len(widths) - 1) < 1:
        raise InputError(f"image {image}: {len(widths)} stages leave no pixel of it; give fewer, or larger images")
    layers: dict[str, nn.Module] = {}
    channels = image[0]
    for stage, own in enumerate(widths, start=1):
        for place, width in enumerate(own, start=1):
            _check(width=width, classes=classes)
            layers[f"conv{stage}_{place}"] = nn.Conv2d(channels, width, kernel_size=3, padding=1, bias=False)
            layers[f"bn{stage}_{place}"] = nn.BatchNorm2d(width)
            layers[f"relu{stage}_{place}"] = nn.ReLU(inplace=True)
            channels = width
        if stage < len(widths):
            layers[f"pool{stage}"] = nn.MaxPool2d(kernel_size=2, stride=2)
    layers |= {"avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "fc": nn.Linear(channels, classes)}
    return Network(layers, dict(vgg.WORKS), image)


def mobile_small(
    width: float = 1.0,
    depths: Sequence[int] | None = None,
    classes: int = 10,
    image: Image = CIFAR,
    stages: Sequence[tuple[int, int, int, int]] = MOBILE,
) -> Network:
    """Return inverted residuals for small images.

    Args:
        width: multiplies all channels.
        depths: blocks of each stage; None: as `stages` says.
        classes: scores.
        image: channels, height, width.
        stages: expansion, channels, blocks, stride of the first block of each.
    """
    depths = check_depths([row[2] for row in stages] if depths is None else depths, len(stages))
    _check(classes=classes)
    first, last = scaled(stages[0][1], width), scaled(4 * stages[-1][1], width)
    layers: dict[str, nn.Module] = {"conv1": convolution(image[0], first, 3, activation=nn.ReLU6)}
    channels = first
    for stage, ((expansion, base, _, stride), depth) in enumerate(zip(stages, depths, strict=True), start=1):
        blocks, wide = [], scaled(base, width)
        for place in range(depth):
            blocks.append(Inverted(channels, expansion * channels, wide, 3, stride if place == 0 else 1, nn.ReLU6))
            channels = wide
        layers[f"layer{stage}"] = nn.Sequential(*blocks)
    layers["conv2"] = convolution(channels, last, 1, activation=nn.ReLU6)
    layers |= {"avgpool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "fc": nn.Linear(last, classes)}
    return Network(layers, {"sandler2018": mobilenet.WORKS["sandler2018"]}, image)


def _check(**counts: int) -> None:
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise InputError(f"{name} {count!r}: give a whole number of at least 1")
