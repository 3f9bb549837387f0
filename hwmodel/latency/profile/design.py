"""Draws blocks.yaml: blocks spread over what layers of mobile networks look like.

Run `python -m hwmodel.latency.profile.design > hwmodel/latency/profile/blocks.yaml`.

Each kind of section is drawn so many times. Its sizes are points n (1/g, 1/g^2, ...) modulo 1, with g the root of
g^(d+1) = g + 1 (the golden ratio, in one dimension), which fill a space of d dimensions evenly however few they are:
the side of the image among those of networks for 224 x 224 pixels; channels evenly in their logarithm, about what such
networks have at that side; kernel, stride, expansion and the like evenly among their choices. A block repeats its
section until it touches `TOUCHED_BYTES`, more than a core's own caches hold, as a network does between two visits of
the same layer: a layer that is run alone, again and again, finds its weights in the nearest cache and is too quick.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from hwmodel.latency.profile.blocks import block
from hwmodel.latency.profile.sections import SECTIONS

TOUCHED_BYTES = 4 << 20
MOST_MACS = 300e6  # a block takes about as long as a small network
MOST_REPEATS = 6
WIDTHS = {112: 24, 56: 48, 28: 96, 14: 192, 7: 384}  # side -> channels in the middle of what networks have
Range = tuple[float, float]  # of channels, in parts of the middle

# kind, how many, range of the input's channels, options: a list to choose from, or a range of channels for `out`.
KINDS: Sequence[tuple[str, int, Range, Mapping[str, Any]]] = (
    ("conv", 7, (0.4, 2.0), {"out": (0.5, 2.0), "kernel": [3, 3, 5, 3, 7], "stride": [1, 2, 1]}),
    ("pointwise", 7, (0.4, 6.0), {"out": (0.4, 6.0), "kernel": [1], "activation": ["relu6", None]}),
    ("depthwise", 9, (1.0, 6.0), {"kernel": [3, 5, 7], "stride": [1, 2],
                                  "activation": ["relu6", "relu", "hardswish"]}),
    ("inverted", 7, (0.4, 1.5), {"out": (0.5, 1.5), "kernel": [3, 5, 7], "stride": [1, 2], "expansion": [3, 6, 4, 2],
                                 "excite": [False, True], "activation": ["relu6", "hardswish", "relu"]}),
    ("basic", 2, (0.7, 2.0), {"out": (0.7, 2.0), "stride": [1, 2]}),
    ("bottleneck", 2, (1.5, 6.0), {"out": (1.5, 6.0), "stride": [1, 2]}),
    ("fire", 2, (1.0, 3.0), {"out": (1.0, 3.0), "kernel": [3, 5]}),
    ("dense", 2, (0.7, 2.0), {"growth": [16, 32], "layers": [3, 4]}),
    ("squeeze", 1, (1.0, 6.0), {}),
)  # fmt: skip
# Blocks whose sizes do not follow from a side: the ends of networks, and layers without an image.
ENDS: Mapping[str, Mapping[str, Any]] = {
    "stem_small": {"kind": "conv", "side": 224, "channels": 3, "out": 24, "kernel": 3, "stride": 2,
                   "activation": "relu6"},
    "stem_wide": {"kind": "conv", "side": 224, "channels": 3, "out": 64, "kernel": 7, "stride": 2},
    "elementwise_add": {"kind": "elementwise", "side": 56, "channels": 88, "operation": "add", "repeat": 4},
    "elementwise_hardswish": {"kind": "elementwise", "side": 28, "channels": 240, "operation": "hardswish",
                              "repeat": 4},
    "pool_early": {"kind": "pool", "side": 112, "channels": 64, "pool": "max", "kernel": 3, "stride": 2},
    "pool_late": {"kind": "pool", "side": 28, "channels": 256, "pool": "avg", "kernel": 2, "stride": 2},
    "head_wide": {"kind": "head", "side": 7, "channels": 320, "features": 1280, "classes": 1000},
    "head_small": {"kind": "head", "side": 7, "channels": 640, "features": 0, "classes": 1000},
    "linear_small": {"kind": "linear", "channels": 1024, "out": 256, "repeat": 2},
    "linear_middle": {"kind": "linear", "channels": 960, "out": 1280, "activation": "hardswish"},
    "linear_wide": {"kind": "linear", "channels": 2048, "out": 1000, "activation": None},
}  # fmt: skip


def designed() -> dict[str, dict[str, Any]]:
    """Return the blocks by name, as blocks.yaml has them."""
    blocks, first = {}, 1
    for kind, count, channels, options in KINDS:
        for number in range(count):
            point = _even(first + number, 2 + len(options))
            blocks[f"{kind}_{number + 1}"] = _drawn("conv" if kind == "pointwise" else kind, point, channels, options)
        first += count
    return blocks | {name: dict(given) for name, given in ENDS.items()}


def _even(number: int, dimensions: int) -> list[float]:
    """Return a point of an even sequence in the unit cube."""
    root = 2.0
    for _ in range(64):
        root = (1 + root) ** (1 / (dimensions + 1))
    return [(0.5 + number * root ** -(axis + 1)) % 1 for axis in range(dimensions)]


def _drawn(kind: str, point: Sequence[float], channels: Range, options: Mapping[str, Any]) -> dict[str, Any]:
    side = list(WIDTHS)[int(point[0] * len(WIDTHS))]
    given: dict[str, Any] = {"kind": kind, "side": side, "channels": _width(side, point[1], channels)}
    for (name, choices), at in zip(options.items(), point[2:], strict=True):
        given[name] = _width(side, at, choices) if isinstance(choices, tuple) else choices[int(at * len(choices))]
    if given.get("stride") == 2 and side == min(WIDTHS):
        given["stride"] = 1  # networks do not go below
    repeat = 1
    strided = kind == "depthwise" and given["stride"] == 2  # or others than the strided one would take most of the time
    while repeat < MOST_REPEATS and kind != "dense" and not strided:
        touched, _ = _costs(given | {"repeat": repeat})
        _, macs = _costs(given | {"repeat": repeat + 1})
        if touched >= TOUCHED_BYTES or macs > MOST_MACS:
            break
        repeat += 1
    return given | ({"repeat": repeat} if repeat > 1 else {})


def _width(side: int, at: float, parts: Range) -> int:
    low, high = (math.log(WIDTHS[side] * part) for part in parts)
    return max(8, round(math.exp(low + at * (high - low)) / 8) * 8)


def _costs(given: Mapping[str, Any]) -> tuple[float, float]:
    """Return the bytes of all values and weights of a block, and its multiplications by weights."""
    nodes = block("", given).graph().nodes
    weights = {node.name: math.prod(node.weight_shapes.get("weight", (0,))) for node in nodes}
    touched = sum(node.output.nbytes + 4 * weights[node.name] for node in nodes)
    pixels = {node.name: math.prod(node.output.shape[2:]) for node in nodes}
    return touched, float(sum(weights[name] * pixels[name] for name in weights))


HEAD = """\
# The blocks that `hwmodel latency profile` measures by default; written by hwmodel/latency/profile/design.py, which
# says how they were drawn. One a line: its name, the kind of section (sections.py), the pixels of the input's sides,
# its channels, the section's own options, and how often the section stands in a row.
"""

if __name__ == "__main__":
    assert set(SECTIONS) >= {given["kind"] for given in designed().values()}
    lines = (f"  {name}: {yaml.safe_dump(given, default_flow_style=True, sort_keys=False, width=1000).strip()}\n"
             for name, given in designed().items())  # fmt: skip
    print(f"{HEAD}blocks:\n{''.join(lines)}", end="")
