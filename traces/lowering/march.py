"""Kernels whose blocks hold something and go through something else step by step: attention, bags, gathers.

A launch is a number of thread blocks, run in waves; a wave is a list of stages; a stage has steps. In each step each
block of the wave in turn touches its pieces: rows of bytes, given for all blocks and steps at once as arrays.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from traces.stream import COLUMNS, SECTOR_BYTES, Intervals

Numbers = np.ndarray | int


@dataclass(frozen=True)
class Piece:
    """Rows of bytes of one tensor; figures are integers or int64 arrays, which broadcast to (steps, blocks)."""

    tensor: int
    write: bool
    base: Numbers  # byte address of the first row
    rows: Numbers  # 0 where a block touches nothing in a step
    stride: Numbers  # bytes from a row to the next
    width: Numbers  # bytes of a row


Stage = Sequence[Piece]


@dataclass(frozen=True)
class March:
    """`wave(blocks)` returns the stages of a wave, given the numbers of its blocks (int64, ascending)."""

    blocks: int
    resident: int  # blocks of a wave
    wave: Callable[[np.ndarray], list[Stage]]

    def emit(self, index: int) -> Iterator[Intervals]:
        """Yield the stream of kernel `index`, a batch a stage."""
        for first in range(0, self.blocks, self.resident):
            blocks = np.arange(first, min(self.blocks, first + self.resident), dtype=np.int64)
            for pieces in self.wave(blocks):
                batch = stage(pieces, index)
                if len(batch.base):
                    yield batch


def stage(pieces: Stage, index: int) -> Intervals:
    """Return a stage's intervals: step by step, block by block, piece by piece; without those of no rows or bytes."""
    shape = np.broadcast_shapes((1, 1), *(np.shape(n) for p in pieces for n in (p.base, p.rows, p.stride, p.width)))

    def columns(name: str) -> np.ndarray:
        return np.stack([np.broadcast_to(np.asarray(getattr(p, name), np.int64), shape) for p in pieces], -1).reshape(
            -1
        )

    base, rows, stride, width = (columns(name) for name in ("base", "rows", "stride", "width"))
    write = np.tile([p.write for p in pieces], shape[0] * shape[1])
    tensor = np.tile([p.tensor for p in pieces], shape[0] * shape[1])
    kept = (rows > 0) & (width > 0)
    return joined(base[kept], stride[kept], rows[kept], width[kept], write[kept], tensor[kept], index)


def joined(
    base: np.ndarray, stride: np.ndarray, rows: np.ndarray, width: np.ndarray, write: np.ndarray, tensor: np.ndarray,
    index: int,
) -> Intervals:  # fmt: skip
    """Return intervals of kernel `index`; rows read with no whole sector between them, or written with no gap, are one.

    All but `index` are arrays of one length; figures as of a `Piece`.
    """
    several = rows > 1
    one = several & (stride - width < np.where(write, 1, SECTOR_BYTES))
    width = np.where(one, width + np.maximum(stride, 0) * (rows - 1), width)
    rows = np.where(one, 1, rows)
    stride = np.where(rows > 1, stride, 0)
    found = (base, stride, rows, width, write, tensor, np.full(len(base), index))
    return Intervals(*(column.astype(kind) for column, kind in zip(found, COLUMNS.values(), strict=True)))
