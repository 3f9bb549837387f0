"""Random intervals, and traces made of them."""

import numpy as np
from hypothesis import strategies as st

from traces.stream import COLUMNS, Intervals
from traces.trace import Header, Kernel, Tensor, Trace

TENSORS = [Tensor("0.weight", "parameter", 4096, 1 << 20), Tensor("input0", "input", 0, 512)]
KERNELS = [Kernel("gemm", "aten.mm.default", "0", "forward", 4, 64), Kernel("copy", "aten.clone", "", "backward", 1, 0)]
HEADER = Header("small", "training", 2, "gtx1080ti", parameters=3, macs=128, made_by="test", notes=["Assumed."])


def intervals(rows) -> Intervals:
    """A batch from tuples in the order of the columns."""
    columns = zip(*rows, strict=True) if rows else [()] * len(COLUMNS)
    return Intervals(*(np.array(column, kind) for kind, column in zip(COLUMNS.values(), columns, strict=True)))


def trace(*batches: Intervals) -> Trace:
    return Trace(HEADER, TENSORS, KERNELS, lambda: iter(batches))


def whole(of: Trace) -> list[tuple]:
    """The stream of a trace as rows."""
    return [row for batch in of.batches() for row in zip(*(column.tolist() for column in batch), strict=True)]


@st.composite
def rows(draw):
    """An interval that fits: any width and stride, below 2**64."""
    stride = draw(st.one_of(st.integers(-300, 300), st.integers(-(2**40), 2**40), st.sampled_from([0, 32, 128, -32])))
    count = draw(st.integers(1, 60))
    width = draw(st.one_of(st.integers(1, 200), st.integers(1, 2**20)))
    low = max(0, -stride * (count - 1))
    high = 2**64 - width - max(0, stride * (count - 1))
    base = draw(st.one_of(st.integers(low, min(high, low + 2**20)), st.integers(low, high)))
    return base, stride, count, width, draw(st.booleans()), draw(st.integers(0, 1)), draw(st.integers(0, 1))


lists = st.lists(rows(), max_size=30)
