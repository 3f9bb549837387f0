"""Bits layer by layer: what quantising each alone costs, the best choice of a size, the fewest bits without loss."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from torch import nn

from circuits.errors import InputError
from workloads.bitwidth.quantise import quantised

Choice = Mapping[int, float]  # bits -> what they cost


def sensitivities(
    module: nn.Module, layers: Sequence[str], choices: Sequence[int], loss: Callable[[nn.Module], float]
) -> dict[str, dict[int, float]]:
    """Return how much the loss rises where one layer alone has few bits, by layer and bits.

    Args:
        module: trained, in float.
        layers: that may have few bits.
        choices: bits.
        loss: of a module that has been quantised and may be changed, as by new batch statistics.
    """
    before = loss(quantised(module, {}))
    return {name: {bits: loss(quantised(module, {name: bits})) - before for bits in choices} for name in layers}


def never_worse(costs: Mapping[str, Choice]) -> dict[str, dict[int, float]]:
    """Return the costs such that more bits never cost more: by chance, a measured loss may fall as bits do."""
    return {
        name: {bits: min(cost for fewer, cost in choice.items() if fewer <= bits) for bits in choice}
        for name, choice in costs.items()
    }


def knapsack(costs: Mapping[str, Choice], elements: Mapping[str, int], budget: int) -> dict[str, int]:
    """Return the bits of each layer whose costs are least in sum, their weights' bytes at most the budget.

    An integer program, solved exactly (HiGHS, through SciPy).

    Args:
        costs: layer -> bits -> cost.
        elements: weights of each layer; bits x elements / 8 bytes, up to a whole one.
        budget: bytes.

    Raises:
        InputError: even the fewest bits are more than the budget.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    pairs = [(name, bits) for name, choice in costs.items() for bits in choice]
    sizes = np.array([packed_bytes(elements[name], bits) for name, bits in pairs])
    least = sum(packed_bytes(elements[name], min(choice)) for name, choice in costs.items())
    if least > budget:
        raise InputError(f"size {budget} bytes: the fewest bits of each layer take {least}")
    each = np.array([[float(name == layer) for name, _ in pairs] for layer in costs])
    found = milp(
        np.array([costs[name][bits] for name, bits in pairs]),
        integrality=np.ones(len(pairs)),
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(each, 1, 1), LinearConstraint(sizes[None].astype(float), -np.inf, budget)],
        options={"mip_rel_gap": 0.0},
    )
    if found.x is None:
        raise InputError(f"size {budget} bytes: no choice of bits was found: {found.message}")
    return {name: bits for (name, bits), taken in zip(pairs, found.x, strict=True) if taken > 0.5}


def filled(bits: Mapping[str, int], choices: Sequence[int], elements: Mapping[str, int], budget: int) -> dict[str, int]:
    """Return more bits where the budget has room for them, one step at a time, layers of the fewest bits first."""
    found, grown = dict(bits), True
    while grown:
        grown = False
        for name in sorted(found, key=lambda name: found[name]):
            more = min((each for each in choices if each > found[name]), default=found[name])
            taken = sum(packed_bytes(elements[layer], each) for layer, each in (found | {name: more}).items())
            if more > found[name] and taken <= budget:
                found[name], grown = more, True
    return found


def without_loss(
    layers: Sequence[str], choices: Sequence[int], accuracy: Callable[[Mapping[str, int]], float], least: float
) -> dict[str, int]:
    """Return few bits by layer with which accuracy is not below the least.

    All begin with the most bits; in each round every layer gives up one step of them, one layer after another, for as
    long as the accuracy of all together stays; a layer that could not does not try again.

    Args:
        layers: in order.
        choices: bits.
        accuracy: of such bits.
        least: that it may be.
    """
    steps = sorted(choices)
    place = dict.fromkeys(layers, len(steps) - 1)
    trying = list(layers)
    while trying:
        for name in list(trying):
            if place[name]:
                lower = place | {name: place[name] - 1}
                if accuracy({layer: steps[at] for layer, at in lower.items()}) >= least:
                    place = lower
                    continue
            trying.remove(name)
    return {name: steps[at] for name, at in place.items()}


def packed_bytes(elements: int, bits: int) -> int:
    return -(-elements * bits // 8)
