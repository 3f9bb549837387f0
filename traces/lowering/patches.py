"""Numba kernels that write the rows of images a thread block touches: patches, their adjoint, windows and reach."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from traces import stream
from traces.compiled import kernel, stamp_of
from traces.lowering import rows as _rows
from traces.lowering.rows import (
    ADJOINT,
    CHANNELS,
    DEEP,
    DEPTH,
    DILATION_D,
    DILATION_H,
    DILATION_W,
    FLAT,
    GROUP_CHANNELS,
    HEIGHT,
    ITEM,
    KIND,
    OUT_DEPTH,
    OUT_HEIGHT,
    OUT_WIDTH,
    PAD_D,
    PAD_H,
    PAD_W,
    STRIDE_D,
    STRIDE_H,
    STRIDE_W,
    TENSOR,
    WIDTH,
    WINDOWS,
    R,
    S,
    T,
    ceil_div,
    floor_div,
    put,
)
from traces.stream import SECTOR_BYTES

_kernel: Any = partial(
    kernel, stamp_of(*(Path(str(one)) for one in (__file__, _rows.__file__, stream.__file__))), _nrt=False
)


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
        q1 = min(q1, ceil_div(width * channels - offset, step))
        left, right = max(0, offset + q0 * step), min(width * channels, offset + (q1 - 1) * step + length)
        if q0 < q1:
            n = put(out, n, first, line + left * item, 0, 1, (right - left) * item, False, o[TENSOR])
        return n
    # Pixels for which the first (left) and the last (right) filter column lie inside the image.
    inner0 = max(q0, ceil_div(-shift, sw))
    inner1 = min(q1, (width - 1 - shift - (s1 - s0) * o[DILATION_W]) // sw + 1)
    if s0 == s1:
        if inner0 < inner1:
            n = put(out, n, first, line + (offset + inner0 * step) * item, step * item, inner1 - inner0,
                     length * item, False, o[TENSOR])  # fmt: skip
        return n
    q = q0
    while q < q1:
        if inner0 <= q < inner1:
            n = put(out, n, first, line + (offset + q * step) * item, step * item, inner1 - q, length * item, False,
                     o[TENSOR])  # fmt: skip
            q = inner1
            continue
        left, right = max(offset + q * step, 0), min(offset + q * step + length, width * channels)
        if left < right:
            n = put(out, n, first, line + left * item, 0, 1, (right - left) * item, False, o[TENSOR])
        q += 1
    return n


@_kernel(inline="always")
def _frame(o: np.ndarray, image: int, t: int) -> int:
    """Return the input's frame that filter depth t finds below the output's frame `image`, -1 in the padding.

    Frames are counted through all images: n * depth + d.
    """
    if not o[DEEP]:
        return image
    n = floor_div(image, o[OUT_DEPTH])
    d = (image - n * o[OUT_DEPTH]) * o[STRIDE_D] + t * o[DILATION_D] - o[PAD_D]
    return n * o[DEPTH] + d if 0 <= d < o[DEPTH] else -1


@_kernel(inline="always")
def _tied_frame(o: np.ndarray, image: int, t: int) -> int:
    """Return the output's frame that filter depth t ties to the input's frame `image`, -1 where there is none."""
    if not o[DEEP]:
        return image
    n = floor_div(image, o[DEPTH])
    above = image - n * o[DEPTH] + o[PAD_D] - t * o[DILATION_D]
    d = floor_div(above, o[STRIDE_D])
    return n * o[OUT_DEPTH] + d if d * o[STRIDE_D] == above and 0 <= d < o[OUT_DEPTH] else -1


@_kernel()
def patches(
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
        s0 = floor_div(j0, group)
        j1 = min(row_columns if o[FLAT] else (s0 + 1) * group, j0 + column1 - column)
        column += j1 - j0
        s1 = s0 if j1 <= (s0 + 1) * group else floor_div(j1 - 1, group)
        # One filter position of separate pixels is what most slabs are: its rows need no more than a cut at the border.
        shift, length = s0 * o[DILATION_W] - o[PAD_W], (j1 - j0) * item
        simple = s0 == s1 and sw * channels * item - length >= SECTOR_BYTES
        inner0, inner1 = ceil_div(-shift, sw), floor_div(width - 1 - shift, sw) + 1
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
                        n = put(out, n, first, at, step, end - start, length, False, o[TENSOR])
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
def adjoint(
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
        p = floor_div(h + up, sh)
        if h + up >= 0 and p * sh == h + up and p < h_out and frame >= 0:
            q0 = max(0, ceil_div(w + across, sw))
            q1 = min(w_out, floor_div(stop - 1 + across, sw) + 1)
            if q0 < q1:
                start = base + ((frame * h_out + p) * w_out + q0) * pitch + k0 * item
                n = put(out, n, first, start, pitch, q1 - q0, (k1 - k0) * item, False, o[TENSOR])
        left -= stop - w
        w = 0
        h += 1
        if h == h_in:
            h = 0
            image += 1
            frame = _tied_frame(o, image, t)
    return n


@_kernel()
def windows(out: np.ndarray, n: int, o: np.ndarray, base: int, place: np.ndarray, pixels: int) -> int:
    """Channels of the output pixels whose windows hold input pixels (n, d, h, w), one group an input row."""
    pitch, w_in, h_in = o[CHANNELS] * o[ITEM], o[WIDTH], o[HEIGHT]
    whole, width = o[GROUP_CHANNELS] == o[CHANNELS], o[GROUP_CHANNELS] * o[ITEM]
    reach_h, reach_w = (o[R] - 1) * o[DILATION_H], (o[S] - 1) * o[DILATION_W]
    reach_d, depth = (o[T] - 1) * o[DILATION_D], o[DEPTH]
    image, h, w, left = place[0], place[1], place[2], pixels
    while left > 0:
        stop = min(w_in, w + left)
        p0 = max(0, ceil_div(h + o[PAD_H] - reach_h, o[STRIDE_H]))
        p1 = min(o[OUT_HEIGHT], floor_div(h + o[PAD_H], o[STRIDE_H]) + 1)
        q0 = max(0, ceil_div(w + o[PAD_W] - reach_w, o[STRIDE_W]))
        q1 = min(o[OUT_WIDTH], floor_div(stop - 1 + o[PAD_W], o[STRIDE_W]) + 1)
        sample = floor_div(image, depth)
        d = image - sample * depth + o[PAD_D]
        d0, d1 = max(0, ceil_div(d - reach_d, o[STRIDE_D])), min(o[OUT_DEPTH], floor_div(d, o[STRIDE_D]) + 1)
        first = n
        for frame in range(d0, d1 if p0 < p1 and q0 < q1 else d0):
            frame_at = (sample * o[OUT_DEPTH] + frame) * o[OUT_HEIGHT]
            start = base + ((frame_at + p0) * o[OUT_WIDTH] + q0) * pitch
            if whole:
                n = put(out, n, first, start, o[OUT_WIDTH] * pitch, p1 - p0, (q1 - q0) * pitch, False, o[TENSOR])
            else:
                for p in range(p1 - p0):
                    at = start + p * o[OUT_WIDTH] * pitch
                    n = put(out, n, first, at, pitch, q1 - q0, width, False, o[TENSOR])
        left -= stop - w
        w = 0
        h += 1
        if h == h_in:
            h = 0
            image += 1
    return n


@_kernel()
def reach(out: np.ndarray, n: int, o: np.ndarray, base: int, place: np.ndarray, pixels: int) -> int:
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
                n = put(out, n, first, start, pitch, w1 - w0, width, False, o[TENSOR])
            left -= stop - q
            q = 0
            p += 1
            if p == o[OUT_HEIGHT]:
                p = 0
                image += 1
                frame = _frame(o, image, t)
    return n


@_kernel()
def locate(place: np.ndarray, o: np.ndarray, pixel: int) -> None:
    """Write frame, row and column of a pixel: of the input for adjoints and windows, else of the output."""
    width, height = (o[WIDTH], o[HEIGHT]) if o[KIND] in (ADJOINT, WINDOWS) else (o[OUT_WIDTH], o[OUT_HEIGHT])
    line = pixel // width
    place[0], place[1], place[2] = line // height, line % height, pixel - line * width
