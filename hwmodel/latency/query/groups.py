"""Pairs of layers as few look-ups: neighbouring layers become one digit, and a table a digit and a layer."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hwmodel.latency.query.form import Form

MOST_IN_GROUP = 128  # entries of a group's digit
MOST_ENTRIES = 1 << 17  # of all tables of a group and a layer: float32s, half a megabyte, which an L2 holds


@dataclass(frozen=True, eq=False)
class Terms:
    """The arguments of kernels.sum_terms that stay."""

    starts: np.ndarray
    counts: np.ndarray
    ones: np.ndarray
    one_at: np.ndarray
    twos: np.ndarray
    groups: np.ndarray
    layers: np.ndarray
    two_at: np.ndarray


def terms_of(form: Form) -> Terms:
    """Return a form's sums over layers and pairs, within groups in float64, between them in float32."""
    counts = form.space.counts.tolist()
    pairs = {(i, j): values for (i, j), values in zip(form.pairs.tolist(), form.pair, strict=True)}
    starts = _starts(counts, MOST_IN_GROUP)
    if _entries(counts, starts, pairs) > MOST_ENTRIES:
        starts = list(range(len(counts) + 1))
    ones, twos, of = [], [], []
    for group, layers in enumerate(_groups(starts)):
        ones.append(_own(form, pairs, layers))
        for layer in range(layers.stop, len(counts)):
            if any((i, layer) in pairs for i in layers):
                of.append((group, layer))
                twos.append(_with(pairs, counts, layers, layer))
    groups, after = np.array(of, np.int32).reshape(len(of), 2).T
    return Terms(
        np.array(starts, np.int32), np.array(counts, np.int32), _end_to_end(ones, np.float64), _places(ones),
        _end_to_end(twos, np.float32), np.ascontiguousarray(groups), np.ascontiguousarray(after), _places(twos),
    )  # fmt: skip


def _starts(counts: list[int], most: int) -> list[int]:
    """Return where groups of neighbouring layers begin, and where the last one ends."""
    starts, size = [0], 1
    for layer, count in enumerate(counts):
        if size * count > most and layer > starts[-1]:
            starts.append(layer)
            size = 1
        size *= count
    return [*starts, len(counts)]


def _groups(starts: list[int]) -> list[range]:
    return [range(begin, end) for begin, end in pairwise(starts)]


def _entries(counts: list[int], starts: list[int], pairs: dict[tuple[int, int], np.ndarray]) -> int:
    sizes = [int(np.prod([counts[layer] for layer in layers])) for layers in _groups(starts)]
    return sum(
        size * counts[layer] for size, layers in zip(sizes, _groups(starts), strict=True)
        for layer in range(layers.stop, len(counts)) if any((i, layer) in pairs for i in layers)
    )  # fmt: skip


def _own(form: Form, pairs: dict[tuple[int, int], np.ndarray], layers: range) -> np.ndarray:
    """Return what a group adds by itself: its layers, and the pairs within it."""
    counts = form.space.counts[layers.start : layers.stop].tolist()
    total = np.zeros(counts)
    for place, i in enumerate(layers):
        total += _along(form.table[i, : counts[place]], (place,), len(counts))
        for other, j in enumerate(layers):
            if (i, j) in pairs:
                total += _along(pairs[i, j][: counts[place], : counts[other]], (place, other), len(counts))
    return total


def _with(pairs: dict[tuple[int, int], np.ndarray], counts: list[int], layers: range, layer: int) -> np.ndarray:
    """Return what a group adds together with a layer after it."""
    shape = [counts[i] for i in layers] + [counts[layer]]
    total = np.zeros(shape)
    for place, i in enumerate(layers):
        if (i, layer) in pairs:
            total += _along(pairs[i, layer][: counts[i], : counts[layer]], (place, len(layers)), len(shape))
    return total


def _along(values: np.ndarray, axes: tuple[int, ...], dimensions: int) -> np.ndarray:
    """Return values with their axes, which rise, in their places among `dimensions`."""
    shape = [1] * dimensions
    for axis, length in zip(axes, values.shape, strict=True):
        shape[axis] = length
    return values.reshape(shape)


def _end_to_end(tables: list[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate([np.zeros(0, kind), *(table.ravel().astype(kind) for table in tables)])


def _places(tables: list[np.ndarray]) -> np.ndarray:
    return np.cumsum([0, *(table.size for table in tables)])[:-1].astype(np.int32)
