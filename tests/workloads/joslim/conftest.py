from functools import cache

import pytest
import torch

from workloads.channels import find_channels
from workloads.joslim.space import WidthSpace
from workloads.networks.small import vgg_small

IMAGE = (1, 8, 8)


@cache
def _small():
    torch.manual_seed(0)
    module = vgg_small(((4,), (8,)), 10, IMAGE)
    return module, find_channels(module, module.example_inputs(2))


@pytest.fixture
def small():
    """A network of two convolutions of 4 and 8 channels, its channels, and its widths from a quarter on."""
    module, channels = _small()
    return module, channels, WidthSpace.of(channels, 0.25)
