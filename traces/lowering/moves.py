"""Copies to other places: joining, slicing, padding, rearranging, diagonals, sampling at places that a tensor names."""

from collections.abc import Iterator
from dataclasses import replace
from math import prod

from traces.lowering.elementwise import is_image, named, stream, tensors, written
from traces.lowering.launch import Call, Launch, lowers
from traces.lowering.passes import Operand, Pass, operand, walk
from traces.operation import View
from traces.stream import Intervals

_MOVES = (
    "affine_grid_generator", "channel_shuffle", "col2im", "constant_pad_nd", "flip", "im2col", "pixel_shuffle",
    "pixel_unshuffle", "repeat", "roll", "rot90",
)  # fmt: skip
_PADS = tuple(f"{kind}_pad{dims}d" for kind in ("reflection", "replication") for dims in (1, 2, 3))


@lowers(*named(_MOVES + _PADS))
def move(call: Call) -> list[Launch]:
    """Read the first argument, write every result, its elements at other places."""
    return stream(call, "copy", [call.view(0)], written(call))


@lowers(*(f"aten.{name}_backward" for name in _PADS))
def pad_backward(call: Call) -> list[Launch]:
    """Fill the result with zeros, then add the gradient of each element to that of its source, atomically."""
    out, gradient = call.output(), call.view(0)
    if out is None:
        return []
    return [*stream(call, "fill", [], [out]), *stream(call, "pad_backward", [gradient, out], [out], gradient)]


@lowers("aten.unfold_backward")
def unfold_backward(call: Call) -> list[Launch]:
    """Fill the result with zeros, then sum for each element the windows that hold it."""
    out, gradient = call.output(), call.view(0)
    return [] if out is None else [*stream(call, "fill", [], [out]), *stream(call, "copy", [gradient], [out])]


@lowers("aten.cat", "aten.stack")
def concatenate(call: Call) -> list[Launch]:
    """Copy each input into its slice of the result; images are joined along their channels as NHWC."""
    inputs = [v for v in tensors(call.argument(0)) if v.numel]
    out = call.output()
    if out is None or not inputs:
        return []
    dim = call.argument(1, 0, "dim")
    dim = dim if isinstance(dim, int) else 0
    dim += len(out.shape) if dim < 0 else 0
    passes, start = [], 0
    for view in inputs:
        length = 1 if call.operation.operator.startswith("aten.stack") else view.shape[dim]
        made = walk(call.gpu, [view], [])
        target = _slice(out, dim, start, length)
        passes.append(Pass((made.operands[0], target), made.elements, made.block, made.resident))
        start += length

    def emit(index: int) -> Iterator[Intervals]:
        for one in passes:
            yield from one.emit(index)

    return [Launch(call.kernel("concatenate", sum(p.blocks for p in passes)), emit)]


@lowers("aten.slice_backward", "aten.select_backward")
def scatter_slice(call: Call) -> list[Launch]:
    """Fill the result with zeros, then copy the gradient into its slice."""
    out, gradient = call.output(), call.view(0)
    if out is None:
        return []
    dim, start = call.argument(2, 0, "dim"), call.argument(3, 0, "start")
    dim, start = (int(x) if isinstance(x, int) else 0 for x in (dim, start))
    length = gradient.shape[dim] if call.operation.operator.startswith("aten.slice") else 1
    made = walk(call.gpu, [gradient], [])
    start += out.shape[dim] if start < 0 else 0
    target = _slice(out, dim, min(start, out.shape[dim] - length), length)
    copied = Pass((made.operands[0], target), made.elements, made.block, made.resident)
    return [*stream(call, "fill", [], [out]), Launch(call.kernel("copy", copied.blocks), copied.emit)]


def _slice(out: View, dim: int, start: int, length: int) -> Operand:
    """Return the walk that writes `length` indices from `start` on along a dimension of `out`."""
    if dim == 1 and is_image(out):
        n, channels, *space = out.shape
        pitch = channels * out.itemsize
        return Operand(out.tensor, out.address + start * out.itemsize, ((n * prod(space), pitch),),
                       length * out.itemsize, out.itemsize, True)  # fmt: skip
    shape = (*out.shape[:dim], length, *out.shape[dim + 1 :])
    address = out.address + start * out.stride[dim] * out.itemsize
    return operand(View(out.tensor, address, shape, out.stride, out.itemsize, out.dtype), True)


@lowers("aten.diagonal_copy")
def diagonal_copy(call: Call) -> list[Launch]:
    """Read a diagonal, write it."""
    out = call.output()
    return [] if out is None else stream(call, "copy", [_diagonal(call, call.view(0), 1, (0, 1))], [out])


@lowers("aten.diag_embed", "aten.diagonal_backward")
def diagonal_fill(call: Call) -> list[Launch]:
    """Fill the result with zeros, then copy the first argument to its diagonal."""
    out, embeds = call.output(), call.operation.operator.startswith("aten.diag_embed")
    if out is None:
        return []
    target = _diagonal(call, out, 1 if embeds else 2, (-2, -1) if embeds else (0, 1))
    return [*stream(call, "fill", [], [out]), *stream(call, "copy", [call.view(0)], [target], target)]


def _diagonal(call: Call, view: View, first: int, dims: tuple[int, int]) -> View:
    """Return the diagonal of two dimensions as the last; its offset and they are arguments from `first` on."""
    defaults = dict(zip(("offset", "dim1", "dim2"), (0, *dims), strict=True))
    given = [call.argument(first + i, value, name) for i, (name, value) in enumerate(defaults.items())]
    offset, one, two = (value if isinstance(value, int) else 0 for value in given)
    one, two = one % len(view.shape), two % len(view.shape)
    start = max(0, -offset), max(0, offset)
    length = max(0, min(view.shape[one] - start[0], view.shape[two] - start[1]))
    kept = [d for d in range(len(view.shape)) if d not in {one, two}]
    address = view.address + (start[0] * view.stride[one] + start[1] * view.stride[two]) * view.itemsize
    return replace(view, address=address, shape=(*(view.shape[d] for d in kept), length),
                   stride=(*(view.stride[d] for d in kept), view.stride[one] + view.stride[two]))  # fmt: skip


@lowers("aten.grid_sampler_2d", "aten.grid_sampler_3d", "aten.cudnn_grid_sampler")
def grid_sample(call: Call) -> list[Launch]:
    """Read the places and, once, the images they lie in; write the samples. Neighbours sample neighbours."""
    return stream(call, "grid_sample", [call.view(0), call.view(1)], written(call))


@lowers("aten.grid_sampler_2d_backward", "aten.grid_sampler_3d_backward")
def grid_sample_backward(call: Call) -> list[Launch]:
    """Fill the images' gradient with zeros; add to it atomically, and write the gradient of the places."""
    images, places = call.output(0), call.output(1)
    filled = [images] if images is not None and images.numel else []
    reads = [call.view(0), call.view(1), call.view(2), *filled]
    writes = [*filled, *([places] if places is not None and places.numel else [])]
    return [*stream(call, "fill", [], filled), *stream(call, "grid_sample_backward", reads, writes)]
