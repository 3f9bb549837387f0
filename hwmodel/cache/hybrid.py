"""Ways of SRAM and of MRAM in one set: where a line goes, and when it moves; see hwmodel.cache.config.Hybrid."""

import numpy as np

from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.policies import AFTER, SRAM, WAYS, WIDTH, State

_NONE, _ONE = np.uint64(0), np.uint64(1)


@kernel
def steer(rule: np.ndarray, writes: Whole) -> tuple[Whole, Whole]:
    """Return the first of the ways for a line that comes in, by a write or not, and how many they are."""
    if rule[SRAM] == 0:
        return np.int64(0), rule[WAYS]
    if writes != 0:
        return np.int64(0), rule[SRAM]
    return rule[SRAM], rule[WAYS] - rule[SRAM]


@kernel
def migrate(state: State, place: Whole, slot: Whole) -> Whole:
    """Count a write of the line in an MRAM slot; return its slot, which may now be one of SRAM.

    A slot is also written when a line moves there.
    """
    rule = state.rule[0]
    state.since[slot] += np.uint32(1)
    if rule[AFTER] == 0 or state.since[slot] < rule[AFTER]:
        return slot
    begin = place * rule[WIDTH]
    other = begin
    for way in range(begin, begin + rule[SRAM]):
        if state.tags[way] == _NONE:
            other = np.int64(way)
            break
        if state.ages[way] < state.ages[other]:
            other = np.int64(way)
    state.tags[slot], state.tags[other] = state.tags[other], state.tags[slot]
    state.bits[slot], state.bits[other] = state.bits[other], state.bits[slot]
    state.ages[slot], state.ages[other] = state.ages[other], state.ages[slot]
    state.since[slot] = state.since[other] = np.uint32(0)
    state.wear[other] += _ONE
    state.wear[slot] += np.uint64(state.tags[slot] != _NONE)
    return other
