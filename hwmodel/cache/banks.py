"""When each access of a banked cache is done: a recurrence, a step an access, in whole femtoseconds.

Access i is issued at

    t(i) = max(t(i - 1) + interval, given time of i, done(i - outstanding))

and finds its tag at once, in order. What hits takes its bank, each bank serving first come, first served:

    start = max(t, free(bank))      free(bank) = start + cycle      done = start + latency

What misses goes to DRAM, a pipe of one latency that moves a sector each `dram_sector`; it is done when its data come,
and the data are then written into its bank. Since the pipe keeps the order, so do these fills: a ring holds those under
way, and a step first lets in the ones that came by t. An access to what is under way waits for it and needs no bank.
A dirty victim is read from its bank at t, and its sectors pass the pipe behind the miss.

With a write buffer of `depth` entries a bank, a write is done when an entry takes it, and written when its bank idles:
reads overtake it. An entry is free once written. A write that finds all taken waits for one; where none is being
written, the oldest goes next, after the reads that came before. So two counts a bank say all that matters:
`queued`, writes not begun, and `written`, the end of the latest one begun. Where FORWARDS is 1, a read of what has not
been written yet, in the buffer or waiting for an entry, is done at once and needs no bank: hwmodel.cache.buffered.
"""

from typing import NamedTuple

import numba as nb
import numpy as np

from hwmodel.cache.buffered import Buffered, begin, enter, full, holds
from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.index import turn
from hwmodel.cache.table import EMPTY, find, remove

(READ, READ_CYCLE, WRITE, WRITE_CYCLE, TAG, DEPTH, INTERVAL, OUTSTANDING, DRAM, DRAM_SECTOR, UNIT_BITS, LINE_BITS,
 FORWARDS, FIGURES) = range(14)  # fmt: skip
NOW, ISSUED, PIPE, HEAD, TAIL, LAST, LONGEST, CLOCK = range(8)
READS, WRITES, READ_HITS, MISSES, MERGED, SECTORS, FORWARDED, COUNTS = range(8)
FINE = 7  # bits of a time that its bin keeps: bins are less than 1 % wide
BINS = (64 - FINE) << FINE  # a float may round the greatest time up to 2**63


class Banks(NamedTuple):
    """The state of the banks, of DRAM's pipe and of what is under way; times in femtoseconds."""

    free: np.ndarray  # int64 (banks,), when each has done what it must do
    written: np.ndarray  # int64 (banks,), when the latest write begun ends
    queued: np.ndarray  # int64 (banks,), buffered writes not begun
    busy: np.ndarray  # int64 (banks,), time spent on what has begun
    done: np.ndarray  # int64 (outstanding,), a ring: when the accesses before are done
    came: np.ndarray  # int64 (outstanding,), a ring: when each fill under way comes
    unit: np.ndarray  # uint64 (outstanding,), a ring: what it brings, a line or a sector
    bank: np.ndarray  # int32 (outstanding,), a ring: where it goes
    keys: np.ndarray  # uint64, what is under way, see hwmodel.cache.table
    times: np.ndarray  # int64, beside each key when it comes
    clock: np.ndarray  # int64 (CLOCK,), last issue, accesses issued, pipe free, ring's ends, last done, longest read
    counts: np.ndarray  # int64 (COUNTS,)
    waits: np.ndarray  # float64 (1,), sum of the reads' latencies
    bins: np.ndarray  # int64 (BINS,), reads by latency
    buffered: Buffered  # what is to be written, where reads are served from it

    @classmethod
    def idle(cls, banks: int, outstanding: int) -> "Banks":
        places = max(8, 1 << (2 * outstanding - 1).bit_length())
        sizes = {"done": outstanding, "came": outstanding, "unit": outstanding, "bank": outstanding, "keys": places,
                 "times": places, "clock": CLOCK, "counts": COUNTS, "waits": 1, "bins": BINS}  # fmt: skip
        kinds = {"unit": np.uint64, "keys": np.uint64, "bank": np.int32, "waits": np.float64}
        names = cls._fields[:-1]
        columns = {name: np.zeros(sizes.get(name, banks), kinds.get(name, np.int64)) for name in names}
        made = cls(**columns, buffered=Buffered.empty(banks))
        made.keys[:] = EMPTY
        return made

    def copy(self) -> "Banks":
        columns = {name: getattr(self, name).copy() for name in self._fields[:-1]}
        return Banks(**columns, buffered=Buffered(*(column.copy() for column in self.buffered)))


@nb.njit(inline="always")
def bank_of(line: np.uint64, banks: np.uint64) -> Whole:
    """Return the bank of a line: as it is spread over slices, see hwmodel.cache.index."""
    group = line // banks
    place = line - group * banks + turn(group, banks)
    return np.int64(place - (banks if place >= banks else np.uint64(0)))


@nb.njit(inline="always")
def _begin(state: Banks, bank: Whole, figures: np.ndarray) -> None:
    """Begin a bank's oldest buffered write."""
    state.free[bank] += figures[WRITE_CYCLE]
    state.written[bank] = state.free[bank]
    state.busy[bank] += figures[WRITE_CYCLE]
    if figures[FORWARDS] != 0:
        begin(state.buffered, bank, np.int64(state.free[bank]))


@nb.njit(inline="always")
def _drain(state: Banks, bank: Whole, now: Whole, figures: np.ndarray) -> None:
    """Begin the buffered writes that a bank had time for before `now`; at `now` itself a read goes first."""
    while state.queued[bank] > 0 and state.free[bank] < now:
        _begin(state, bank, figures)
        state.queued[bank] -= 1


@nb.njit(inline="always")
def _read(state: Banks, bank: Whole, now: Whole, figures: np.ndarray) -> Whole:
    """Give a bank a read that comes at `now`; return when it begins."""
    _drain(state, bank, now, figures)
    start = max(state.free[bank], now)
    state.free[bank] = start + figures[READ_CYCLE]
    state.busy[bank] += figures[READ_CYCLE]
    return start


@nb.njit(inline="always")
def _write(state: Banks, bank: Whole, unit: np.uint64, now: Whole, figures: np.ndarray) -> Whole:
    """Give a bank a write that comes at `now`; return when it is done."""
    cycle, depth = figures[WRITE_CYCLE], figures[DEPTH]
    if depth == 0:
        start = max(state.free[bank], now)
        state.free[bank] = start + cycle
        state.busy[bank] += cycle
        return start + figures[WRITE]
    _drain(state, bank, now, figures)
    if figures[FORWARDS] != 0:
        enter(state.buffered, bank, unit)
    if state.queued[bank] == depth:  # all wait, so one must go: its end makes room
        _begin(state, bank, figures)
        return state.free[bank]
    state.free[bank] = max(state.free[bank], now)
    state.queued[bank] += 1
    full = state.queued[bank] == depth and state.written[bank] > now
    return state.written[bank] if full else now


@nb.njit(inline="always")
def _holds(state: Banks, bank: Whole, unit: np.uint64, now: Whole, figures: np.ndarray) -> bool:
    """Return whether a bank has a unit that came to be written, and is not by `now`."""
    _drain(state, bank, now, figures)
    return holds(state.buffered, bank, unit, now)


@nb.njit(inline="always")
def _fill_until(state: Banks, now: Whole, figures: np.ndarray) -> bool:
    """Write into their banks the fills that came by `now`; return False where a bank's ring has no room for one."""
    clock = state.clock
    while clock[HEAD] < clock[TAIL]:
        at = clock[HEAD] % figures[OUTSTANDING]
        came, unit = np.int64(state.came[at]), np.uint64(state.unit[at])
        if came > now:
            break
        if figures[FORWARDS] != 0 and full(state.buffered, np.int64(state.bank[at]), came):
            return False
        clock[LAST] = max(clock[LAST], _write(state, np.int64(state.bank[at]), unit, came, figures))
        place = find(state.keys, unit)
        if state.keys[place] == unit and state.times[place] == came:
            remove(state.keys, state.times, place)  # unless it was evicted and asked for again
        clock[HEAD] += 1
    return True


@nb.njit(inline="always")
def _fetch(
    state: Banks, unit: np.uint64, bank: Whole, now: Whole, sectors: Whole, written: Whole, figures: np.ndarray
) -> Whole:
    """Send a miss of `sectors` to DRAM, and `written` sectors behind it; return when its data come."""
    clock = state.clock
    start = max(clock[PIPE], now + figures[TAG])
    clock[PIPE] = start + (sectors + written) * figures[DRAM_SECTOR]
    if sectors == 0:
        return now
    comes = start + sectors * figures[DRAM_SECTOR] + figures[DRAM]
    at = clock[TAIL] % figures[OUTSTANDING]
    state.came[at] = comes
    state.unit[at] = unit
    state.bank[at] = bank
    clock[TAIL] += 1
    place = find(state.keys, unit)
    state.keys[place] = unit
    state.times[place] = comes
    return comes


@nb.njit(inline="always")
def _bin(time: Whole) -> Whole:
    """Return the bin of a time: itself while small, then 2**FINE bins each time it doubles."""
    if time < 1 << FINE:
        return time
    bits = np.float64(time).view(np.int64)  # exponent, then the bits after the first
    return (bits >> (52 - FINE)) - ((1022 + FINE) << FINE)


def bin_bounds() -> np.ndarray:
    """Return where each bin of times begins and, last, where all end, in femtoseconds: float64, shape (BINS + 1,)."""
    number = np.arange(BINS + 1)
    shift = np.maximum((number >> FINE) - 1, 0)
    return np.ldexp((number - (shift << FINE)).astype(np.float64), shift)


def serve(
    address: np.ndarray, write: np.ndarray, fetched: np.ndarray, written: np.ndarray, given: np.ndarray,
    figures: np.ndarray, state: Banks, issued: np.ndarray, done: np.ndarray,
) -> Banks:  # fmt: skip
    """Serve accesses in order; return the state, whose rings may have had to grow. Arguments as of `_serve`."""
    begun = 0
    while begun < len(address):
        columns = [column[begun:] for column in (address, write, fetched, written, given, issued, done)]
        begun += _serve(*columns[:5], figures, state, *columns[5:])
        if begun < len(address):
            state = state._replace(buffered=state.buffered.roomier())
    return state


@kernel
def _serve(
    address: np.ndarray, write: np.ndarray, fetched: np.ndarray, written: np.ndarray, given: np.ndarray,
    figures: np.ndarray, state: Banks, issued: np.ndarray, done: np.ndarray,
) -> Whole:  # fmt: skip
    """Serve accesses in order, up to one that a ring of what is buffered has no room for; return how many.

    `address`, uint64, in bytes; `write`, bool; `fetched` and `written`, uint8, sectors that an access fetches from DRAM
    and that its victim writes back; `given`, int64, before when each may not be issued, or of length 0. `figures` is
    int64 (FIGURES,). `issued` and `done`, int64, are filled with when each access is, or are of length 0.
    """
    clock, counts, ring = state.clock, state.counts, figures[OUTSTANDING]
    banks = np.uint64(state.free.size)
    for i in range(address.size):
        slot = clock[ISSUED] % ring
        now = np.int64(state.done[slot])  # 0 at first: before that many are issued
        if clock[ISSUED] > 0:
            now = max(now, np.int64(clock[NOW] + figures[INTERVAL]))
        if given.size > 0:
            now = max(now, np.int64(given[i]))
        if not _fill_until(state, now, figures):
            return np.int64(i)
        bank = bank_of(address[i] >> np.uint64(figures[LINE_BITS]), banks)
        if figures[FORWARDS] != 0 and write[i] and full(state.buffered, bank, now):
            return np.int64(i)
        unit = address[i] >> np.uint64(figures[UNIT_BITS])
        if written[i] > 0:
            _read(state, bank, now, figures)
        end = now
        if fetched[i] > 0 or written[i] > 0:
            end = _fetch(state, unit, bank, now, np.int64(fetched[i]), np.int64(written[i]), figures)
            counts[SECTORS] += np.int64(fetched[i]) + np.int64(written[i])
        if fetched[i] > 0:
            counts[MISSES] += 1
        else:
            place = find(state.keys, unit) if clock[HEAD] < clock[TAIL] else np.uint64(0)
            if clock[HEAD] < clock[TAIL] and state.keys[place] == unit:
                end = np.int64(state.times[place])
                counts[MERGED] += 1
            elif write[i]:
                end = _write(state, bank, unit, now, figures)
            elif figures[FORWARDS] != 0 and _holds(state, bank, unit, now, figures):
                end = now
                counts[FORWARDED] += 1
            else:
                end = _read(state, bank, now, figures) + figures[READ]
                counts[READ_HITS] += 1
        if write[i]:
            counts[WRITES] += 1
        else:
            counts[READS] += 1
            clock[LONGEST] = max(clock[LONGEST], end - now)
            state.waits[0] += np.float64(end - now)
            state.bins[_bin(end - now)] += 1
        state.done[slot] = end
        clock[NOW] = now
        clock[ISSUED] += 1
        clock[LAST] = max(clock[LAST], end)
        if issued.size > 0:
            issued[i] = now
            done[i] = end
    return np.int64(address.size)


@kernel
def finish(figures: np.ndarray, state: Banks) -> None:
    """Let in all fills under way and write all that is buffered; `state.clock[LAST]` is then the end of it all.

    `figures` are spent with it.
    """
    clock = state.clock
    figures[FORWARDS] = 0  # no more reads
    if clock[HEAD] < clock[TAIL]:
        _fill_until(state, np.int64(state.came[(clock[TAIL] - 1) % figures[OUTSTANDING]]), figures)
    for bank in range(state.free.size):
        drained = state.queued[bank] * figures[WRITE_CYCLE]
        state.free[bank] += drained
        state.busy[bank] += drained
        state.queued[bank] = 0
        clock[LAST] = max(clock[LAST], state.free[bank])
    clock[LAST] = max(clock[LAST], clock[PIPE])
