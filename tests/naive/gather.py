"""Gathers, scatters and bags, element by element.

A kernel's threads go over its elements, `wave` at a time. An operand is (tensor, addresses, bytes of an element,
elements of a row, written or not): the byte address of each of its elements in the order it is walked.
"""

from collections.abc import Iterator

from tests.naive.lowering import L1, SECTOR, Access, chunks, load, store

WARP = 32


def walk(
    elements: int, itemsize: int, wave: int, operands: list, block: int = 0, l1: L1 | None = None, sms: int = 0,
    merged: int = 1,
) -> Iterator[Access]:  # fmt: skip
    """With an L1, each of a wave's blocks of `block` elements loads for itself, block by block.

    With `sms`, a row that a wave names often is loaded once an SM, and `merged` of these loads are one.
    """
    for first in range(0, elements, wave):
        last = min(elements, first + wave)
        for operand in operands:
            each = block if l1 and not operand[4] else wave
            for number, start in enumerate(range(first, last, each)):
                made = part(elements, itemsize, operand, start, min(last, start + each), sms, merged)
                yield from l1.missed(number, list(made)) if l1 else made


def part(
    elements: int, itemsize: int, operand: tuple, first: int, last: int, sms: int = 0, merged: int = 1
) -> Iterator[Access]:
    """What elements `first` to `last` of a kernel touch of an operand."""
    tensor, addresses, item, row, written = operand
    total, size = len(addresses), len(addresses) * item
    if size == elements * itemsize:  # walked in step
        low, high = first * itemsize, last * itemsize
    else:  # in proportion: whole rows, or whole sectors of a tensor that is one row
        grain = SECTOR if row == total else row * item
        low, high = (size if n == elements else size * n // elements // grain * grain for n in (first, last))
    mine = [e for e in range(total) if low <= e * item < high]
    if written:
        yield from store([[addresses[e] for e in found] for found in rows(mine, row)], item, tensor)
    elif row < WARP:
        yield from load([(e // WARP, addresses[e]) for e in mine], item, tensor)
    else:
        named = [(addresses[found[0]], len(found)) for found in rows(mine, row)]
        for turn, found in enumerate(rows(mine, row)):
            often = -(-min(named.count(named[turn]), sms) // merged)
            if not sms or named[:turn].count(named[turn]) < often:
                yield from load([(0, addresses[e]) for e in found], item, tensor)


def rows(elements: list[int], length: int) -> list[list[int]]:
    found: dict[int, list[int]] = {}
    for e in elements:
        found.setdefault(e // length, []).append(e)
    return list(found.values())


def bags(lengths: list[int], named: list[int], per_wave: int, addresses, width: int) -> Iterator[Access]:
    """A bag reads its bounds, then one index and one row at a time, noting the bag; last it writes its sum and size.

    `addresses` are (tensor, address) of offsets, indices, weight, result, the notes of bags and of sizes; rows of the
    weight and the result are `width` bytes.
    """
    offsets, index, weight, out, notes, sizes = addresses
    starts = [sum(lengths[:bag]) for bag in range(len(lengths))]
    for wave in chunks(list(range(len(lengths))), per_wave):
        for bag in wave:
            bounds = range(bag, min(bag + 2, len(lengths)))
            yield from load([(0, offsets[1] + 8 * one) for one in bounds], 8, offsets[0])
        for step in range(max(lengths[bag] for bag in wave)):
            for bag in wave:
                if step < lengths[bag]:
                    at = starts[bag] + step
                    yield from load([(0, index[1] + 8 * at)], 8, index[0])
                    yield from load([(0, weight[1] + width * named[at] + byte) for byte in range(width)], 1, weight[0])
                    yield from store([[notes[1] + 8 * at]], 8, notes[0])
        for bag in wave:
            yield from store([[out[1] + width * bag + byte for byte in range(width)]], 1, out[0])
            yield from store([[sizes[1] + 8 * bag]], 8, sizes[0])
