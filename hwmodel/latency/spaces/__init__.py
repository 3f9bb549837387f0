"""Search spaces as layers x choices: declared as data, their networks as rows of small numbers.

A network of a space is its code: int8, shape (L,), the place of each layer's choice among that layer's choices. Many
networks are one array of shape (N, L).
"""

from hwmodel.latency.spaces.canonical import canonical_codes
from hwmodel.latency.spaces.read import known_spaces, load_space, make_space
from hwmodel.latency.spaces.space import Layer, Space
from hwmodel.latency.spaces.text import decode, encode, pattern

__all__ = [
    "Layer", "Space", "canonical_codes", "decode", "encode", "known_spaces", "load_space", "make_space", "pattern",
]  # fmt: skip
