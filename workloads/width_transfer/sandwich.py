"""Training of all widths at once: the whole network, the narrowest and some between, these taught by the whole.

J. Yu, T. Huang. Universally Slimmable Networks and Improved Training Techniques. ICCV 2019. arXiv:1903.05134.
"""

from collections.abc import Mapping, Sequence

import torch
from torch.nn import functional

from workloads.channels import Channels, Slim
from workloads.width_transfer.search import Meter

Bins = Mapping[str, Sequence[int]]  # of each unit the widths it may have, rising; the last is all of it


def bins_of(channels: Channels, count: int) -> dict[str, list[int]]:
    """Return of each unit so many widths, evenly spaced up to the whole; fewer where it has fewer channels."""
    return {
        name: sorted({max(1, round(unit.size * place / count)) for place in range(1, count + 1)})
        for name, unit in channels.units.items()
    }


def drawn(bins: Bins, generator: torch.Generator) -> dict[str, int]:
    """Return a width for each unit, drawn by itself."""
    return {name: int(own[int(torch.randint(len(own), (), generator=generator))]) for name, own in bins.items()}


def backward(
    slim: Slim, images: torch.Tensor, labels: torch.Tensor, narrower: Sequence[Mapping[str, int]], meter: Meter
) -> torch.Tensor:
    """Add the gradients of the whole network and of narrower ones; return the whole one's loss, detached.

    Args:
        slim: of the module that is trained.
        images: of a batch.
        labels: of the batch.
        narrower: widths that learn the whole network's scores instead of the labels.
        meter: is told what it costs.
    """
    scores = slim.module(images)
    loss = functional.cross_entropy(scores, labels)
    loss.backward()
    meter.trained(slim.channels.macs(), len(labels))
    taught = scores.detach().softmax(1)
    for widths in narrower:
        functional.cross_entropy(slim.at(widths)(images), taught).backward()
        meter.trained(slim.channels.macs(widths), len(labels))
    return loss.detach()
