"""What each single access finds in one cache: the replay's counts, one by one, for a model of time to work on."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from circuits.errors import InputError
from hwmodel.cache import index
from hwmodel.cache.accesses import Accesses, parts_of
from hwmodel.cache.compiled import kernel
from hwmodel.cache.config import INDICES, SECTOR_BYTES, CacheConfig
from hwmodel.cache.given import addresses_of, kinds_of
from hwmodel.cache.lru import visit_wide
from hwmodel.cache.vectors import ones

_BLOCK = 2048
_BYTE, _EIGHT, _SIXTEEN = np.uint32(0xFF), np.uint32(8), np.uint32(16)
_ZERO, _ONE = np.uint32(0), np.uint32(1)
_SECTOR_BITS = SECTOR_BYTES.bit_length() - 1


class Outcomes(NamedTuple):
    """Accesses in order and what became of each: arrays of one length."""

    address: np.ndarray  # uint64, byte address
    write: np.ndarray  # bool
    hit: np.ndarray  # bool, as the replay counts hits
    fetched: np.ndarray  # uint8, 32 B sectors fetched: none for a hit, nor for a write to a sectored cache
    written: np.ndarray  # uint8, 32 B sectors of a dirty line that it evicts and writes back


class Cache:
    """One cache that tells of each access; it starts empty and keeps its state from part to part.

    Args:
        config: the cache.

    Raises:
        InputError: for another than an LRU, write-back cache that keeps what is written.
    """

    def __init__(self, config: CacheConfig) -> None:
        if not replace(config, wear=False).plain:
            raise InputError("cache: what each access finds is known of LRU with write-back alone; give such a one")
        self.config = config
        self._tags = np.zeros(config.stored_slots, np.uint64)
        self._bits = np.zeros(config.stored_slots, np.uint16)
        self._table = index.remainders(config.sets // config.slices if config.index == "ipoly" else 1)
        kinds = (np.uint32, np.uint64, np.uint32, np.uint64, np.uint32)
        self._places, self._quotients, self._what, self._line, self._seen = (np.empty(_BLOCK, kind) for kind in kinds)

    def feed(self, part: Accesses) -> Outcomes:
        """Apply accesses; return what each found, in arrays of their own."""
        address = np.require(part.address, np.uint64, ["C", "A", "W"])
        write, whole = np.require(part.write, np.bool_, ["C", "W"]), np.require(part.whole, np.bool_, ["C", "W"])
        found = np.empty(len(address), np.bool_)
        fetched, written = np.empty(len(address), np.uint8), np.empty(len(address), np.uint8)
        config = self.config
        _follow(
            address, write, whole, config.line.bit_length() - 1, config.sets, config.slices, config.ways,
            INDICES.index(config.index), config.sector is not None, self._table, self._tags, self._bits, self._places,
            self._quotients, self._what, self._line, self._seen, found, fetched, written,
        )  # fmt: skip
        return Outcomes(address.copy(), write.copy(), found, fetched, written)


def replay_outcomes(address: Any, is_write: Any, config: CacheConfig) -> Outcomes:
    """Return what each sector access finds in a cache that starts empty.

    Args:
        address: byte addresses, whole numbers from 0, shape (accesses,); each is one access to the 32 B sector it falls
            in, a write to the whole of it.
        is_write: booleans, or 0 and 1, of the same shape.
        config: the cache.

    Raises:
        InputError: for addresses that are negative or no integers, and arrays that do not match.
    """
    cache = Cache(config)
    parts = [cache.feed(part) for part in parts_of(address, kinds_of(is_write, len(addresses_of(address))))]
    if not parts:
        return cache.feed(Accesses(np.empty(0, np.uint64), np.empty(0, np.bool_), np.empty(0, np.bool_)))
    return Outcomes(*map(np.concatenate, zip(*parts, strict=True)))


@kernel
def _follow(
    address: np.ndarray, write: np.ndarray, whole: np.ndarray, line_bits: int, sets: int, slices: int, ways: int,
    kind: int, sectored: bool, table: np.ndarray, tags: np.ndarray, bits: np.ndarray, places: np.ndarray,
    quotients: np.ndarray, what: np.ndarray, line: np.ndarray, seen: np.ndarray, found: np.ndarray,
    fetched: np.ndarray, written: np.ndarray,
) -> None:  # fmt: skip
    """Apply accesses, block by block, and say what each found."""
    sectors = np.uint8(1 << (line_bits - _SECTOR_BITS))
    within = np.uint64(sectors - 1)
    for begin in range(0, address.size, _BLOCK):
        count = min(address.size - begin, _BLOCK)
        for i in range(count):
            here = address[begin + i]
            unit = _ONE << np.uint32((here >> np.uint64(_SECTOR_BITS)) & within)
            line[i] = here >> np.uint64(line_bits)
            is_write = write[begin + i]
            valid = unit if whole[begin + i] or not is_write else _ZERO
            what[i] = valid | ((unit if is_write else _ZERO) << _EIGHT) | (unit << _SIXTEEN)
        index.locate(line, count, sets, slices, kind, False, table, places, quotients)
        index.spread(places, count)
        visit_wide(places, quotients, what, count, ways, tags, bits, seen)
        for i in range(count):
            at = begin + i
            there = (seen[i] >> _SIXTEEN) & _ONE != _ZERO
            valid, dirty = seen[i] & _BYTE, (seen[i] >> _EIGHT) & _BYTE
            present = valid | (dirty if write[at] else _ZERO)
            hit = there and (not sectored or (present & (what[i] >> _SIXTEEN)) != _ZERO)
            found[at] = hit
            fetched[at] = 0 if hit else (1 - np.uint8(write[at]) if sectored else sectors)
            gone = np.uint8(ones(dirty))
            written[at] = 0 if there or gone == 0 else (gone if sectored else sectors)
