"""Random numbers for trajectories: a stream a trajectory, the n-th number of a stream a function of seed, stream and n.

Nothing depends on the order or the thread that runs a trajectory. Bits: G. L. Steele, D. Lea, C. H. Flood, "Fast
splittable pseudorandom number generators", OOPSLA 2014 (SplitMix64). Normals: G. Marsaglia, W. W. Tsang, "The ziggurat
method for generating random variables", J. Stat. Softw. 5(8), 2000, with 256 layers and 53-bit abscissae.
"""

import math
from typing import Any

import numpy as np
from numba import njit, uint64

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
LAYERS = 256
TAIL = 3.6541528853610088  # where the lowest of 256 layers ends
TAIL_AREA = 0.00492867323399  # the area of every layer under exp(-x^2/2)


def _layers() -> tuple[np.ndarray, np.ndarray]:
    """Return the layers' right edges (the first one stretched so as to hold the tail) and the density there."""
    edge = np.zeros(LAYERS + 1)
    edge[0], edge[1] = TAIL_AREA / math.exp(-(TAIL**2) / 2), TAIL
    for n in range(2, LAYERS):
        edge[n] = math.sqrt(-2 * math.log(TAIL_AREA / edge[n - 1] + math.exp(-(edge[n - 1] ** 2) / 2)))
    return edge, np.exp(-(edge**2) / 2)


EDGE, DENSITY = _layers()


@njit("uint64(uint64)", cache=True, inline="always")
def mix(value: Any) -> Any:
    """mix(n) -> a uint64 whose bits all depend on all bits of n (a bijection)."""
    value = (value ^ (value >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> uint64(27))) * uint64(0x94D049BB133111EB)
    return value ^ (value >> uint64(31))


@njit("uint64(uint64, uint64)", cache=True)
def stream(seed: Any, index: Any) -> Any:
    """stream(seed, index) -> the state that starts the stream of trajectory `index`."""
    return mix(mix(seed + GOLDEN) ^ mix(index * GOLDEN + uint64(1)))


@njit("float64(uint64)", cache=True, inline="always")
def _unit(bits: Any) -> Any:
    return ((bits >> uint64(11)) + 0.5) * 2.0**-53


@njit("Tuple((uint64, float64))(uint64)", cache=True)
def normal(state: Any) -> tuple[Any, float]:
    """normal(state) -> (next state, a standard normal number)."""
    while True:
        state += GOLDEN
        bits = mix(state)
        layer = bits & uint64(LAYERS - 1)
        sign = 1.0 - 2.0 * ((bits >> uint64(8)) & uint64(1))
        x = _unit(bits) * EDGE[layer]
        if x < EDGE[layer + 1]:
            return state, sign * x
        state += GOLDEN
        u = _unit(mix(state))
        if layer == 0:
            state += GOLDEN
            far = -math.log(u) / TAIL
            if -2 * math.log(_unit(mix(state))) > far * far:
                return state, sign * (TAIL + far)
        elif DENSITY[layer] + u * (DENSITY[layer + 1] - DENSITY[layer]) < math.exp(-x * x / 2):
            return state, sign * x
