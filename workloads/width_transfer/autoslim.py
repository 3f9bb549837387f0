"""AutoSlim: a network is trained at all widths, then whichever unit's next channels are missed least is cut.

J. Yu, T. Huang. AutoSlim: Towards One-Shot Architecture Search for Channel Numbers. arXiv:1903.11728, 2019.
"""

import copy
from collections.abc import Callable, Mapping

import torch
from torch import nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from workloads.channels import Channels, Slim
from workloads.images import ImageSet
from workloads.training import Schedule, generator, train
from workloads.width_transfer.extrapolate import match
from workloads.width_transfer.sandwich import Bins, backward, bins_of, drawn
from workloads.width_transfer.search import Make, Meter, Outcome, begin, check

BINS = 10
VALIDATED = 256  # images
BETWEEN = 2  # widths of a step beside the whole and the narrowest


def greedy(
    bins: Bins,
    loss: Callable[[Mapping[str, int]], float],
    cost: Callable[[Mapping[str, int]], float],
    target: float,
) -> list[dict[str, int]]:
    """Return the widths step by step, from the whole to the first that cost no more than the target.

    Each step takes a bin from the unit after whose narrowing the loss is the least. It ends early where every unit has
    its narrowest bin.

    Args:
        bins: of each unit the widths it may have, rising.
        loss: of widths.
        cost: of widths; falls with each of them.
        target: cost.
    """
    places = {name: len(own) - 1 for name, own in bins.items()}

    def widths(of: Mapping[str, int]) -> dict[str, int]:
        return {name: bins[name][place] for name, place in of.items()}

    path = [widths(places)]
    while cost(path[-1]) > target:
        tries = [places | {name: place - 1} for name, place in places.items() if place]
        if not tries:
            break
        places = min(tries, key=lambda one: loss(widths(one)))
        path.append(widths(places))
    return path


def validated(
    module: nn.Module, channels: Channels, images: ImageSet, count: int, meter: Meter
) -> Callable[[Mapping[str, int]], float]:
    """Return what tells the loss of widths on validation images, normalised by these images' own statistics."""
    copied = copy.deepcopy(module).eval()
    for part in copied.modules():
        if isinstance(part, _BatchNorm):
            part.training = True
    slim = Slim(copied, channels)
    batch, labels = images.validation.images[:count], images.validation.labels[:count]

    def loss(widths: Mapping[str, int]) -> float:
        meter.called(channels.macs(widths), len(labels))
        with torch.no_grad():
            return float(functional.cross_entropy(slim.at(widths)(batch), labels))

    return loss


def optimise(
    make: Make,
    images: ImageSet,
    schedule: Schedule,
    target_macs: float,
    seed: int,
    *,
    channels: Channels | None = None,
    bins: int = BINS,
    validated_images: int = VALIDATED,
) -> Outcome:
    """Return widths at a budget, found greedily in a network that was trained at all widths.

    The validation images' loss decides, where the authors take accuracy: a few hundred images' accuracies tie.

    Args:
        make: of the network; needs no batch normalisation.
        images: to train on and, its validation split, to choose by.
        schedule: of the training.
        target_macs: of an example's forward pass.
        seed: of weights, batches and the widths that are trained.
        channels: as `find_channels` of the network says; None: it is asked.
        bins: widths of a unit.
        validated_images: of a choice.

    Raises:
        InputError: the network does not take the images, or the training diverged.
    """
    module, channels = begin(make, images, target_macs, seed, channels)
    slim, choices, meter = Slim(module, channels), bins_of(channels, bins), Meter()
    narrowest = {name: own[0] for name, own in choices.items()}

    def step(batch: torch.Tensor, labels: torch.Tensor, iteration: int) -> torch.Tensor:
        chance = generator(seed, "widths", iteration)
        between = [drawn(choices, chance) for _ in range(BETWEEN)]
        return backward(slim, batch, labels, [narrowest, *between], meter)

    check(train(module, images, schedule, seed, step=step), "autoslim")
    loss = validated(module, channels, images, validated_images, meter)
    path = greedy(choices, loss, channels.macs, target_macs)
    shares = {name: path[-1][name] / unit.size for name, unit in channels.units.items()}
    curve = [{"step": float(place), "macs": float(channels.macs(one))} for place, one in enumerate(path)]
    return Outcome(match(channels, shares, target_macs).widths, shares, meter.macs, curve)
