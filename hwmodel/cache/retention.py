"""Lines that forget what is written into them; see hwmodel.cache.config.Retention.

Time is the number of the access. All lines last equally long, so they fall due in the order in which they were last
written: slots hang in a ring in that order, and whatever is written moves to its end. The place after the last slot is
where the ring begins and ends, and keeps the time.
"""

import numpy as np

from circuits.errors import InputError
from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.policies import KEPT, LASTS, WAYS, WEARS, WIDTH, State

NEXT, PREVIOUS, WRITTEN = range(3)  # a slot out of the ring has itself as next
_NONE, _ONE = np.uint64(0), np.uint64(1)


def ring(slots: int) -> np.ndarray:
    """Return the ring of so many slots, none in it: int64, shape (slots + 1, 3)."""
    try:
        made = np.zeros((slots + 1, 3), np.int64)
    except MemoryError:
        raise InputError(f"caches: no {24 * slots / 2**30:.1f} GiB of memory for them; give smaller") from None
    made[:, :WRITTEN] = np.arange(slots + 1)[:, None]
    return made


@kernel
def due(state: State, aging: np.ndarray) -> bool:
    """Return whether there is a line that does not last to the access that comes now."""
    end = aging.shape[0] - 1
    first = aging[end, NEXT]
    return bool(first != end and aging[first, WRITTEN] + state.rule[0, LASTS] < aging[end, WRITTEN])


@kernel
def first_due(aging: np.ndarray) -> Whole:
    """Return the slot written longest ago."""
    return np.int64(aging[aging.shape[0] - 1, NEXT])


@kernel
def kept(state: State, slot: Whole) -> bool:
    """Return whether a line is refreshed: whether few enough of its set were used after it."""
    rule = state.rule[0]
    if rule[KEPT] == 0 or rule[KEPT] == rule[WAYS]:
        return bool(rule[KEPT] != 0)
    begin, later = slot // rule[WIDTH] * rule[WIDTH], 0
    for way in range(begin, begin + rule[WAYS]):
        later += state.tags[way] != _NONE and state.ages[way] > state.ages[slot]
    return bool(later < rule[KEPT])


@kernel
def refresh(state: State, aging: np.ndarray, slot: Whole) -> None:
    """Read a line and write it anew, just before it would be lost."""
    if state.rule[0, WEARS] != 0:
        state.wear[slot] += _ONE
    _leave(aging, slot)
    _join(aging, slot, aging[slot, WRITTEN] + state.rule[0, LASTS])


@kernel
def expire(state: State, aging: np.ndarray, slot: Whole) -> np.uint16:
    """Take a line out; return its sector bits."""
    gone = state.bits[slot]
    state.tags[slot], state.bits[slot] = _NONE, np.uint16(0)
    _leave(aging, slot)
    return gone


@kernel
def step(aging: np.ndarray) -> None:
    """Go on to the next access."""
    aging[aging.shape[0] - 1, WRITTEN] += 1


@kernel
def renew(aging: np.ndarray, slot: Whole) -> None:
    """Note that the access of now writes a slot."""
    if aging[slot, NEXT] != slot:
        _leave(aging, slot)
    _join(aging, slot, aging[aging.shape[0] - 1, WRITTEN])


@kernel
def _leave(aging: np.ndarray, slot: Whole) -> None:
    following, previous = aging[slot, NEXT], aging[slot, PREVIOUS]
    aging[previous, NEXT] = following
    aging[following, PREVIOUS] = previous
    aging[slot, NEXT] = slot


@kernel
def _join(aging: np.ndarray, slot: Whole, time: Whole) -> None:
    end = aging.shape[0] - 1
    last = aging[end, PREVIOUS]
    aging[last, NEXT] = aging[end, PREVIOUS] = slot
    aging[slot, NEXT], aging[slot, PREVIOUS], aging[slot, WRITTEN] = end, last, time
