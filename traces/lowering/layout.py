"""Convolutions of a library whose kernels want images plane by plane (NCHW), among ones that lie channels-last.

Images and filters are laid out anew before, and the result after: blocks of 32 pixels by 32 channels read rows of one
order and write rows of the other. A row of pixels is a request of its own, so that of planes of no whole sectors some
sectors are asked for twice. Kernels of cuDNN so named: nhwcToNchwKernel, nchwToNhwcKernel.
"""

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from traces.lowering import rows as r
from traces.lowering.grid import Grid, matrix, planes, stored
from traces.lowering.launch import Call, Launch
from traces.lowering.march import March, Piece, Stage
from traces.lowering.tiles import choose
from traces.operation import View
from traces.stream import SECTOR_BYTES

if TYPE_CHECKING:
    from traces.lowering.convolution import Problem

_SIDE = 32  # pixels and channels of a block
_THREADS = 256


def by_planes(of: "Problem", x: View) -> bool:
    """Return whether kernels take planes: those of whole floats, one group, flat images, a sector's channels."""
    call, image = of.call, of.image
    gap = max(image.stride[2] - image.window[2], image.dilation[2] - 1)  # that windows of a row leave between them
    padded = image.padding[2] > 0
    return (
        call.gpu.float_images == "nchw" and call.allocate is not None and call.operation.products != "tf32"
        and x.itemsize == 4 and of.groups == 1 and len(x.shape) == 4 and image.channels * x.itemsize >= SECTOR_BYTES
        and gap * x.itemsize < SECTOR_BYTES and (gap <= 0 or not padded)
    )  # fmt: skip


def forward(of: "Problem", x: View, w: View, y: View, name: str) -> list[Launch]:
    """Lower y = conv(x, w) over planes: a slab is a sector's channels with all their filter positions.

    Positions lie innermost in the reduction, so that what they reach of a plane, a block asks L2 for once.
    """
    call, image, taps = of.call, of.image, prod(of.image.window)
    images, results = (call.lend((v.numel,), v.itemsize, v.dtype, "planes") for v in (x, y))
    launches = [_turned(call, x, images, image.n, prod(image.size), image.channels, True)]
    filters = w
    if taps > 1:
        filters = call.lend((w.numel,), w.itemsize, w.dtype, "planes")
        launches.append(_turned(call, w, filters, of.k, taps, image.channels, True))
    tile = choose(call.gpu, image.out_pixels, of.k, 0, x.itemsize)
    weights = matrix(filters, (r.N_AXIS, r.K_AXIS), (of.columns, taps))
    weights[r.ITEM] *= taps
    operands = (planes(images, image), weights, stored(results, replace(image, channels=of.k)))
    grid = Grid(image.out_pixels, of.k, image.channels, tile.shape, call.gpu.wave(tile.tile), operands,
                options=call.options, gpu=call.gpu, shared_bytes=tile.shared_bytes)  # fmt: skip
    launches.append(Launch(call.kernel(name, grid.blocks, of.macs), grid.emit))
    return [*launches, _turned(call, results, y, image.n, prod(image.out), of.k, False)]


def _turned(call: Call, source: View, target: View, n: int, pixels: int, channels: int, to_planes: bool) -> Launch:
    """Lay n images of pixels x channels out as planes, or planes as images."""
    across, along = -(-channels // _SIDE), -(-pixels // _SIDE)
    item = source.itemsize
    last, first = (source, target) if to_planes else (target, source)  # by which order: channels last, or first

    def wave(blocks: np.ndarray) -> list[Stage]:
        c0, rest = blocks % across * _SIDE, blocks // across
        p0, image = rest % along * _SIDE, rest // along
        cs, ps = np.minimum(channels - c0, _SIDE), np.minimum(pixels - p0, _SIDE)
        wide = Piece(last.tensor, not to_planes, last.address + ((image * pixels + p0) * channels + c0) * item, ps,
                     channels * item, cs * item)  # fmt: skip
        plane = Piece(first.tensor, to_planes, first.address + ((image * channels + c0) * pixels + p0) * item, cs,
                      pixels * item, ps * item)  # fmt: skip
        return [[wide], [plane]] if to_planes else [[plane], [wide]]

    blocks = n * across * along
    name = "nhwc_to_nchw" if to_planes else "nchw_to_nhwc"
    return Launch(call.kernel(name, blocks), March(blocks, call.gpu.resident(_THREADS), wave, 1, call.options).emit)
