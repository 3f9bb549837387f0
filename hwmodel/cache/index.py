"""Which set a line falls into, the tag that tells it from the others there, and where the set lies in memory.

With `slices`, a line's number is first split by them into group and lane; the slice is (lane + turn(group)) mod slices,
and the group takes the line's place in what follows, with the sets of one slice for all sets.

A line number is split into quotient and remainder by the number of sets, any whole number. The quotient is the tag
under every index. The set is

    modulo   set = remainder
    hashed   set = (remainder + turn(quotient)) mod sets
    xor      set = remainder xor (quotient mod sets); sets a power of two
    ipoly    set = the line's number as a polynomial over GF(2), modulo the least irreducible polynomial whose degree is
             log2(sets); sets a power of two

where `turn` mixes the quotient's bits and scales the result to 0 .. sets - 1. So each stretch of `sets` consecutive
lines that starts at a multiple of `sets` still fills every set once, as in hardware, whose index functions permute
such stretches; but each stretch is turned by another amount, so lines a power of two (or a multiple of `sets`) apart
spread over the sets as if thrown at random. `hashed` is no vendor's function: those are not published. GPGPU-Sim has
`ipoly` by that name; polynomials after B. R. Rau, Pseudo-randomly interleaved memory, ISCA 1991.
"""

from functools import cache

import numba as nb
import numpy as np

from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.config import INDICES, SPREAD

PACKED_QUOTIENTS = 2**24 - 1  # a packed slot has three bytes for a quotient, and 0 marks an empty slot
HASHED, MODULO, XOR, IPOLY = map(INDICES.index, ("hashed", "modulo", "xor", "ipoly"))
_FIRST = np.uint64(0x9E3779B1)  # odd multipliers with well mixed bits: the golden ratio, and a prime of xxHash
_SECOND = np.uint64(0x85EBCA77)
_LOW = np.uint64(0xFFFFFFFF)
_EIGHT, _FOUR = np.uint64(8), np.uint32(4)
_VALID, _DIRTY = np.uint32(0x0F), np.uint32(0xF0)
_ZERO, _ONE, _FIFTEEN, _THIRTEEN, _WORD = np.uint64(0), np.uint64(1), np.uint64(15), np.uint64(13), np.uint64(32)
_SIX, _TWELVE, _EIGHTEEN, _SIXTY_THREE = np.uint32(6), np.uint32(12), np.uint32(18), np.uint32(SPREAD - 1)
_BYTES, _BYTE = 8, np.uint64(0xFF)  # of a quotient; tables of `remainders` have a row for each


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
    line: np.ndarray, count: Whole, sets: int, slices: int, index: int, small: bool, table: np.ndarray,
    places: np.ndarray, quotients: np.ndarray,
) -> None:  # fmt: skip
    """Fill `places` (set numbers, uint32) and `quotients` (uint64) for `count` records.

    `small`: every quotient is below PACKED_QUOTIENTS. `table` is what `remainders` returns for the sets of a slice.
    Pass after pass over a block that stays in this machine's first cache: each is a plain loop that LLVM vectorises.
    """
    whole = np.uint64(sets // slices)
    if slices == 1:
        _split(line, count, whole, small, places, quotients)
    else:
        _split(line, count, np.uint64(slices), False, places, quotients)
        _split(quotients, count, whole, small, places, quotients)
    if index == HASHED:
        for i in range(count):
            place = np.uint64(places[i]) + turn(quotients[i], whole)
            places[i] = place - (whole if place >= whole else _ZERO)
    elif index == XOR:
        for i in range(count):
            places[i] = np.uint64(places[i]) ^ (quotients[i] & (whole - _ONE))
    elif index == IPOLY:
        for i in range(count):
            place, rest = places[i], quotients[i]
            for byte in range(_BYTES):
                place ^= table[byte, rest & _BYTE]
                rest >>= _EIGHT
            places[i] = place
    if slices > 1:
        for i in range(count):
            group = line[i] // np.uint64(slices)
            lane = line[i] - group * np.uint64(slices)
            places[i] += ((lane + turn(group, np.uint64(slices))) % np.uint64(slices)) * whole


@nb.njit(inline="always")
def _split(
    line: np.ndarray, count: Whole, whole: np.uint64, small: bool, rests: np.ndarray, quotients: np.ndarray
) -> None:
    """Split line numbers by `whole`; where small, they are exact as float64, and 1 / whole is off by one at most."""
    if whole & (whole - _ONE) == _ZERO:
        shift = _ZERO
        while _ONE << shift < whole:
            shift += _ONE
        for i in range(count):
            rests[i] = line[i] & (whole - _ONE)
            quotients[i] = line[i] >> shift
    elif small:
        inverse = 1.0 / np.float64(whole)
        for i in range(count):
            quotient = np.uint64(np.int64(np.float64(np.int64(line[i])) * inverse))
            rest = np.int64(line[i] - quotient * whole)
            if rest < 0:
                quotient -= _ONE
                rest += np.int64(whole)
            elif rest >= np.int64(whole):
                quotient += _ONE
                rest -= np.int64(whole)
            rests[i] = rest
            quotients[i] = quotient
    else:
        for i in range(count):
            quotient = line[i] // whole
            rests[i] = line[i] - quotient * whole
            quotients[i] = quotient


@kernel
def spread(places: np.ndarray, count: Whole) -> None:
    """Turn set numbers into where the sets lie: a permutation within each SPREAD sets.

    A set's tags are one line of this machine's own cache, whose first level finds a line's place by six bits of its
    number. Were sets in order, a stride of 64 sets would fight for one place there, and run at half the speed.
    """
    for i in range(count):
        place = places[i]
        places[i] = place ^ (((place >> _SIX) ^ (place >> _TWELVE) ^ (place >> _EIGHTEEN)) & _SIXTY_THREE)


@kernel
def pack(quotients: np.ndarray, what: np.ndarray, count: Whole, wanted: np.ndarray) -> None:
    """Fill `wanted` with a packed cache's slots: (quotient + 1) * 256, and the sectors a record makes valid and dirty.

    Those valid are bits 0 to 3, those dirty 4 to 7.
    """
    for i in range(count):
        wanted[i] = ((quotients[i] + _ONE) << _EIGHT) | (what[i] & _VALID) | ((what[i] >> _FOUR) & _DIRTY)


@cache
def remainders(sets: int) -> np.ndarray:
    """Return what each byte of a quotient adds to a set's number under `ipoly`: uint32, shape (8, 256).

    Args:
        sets: of a slice, a power of two.
    """
    degree = sets.bit_length() - 1
    divisor = irreducible(degree)
    rows = [[_modulo(value << (8 * byte + degree), divisor) for value in range(256)] for byte in range(_BYTES)]
    return np.array(rows, np.uint32)


@cache
def irreducible(degree: int) -> int:
    """Return the least irreducible polynomial over GF(2) of a degree, its coefficients as bits; 1 for degree 0."""
    if degree == 0:
        return 1
    factors = range(2, 1 << (degree // 2 + 1))  # any factor pair has one of at most half the degree
    return next(one for one in range(1 << degree, 2 << degree) if all(_modulo(one, factor) for factor in factors))


def _modulo(dividend: int, divisor: int) -> int:
    """Return the remainder of two polynomials over GF(2)."""
    length = divisor.bit_length()
    while dividend.bit_length() >= length:
        dividend ^= divisor << (dividend.bit_length() - length)
    return dividend
