"""Spaces and predictors the slow way: paths followed one by one, sums written out."""

import math
from itertools import pairwise, product
from typing import Any


def canonical(edges: list[tuple[int, int]], absent: int, code: list[int]) -> list[int]:
    """Return a cell whose edges lie all on some path of present edges from node 0 to the last node."""
    last = max(end for _, end in edges)
    layer = {edge: place for place, edge in enumerate(edges)}
    alive = set()
    for between in product((False, True), repeat=max(last - 1, 0)):
        path = [0, *(node for node, taken in enumerate(between, 1) if taken), last]
        steps = [layer.get(step) for step in pairwise(path)]
        if all(step is not None and code[step] != absent for step in steps):
            alive |= set(steps)
    return [choice if place in alive else absent for place, choice in enumerate(code)]


def mean_and_variance(form: Any, code: list[int]) -> tuple[float, float]:
    """Return m and v of one network, before the link."""
    if form.whole.size:
        place = 0
        for layer, choice in zip(form.space.layers, code, strict=True):
            place = place * len(layer.choices) + choice
        return float(form.whole[0, place]), float(form.whole[1, place])
    m = float(form.offset)
    for layer, choice in enumerate(code):
        m += float(form.table[layer, choice])
    for (i, j), values in zip(form.pairs.tolist(), form.pair.tolist(), strict=True):
        m += values[code[i]][code[j]]
    v = float(form.noise)
    for r, start in enumerate(form.base.tolist()):
        v += (start + math.fsum(float(form.factor[layer, choice, r]) for layer, choice in enumerate(code))) ** 2
    return m, v


def predict(form: Any, code: list[int], low: float, high: float) -> tuple[float, float, float]:
    """Return one network's mean and the ends of its interval, `low` and `high` deviations away."""
    m, v = mean_and_variance(form, code)
    if form.link == "log":
        deviation = math.sqrt(v)
        return math.exp(m), math.exp(m - low * deviation), math.exp(m + high * deviation)
    deviation = math.sqrt(v + (form.relative * m) ** 2)
    return m, m - low * deviation, m + high * deviation


def expected(form: Any, chances: list[list[float]]) -> float:
    """Return m's mean over every network, each as likely as the product of its choices' chances."""
    total = 0.0
    for code in product(*(range(len(layer.choices)) for layer in form.space.layers)):
        chance = math.prod(of[choice] for of, choice in zip(chances, code, strict=True))
        total += chance * mean_and_variance(form, list(code))[0]
    return total
