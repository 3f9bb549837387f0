"""Convolution as implicit GEMM: forward, data gradient, weight gradient, bias.

Images lie in memory as NHWC and filters as KRSC (NDHWC and KTRSC in three dimensions), whatever order torch counts
their storage in: the bytes are the same, their order is the device's. A reduction runs over filter positions innermost
and channels outermost, as in CUTLASS's convolution iterators (conv2d_fprop_activation_tile_access_iterator_analytic.h).
With fewer channels than a slab holds, a slab runs along (s, c) of one filter row instead.
"""

from dataclasses import dataclass, replace
from math import prod

from traces.lowering import depthwise, layout
from traces.lowering import rows as r
from traces.lowering.elementwise import channels_last, dense, stream
from traces.lowering.gemm import reduce_splits, workspace
from traces.lowering.grid import Grid, adjoint, matrix, patches
from traces.lowering.image import Image, triple
from traces.lowering.launch import Call, Launch, Product, UnknownOperator, lowers
from traces.lowering.tiles import choose
from traces.operation import View


@dataclass(frozen=True)
class Problem:
    """A convolution of x (n, c, d, h, w) with filters (k, c / groups, t, r, s) to y (n, k, o, p, q)."""

    call: Call
    image: Image
    k: int
    groups: int

    @property
    def columns(self) -> int:
        """Elements of one filter: T * R * S * channels of a group."""
        return prod(self.image.window) * self.image.group_channels

    @property
    def macs(self) -> int:
        return self.image.out_pixels * self.k * self.columns

    @property
    def depthwise(self) -> bool:
        return self.groups > 1 and self.image.group_channels == 1


def problem(call: Call, x: View, w: View, y: tuple[int, ...], at: int) -> Problem:
    """Read a convolution's sizes; its strides and what follows them begin at argument `at`."""
    if len(x.shape) not in {3, 4, 5}:
        raise UnknownOperator(f"{call.operation.operator} of {len(x.shape) - 2} spatial dimensions")
    stride, padding, dilation = (call.argument(at + i) for i in range(3))
    groups = call.argument(at + 5)
    (n, c, *size), (k, group, *window), out = x.shape, w.shape, y[2:]
    image = Image(n, triple(size, 1), c, triple(out, 1), triple(window, 1), triple(stride, 1, len(size)),
                  triple(padding, 0, len(size)), triple(dilation, 1, len(size)), group)  # fmt: skip
    return Problem(call, image, k, groups if isinstance(groups, int) else 1)


@lowers("aten.convolution", "aten.conv2d", "aten._convolution")
def convolution(call: Call) -> list[Launch]:
    """Forward product, then the bias as a pass over the output, as torch adds it on CUDA."""
    y, bias = call.output(), call.argument(2)
    if y is None or not y.numel:
        return []
    (first, x), (second, w) = dense(call, call.view(0)), dense(call, call.view(1))
    launches = first + second
    if call.argument(6):  # transposed: the data gradient of the convolution that maps y to x
        launches += data_gradient(problem(call, y, w, x.shape, 3), x, w, y, "implicit_gemm_transposed")
    else:
        launches += forward(problem(call, x, w, y.shape, 3), x, w, y, "implicit_gemm_forward")
    return [*launches, *(add_bias(call, bias, y) if isinstance(bias, View) else [])]


@lowers("aten.convolution_backward")
def convolution_backward(call: Call) -> list[Launch]:
    """Data, weight and bias gradients, those that were asked for."""
    (first, dy), (second, x), (third, w) = (dense(call, call.view(i)) for i in range(3))
    dx, dw, db = (call.output(i) for i in range(3))
    launches = first + second + third
    if call.argument(7):  # transposed: x and y change places
        of = problem(call, dy, w, x.shape, 4)
        launches += forward(of, dy, w, dx, "implicit_gemm_data_gradient") if dx else []
        launches += weight_gradient(of, dy, x, dw) if dw else []
    else:
        of = problem(call, x, w, dy.shape, 4)
        launches += data_gradient(of, dy, w, dx, "implicit_gemm_data_gradient") if dx else []
        launches += weight_gradient(of, x, dy, dw) if dw else []
    return launches + (stream(call, "reduction", [dy], [db]) if db else [])


def add_bias(call: Call, bias: View, y: View) -> list[Launch]:
    """Read and write y, and read the bias of each channel, which lies innermost."""
    leader = channels_last(y)
    return stream(call, "bias", [leader, bias], [leader], leader, pointwise=True)


def forward(of: Problem, x: View, w: View, y: View, name: str) -> list[Launch]:
    """Lower y = conv(x, w): M = pixels of y, N = filters."""
    image, call = of.image, of.call
    if of.depthwise:
        return depthwise.forward(of, x, w, y, name)
    if layout.by_planes(of, x):
        return layout.forward(of, x, w, y, name)
    (*lines, columns), group, filters = image.window, image.group_channels, of.k // of.groups
    positions, depth = prod(image.window), group
    products = call.operation.products
    if image.flat and group * x.itemsize < call.gpu.tiles_of(x.itemsize, products)[0].depth_bytes:
        positions, depth = prod(lines), columns * group
    tile = choose(call.gpu, image.out_pixels, filters, 0, x.itemsize, of.groups, products=products)
    operands = (
        patches(x, image, (r.M_AXIS, r.K_AXIS), depth, group),
        matrix(w, (r.N_AXIS, r.K_AXIS), (of.columns, 1), batch=filters * of.columns, filters=depth),
        matrix(y, (r.M_AXIS, r.N_AXIS), (of.k, 1), r.WRITE_AT_END, filters),
    )
    grid = Grid(image.out_pixels, filters, depth, tile.shape, call.gpu.wave(tile.tile), operands, positions, of.groups,
                options=call.options, gpu=call.gpu, shared_bytes=tile.shared_bytes)  # fmt: skip
    kernel = call.kernel(name, grid.blocks, of.macs, **grid.shape(tile.tile))
    return [Launch(kernel, grid.emit, Product(grid, y, of.groups))]


def data_gradient(of: Problem, dy: View, w: View, dx: View, name: str) -> list[Launch]:
    """Lower dx: M = pixels of x, N = channels, the reduction over filters.

    Of a stride above 1, blocks visit every filter position; pixels a position does not reach make no access.
    """
    image, call = of.image, of.call
    if of.depthwise:
        return depthwise.data_gradient(of, dy, w, dx, name)
    group, filters = image.group_channels, of.k // of.groups
    tile = choose(call.gpu, image.pixels, group, 0, dy.itemsize, of.groups, products=call.operation.products)
    operands = (
        adjoint(dy, replace(image, channels=of.k), (r.M_AXIS, r.K_AXIS), filters),
        matrix(w, (r.N_AXIS, r.K_AXIS), (1, of.columns), batch=filters * of.columns, filters=group),
        matrix(dx, (r.M_AXIS, r.N_AXIS), (image.channels, 1), r.WRITE_AT_END, group),
    )
    grid = Grid(image.pixels, group, filters, tile.shape, call.gpu.wave(tile.tile), operands, prod(image.window),
                of.groups, options=call.options, gpu=call.gpu, shared_bytes=tile.shared_bytes)  # fmt: skip
    kernel = call.kernel(name, grid.blocks, of.macs, **grid.shape(tile.tile))
    return [Launch(kernel, grid.emit, Product(grid, dx, of.groups))]


def weight_gradient(of: Problem, x: View, dy: View, dw: View) -> list[Launch]:
    """Lower dw: M = filters, N = R * S * channels, the reduction over output pixels, split where the grid is small."""
    image, call, name = of.image, of.call, "implicit_gemm_weight_gradient"
    if of.depthwise:
        return depthwise.weight_gradient(of, x, dy, dw, name)
    group, filters, pixels = image.group_channels, of.k // of.groups, image.out_pixels
    products = call.operation.products
    slabs = -(-pixels * dy.itemsize // call.gpu.tiles_of(dy.itemsize, products)[0].depth_bytes)
    split = call.allocate is not None and call.options.split_k != "never"
    tile = choose(call.gpu, filters, of.columns, slabs, dy.itemsize, of.groups, split, products)
    results = filters * of.columns
    target = dw if tile.splits == 1 else workspace(call, dw, tile.splits * results * of.groups)
    operands = (
        matrix(dy, (r.M_AXIS, r.K_AXIS), (1, of.k), batch=filters),
        patches(x, image, (r.K_AXIS, r.N_AXIS), batch=group),
        matrix(target, (r.M_AXIS, r.N_AXIS), (of.columns, 1), r.WRITE_AT_END, tile.splits * results,
               results if tile.splits > 1 else 0),
    )  # fmt: skip
    grid = Grid(filters, of.columns, pixels, tile.shape, call.gpu.wave(tile.tile), operands, 1, of.groups, tile.splits,
                options=call.options, gpu=call.gpu, shared_bytes=tile.shared_bytes)  # fmt: skip
    launches = [Launch(call.kernel(name, grid.blocks, of.macs, **grid.shape(tile.tile)), grid.emit)]
    return launches + (reduce_splits(call, target, dw, tile.splits, of.groups) if tile.splits > 1 else [])
