"""Records of addresses and intervals, block by block, applied to caches.

A block of records is made once and applied to every cache of the same line size; it stays in this machine's first
caches meanwhile.
"""

from typing import NamedTuple

import numpy as np

from hwmodel.cache.block import BLOCK, INTERVAL, Block
from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.gather import gather
from hwmodel.cache.index import locate, pack, spread
from hwmodel.cache.lru import tally, visit, visit_wide
from hwmodel.cache.unroll import unroll

SETS, SLICES, WAYS, START, END, INDEX, SECTORED, WIDE, SHAPE = range(9)


class Caches(NamedTuple):
    """The state and the counts of several caches, those of one layout one after another in the same arrays."""

    shape: np.ndarray  # int64, a row a cache: sets, slices, ways, first slot and end, index, sectored?, wide?
    tables: np.ndarray  # uint32 (cache, 8, 256), of hwmodel.cache.index.remainders
    packed: np.ndarray  # uint32, a slot each of the packed caches
    tags: np.ndarray  # uint64, a slot each of the wide caches
    bits: np.ndarray  # uint16, a slot each of the wide caches
    misses: np.ndarray  # uint64 (cache, row, counter of hwmodel.cache.lru)


@kernel
def apply(block: Block, count: Whole, runs: Whole, members: np.ndarray, caches: Caches, misses: np.ndarray) -> None:
    """Apply a block's records, in `runs` runs, to the caches numbered `members`; count in `misses`."""
    line, what, places, quotients, seen = block.line, block.what, block.places, block.quotients, block.seen
    for cache in members:
        shape = caches.shape[cache]
        wide = shape[WIDE] != 0
        locate(line, count, shape[SETS], shape[SLICES], shape[INDEX], not wide, caches.tables[cache], places, quotients)
        spread(places, count)
        if not wide:
            pack(quotients, what, count, block.wanted)
        use(places, block.wanted, quotients, what, count, runs, block.ends, block.rows, cache, caches, seen, misses)


@kernel
def use(
    places: np.ndarray, wanted: np.ndarray, quotients: np.ndarray, what: np.ndarray, count: Whole, runs: Whole,
    ends: np.ndarray, rows: np.ndarray, cache: Whole, caches: Caches, seen: np.ndarray, misses: np.ndarray,
) -> None:  # fmt: skip
    """Let a cache see records of which it is known where they fall, and count run by run what they cause."""
    shape = caches.shape[cache]
    slots, wide = slice(shape[START], shape[END]), shape[WIDE] != 0
    if wide:
        visit_wide(places, quotients, what, count, shape[WAYS], caches.tags[slots], caches.bits[slots], seen)
    else:
        visit(places, wanted, count, shape[WAYS], caches.packed[slots], seen)
    begin, sectored, dirty_at = 0, shape[SECTORED] != 0, 8 if wide else 4
    for run in range(runs):
        end = ends[run]
        tally(seen[begin:end], what[begin:end], end - begin, sectored, dirty_at, misses[cache, rows[run]])
        begin = end


@kernel
def feed_addresses(
    address: np.ndarray, is_write: np.ndarray, line_bits: int, joined: bool, begin: Whole, limit: np.uint64,
    members: np.ndarray, block: Block, caches: Caches, accesses: np.ndarray,
) -> Whole:  # fmt: skip
    """Apply sector accesses, given as byte addresses (uint64) and kinds (bool), to the caches `members`.

    From access `begin` on, until a block holds an address above `limit`, too high for the caches' layout; return where
    that begins. `joined`: make one record of reads and writes next to each other; right for caches that fill whole
    lines, where only the first of them can miss. `accesses`, uint64 (1, 2), grows by the number of reads and of writes.
    """
    block.rows[0] = 0
    while begin < address.size:
        end = min(begin + BLOCK, address.size)
        if top_of(address, begin, end) > limit:
            break
        count, writes = gather(address, is_write, begin, end, line_bits, joined, block)
        block.ends[0] = count
        apply(block, count, 1, members, caches, caches.misses)
        accesses[0, 0] += np.uint64(end - begin - writes)
        accesses[0, 1] += np.uint64(writes)
        begin = end
    return begin


@kernel
def top_of(address: np.ndarray, begin: Whole, end: Whole) -> np.uint64:
    highest = np.uint64(0)
    for i in range(np.uint64(begin), np.uint64(end)):
        highest = max(highest, address[i])
    return highest


@kernel
def feed_intervals(
    base: np.ndarray, stride: np.ndarray, rows: np.ndarray, width: np.ndarray, write: np.ndarray, owner: np.ndarray,
    line_bits: int, members: np.ndarray, block: Block, caches: Caches, accesses: np.ndarray,
) -> None:  # fmt: skip
    """Apply intervals (see traces.stream) to the caches `members`; `owner` are rows of the counts.

    `accesses`, uint64 (rows, 2), grows by the number of reads and of writes.
    """
    block.at[:] = 0
    while block.at[INTERVAL] < base.size:
        count, runs = unroll(base, stride, rows, width, write, owner, line_bits, block, accesses)
        apply(block, count, runs, members, caches, caches.misses)
