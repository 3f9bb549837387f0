"""Gathers, scatters, embeddings and bags against their twin; torch itself says which element an index names."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.naive import gather as naive
from tests.naive.lowering import L1, sectors
from tests.traces.lowering_samples import Memory, accesses, call, of, small_gpu, transposed
from traces.gpus import load_gpu
from traces.lowering import Options, UnknownOperator, plan
from traces.lowering.indices import draw
from traces.lowering.launch import Call

# Waves of 128 elements: 2 SMs, 2 blocks of 32 threads with an element each.
GPU = replace(small_gpu(), pass_threads_per_block=32, pass_elements_per_thread=1, threads_per_sm=64)
LENGTHS = st.integers(1, 7)


def drawn(index, size, options=None):
    return draw(Call(call("x", index), GPU, None, options or Options()), index, size)


def numbers(view):
    """A tensor of the numbers of its own elements in memory, strided as the view is."""
    reach = 1 + sum((n - 1) * s for n, s in zip(view.shape, view.stride, strict=True))
    return torch.arange(reach).as_strided(view.shape, view.stride)


def dense(view, written=False):
    addresses = [view.address + view.itemsize * e for e in range(view.numel)]
    return view.tensor, addresses, view.itemsize, view.numel, written


def named(view, found, row, written=False):
    """The operand that indices name: `found` are numbers of elements, in the order of the walk."""
    addresses = [view.address + view.itemsize * e for e in found.flatten().tolist()]
    return view.tensor, addresses, view.itemsize, row, written


def run(operation, kernel=0, memory=None, options=None):
    return [a[:3] for a in accesses(operation, GPU, memory.allocate if memory else None, options) if a[3] == kernel]


def check_l1(operation, elements, itemsize, operands, lines, around=()):
    """What of an operation passes an L1 of so many lines is what passes the twin's."""
    gpu, l1 = replace(GPU, l1_bytes=lines * GPU.line_bytes), L1(GPU.sms, lines, set(around))
    seen = [a[:3] for a in accesses(operation, gpu, None, Options(l1="lru"))]
    assert seen == list(naive.walk(elements, itemsize, 128, operands, 32, l1))


@given(st.integers(1, 30), st.integers(1, 70), st.integers(1, 40), st.sampled_from([0, 4, 20]), st.booleans(),
       st.integers(1, 12))  # fmt: skip
def test_an_embedding_is_the_twin(size, features, count, offset, half, lines):
    memory = Memory(offset)
    weight = memory.tensor(size, features, dtype="float16" if half else "float32")
    index, out = memory.tensor(count, dtype="int64"), memory.tensor(count, features, dtype=weight.dtype)
    found = numbers(weight)[torch.from_numpy(drawn(index, size))]
    operands = [dense(index), named(weight, found, features), dense(out, True)]
    operation = call("embedding.default", weight, index, outputs=(out,))
    check_l1(operation, out.numel, out.itemsize, operands, lines)
    seen = run(operation)
    assert seen == list(naive.walk(out.numel, out.itemsize, 128, operands))


@given(st.integers(1, 3), st.integers(20, 70), st.integers(1, 40), st.integers(1, 3), st.sampled_from([0, 4, 20]))
def test_a_row_that_is_named_often_is_loaded_once_an_l1_and_together(size, features, count, merged, offset):
    memory, gpu = Memory(offset), replace(GPU, l1_holds_global_loads=True, merged_requests=merged)
    weight, index, out = (
        memory.tensor(size, features),
        memory.tensor(count, dtype="int64"),
        memory.tensor(count, features),
    )
    found = numbers(weight)[torch.from_numpy(drawn(index, size))]
    operands = [dense(index), named(weight, found, features), dense(out, True)]
    seen = [a[:3] for a in accesses(call("embedding.default", weight, index, outputs=(out,)), gpu)]
    assert seen == list(naive.walk(out.numel, 4, 128, operands, sms=GPU.sms, merged=merged))


@st.composite
def tensors(draw_, least=1):
    shape = draw_(st.lists(LENGTHS, min_size=least, max_size=3))
    memory = Memory(draw_(st.sampled_from([0, 4, 20])))
    x = memory.tensor(*shape)
    return memory, transposed(x) if len(shape) > 1 and draw_(st.booleans()) else x


def inner(view, dims):
    """Contiguous elements that the last `dims` dimensions of a view end in."""
    run_ = 1
    for length, stride in list(zip(view.shape, view.stride, strict=True))[len(view.shape) - dims :][::-1]:
        if length != 1 and stride != run_:
            break
        run_ *= length
    return run_


@given(tensors(), st.integers(-3, 2), st.integers(1, 9))
def test_index_select_is_the_twin(given_, dim, count):
    memory, x = given_
    dim = max(-len(x.shape), min(dim, len(x.shape) - 1))
    index = memory.tensor(count, dtype="int64")
    found = numbers(x).index_select(dim, torch.from_numpy(drawn(index, x.shape[dim])))
    out = memory.tensor(*found.shape)
    operands = [dense(index), named(x, found, inner(x, len(x.shape) - dim % len(x.shape) - 1)), dense(out, True)]
    seen = run(call("index_select.default", x, dim, index, outputs=(out,)))
    assert seen == list(naive.walk(out.numel, 4, 128, operands))


@given(tensors(), st.integers(0, 2), st.integers(1, 9))
def test_gather_and_scatter_are_the_twin(given_, dim, count):
    memory, x = given_
    dim = min(dim, len(x.shape) - 1)
    index = memory.tensor(*(count if d == dim else n for d, n in enumerate(x.shape)), dtype="int64")
    values = torch.from_numpy(drawn(index, x.shape[dim])).reshape(index.shape)
    found, out = numbers(x).gather(dim, values), memory.tensor(*index.shape)
    operands = [dense(index), named(x, found, 1), dense(out, True)]
    seen = run(call("gather.default", x, dim, index, outputs=(out,)))
    assert seen == list(naive.walk(out.numel, 4, 128, operands))
    operands = [dense(index), dense(out), named(x, found, 1), named(x, found, 1, True)]
    seen = run(call("scatter_add_.default", x, dim, index, out, outputs=(x,)))
    assert seen == list(naive.walk(out.numel, 4, 128, operands))
    operands = [dense(index), named(x, found, 1, True)]
    seen = run(call("scatter_.value", x, dim, index, 1.0, outputs=(x,)))
    assert seen == list(naive.walk(out.numel, 4, 128, operands))


@given(st.lists(LENGTHS, min_size=3, max_size=3), st.sampled_from(["i..", ".i.", "..i", "ii.", ".ii", "i.i"]), LENGTHS)
def test_indexing_is_the_twin(shape, where, count):
    memory = Memory()
    x, views = memory.tensor(*shape), [memory.tensor(count, dtype="int64") for _ in range(where.count("i"))]
    rest = iter(views)
    indices = [next(rest) if mark == "i" else None for mark in where]
    chosen = tuple(
        slice(None) if v is None else torch.from_numpy(drawn(v, n)) for v, n in zip(indices, shape, strict=True)
    )
    found = numbers(x)[chosen]
    out = memory.tensor(*found.shape)
    row = shape[2] * (shape[1] if where == "i.." else 1) if where[2] == "." else 1
    row = 1 if where == "..i" else row
    operands = [*map(dense, views), named(x, found, row), dense(out, True)]
    seen = run(call("index.Tensor", x, indices, outputs=(out,)))
    assert seen == list(naive.walk(out.numel, 4, 128, operands))
    operands = [*map(dense, views), dense(out), named(x, found, row), named(x, found, row, True)]
    operation = call("index_put_.default", x, indices, out, True, outputs=(x,))
    check_l1(operation, out.numel, 4, operands, 3, [x.tensor])  # additions are L2's
    seen = run(operation)
    assert seen == list(naive.walk(out.numel, 4, 128, operands))


def test_out_of_place_scatters_copy_first_and_masks_want_a_workspace():
    memory = Memory()
    x, out, source = memory.tensor(5, 8), memory.tensor(5, 8), memory.tensor(3, 8)
    index, mask = memory.tensor(3, dtype="int64"), memory.tensor(5, 8, dtype="bool")
    operation = call("index_add.default", x, 0, index, source, outputs=(out,))
    assert [one.kernel.name for one in plan(operation, GPU)] == ["copy", "index_add"]
    with pytest.raises(UnknownOperator, match="workspace"):
        plan(call("index.Tensor", x, [mask], outputs=(out,)), GPU)


@given(st.integers(1, 300), st.integers(1, 40), st.integers(1, 60))
def test_an_embeddings_gradient_is_the_twin(size, features, count):
    memory = Memory()
    gradient, out = memory.tensor(count, features), memory.tensor(size, features)
    index = memory.tensor(count, dtype="int64")
    operation, before = call("embedding_dense_backward.default", gradient, index, size, -1, False, outputs=(out,)), 3
    kernels = [one.kernel.name for one in plan(operation, GPU, Memory().allocate)]
    passes = max(1, -(-(size - 1).bit_length() // 8))
    assert kernels == ["fill", *["radix_sort"] * passes, "embedding_backward"]
    seen = run(operation, passes + 1, memory)
    values = torch.from_numpy(drawn(index, size))
    order, rows = torch.argsort(values, stable=True), torch.unique(values)
    lent = [before + i + 2 * (passes % 2 == 0) for i in range(2)]
    sources = [dense(replace(index, tensor=i, address=memory.bytes[i][0])) for i in lent]
    operands = [
        *sources,
        named(gradient, numbers(gradient)[order], features),
        named(out, numbers(out)[rows], features, True),
    ]
    assert seen == list(naive.walk(gradient.numel, 4, 128, operands))


@given(st.integers(1, 20), st.integers(1, 40), st.integers(0, 60), st.sampled_from([4, 20, 40]))
def test_bags_are_the_twin(bags, size, count, features):
    memory = Memory(4)
    weight, out = memory.tensor(size, features), memory.tensor(bags, features)
    index, notes, offsets, sizes = (memory.tensor(n, dtype="int64") for n in (count, count, bags, bags))
    operation = call("_embedding_bag.default", weight, index, offsets, outputs=(out, notes, sizes, None))
    gpu = replace(GPU, threads_per_sm=256)  # one block an SM
    lengths = np.diff([bag * count // bags for bag in range(bags + 1)]).tolist()
    addresses = [*map(of, (offsets, index, weight, out)), of(notes), of(sizes)]
    per_wave = 2 * (8 if features <= 32 else 4)
    values = drawn(index, size).tolist() if count else []
    expected = naive.bags(lengths, values, per_wave, addresses, 4 * features)
    assert [a[:3] for a in accesses(operation, gpu)] == list(expected)


def test_a_bags_gradient_reads_each_bags_row_for_each_of_its_indices():
    memory = Memory()
    gradient, index, out = memory.tensor(4, 64), memory.tensor(12, dtype="int64"), memory.tensor(100, 64)
    of_index = memory.tensor(12, dtype="int64")
    operation = call("_embedding_bag_backward.default", gradient, index, memory.tensor(4, dtype="int64"), of_index,
                     outputs=(out,))  # fmt: skip
    seen = Counter(a[1:3] for a in accesses(operation, load_gpu("gtx1080ti"), memory.allocate))
    rows = len(set(drawn(index, 100).tolist()))
    assert seen[False, gradient.tensor] == 12 * 8
    assert seen[False, of_index.tensor] == 3
    assert seen[True, out.tensor] == (100 + rows) * 8


def test_classes_are_drawn_and_each_sample_reads_and_writes_one():
    memory = Memory()
    scores, target = memory.tensor(64, 1000), memory.tensor(64, dtype="int64")
    loss, weight, gradient = memory.tensor(), memory.tensor(), memory.tensor(64, 1000)
    forward = call("nll_loss_forward.default", scores, target, None, 1, -100, outputs=(loss, weight))
    classes = drawn(replace(target, shape=(64, 1)), 1000)
    at = [scores.address + 4 * (1000 * n + int(c)) for n, c in enumerate(classes)]
    assert {s for s, _, t, _ in accesses(forward, GPU) if t == scores.tensor} == {a // 32 for a in at}
    backward = call("nll_loss_backward.default", loss, scores, target, None, 1, -100, weight, outputs=(gradient,))
    writes = Counter(k for _, write, t, k in accesses(backward, GPU) if write and t == gradient.tensor)
    assert writes == {0: 8000, 1: 64}


def test_draws_are_those_of_their_tensor_and_seed():
    memory = Memory()
    first, second = (memory.tensor(1000, dtype="int64") for _ in range(2))
    values = drawn(first, 50)
    assert np.array_equal(values, drawn(first, 50))
    assert not np.array_equal(values, drawn(second, 50))
    assert not np.array_equal(values, drawn(first, 50, Options(seed=1)))
    assert (values.min(), values.max()) == (0, 49)
    counts = np.bincount(values, minlength=50)
    assert ((counts - 20) ** 2 / 20).sum() < 100  # chi squared of 49 degrees of freedom: 1 in 20,000 is above


@pytest.mark.parametrize("exponent", [0.6, 1.0, 1.05, 1.5])
def test_zipf_draws_have_the_density_they_claim(exponent):
    index, size = Memory().tensor(200_000, dtype="int64"), 1000
    values = drawn(index, size, Options(indices="zipf", zipf_exponent=exponent))
    counts = np.sort(np.bincount(values, minlength=size))[::-1]

    def below(x):
        return np.log(x) if exponent == 1 else (x ** (1 - exponent) - 1) / (1 - exponent)

    expected = np.diff(below(np.arange(1, size + 2))) / below(size + 1) * 200_000
    assert counts[:20] == pytest.approx(expected[:20], rel=0.05)
    assert counts.sum() == 200_000


def test_a_popular_row_is_read_more_often_and_misses_nothing_else():
    memory = Memory()
    weight, index = memory.tensor(10_000, 64), memory.tensor(4096, dtype="int64")
    out = memory.tensor(4096, 64)
    operation = call("embedding.default", weight, index, outputs=(out,))
    spread = {}
    for kind in ("uniform", "zipf"):
        seen = list(accesses(operation, load_gpu("gtx1080ti"), None, Options(indices=kind)))  # no L1 helps
        assert len(seen) == 2 * 4096 * 8 + 4096 * 8 // 32
        spread[kind] = len({s for s, _, t, _ in seen if t == weight.tensor})
        whole = set(sectors(out.address, out.address + out.numel * 4 - 1))
        assert {s for s, _, t, _ in seen if t == out.tensor} == whole
    assert spread["zipf"] < spread["uniform"] / 2
