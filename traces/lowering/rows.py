"""How the rows that a thread block touches become intervals: what the inner loops of every tiled lowering share.

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
# Of an image that is read without being stored (`midpoints`): whether it is; where the full one would be, with bytes a
# pixel and its lines; where the small one is.
MIDPOINTS, FULL_BASE, PIXEL_BYTES, FULL_HEIGHT, FULL_WIDTH = range(34, 39)
SMALL_BASE, SMALL_TENSOR, SMALL_HEIGHT, SMALL_WIDTH = range(39, 43)
COLUMNS = 43

# ROLE
LOAD, READ_AT_END, WRITE_AT_END = range(3)
# KIND
MATRIX, PATCHES, ADJOINT, WINDOWS, REACH, PLANES, STORED = range(7)
# ROW_AXIS, COLUMN_AXIS
M_AXIS, N_AXIS, K_AXIS, NO_AXIS = range(4)

_kernel: Any = partial(kernel, stamp_of(Path(__file__), Path(stream.__file__)), _nrt=False)


@_kernel(inline="always")
def floor_div(a: int, b: int) -> int:
    return a if b == 1 else a // b  # a division takes longer than all else here, and most strides are 1


@_kernel(inline="always")
def ceil_div(a: int, b: int) -> int:
    return a if b == 1 else -((-a) // b)


@_kernel()
def append(out: np.ndarray, n: int, base: int, stride: int, rows: int, width: int, write: bool, tensor: int) -> int:
    out[BASES, n] = base
    out[STRIDES, n] = stride
    out[ROWS, n] = rows
    out[WIDTHS, n] = width
    out[WRITES, n] = write
    out[TENSORS, n] = tensor
    return n + 1


@_kernel()
def put(
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
                n = append(out, n, start, 0, 1, base + width - start, write, tensor)
            if rows == 1:
                return n
            return append(out, n, base + stride, stride if rows > 2 else 0, rows - 1, width, write, tensor)
        if w == width and base > b:
            if r > 1 and base == b + s * r and (rows == 1 or stride == s):
                out[ROWS, n - 1] = r + rows
                return n
            if r == 1 and (rows == 1 or base - b == stride):
                out[STRIDES, n - 1] = base - b
                out[ROWS, n - 1] = 1 + rows
                return n
    return append(out, n, base, stride if rows > 1 else 0, rows, width, write, tensor)
