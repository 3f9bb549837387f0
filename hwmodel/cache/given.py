"""What callers hand in, checked once and made into arrays the kernels can read."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from circuits.errors import InputError
from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.config import SECTOR_BYTES
from traces.stream import COLUMNS, Intervals

_PART_SECTORS = 1 << 25  # sector accesses between two chances for Ctrl-C, about
PART_INTERVALS = 1 << 18
_TOP = 1 << 62  # addresses of intervals stay below, so that no sum overflows
_MOST = 1 << 40  # accesses of one interval that are counted for work, likewise
_SECTOR_BITS = SECTOR_BYTES.bit_length() - 1


def addresses_of(address: Any) -> np.ndarray:
    """Return byte addresses as uint64, shape (accesses,), as a view where that can be.

    Raises:
        InputError: unless they are a flat sequence of whole numbers from 0 to 2**64 - 1.
    """
    right = "give byte addresses as whole numbers from 0 to 2**64 - 1"
    try:
        found = np.asarray(address)
    except (ValueError, TypeError, OverflowError):
        raise InputError(f"address: not a flat array of numbers; {right}") from None
    if found.ndim != 1:
        raise InputError(f"address: has {found.ndim} dimensions; give a flat array")
    if found.size == 0:
        return np.empty(0, np.uint64)
    if found.dtype == object:  # whole numbers that fit no common type
        if not all(map(_is_whole, found)):
            raise InputError(f"address: holds what is no whole number; {right}")
        if not all(0 <= int(value) < 2**64 for value in found):
            raise InputError(f"address: holds a number out of range; {right}")
        return found.astype(np.uint64)
    if found.dtype.kind == "f" and isinstance(address, (list, tuple)) and all(map(_is_whole, address)):
        return addresses_of(np.array(address, object))  # numpy makes floats of integers below and above 2**63 together
    if found.dtype.kind not in "ui":
        raise InputError(f"address: of type {found.dtype}; {right}")
    if found.dtype.kind == "i" and int(found.min()) < 0:
        raise InputError(f"address: {int(found.min())} at position {int(found.argmin())} is negative; {right}")
    return found.astype(np.uint64, copy=False)


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def kinds_of(is_write: Any, length: int) -> np.ndarray:
    """Return kinds of access as bool, shape (length,), as a view where that can be.

    Raises:
        InputError: unless they are `length` values true or false, or 1 or 0.
    """
    right = "give true for a write and false for a read, one an address"
    try:
        found = np.asarray(is_write)
    except (ValueError, TypeError):
        raise InputError(f"is_write: not a flat array; {right}") from None
    if found.ndim != 1 or len(found) != length:
        raise InputError(f"is_write: shape {found.shape} beside {length} addresses; {right}")
    if found.dtype == np.bool_ or found.size == 0:
        return found.astype(np.bool_, copy=False)
    if found.dtype.kind not in "ui" or int(found.min()) < 0 or int(found.max()) > 1:
        raise InputError(f"is_write: of type {found.dtype} and not only 0 and 1; {right}")
    return found.astype(np.bool_)


def intervals_of(batch: Intervals) -> Iterator[tuple[Intervals, int]]:
    """Yield a batch as writable, contiguous parts of bounded work, each with the highest byte address it touches.

    Raises:
        InputError: for columns of unlike lengths, and intervals without bytes, below address 0 or above 2**62.
    """
    columns = []
    for (name, kind), column in zip(COLUMNS.items(), batch, strict=True):
        if np.ndim(column) != 1 or len(column) != len(batch[0]):
            raise InputError(f"interval column {name}: shape {np.shape(column)} beside {len(batch[0])} intervals")
        columns.append(np.require(column, kind, ["C", "A", "W"]))
    whole = Intervals(*columns)
    for start in range(0, len(whole.base), PART_INTERVALS):
        part = whole.part(start, start + PART_INTERVALS)
        wrong, top, sectors = _survey(*part[:4])
        if wrong >= 0:
            raise InputError(_complaint(part, int(wrong), start))
        if sectors <= 2 * _PART_SECTORS:
            yield part, int(top)
        else:
            yield from ((piece, int(top)) for piece in _pieces(part))


def _complaint(part: Intervals, place: int, start: int) -> str:
    base, stride, rows, width = (int(column[place]) for column in part[:4])
    return (
        f"interval {start + place}: {rows} rows of {width} B from {base}, {stride} B apart; "
        f"rows and width must be positive and all bytes lie from 0 to 2**62"
    )


def _pieces(part: Intervals) -> Iterator[Intervals]:
    """Yield a batch of much work as several of less, by intervals and, where one alone is much, by its rows."""
    sectors = part.rows * (part.width / SECTOR_BYTES + 1.0)
    for start, stop in _runs(np.floor(np.cumsum(sectors) / _PART_SECTORS)):
        piece = part.part(start, stop)
        if stop - start == 1 and sectors[start] > 2 * _PART_SECTORS:
            yield from _by_rows(piece, int(sectors[start] // _PART_SECTORS))
        else:
            yield piece


def _runs(ends: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of the runs of equal values in `ends`."""
    edges = np.flatnonzero(np.diff(ends)) + 1
    bounds = [0, *edges.tolist(), len(ends)]
    yield from pairwise(bounds)


def _by_rows(one: Intervals, pieces: int) -> Iterator[Intervals]:
    """Yield a long interval as several of fewer rows."""
    rows = int(one.rows[0])
    step = max(rows // pieces, 1)
    for start in range(0, rows, step):
        yield one._replace(
            base=np.array([int(one.base[0]) + start * int(one.stride[0])], np.uint64),
            rows=np.array([min(step, rows - start)], np.uint32),
        )


@kernel
def _survey(base: np.ndarray, stride: np.ndarray, rows: np.ndarray, width: np.ndarray) -> tuple[Whole, Whole, Whole]:
    """Return (place of the first interval that cannot be, or -1; highest byte address; sector accesses, about)."""
    wrong, highest, sectors = _surveyed(base, stride, rows, width)
    if not wrong:
        return -1, highest, sectors
    for i in range(base.size):
        one = slice(i, i + 1)
        if _surveyed(base[one], stride[one], rows[one], width[one])[0]:
            return i, 0, 0
    return -1, highest, sectors


@kernel
def _surveyed(base: np.ndarray, stride: np.ndarray, rows: np.ndarray, width: np.ndarray) -> tuple[bool, Whole, Whole]:
    """Return whether some interval cannot be, and what `_survey` does; a plain loop, so that LLVM vectorises it."""
    wrong, highest, sectors = np.uint8(0), np.int64(0), np.int64(0)
    for i in range(np.uint64(base.size)):
        apart = abs((np.float64(rows[i]) - 1.0) * np.float64(stride[i])) < _TOP
        steps = (np.int64(rows[i]) - 1) * (stride[i] if apart else 0)
        first = np.int64(base[i])
        end = first + max(steps, 0) + np.int64(width[i])
        inside = (base[i] < _TOP) & (first + min(steps, 0) >= 0) & (end < _TOP)
        wrong |= np.uint8((rows[i] == 0) | (width[i] == 0) | (not apart) | (not inside))
        highest = max(highest, end - 1)
        sectors += min(np.int64(rows[i]) * ((np.int64(width[i]) >> _SECTOR_BITS) + 1), _MOST)
    return wrong != 0, highest, sectors
