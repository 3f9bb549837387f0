"""Which set a line falls into, and the tag that tells it from the others there.

A line number is split into quotient and remainder by the number of sets, any whole number. The quotient is the tag
under both indices. The set is

    modulo   set = remainder
    hashed   set = (remainder + turn(quotient)) mod sets

where `turn` mixes the quotient's bits and scales the result to 0 .. sets - 1. So each stretch of `sets` consecutive
lines that starts at a multiple of `sets` still fills every set once, as in hardware, whose index functions permute
such stretches; but each stretch is turned by another amount, so lines a power of two (or a multiple of `sets`) apart
spread over the sets as if thrown at random. It is no vendor's function: those are not published.
"""

import numba as nb
import numpy as np

from hwmodel.cache.compiled import Whole, kernel

_FIRST = np.uint64(0x9E3779B1)  # odd multipliers with well mixed bits: the golden ratio, and a prime of xxHash
_SECOND = np.uint64(0x85EBCA77)
_LOW = np.uint64(0xFFFFFFFF)
_ONE, _FIFTEEN, _THIRTEEN, _WORD = np.uint64(1), np.uint64(15), np.uint64(13), np.uint64(32)


@nb.njit(inline="always")
def turn(quotient: np.uint64, sets: np.uint64) -> np.uint64:
    """Return the turn of a stretch of lines: 0 .. sets - 1, spread evenly over successive quotients."""
    mixed = (quotient ^ (quotient >> _WORD)) & _LOW
    mixed = (mixed * _FIRST) & _LOW
    mixed = ((mixed ^ (mixed >> _FIFTEEN)) * _SECOND) & _LOW
    mixed ^= mixed >> _THIRTEEN
    return (mixed * sets) >> _WORD


@kernel
def locate(line: np.ndarray, count: Whole, sets: int, hashed: bool, places: np.ndarray, tags: np.ndarray) -> None:
    """Fill `places` (set numbers, uint32) and `tags` (quotient + 1, so that 0 marks an empty slot) for `count` lines.

    With 4-byte tags every line is below 2**52 and every quotient below 2**32 - 1 (the caller sees to it), so that one
    multiplication by 1 / sets is off by one at most.
    """
    whole = np.uint64(sets)
    inverse = 1.0 / np.float64(sets)
    narrow = tags.itemsize == 4
    for i in range(count):
        if narrow:
            quotient = np.uint64(np.int64(np.float64(np.int64(line[i])) * inverse))
            rest = np.int64(line[i] - quotient * whole)
            if rest < 0:
                quotient -= _ONE
                rest += np.int64(sets)
            elif rest >= sets:
                quotient += _ONE
                rest -= np.int64(sets)
            place = np.uint64(rest)
        else:
            quotient = line[i] // whole
            place = line[i] - quotient * whole
        if hashed:
            place += turn(quotient, whole)
            if place >= whole:
                place -= whole
        places[i] = place
        tags[i] = quotient + _ONE
