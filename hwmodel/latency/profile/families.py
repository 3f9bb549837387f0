"""Random networks of three families: what a prediction is tested on.

Terms and blocks were settled after errors on the networks of seeds 0 to 5, so those are not unseen: test on another
seed.

The families are what mobile networks have been made of: inverted residuals (MobileNetV2, V3, EfficientNet), residual
blocks (ResNet), and branches that are concatenated (SqueezeNet, DenseNet). Widths, depths, kernels, expansions,
activations and the image's size are drawn, within what people train.
"""

from collections.abc import Callable, Mapping

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.graph import Graph, Value
from hwmodel.latency.graph.writer import Writer
from hwmodel.latency.profile import sections as s

SIZES = (128, 160, 192, 224)  # pixels of the image's sides
CLASSES = 1000


def _wide(drawn: np.random.Generator, low: float, high: float) -> int:
    """Return channels between two numbers, evenly in their logarithm, a multiple of eight."""
    return max(8, round(float(np.exp(drawn.uniform(np.log(low), np.log(high)))) / 8) * 8)


def _image(w: Writer, drawn: np.random.Generator) -> Value:
    size = int(drawn.choice(SIZES))
    return w.input(1, 3, size, size)


def mobile(drawn: np.random.Generator) -> Graph:
    w = Writer()
    activation = str(drawn.choice(["relu6", "relu", "hardswish"]))
    x = s.conv(w, _image(w, drawn), _wide(drawn, 12, 40), 3, 2, activation=activation)
    width = x.shape[1] * drawn.uniform(0.6, 1.2)
    for stage in range(int(drawn.integers(4, 7))):
        stride = 2 if stage % 2 == 0 or stage < 3 else 1
        excite = bool(drawn.random() < 0.3)
        for layer in range(int(drawn.integers(1, 5))):
            kernel, expansion = int(drawn.choice([3, 5, 7])), float(drawn.choice([1, 2, 3, 4, 6]))
            x = s.inverted(w, x, max(8, round(width / 8) * 8), kernel, stride if layer == 0 and x.shape[2] > 7 else 1,
                           expansion, excite, activation)  # fmt: skip
        width *= drawn.uniform(1.2, 1.9)
    features = _wide(drawn, 320, 1280) if drawn.random() < 0.7 else 0
    return w.graph(s.head(w, x, features, CLASSES, activation))


def residual(drawn: np.random.Generator) -> Graph:
    w = Writer()
    deep = bool(drawn.random() < 0.5)
    x = s.conv(w, _image(w, drawn), _wide(drawn, 16, 64), int(drawn.choice([3, 5, 7])), 2)
    x = s.pool(w, x) if drawn.random() < 0.7 else x
    width = _wide(drawn, 24, 64) * (4 if deep else 1)
    for stage in range(int(drawn.integers(3, 5))):
        for layer in range(int(drawn.integers(1, 4))):
            stride = 2 if layer == 0 and stage else 1
            x = (s.bottleneck if deep else s.basic)(w, x, width, 3, stride)
        width = _wide(drawn, 1.4 * width, 2 * width)
    return w.graph(s.head(w, x, 0, CLASSES))


def concatenating(drawn: np.random.Generator) -> Graph:
    w = Writer()
    dense = bool(drawn.random() < 0.5)
    x = s.conv(w, _image(w, drawn), _wide(drawn, 24, 64), int(drawn.choice([3, 5, 7])), 2)
    x = s.pool(w, x)
    width, growth = _wide(drawn, 48, 128), int(drawn.choice([12, 16, 24, 32]))
    stages = int(drawn.integers(3, 5))
    for stage in range(stages):
        layers = int(drawn.integers(2, 7 if dense else 5))
        if dense:
            x = s.dense(w, x, growth, layers)
        else:
            kernel, narrow = int(drawn.choice([3, 3, 5])), int(drawn.choice([4, 8]))
            for _ in range(layers):
                x = s.fire(w, x, width, kernel, narrow)
        if stage + 1 < stages:
            x = s.pool(w, s.conv(w, x, x.shape[1] // 16 * 8, 1) if dense else x, "avg" if dense else "max", 2)
        width = _wide(drawn, 1.3 * width, 2 * width)
    return w.graph(s.head(w, x, 0, CLASSES))


FAMILIES: Mapping[str, Callable[[np.random.Generator], Graph]] = {
    one.__name__: one for one in (mobile, residual, concatenating)
}


def random_network(family: str, number: int, seed: int = 0) -> Graph:
    """Return the network of that number of a family; the same for the same seed.

    Raises:
        InputError: for a family that there is not.
    """
    if family not in FAMILIES:
        raise InputError(f"family {family!r}: unknown; known are {', '.join(FAMILIES)}")
    return FAMILIES[family](np.random.default_rng([seed, list(FAMILIES).index(family), number]))
