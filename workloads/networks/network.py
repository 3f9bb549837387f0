"""What networks here share: named layers in a row, an example of their input, and the papers they come from."""

import math
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import nn

from traces.errors import InputError

IMAGE_SHAPE = (3, 224, 224)  # channels, height, width: the crop of ImageNet that all these papers count with


def check_batch(batch: int) -> int:
    """Return the batch.

    Raises:
        InputError: where it is not a whole number of at least 1.
    """
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise InputError(f"batch {batch!r}: not a number of examples; give a whole number of at least 1, such as 4")
    return batch


def check_length(length: int, least: int, most: int, what: str) -> int:
    """Return the length.

    Raises:
        InputError: where it is not a whole number from `least` to `most`.
    """
    if isinstance(length, bool) or not isinstance(length, int) or not least <= length <= most:
        raise InputError(f"{what} {length!r}: give a whole number from {least} to {most}")
    return length


def check_side(image: int, least: int = 1) -> int:
    """Return the side of a square image, in pixels.

    Raises:
        InputError: where it is not a whole number from `least` to 8192.
    """
    return check_length(image, least, 8192, "image")


def scaled(channels: int, width: float, multiple: int = 1) -> int:
    """Return channels times a width multiplier: the nearest multiple, at least one of it.

    Raises:
        InputError: the multiplier is not a number above 0.
    """
    if isinstance(width, bool) or not isinstance(width, (int, float)) or not 0 < width < math.inf:
        raise InputError(f"width {width!r}: multiplies channels; give a number above 0, such as 0.5")
    return max(1, math.floor(channels * width / multiple + 0.5)) * multiple


def check_depths(depths: Sequence[int], stages: int) -> tuple[int, ...]:
    """Return the blocks of each stage.

    Raises:
        InputError: they are not so many whole numbers of at least 1.
    """
    if isinstance(depths, str) or not isinstance(depths, Sequence) or len(depths) != stages:
        raise InputError(f"depths {depths!r}: give {stages} whole numbers, the blocks of each stage")
    return tuple(check_length(depth, 1, 1000, "blocks of a stage") for depth in depths)


class Network(nn.Sequential):
    """Layers applied in order, under the names they have in their paper.

    Attributes:
        works: key -> full citation of each paper the network is built from.
        image: channels, height and width of an example.
    """

    def __init__(
        self, layers: dict[str, nn.Module], works: dict[str, str], image: tuple[int, int, int] = IMAGE_SHAPE
    ) -> None:
        super().__init__(OrderedDict(layers))
        self.works = works
        self.image = image

    def example_inputs(self, batch: int) -> tuple[torch.Tensor, ...]:
        """Return one float32 tensor of zeros, batch x channels x height x width, on the current default device.

        Raises:
            InputError: for a batch that is not a whole number of at least 1.
        """
        return (torch.zeros(check_batch(batch), *self.image, dtype=torch.float32),)
