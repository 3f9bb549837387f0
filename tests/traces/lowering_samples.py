"""Operations built by hand, their tensors laid out one after another."""

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

from tests.naive.lowering import expand
from traces.gpus import Gpu, Tile, load_gpu
from traces.lowering import Options, plan
from traces.operation import Operation, View

ITEMSIZES = {"float32": 4, "float16": 2, "int32": 4, "int64": 8, "bool": 1}


class Memory:
    """Gives tensors addresses: 512 B apart at least, as the caching allocator does, or at an offset to be awkward."""

    def __init__(self, offset: int = 0) -> None:
        self.top, self.offset, self.bytes = 1 << 20, offset, []

    def allocate(self, size: int, _: str = "") -> tuple[int, int]:
        address = self.top + self.offset
        self.top += -(-(size + self.offset) // 512) * 512 + 512
        self.bytes.append((address, size))
        return len(self.bytes) - 1, address

    def tensor(self, *shape: int, dtype: str = "float32") -> View:
        item = ITEMSIZES[dtype]
        index, address = self.allocate(max(1, prod(shape) * item))
        return View(index, address, shape, tuple(prod(shape[d + 1 :]) for d in range(len(shape))), item, dtype)


def transposed(view: View) -> View:
    return replace(
        view, shape=(*view.shape[:-2], *view.shape[:-3:-1]), stride=(*view.stride[:-2], *view.stride[:-3:-1])
    )


def call(name: str, *arguments: Any, outputs: tuple[View | None, ...] = (), **options: Any) -> Operation:
    return Operation(f"aten.{name}", arguments, options, outputs, "layer", "forward")


def small_gpu(m: int = 8, n: int = 8, sms: int = 2) -> Gpu:
    """A machine whose tiles are small enough for a twin: one tile, slabs of 32 B, two blocks an SM."""
    tiles = (Tile(m, n, 32, 256, 128),)
    return replace(load_gpu("gtx1080ti"), sms=sms, tiles=tiles, half_tiles=tiles, split_least_slabs=2)


def of(view: View) -> tuple[int, int]:
    return view.tensor, view.address


def accesses(
    operation: Operation, gpu: Gpu, allocate: Any = None, options: Options | None = None
) -> Iterator[tuple[int, bool, int, int]]:
    """(sector, write, tensor, kernel) of every access of an operation's launches."""
    for index, launch in enumerate(plan(operation, gpu, allocate, options)):
        yield from expand(launch.emit(index))


def convolution(memory: Memory, n, c, h, w, k, window, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1,
                bias=False, dtype="float32") -> Operation:  # fmt: skip
    return convolve(memory, n, (h, w), c, k, window, stride, padding, dilation, groups, bias, dtype)


def convolve(memory: Memory, n, size, c, k, window, stride, padding, dilation, groups=1, bias=False,
             dtype="float32") -> Operation:  # fmt: skip
    """A convolution in as many dimensions as `size` has."""
    out = (
        (length + 2 * padding[i] - dilation[i] * (window[i] - 1) - 1) // stride[i] + 1 for i, length in enumerate(size)
    )
    x, weight = memory.tensor(n, c, *size, dtype=dtype), memory.tensor(k, c // groups, *window, dtype=dtype)
    added = memory.tensor(k, dtype=dtype) if bias else None
    y = memory.tensor(n, k, *out, dtype=dtype)
    arguments = (x, weight, added, list(stride), list(padding), list(dilation), False, [0] * len(size), groups)
    return call("convolution.default", *arguments, outputs=(y,))


def convolution_backward(forward: Operation, memory: Memory, wanted=(True, True, True)) -> Operation:
    """The backward of a convolution, its gradients in fresh memory."""
    x, weight, _, *rest = forward.arguments
    dy = forward.outputs[0]
    assert dy is not None
    shapes = (x.shape, weight.shape, (dy.shape[1],))
    gradients = tuple(memory.tensor(*s, dtype=x.dtype) if ask else None for s, ask in zip(shapes, wanted, strict=True))
    return call("convolution_backward.default", dy, x, weight, [dy.shape[1]], *rest, list(wanted), outputs=gradients)
