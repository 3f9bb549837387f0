"""Maps brought back to twice their size: an operator of our own, so that a cost model sees it whole.

Along each axis out[2i] = x[i] and out[2i + 1] = (x[i] + x[i + 1]) / 2; between four pixels, their mean. Of an even
length the last pixel has no second neighbour: it repeats the one before. So 4 pixels become 7 or 8.

    hwmodel::midpoint_upsample2d(small, height, width, fused) -> full

`fused` changes no number. It says that whoever reads the result computes it from `small` while loading, so that cost
models write it nowhere.
"""

from typing import Any

import torch

Function = torch.autograd.function.FunctionCtx


def lengths(full: int) -> int:
    """Return the pixels that are kept of a row of `full` ones."""
    return (full + 1) // 2


def _format(like: torch.Tensor) -> torch.memory_format:
    last = like.dim() == 4 and not like.is_contiguous() and like.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format


def _empty(like: torch.Tensor, height: int, width: int) -> torch.Tensor:
    shape = (*like.shape[:-2], height, width)
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=_format(like))


def _spread(x: torch.Tensor, out: torch.Tensor, axis: int) -> torch.Tensor:
    """Fill `out` with x and the means between its neighbours along an axis."""
    kept, full = x.shape[axis], out.shape[axis]
    out[_every_other(axis, 0, full)] = x
    if kept > 1:
        between = x.narrow(axis, 0, kept - 1) + x.narrow(axis, 1, kept - 1)
        out[_every_other(axis, 1, 2 * kept - 1)] = between.mul_(0.5)
    if full == 2 * kept:
        out.select(axis, full - 1).copy_(x.select(axis, kept - 1))
    return out


def _gather(out: torch.Tensor, axis: int) -> torch.Tensor:
    """Return what `_spread` gives back of a gradient: its adjoint."""
    full = out.shape[axis]
    kept = lengths(full)
    x = out[_every_other(axis, 0, full)].clone()
    if kept > 1:
        half = out[_every_other(axis, 1, 2 * kept - 1)] * 0.5
        x.narrow(axis, 0, kept - 1).add_(half)
        x.narrow(axis, 1, kept - 1).add_(half)
    if full == 2 * kept:
        x.select(axis, kept - 1).add_(out.select(axis, full - 1))
    return x


def _every_other(axis: int, first: int, stop: int) -> Any:
    return (..., slice(first, stop, 2), *[slice(None)] * (-1 - axis))


@torch.library.custom_op("hwmodel::midpoint_upsample2d", mutates_args=())
def midpoint_upsample2d(small: torch.Tensor, height: int, width: int, fused: bool = False) -> torch.Tensor:
    """Return a map of height x width interpolated from one of half that, rounded up.

    Args:
        small: (.., h, w), h = ceil(height / 2), w = ceil(width / 2).
        height: of the result.
        width: of the result.
        fused: whether its readers interpolate; no number depends on it.

    Raises:
        ValueError: for sizes that do not go together.
    """
    del fused
    _check(small, height, width)
    rows = _spread(small, _empty(small, small.shape[-2], width), -1)
    return _spread(rows, _empty(small, height, width), -2)


@midpoint_upsample2d.register_fake
def _(small: torch.Tensor, height: int, width: int, fused: bool = False) -> torch.Tensor:
    del fused
    _check(small, height, width)
    return _empty(small, height, width)


@torch.library.custom_op("hwmodel::midpoint_upsample2d_backward", mutates_args=())
def midpoint_upsample2d_backward(gradient: torch.Tensor) -> torch.Tensor:
    """Return the gradient of the small map, (.., ceil(height / 2), ceil(width / 2)), from that of the full one."""
    return _gather(_gather(gradient, -2), -1).contiguous(memory_format=_format(gradient))


@midpoint_upsample2d_backward.register_fake
def _(gradient: torch.Tensor) -> torch.Tensor:
    return _empty(gradient, lengths(gradient.shape[-2]), lengths(gradient.shape[-1]))


def _check(small: torch.Tensor, height: int, width: int) -> None:
    kept = tuple(small.shape[-2:])
    if kept != (lengths(height), lengths(width)):
        wanted = f"{lengths(height)} x {lengths(width)}"
        raise ValueError(f"a map of {kept[0]} x {kept[1]}: {height} x {width} pixels come from {wanted}")


def _backward(_: Function, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
    return midpoint_upsample2d_backward(gradient), None, None, None


def _remember(ctx: Function, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
    del output
    ctx.full = tuple(inputs[0].shape[-2:])  # pyright: ignore[reportAttributeAccessIssue]


def _backward_of_backward(ctx: Function, gradient: torch.Tensor) -> torch.Tensor:
    return midpoint_upsample2d(gradient, *ctx.full)  # pyright: ignore[reportAttributeAccessIssue]


midpoint_upsample2d.register_autograd(_backward)
midpoint_upsample2d_backward.register_autograd(_backward_of_backward, setup_context=_remember)
