"""Numba kernels that write the rows a thread block touches as intervals: the inner loops of every tiled lowering.

An operand is one row of an int64 table; the constants below name its columns. All kernels share three rules:

- rows go out in ascending order, as one interval where they lie at a constant stride;
- what a block reads in one group (one slab of a matrix, one filter row of an image patch) holds no sector twice: rows
  that leave no whole sector between them become one row;
- what a block writes keeps its rows, because a byte mask says which bytes of a sector are valid; only rows that touch
  are joined.
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from traces import stream
from traces.compiled import kernel, stamp_of
from traces.stream import SECTOR_BYTES

# Rows of a batch under way, int64 (7, length): base, stride, rows, width, write, tensor of its intervals, and the block
# of the wave that made them where that is asked for.
BASES, STRIDES, ROWS, WIDTHS, WRITES, TENSORS, BLOCKS = range(7)

# Columns of an operand's description. Strides and addresses are in bytes, the other figures in elements.
ROLE, KIND, TENSOR, BASE, ITEM, ROW_AXIS, COLUMN_AXIS, BATCH_STRIDE, SPLIT_STRIDE = range(9)
ROW_STRIDE, COLUMN_STRIDE, FILTER_STRIDE = range(9, 12)
DEPTH, HEIGHT, WIDTH, CHANNELS, OUT_DEPTH, OUT_HEIGHT, OUT_WIDTH, T, R, S = range(12, 22)
STRIDE_D, STRIDE_H, STRIDE_W, PAD_D, PAD_H, PAD_W, DILATION_D, DILATION_H, DILATION_W = range(22, 31)
GROUP_CHANNELS, FLAT, DEEP = range(31, 34)
COLUMNS = 34

# ROLE
LOAD, READ_AT_END, WRITE_AT_END = range(3)
# KIND
MATRIX, PATCHES, ADJOINT, WINDOWS, REACH = range(5)
# ROW_AXIS, COLUMN_AXIS
M_AXIS, N_AXIS, K_AXIS, NO_AXIS = range(4)

_kernel: Any = partial(kernel, stamp_of(Path(__file__), Path(stream.__file__)), _nrt=False)


@_kernel(inline="always")
def _floor_div(a: int, b: int) -> int:
    return a if b == 1 else a // b  # a division takes longer than all else here, and most strides are 1


@_kernel(inline="always")
def _ceil_div(a: int, b: int) -> int:
    return a if b == 1 else -((-a) // b)


@_kernel()
def _append(out: np.ndarray, n: int, base: int, stride: int, rows: int, width: int, write: bool, tensor: int) -> int:
    out[BASES, n] = base
    out[STRIDES, n] = stride
    out[ROWS, n] = rows
    out[WIDTHS, n] = width
    out[WRITES, n] = write
    out[TENSORS, n] = tensor
    return n + 1


@_kernel()
def _put(
    out: np.ndarray, n: int, first: int, base: int, stride: int, rows: int, width: int, write: bool, tensor: int
) -> int:
    """Append rows to the group that began at interval `first`, joined with what is there; return the new length."""
    gap = 1 if write else SECTOR_BYTES  # rows closer than this become one
    if rows > 1 and stride - width < gap:
        width += (rows - 1) * stride
        rows = 1
    if n > first:
        b, s, r, w = out[BASES, n - 1], out[STRIDES, n - 1], out[ROWS, n - 1], out[WIDTHS, n - 1]
        end = b + s * (r - 1) + w
        if r == 1 and rows == 1 and b <= base and base - end < gap:
            out[WIDTHS, n - 1] = max(w, base + width - b)
            return n
        start = ((end - 1) // SECTOR_BYTES + 1) * SECTOR_BYTES
        if not write and end - w <= base < start:
            # The first row begins in a sector that the last one held: what is left of it, then the others.
            if start < base + width:
                n = _append(out, n, start, 0, 1, base + width - start, write, tensor)
            if rows == 1:
                return n
            return _append(out, n, base + stride, stride if rows > 2 else 0, rows - 1, width, write, tensor)
        if w == width and base > b:
            if r > 1 and base == b + s * r and (rows == 1 or stride == s):
                out[ROWS, n - 1] = r + rows
                return n
            if r == 1 and (rows == 1 or base - b == stride):
                out[STRIDES, n - 1] = base - b
                out[ROWS, n - 1] = 1 + rows
                return n
    return _append(out, n, base, stride if rows > 1 else 0, rows, width, write, tensor)


@_kernel()
def _matrix(out: np.ndarray, n: int, o: np.ndarray, base: int, i0: int, i1: int, k0: int, k1: int, write: bool) -> int:
    """Elements (i, k) at base + i * row stride + k * column stride; the nearer-spaced axis runs along a row."""
    item, si, sk, tensor = o[ITEM], o[ROW_STRIDE], o[COLUMN_STRIDE], o[TENSOR]
    if (sk == item and i1 - i0 >= 1) or k1 - k0 == 1:
        start = base + i0 * si + k0 * sk
        return _put(out, n, n, start, si, i1 - i0 if si else 1, (k1 - k0 - 1) * sk + item, write, tensor)
    if si == item or i1 - i0 == 1:
        start = base + i0 * si + k0 * sk
        return _put(out, n, n, start, sk, k1 - k0 if sk else 1, (i1 - i0 - 1) * si + item, write, tensor)
    first = n
    if si < sk:
        for k in range(k0, k1):
            n = _put(out, n, first, base + i0 * si + k * sk, si, i1 - i0 if si else 1, item, write, tensor)
    else:
        for i in range(i0, i1):
            n = _put(out, n, first, base + i * si + k0 * sk, sk, k1 - k0 if sk else 1, item, write, tensor)
    return n


@_kernel()
def _patch_run(
    out: np.ndarray, n: int, first: int, o: np.ndarray, line: int, q0: int, q1: int, j0: int, j1: int, s0: int, s1: int
) -> int:
    """Columns j0..j1 of a filter row, for output pixels q0..q1 of one image row that begins at byte `line`."""
    item, channels, group, width = o[ITEM], o[CHANNELS], o[GROUP_CHANNELS], o[WIDTH]
    sw, shift = o[STRIDE_W], s0 * o[DILATION_W] - o[PAD_W]
    offset, step, length = shift * channels + j0 - s0 * group, sw * channels, j1 - j0
    if (step - length) * item < SECTOR_BYTES and (s0 != s1 or length == channels):
        # The pixels' rows leave no whole sector between them: one row, cut at the image's border.
        q0 = max(q0, (-offset - length) // step + 1)
        q1 = min(q1, _ceil_div(width * channels - offset, step))
        left, right = max(0, offset + q0 * step), min(width * channels, offset + (q1 - 1) * step + length)
        if q0 < q1:
            n = _put(out, n, first, line + left * item, 0, 1, (right - left) * item, False, o[TENSOR])
        return n
    # Pixels for which the first (left) and the last (right) filter column lie inside the image.
    inner0 = max(q0, _ceil_div(-shift, sw))
    inner1 = min(q1, (width - 1 - shift - (s1 - s0) * o[DILATION_W]) // sw + 1)
    if s0 == s1:
        if inner0 < inner1:
            n = _put(out, n, first, line + (offset + inner0 * step) * item, step * item, inner1 - inner0,
                     length * item, False, o[TENSOR])  # fmt: skip
        return n
    q = q0
    while q < q1:
        if inner0 <= q < inner1:
            n = _put(out, n, first, line + (offset + q * step) * item, step * item, inner1 - q, length * item, False,
                     o[TENSOR])  # fmt: skip
            q = inner1
            continue
        left, right = max(offset + q * step, 0), min(offset + q * step + length, width * channels)
        if left < right:
            n = _put(out, n, first, line + left * item, 0, 1, (right - left) * item, False, o[TENSOR])
        q += 1
    return n


@_kernel(inline="always")
def _frame(o: np.ndarray, image: int, t: int) -> int:
    """Return the input's frame that filter depth t finds below the output's frame `image`, -1 in the padding.

    Frames are counted through all images: n * depth + d.
    """
    if not o[DEEP]:
        return image
    n = _floor_div(image, o[OUT_DEPTH])
    d = (image - n * o[OUT_DEPTH]) * o[STRIDE_D] + t * o[DILATION_D] - o[PAD_D]
    return n * o[DEPTH] + d if 0 <= d < o[DEPTH] else -1


@_kernel(inline="always")
def _tied_frame(o: np.ndarray, image: int, t: int) -> int:
    """Return the output's frame that filter depth t ties to the input's frame `image`, -1 where there is none."""
    if not o[DEEP]:
        return image
    n = _floor_div(image, o[DEPTH])
    above = image - n * o[DEPTH] + o[PAD_D] - t * o[DILATION_D]
    d = _floor_div(above, o[STRIDE_D])
    return n * o[OUT_DEPTH] + d if d * o[STRIDE_D] == above and 0 <= d < o[OUT_DEPTH] else -1


@_kernel()
def _patches(
    out: np.ndarray, n: int, o: np.ndarray, base: int, place: np.ndarray, pixels: int, column0: int, column1: int
) -> int:
    """Rows (output pixels n, o, p, q) and columns (filter t, r, s, channel c) of the patch matrix of an NDHWC image."""
    group, w_out, h_out, width = o[GROUP_CHANNELS], o[OUT_WIDTH], o[OUT_HEIGHT], o[WIDTH]
    channels, item, sw = o[CHANNELS], o[ITEM], o[STRIDE_W]
    row_columns, pitch = o[S] * group, width * channels * item
    column = column0
    while column < column1:
        line_of_filter = column // row_columns
        j0 = column - line_of_filter * row_columns
        t = line_of_filter // o[R] if o[DEEP] else 0
        r = line_of_filter - t * o[R]
        s0 = _floor_div(j0, group)
        j1 = min(row_columns if o[FLAT] else (s0 + 1) * group, j0 + column1 - column)
        column += j1 - j0
        s1 = s0 if j1 <= (s0 + 1) * group else _floor_div(j1 - 1, group)
        # One filter position of separate pixels is what most slabs are: its rows need no more than a cut at the border.
        shift, length = s0 * o[DILATION_W] - o[PAD_W], (j1 - j0) * item
        simple = s0 == s1 and sw * channels * item - length >= SECTOR_BYTES
        inner0, inner1 = _ceil_div(-shift, sw), _floor_div(width - 1 - shift, sw) + 1
        offset, step = (shift * channels + j0 - s0 * group) * item, sw * channels * item
        first, image, p, q, left = n, place[0], place[1], place[2], pixels
        frame = _frame(o, image, t)
        while left > 0:
            stop = min(w_out, q + left)
            h = p * o[STRIDE_H] + r * o[DILATION_H] - o[PAD_H]
            if 0 <= h < o[HEIGHT] and frame >= 0:
                line = base + (frame * o[HEIGHT] + h) * pitch
                if simple:
                    start, end = max(q, inner0), min(stop, inner1)
                    if start < end:
                        at = line + offset + start * step
                        n = _put(out, n, first, at, step, end - start, length, False, o[TENSOR])
                else:
                    n = _patch_run(out, n, first, o, line, q, stop, j0, j1, s0, s1)
            left -= stop - q
            q = 0
            p += 1
            if p == h_out:
                p = 0
                image += 1
                frame = _frame(o, image, t)
    return n


@_kernel()
def _adjoint(
    out: np.ndarray, n: int, o: np.ndarray, base: int, place: np.ndarray, pixels: int, k0: int, k1: int, f: int
) -> int:
    """Channels k0..k1 of the output pixels that filter position f ties to input pixels (n, d, h, w)."""
    item, pitch = o[ITEM], o[CHANNELS] * o[ITEM]
    w_in, h_in, sw, sh, h_out, w_out = o[WIDTH], o[HEIGHT], o[STRIDE_W], o[STRIDE_H], o[OUT_HEIGHT], o[OUT_WIDTH]
    line_of_filter = f // o[S]
    t = line_of_filter // o[R] if o[DEEP] else 0
    up, across = (
        o[PAD_H] - (line_of_filter - t * o[R]) * o[DILATION_H],
        o[PAD_W] - (f - line_of_filter * o[S]) * o[DILATION_W],
    )
    first, image, h, w, left = n, place[0], place[1], place[2], pixels
    frame = _tied_frame(o, image, t)
    while left > 0:
        stop = min(w_in, w + left)
        p = _floor_div(h + up, sh)
        if h + up >= 0 and p * sh == h + up and p < h_out and frame >= 0:
            q0 = max(0, _ceil_div(w + across, sw))
            q1 = min(w_out, _floor_div(stop - 1 + across, sw) + 1)
            if q0 < q1:
                start = base + ((frame * h_out + p) * w_out + q0) * pitch + k0 * item
                n = _put(out, n, first, start, pitch, q1 - q0, (k1 - k0) * item, False, o[TENSOR])
        left -= stop - w
        w = 0
        h += 1
        if h == h_in:
            h = 0
            image += 1
            frame = _tied_frame(o, image, t)
    return n


@_kernel()
def _windows(out: np.ndarray, n: int, o: np.ndarray, base: int, place: np.ndarray, pixels: int) -> int:
    """Channels of the output pixels whose windows hold input pixels (n, d, h, w), one group an input row."""
    pitch, w_in, h_in = o[CHANNELS] * o[ITEM], o[WIDTH], o[HEIGHT]
    whole, width = o[GROUP_CHANNELS] == o[CHANNELS], o[GROUP_CHANNELS] * o[ITEM]
    reach_h, reach_w = (o[R] - 1) * o[DILATION_H], (o[S] - 1) * o[DILATION_W]
    reach_d, depth = (o[T] - 1) * o[DILATION_D], o[DEPTH]
    image, h, w, left = place[0], place[1], place[2], pixels
    while left > 0:
        stop = min(w_in, w + left)
        p0 = max(0, _ceil_div(h + o[PAD_H] - reach_h, o[STRIDE_H]))
        p1 = min(o[OUT_HEIGHT], _floor_div(h + o[PAD_H], o[STRIDE_H]) + 1)
        q0 = max(0, _ceil_div(w + o[PAD_W] - reach_w, o[STRIDE_W]))
        q1 = min(o[OUT_WIDTH], _floor_div(stop - 1 + o[PAD_W], o[STRIDE_W]) + 1)
        sample = _floor_div(image, depth)
        d = image - sample * depth + o[PAD_D]
        d0, d1 = max(0, _ceil_div(d - reach_d, o[STRIDE_D])), min(o[OUT_DEPTH], _floor_div(d, o[STRIDE_D]) + 1)
        first = n
        for frame in range(d0, d1 if p0 < p1 and q0 < q1 else d0):
            frame_at = (sample * o[OUT_DEPTH] + frame) * o[OUT_HEIGHT]
            start = base + ((frame_at + p0) * o[OUT_WIDTH] + q0) * pitch
            if whole:
                n = _put(out, n, first, start, o[OUT_WIDTH] * pitch, p1 - p0, (q1 - q0) * pitch, False, o[TENSOR])
            else:
                for p in range(p1 - p0):
                    at = start + p * o[OUT_WIDTH] * pitch
                    n = _put(out, n, first, at, pitch, q1 - q0, width, False, o[TENSOR])
        left -= stop - w
        w = 0
        h += 1
        if h == h_in:
            h = 0
            image += 1
    return n


@_kernel()
def _reach(out: np.ndarray, n: int, o: np.ndarray, base: int, place: np.ndarray, pixels: int) -> int:
    """Channels of the input pixels that the windows of output pixels (n, o, p, q) span, one group a filter row."""
    pitch, width = o[CHANNELS] * o[ITEM], o[GROUP_CHANNELS] * o[ITEM]
    for line_of_filter in range(o[T] * o[R]):
        t = line_of_filter // o[R]
        r = line_of_filter - t * o[R]
        first, image, p, q, left = n, place[0], place[1], place[2], pixels
        frame = _frame(o, image, t)
        while left > 0:
            stop = min(o[OUT_WIDTH], q + left)
            h = p * o[STRIDE_H] + r * o[DILATION_H] - o[PAD_H]
            w0, w1 = max(0, q * o[STRIDE_W] - o[PAD_W]), min(o[WIDTH], (stop - 1) * o[STRIDE_W] - o[PAD_W] + o[S])
            if 0 <= h < o[HEIGHT] and w0 < w1 and frame >= 0:
                start = base + ((frame * o[HEIGHT] + h) * o[WIDTH] + w0) * pitch
                n = _put(out, n, first, start, pitch, w1 - w0, width, False, o[TENSOR])
            left -= stop - q
            q = 0
            p += 1
            if p == o[OUT_HEIGHT]:
                p = 0
                image += 1
                frame = _frame(o, image, t)
    return n


@_kernel()
def _locate(place: np.ndarray, o: np.ndarray, pixel: int) -> None:
    """Write frame, row and column of a pixel: of the output for patches and reach, else of the input."""
    width, height = (o[OUT_WIDTH], o[OUT_HEIGHT]) if o[KIND] in (PATCHES, REACH) else (o[WIDTH], o[HEIGHT])
    line = pixel // width
    place[0], place[1], place[2] = line // height, line % height, pixel - line * width


@_kernel()
def _operand(
    out: np.ndarray, n: int, o: np.ndarray, base: int, place: np.ndarray, i0: int, i1: int, k0: int, k1: int, f: int
) -> int:
    if o[KIND] == MATRIX:
        return _matrix(out, n, o, base + f * o[FILTER_STRIDE], i0, i1, k0, k1, o[ROLE] == WRITE_AT_END)
    if o[KIND] == PATCHES:
        shift = 0 if o[ROW_AXIS] == K_AXIS else f * o[FILTER_STRIDE]  # a weight gradient reduces over pixels
        return _patches(out, n, o, base, place, i1 - i0, k0 + shift, k1 + shift)
    if o[KIND] == ADJOINT:
        return _adjoint(out, n, o, base, place, i1 - i0, k0, k1, f)
    if o[KIND] == REACH:
        return _reach(out, n, o, base, place, i1 - i0)
    return _windows(out, n, o, base, place, i1 - i0)


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
                _locate(places[index, local], o, at[0])
    return count


@_kernel()
def fill(
    out: np.ndarray, position: np.ndarray, operands: np.ndarray, sizes: np.ndarray, room: int, mark: bool,
    blocks: np.ndarray, places: np.ndarray,
) -> int:  # fmt: skip
    """Fill `out` with the intervals of a grid of thread blocks from `position` on; return how many.

    Args:
        out: int64 (7, length), the batch under way.
        position: wave, step, block of the wave to go on from; left where the next call goes on. Done when the wave
            holds no block.
        operands: int64 (operands, COLUMNS), each in the order a block touches them.
        sizes: M, N, depth, tile M, N, depth, filter positions, batches, splits, resident blocks, slabs, slabs a split,
            whether neighbouring blocks lie along N, tiles of the other axis that they take side by side.
        room: intervals one block may need in one step.
        mark: whether to note which block made an interval.
        blocks: int64 (resident blocks + 2, 6), room for a wave's blocks, and for where a slab begins and ends.
        places: int64 (operands, resident blocks, 3), room for where each begins.
    """
    depth, tk, filters, resident, slabs, per_split = sizes[2], sizes[5], sizes[6], sizes[9], sizes[10], sizes[11]
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
                        if (o[ROLE] == LOAD) == (step < per_split):
                            base = o[BASE] + block[4] * o[BATCH_STRIDE] + block[5] * o[SPLIT_STRIDE]
                            i, k, place = o[ROW_AXIS], o[COLUMN_AXIS], places[index, local]
                            if i == K_AXIS:
                                _locate(place, o, low[2])
                            f = slab - chunk * filters
                            n = _operand(out, n, o, base, place, low[i], high[i], low[k], high[k], f)
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
