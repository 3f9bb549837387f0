"""Which line of a set goes: replacement in caches whose lines keep their slots.

A new line takes the lowest empty slot of its set; in a full set the policy names the one to go.

    lru     the line used longest ago
    fifo    the line brought in first
    plru    where a binary tree of bits leads: each use of a line turns the bits on its way to the other half
    srrip   re-reference interval prediction with hit priority: a line has a value of two bits, RRPV, which is LONG when
            it is brought in and 0 after each further use; the first line at DISTANT goes, after all have grown
            until one is there. A. Jaleel et al., High performance cache replacement using re-reference interval
            prediction (RRIP), ISCA 2010
    drrip   the same, and set duelling between it and BRRIP, which brings lines in at DISTANT but for one in RARE:
            of each LEADERS-th part of the sets the first always follows SRRIP and the middle one BRRIP (of fewer than
            2 LEADERS sets, each second one), and a miss in either moves a counter of PSEL_BITS bits towards the other
    random  a number drawn from the seed, the set and how many lines that set has taken, so that sets are independent;
            so are BRRIP's exceptions

An access is a sector's: four that follow on each other along a line are one miss and three uses.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from circuits.errors import InputError
from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.config import INDICES, POLICIES, SLOTS, WRITE_MISSES, CacheConfig
from hwmodel.cache.index import remainders
from hwmodel.cache.vectors import lowest, match

LRU, FIFO, PLRU, SRRIP, DRRIP, RANDOM = range(len(POLICIES))
DISTANT = np.uint64(3)  # RRPV of two bits, ISCA 2010, section 4.1
LONG = np.uint64(2)
RARE = 32  # BRRIP's one line in so many, ISCA 2010, section 4.2: as BIP's 1/32 of Qureshi et al., ISCA 2007
LEADERS = 32  # sets dedicated to either policy, ISCA 2010, section 5 (set duelling of Qureshi et al., ISCA 2007)
PSEL_BITS = 10  # ISCA 2010, section 5
PSEL_TOP, PSEL_HALF = (1 << PSEL_BITS) - 1, 1 << (PSEL_BITS - 1)

(
    SETS,
    SLICES,
    WAYS,
    WIDTH,
    INDEX,
    POLICY,
    SEED,
    SECTORED,
    THROUGH,
    ON_MISS,
    WEARS,
    ALL,
    UNITS,
    SLOT,
    SET,
    MARK,
    SRAM,
    AFTER,
    MASKS,
    LASTS,
    KEPT,
    RULES,
) = range(22)
CLOCK, PSEL, MARKS = range(3)
SECTORS = 8  # of the longest line
_NONE, _ONE = np.uint64(0), np.uint64(1)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # SplitMix64's increment and multipliers: Steele, Lea, Flood, OOPSLA 2014
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)


class State(NamedTuple):
    """Levels of caches one after another in the same arrays; each of one or more units alike, such as the L1s of a GPU.

    Sets are numbered over all units of a level.
    """

    rule: np.ndarray  # int64 (level, RULES), what the caches are, and where a level's first slot, set and mark lie
    table: np.ndarray  # uint32 (level, 8, 256), of hwmodel.cache.index.remainders
    tags: np.ndarray  # uint64, a slot: line + 1, or 0 where it is empty
    bits: np.ndarray  # uint16, a slot: sectors dirty (high byte) and valid (low byte)
    ages: np.ndarray  # uint64, a slot: when it was used or filled, or its RRPV
    sets: np.ndarray  # uint64, a set: its tree, or how many lines it has taken
    marks: np.ndarray  # int64 (unit, MARKS): accesses so far, and what duels have come to
    wear: np.ndarray  # uint64, a slot: writes of it; of length 0 where no level counts them
    since: np.ndarray  # uint32, a slot: accesses that wrote its line since it came there; of length 0 unless hybrid
    parts: np.ndarray  # uint32, a slot and sector: bytes written of one that is not whole; of length 0 without masks

    @classmethod
    def empty(cls, levels: Sequence[tuple[CacheConfig, int]]) -> "State":
        """Return levels of empty caches, each given as what its caches are and how many."""
        rule = np.zeros((len(levels), RULES), np.int64)
        slots = sets = marks = 0
        for row, (config, units) in zip(rule, levels, strict=True):
            row[[SETS, SLICES, WAYS, WIDTH]] = config.sets, config.slices, config.ways, config.slots
            row[[INDEX, POLICY]] = INDICES.index(config.index), POLICIES.index(config.policy)
            row[[SEED, SECTORED]] = config.seed, config.sector is not None
            row[[THROUGH, ON_MISS]] = config.write == "through", WRITE_MISSES.index(config.on_write_miss)
            row[[WEARS, ALL, UNITS]] = config.wear, (1 << config.sectors_per_line) - 1, units
            row[MASKS] = config.byte_masks
            if config.hybrid is not None:
                row[[SRAM, AFTER]] = config.hybrid.sram_ways, config.hybrid.migrate_after
            if config.retention is not None:
                row[[LASTS, KEPT]] = config.retention.accesses, config.refreshed_ways
            row[[SLOT, SET, MARK]] = slots, sets, marks
            slots, sets, marks = slots + units * config.sets * config.slots, sets + units * config.sets, marks + units
        tables = [remainders(config.sets // config.slices if config.index == "ipoly" else 1) for config, _ in levels]
        begin = np.zeros((marks, MARKS), np.int64)
        begin[:, PSEL] = PSEL_HALF - 1  # followers begin with SRRIP
        worn = slots if any(config.wear for config, _ in levels) else 0
        mixed = slots if any(config.hybrid for config, _ in levels) else 0
        masked = slots * SECTORS if any(config.byte_masks for config, _ in levels) else 0
        try:
            tags, ages = np.zeros(slots, np.uint64), np.zeros(slots, np.uint64)
            bits, wear = np.zeros(slots, np.uint16), np.zeros(worn, np.uint64)
            since, parts = np.zeros(mixed, np.uint32), np.zeros(masked, np.uint32)
        except MemoryError:
            raise InputError(f"caches: no {30 * slots / 2**30:.1f} GiB of memory for them; give smaller") from None
        return cls(rule, np.stack(tables), tags, bits, ages, np.zeros(sets, np.uint64), begin, wear, since, parts)

    def of(self, values: np.ndarray, level: int) -> np.ndarray:
        """Return what an array by slot holds of a level, shape (units, sets, ways)."""
        units, sets, width, ways, start = self.rule[level][[UNITS, SETS, WIDTH, WAYS, SLOT]]
        return values[start : start + units * sets * width].reshape(units, sets, width)[:, :, :ways]


@kernel
def find(state: State, level: Whole, place: Whole, line: np.uint64) -> Whole:
    """Return the slot of a level's set `place` that holds a line, or -1."""
    rule = state.rule[level]
    begin = rule[SLOT] + np.int64(place) * rule[WIDTH]
    for start in range(begin, begin + rule[WIDTH], SLOTS):
        found = match(state.tags, start, line + _ONE, _ONE)
        if found != 0:
            return np.int64(start) + np.int64(lowest(found))
    return np.int64(-1)


@kernel
def use(state: State, level: Whole, unit: Whole, place: Whole, slot: Whole) -> None:
    """Note that a line that is there is accessed."""
    rule = state.rule[level]
    policy = rule[POLICY]
    if policy == LRU:
        mark = rule[MARK] + unit
        state.marks[mark, CLOCK] += 1
        state.ages[slot] = np.uint64(state.marks[mark, CLOCK])
    elif policy == PLRU:
        _turn(state.sets, rule[SET] + place, rule[WAYS], slot - rule[SLOT] - place * rule[WIDTH])
    elif policy in (SRRIP, DRRIP):
        state.ages[slot] = _NONE


@kernel
def take(
    state: State, level: Whole, unit: Whole, place: Whole, line: np.uint64, first: Whole, ways: Whole
) -> tuple[Whole, np.uint64, np.uint16]:
    """Give a line that is not there a slot, without sectors; return (slot, tag, sector bits) with what was there.

    It takes one of `ways` ways from the `first` on: all of a set, but in hybrid caches.
    """
    rule = state.rule[level]
    begin, policy = rule[SLOT] + place * rule[WIDTH] + first, rule[POLICY]
    own, mark = rule[SET] + place, rule[MARK] + unit
    slot = np.int64(-1)
    for way in range(begin, begin + ways):
        if state.tags[way] == _NONE:
            slot = np.int64(way)
            break
    taken = np.uint64(state.sets[own])  # or its tree
    drawn = _draw(np.uint64(rule[SEED]), np.uint64(place), taken) if policy >= DRRIP else _NONE
    if slot < 0:
        slot = begin + _victim(state.ages, taken, policy, ways, begin, drawn)
    gone = state.tags[slot], state.bits[slot]
    state.tags[slot], state.bits[slot] = line + _ONE, np.uint16(0)
    if policy <= FIFO:
        state.marks[mark, CLOCK] += 1
        state.ages[slot] = np.uint64(state.marks[mark, CLOCK])
    elif policy == PLRU:
        _turn(state.sets, own, ways, slot - begin)
    elif policy == SRRIP:
        state.ages[slot] = LONG
    else:
        if policy == DRRIP:
            rare = drawn % np.uint64(RARE) == _NONE
            bimodal = _duel(state.marks, mark, place % rule[SETS], rule[SETS])
            state.ages[slot] = DISTANT if bimodal and not rare else LONG
        state.sets[own] += _ONE
    return slot, gone[0], gone[1]


@kernel
def _victim(ages: np.ndarray, tree: np.uint64, policy: Whole, ways: Whole, begin: Whole, drawn: np.uint64) -> Whole:
    """Return which way of a full set goes."""
    if policy == RANDOM:
        return np.int64(((drawn >> _S32) * np.uint64(ways)) >> _S32)
    if policy == PLRU:
        node = np.int64(1)
        while node < ways:
            node = 2 * node + np.int64((tree >> np.uint64(node)) & _ONE)
        return node - ways
    way, found = np.int64(0), ages[begin]
    if policy <= FIFO:
        for other in range(1, ways):
            age = ages[begin + other]
            if age < found:
                way, found = np.int64(other), age
        return way
    for other in range(1, ways):
        age = ages[begin + other]
        if age > found:
            way, found = np.int64(other), age
    if found < DISTANT:
        for other in range(ways):
            ages[begin + other] += DISTANT - found
    return way


@kernel
def _turn(trees: np.ndarray, own: Whole, ways: Whole, way: Whole) -> None:
    """Turn the bits of a set's tree away from a way; node n, from 1, has the children 2 n and 2 n + 1."""
    node, tree = way + ways, trees[own]
    while node > 1:
        right = np.uint64(node & 1)
        node >>= 1
        bit = _ONE << np.uint64(node)
        tree = tree & ~bit if right != _NONE else tree | bit
    trees[own] = tree


@kernel
def _duel(marks: np.ndarray, mark: Whole, own: Whole, sets: Whole) -> bool:
    """Count a miss in set `own` of its unit; return whether its line comes in as under BRRIP."""
    period = max(sets // LEADERS, 2)
    psel = marks[mark, PSEL]
    if own % period == 0:
        marks[mark, PSEL] = min(psel + 1, PSEL_TOP)
        return False
    if own % period == period // 2:
        marks[mark, PSEL] = max(psel - 1, 0)
        return True
    return psel >= PSEL_HALF


@kernel
def _draw(seed: np.uint64, place: np.uint64, taken: np.uint64) -> np.uint64:
    """Return 64 bits for a set's next line: SplitMix64's, of the seed and the set, then of that and the count."""
    return _mixed(_mixed(seed + _GOLDEN * (place + _ONE)) + _GOLDEN * (taken + _ONE))


@kernel
def _mixed(value: np.uint64) -> np.uint64:
    value = (value ^ (value >> _S30)) * _FIRST
    value = (value ^ (value >> _S27)) * _SECOND
    return value ^ (value >> _S31)
