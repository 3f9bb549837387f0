"""Kernels whose blocks hold something and go through something else step by step: attention, bags, gathers.

A launch is a number of thread blocks, run in waves; a wave is a list of stages; a stage has steps. In each step each
block of the wave in turn touches its pieces: rows of bytes, given for all blocks and steps at once as arrays.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from traces.gpus import Gpu
from traces.lowering.l1 import AROUND, L1
from traces.lowering.options import DEFAULTS, Options
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
    atomic: bool = False  # done by L2 itself, so that L1 holds none of it


Stage = Sequence[Piece]


@dataclass(frozen=True)
class March:
    """`wave(blocks)` returns the stages of a wave, given the numbers of its blocks (int64, ascending)."""

    blocks: int
    resident: int  # blocks of a wave
    wave: Callable[[np.ndarray], list[Stage]]
    lanes: int = 1  # figures along a piece's blocks that are one block's
    options: Options = DEFAULTS
    gpu: Gpu | None = None  # gives L1, where the options have one
    shared_bytes: int = 0  # of a block

    def emit(self, index: int) -> Iterator[Intervals]:
        """Yield the stream of kernel `index`, a batch or more a stage."""
        cache = L1.chosen(self.options, self.gpu, self.shared_bytes, self.resident)
        for first in range(0, self.blocks, self.resident):
            blocks = np.arange(first, min(self.blocks, first + self.resident), dtype=np.int64)
            for pieces in self.wave(blocks):
                yield from told(stage(self._shared(pieces, len(blocks)), self.lanes), index, cache)

    def _shared(self, pieces: Stage, count: int) -> Stage:
        """Return a stage without what blocks read that one before them, on an SM abreast, reads in the same step."""
        gpu = self.gpu
        if gpu is None or self.options.l1 != "bypass" or self.lanes > 1 or count <= gpu.sms // gpu.abreast_sms:
            return pieces
        sm = np.arange(count) % gpu.sms
        found = []
        for piece in pieces:
            figures = (piece.base, piece.rows, piece.stride, piece.width)
            shape = np.broadcast_shapes((1, count), *(np.shape(n) for n in figures))
            base, rows, stride, width = (np.broadcast_to(np.asarray(n, np.int64), shape) for n in figures)
            same = np.zeros(shape, bool)
            for back in range(1, gpu.abreast_sms if not (piece.write or piece.atomic) else 1):
                equal = [n[:, back:] == n[:, :-back] for n in (base, rows, stride, width)]
                same[:, back:] |= np.logical_and.reduce(equal) & (sm % gpu.abreast_sms >= back)[back:]
            found.append(replace(piece, rows=np.where(same, 0, rows)))
        return found


def told(batch: np.ndarray, index: int, cache: L1 | None) -> Iterator[Intervals]:
    """Yield what of a batch, int64 (7, intervals), passes L1 as intervals of kernel `index`."""
    for part in cache.missed(batch) if cache else (batch[:6],):
        if part.shape[1]:
            columns = [column.astype(kind) for column, kind in zip(part, COLUMNS.values(), strict=False)]
            columns.append(np.full(part.shape[1], index, COLUMNS["kernel"]))
            yield Intervals(*columns)


def stage(pieces: Stage, lanes: int = 1) -> np.ndarray:
    """Return a stage's intervals, int64 (7, intervals) as `rows` has them, without those of no rows or bytes.

    They come step by step, block by block, piece by piece.
    """
    shape = np.broadcast_shapes((1, 1), *(np.shape(n) for p in pieces for n in (p.base, p.rows, p.stride, p.width)))

    def columns(name: str) -> np.ndarray:
        return np.stack([np.broadcast_to(np.asarray(getattr(p, name), np.int64), shape) for p in pieces], -1).reshape(
            -1
        )

    base, rows, stride, width = (columns(name) for name in ("base", "rows", "stride", "width"))
    write = np.tile([p.write for p in pieces], shape[0] * shape[1])
    tensor = np.tile([p.tensor for p in pieces], shape[0] * shape[1])
    of = np.where([p.atomic for p in pieces], AROUND, np.arange(shape[1])[:, None] // lanes)
    block = np.broadcast_to(of, (*shape, len(pieces))).reshape(-1)
    kept = (rows > 0) & (width > 0)
    return joined(base[kept], stride[kept], rows[kept], width[kept], write[kept], tensor[kept], block[kept])


def joined(
    base: np.ndarray, stride: np.ndarray, rows: np.ndarray, width: np.ndarray, write: np.ndarray, tensor: np.ndarray,
    block: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Return intervals, int64 (7, intervals): rows read less than a sector apart, or written side by side, as one.

    Arrays are of one length; figures as of a `Piece`, and the block of the wave.
    """
    several = rows > 1
    one = several & (stride - width < np.where(write, 1, SECTOR_BYTES))
    width = np.where(one, width + np.maximum(stride, 0) * (rows - 1), width)
    rows = np.where(one, 1, rows)
    stride = np.where(rows > 1, stride, 0)
    return np.array((base, stride, rows, width, write, tensor, block), np.int64)
