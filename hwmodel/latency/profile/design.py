"""Draws blocks.yaml: short chains of sections that tell most of what layers of mobile networks cost.

Run `python -m hwmodel.latency.profile.design > hwmodel/latency/profile/blocks.yaml`.

A layer that is run alone, again and again, is quicker than in a network: its weights are still in the caches, where a
network's have left since its last run; its image is moved from one layout to another first, which networks do once.
So a block is a few sections after one another, at sizes that drift apart, and takes about as long as a small network.

Candidates are drawn by chance: an image's side and a stem, or a value from the middle of a network; then sections of
one kind, their channels about what networks have at that side, kernel, stride, expansion and the like evenly among
their choices. Of those, blocks are taken one by one, each the one after which the terms' prices are known best (the
mean variance, over all candidates, of the time that they add up to; "active learning Cohn": Cohn, Ghahramani, Jordan,
J. Artif. Intell. Res. 4, 1996). Layers without an image are added. Those that come along were taken by what was
assumed of prices before any of them had been measured, and stay, so that profiles can be compared.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import yaml

from circuits.errors import InputError
from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.layers.assumed import assumed
from hwmodel.latency.layers.terms import CLASSES, Counts, Tile, counted, guesses, termed
from hwmodel.latency.profile.blocks import block
from hwmodel.latency.profile.sections import SECTIONS

SEED = 0
CANDIDATES = 60  # of each kind
LEAST_BYTES = 3 << 20  # of values and weights: more than a core's own caches hold
MOST_WEIGHTS = 10 << 20  # bytes
LEAST_MACS, MOST_MACS = 15e6, 400e6  # depthwise windows of 7x7 count twenty times: runtimes have no kernels for them
LARGE = 20
SLOWEST = 7  # pixels of the last images of networks
TILE = Tile(8, 32)  # that is assumed
WIDTHS = {112: 24, 56: 48, 28: 96, 14: 192, 7: 384}  # side -> channels in the middle of what networks have
IMAGES, MIDDLES = (112, 128, 160, 192, 224), (7, 10, 12, 14, 20, 24, 28, 40, 48, 56)
# How many blocks of each kind.
KINDS = {"inverted": 16, "separable": 6, "conv": 6, "basic": 6, "bottleneck": 5, "fire": 5, "dense": 3}
ENDS: Mapping[str, Mapping[str, Any]] = {
    "linear_small": {"kind": "linear", "channels": 1024, "out": 256, "repeat": 2},
    "linear_middle": {"kind": "linear", "channels": 960, "out": 1280, "activation": "hardswish"},
    "linear_wide": {"kind": "linear", "channels": 2048, "out": 1000, "activation": None},
}
RELUS, ACTIVATIONS = ("relu", "relu6"), ("relu6", "relu", "hardswish")


@cache
def candidates() -> list[tuple[str, dict[str, Any], Counts]]:
    """Return what blocks are taken from: kind, the block as blocks.yaml would have it, and what its layers do."""
    drawn = np.random.default_rng(SEED)
    found = []
    for kind in KINDS:
        count = 0
        while count < CANDIDATES:
            given = _chain(drawn, kind)
            try:
                of = counted([canonical(block("", given).graph())])
            except InputError:
                continue
            if _sized(of):
                found.append((kind, given, of))
                count += 1
    return found


def designed() -> dict[str, dict[str, Any]]:
    """Return the blocks by name. Others are taken where terms or what is assumed of them change."""
    drawn = candidates()
    kinds = [kind for kind, _, _ in drawn]
    found, numbers = {}, dict.fromkeys(KINDS, 0)
    for place in sorted(_taken([of for *_, of in drawn], kinds), key=lambda place: list(KINDS).index(kinds[place])):
        numbers[kinds[place]] += 1
        found[f"{kinds[place]}_{numbers[kinds[place]]}"] = drawn[place][1]
    return found | {name: dict(end) for name, end in ENDS.items()}


def _sized(of: Counts) -> bool:
    large = of.classes == CLASSES.index("depthwise_large")
    macs = of.macs.sum() + (LARGE - 1) * of.macs[large].sum()
    touched = of.weights.sum() + of.written.sum()
    return LEAST_MACS < macs < MOST_MACS and touched > LEAST_BYTES and of.weights.sum() < MOST_WEIGHTS


def _taken(counts: list[Counts], kinds: list[str]) -> list[int]:
    """Return the places of the candidates that are taken, best first."""
    guess, share = guesses()
    terms = np.array([termed(of, TILE).terms.sum(0) * guess for of in counts])
    terms /= terms.sum(1, keepdims=True)
    variance = np.diag((share / assumed().firmness) ** 2)  # of prices, in parts of what one block's error has
    taken, left = [], dict(KINDS)
    while any(left.values()):
        across = terms @ variance
        gain = ((across @ terms.T) ** 2).sum(1) / (1 + (across * terms).sum(1))
        gain[[place for place, kind in enumerate(kinds) if place in taken or not left[kind]]] = -1
        best = int(np.argmax(gain))
        taken.append(best)
        left[kinds[best]] -= 1
        variance -= np.outer(across[best], across[best]) / (1 + across[best] @ terms[best])
    return taken


def _chain(drawn: np.random.Generator, kind: str) -> dict[str, Any]:
    sections: list[dict[str, Any]] = []
    if drawn.random() < 0.6:
        start = side = _of(drawn, *IMAGES)
        channels = 3
        sections.append({"kind": "conv", "out": _even(drawn, 12, 64), "kernel": _of(drawn, 3, 5, 7), "stride": 2,
                         "activation": _of(drawn, *ACTIVATIONS)})  # fmt: skip
        side //= 2
        if kind not in ("inverted", "separable") and drawn.random() < 0.7:
            sections.append({"kind": "pool", "pool": "max", "kernel": _of(drawn, 2, 3), "stride": 2})
            side //= 2
    else:
        start = side = _of(drawn, *MIDDLES)
        channels = _width(drawn, side, 0.4, 1.5)
    for _ in range(int(drawn.integers(2, 7))):
        if kind in ("fire", "dense") and side > SLOWEST and drawn.random() < 0.3:
            one = {"kind": "pool", "pool": _of(drawn, "max", "avg"), "kernel": _of(drawn, 2, 3), "stride": 2}
        else:
            stride = 2 if side > SLOWEST and kind not in ("fire", "dense") and drawn.random() < 0.4 else 1
            one = {"kind": kind} | OPTIONS[kind](drawn, side // stride, stride)
        sections.append(one)
        side = math.ceil(side / one.get("stride", 1))
    if drawn.random() < 0.5:
        features = _of(drawn, 0, 0, 320, 640, 1280) if kind == "inverted" else 0
        sections.append({"kind": "head", "features": features, "classes": 1000})
    return {"side": start, "channels": channels, "sections": sections}


Drawn = Callable[[np.random.Generator, int, int], dict[str, Any]]
OPTIONS: Mapping[str, Drawn] = {
    "inverted": lambda d, side, stride: {
        "out": _width(d, side, 0.3, 1.2), "kernel": _of(d, 3, 5, 7), "stride": stride,
        "expansion": _of(d, 1, 2, 3, 4, 6), "excite": bool(d.random() < 0.3), "activation": _of(d, *ACTIVATIONS)},
    "separable": lambda d, side, stride: {
        "out": _width(d, side, 0.7, 3), "kernel": _of(d, 3, 5, 7), "stride": stride,
        "activation": _of(d, *ACTIVATIONS)},
    "conv": lambda d, side, stride: {
        "out": _width(d, side, 0.3, 1.6), "kernel": _of(d, 3, 3, 5, 1), "stride": stride,
        "activation": _of(d, *ACTIVATIONS)},
    "basic": lambda d, side, stride: {"out": _width(d, side, 0.5, 1.6), "stride": stride},
    "bottleneck": lambda d, side, stride: {"out": _width(d, side, 1.5, 6), "stride": stride},
    "fire": lambda d, side, stride: {  # noqa: ARG005
        "out": _width(d, side, 1, 3), "kernel": _of(d, 3, 3, 5), "narrow": _of(d, 4, 8)},
    "dense": lambda d, side, stride: {  # noqa: ARG005
        "growth": _of(d, 8, 12, 16, 24, 32), "layers": int(d.integers(1, 4))},
}  # fmt: skip


def _of(drawn: np.random.Generator, *choices: Any) -> Any:
    return choices[int(drawn.integers(len(choices)))]


def _even(drawn: np.random.Generator, low: float, high: float) -> int:
    """Return channels between two numbers, evenly in their logarithm, a multiple of eight."""
    return max(8, round(math.exp(drawn.uniform(math.log(low), math.log(high))) / 8) * 8)


def _width(drawn: np.random.Generator, side: int, low: float, high: float) -> int:
    """Return channels in parts of what networks have at a side, which is not so at half of it twice over."""
    near = min(WIDTHS, key=lambda known: abs(math.log(known / side)))
    middle = WIDTHS[near] * near / side
    return _even(drawn, low * middle, high * middle)


HEAD = """\
# The blocks that `hwmodel latency profile` measures by default; written by hwmodel/latency/profile/design.py, which
# says how they were drawn: pixels of the input's sides, its channels, and sections (sections.py) with their options.
"""


def _written(name: str, given: Mapping[str, Any]) -> str:
    def line(said: object) -> str:
        return yaml.safe_dump(said, default_flow_style=True, sort_keys=False, width=1000).strip()

    if "sections" not in given:
        return f"  {name}: {line(dict(given))}\n"
    parts = "".join(f"      - {line(section)}\n" for section in given["sections"])
    return f"  {name}:\n    side: {given['side']}\n    channels: {given['channels']}\n    sections:\n{parts}"


if __name__ == "__main__":
    assert {*KINDS, "linear"} <= set(SECTIONS)
    print(f"{HEAD}blocks:\n{''.join(_written(*one) for one in designed().items())}", end="")
