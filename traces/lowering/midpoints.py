"""Numba kernels that read an image which is nowhere stored: each pixel from those of a small one that it lies between.

The full image is n x H x W pixels, the small one n x h x w, h = ceil(H / 2), w = ceil(W / 2). Full pixel (2i, 2j) is
small pixel (i, j), one at an odd place the mean of the two or four beside it. What a block would read of the full image
in a slab becomes rows of the small one, without what it read before of the last few stretches of rows.
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from traces import stream
from traces.compiled import kernel, stamp_of
from traces.lowering import rows as _rows
from traces.lowering.rows import (
    BASES,
    FULL_BASE,
    FULL_HEIGHT,
    FULL_WIDTH,
    PIXEL_BYTES,
    ROWS,
    SMALL_BASE,
    SMALL_HEIGHT,
    SMALL_TENSOR,
    SMALL_WIDTH,
    STRIDES,
    TENSOR,
    TENSORS,
    WIDTHS,
    WRITES,
    append,
    put,
)

_kernel: Any = partial(kernel, stamp_of(*(Path(str(one)) for one in (__file__, _rows.__file__, stream.__file__))),
                       _nrt=False)  # fmt: skip

SEEN = 4  # stretches of small rows that a block is taken to remember within a slab
_LINE, _FIRST, _LAST, _FROM, _TO = range(5)  # columns of one: small row, its columns, bytes of each pixel


@_kernel(inline="always")
def _of(s: np.ndarray, line: int, c0: int, c1: int) -> bool:
    return s[_LINE] == line and s[_FROM] == c0 and s[_TO] == c1


@_kernel()
def _stretch(
    out: np.ndarray, n: int, first: int, o: np.ndarray, seen: np.ndarray, line: int, a: int, b: int, c0: int, c1: int
) -> int:
    """Append bytes c0 to c1 of columns a to b (included) of a small row, less what of their ends was just read."""
    again = True
    while again:
        again = False
        for i in range(SEEN):
            s = seen[i]
            if _of(s, line, c0, c1):
                if s[_FIRST] <= a <= s[_LAST]:
                    a, again = s[_LAST] + 1, True
                if s[_FIRST] <= b <= s[_LAST]:
                    b, again = s[_FIRST] - 1, True
        if a > b:
            return n
    known = -1
    for i in range(SEEN):
        s = seen[i]
        if known < 0 and _of(s, line, c0, c1) and a <= s[_LAST] + 1 and b >= s[_FIRST] - 1:
            known, s[_FIRST], s[_LAST] = i, min(a, s[_FIRST]), max(b, s[_LAST])
    if known < 0:
        for i in range(SEEN - 1, 0, -1):
            for j in range(5):
                seen[i, j] = seen[i - 1, j]
        seen[0, _LINE], seen[0, _FIRST], seen[0, _LAST], seen[0, _FROM], seen[0, _TO] = line, a, b, c0, c1
    pitch, tensor = o[PIXEL_BYTES], o[SMALL_TENSOR]
    base = o[SMALL_BASE] + (line * o[SMALL_WIDTH] + a) * pitch + c0
    return put(out, n, first, base, pitch, b - a + 1, c1 - c0, False, tensor)


@_kernel()
def _pixels(
    out: np.ndarray, n: int, first: int, o: np.ndarray, seen: np.ndarray, pixel: int, step: int, count: int, c0: int,
    c1: int,
) -> int:  # fmt: skip
    """Bytes c0 to c1 of `count` full pixels, every `step`-th from `pixel` on, a full row after another."""
    width, height, w, h = o[FULL_WIDTH], o[FULL_HEIGHT], o[SMALL_WIDTH], o[SMALL_HEIGHT]
    while count > 0:
        line = pixel // width
        x, image = pixel - line * width, line // height
        y = line - image * height
        here = min(count, (width - 1 - x) // step + 1)
        for row in range(y // 2, min(h - 1, (y + 1) // 2) + 1):
            if step == 1:
                n = _stretch(out, n, first, o, seen, image * h + row, x // 2, min(w - 1, (x + here) // 2), c0, c1)
                continue
            for i in range(x, x + here * step, step):
                n = _stretch(out, n, first, o, seen, image * h + row, i // 2, min(w - 1, (i + 1) // 2), c0, c1)
        pixel += here * step
        count -= here
    return n


@_kernel()
def _bytes(out: np.ndarray, n: int, first: int, o: np.ndarray, seen: np.ndarray, at: int, width: int) -> int:
    """Full image's bytes from `at` on: the rest of a pixel, whole pixels, the begin of one."""
    pitch = o[PIXEL_BYTES]
    pixel = at // pitch
    c = at - pixel * pitch
    if c > 0:
        end = min(pitch, c + width)
        n = _pixels(out, n, first, o, seen, pixel, 1, 1, c, end)
        width -= end - c
        pixel += 1
    whole = width // pitch
    if whole > 0:
        n = _pixels(out, n, first, o, seen, pixel, 1, whole, 0, pitch)
    if width > whole * pitch:
        n = _pixels(out, n, first, o, seen, pixel + whole, 1, 1, 0, width - whole * pitch)
    return n


@_kernel()
def midpoints(out: np.ndarray, n: int, o: np.ndarray, full: np.ndarray, start: int, stop: int, seen: np.ndarray) -> int:
    """Append what intervals `start` to `stop` of `full`, reads of the full image in a slab, take of the small one.

    Args:
        out: int64 (7, length), the batch under way.
        n: its intervals so far.
        o: the image, a row of the operands' table; see `rows`.
        full: int64 (7, length).
        start: the first interval.
        stop: behind the last.
        seen: int64 (SEEN, 5), room for what was just read.
    """
    for i in range(SEEN):
        seen[i, _LINE] = -1
    first, pitch = n, o[PIXEL_BYTES]
    for i in range(start, stop):
        at, stride, rows, width = full[BASES, i] - o[FULL_BASE], full[STRIDES, i], full[ROWS, i], full[WIDTHS, i]
        c = at % pitch
        if rows > 1 and stride > 0 and stride % pitch == 0 and c + width <= pitch:
            n = _pixels(out, n, first, o, seen, at // pitch, stride // pitch, rows, c, c + width)
            continue
        for row in range(rows):
            n = _bytes(out, n, first, o, seen, at + row * stride, width)
    return n


@_kernel()
def rewrite(
    out: np.ndarray, position: np.ndarray, full: np.ndarray, o: np.ndarray, room: np.ndarray, seen: np.ndarray
) -> int:
    """Fill `out` with a stream whose reads of the full image become reads of the small one; return how many.

    Args:
        out: int64 (7, length).
        position: of the interval to go on from; left where the next call goes on.
        full: int64 (7, intervals), the stream.
        o: the image, a row of the operands' table.
        room: an upper bound of what an interval becomes, an interval each.
        seen: int64 (SEEN, 5), room for what was just read.
    """
    n, i = 0, position[0]
    while i < full.shape[1] and n + room[i] <= out.shape[1]:
        if full[TENSORS, i] == o[TENSOR] and not full[WRITES, i]:
            n = midpoints(out, n, o, full, i, i + 1, seen)
        else:
            n = append(out, n, full[BASES, i], full[STRIDES, i], full[ROWS, i], full[WIDTHS, i], full[WRITES, i] != 0,
                       full[TENSORS, i])  # fmt: skip
        i += 1
    position[0] = i
    return n
