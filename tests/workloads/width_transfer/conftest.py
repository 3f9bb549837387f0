"""A small network, its images and its channels, found once."""

import pytest
import torch

from workloads.channels import find_channels
from workloads.images import load_images
from workloads.networks.small import resnet_cifar
from workloads.training import seeded


@pytest.fixture(scope="session")
def images():
    return load_images("digits", limit=160)


@pytest.fixture(scope="session")
def make(images):
    return lambda: resnet_cifar(1, 4, images.classes, images.shape)


@pytest.fixture
def module(make):
    return seeded(make, 0)


@pytest.fixture(scope="session")
def channels(make, images):
    return find_channels(make(), (torch.zeros(2, *images.shape),))
