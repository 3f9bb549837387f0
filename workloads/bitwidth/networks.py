"""Networks to train: by name or a user's, with fresh weights at any width."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import torch
from torch import nn

from circuits.errors import InputError
from workloads.bitwidth.quantise import layer_bits, quantised
from workloads.bitwidth.sizes import Pair, Sizes, equal_size
from workloads.channels import Channels, find_channels
from workloads.training import chance
from workloads.training.subjects import check_subject, make_subject

SMALL = "workloads.networks.small"
KNOWN: dict[str, dict[str, Any]] = {  # network -> arguments of its factory: so small that its size limits it
    "resnet_cifar": {"width": 4},
    "mobile_small": {"width": 0.5},
}


@dataclass(frozen=True)
class Base:
    """A network at its own width, and how large its variants are to be.

    Attributes:
        module: in float, on the processor.
        target: bytes of all variants.
        order: layers in the order of their run.
    """

    name: str
    module: nn.Module
    channels: Channels
    sizes: Sizes
    order: list[str]
    target: int
    ends: int | None

    def pair(self, bits: int | Mapping[str, int]) -> Pair:
        """Return the width of these bits at the target size."""
        return equal_size(self.sizes, self.bits(bits) if isinstance(bits, int) else bits, self.target)

    def bits(self, bits: int) -> dict[str, int]:
        return layer_bits(self.order, bits, self.ends)

    def fresh(self, widths: Mapping[str, int], seed: int, bits: int | Mapping[str, int] | None = None) -> nn.Module:
        """Return the network at these widths with weights drawn by the seed; of few bits, where bits are given."""
        made = fresh(self.module, self.channels, widths, seed)
        return made if bits is None else quantised(made, bits)


@lru_cache(maxsize=8)  # finding channels takes a second; a process needs few networks, and changes none
def base_of(name: str, shape: tuple[int, int, int], classes: int, at: int, ends: int | None, count: str) -> Base:
    """Return a network for images of this shape and so many classes.

    Raises:
        InputError: it cannot be made, takes other images, or has no channels that can be fewer.
    """
    source = f"{SMALL}:{name}" if name in KNOWN else name
    with chance(0, "network"):
        module = make_subject(source, shape, classes, KNOWN.get(name))
    check_subject(module, shape, classes, name)
    examples = torch.zeros(2, *shape)
    channels = find_channels(module, (examples,))
    sizes = Sizes(module, channels, count)
    order = sizes.in_order()
    return Base(name, module, channels, sizes, order, sizes.counted(layer_bits(order, at, ends), {}), ends)


def fresh(module: nn.Module, channels: Channels, widths: Mapping[str, int], seed: int) -> nn.Module:
    """Return the network at these widths, which may be above its own, with new weights.

    What the module holds says how each parameter is drawn: where all values are alike, they are again; others are
    normal, of that spread, over the root of how many times more inputs there are, and of that mean, unless it is nought
    but for chance.

    Args:
        module: at its own width, freshly made, in float.
        channels: as `find_channels` of it says.
        widths: channels by unit.
        seed: of the weights.

    Raises:
        InputError: a buffer that depends on the width and is not constant.
    """
    made = channels.resized(copy.deepcopy(module).to("meta"), widths).to_empty(device="cpu")
    before = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    parameters = {name for name, _ in made.named_parameters()}
    with torch.no_grad(), chance(seed, "weights"):
        for name, value in (*made.named_parameters(), *made.named_buffers()):
            old = before[name]
            if bool((old == old.flatten()[0]).all()):
                value.fill_(old.flatten()[0])
            elif name not in parameters:
                if value.shape != old.shape:
                    raise InputError(f"{name}: a buffer of {old.numel()} values that follows the width; it cannot")
                value.copy_(old)
            else:
                mean, spread = float(old.mean()), float(old.std())
                mean = mean if abs(mean) > 4 * spread / old.numel() ** 0.5 else 0.0  # else by chance
                value.normal_(mean, spread * (prod(old.shape[1:]) / prod(value.shape[1:])) ** 0.5)
    return made
