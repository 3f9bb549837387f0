"""From sector addresses to records (see hwmodel.cache.lru): passes over a block, which LLVM vectorises."""

from typing import TYPE_CHECKING

import numpy as np

from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.config import SECTOR_BYTES

if TYPE_CHECKING:
    from hwmodel.cache.records import Block

_SECTOR_BITS = SECTOR_BYTES.bit_length() - 1
_WRITE = np.uint32(0xFF << 24)
_ZERO_LONG, _UNIT, _TWICE = np.uint64(0), np.uint64(1), np.uint64(2)
_BYTE = np.uint32(0xFF)


@kernel
def gather(
    address: np.ndarray, is_write: np.ndarray, line_bits: int, joined: bool, block: "Block"
) -> tuple[Whole, Whole]:
    """Fill a block with the records of at most BLOCK accesses; return how many there are, and the writes.

    Pass after pass, each a loop that LLVM vectorises, or without a branch: what each access does; which ones open a
    record; what a record's accesses do together, gathered at its last; where records begin; and the records.
    """
    count, low = np.uint64(address.size), np.uint64(line_bits)
    writes = _touch(address, is_write, low, block.bits, count)
    longer = _open(address, is_write, low, np.uint8(not joined), block.opens, block.done, count)
    step = _UNIT
    while longer and step < count:
        _join(block.bits, block.done, block.more, block.then, step, count)
        longer = _join(block.more, block.then, block.bits, block.done, _TWICE * step, count)
        step *= _TWICE * _TWICE
    records = _begin(block.opens, block.starts, count)
    _collect(address, is_write, low, block.bits, block.starts, block.line, block.what, records)
    return np.int64(records), np.int64(writes)


@kernel
def _touch(address: np.ndarray, is_write: np.ndarray, low: np.uint64, bits: np.ndarray, count: np.uint64) -> np.uint64:
    """Say which sector of its line each access touches (low byte) and writes (high byte); return how many write."""
    sector = np.uint64(_SECTOR_BITS)
    within = (_UNIT << (low - sector)) - _UNIT
    writes = _ZERO_LONG
    for i in range(count):
        write = np.uint64(is_write[i])
        unit = _UNIT << ((address[i] >> sector) & within)
        bits[i] = unit | ((unit & (_ZERO_LONG - write)) << np.uint64(8))
        writes += write
    return writes


@kernel
def _open(
    address: np.ndarray, is_write: np.ndarray, low: np.uint64, kinds: np.uint8, opens: np.ndarray, done: np.ndarray,
    count: np.uint64,
) -> np.uint8:  # fmt: skip
    """Say which accesses open a record, another line's or, if `kinds`, of another kind; return whether not all do."""
    longer = np.uint8(0)
    opens[0] = done[0] = opens[count] = 1
    for i in range(_UNIT, count):
        other = np.uint8(((address[i] ^ address[i - _UNIT]) >> low) != _ZERO_LONG)
        new = other | (kinds & (np.uint8(is_write[i]) ^ np.uint8(is_write[i - _UNIT])))
        opens[i] = done[i] = new
        longer |= np.uint8(1) ^ new
    return longer


@kernel
def _join(
    bits: np.ndarray, done: np.ndarray, more: np.ndarray, then: np.ndarray, step: np.uint64, count: np.uint64
) -> np.uint8:
    """Add to each access what those up to `step` before it did in its record; return whether any record is longer."""
    longer = np.uint8(0)
    for i in range(min(step, count)):
        more[i], then[i] = bits[i], 1
    for i in range(step, count):
        goes_on = np.uint16(done[i]) - np.uint16(1)  # all ones where no record opens in the last `step` accesses
        more[i] = bits[i] | (bits[i - step] & goes_on)
        then[i] = done[i] | done[i - step]
        longer |= np.uint8(1) ^ then[i]
    return longer


@kernel
def _begin(opens: np.ndarray, starts: np.ndarray, count: np.uint64) -> np.uint64:
    """Say at which access each record begins, and, one beyond the last, where they end; return how many there are."""
    starts[0], last = 0, _UNIT
    for i in range(_UNIT, count + _UNIT):
        starts[last] = i
        last += np.uint64(opens[i])
    return last - _UNIT


@kernel
def _collect(
    address: np.ndarray, is_write: np.ndarray, low: np.uint64, bits: np.ndarray, starts: np.ndarray, lines: np.ndarray,
    whats: np.ndarray, records: np.uint64,
) -> None:  # fmt: skip
    """Write the records, from what their first accesses are and their last ones have gathered."""
    for record in range(records):
        first, last = np.uint64(starts[record]), np.uint64(starts[record + _UNIT]) - _UNIT
        found = np.uint32(bits[last])
        write = np.uint32(is_write[first]) * _WRITE  # of the first access, which alone may miss where joined
        lines[record] = address[last] >> low
        whats[record] = found | ((found & _BYTE) << np.uint32(16)) | write
