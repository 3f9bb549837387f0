"""What an access asks of the level below, and what it leaves in its line.

An access, or a request from the level above, is a record as in hwmodel.cache.lru: sectors whole afterwards, sectors
written, sectors visited, and whether it writes.

A read brings the sectors it misses, or, where lines are whole, all that the line lacks. A write:

    fetch     brings its line in, and fetches: the line where lines are whole, else those of its sectors that it fills
              in part only. DineroIV's `-lN-dwalloc a`.
    validate  brings its line in and fetches nothing. A sector written whole is valid; one written in part waits for a
              read to fetch its rest. Write-validate of N. P. Jouppi, Cache write policies and performance, ISCA 1993.
    around    leaves a line that is not there alone, and goes on; a line that is there takes the write, as under
              `validate`. DineroIV's `-lN-dwalloc n`.

    back      the sectors become dirty, and are written when the line goes. DineroIV's `-lN-dwback a`.
    through   the write goes on at once, and nothing becomes dirty. DineroIV's `-lN-dwback n`.

As in DineroIV, whose sub-blocks our sectors are, a write that covers what would be fetched fetches nothing. But a line
of one sector, without `sector`, is fetched at each miss: an access is of a sector even where it has fewer bytes.
"""

import numpy as np

from hwmodel.cache.compiled import kernel
from hwmodel.cache.config import WRITE_MISSES
from hwmodel.cache.policies import ALL, ON_MISS, SECTORED, THROUGH

FETCH, VALIDATE, AROUND = range(len(WRITE_MISSES))
_BYTE, _ZERO = np.uint32(0xFF), np.uint32(0)
_EIGHT, _SIXTEEN = np.uint32(8), np.uint32(16)
_WRITE = np.uint32(0xFF << 24)


@kernel
def plan(rule: np.ndarray, present: bool, bits: np.uint32, what: np.uint32) -> tuple[bool, bool, np.uint32, np.uint32]:
    """Return (is it a miss?, does the line come in?, sectors to fetch, sectors to write on).

    `bits` are those of the line's slot, 0 where it is not `present`.
    """
    whole, mask = what & _BYTE, (what >> _SIXTEEN) & _BYTE
    valid, dirty, every = bits & _BYTE, bits >> _EIGHT, np.uint32(rule[ALL])
    sectored = rule[SECTORED] != 0
    if what & _WRITE == _ZERO:
        missing = mask & ~valid
        fetched = missing if sectored or missing == _ZERO else every & ~valid
        return missing != _ZERO, not present, fetched, _ZERO
    missed = mask & ~(valid | dirty) != _ZERO
    if not present and rule[ON_MISS] == AROUND:
        return missed, False, _ZERO, mask
    fetched = _ZERO
    if rule[ON_MISS] == FETCH and sectored:
        fetched = mask & ~whole & ~valid
    elif rule[ON_MISS] == FETCH and (whole != every or every == np.uint32(1)):
        fetched = every & ~valid
    return missed, not present, fetched, mask if rule[THROUGH] != 0 else _ZERO


@kernel
def settle(rule: np.ndarray, bits: np.uint32, what: np.uint32, fetched: np.uint32) -> np.uint16:
    """Return a slot's sector bits after an access whose line is there."""
    dirty = _ZERO if rule[THROUGH] != 0 else what & (_BYTE << _EIGHT)
    return np.uint16(bits | (what & _BYTE) | fetched | dirty)


@kernel
def written(rule: np.ndarray, bits: np.uint32) -> np.uint32:
    """Return the sectors to write of a line that goes: a whole line's, or those that are dirty."""
    dirty = bits >> _EIGHT
    lines = rule[SECTORED] == 0 and rule[ON_MISS] != VALIDATE and bits & _BYTE == np.uint32(rule[ALL])
    return np.uint32(rule[ALL]) if lines and dirty != _ZERO else dirty
