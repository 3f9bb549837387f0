"""A hash table in plain arrays: keys (uint64, a power of two of places, at most half taken), values beside them.

Eight neighbouring numbers have neighbouring homes: streams then stay within a line of this machine's cache.
"""

import numba as nb
import numpy as np

EMPTY = np.uint64(2**64 - 1)  # no line or sector has this number
_SPREADER = np.uint64(0x9E3779B97F4A7C15)  # the golden ratio's bits
_ONE, _NEAR, _THREE, _HALF = np.uint64(1), np.uint64(7), np.uint64(3), np.uint64(32)


@nb.njit(inline="always")
def home(key: np.uint64, keys: np.ndarray) -> np.uint64:
    """Return where a key would be, were there no others."""
    mixed = (key >> _THREE) * _SPREADER
    return (((mixed >> _HALF) << _THREE) | (key & _NEAR)) & np.uint64(keys.size - 1)


@nb.njit(inline="always")
def find(keys: np.ndarray, key: np.uint64) -> np.uint64:
    """Return the place of a key, or the empty one where it would go."""
    place = home(key, keys)
    while keys[place] != key and keys[place] != EMPTY:
        place = (place + _ONE) & np.uint64(keys.size - 1)
    return place


@nb.njit(inline="always")
def remove(keys: np.ndarray, values: np.ndarray, place: np.uint64) -> None:
    """Empty a place, and move up what had to go past it."""
    last = np.uint64(keys.size - 1)
    hole, here = place, (place + _ONE) & last
    while keys[here] != EMPTY:
        if ((here - home(keys[here], keys)) & last) >= ((here - hole) & last):
            keys[hole] = keys[here]
            values[hole] = values[here]
            hole = here
        here = (here + _ONE) & last
    keys[hole] = EMPTY
