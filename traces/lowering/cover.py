"""Rows of bytes that a stretch of a walk over memory covers."""

import math
from collections.abc import Iterable, Iterator

from traces.stream import SECTOR_BYTES

Row = tuple[int, int, int, int]  # base, stride, rows, width, in bytes
Dims = tuple[tuple[int, int], ...]  # (length, stride in bytes), outermost first, innermost contiguous run left out


def cover(base: int, dims: Dims, run: int, start: int, stop: int) -> Iterator[Row]:
    """Yield the rows of bytes `start` to `stop` of a walk (counted along it), in its order."""
    if start >= stop:
        return
    if not dims:
        yield base + start, 0, 1, stop - start
        return
    (_, stride), inner = dims[0], math.prod(length for length, _ in dims[1:]) * run
    first, last = start // inner, -(-stop // inner)
    if last - first == 1:
        yield from cover(base + first * stride, dims[1:], run, start - first * inner, stop - first * inner)
        return
    if start % inner:
        yield from cover(base + first * stride, dims[1:], run, start % inner, inner)
        first += 1
    whole = stop // inner
    if len(dims) == 1 and whole > first:
        yield base + first * stride, stride if whole - first > 1 else 0, whole - first, run
    else:
        for index in range(first, whole):
            yield from cover(base + index * stride, dims[1:], run, 0, inner)
    if stop % inner:
        yield from cover(base + whole * stride, dims[1:], run, 0, stop % inner)


def often(rows: Iterable[Row], times: int) -> list[Row]:
    """Return rows `times` times over, a single run of bytes as one row."""
    once = list(rows)
    if len(once) == 1 and once[0][2] == 1:
        base, _, _, width = once[0]
        return [(base, 0, times, width)]
    return once * times


def joined(row: Row) -> Row:
    """Return rows that leave no whole sector between them as one row: what a warp's request is coalesced to."""
    base, stride, rows, width = row
    return (base, 0, 1, width + (rows - 1) * stride) if rows > 1 and 0 < stride < width + SECTOR_BYTES else row
