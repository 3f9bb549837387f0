"""Depthwise convolution: no product, each channel on its own.

A block has some pixels of a slice of channels, 32 where they divide, so that a warp's load of a pixel is 128 B of
floats; slices follow one another as batches do. It reads what its windows span, filter row by filter row, and the
slice's filters, and writes its pixels. For a weight gradient it goes through its share of the pixels instead, and
leaves a partial sum in a workspace that a second kernel adds up. How the libraries cut theirs is not public: slices and
shares are assumed.
"""

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from traces.lowering import rows as r
from traces.lowering.gemm import reduce_splits, workspace
from traces.lowering.grid import Grid, matrix, patches, reach, windows
from traces.lowering.image import Image
from traces.lowering.launch import Launch
from traces.operation import View
from traces.stream import SECTOR_BYTES

if TYPE_CHECKING:
    from traces.lowering.convolution import Problem


def lanes(channels: int, itemsize: int) -> int:
    """Return the channels of a slice: whole sectors, so that no two blocks write to one."""
    return next((n for n in (32, 16, 8) if channels % n == 0 and n * itemsize % SECTOR_BYTES == 0), channels)


def forward(of: "Problem", x: View, w: View, y: View, name: str) -> list[Launch]:
    """Lower y = conv(x, w): M = pixels of y."""
    image, filters = _slices(of, x)
    depth = prod(image.window) * image.group_channels
    operands = (
        _spanned(x, image, (r.M_AXIS, r.K_AXIS)),
        _filters(of, w, filters),
        matrix(y, (r.M_AXIS, r.N_AXIS), (of.k, 1), r.WRITE_AT_END, filters),
    )
    return _launch(of, image, image.out_pixels, filters, depth, operands, name)


def data_gradient(of: "Problem", dy: View, w: View, dx: View, name: str) -> list[Launch]:
    """Lower dx: M = pixels of x, each of which reads the gradients of the windows that hold it."""
    image, filters = _slices(of, dy)
    operands = (
        windows(dy, replace(image, channels=of.k, group_channels=filters), filters),
        _filters(of, w, filters),
        matrix(dx, (r.M_AXIS, r.N_AXIS), (image.channels, 1), r.WRITE_AT_END, image.group_channels),
    )
    return _launch(of, image, image.pixels, image.group_channels, 1, operands, name)


def weight_gradient(of: "Problem", x: View, dy: View, dw: View, name: str) -> list[Launch]:
    """Lower dw: the reduction over output pixels, a share of them a block, as many shares as fill a wave."""
    gpu, call, (image, filters) = of.call.gpu, of.call, _slices(of, x)
    slices, columns, results = of.k // filters, prod(image.window) * image.group_channels, prod(image.window) * filters
    slab, resident = _share(of, filters), gpu.resident(gpu.pass_threads_per_block)
    splits = 1
    if call.allocate is not None and call.options.split_k != "never":
        splits = max(1, min(-(-resident // slices), -(-image.out_pixels // slab) // gpu.split_least_slabs))
    target = workspace(call, dw, splits * slices * results) if splits > 1 else dw
    sums = matrix(target, (r.NO_AXIS, r.NO_AXIS), (0, 1), r.WRITE_AT_END, splits * results, results)
    sums[r.ITEM] *= results
    operands = (
        matrix(dy, (r.M_AXIS, r.K_AXIS), (1, of.k), batch=filters),
        _spanned(x, image, (r.K_AXIS, r.N_AXIS)),
        sums,
    )
    grid = Grid(filters, columns, image.out_pixels, (filters, columns, slab), resident, operands, batches=slices,
                splits=splits, options=call.options, gpu=gpu)  # fmt: skip
    launches = [Launch(call.kernel(_named(name), grid.blocks, of.macs), grid.emit)]
    return launches + (reduce_splits(call, target, dw, splits, slices) if splits > 1 else [])


def _slices(of: "Problem", view: View) -> tuple[Image, int]:
    """Return the image as a slice sees it, and the filters of a slice."""
    slice_ = lanes(of.image.channels, view.itemsize)
    return replace(of.image, group_channels=slice_), slice_ * of.k // of.image.channels


def _spanned(x: View, image: Image, axes: tuple[int, int]) -> np.ndarray:
    """Describe what windows read: their span a filter row or, where they leave gaps, each filter position."""
    overlap = image.dilation[2] == 1 and image.stride[2] <= image.window[2]
    return (reach if overlap else patches)(x, image, axes, batch=image.group_channels)


def _filters(of: "Problem", w: View, filters: int) -> np.ndarray:
    """Describe the filters of a slice, which lie contiguous and are read whole."""
    o = matrix(w, (r.NO_AXIS, r.NO_AXIS), (0, 1), batch=filters * prod(of.image.window))
    o[r.ITEM] *= filters * prod(of.image.window)
    return o


def _share(of: "Problem", channels: int) -> int:
    """Return how many pixels of a slice a block has."""
    return max(1, of.call.gpu.pass_threads_per_block * of.call.gpu.pass_elements_per_thread // channels)


def _launch(
    of: "Problem", image: Image, pixels: int, channels: int, depth: int, operands: tuple[np.ndarray, ...], name: str
) -> list[Launch]:
    call, gpu = of.call, of.call.gpu
    tile, slices = (_share(of, channels), channels, depth), image.channels // image.group_channels
    grid = Grid(pixels, channels, depth, tile, gpu.resident(gpu.pass_threads_per_block), operands, batches=slices,
                options=call.options, gpu=gpu)  # fmt: skip
    return [Launch(call.kernel(_named(name), grid.blocks, of.macs), grid.emit)]


def _named(name: str) -> str:
    return name.replace("implicit_gemm", "depthwise")
