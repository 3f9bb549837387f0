"""A kernel's stream cut into windows that are alike: waves of thread blocks, several small ones, or equal parts of one.

Nothing but the intervals is looked at. Blocks of a wave advance together, so a *step* ends where the first tensor that
is read jumps back to the wave's first block; a *wave* ends where reading begins after writing. A long wave is cut where
its steps come round: where the first block is as far on as the same number of steps before, and whole cache lines on.
"""

import numpy as np

from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.config import SECTOR_BYTES
from traces.survey import sectors_of

# Of a step or a window, a column each, int64: its first interval; sectors read and written; the same weighed by tensor;
# base of its first interval, and tensor; whether a wave begins, or, of a window, which wave it is a part of; the wave's
# pass over the kernel's tensors; whether it is the first of several of a wave.
FIRST, READS, WRITES, MIX, BASE, TENSOR, WAVE, PASS, HEAD, COLUMNS = range(10)
BEFORE, LOWEST, HIGHEST, NUMBER, CUT, LEADER, STATE = range(7)  # of where waves began, and the pass
LEAST_STEP = 1 << 12  # sectors; shorter steps are part of the next
LONG_STEP = 1 << 16  # sectors; a longer step ends where its first tensor comes again
LEAST = 1 << 16  # sectors of a window
MOST = 1 << 18  # sectors of a wave that is not cut
MOST_STEPS = 128  # of a round
_SECTOR_BITS = SECTOR_BYTES.bit_length() - 1
_MIXER = np.uint64(0x9E3779B97F4A7C15)


@kernel
def steps(
    base: np.ndarray, stride: np.ndarray, rows: np.ndarray, width: np.ndarray, write: np.ndarray, tensor: np.ndarray,
    out: np.ndarray,
) -> Whole:  # fmt: skip
    """Write the steps of a kernel's intervals, (step, COLUMNS), but for their pass; return how many there are."""
    count, leader, before, sectors = np.int64(-1), np.int64(-1), np.uint64(0), np.int64(0)
    for i in range(base.size):
        mine = np.int64(tensor[i])
        turns = count < 0 or (not write[i] and write[i - 1])
        back = mine == leader and (base[i] < before or sectors >= LONG_STEP)
        if count < 0 or ((turns or back) and sectors >= LEAST_STEP):
            count += 1
            step = out[count]
            step[:] = 0
            step[FIRST], step[BASE], step[TENSOR], step[WAVE] = i, base[i], mine, turns
            leader, sectors = mine, 0
        if mine == leader:
            before = base[i]
        here = sectors_of(base[i], stride[i], np.int64(rows[i]), np.int64(width[i]), _SECTOR_BITS)
        sectors += here
        step = out[count]
        step[WRITES if write[i] else READS] += here
        weight = np.int64(((np.uint64(mine + 1) * _MIXER) >> np.uint64(56)) + np.uint64(1))
        step[MIX] += here * weight
    return count + 1


def started() -> np.ndarray:
    """Return the state of `windows` for a kernel's beginning."""
    return np.array([0, np.iinfo(np.int64).max, 0, 0, 0, -1], np.int64)


@kernel
def _round(found: np.ndarray, begin: Whole, end: Whole, line_bytes: int) -> Whole:
    """Return after how many steps a wave comes round, whole lines on; 0 where it does not."""
    amid = (begin + end) // 2
    for steps_on in range(1, min(MOST_STEPS, (end - begin) // 3) + 1):
        far = found[amid + steps_on, BASE] - found[amid, BASE]
        if far % line_bytes == 0:
            same = 0
            for at in range(begin, end - steps_on):
                alike = found[at + steps_on, READS] == found[at, READS]  # what borders cut off comes round as well
                same += alike and found[at + steps_on, BASE] - found[at, BASE] == far
            if 8 * same >= 7 * (end - begin - steps_on):
                return np.int64(steps_on)
    return np.int64(0)


@kernel
def _close(found: np.ndarray, begin: Whole, end: Whole, out: np.ndarray, count: Whole, state: np.ndarray) -> Whole:
    """Write steps `begin` to `end` as a window; return how many windows there are."""
    window = out[count]
    for column in range(COLUMNS):
        window[column] = found[begin, column]
    for at in range(begin + 1, end):
        for column in (READS, WRITES, MIX):
            window[column] += found[at, column]
    window[PASS], window[WAVE] = state[NUMBER], state[CUT]
    return count + 1


@kernel
def windows(found: np.ndarray, count: Whole, line_bytes: int, state: np.ndarray, out: np.ndarray) -> Whole:
    """Join `count` steps to windows, (window, COLUMNS); return how many there are.

    `state`, int64 (STATE,), keeps from call to call where waves began, of the tensor read first, and which pass over it
    the kernel is in: another begins where a wave falls back to where the first began, give or take a sixteenth.
    """
    begin = opened = many = gathered = np.int64(0)
    while begin < count:
        end, size = begin + 1, found[begin, READS] + found[begin, WRITES]
        while end < count and not found[end, WAVE]:
            size += found[end, READS] + found[end, WRITES]
            end += 1
        here = found[begin, BASE]
        led = state[LEADER] in (-1, found[begin, TENSOR])  # a block at an image's border may read none of its pixels
        turned = led and found[begin, WAVE] and here < state[BEFORE]
        turned = turned and here <= state[LOWEST] + (state[HIGHEST] - state[LOWEST]) // 16
        if opened < begin and (turned or size > MOST):
            many = _close(found, opened, begin, out, many, state)
            opened, gathered = begin, 0
        state[NUMBER] += turned
        if led:
            state[LEADER] = found[begin, TENSOR]
            state[BEFORE], state[LOWEST], state[HIGHEST] = here, min(here, state[LOWEST]), max(here, state[HIGHEST])
        gathered += size
        if size > MOST:
            around = _round(found, begin, end, line_bytes)
            round_size = max(around * size // (end - begin), 1)
            stride = around * ((LEAST + round_size - 1) // round_size)
            state[CUT] += 1  # within a wave that is cut, windows are more alike than from wave to wave
            at = begin
            while at < end:
                if around:
                    stop = min(at + stride, end)
                else:
                    stop, part = at, np.int64(0)
                    while stop < end and part < LEAST:
                        part += found[stop, READS] + found[stop, WRITES]
                        stop += 1
                many = _close(found, at, stop, out, many, state)
                out[many - 1, HEAD] = at == begin
                at = stop
            state[CUT] += 1
            opened, gathered = end, 0
        elif gathered >= LEAST:
            many = _close(found, opened, end, out, many, state)
            opened, gathered = end, 0
        begin = end
    if opened < count:
        many = _close(found, opened, count, out, many, state)
    return many
