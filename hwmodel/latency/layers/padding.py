"""How much of a convolution's window meets the image, and how much its padding."""

import numpy as np

from hwmodel.latency.graph.graph import Graph

LONGEST = 1 << 16  # window whose padding is looked at: no kernel is longer, but a description may say so


def inside(graph: Graph) -> np.ndarray:
    """Share of each layer's products that meet the image and not its padding (n,): plain kernels leave the rest out."""
    values = graph.values()
    found = np.ones(len(graph.nodes))
    for place, node in enumerate(graph.nodes):
        if node.kind == "conv":
            sides = zip(
                values[node.inputs[0]].shape[2:], node.output.shape[2:], node.weight_shapes["weight"][2:],
                node.attributes["stride"], node.attributes["dilation"], node.attributes["padding"][:2], strict=True,
            )  # fmt: skip
            for side, outputs, taps, stride, dilation, before in sides:
                found[place] *= _met(side, outputs, taps, stride, dilation, before)
    return found


def _met(side: int, outputs: int, taps: int, stride: int, dilation: int, before: int) -> float:
    """Share of pairs (output, tap) of one dimension that meet the image; as long as the window, not the image."""
    most = min(taps, (side + before - 1) // dilation + 1)  # taps that any output's window has inside the image
    if most > LONGEST:
        return 1.0
    start = before - np.arange(most) * dilation  # output o meets it from o * stride >= start
    first, last = np.maximum(-(-start // stride), 0), np.minimum((start + side - 1) // stride, outputs - 1)
    return float(np.maximum(last - first + 1, 0).sum() / (outputs * taps))
