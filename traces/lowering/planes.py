"""Numba kernels that read windows of images and write results that lie plane by plane (NCHW)."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from traces import stream
from traces.compiled import kernel, stamp_of
from traces.lowering import rows as _rows
from traces.lowering.rows import (
    CHANNELS,
    DILATION_H,
    DILATION_W,
    HEIGHT,
    ITEM,
    OUT_HEIGHT,
    OUT_WIDTH,
    PAD_H,
    PAD_W,
    STRIDE_H,
    STRIDE_W,
    TENSOR,
    WIDTH,
    R,
    S,
    put,
)
from traces.stream import SECTOR_BYTES

_kernel: Any = partial(kernel, stamp_of(*(Path(str(one)) for one in (__file__, _rows.__file__, stream.__file__))),
                       _nrt=False)  # fmt: skip


@_kernel()
def _columns(o: np.ndarray, p: int, q: int, last: int, end: int, h: int, found: np.ndarray) -> int:
    """Write the stretches of input row h that windows of pixels (p, q) to (last, end) reach; return how many, up to 2.

    The pixels are the tail of a row, whole rows and the head of a row: of a row that both ends alone reach, the two
    stretches may lie apart; else they are one.
    """
    count, near = 0, (SECTOR_BYTES - 1) // o[ITEM]
    for row in range(p, last + 1):
        down = h + o[PAD_H] - row * o[STRIDE_H]
        if down < 0:
            break
        if down % o[DILATION_H] or down // o[DILATION_H] >= o[R]:
            continue
        first, stop = q if row == p else 0, end if row == last else o[OUT_WIDTH]
        w0 = max(0, first * o[STRIDE_W] - o[PAD_W])
        w1 = min(o[WIDTH], (stop - 1) * o[STRIDE_W] - o[PAD_W] + (o[S] - 1) * o[DILATION_W] + 1)
        if w0 >= w1:
            continue
        if count and w0 <= found[count - 1, 1] + near and found[count - 1, 0] <= w1 + near:
            found[count - 1, 0], found[count - 1, 1] = min(w0, found[count - 1, 0]), max(w1, found[count - 1, 1])
        else:
            found[count, 0], found[count, 1] = w0, w1
            count += 1
    if count == 2 and found[1, 0] < found[0, 0]:
        for side in range(2):
            found[0, side], found[1, side] = found[1, side], found[0, side]
    return count


@_kernel()
def planes(
    out: np.ndarray, n: int, o: np.ndarray, base: int, place: np.ndarray, pixels: int, k0: int, k1: int,
    found: np.ndarray,
) -> int:  # fmt: skip
    """Planes k0 to k1 of what the windows of output pixels (n, p, q) reach, each stretch once a plane."""
    item, plane = o[ITEM], o[HEIGHT] * o[WIDTH] * o[ITEM]
    image, p, q, left = place[0], place[1], place[2], pixels
    while left > 0:
        here = min(left, (o[OUT_HEIGHT] - p) * o[OUT_WIDTH] - q)
        final = p * o[OUT_WIDTH] + q + here - 1
        last = final // o[OUT_WIDTH]
        end = final - last * o[OUT_WIDTH] + 1
        at = base + (image * o[CHANNELS] + k0) * plane
        begun, width = 0, 0
        h_last = min(o[HEIGHT] - 1, last * o[STRIDE_H] - o[PAD_H] + (o[R] - 1) * o[DILATION_H])
        for h in range(max(0, p * o[STRIDE_H] - o[PAD_H]), h_last + 1):
            for index in range(_columns(o, p, q, last, end, h, found)):
                start = at + (h * o[WIDTH] + found[index, 0]) * item
                if width and start - begun - width < SECTOR_BYTES:
                    width = at + (h * o[WIDTH] + found[index, 1]) * item - begun
                    continue
                if width:
                    n = put(out, n, n, begun, plane, k1 - k0, width, False, o[TENSOR])
                begun, width = start, (found[index, 1] - found[index, 0]) * item
        if width:
            n = put(out, n, n, begun, plane, k1 - k0, width, False, o[TENSOR])
        left -= here
        image, p, q = image + 1, 0, 0
    return n


@_kernel()
def stored(out: np.ndarray, n: int, o: np.ndarray, base: int, place: np.ndarray, pixels: int, k0: int, k1: int) -> int:
    """Output pixels from (n, p, q) on in planes k0 to k1, a stretch an image."""
    item, size = o[ITEM], o[OUT_HEIGHT] * o[OUT_WIDTH]
    image, at, left = place[0], place[1] * o[OUT_WIDTH] + place[2], pixels
    while left > 0:
        here = min(left, size - at)
        start = base + ((image * o[CHANNELS] + k0) * size + at) * item
        n = put(out, n, n, start, size * item, k1 - k0, here * item, True, o[TENSOR])
        left -= here
        image, at = image + 1, 0
    return n
