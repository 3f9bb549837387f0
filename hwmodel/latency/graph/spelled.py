"""What frameworks have a name for and a graph does not: each spelled in the kinds of layer there are."""

from collections.abc import Sequence
from math import prod

import numpy as np

from circuits.errors import InputError
from hwmodel.latency.graph.build import Broadcast, Builder, Constant, Ref
from hwmodel.latency.graph.graph import Value
from hwmodel.latency.graph.shapes import broadcast

MASKED = -1e9  # a score that softmax makes exactly 0 in float32, and that no runtime stumbles over as over -infinity


def scalar(number: float, dtype: str = "float32") -> Constant:
    return Constant.of(np.asarray(number, dtype))


def place(dimension: int, rank: int) -> int:
    """Return a dimension counted from the front."""
    if not -rank <= dimension < max(rank, 1):
        raise InputError(f"dimension {dimension} of {rank}: there is none")
    return dimension % rank if rank else 0


def constant(ref: Ref, what: str) -> Constant:
    """Return a reference that must be a constant.

    Raises:
        InputError: where it is computed.
    """
    if not isinstance(ref, Constant):
        raise InputError(f"{what}: computed while the network runs; only constants can be read here")
    return ref


def subtract(b: Builder, left: Ref, right: Ref) -> Value:
    if isinstance(right, Constant):
        return b.elementwise("add", left, right.scaled(-1))
    return b.elementwise("add", left, b.elementwise("mul", right, scalar(-1)))


def divide(b: Builder, left: Ref, right: Ref) -> Value:
    return b.elementwise("mul", left, constant(right, "a divisor").inverse())


def reshape(b: Builder, ref: Ref, shape: Sequence[int]) -> Ref:
    """Return the reference with other dimensions; -1 is what is left."""
    if -1 in shape:
        rest = prod(length for length in shape if length != -1)
        shape = [prod(ref.shape) // max(rest, 1) if length == -1 else length for length in shape]
    if isinstance(ref, Constant):
        return ref.reshaped(shape)
    return b.add("reshape", [ref], shape=shape)


def transpose(b: Builder, ref: Ref, order: Sequence[int]) -> Ref:
    if isinstance(ref, Constant):
        return ref.transposed(order)
    return b.add("transpose", [ref], order=tuple(order))


def swap(b: Builder, ref: Ref, first: int, second: int) -> Ref:
    """Return the reference with two dimensions exchanged."""
    order = list(range(len(ref.shape)))
    first, second = place(first, len(order)), place(second, len(order))
    order[first], order[second] = second, first
    return transpose(b, ref, order)


def expand(ref: Ref, shape: Sequence[int]) -> Ref:
    """Return the reference broadcast to a shape, in which -1 keeps a length."""
    front = len(shape) - len(ref.shape)
    wanted = tuple(ref.shape[i - front] if length == -1 else length for i, length in enumerate(shape))
    if wanted == ref.shape:
        return ref
    if isinstance(ref, Constant):
        return Constant(wanted, ref.dtype, None if ref.array is None else np.broadcast_to(ref.array, wanted))
    return Broadcast(ref.value if isinstance(ref, Broadcast) else ref, broadcast(wanted, ref.shape))


def cut(b: Builder, ref: Ref, dimension: int, start: int, stop: int, step: int = 1) -> Ref:
    """Return a slice; start and stop are as Python has them."""
    dimension = place(dimension, len(ref.shape))
    start, stop, step = slice(start, stop, step).indices(ref.shape[dimension])
    if (start, stop, step) == (0, ref.shape[dimension], 1):
        return ref
    return b.add("slice", [ref], dimension=dimension, start=start, stop=stop, step=step)


def parts(b: Builder, ref: Ref, sizes: Sequence[int], dimension: int) -> list[Ref]:
    """Return slices of these lengths, one after another."""
    ends = np.cumsum(sizes).tolist()
    return [cut(b, ref, dimension, end - size, end) for size, end in zip(sizes, ends, strict=True)]


def concat(b: Builder, refs: Sequence[Ref], dimension: int) -> Ref:
    rank = len(refs[0].shape)
    refs = [ref for ref in refs if prod(ref.shape)]  # torch lets empty tensors of any rank stand here
    return refs[0] if len(refs) == 1 else b.add("concat", refs, dimension=place(dimension, rank))


def pad(b: Builder, ref: Ref, before: Sequence[int], after: Sequence[int], number: float) -> Ref:
    """Return the reference with a number around it, so many before and after along each dimension.

    Zeros around an image are a layer of their own kind; anything else is a concatenation with constants.
    """
    if any(length < 0 for length in (*before, *after)):
        starts = [max(-length, 0) for length in before]
        for dimension, (start, end) in enumerate(zip(starts, after, strict=True)):
            ref = cut(b, ref, dimension, start, ref.shape[dimension] - max(-end, 0))
        before, after = [max(length, 0) for length in before], [max(length, 0) for length in after]
    if len(ref.shape) == 4 and number == 0 and any((*before[2:], *after[2:])):
        ref = b.add("pad", [ref], padding=(*before[2:], *after[2:]))
        before, after = (*before[:2], 0, 0), (*after[:2], 0, 0)
    for dimension, lengths in enumerate(zip(before, after, strict=True)):
        if any(lengths):
            sides = [
                Constant.of(np.full((*ref.shape[:dimension], length, *ref.shape[dimension + 1 :]), number, b.dtype))
                for length in lengths
            ]
            ref = concat(b, [sides[0], ref, sides[1]], dimension)
    return ref


def product(b: Builder, left: Ref, right: Ref) -> Value:
    """Add a product of matrices, or batches of them: a linear layer where the right one is a constant matrix."""
    if isinstance(right, Constant) and len(right.shape) == 2 and len(left.shape) >= 2:
        return b.add("linear", [left], {"weight": right.transposed((1, 0))})
    return b.add("matmul", [left, right])


def attention(b: Builder, q: Ref, k: Ref, v: Ref, mask: Ref | None, *, causal: bool, scale: float | None) -> Value:
    """Add softmax(q k' * scale + mask) v; the scale multiplies q, which is smaller than the scores."""
    factor = q.shape[-1] ** -0.5 if scale is None else scale
    scores: Ref = b.add("matmul", [b.elementwise("mul", q, scalar(factor)), swap(b, k, -1, -2)])
    if causal:
        mask = Constant.of(np.triu(np.full(scores.shape[-2:], MASKED, np.float32), 1))
    if isinstance(mask, Constant) and mask.dtype == "bool":
        array = None if mask.array is None else np.where(mask.array, 0, MASKED).astype(np.float32)
        mask = Constant(mask.shape, "float32", array)
    if mask is not None:
        scores = b.elementwise("add", scores, mask)
    return b.add("matmul", [b.add("softmax", [scores], dimension=len(scores.shape) - 1), v])


def average(b: Builder, ref: Ref, size: Sequence[int]) -> Ref:
    """Add an average over areas so that an image of this height and width results.

    Raises:
        InputError: where the areas are not all of one size.
    """
    pixels = ref.shape[-2:]
    if tuple(size) == tuple(pixels):
        return ref
    if tuple(size) == (1, 1):
        rank = len(ref.shape)
        return b.add("mean", [ref], dimensions=(rank - 2, rank - 1), keep=True)
    if any(length % wanted for length, wanted in zip(pixels, size, strict=True)):
        raise InputError(f"an adaptive pooling of {tuple(pixels)} pixels to {tuple(size)}: areas of several sizes")
    kernel = tuple(length // wanted for length, wanted in zip(pixels, size, strict=True))
    return b.add("avg_pool", [ref], kernel=kernel, stride=kernel, padding=(0,) * 4, ceil=False, count_padding=True)


def clamp(b: Builder, ref: Ref, low: float | None, high: float | None) -> Value:
    """Add a limit from below and above.

    Raises:
        InputError: for limits that are no known activation's.
    """
    known = {(0, None): "relu", (0, 6): "relu6"}
    kind = known.get((low, None if high is None or high >= np.finfo(np.float32).max else high))  # type: ignore[arg-type]
    if kind is None:
        raise InputError(f"a clamp from {low} to {high}: no known activation; known are 0 (relu) and 0 to 6 (relu6)")
    return b.add("activation", [ref], activation=kind)
