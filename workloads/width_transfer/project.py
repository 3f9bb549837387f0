"""What widths are searched on: a network and its images, and cheaper versions of both."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from circuits.errors import InputError
from traces.networks import find_network
from workloads.channels import Channels, find_channels
from workloads.images import ImageSet
from workloads.training.subjects import check_subject, make_subject, parameters_of
from workloads.width_transfer.fresh import fresh

PROJECTIONS = ("width", "depth", "resolution", "data")
DEPTHS = ("depths", "depth_per_stage")  # names of an argument that says blocks of each stage, or of all
_BLOCK = re.compile(r"([A-Za-z]+\d+)[._]\d+")


@dataclasses.dataclass(frozen=True)
class Source:
    """How a network is made.

    Attributes:
        network: a known network, or `package.module:factory`.
        arguments: of its factory, name and value; it is told `classes` or `num_classes` and `image` if it asks.
        classes: scores. shape: channels, height and width of an image.
        width: share of each unit's channels.
    """

    network: str
    arguments: tuple[tuple[str, Any], ...]
    classes: int
    shape: tuple[int, int, int]
    width: float = 1.0

    def make(self) -> nn.Module:
        """Return the network, its weights drawn from torch's own random numbers.

        Raises:
            InputError: it cannot be made, or cannot be drawn at this width.
        """
        if self.width == 1.0:
            return self._whole()
        whole = dataclasses.replace(self, width=1.0)
        channels = channels_of(whole)
        return fresh(self._whole(), channels, channels.widths(self.width), int(torch.randint(1 << 62, ())))

    def _whole(self) -> nn.Module:
        return make_subject(self.network, self.shape, self.classes, dict(self.arguments))


@lru_cache(maxsize=32)
def channels_of(source: Source) -> Channels:
    """Return what may be narrower in a network; found once for all seeds.

    Raises:
        InputError: it cannot be made, is not for such images, or nothing of it may be narrower.
    """
    module = source.make()
    check_subject(module, source.shape, source.classes, source.network)
    return find_channels(module, (torch.zeros(2, *source.shape),))


@dataclasses.dataclass(frozen=True)
class Task:
    """A network and the images it learns from."""

    source: Source
    images: ImageSet

    @property
    def channels(self) -> Channels:
        return channels_of(self.source)


def make_task(network: str, arguments: Mapping[str, Any], images: ImageSet) -> Task:
    """Return the task of a network with factory arguments on images."""
    plain = tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in arguments.items())
    return Task(Source(network, plain, images.classes, images.shape), images)


@dataclasses.dataclass(frozen=True)
class Strength:
    """How much cheaper each projection is.

    Attributes:
        width: share of all channels. depth: blocks a stage. resolution: share of the side. data: share of the images.
    """

    width: float = 0.5
    depth: int = 1
    resolution: float = 0.5
    data: float = 0.25


def project(task: Task, kinds: tuple[str, ...], strength: Strength, seed: int) -> Task:
    """Return a cheaper task.

    Args:
        task: the one whose widths are wanted.
        kinds: any of `PROJECTIONS`; several are done together.
        strength: of each.
        seed: of the images that are kept.

    Raises:
        InputError: no such projection; the factory takes no depth; nothing becomes cheaper.
    """
    for kind in kinds:
        if kind not in PROJECTIONS:
            raise InputError(f"projection {kind!r}: give {', '.join(PROJECTIONS)}, or all")
    images, source = task.images, task.source
    if "data" in kinds:
        images = images.subset(strength.data, seed)
    if "resolution" in kinds:
        images = images.resized(max(1, round(images.shape[1] * strength.resolution)))
    if "depth" in kinds:
        less = shallow(source.network, dict(source.arguments), strength.depth, source.make)
        source = dataclasses.replace(source, arguments=tuple((dict(source.arguments) | less).items()))
    width = strength.width if "width" in kinds else 1.0
    return Task(dataclasses.replace(source, shape=images.shape, width=width), images)


def shallow(network: str, arguments: Mapping[str, Any], depth: int, make: Callable[[], nn.Module]) -> dict[str, Any]:
    """Return the argument for as many blocks a stage, or as many as it has where those are fewer.

    Args:
        network: whose factory is meant.
        arguments: that it is given.
        depth: blocks a stage.
        make: makes the network; asked where the arguments do not say how deep it is.

    Raises:
        InputError: the factory takes no depth, or the network has not more blocks.
    """
    known = parameters_of(find_network(network)) or {}
    name = next((name for name in DEPTHS if name in known), None)
    if name is None:
        raise InputError(f"network {network!r}: its factory has no argument {' or '.join(DEPTHS)}, so that it has no "
                         "shallower version; leave the projection depth out")  # fmt: skip
    now = arguments.get(name, known[name].default)
    deep = [now] if isinstance(now, int) else list(now or _depths(make()))
    if not deep or max(deep) <= depth:
        raise InputError(f"depth {depth}: blocks a stage; the network has {max(deep, default=0)}, give fewer")
    fewer = [min(depth, one) for one in deep]
    return {name: fewer[0] if isinstance(now, int) else tuple(fewer)}


def _depths(module: nn.Module) -> list[int]:
    """Return the blocks of each stage, read from names of its parts such as `layer2.1` or `block3_2`."""
    found: dict[str, int] = {}
    for name, _ in module.named_modules():
        if one := _BLOCK.fullmatch(name):
            found[one[1]] = found.get(one[1], 0) + 1
    return list(found.values())
