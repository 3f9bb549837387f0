"""Look-ups and sums over many networks. Codes are uint8, shape (N, L), and known to be choices of their layers.

Twins in tests/naive/latency.py.
"""

import math

import numpy as np

from hwmodel.latency.query.compiled import kernel


@kernel
def outside(codes: np.ndarray, counts: np.ndarray) -> int:
    """Return the first network that has a number of no choice, or -1. `counts` is uint8, shape (L,)."""
    for network in range(codes.shape[0]):
        wrong = 0
        for layer in range(codes.shape[1]):
            wrong += codes[network, layer] >= counts[layer]
        if wrong:
            return network
    return -1


@kernel
def sum_layers(codes: np.ndarray, offset: float, table: np.ndarray, out: np.ndarray) -> None:
    """Write each network's offset plus its layers' entries of `table`, shape (L, C)."""
    for network in range(codes.shape[0]):
        total = offset
        for layer in range(codes.shape[1]):
            total += table[layer, codes[network, layer]]
        out[network] = total


@kernel
def sum_terms(
    codes: np.ndarray,
    offset: float,
    starts: np.ndarray,
    counts: np.ndarray,
    ones: np.ndarray,
    one_at: np.ndarray,
    twos: np.ndarray,
    groups: np.ndarray,
    layers: np.ndarray,
    two_at: np.ndarray,
    places: np.ndarray,
    merged: np.ndarray,
    sums: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write each network's offset plus an entry a group of layers plus an entry a (group, layer).

    Networks are taken B at a time, a term after the other, so that a term's entries stay in the nearest cache.

    Args:
        codes: networks.
        offset: of all.
        starts: first layer of each group, and the number of layers, int32, shape (G + 1,).
        counts: choices of each layer, int32, shape (L,).
        ones: entries of groups, by the group's number, its last layer counting fastest.
        one_at: where each group's begin, int32, shape (G,).
        twos: entries of terms, by the number of the term's group, then the choice of its layer.
        groups: each term's group, int32, shape (T,).
        layers: each term's layer, int32, shape (T,).
        two_at: where each term's entries begin, int32, shape (T,).
        places: to work in; int32 zeros, shape (L, B).
        merged: to work in; int32 zeros, shape (G, B).
        sums: to work in; float64, shape (B,).
        out: float64, shape (N,).
    """
    block = sums.shape[0]
    for begin in range(0, codes.shape[0], block):
        width = min(block, codes.shape[0] - begin)
        for network in range(width):
            for layer in range(codes.shape[1]):
                places[layer, network] = codes[begin + network, layer]
        for network in range(block):
            sums[network] = offset
        for group in range(merged.shape[0]):
            for network in range(block):
                merged[group, network] = 0
            for layer in range(starts[group], starts[group + 1]):
                for network in range(block):
                    merged[group, network] = merged[group, network] * counts[layer] + places[layer, network]
            at = one_at[group]
            for network in range(block):
                sums[network] += ones[at + merged[group, network]]
        for term in range(groups.shape[0]):
            group, layer, at = groups[term], layers[term], two_at[term]
            count = counts[layer]
            for network in range(block):
                sums[network] += twos[at + merged[group, network] * count + places[layer, network]]
        for network in range(width):
            out[begin + network] = sums[network]


@kernel
def variance(
    codes: np.ndarray, noise: float, base: np.ndarray, factor: np.ndarray, sums: np.ndarray, out: np.ndarray
) -> None:
    """Write each network's noise + || base + sum of its layers' factors ||^2.

    Args:
        codes: networks.
        noise: of all.
        base: float32, shape (R,).
        factor: float32, shape (L, C, R).
        sums: to work in; float32, shape (R,).
        out: float64, shape (N,).
    """
    for network in range(codes.shape[0]):
        for r in range(sums.shape[0]):
            sums[r] = base[r]
        for layer in range(codes.shape[1]):
            choice = codes[network, layer]
            for r in range(sums.shape[0]):
                sums[r] += factor[layer, choice, r]
        total = np.float32(0)
        for r in range(sums.shape[0]):
            total += sums[r] * sums[r]
        out[network] = noise + total


@kernel
def exponential(values: np.ndarray) -> None:
    """Put e to the power of each value in its place; as `log_interval` does, to the last bit."""
    for place in range(values.shape[0]):
        values[place] = math.exp(values[place])


@kernel
def log_interval(below: float, above: float, mean: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
    """Turn (m, v, -) in `mean`, `low` and `high` into the mean and the ends of the interval, link `log`."""
    for network in range(mean.shape[0]):
        m, deviation = mean[network], math.sqrt(low[network])
        mean[network] = math.exp(m)
        low[network] = math.exp(m - below * deviation)
        high[network] = math.exp(m + above * deviation)


@kernel
def identity_interval(
    relative: float, below: float, above: float, mean: np.ndarray, low: np.ndarray, high: np.ndarray
) -> None:
    """Turn (m, v, -) in `mean`, `low` and `high` into the mean and the ends of the interval, link `identity`."""
    for network in range(mean.shape[0]):
        m = mean[network]
        deviation = math.sqrt(low[network] + (relative * m) * (relative * m))
        low[network] = m - below * deviation
        high[network] = m + above * deviation
