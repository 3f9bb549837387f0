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

SETS, SLICES, WAYS, WIDTH, INDEX, POLICY, SEED, SECTORED, THROUGH, ON_MISS, WEARS, ALL, RULES = range(13)
CLOCK, PSEL, MARKS = range(3)
_NONE, _ONE = np.uint64(0), np.uint64(1)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # SplitMix64's increment and multipliers: Steele, Lea, Flood, OOPSLA 2014
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)


class State(NamedTuple):
    """One or more caches alike (units, such as the L1s of a GPU), one after another in the same arrays."""

    rule: np.ndarray  # int64 (RULES,), what the caches are
    table: np.ndarray  # uint32 (8, 256), of hwmodel.cache.index.remainders
    tags: np.ndarray  # uint64, a slot: line + 1, or 0 where it is empty
    bits: np.ndarray  # uint16, a slot: sectors dirty (high byte) and valid (low byte)
    ages: np.ndarray  # uint64, a slot: when it was used or filled, or its RRPV
    sets: np.ndarray  # uint64, a set: its tree, or how many lines it has taken
    marks: np.ndarray  # int64 (unit, MARKS): accesses so far, and what duels have come to
    wear: np.ndarray  # uint64, a slot: writes of it; of length 0 where they are not counted

    @classmethod
    def empty(cls, config: CacheConfig, units: int = 1) -> "State":
        rule = np.zeros(RULES, np.int64)
        rule[[SETS, SLICES, WAYS, WIDTH]] = config.sets, config.slices, config.ways, config.slots
        rule[[INDEX, POLICY]] = INDICES.index(config.index), POLICIES.index(config.policy)
        rule[[SEED, SECTORED]] = config.seed, config.sector is not None
        rule[[THROUGH, ON_MISS]] = config.write == "through", WRITE_MISSES.index(config.on_write_miss)
        rule[[WEARS, ALL]] = config.wear, (1 << config.sectors_per_line) - 1
        table = remainders(config.sets // config.slices if config.index == "ipoly" else 1)
        sets = units * config.sets
        slots = sets * config.slots
        marks = np.zeros((units, MARKS), np.int64)
        marks[:, PSEL] = PSEL_HALF - 1  # followers begin with SRRIP
        try:
            tags, ages = np.zeros(slots, np.uint64), np.zeros(slots, np.uint64)
            bits, wear = np.zeros(slots, np.uint16), np.zeros(slots if config.wear else 0, np.uint64)
        except MemoryError:
            raise InputError(
                f"capacity {config.capacity}: no {26 * slots / 2**30:.1f} GiB of memory for {units} of it"
            ) from None
        return cls(rule, table, tags, bits, ages, np.zeros(sets, np.uint64), marks, wear)


@kernel
def find(state: State, place: Whole, line: np.uint64) -> Whole:
    """Return the slot of set `place` (counted over all units) that holds a line, or -1."""
    begin = np.int64(place) * state.rule[WIDTH]
    for start in range(begin, begin + state.rule[WIDTH], SLOTS):
        found = match(state.tags, start, line + _ONE, _ONE)
        if found != 0:
            return np.int64(start) + np.int64(lowest(found))
    return np.int64(-1)


@kernel
def use(state: State, unit: Whole, place: Whole, slot: Whole) -> None:
    """Note that a line that is there is accessed."""
    policy = state.rule[POLICY]
    if policy == LRU:
        state.marks[unit, CLOCK] += 1
        state.ages[slot] = np.uint64(state.marks[unit, CLOCK])
    elif policy == PLRU:
        _turn(state, place, slot - np.int64(place) * state.rule[WIDTH])
    elif policy in (SRRIP, DRRIP):
        state.ages[slot] = _NONE


@kernel
def take(state: State, unit: Whole, place: Whole, line: np.uint64) -> tuple[Whole, np.uint64, np.uint16]:
    """Give a line that is not there a slot, without sectors; return (slot, tag, sector bits) with what was there."""
    rule = state.rule
    begin, policy = np.int64(place) * rule[WIDTH], rule[POLICY]
    slot = np.int64(-1)
    for way in range(begin, begin + rule[WAYS]):
        if state.tags[way] == _NONE:
            slot = np.int64(way)
            break
    drawn = _draw(np.uint64(rule[SEED]), np.uint64(place), state.sets[place])
    if slot < 0:
        slot = begin + _victim(state, place, begin, drawn)
    gone = state.tags[slot], state.bits[slot]
    state.tags[slot], state.bits[slot] = line + _ONE, np.uint16(0)
    if policy in (LRU, FIFO):
        state.marks[unit, CLOCK] += 1
        state.ages[slot] = np.uint64(state.marks[unit, CLOCK])
    elif policy == PLRU:
        _turn(state, place, slot - begin)
    elif policy == SRRIP:
        state.ages[slot] = LONG
    else:
        if policy == DRRIP:
            rare = drawn % np.uint64(RARE) == _NONE
            state.ages[slot] = DISTANT if _duel(state, unit, np.int64(place) % rule[SETS]) and not rare else LONG
        state.sets[place] += _ONE
    return slot, gone[0], gone[1]


@kernel
def _victim(state: State, place: Whole, begin: Whole, drawn: np.uint64) -> Whole:
    """Return which way of a full set goes."""
    ways, policy, ages = state.rule[WAYS], state.rule[POLICY], state.ages
    if policy == RANDOM:
        return np.int64(((drawn >> _S32) * np.uint64(ways)) >> _S32)
    if policy == PLRU:
        node, tree = np.int64(1), state.sets[place]
        while node < ways:
            node = 2 * node + np.int64((tree >> np.uint64(node)) & _ONE)
        return node - ways
    way = np.int64(0)
    if policy in (LRU, FIFO):
        for other in range(1, ways):
            way = np.int64(other) if ages[begin + other] < ages[begin + way] else way
        return way
    for other in range(1, ways):
        way = np.int64(other) if ages[begin + other] > ages[begin + way] else way
    grown = DISTANT - ages[begin + way]
    for other in range(ways):
        ages[begin + other] += grown
    return way


@kernel
def _turn(state: State, place: Whole, way: Whole) -> None:
    """Turn the bits of a set's tree away from a way; node n, from 1, has the children 2 n and 2 n + 1."""
    node, tree = way + state.rule[WAYS], state.sets[place]
    while node > 1:
        right = np.uint64(node & 1)
        node >>= 1
        bit = _ONE << np.uint64(node)
        tree = tree & ~bit if right != _NONE else tree | bit
    state.sets[place] = tree


@kernel
def _duel(state: State, unit: Whole, own: Whole) -> bool:
    """Count a miss in set `own` of its unit; return whether its line comes in as under BRRIP."""
    sets = state.rule[SETS]
    period = max(sets // LEADERS, 2)
    psel = state.marks[unit, PSEL]
    if own % period == 0:
        state.marks[unit, PSEL] = min(psel + 1, PSEL_TOP)
        return False
    if own % period == period // 2:
        state.marks[unit, PSEL] = max(psel - 1, 0)
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
