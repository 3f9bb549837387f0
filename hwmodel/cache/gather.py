"""From sector addresses to records (see hwmodel.cache.lru)."""

import numba as nb
import numpy as np

from hwmodel.cache.block import Block
from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.vectors import ones
from hwmodel.cache.words import WORD, kinds, mixed_4, mixed_8, pure_4, pure_8

_NONE, _UNIT = np.uint64(0), np.uint64(1)
_SHORT = np.uint64(7)  # log2 of a line's bytes up to which four sectors are enough


@kernel
def gather(
    address: np.ndarray, is_write: np.ndarray, begin: Whole, end: Whole, line_bits: int, joined: bool, block: Block
) -> tuple[Whole, Whole]:
    """Fill a block with the records of at most BLOCK accesses, `begin` to `end`; return how many, and the writes."""
    low, count, writes, more = np.uint64(line_bits), _NONE, _NONE, _NONE
    for at in range(begin, end, WORD):
        here = min(end - at, WORD)
        if at + WORD < address.size:
            count, more = _append(address, is_write, at, here, low, joined, block.line, block.what, count)
        else:  # a word reads one access more than it holds
            for i in range(here):
                block.rest[i] = address[at + i]
                block.rest_writes[i] = is_write[at + i]
            count, more = _append(block.rest, block.rest_writes, 0, here, low, joined, block.line, block.what, count)
        writes += more
    return np.int64(count), np.int64(writes)


@nb.njit(inline="always")
def _append(
    address: np.ndarray, is_write: np.ndarray, at: Whole, here: Whole, low: np.uint64, joined: bool, line: np.ndarray,
    what: np.ndarray, count: np.uint64,
) -> tuple[np.uint64, np.uint64]:  # fmt: skip
    """Append the records of the first `here` accesses of a word; return how many there are now, and the writes."""
    writes, then = kinds(is_write, at)
    last = _UNIT << np.uint64(here - 1)
    valid = last | (last - _UNIT)
    writes &= valid
    if not joined or writes in (_NONE, valid):
        apart = writes ^ then
        if low <= _SHORT:
            count = pure_4(address, at, low, writes, apart, last, line, what, count)
        else:
            count = pure_8(address, at, low, writes, apart, last, line, what, count)
    elif low <= _SHORT:
        count = mixed_4(address, at, low, writes, _NONE, last, line, what, count)
    else:
        count = mixed_8(address, at, low, writes, _NONE, last, line, what, count)
    return count, ones(writes)
