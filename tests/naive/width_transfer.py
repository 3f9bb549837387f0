"""Slow, obvious twins of what searches for widths compute."""

from itertools import product
from math import prod


def penalty(layers, scales, alive, sizes):
    """MorphNet's regulariser, channel by channel: each pays the layers that read or make it.

    Args:
        layers: as `Channels` has them.
        scales: unit -> list of sizes of its channels' scales.
        alive: unit -> channels alive.
        sizes: unit -> channels there are.
    """
    total = 0.0
    for layer in layers:
        each = 2 * layer.positions * layer.window
        count = {"in": 0, "out": 0}
        for part in layer.inputs:
            count["in"] += alive.get(part.unit, sizes[part.unit]) * part.repeat
        for part in layer.outputs:
            count["out"] += alive.get(part.unit, sizes[part.unit]) * part.repeat
        for part in layer.inputs:
            for scale in scales.get(part.unit, []):
                total += 0 if layer.depthwise else each * part.repeat * scale * count["out"]
        for part in layer.outputs:
            for scale in scales.get(part.unit, []):
                total += each * part.repeat * scale * (1 if layer.depthwise else count["in"])
    return total


def expected_channels(edges, odds):
    """Channels that a chain of groups keeps on average, over all ways it may go.

    Args:
        edges: channels of so many groups, rising.
        odds: of each later group, if the one before it is kept.
    """
    total = 0.0
    for ways in product((True, False), repeat=len(odds)):
        chance = prod(one if way else 1 - one for way, one in zip(ways, odds, strict=True))
        kept = 0
        for way in ways:
            if not way:
                break
            kept += 1
        total += chance * edges[kept]
    return total


def best(bins, loss, cost, target):
    """The least loss of all widths that cost no more than the target, and one step less would cost more."""
    names = list(bins)
    within = [dict(zip(names, widths, strict=True)) for widths in product(*bins.values())]
    return min(loss(widths) for widths in within if cost(widths) <= target)
