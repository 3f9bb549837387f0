"""What each bank's write buffer holds, and the writes that wait for a place there: reads are served from it.

A ring a bank, in the order in which writes came and are written: the unit of each, and, once its write has begun, when
that ends.
"""

from typing import NamedTuple

import numba as nb
import numpy as np

from circuits.errors import InputError
from hwmodel.cache.compiled import Whole, kernel

# Numbers of a bank's writes: of the oldest not forgotten, of the next to begin, of the next to come.
FIRST, BEGUN, LAST, PLACES = range(4)
_LEAST = 16


class Buffered(NamedTuple):
    """Rings, a power of two long, alike for all banks."""

    unit: np.ndarray  # uint64 (banks, ring), a line or a sector
    ends: np.ndarray  # int64 (banks, ring), femtoseconds, of those that have begun
    place: np.ndarray  # int64 (banks, PLACES)

    @classmethod
    def empty(cls, banks: int) -> "Buffered":
        return cls(
            np.zeros((banks, _LEAST), np.uint64),
            np.zeros((banks, _LEAST), np.int64),
            np.zeros((banks, PLACES), np.int64),
        )

    def roomier(self) -> "Buffered":
        """Return rings twice as long, with what these hold.

        Raises:
            InputError: where there is no memory for them.
        """
        banks, ring = self.unit.shape
        try:
            made = [np.zeros((banks, 2 * ring), column.dtype) for column in (self.unit, self.ends)]
        except MemoryError:
            raise InputError(
                f"banks: {ring} writes wait at one, and there is no memory for more; give fewer banks"
            ) from None
        for bank, (first, _, last) in enumerate(self.place.tolist()):
            numbers = np.arange(first, last)
            for new, old in zip(made, (self.unit, self.ends), strict=True):
                new[bank, numbers % (2 * ring)] = old[bank, numbers % ring]
        return Buffered(made[0], made[1], self.place)


@kernel
def full(buffered: Buffered, bank: Whole, now: Whole) -> bool:
    """Forget the writes of a bank that have ended by `now`; return whether there is no room for another."""
    place, last = buffered.place[bank], buffered.unit.shape[1] - 1
    while place[FIRST] < place[BEGUN] and buffered.ends[bank, place[FIRST] & last] <= now:
        place[FIRST] += 1
    return bool(place[LAST] - place[FIRST] > last)


@nb.njit(inline="always")
def enter(buffered: Buffered, bank: Whole, unit: np.uint64) -> None:
    """Note a write that came; there must be room for it."""
    buffered.unit[bank, buffered.place[bank, LAST] & (buffered.unit.shape[1] - 1)] = unit
    buffered.place[bank, LAST] += 1


@nb.njit(inline="always")
def begin(buffered: Buffered, bank: Whole, end: Whole) -> None:
    """Note when the oldest write that has not begun will have ended."""
    buffered.ends[bank, buffered.place[bank, BEGUN] & (buffered.unit.shape[1] - 1)] = end
    buffered.place[bank, BEGUN] += 1


@kernel
def holds(buffered: Buffered, bank: Whole, unit: np.uint64, now: Whole) -> bool:
    """Return whether a unit is there that has not been written by `now`."""
    full(buffered, bank, now)
    place, last = buffered.place[bank], buffered.unit.shape[1] - 1
    number = place[LAST] - 1
    while number >= place[FIRST] and buffered.unit[bank, number & last] != unit:
        number -= 1
    return bool(number >= place[FIRST])
