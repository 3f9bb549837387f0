"""Weights of few bits in a captured stream."""

import numpy as np
import pytest
import torch
from torch import nn

from traces import capture
from traces.errors import InputError
from traces.trace import Trace


class Few(nn.Sequential):
    """A convolution and a product, whose weights may be of few bits."""

    def __init__(self, bits: dict[str, int]) -> None:
        super().__init__(nn.Conv2d(16, 96, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(96 * 64, 40))
        self.weight_bits = bits


def read(trace: Trace, name: str) -> tuple[int, np.ndarray]:
    """Return a parameter's bytes, and how often each of them is read."""
    number = next(i for i, tensor in enumerate(trace.tensors) if tensor.name == name)
    tensor = trace.tensors[number]
    count = np.zeros(tensor.bytes, dtype=int)
    for batch in trace.batches():
        for i in np.flatnonzero(batch.tensor == number):
            assert not batch.write[i]
            start = int(batch.base[i]) - tensor.address
            for row in range(int(batch.rows[i])):
                at = start + row * int(batch.stride[i])
                assert 0 <= at <= tensor.bytes - int(batch.width[i])
                count[at : at + int(batch.width[i])] += 1
    return tensor.bytes, count


@pytest.mark.parametrize("dtype", ["int8", "fp32"])
@pytest.mark.parametrize("bits", [1, 3, 4, 8])
def test_packed_weights_are_read_whole_and_as_often_as_before(bits: int, dtype: str) -> None:
    inputs = torch.zeros(2, 16, 8, 8)
    plain = capture(Few({}), inputs, "inference", dtype=dtype)
    trace = capture(Few({"0.weight": bits, "3.weight": bits}), inputs, "inference", dtype=dtype)
    for name, elements in (("0.weight", 96 * 16 * 9), ("3.weight", 40 * 96 * 64)):
        size, count = read(trace, name)
        before, often = read(plain, name)
        assert size == elements * bits // 8
        assert count.min() >= 1
        # a byte that two tiles share is read for both of them
        assert often.mean() <= count.mean() * 1.0001
        assert count.mean() <= often.mean() * 1.25
        assert before == elements * {"int8": 1, "fp32": 4}[dtype]
    assert "bits each" in trace.header.notes[-1]


def test_what_is_not_packed_stays_where_it_was() -> None:
    inputs = torch.zeros(1, 16, 8, 8)
    plain, trace = (capture(Few(bits), inputs, "inference") for bits in ({}, {"0.weight": 2}))
    number = next(i for i, tensor in enumerate(trace.tensors) if tensor.name == "0.weight")
    for before, after in zip(plain.batches(), trace.batches(), strict=True):
        for column, other in zip(before, after, strict=True):
            assert (column[before.tensor != number] == other[before.tensor != number]).all()


@pytest.mark.parametrize(
    ("bits", "phase", "told"),
    [
        ({"0.weight": 0}, "inference", "0 bits"),
        ({"0.weight": 9}, "inference", "9 bits"),
        ({"1.weight": 4}, "inference", "no parameter"),
        ({"0.weight": 4}, "training", "give the phase inference"),
    ],
)
def test_bits_that_cannot_be_are_refused(bits: dict[str, int], phase: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        capture(Few(bits), torch.zeros(1, 16, 8, 8), phase)
