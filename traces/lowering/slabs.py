"""Numba kernels that write what the thread blocks of a wave touch, slab by slab: the loop of every tiled lowering."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from traces import stream
from traces.compiled import kernel, stamp_of
from traces.lowering import midpoints as _midpoints
from traces.lowering import patches as _patches
from traces.lowering import planes as _planes
from traces.lowering import rows as _rows
from traces.lowering.midpoints import midpoints
from traces.lowering.patches import adjoint, locate, patches, reach, windows
from traces.lowering.planes import planes, stored
from traces.lowering.rows import (
    ADJOINT,
    BASE,
    BATCH_STRIDE,
    BLOCKS,
    COLUMN_AXIS,
    COLUMN_STRIDE,
    FILTER_STRIDE,
    ITEM,
    K_AXIS,
    KIND,
    LOAD,
    M_AXIS,
    MATRIX,
    MIDPOINTS,
    N_AXIS,
    NO_AXIS,
    PATCHES,
    PLANES,
    REACH,
    ROLE,
    ROW_AXIS,
    ROW_STRIDE,
    SPLIT_STRIDE,
    STORED,
    TENSOR,
    WRITE_AT_END,
    put,
)

_files = (__file__, _midpoints.__file__, _patches.__file__, _planes.__file__, _rows.__file__, stream.__file__)
_kernel: Any = partial(kernel, stamp_of(*(Path(str(one)) for one in _files)), _nrt=False)


_SHARED = 3  # column of a block's place that tells whether another block's load serves it


@_kernel()
def _matrix(out: np.ndarray, n: int, o: np.ndarray, base: int, i0: int, i1: int, k0: int, k1: int, write: bool) -> int:
    """Elements (i, k) at base + i * row stride + k * column stride; the nearer-spaced axis runs along a row."""
    item, si, sk, tensor = o[ITEM], o[ROW_STRIDE], o[COLUMN_STRIDE], o[TENSOR]
    if (sk == item and i1 - i0 >= 1) or k1 - k0 == 1:
        start = base + i0 * si + k0 * sk
        return put(out, n, n, start, si, i1 - i0 if si else 1, (k1 - k0 - 1) * sk + item, write, tensor)
    if si == item or i1 - i0 == 1:
        start = base + i0 * si + k0 * sk
        return put(out, n, n, start, sk, k1 - k0 if sk else 1, (i1 - i0 - 1) * si + item, write, tensor)
    first = n
    if si < sk:
        for k in range(k0, k1):
            n = put(out, n, first, base + i0 * si + k * sk, si, i1 - i0 if si else 1, item, write, tensor)
    else:
        for i in range(i0, i1):
            n = put(out, n, first, base + i * si + k0 * sk, sk, k1 - k0 if sk else 1, item, write, tensor)
    return n


@_kernel()
def _operand(
    out: np.ndarray, n: int, o: np.ndarray, base: int, place: np.ndarray, i0: int, i1: int, k0: int, k1: int, f: int,
    found: np.ndarray,
) -> int:  # fmt: skip
    if o[KIND] == MATRIX:
        return _matrix(out, n, o, base + f * o[FILTER_STRIDE], i0, i1, k0, k1, o[ROLE] == WRITE_AT_END)
    if o[KIND] == PATCHES:
        shift = 0 if o[ROW_AXIS] == K_AXIS else f * o[FILTER_STRIDE]  # a weight gradient reduces over pixels
        return patches(out, n, o, base, place, i1 - i0, k0 + shift, k1 + shift)
    if o[KIND] == ADJOINT:
        return adjoint(out, n, o, base, place, i1 - i0, k0, k1, f)
    if o[KIND] == REACH:
        return reach(out, n, o, base, place, i1 - i0)
    if o[KIND] == PLANES:
        return planes(out, n, o, base, place, i1 - i0, k0, k1, found)
    if o[KIND] == STORED:
        return stored(out, n, o, base, place, i1 - i0, k0, k1)
    return windows(out, n, o, base, place, i1 - i0)


@_kernel()
def _enter(blocks: np.ndarray, places: np.ndarray, operands: np.ndarray, sizes: np.ndarray, wave: int) -> int:
    """Describe the blocks of a wave, (M from, to, N from, to, batch, split), and where each begins; return how many."""
    m, n, tm, tn, splits, resident = sizes[0], sizes[1], sizes[3], sizes[4], sizes[8], sizes[9]
    tiles_m, tiles_n = -(-m // tm), -(-n // tn)
    along_n, swizzle = sizes[12], sizes[13]
    long, across = (
        (tiles_n, tiles_m) if along_n else (tiles_m, tiles_n)
    )  # of the axis neighbours lie along, of the other
    count = min(resident, tiles_m * tiles_n * sizes[7] * splits - wave * resident)
    for local in range(count):
        tile, rest = (wave * resident + local) % (tiles_m * tiles_n), (wave * resident + local) // (tiles_m * tiles_n)
        at = blocks[local]
        group = tile // (long * swizzle) * swizzle
        abreast = min(swizzle, across - group)
        i, k = (tile - group * long) // abreast, group + (tile - group * long) % abreast
        at[0], at[2] = (k if along_n else i) * tm, (i if along_n else k) * tn
        at[1], at[3] = min(m, at[0] + tm), min(n, at[2] + tn)
        at[4], at[5] = rest // splits, rest % splits
        for index in range(operands.shape[0]):
            o = operands[index]
            if o[KIND] != MATRIX and o[ROW_AXIS] == M_AXIS:
                locate(places[index, local], o, at[0])
            places[index, local, _SHARED] = _shared(blocks, o, local, count, sizes)
    return count


@_kernel()
def _shared(blocks: np.ndarray, o: np.ndarray, local: int, count: int, sizes: np.ndarray) -> bool:
    """Tell whether an earlier block of a wave, on the same SM or one abreast, loads the same each step."""
    sms, abreast = sizes[14], sizes[15]
    if o[ROLE] != LOAD or abreast < 2 or count <= sms // abreast:  # so few blocks lie on SMs apart
        return False
    first = local % sms // abreast * abreast
    mine, by_m, by_n = blocks[local], False, False
    for axis in (o[ROW_AXIS], o[COLUMN_AXIS]):
        by_m, by_n = by_m or axis == M_AXIS, by_n or axis == N_AXIS
    width = min(abreast, sms - first)
    for start in range(first, local, sms):
        for other in range(start, min(local, start + width)):
            its = blocks[other]
            if (
                its[5] == mine[5]
                and (its[0] == mine[0] or not by_m)
                and (its[2] == mine[2] or not by_n)
                and (its[4] == mine[4] or o[BATCH_STRIDE] == 0)
            ):
                return True
    return False


@_kernel()
def fill(
    out: np.ndarray, position: np.ndarray, operands: np.ndarray, sizes: np.ndarray, room: int, mark: bool,
    blocks: np.ndarray, places: np.ndarray, full: np.ndarray, seen: np.ndarray,
) -> int:  # fmt: skip
    """Fill `out` with the intervals of a grid of thread blocks from `position` on; return how many.

    Args:
        out: int64 (7, length), the batch under way.
        position: wave, step, block of the wave to go on from; left where the next call goes on. Done when the wave
            holds no block.
        operands: int64 (operands, COLUMNS), each in the order a block touches them.
        sizes: M, N, depth, tile M, N, depth, filter positions, batches, splits, resident blocks, slabs, slabs a split,
            whether neighbouring blocks lie along N, tiles of the other axis that they take side by side, SMs, and SMs
            that are abreast (1: none shares what it loads).
        room: intervals one block may need in one step.
        mark: whether to note which block made an interval.
        blocks: int64 (resident blocks + 4, 6), room for a wave's blocks, for where a slab begins and ends, and for what
            is found on the way.
        places: int64 (operands, resident blocks, 4), room for where each begins, and whether it shares what it loads.
        full: int64 (7, room), room for what is read of an image that is not stored.
        seen: int64 (SEEN, 5), room for what of its source was just read; see `midpoints`.
    """
    depth, tk, filters, resident, slabs, per_split = sizes[2], sizes[5], sizes[6], sizes[9], sizes[10], sizes[11]
    found = blocks[resident + 2 :]
    low, high = blocks[resident], blocks[resident + 1]  # along M, N and K; an operand without an axis has one element
    low[NO_AXIS], high[NO_AXIS] = 0, 1
    wave, step, local, n = position[0], position[1], position[2], 0
    in_wave = _enter(blocks, places, operands, sizes, wave)
    while in_wave > 0:
        while step <= per_split:
            while local < in_wave:
                if n + room > out.shape[1]:
                    position[0], position[1], position[2] = wave, step, local
                    return n
                block = blocks[local]
                slab, before = block[5] * per_split + step, n
                if step == per_split or slab < slabs:
                    chunk = slab // filters
                    low[0], high[0], low[1], high[1] = block[0], block[1], block[2], block[3]
                    low[2], high[2] = chunk * tk, min(depth, (chunk + 1) * tk)
                    for index in range(operands.shape[0]):
                        o = operands[index]
                        if (o[ROLE] == LOAD) == (step < per_split) and not places[index, local, _SHARED]:
                            base = o[BASE] + block[4] * o[BATCH_STRIDE] + block[5] * o[SPLIT_STRIDE]
                            i, k, place = o[ROW_AXIS], o[COLUMN_AXIS], places[index, local]
                            if i == K_AXIS:
                                locate(place, o, low[2])
                            f = slab - chunk * filters
                            if o[MIDPOINTS]:
                                m = _operand(full, 0, o, base, place, low[i], high[i], low[k], high[k], f, found)
                                n = midpoints(out, n, o, full, 0, m, seen)
                                continue
                            n = _operand(out, n, o, base, place, low[i], high[i], low[k], high[k], f, found)
                if mark:
                    out[BLOCKS, before:n] = local
                local += 1
            local = 0
            step += 1
        step = 0
        wave += 1
        in_wave = _enter(blocks, places, operands, sizes, wave)
    position[0], position[1], position[2] = wave, step, local
    return n
