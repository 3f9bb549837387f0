"""In which order a tensor's axes lie in memory, apart from the order in which the graph counts them.

`order[i]` is the graph's axis that lies at place i: an image (N, C, H, W) of which channels lie last has (0, 2, 3, 1).
So transposes and most reshapes need no work: they change what is said of a tensor, until a layer asks for one order.
"""

import math
from collections.abc import Sequence

import numpy as np

Order = tuple[int, ...]
IMAGE: Order = (0, 2, 3, 1)


def plain(rank: int) -> Order:
    return tuple(range(rank))


def lying(shape: Sequence[int], order: Order) -> tuple[int, ...]:
    """Return a shape as it lies in memory."""
    return tuple(shape[axis] for axis in order)


def same(shape: Sequence[int], order: Order, other: Order) -> bool:
    """Say whether two orders of a shape are one in memory: axes of one element may be anywhere."""
    return [axis for axis in order if shape[axis] != 1] == [axis for axis in other if shape[axis] != 1]


def transposed(order: Order, axes: Sequence[int]) -> Order:
    """Return the order of a tensor whose axis i is the old one's `axes[i]`, where nothing moves."""
    return tuple(list(axes).index(axis) for axis in order)


def reduced(order: Order, axes: Sequence[int]) -> Order:
    """Return the order without these axes, the others counted anew."""
    kept = sorted(set(order) - set(axes))
    return tuple(kept.index(axis) for axis in order if axis in kept)


def groups(shape: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Return the axes of `shape` and of `new` that a reshape makes of each other; axes of one element are left out."""
    old_axes = [axis for axis, size in enumerate(shape) if size != 1]
    new_axes = [axis for axis, size in enumerate(new) if size != 1]
    found = []
    while old_axes:
        ours, theirs = [old_axes.pop(0)], [new_axes.pop(0)]
        while (a := math.prod(shape[i] for i in ours)) != (b := math.prod(new[i] for i in theirs)):
            (ours if a < b else theirs).append((old_axes if a < b else new_axes).pop(0))
        found.append((ours, theirs))
    return found


def reshaped(shape: Sequence[int], order: Order, new: Sequence[int]) -> Order | None:
    """Return in which order a reshaped tensor lies where nothing moves; None where something has to."""
    lies = [axis for axis in order if shape[axis] != 1]
    wanted, by_first = [], {ours[0]: (ours, theirs) for ours, theirs in groups(shape, new)}
    while lies:
        ours, theirs = by_first.get(lies[0], ([], []))
        if not ours or lies[: len(ours)] != ours:
            return None
        wanted += theirs
        lies = lies[len(ours) :]
    return _with_ones(new, wanted)


def flattened(shape: Sequence[int], order: Order, new: Sequence[int]) -> np.ndarray | None:
    """Return which feature lies where after a reshape that merges axes into a last one, and moves nothing.

    None where the reshape is no such one, or the axes that are merged do not lie last.
    """
    *others, (ours, theirs) = groups(shape, new)
    lies = [axis for axis in order if shape[axis] != 1]
    before = [axis for group, _ in others for axis in group]
    if theirs != [len(new) - 1] or lies[: len(before)] != before:
        return None
    sizes = [shape[axis] for axis in ours]
    features = np.arange(math.prod(sizes)).reshape(sizes)
    return features.transpose([ours.index(axis) for axis in lies[len(before) :]]).ravel()


def _with_ones(shape: Sequence[int], axes: list[int]) -> Order:
    """Return an order of all axes in which these, which have more than one element, keep theirs."""
    choices = [IMAGE] if len(shape) == 4 else []
    for order in (*choices, plain(len(shape))):
        if [axis for axis in order if shape[axis] != 1] == axes:
            return order
    return (*(axis for axis, size in enumerate(shape) if size == 1), *axes)
