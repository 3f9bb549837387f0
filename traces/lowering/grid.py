"""Grids of thread blocks that load slabs and store tiles: GEMM, convolution, pooling.

The grid's blocks are numbered along M first (or as the options say), then N, then splits of the reduction, then
batches, and run in waves of as many as the machine holds. The blocks of a wave advance together: slab by slab, each
block of the wave in turn loads its part of every operand; after the last slab each stores its tile. Block b of a wave
runs on SM b mod SMs. On a GPU whose L2 has a coalescer of requests before it, what several blocks of an SM, or of SMs
abreast, load in one step is loaded once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from traces.gpus import Gpu, Tile
from traces.lowering import rows as r
from traces.lowering.image import Image
from traces.lowering.l1 import L1
from traces.lowering.midpoints import SEEN
from traces.lowering.options import DEFAULTS, Options
from traces.lowering.slabs import fill
from traces.operation import View
from traces.stream import COLUMNS, Intervals

BATCH_INTERVALS = 1 << 18


@dataclass(frozen=True)
class Grid:
    """A launch's blocks: sizes in elements, and the operands in the order a block touches them."""

    m: int
    n: int
    depth: int  # elements of the reduction at one filter position
    tile: tuple[int, int, int]  # results along M and N, elements of a slab
    resident: int  # blocks of a wave
    operands: tuple[np.ndarray, ...]
    filters: int = 1  # filter positions: the reduction is depth x filters, filters innermost
    batches: int = 1
    splits: int = 1
    options: Options = DEFAULTS
    gpu: Gpu | None = None  # gives L1, where the options have one
    shared_bytes: int = 0  # of a block, in unified memory at the cost of L1

    @property
    def tiles(self) -> tuple[int, int]:
        return -(-self.m // self.tile[0]), -(-self.n // self.tile[1])

    @property
    def blocks(self) -> int:
        return self.tiles[0] * self.tiles[1] * self.batches * self.splits

    @property
    def slabs(self) -> int:
        return -(-self.depth // self.tile[2]) * self.filters

    def shape(self, tile: Tile) -> dict[str, int]:
        """Return what a kernel's row says of a launch whose blocks are of this tile."""
        rounds = -(-self.slabs // self.splits)
        return {
            "threads": tile.threads_per_block,
            "registers": tile.registers_per_thread,
            "rounds": rounds,
            "issued_macs": self.blocks * prod(self.tile) * rounds,
        }

    def emit(self, index: int) -> Iterator[Intervals]:
        """Yield the launch's stream in batches of about `BATCH_INTERVALS`."""
        if not self.m or not self.n or not self.batches:
            return
        operands = np.stack(self.operands)
        per_split = -(-self.slabs // self.splits)
        sizes = np.array([self.m, self.n, self.depth, *self.tile, self.filters, self.batches, self.splits,
                          self.resident, self.slabs, per_split, self.options.raster == "n", self.options.swizzle,
                          *self._sharing()], np.int64)  # fmt: skip
        room = self._room()
        position = np.zeros(3, np.int64)
        scratch = np.empty((7, max(BATCH_INTERVALS, room)), np.int64)
        blocks = np.empty((self.resident + 4, 6), np.int64)
        places = np.zeros((len(operands), self.resident, 4), np.int64)
        full = np.empty((7, room if operands[:, r.MIDPOINTS].any() else 0), np.int64)
        seen = np.empty((SEEN, 5), np.int64)
        cache = L1.chosen(self.options, self.gpu, self.shared_bytes, self.resident)
        while position[0] * self.resident < self.blocks:
            count = int(fill(scratch, position, operands, sizes, room, cache is not None, blocks, places,
                             full, seen))  # fmt: skip
            for part in cache.missed(scratch[:, :count]) if cache else (scratch[:6, :count],):
                if part.shape[1]:
                    columns = [column.astype(kind) for column, kind in zip(part, COLUMNS.values(), strict=False)]
                    columns.append(np.full(part.shape[1], index, COLUMNS["kernel"]))
                    yield Intervals(*columns)

    def _sharing(self) -> tuple[int, int]:
        """Return the SMs, and how many of them are abreast: none where a model of L1 says what blocks share."""
        if self.gpu is None or self.options.l1 != "bypass":
            return 1, 1
        return self.gpu.sms, self.gpu.abreast_sms

    def _room(self) -> int:
        """Return an upper bound of the intervals one block needs in one step."""
        extent = (*self.tile, 1)
        total = 2
        for o in self.operands:
            before = total
            i, k = extent[o[r.ROW_AXIS]], extent[o[r.COLUMN_AXIS]]
            if o[r.KIND] == r.MATRIX:
                contiguous = o[r.ITEM] in (o[r.ROW_STRIDE], o[r.COLUMN_STRIDE])
                total += 2 if contiguous else 2 * max(i, k)
            elif o[r.KIND] == r.PATCHES:
                segments = k // o[r.GROUP_CHANNELS] + 2
                total += segments * 2 * (i + 1)
            elif o[r.KIND] == r.PLANES:
                total += 2 * (i + 1) * (o[r.R] + 1)
            elif o[r.KIND] == r.REACH:
                total += 2 * (i + 1) * o[r.T] * o[r.R]
            elif o[r.KIND] == r.WINDOWS:
                span = (o[[r.T, r.R]] - 1) * o[[r.DILATION_D, r.DILATION_H]] + 1  # frames and rows at most
                total += 2 * (i + 1) * span[0] * (span[1] if o[r.GROUP_CHANNELS] < o[r.CHANNELS] else 1)
            else:
                total += 2 * (i + 1)
            if o[r.MIDPOINTS]:  # a pixel lies between four at most
                total += 3 * (total - before) + 16
        return int(total)


def matrix(
    view: View, axes: tuple[int, int], strides: tuple[int, int], role: int = r.LOAD, batch: int = 0, split: int = 0,
    filters: int = 0,
) -> np.ndarray:  # fmt: skip
    """Describe an operand with element (i, k) at `i * strides[0] + k * strides[1]`; strides in elements.

    Args:
        view: the tensor; its shape does not matter.
        axes: the grid's axes that i and k run along.
        strides: elements from an i, a k to the next.
        role: when blocks touch it.
        batch: elements from a batch to the next.
        split: elements from a split of the reduction to the next.
        filters: elements from a filter position to the next.
    """
    o = _operand(view, r.MATRIX, axes, role, batch)
    o[[r.ROW_STRIDE, r.COLUMN_STRIDE, r.FILTER_STRIDE, r.SPLIT_STRIDE]] = view.itemsize * np.array(
        [*strides, filters, split], np.int64
    )
    return o


def patches(view: View, image: Image, axes: tuple[int, int], filters: int = 0, batch: int = 0) -> np.ndarray:
    """Describe the patch matrix of an image: rows are output pixels, columns (t, r, s, c), `filters` a position's."""
    o = _image(view, image, r.PATCHES, axes, batch)
    o[r.FILTER_STRIDE] = filters
    return o


def reach(view: View, image: Image, axes: tuple[int, int], batch: int = 0) -> np.ndarray:
    """Describe what the windows of output pixels span, `group_channels` of each input pixel, one filter row at a time.

    Windows must overlap or abut along a row: dilation 1, stride at most the window.
    """
    return _image(view, image, r.REACH, axes, batch)


def planes(view: View, image: Image) -> np.ndarray:
    """Describe what windows of the pixels along M reach of the channels along K, in an image that lies as NCHW."""
    return _image(view, image, r.PLANES, (r.M_AXIS, r.K_AXIS), 0)


def stored(view: View, image: Image) -> np.ndarray:
    """Describe results of pixels along M and of filters along N, written as NCHW; `image.channels` are the filters."""
    o = _image(view, image, r.STORED, (r.M_AXIS, r.N_AXIS), 0)
    o[r.ROLE] = r.WRITE_AT_END
    return o


def adjoint(view: View, image: Image, axes: tuple[int, int], batch: int = 0) -> np.ndarray:
    """Describe the output pixels that input pixels are tied to, one filter position at a time.

    `image.channels` are the output's channels here.
    """
    return _image(view, image, r.ADJOINT, axes, batch)


def windows(view: View, image: Image, batch: int = 0) -> np.ndarray:
    """Describe the output pixels whose windows hold the input pixels along M, `group_channels` of each.

    `image.channels` are the output's channels here.
    """
    return _image(view, image, r.WINDOWS, (r.M_AXIS, r.NO_AXIS), batch)


def _operand(view: View, kind: int, axes: tuple[int, int], role: int, batch: int) -> np.ndarray:
    o = np.zeros(r.COLUMNS, np.int64)
    o[[r.ROLE, r.KIND, r.TENSOR, r.BASE, r.ITEM]] = role, kind, view.tensor, view.address, view.itemsize
    o[[r.ROW_AXIS, r.COLUMN_AXIS, r.BATCH_STRIDE]] = *axes, batch * view.itemsize
    return o


def _image(view: View, image: Image, kind: int, axes: tuple[int, int], batch: int) -> np.ndarray:
    o = _operand(view, kind, axes, r.LOAD, batch)
    o[r.DEPTH : r.S + 1] = (*image.size, image.channels, *image.out, *image.window)
    o[r.STRIDE_D : r.DEEP + 1] = (*image.stride, *image.padding, *image.dilation, image.group_channels, image.flat,
                                  image.deep)  # fmt: skip
    return o
