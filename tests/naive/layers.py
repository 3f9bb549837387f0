"""A network's time as a sum over its layers, the slow way: one pair of layers, and one pair of blocks, at a time."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def likeness(at: Sequence[float], left: Any, i: int, right: Any, j: int) -> float:
    """Return the covariance of the corrections of two layers, each a place in lists of classes and shapes."""
    *lengths, smooth, alike, common, _ = (math.exp(one) for one in at)
    found = common
    if left.classes[i] == right.classes[j]:
        apart = sum(
            ((left.shapes[i][axis] - right.shapes[j][axis]) / length) ** 2 for axis, length in enumerate(lengths)
        )
        found += smooth * math.exp(-apart / 2) + alike
    return found


def bases(asked: Any, prices: Sequence[float], least: float) -> list[float]:
    """Return what each layer's terms cost."""
    return [max(sum(amount * price for amount, price in zip(row, prices, strict=True)), least) for row in asked.terms]


def covariance(at: Sequence[float], left: Any, left_weights: Sequence[float], right: Any,
               right_weights: Sequence[float], lefts: int, rights: int) -> np.ndarray:  # fmt: skip
    """Return the covariance of sums of layers, (lefts, rights)."""
    found = np.zeros((lefts, rights))
    for i, block in enumerate(left.of):
        for j, other in enumerate(right.of):
            found[block, other] += left_weights[i] * right_weights[j] * likeness(at, left, i, right, j)
    return found


def posterior(seen: Any, times: Sequence[float], asked: Any, count: int, prices: Sequence[float], at: Sequence[float],
              least: float, jitter: float, unseen: float) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return mean (G,) and covariance (G, G) of networks' times, from blocks' times, prices and parameters."""
    blocks, costs, own = len(times), bases(seen, prices, least), bases(asked, prices, least)
    total = [sum(cost for cost, of in zip(costs, seen.of, strict=True) if of == block) for block in range(blocks)]
    shares = [cost / total[of] for cost, of in zip(costs, seen.of, strict=True)]
    noisy = covariance(at, seen, shares, seen, shares, blocks, blocks)
    for block in range(blocks):
        noisy[block, block] += math.exp(at[-1]) + jitter
    between = covariance(at, asked, own, seen, shares, count, blocks)
    among = covariance(at, asked, own, asked, own, count, count)
    known = set(seen.classes.tolist())
    for i, graph in enumerate(asked.of):
        for j, other in enumerate(asked.of):
            if asked.classes[i] == asked.classes[j] and int(asked.classes[i]) not in known:
                among[graph, other] += unseen**2 * own[i] * own[j]
    residual = np.array([time / of - 1 for time, of in zip(times, total, strict=True)])
    sums = np.array([sum(cost for cost, of in zip(own, asked.of, strict=True) if of == g) for g in range(count)])
    mean = sums + between @ np.linalg.solve(noisy, residual)
    return mean, among - between @ np.linalg.solve(noisy, between.T)
