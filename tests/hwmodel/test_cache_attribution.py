"""Counts told apart by kernel, layer, tensor and kind of tensor, against the twin and against their own sums."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.cache import CacheConfig, replay_trace
from hwmodel.cache.attribution import KERNELS, TENSORS
from tests.hwmodel.test_cache_twin import COUNTS, batches, several
from tests.naive.cache import Cache, sectors
from traces.stream import COLUMNS, Intervals
from traces.trace import Header, Kernel, Tensor, Trace

KERNEL = [Kernel(f"k{n % 2}", f"aten.op{n % 3}", f"layer{n // 2}", "forward", 1, 0) for n in range(4)]
TENSOR = [Tensor(f"t{n}", ("parameter", "activation")[n % 2], 0, 1 << 40) for n in range(5)]


def trace_of(*stream: Intervals) -> Trace:
    return Trace(Header("net", "inference", 1, "gtx1080ti"), TENSOR, KERNEL, lambda: iter(stream))


@st.composite
def streams(draw: st.DrawFn) -> list[Intervals]:
    found = draw(st.lists(batches(), min_size=1, max_size=3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return [one._replace(tensor=rng.integers(0, len(TENSOR), len(one.base)).astype(np.uint32)) for one in found]


@settings(max_examples=50, deadline=None)
@given(stream=streams(), configs=several)
def test_kernels_and_tensors_have_what_the_twin_gives_them(stream, configs):
    table = replay_trace(trace_of(*stream), configs, by=("kernel", "tensor"))
    kinds = sorted({pair for one in stream for pair in zip(one.kernel.tolist(), one.tensor.tolist(), strict=True)})
    for number, config in enumerate(configs):
        twin, expected = Cache(config), {pair: Counter() for pair in kinds}
        for whole in stream:
            for place in range(len(whole.base)):
                one = whole.part(place, place + 1)
                twin.counts = expected[int(one.kernel[0]), int(one.tensor[0])]
                for address, write, entire, _ in sectors(one):
                    twin.access(address, write, entire)
        rows = table.iloc[number * len(kinds) : (number + 1) * len(kinds)].to_dict("records")
        assert [(row["kernel"], row["tensor"]) for row in rows] == kinds
        for row, pair in zip(rows, kinds, strict=True):
            assert {name: row[name] for name in COUNTS} == {name: expected[pair][name] for name in COUNTS}
            assert row["layer"] == KERNEL[pair[0]].layer
            assert (row["tensor_name"], row["tensor_kind"]) == (TENSOR[pair[1]].name, TENSOR[pair[1]].kind)


@settings(max_examples=30, deadline=None)
@given(stream=streams(), configs=several)
def test_every_way_to_tell_apart_adds_up(stream, configs):
    total = replay_trace(trace_of(*stream), configs)
    for by in [*combinations([*KERNELS, *TENSORS], 1), *combinations([*KERNELS, *TENSORS], 2)]:
        table = replay_trace(trace_of(*stream), configs, by=by)
        shares = len(table) // len(configs)
        for name in COUNTS:
            assert table[name].to_numpy().reshape(len(configs), shares).sum(1).tolist() == total[name].tolist()


def test_more_parts_than_the_table_begins_with():
    count = 5000
    tensors = [Tensor(f"t{n}", "activation", 0, 1 << 40) for n in range(count)]
    number = np.random.default_rng(5).permutation(count)
    columns = (number * 128, np.zeros(count), np.ones(count), np.full(count, 32), np.zeros(count), number, number % 4)
    batch = Intervals(*(np.asarray(c).astype(kind) for c, kind in zip(columns, COLUMNS.values(), strict=True)))
    trace = Trace(Header("net", "inference", 1, "gtx1080ti"), tensors, KERNEL, lambda: iter([batch, batch]))
    table = replay_trace(trace, CacheConfig("1MiB", sector=32), by="tensor")
    assert table["tensor"].tolist() == list(range(count))
    assert table["read_misses"].tolist() == table["read_hits"].tolist() == [1] * count


@pytest.mark.parametrize("by", ["kernel", "layer", "phase"])
def test_kernels_without_an_access_have_their_row(by):
    table = replay_trace(trace_of(), CacheConfig("1MiB"), by=by)
    assert len(table) == len({getattr(kernel, by, number) for number, kernel in enumerate(KERNEL)})
    assert not table["accesses"].any()
