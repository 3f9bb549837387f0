"""Caches whose lines keep their slots: any policy, any treatment of writes, and the wear of slots.

Each sector access is a record of its own here: joined, they would hide uses from a policy, and misses of writes that go
around.
"""

import numpy as np

from hwmodel.cache import wear
from hwmodel.cache.block import BLOCK, Block
from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.config import SECTOR_BYTES, CacheConfig
from hwmodel.cache.hybrid import migrate, steer
from hwmodel.cache.index import locate
from hwmodel.cache.policies import (
    INDEX,
    MASKS,
    SECTORS,
    SETS,
    SLICES,
    SRAM,
    WEARS,
    WIDTH,
    State,
    find,
    take,
    use,
)
from hwmodel.cache.retention import due, expire, first_due, kept, refresh, renew, ring, step
from hwmodel.cache.vectors import lowest, ones
from hwmodel.cache.writes import plan, settle, written

(
    READS,
    WRITES,
    READ_MISSES,
    WRITE_MISSES,
    FILLS,
    WRITEBACKS,
    DIRTY,
    WRITTEN,
    THROUGH,
    SRAM_HITS,
    MRAM_HITS,
    MOVES,
    EXPIRED,
    EXPIRED_DIRTY,
    REFRESHES,
    MRAM_READS,
    MRAM_WRITES,
    COUNTERS,
) = range(18)
_BY_KIND = {
    "sram_read_hits": SRAM_HITS, "mram_read_hits": MRAM_HITS, "migrations": MOVES, "mram_read_accesses": MRAM_READS,
    "mram_write_accesses": MRAM_WRITES,
}  # fmt: skip
_FORGOTTEN = {"expired_lines": EXPIRED, "expired_writebacks": EXPIRED_DIRTY, "refreshes": REFRESHES}
_SECTOR_BITS = SECTOR_BYTES.bit_length() - 1
_ZERO, _EIGHT = np.uint32(0), np.uint32(8)
_SIXTEEN, _BYTE, _EVERY_BYTE = np.uint32(16), np.uint32(0xFF), np.uint32(0xFFFFFFFF)
_NOBODY = np.uint64(2**64 - 1)  # no line has that number
_READ, _PART, _ALL_OF_IT = np.uint32(0x010001), np.uint32(0xFF010100), np.uint32(0xFF010101)  # records of sector 0


@kernel
def visit_any(
    block: Block, count: Whole, runs: Whole, state: State, aging: np.ndarray | None, counts: np.ndarray
) -> None:
    """Apply a block's records, of one access each, in `runs` runs; `counts`, uint64 (rows, COUNTERS), grows.

    `aging` is of hwmodel.cache.retention, or None where lines last: the compiler then leaves out what asks for it.
    """
    rule = state.rule[0]
    wears, mixed = rule[WEARS] != 0, rule[SRAM] != 0
    locate(
        block.line, count, rule[SETS], rule[SLICES], rule[INDEX], False, state.table[0], block.places, block.quotients
    )
    masked = rule[MASKS] != 0
    begin, before, slot = 0, _NOBODY, np.int64(-1)
    for run in range(runs):
        counters = counts[block.rows[run]]
        for i in range(begin, block.ends[run]):
            place, line, what = np.int64(block.places[i]), block.line[i], block.what[i]
            if aging is not None:
                while due(state, aging):
                    oldest = first_due(aging)
                    if kept(state, oldest):
                        refresh(state, aging, oldest)
                        counters[REFRESHES] += np.uint64(1)
                    else:
                        gone = expire(state, aging, oldest)
                        _written_back(rule, gone, counters)
                        counters[EXPIRED] += np.uint64(1)
                        counters[EXPIRED_DIRTY] += np.uint64(np.uint32(gone) >> _EIGHT != _ZERO)
                        before = _NOBODY
            if line != before:  # sectors of a line often follow on each other
                slot, before = find(state, 0, place, line), line
            present = bool(slot >= 0)
            bits = np.uint32(state.bits[slot]) if present else _ZERO
            missed, enters, fetched, passed = plan(rule, present, bits, what)
            writes = np.int64(what >> np.uint32(31))
            counters[READS + writes] += np.uint64(1)
            counters[READ_MISSES + writes] += np.uint64(missed)
            counters[FILLS] += np.uint64(ones(fetched))
            counters[THROUGH] += np.uint64(ones(passed))
            if present:
                use(state, 0, 0, place, slot)
                if mixed:
                    way = slot - place * rule[WIDTH]
                    counters[MRAM_HITS if way >= rule[SRAM] else SRAM_HITS] += np.uint64(writes == 0 and not missed)
                    if writes != 0 and way >= rule[SRAM]:
                        moved = migrate(state, place, slot)
                        counters[MOVES] += np.uint64(moved != slot)
                        slot = moved
            elif enters:
                first, ways = steer(rule, writes)
                slot, _, gone = take(state, 0, 0, place, line, first, ways)
                if mixed:
                    state.since[slot] = writes
                if masked:
                    state.parts[slot * SECTORS : (slot + 1) * SECTORS] = 0
                _written_back(rule, gone, counters)
            if slot >= 0:
                if mixed:
                    counters[MRAM_READS + writes] += np.uint64(slot - place * rule[WIDTH] >= rule[SRAM])
                if masked and writes != 0 and what & _BYTE == _ZERO:
                    what |= _completed(state.parts, slot, what >> _SIXTEEN & _BYTE, block.wanted[i])
                state.bits[slot] = settle(rule, bits, what, fetched)
                if wears:
                    state.wear[slot] += np.uint64(writes) + np.uint64(fetched != _ZERO)
                if aging is not None and (writes != 0 or fetched != _ZERO):
                    renew(aging, slot)
            if aging is not None:
                step(aging)
        begin = block.ends[run]


@kernel
def _completed(parts: np.ndarray, slot: Whole, mask: np.uint32, written_bytes: np.uint32) -> np.uint32:
    """Add bytes to those written of a sector; return its bit if they are now all."""
    place = slot * SECTORS + np.int64(lowest(mask))
    parts[place] |= written_bytes
    return mask if parts[place] == _EVERY_BYTE else _ZERO


@kernel
def _written_back(rule: np.ndarray, gone: np.uint16, counters: np.ndarray) -> None:
    """Count what is written of a line that goes, given its sector bits."""
    dirty = np.uint32(gone) >> _EIGHT
    counters[WRITEBACKS] += np.uint64(dirty != _ZERO)
    counters[DIRTY] += np.uint64(ones(dirty))
    counters[WRITTEN] += np.uint64(ones(written(rule, np.uint32(gone))))


@kernel
def feed_addresses(
    address: np.ndarray,
    is_write: np.ndarray,
    line_bits: int,
    block: Block,
    state: State,
    aging: np.ndarray | None,
    counts: np.ndarray,
) -> None:
    """Apply sector accesses, given as byte addresses (uint64) and kinds (bool)."""
    low, sector = np.uint64(line_bits), np.uint64(_SECTOR_BITS)
    within = np.uint64((1 << (line_bits - _SECTOR_BITS)) - 1)
    block.rows[0] = 0
    for begin in range(0, address.size, BLOCK):
        count = min(BLOCK, address.size - begin)
        for i in range(count):
            here = address[begin + i]
            block.line[i] = here >> low
            kind = _ALL_OF_IT if is_write[begin + i] else _READ
            block.what[i] = _shifted(kind, np.uint32((here >> sector) & within))
        block.ends[0] = count
        visit_any(block, count, 1, state, aging, counts)


@kernel
def _shifted(kind: np.uint32, sector: np.uint32) -> np.uint32:
    """Return the record of sector 0 as one of another sector."""
    return ((kind & np.uint32(0xFFFFFF)) << sector) | (kind & np.uint32(0xFF000000))


@kernel
def feed_intervals(
    base: np.ndarray, stride: np.ndarray, rows: np.ndarray, width: np.ndarray, write: np.ndarray, owner: np.ndarray,
    line_bits: int, block: Block, state: State, aging: np.ndarray | None, counts: np.ndarray,
) -> None:  # fmt: skip
    """Apply intervals (see traces.stream), sector by sector; `owner` are rows of the counts."""
    count = runs = 0
    sector_line = line_bits - _SECTOR_BITS
    within = (1 << sector_line) - 1
    for i in range(base.size):
        for row in range(rows[i]):
            start = np.int64(base[i]) + row * stride[i]
            end = start + np.int64(width[i])
            for sector in range(start >> _SECTOR_BITS, ((end - 1) >> _SECTOR_BITS) + 1):
                if count == BLOCK:
                    block.ends[runs - 1] = count
                    visit_any(block, count, runs, state, aging, counts)
                    count = runs = 0
                if runs == 0 or block.rows[runs - 1] != owner[i]:
                    if runs > 0:
                        block.ends[runs - 1] = count
                    block.rows[runs] = owner[i]
                    runs += 1
                first = sector << _SECTOR_BITS
                whole = start <= first and first + SECTOR_BYTES <= end
                kind = (_ALL_OF_IT if whole else _PART) if write[i] else _READ
                block.line[count] = np.uint64(sector >> sector_line)
                block.what[count] = _shifted(kind, np.uint32(sector & within))
                low, high = max(start - first, 0), min(end - first, SECTOR_BYTES)
                block.wanted[count] = (_EVERY_BYTE >> np.uint32(SECTOR_BYTES - (high - low))) << np.uint32(low)
                count += 1
    if runs > 0:
        block.ends[runs - 1] = count
        visit_any(block, count, runs, state, aging, counts)


class FixedCache:
    """One such cache's state and counts, by rows such as one a kernel."""

    def __init__(self, config: CacheConfig, rows: int) -> None:
        self.config = config
        self.state = State.empty([(config, 1)])
        self._aging = None if config.retention is None else ring(len(self.state.tags))
        self.counts = np.zeros((rows, COUNTERS), np.uint64)
        self._bits = config.line.bit_length() - 1

    def feed(self, columns: tuple[np.ndarray, ...], block: Block) -> None:
        """Apply intervals: base, stride, rows, width, write, and rows of the counts."""
        base, stride, rows, width, write, owner = columns
        if len(owner):
            self.extend(int(owner.max()) + 1)
        feed_intervals(base, stride, rows, width, write, owner, self._bits, block, self.state, self._aging, self.counts)

    def extend(self, rows: int) -> None:
        """Make room to count in so many rows."""
        more = rows - len(self.counts)
        if more > 0:
            self.counts = np.pad(self.counts, ((0, more), (0, 0)))

    def feed_addresses(self, address: np.ndarray, is_write: np.ndarray, block: Block) -> None:
        feed_addresses(address, is_write, self._bits, block, self.state, self._aging, self.counts)

    def counted(self, row: int) -> tuple[int, ...]:
        """Return a row's counts in the order of hwmodel.cache.run.COUNTS."""
        self.extend(row + 1)
        reads, writes, read_misses, write_misses, fills, writebacks, dirty, wrote, through = map(
            int, self.counts[row, :SRAM_HITS]
        )
        return (reads + writes, reads - read_misses, read_misses, writes - write_misses, write_misses, writebacks,
                dirty, fills, fills, wrote + through, through)  # fmt: skip

    def more(self, row: int) -> dict[str, int]:
        """Return a row's counts that only some caches have: by kind of way, and of what was forgotten."""
        self.extend(row + 1)
        wanted: dict[str, int] = {}
        if self.config.hybrid is not None:
            wanted |= _BY_KIND
        if self.config.retention is not None:
            wanted |= _FORGOTTEN
        return {name: int(self.counts[row, place]) for name, place in wanted.items()}

    def figures(self) -> dict[str, float]:
        """Return the wear, that of MRAM where some ways are SRAM, and how often either was written."""
        counts, hybrid = self.wear(), self.config.hybrid
        if hybrid is None:
            return wear.figures(counts)
        sram, mram = counts[:, : hybrid.sram_ways], counts[:, hybrid.sram_ways :]
        return {"sram_writes": int(sram.sum()), "mram_writes": int(mram.sum())} | wear.figures(mram)

    def dirty(self) -> np.ndarray:
        """Return each slot's dirty sectors, as bits."""
        return self.state.bits >> 8

    def wear(self) -> np.ndarray:
        """Return the writes of each set's ways, shape (sets, ways)."""
        return self.state.of(self.state.wear, 0)[0]
