"""Pooling over NHWC images: windows that slide, and whole-image averages as passes."""

from collections.abc import Sequence

from traces.lowering import rows as r
from traces.lowering.elementwise import dense, stream
from traces.lowering.grid import Grid, Image, matrix, patches, windows
from traces.lowering.launch import Call, Launch, lowers
from traces.operation import View


@lowers("aten.max_pool2d_with_indices")
def max_pool(call: Call) -> list[Launch]:
    """Read each window, write the largest value and its index."""
    return _forward(call, "max_pool", call.argument(4))


@lowers("aten.avg_pool2d")
def average_pool(call: Call) -> list[Launch]:
    """Read each window, write its mean."""
    return _forward(call, "average_pool", None)


@lowers("aten.max_pool2d_with_indices_backward")
def max_pool_backward(call: Call) -> list[Launch]:
    """Each input pixel reads the gradients and indices of the windows that hold it, and writes its own gradient."""
    indices = call.argument(7)
    return _backward(call, "max_pool_backward", indices if isinstance(indices, View) else None, call.argument(5))


@lowers("aten.avg_pool2d_backward")
def average_pool_backward(call: Call) -> list[Launch]:
    """Each input pixel reads the gradients of the windows that hold it, and writes its own."""
    return _backward(call, "average_pool_backward", None, None)


_UPSAMPLINGS = ("bicubic2d", "bilinear2d", "linear1d", "nearest1d", "nearest2d", "nearest3d", "trilinear3d")
_STREAMED = ("_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_max_pool2d", "avg_pool3d",
             *(f"upsample_{kind}" for kind in _UPSAMPLINGS))  # fmt: skip


@lowers(*(f"aten.{name}{tail}" for name in _STREAMED for tail in ("", "_backward")))
def streamed_pool(call: Call) -> list[Launch]:
    """Read the input once, and the indices of a maximum's backward; write every result once.

    Adaptive windows overlap by a pixel at most; those of a local response norm reach across channels, which a wave
    holds. So what a wave reads twice, a block's L1 or registers serve; of an interpolation likewise.
    """
    indices = [call.view(2)] if call.operation.operator.startswith("aten.adaptive_max_pool2d_backward") else []
    return stream(call, "pool", [call.view(0), *indices], [v for v in call.operation.outputs if v is not None])


def _four(view: View) -> tuple[int, int, int, int]:
    n, c, h, w = view.shape if len(view.shape) == 4 else (1, *view.shape)
    return n, c, h, w


def _image(x: View, y: View, window: object, stride: object, padding: object, dilation: object) -> Image:
    (n, c, h, w), (_, _, p, q) = _four(x), _four(y)
    size = _pair(window, (1, 1))
    return Image(n, h, w, c, p, q, size, _pair(stride, size), _pair(padding, (0, 0)), _pair(dilation, (1, 1)), c)


def _pair(value: object, default: tuple[int, int]) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    return (int(value[0]), int(value[-1])) if isinstance(value, Sequence) and len(value) else default


def _pixels(call: Call, channels: int) -> int:
    """Return how many pixels, all channels, a block has: a thread an element."""
    return max(1, call.gpu.pool_threads_per_block // channels)


def _forward(call: Call, name: str, dilation: object) -> list[Launch]:
    y, indices = call.output(0), call.output(1)
    if y is None or not y.numel:
        return []
    launches, x = dense(call, call.view(0))
    image = _image(x, y, call.argument(1), call.argument(2), call.argument(3), dilation)
    c, depth = image.channels, image.window[0] * image.window[1] * image.channels
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
    image = _image(x, dy, call.argument(2), call.argument(3), call.argument(4), dilation)
    c = image.channels
    operands = [windows(v, image) for v in (dy, indices) if v]
    operands.append(matrix(dx, (r.M_AXIS, r.N_AXIS), (c, 1), r.WRITE_AT_END))
    wave = call.gpu.resident(call.gpu.pool_threads_per_block)
    grid = Grid(image.pixels, c, 1, (_pixels(call, c), c, 1), wave, tuple(operands), options=call.options,
                gpu=call.gpu)  # fmt: skip
    return [*launches, Launch(call.kernel(name, grid.blocks), grid.emit)]
