"""Slow, obvious twins of what is done to intervals: walk every row, touch every sector."""

from collections.abc import Iterable

SECTOR = 32
Interval = tuple[int, int, int, int]  # base, stride, rows, width


def sectors(base: int, stride: int, rows: int, width: int, sector: int = SECTOR) -> list[int]:
    """Return the sector numbers an interval accesses, in order."""
    touched = []
    for row in range(rows):
        first = base + row * stride
        touched += range(first // sector, (first + width - 1) // sector + 1)
    return touched


def fits(base: int, stride: int, rows: int, width: int) -> bool:
    """Return whether every byte of an interval lies from 0 to 2**64 - 1."""
    ends = (base, base + (rows - 1) * stride)
    return min(ends) >= 0 and max(ends) + width <= 2**64


def differences(base: Iterable[int], tensor: Iterable[int]) -> list[int]:
    """Return each base less the one before it of the same tensor, as a signed 64-bit number."""
    before: dict[int, int] = {}
    out = []
    for address, index in zip(base, tensor, strict=True):
        delta = (address - before.get(index, 0)) % 2**64
        out.append(delta - 2**64 if delta >= 2**63 else delta)
        before[index] = address
    return out
