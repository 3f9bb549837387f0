"""Which convolutions are pooled first: those whose pooling alone costs least, chosen anew after each round."""

import math
from collections.abc import Sequence

from torch import nn

from workloads.images import Split
from workloads.training import evaluate
from workloads.vip.pool import pooled_layers, virtual_pool


def sensitivities(module: nn.Module, split: Split, layers: Sequence[str]) -> dict[str, float]:
    """Return, of each layer, what pooling it alone costs beside what is pooled already.

    The loss, in nats, is told beside the accuracy because small validation splits tie on accuracy.

    Args:
        module: trained, perhaps pooled in other layers.
        split: images to judge by, none of those that are reported on.
        layers: to be tried, one at a time, without training.
    """
    before = evaluate(module, split).loss
    example = split.images[:1]
    return {
        name: evaluate(virtual_pool(module, [name], example=example, least_side=1), split).loss - before
        for name in layers
    }


def next_group(module: nn.Module, split: Split, eligible: Sequence[str], count: int) -> tuple[list[str], dict[str, float]]:
    """Return the `count` layers to pool next, the least sensitive first, and all sensitivities.

    Args:
        module: as the rounds before left it.
        split: images to judge by.
        eligible: layers that may be pooled; those that are, are passed over.
        count: how many.
    """
    done = set(pooled_layers(module))
    found = sensitivities(module, split, [name for name in eligible if name not in done])
    return sorted(found, key=lambda name: found[name])[:count], found


def sizes_of_rounds(eligible: int, share: float, rounds: int) -> list[int]:
    """Return how many layers each round pools: the share of all, as evenly as may be, the first rounds the larger."""
    total = max(1, math.floor(share * eligible + 0.5))
    return [size for size in (total // rounds + (turn < total % rounds) for turn in range(rounds)) if size]
