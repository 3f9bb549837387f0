"""Weights of few bits in a captured stream."""

from math import prod

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
    edges = np.zeros(tensor.bytes + 1, dtype=int)  # where stretches begin, less where they end
    for batch in trace.batches():
        for i in np.flatnonzero(batch.tensor == number):
            assert not batch.write[i]
            start = int(batch.base[i]) - tensor.address + np.arange(int(batch.rows[i])) * int(batch.stride[i])
            end = start + int(batch.width[i])
            assert start.min() >= 0
            assert end.max() <= tensor.bytes
            np.add.at(edges, start, 1)
            np.add.at(edges, end, -1)
    count = np.cumsum(edges)[:-1]
    return tensor.bytes, count


def reads(trace: Trace, name: str) -> int:
    """Return the intervals that read a parameter."""
    number = next(i for i, tensor in enumerate(trace.tensors) if tensor.name == name)
    return sum(int((batch.tensor == number).sum()) for batch in trace.batches())


def sectors(trace: Trace, name: str) -> int:
    """Return the sectors of a parameter that are read, each as often as it is."""
    number = next(i for i, tensor in enumerate(trace.tensors) if tensor.name == name)
    total = 0
    for batch in trace.batches():
        for i in np.flatnonzero(batch.tensor == number):
            first = int(batch.base[i]) + np.arange(int(batch.rows[i])) * int(batch.stride[i])
            total += int(((first + int(batch.width[i]) - 1) // 32 - first // 32 + 1).sum())
    return total


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


class Narrow(nn.Sequential):
    """Layers whose rows are no whole sectors, so that a slab's rows leave parts of sectors between them."""

    def __init__(self, channels: int, bits: int | None) -> None:
        super().__init__(
            nn.Conv2d(3, channels, 3, padding=1, bias=False),
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
            nn.Conv2d(channels, 136, 1, bias=False),
            nn.Conv2d(136, channels, 3, padding=1, bias=False),
            nn.ConvTranspose2d(channels, 20, 2, 2, bias=False),
        )
        self.weight_bits = {f"{number}.weight": bits for number in range(5)} if bits else {}


@pytest.mark.parametrize(("channels", "dtype"), [(40, "int8"), (48, "int8"), (7, "fp32")])
def test_a_slab_is_read_without_its_neighbours_whatever_the_bits(channels: int, dtype: str) -> None:
    inputs = torch.zeros(1, 3, 8, 8)
    shapes = {name: tuple(value.shape) for name, value in Narrow(channels, None).named_parameters()}
    whole, *few = (capture(Narrow(channels, bits), inputs, "inference", dtype=dtype) for bits in (8, 1, 3))
    for name, shape in shapes.items():
        size, count = read(whole, name)
        assert size == prod(shape)
        # each block of pixels reads all weights once: as many times each byte, none for its neighbours' sake
        assert count.min() == count.max()
        for bits, trace in zip((1, 3), few, strict=True):
            small, often = read(trace, name)
            assert small == -(-prod(shape) * bits // 8)
            assert often.min() == count.min()  # a byte that two stretches share is read for both
            assert often.sum() <= count.sum() * bits / 8 + 2 * reads(whole, name)


def test_eight_bits_of_int8_are_laid_out_as_fewer_are() -> None:
    inputs = torch.zeros(1, 3, 8, 8)
    plain, eight = (capture(Narrow(72, bits), inputs, "inference", dtype="int8") for bits in (None, 8))
    assert sectors(eight, "3.weight") < 0.7 * sectors(plain, "3.weight")  # slabs of 32 B at multiples of 8


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
        ({"0.weight": True}, "inference", "True bits"),
        ({"0.weight": 4}, "training", "give the phase inference"),
    ],
)
def test_bits_that_cannot_be_are_refused(bits: dict[str, int], phase: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        capture(Few(bits), torch.zeros(1, 16, 8, 8), phase)


def test_weights_that_kernels_pack_are_not_packed_again() -> None:
    with pytest.raises(InputError, match="int4w packs weights in an order of its own"):
        capture(Few({"0.weight": 2}), torch.zeros(1, 16, 8, 8), "inference", dtype="int4w")
