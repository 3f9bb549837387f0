"""From intervals to single accesses, each to one 32 B sector, as the models want them that look at every access."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.config import SECTOR_BYTES
from hwmodel.cache.given import addresses_of, intervals_of, kinds_of
from traces.stream import Intervals

CHUNK = 1 << 18  # accesses at a time: bounded memory, and a chance for Ctrl-C after each
_SECTOR_BITS = SECTOR_BYTES.bit_length() - 1


class Accesses(NamedTuple):
    """Accesses in order: arrays of one length."""

    address: np.ndarray  # uint64, byte address of the sector or within it
    write: np.ndarray  # bool
    whole: np.ndarray  # bool, over the sector's whole length


def accesses_of(batch: Intervals) -> Iterator[Accesses]:
    """Yield the accesses of a batch in parts of bounded size; each part's arrays are overwritten by the next.

    Raises:
        InputError: for columns of unlike lengths, and intervals without bytes, below address 0 or above 2**62.
    """
    room = Accesses(np.empty(CHUNK, np.uint64), np.empty(CHUNK, np.bool_), np.empty(CHUNK, np.bool_))
    for part, _ in intervals_of(batch):
        at = np.zeros(3, np.int64)
        while at[0] < len(part.base):
            count = _expand(part.base, part.stride, part.rows, part.width, part.write, at, *room)
            yield Accesses(*(column[:count] for column in room))


def parts_of(address: Any, is_write: Any) -> Iterator[Accesses]:
    """Yield accesses to whole sectors in parts of bounded size, checked; all are reads where `is_write` is None."""
    address = addresses_of(address)
    kinds = np.zeros(len(address), np.bool_) if is_write is None else kinds_of(is_write, len(address))
    for start in range(0, len(address), CHUNK):
        part = np.require(address[start : start + CHUNK], np.uint64, ["C", "A", "W"])
        write = np.require(kinds[start : start + CHUNK], np.bool_, ["C", "W"])
        yield Accesses(part, write, np.ones(len(part), np.bool_))


@kernel
def _expand(
    base: np.ndarray, stride: np.ndarray, rows: np.ndarray, width: np.ndarray, write: np.ndarray, at: np.ndarray,
    address: np.ndarray, kinds: np.ndarray, whole: np.ndarray,
) -> Whole:  # fmt: skip
    """Fill `address`, `kinds` and `whole` from `at` (interval, row, sector of it) on, and move it; return how many."""
    i, row, done = at
    count = 0
    while i < base.size and count < address.size:
        start = np.int64(base[i]) + row * stride[i]
        end = start + np.int64(width[i])
        first, last = start >> _SECTOR_BITS, (end - 1) >> _SECTOR_BITS
        room = min(last - first + 1 - done, address.size - count)
        for sector in range(first + done, first + done + room):
            address[count] = np.uint64(sector << _SECTOR_BITS)
            kinds[count] = write[i]
            whole[count] = start <= sector << _SECTOR_BITS and (sector + 1) << _SECTOR_BITS <= end
            count += 1
        done += room
        if done > last - first:
            row += 1
            done = 0
        if row == np.int64(rows[i]):
            i += 1
            row = 0
    at[0], at[1], at[2] = i, row, done
    return count
