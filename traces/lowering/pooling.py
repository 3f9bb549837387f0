"""Pooling over NHWC images: windows that slide, and whole-image averages as passes."""

from dataclasses import replace
from math import prod

from traces.lowering import rows as r
from traces.lowering.elementwise import dense, stream
from traces.lowering.grid import Grid, matrix, patches, planes, windows
from traces.lowering.image import Image, triple
from traces.lowering.launch import Call, Launch, lowers
from traces.operation import View

# Blocks of a maximum over NHWC images, as PyTorch's DilatedMaxPool2d.cu launches them: so many threads, and twice the
# rows that these hold.
_MOST_THREADS, _WARP, _ROWS = 1024, 32, 2


@lowers("aten.max_pool2d_with_indices", "aten.max_pool3d_with_indices")
def max_pool(call: Call) -> list[Launch]:
    """Read each window, write the largest value and its index."""
    return _by_rows(call) or _forward(call, "max_pool", call.argument(4))


@lowers("aten.avg_pool2d", "aten.avg_pool3d")
def average_pool(call: Call) -> list[Launch]:
    """Read each window, write its mean."""
    return _forward(call, "average_pool", None)


@lowers("aten.max_pool2d_with_indices_backward", "aten.max_pool3d_with_indices_backward")
def max_pool_backward(call: Call) -> list[Launch]:
    """Each input pixel reads the gradients and indices of the windows that hold it, and writes its own gradient."""
    indices = call.argument(7)
    return _backward(call, "max_pool_backward", indices if isinstance(indices, View) else None, call.argument(5))


@lowers("aten.avg_pool2d_backward", "aten.avg_pool3d_backward")
def average_pool_backward(call: Call) -> list[Launch]:
    """Each input pixel reads the gradients of the windows that hold it, and writes its own."""
    return _backward(call, "average_pool_backward", None, None)


_UPSAMPLINGS = ("bicubic2d", "bilinear2d", "linear1d", "nearest1d", "nearest2d", "nearest3d", "trilinear3d")
_EXACT = ("nearest_exact1d", "nearest_exact2d", "nearest_exact3d", "bicubic2d_aa", "bilinear2d_aa")
_STREAMED = ("_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_max_pool2d", "adaptive_max_pool3d",
             "fractional_max_pool2d", "fractional_max_pool3d", *(f"_upsample_{kind}" for kind in _EXACT),
             *(f"upsample_{kind}" for kind in _UPSAMPLINGS))  # fmt: skip


@lowers(*(f"aten.{name}{tail}" for name in _STREAMED for tail in ("", "_backward")))
def streamed_pool(call: Call) -> list[Launch]:
    """Read the input once, and the indices of a maximum's backward; write every result once.

    Adaptive windows overlap by a pixel at most; those of a local response norm reach across channels, which a wave
    holds. So what a wave reads twice, a block's L1 or registers serve; of an interpolation likewise.
    """
    operator = call.operation.operator
    place = 2 if "adaptive_max_pool" in operator else 4 if "fractional_max_pool" in operator else 0
    indices = [call.view(place)] if place and "_backward" in operator else []
    return stream(call, "pool", [call.view(0), *indices], [v for v in call.operation.outputs if v is not None])


def _image(call: Call, x: View, y: View, first: int, dilation: object) -> Image:
    """Read a pooling's sizes; its window, stride and padding begin at argument `first`."""
    dims = 3 if "3d" in call.operation.operator else 2
    n, c, *size = (1,) * (dims + 2 - len(x.shape)) + x.shape
    window = triple(call.argument(first), 1, dims)
    stride = call.argument(first + 1) or window[3 - dims :]  # none given: windows side by side
    return Image(n, triple(size, 1), c, triple(y.shape[-dims:], 1), window, triple(stride, 1, dims),
                 triple(call.argument(first + 2), 0, dims), triple(dilation, 1, dims), c)  # fmt: skip


def _pixels(call: Call, channels: int) -> int:
    """Return how many pixels, all channels, a block has: a thread an element."""
    return max(1, call.gpu.pool_threads_per_block // channels)


def _by_rows(call: Call) -> list[Launch]:
    """Lower a maximum whose blocks have whole rows of pixels and an L1 that keeps what their windows share.

    Empty for windows of images in three dimensions, that leave gaps, and where loads bypass L1.
    """
    y, indices = call.output(0), call.output(1)
    if y is None or not y.numel or not call.gpu.l1_holds_global_loads or "3d" in call.operation.operator:
        return []
    launches, x = dense(call, call.view(0))
    image, (_, height, width) = _image(call, x, y, 1, call.argument(4)), triple(y.shape[-2:], 1)
    if image.dilation[2] > 1 or image.stride[2] > image.window[2]:
        return []
    c, threads = image.channels, _MOST_THREADS // min(_floor_power(image.channels), _WARP)
    across = min(_floor_power(width), threads)
    down = min(_floor_power(height), threads // across)
    rows = -(-height // -(-height // (down * _ROWS)))
    pixels = planes(x, replace(image, n=1, channels=1))  # an item is a pixel with all its channels
    pixels[r.ITEM] *= c
    pixels[r.BATCH_STRIDE] = prod(image.size) * c * x.itemsize
    operands = [pixels]
    operands += [matrix(v, (r.M_AXIS, r.N_AXIS), (c, 1), r.WRITE_AT_END, height * width * c) for v in (y, indices) if v]
    grid = Grid(height * width, c, 1, (rows * width, c, 1), call.gpu.resident(_MOST_THREADS), tuple(operands),
                batches=image.n, options=call.options, gpu=call.gpu)  # fmt: skip
    return [*launches, Launch(call.kernel("max_pool", grid.blocks), grid.emit)]


def _floor_power(number: int) -> int:
    return 1 << number.bit_length() - 1


def _forward(call: Call, name: str, dilation: object) -> list[Launch]:
    y, indices = call.output(0), call.output(1)
    if y is None or not y.numel:
        return []
    launches, x = dense(call, call.view(0))
    image = _image(call, x, y, 1, dilation)
    c, depth = image.channels, prod(image.window) * image.channels
    operands = [patches(x, image, (r.M_AXIS, r.K_AXIS))]
    operands += [matrix(v, (r.M_AXIS, r.N_AXIS), (c, 1), r.WRITE_AT_END) for v in (y, indices) if v]
    wave = call.gpu.resident(call.gpu.pool_threads_per_block)
    grid = Grid(image.out_pixels, c, depth, (_pixels(call, c), c, depth), wave, tuple(operands), options=call.options,
                gpu=call.gpu)  # fmt: skip
    return [*launches, Launch(call.kernel(name, grid.blocks), grid.emit)]


def _backward(call: Call, name: str, indices: View | None, dilation: object) -> list[Launch]:
    x, dx = call.view(1), call.output()
    if dx is None or not dx.numel:
        return []
    launches, dy = dense(call, call.view(0))
    image = _image(call, x, dy, 2, dilation)
    c = image.channels
    operands = [windows(v, image) for v in (dy, indices) if v]
    operands.append(matrix(dx, (r.M_AXIS, r.N_AXIS), (c, 1), r.WRITE_AT_END))
    wave = call.gpu.resident(call.gpu.pool_threads_per_block)
    grid = Grid(image.pixels, c, 1, (_pixels(call, c), c, 1), wave, tuple(operands), options=call.options,
                gpu=call.gpu)  # fmt: skip
    return [*launches, Launch(call.kernel(name, grid.blocks), grid.emit)]
