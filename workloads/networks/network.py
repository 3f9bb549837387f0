"""What every network here is: named layers in a row, an example of its input, and the papers it comes from."""

from collections import OrderedDict

import torch
from torch import nn

from traces.errors import InputError

IMAGE_SHAPE = (3, 224, 224)  # channels, height, width: the crop of ImageNet that all these papers count with


class Network(nn.Sequential):
    """Layers applied in order, under the names they have in their paper.

    Attributes:
        works: key -> full citation of each paper the network is built from.
    """

    def __init__(self, layers: dict[str, nn.Module], works: dict[str, str]) -> None:
        super().__init__(OrderedDict(layers))
        self.works = works

    def example_inputs(self, batch: int) -> tuple[torch.Tensor, ...]:
        """Return one float32 tensor of zeros, batch x 3 x 224 x 224, on the current default device.

        Raises:
            InputError: for a batch that is not a whole number of at least 1.
        """
        if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
            raise InputError(f"batch {batch!r}: not a number of images; give a whole number of at least 1, such as 4")
        return (torch.zeros(batch, *IMAGE_SHAPE, dtype=torch.float32),)
