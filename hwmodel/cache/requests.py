"""Requests between the levels of a hierarchy, one after another and each to its end.

A request is a record (see hwmodel.cache.writes) of one line, of one of three kinds:

    ASK   an access, or what a level above fetches or writes. Without sectors, it is what an inclusive level is told of
          a line that comes in above it though nothing is fetched.
    TAKE  to an exclusive level: the line comes in above. What is held of it moves up, the rest is fetched below.
    GIVE  to an exclusive level: the line, its sectors in `what`, went above.

What a level lacks is fetched first; then its line comes in, and another may have to go; then a write goes on. Each of
these asks the next level, so that a level has at most one request under way: `frames` has a row for each. (Functions
that call themselves would say it in fewer words, but numba cannot load such from its cache.)
"""

from typing import NamedTuple

import numba as nb
import numpy as np

from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.config import SECTOR_BYTES
from hwmodel.cache.index import locate
from hwmodel.cache.levels import FIELDS, HOLDS
from hwmodel.cache.policies import INDEX, SETS, SLICES, UNITS, WAYS, WEARS, State, find, take, use
from hwmodel.cache.vectors import lowest, ones
from hwmodel.cache.writes import plan, settle, written

ASK, TAKE, GIVE = range(3)
NEITHER, INCLUSIVE, EXCLUSIVE = range(len(HOLDS))
LEVEL_COUNTS = ("reads", "writes", "read_misses", "write_misses", "fill_sectors", "writebacks", "writeback_sectors",
                "through_sectors", "back_invalidations", "moved_up", "moved_down")  # fmt: skip
(READS, WRITES, READ_MISSES, WRITE_MISSES, FILLS, WRITEBACKS, WRITTEN, THROUGH, INVALIDATIONS, UP, DOWN) = range(
    len(LEVEL_COUNTS)
)
DRAM_COUNTS = ("read_sectors", "write_sectors", "row_hits", "activations", "precharges")
ROW_HITS, ACTIVATIONS, PRECHARGES = 2, 3, 4
BEGIN, INSTALL, PASS, END = range(4)  # what a level does next for its request
UNIT, LINE, WHAT, KIND, PHASE, FETCHED, PASSED, ENTERS, RESULT, FRAME = range(10)
_COLUMN, _ROW = FIELDS.index("column"), FIELDS.index("row")
_BANK = FIELDS.index("bank")
_ZERO, _BYTE, _EIGHT, _SIXTEEN = np.uint32(0), np.uint32(0xFF), np.uint32(8), np.uint32(16)
_WRITE = np.uint32(0xFF << 24)
_UNIT, _SECTOR = np.uint64(1), np.uint64(SECTOR_BYTES)
_SECTOR_BITS = SECTOR_BYTES.bit_length() - 1


class Levels(NamedTuple):
    """The state and the counts of a hierarchy."""

    caches: State
    holds: np.ndarray  # int64 (level,)
    counts: np.ndarray  # uint64 (level, LEVEL_COUNTS)
    frames: np.ndarray  # uint64 (level, FRAME)
    line_bits: int
    pieces: np.ndarray  # int64 (piece, 3): field, shift and bits of a DRAM address
    hashed: bool
    together: bool  # whether a line lies in one row
    rows: np.ndarray  # int64, a bank's open row, or -1
    dram: np.ndarray  # uint64 (DRAM_COUNTS,)
    line: np.ndarray  # uint64 (1,), room to locate a line
    place: np.ndarray  # uint32 (1,)
    quotient: np.ndarray  # uint64 (1,)


@kernel
def feed(address: np.ndarray, is_write: np.ndarray, source: np.ndarray, levels: Levels) -> None:
    """Send sector accesses, by byte address, kind and source, to the first level."""
    low = np.uint64(levels.line_bits)
    for i in range(address.size):
        sector = np.uint32((address[i] & ((_UNIT << low) - _UNIT)) // _SECTOR)
        bit = np.uint32(1) << sector
        what = bit | bit << _SIXTEEN
        if is_write[i]:
            what |= (bit << _EIGHT) | _WRITE
        _frame(levels, 0, np.int64(source[i]), address[i] >> low, what, ASK)
        _serve(levels)


@kernel
def feed_intervals(
    base: np.ndarray, stride: np.ndarray, rows: np.ndarray, width: np.ndarray, write: np.ndarray, source: np.ndarray,
    levels: Levels,
) -> None:  # fmt: skip
    """Send intervals (see traces.stream) to the first level, sector by sector, each from a source."""
    sector_bits = np.int64(_SECTOR_BITS)
    line_bits = levels.line_bits - sector_bits
    for i in range(base.size):
        for row in range(rows[i]):
            start = np.int64(base[i]) + row * stride[i]
            end = start + np.int64(width[i])
            for sector in range(start >> sector_bits, ((end - 1) >> sector_bits) + 1):
                bit = np.uint32(1) << np.uint32(sector & ((1 << line_bits) - 1))
                what = bit << _SIXTEEN
                if not write[i] or (start <= sector << sector_bits and (sector + 1) << sector_bits <= end):
                    what |= bit
                if write[i]:
                    what |= (bit << _EIGHT) | _WRITE
                _frame(levels, 0, np.int64(source[i]), np.uint64(sector >> line_bits), what, ASK)
                _serve(levels)


@nb.njit(inline="always")
def _frame(levels: Levels, level: Whole, unit: Whole, line: np.uint64, what: np.uint32, kind: Whole) -> None:
    frame = levels.frames[level]
    frame[UNIT], frame[LINE], frame[WHAT], frame[KIND] = unit, line, what, kind
    frame[PHASE] = BEGIN


@nb.njit(inline="always")
def _serve(levels: Levels) -> None:
    """Serve the first level's request, and those that come of it."""
    level, got = np.int64(0), _ZERO  # got: what a TAKE has brought up
    while level >= 0:
        phase = levels.frames[level, PHASE]
        levels.frames[level, PHASE] = phase + _UNIT
        called = False
        if phase == BEGIN:
            got = _ZERO
            called = _begin(levels, level)
        elif phase == INSTALL:
            called = _install(levels, level, got)
        elif phase == PASS:
            called = _pass_on(levels, level)
        else:
            got = np.uint32(levels.frames[level, RESULT])
            level -= 1
        if called:
            level += 1


@nb.njit(inline="always")
def _call(levels: Levels, level: Whole, line: np.uint64, what: np.uint32, kind: Whole) -> bool:
    """Send a request from a level to the next; return whether that is a cache, which has yet to serve it."""
    if level + 1 == levels.holds.size:
        _memory(levels, line, (what >> _SIXTEEN) & _BYTE, what & _WRITE != _ZERO)
        return False
    unit = np.int64(levels.frames[level, UNIT])
    _frame(
        levels,
        level + 1,
        unit * levels.caches.rule[level + 1, UNITS] // levels.caches.rule[level, UNITS],
        line,
        what,
        kind,
    )
    return True


@nb.njit(inline="always")
def _below(levels: Levels, level: Whole) -> Whole:
    """Return what the next level holds of this one."""
    return NEITHER if level + 1 == levels.holds.size else levels.holds[level + 1]


@nb.njit(inline="always")
def _begin(levels: Levels, level: Whole) -> bool:
    """Look a line up, and fetch what it lacks."""
    state, counts, frame = levels.caches, levels.counts[level], levels.frames[level]
    unit, line, what, kind = np.int64(frame[UNIT]), frame[LINE], np.uint32(frame[WHAT]), np.int64(frame[KIND])
    slot = find(state, level, _place(levels, level, unit, line), line)
    present = bool(slot >= 0)
    bits = np.uint32(state.bits[slot]) if present else _ZERO
    mask, writes = (what >> _SIXTEEN) & _BYTE, np.int64(what >> np.uint32(31))
    missed, enters, fetched, passed = plan(state.rule[level], present, bits, what)
    frame[RESULT] = _ZERO
    if kind == TAKE:
        fetched = mask & ~bits & _BYTE
        missed = fetched != _ZERO
        frame[RESULT] = bits
        if present:
            state.tags[slot], state.bits[slot] = np.uint64(0), np.uint16(0)
            counts[UP] += _UNIT
    elif kind == GIVE:
        missed, enters, fetched, passed = False, not present, _ZERO, _ZERO
        counts[DOWN] += _UNIT
    elif levels.holds[level] == EXCLUSIVE and not present:  # a write on its way down
        enters, fetched, passed = False, _ZERO, mask
    if kind != GIVE and mask != _ZERO:
        counts[READS + writes] += _UNIT
        counts[READ_MISSES + writes] += np.uint64(missed)
    counts[FILLS] += np.uint64(ones(fetched))
    frame[FETCHED], frame[PASSED], frame[ENTERS] = fetched, passed, present or enters
    below, fetch = _below(levels, level), fetched | fetched << _SIXTEEN
    if below == EXCLUSIVE and (enters or fetched != _ZERO):
        return _call(levels, level, line, fetch, TAKE)
    if fetched != _ZERO or (enters and below == INCLUSIVE and kind != TAKE):
        return _call(levels, level, line, fetch, ASK)
    return False


@nb.njit(inline="always")
def _install(levels: Levels, level: Whole, got: np.uint32) -> bool:
    """Bring the line in, with the sectors `got` from an exclusive level, and send what has to go for it down."""
    state, counts, frame = levels.caches, levels.counts[level], levels.frames[level]
    unit, line, what, kind = np.int64(frame[UNIT]), frame[LINE], np.uint32(frame[WHAT]), np.int64(frame[KIND])
    if kind == TAKE:
        frame[RESULT] |= np.uint64(got)
        return False
    if frame[ENTERS] == np.uint64(0):
        return False
    rule, fetched = state.rule[level], np.uint32(frame[FETCHED])
    place = _place(levels, level, unit, line)
    slot = find(state, level, place, line)
    old, gone = np.uint64(0), _ZERO
    if slot >= 0:
        use(state, level, unit, place, slot)
    else:
        slot, old, gone_bits = take(state, level, unit, place, line, 0, rule[WAYS])
        gone = np.uint32(gone_bits)
    bits = np.uint32(state.bits[slot])
    kept = bits | (what & np.uint32(0xFFFF)) if kind == GIVE else np.uint32(settle(rule, bits, what, fetched))
    state.bits[slot] = np.uint16(kept | got)
    if rule[WEARS] != 0:
        filled = kind == GIVE or (fetched | got) != _ZERO
        state.wear[slot] += np.uint64(filled) + (np.uint64(what >> np.uint32(31)) if kind == ASK else np.uint64(0))
    if old == np.uint64(0):
        return False
    line = old - _UNIT
    if levels.holds[level] == INCLUSIVE:
        gone |= _drop(levels, level, unit, line)
    out = written(rule, gone)
    counts[WRITEBACKS] += np.uint64(out != _ZERO)
    counts[WRITTEN] += np.uint64(ones(out))
    if _below(levels, level) == EXCLUSIVE:
        return _call(levels, level, line, gone, GIVE)
    if out != _ZERO:
        return _call(levels, level, line, (out & gone) | out << _EIGHT | out << _SIXTEEN | _WRITE, ASK)
    return False


@nb.njit(inline="always")
def _pass_on(levels: Levels, level: Whole) -> bool:
    """Send a write on that goes through or around."""
    frame = levels.frames[level]
    passed = np.uint32(frame[PASSED])
    if passed == _ZERO:
        return False
    levels.counts[level, THROUGH] += np.uint64(ones(passed))
    return _call(levels, level, frame[LINE], np.uint32(frame[WHAT]), ASK)


@nb.njit(inline="always")
def _place(levels: Levels, level: Whole, unit: Whole, line: np.uint64) -> Whole:
    """Return the number of a line's set, over all units of a level."""
    state = levels.caches
    rule = state.rule[level]
    levels.line[0] = line
    locate(
        levels.line, 1, rule[SETS], rule[SLICES], rule[INDEX], False, state.table[level], levels.place, levels.quotient
    )
    return unit * rule[SETS] + np.int64(levels.place[0])


@kernel
def _drop(levels: Levels, level: Whole, unit: Whole, line: np.uint64) -> np.uint32:
    """Take a line out of the levels above that are included in this one; return the sector bits found there."""
    found = _ZERO
    above = level
    while above > 0 and levels.holds[above] == INCLUSIVE:
        above -= 1
        state = levels.caches
        share = state.rule[above, UNITS] // state.rule[level, UNITS]
        for other in range(unit * share, (unit + 1) * share):
            slot = find(state, above, _place(levels, above, other, line), line)
            if slot >= 0:
                found |= np.uint32(state.bits[slot])
                state.tags[slot], state.bits[slot] = np.uint64(0), np.uint16(0)
                levels.counts[level, INVALIDATIONS] += _UNIT
    return found


@kernel
def _memory(levels: Levels, line: np.uint64, mask: np.uint32, write: bool) -> None:
    """Read or write sectors of a line in DRAM, each in its bank's open row, which may first have to be changed."""
    levels.dram[1 if write else 0] += np.uint64(ones(mask))
    while mask != _ZERO:
        sector = lowest(mask)
        run = mask if levels.together else np.uint32(1) << sector
        bank, row = _bank(levels, (line << np.uint64(levels.line_bits)) + np.uint64(sector) * _SECTOR)
        opened = levels.rows[bank]
        changed = np.uint64(opened != row)
        levels.dram[ROW_HITS] += np.uint64(ones(run)) - changed
        levels.dram[ACTIVATIONS] += changed
        levels.dram[PRECHARGES] += changed & np.uint64(opened >= 0)
        levels.rows[bank] = row
        mask &= ~run


@kernel
def _bank(levels: Levels, address: np.uint64) -> tuple[Whole, Whole]:
    """Return a byte's bank, counted over all channels and ranks, and its row."""
    none = np.uint64(0)
    row, bank, other = none, none, none
    row_bits, bank_bits, other_bits = none, none, none
    for piece in range(levels.pieces.shape[0]):
        kind, bits = levels.pieces[piece, 0], np.uint64(levels.pieces[piece, 2])
        value = (address >> np.uint64(levels.pieces[piece, 1])) & ((_UNIT << bits) - _UNIT)
        if kind == _ROW:
            row |= value << row_bits
            row_bits += bits
        elif kind == _BANK:
            bank |= value << bank_bits
            bank_bits += bits
        elif kind != _COLUMN:
            other |= value << other_bits
            other_bits += bits
    if levels.hashed:
        bank ^= row & ((_UNIT << bank_bits) - _UNIT)
    return np.int64(other << bank_bits | bank), np.int64(row)
