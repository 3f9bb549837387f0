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

PACKED_QUOTIENTS = 2**24 - 1  # a packed slot has three bytes for a quotient, and 0 marks an empty slot
_FIRST = np.uint64(0x9E3779B1)  # odd multipliers with well mixed bits: the golden ratio, and a prime of xxHash
_SECOND = np.uint64(0x85EBCA77)
_LOW = np.uint64(0xFFFFFFFF)
_EIGHT, _FOUR = np.uint64(8), np.uint32(4)
_VALID, _DIRTY = np.uint32(0x0F), np.uint32(0xF0)
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
def locate(
    line: np.ndarray, what: np.ndarray, count: Whole, sets: int, hashed: bool, places: np.ndarray, wanted: np.ndarray
) -> None:
    """Fill `places` (set numbers) and `wanted` (slots, both uint32) for `count` records of packed caches.

    A slot is (quotient + 1) * 256 and the sectors the record makes valid (bits 0 to 3) and dirty (4 to 7). The caller
    sees to it that every quotient is below PACKED_QUOTIENTS; so a line number is exact as a float64, and a
    multiplication by 1 / sets is off by one at most.
    """
    whole = np.uint64(sets)
    inverse = 1.0 / np.float64(sets)
    for i in range(count):
        quotient = np.uint64(np.int64(np.float64(np.int64(line[i])) * inverse))
        rest = np.int64(line[i] - quotient * whole)
        if rest < 0:
            quotient -= _ONE
            rest += np.int64(sets)
        elif rest >= sets:
            quotient += _ONE
            rest -= np.int64(sets)
        place = np.uint64(rest)
        if hashed:
            place += turn(quotient, whole)
            if place >= whole:
                place -= whole
        places[i] = place
        wanted[i] = ((quotient + _ONE) << _EIGHT) | (what[i] & _VALID) | ((what[i] >> _FOUR) & _DIRTY)


@kernel
def locate_wide(line: np.ndarray, count: Whole, sets: int, hashed: bool, places: np.ndarray, tags: np.ndarray) -> None:
    """Fill `places` (set numbers, uint32) and `tags` (quotient + 1, uint64) for `count` records of any line number."""
    whole = np.uint64(sets)
    for i in range(count):
        quotient = line[i] // whole
        place = line[i] - quotient * whole
        if hashed:
            place += turn(quotient, whole)
            if place >= whole:
                place -= whole
        places[i] = place
        tags[i] = quotient + _ONE
