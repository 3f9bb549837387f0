"""Fused kernels against the twin, and what fusion may never change."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.naive import lowering as naive
from tests.naive import passes
from tests.naive.lowering import expand
from tests.traces.lowering_samples import Memory, call, convolution, of, small_gpu
from traces import capture
from traces.lowering import Options, plan
from traces.lowering.fusion import MOST, Fusion
from traces.operation import View

# Waves of 4 blocks of 16 elements.
GPU = replace(small_gpu(), pass_threads_per_block=16, pass_elements_per_thread=1, threads_per_sm=32, blocks_per_sm=2)


def fused(operations, kept=(), gpu=GPU, epilogues=False):
    """The launches of a run and, of each, (sector, write, tensor)."""
    launches = Fusion(epilogues).of([(one, plan(one, gpu)) for one in operations], kept)
    return launches, [[a[:3] for a in expand(launch.emit(0))] for launch in launches]


def step(view, written=False):
    return *of(view), view.itemsize, view.numel, written, "step"


def again(view):
    return *of(view), view.itemsize, view.numel, False, "again"


@st.composite
def chains(draw):
    """Operators over the same elements, each using what came before, and the operands of each as the twin takes them.

    Last an operator that is not pointwise uses some of the results.
    """
    memory = Memory(draw(st.sampled_from([0, 4, 20])))
    rows, columns = draw(st.integers(2, 20)), draw(st.integers(2, 20))
    known = [memory.tensor(rows, columns) for _ in range(2)]
    vector = memory.tensor(columns)
    operations, launches = [], []
    for _ in range(draw(st.integers(2, 6))):
        x, y = draw(st.sampled_from(known)), draw(st.sampled_from([*known, vector]))
        kind = draw(st.sampled_from(["relu", "relu_", "add", "add_", "native_dropout"]))
        if kind.startswith("add"):
            out = x if kind == "add_" else memory.tensor(rows, columns)
            reads = [step(x)] if x is y else [step(x), again(y) if y is vector else step(y)]
            operations.append(call(f"{kind}.Tensor", x, y, outputs=(out,)))
            launches.append([*reads, step(out, True)])
        elif kind == "native_dropout":
            out, mask = memory.tensor(rows, columns, dtype="float16"), memory.tensor(rows, columns, dtype="bool")
            operations.append(call("native_dropout.default", x, 0.5, True, outputs=(out, mask)))
            launches.append([step(x), step(out, True), step(mask, True)])
            known.append(mask)
        else:
            out = x if kind == "relu_" else memory.tensor(rows, columns)
            operations.append(call(f"{kind}.default", x, outputs=(out,)))
            launches.append([step(x), step(out, True)])
        known.append(out)
    later = draw(st.sets(st.sampled_from([view.tensor for view in known]), max_size=2))
    users = [call("cumsum.default", v, 0, outputs=(memory.tensor(rows, columns),)) for v in
             {v.tensor: v for v in known if v.tensor in later}.values()]  # fmt: skip
    return rows * columns, operations, launches, later, users


@settings(max_examples=200, deadline=None)
@given(chains(), st.booleans())
def test_a_chain_is_the_twin(problem, outlives):
    elements, operations, launches, later, users = problem
    made, seen = fused(operations, later) if outlives else fused([*operations, *users])
    assert made[0].kernel.name == "fused"
    assert len(made) == 1 + (0 if outlives else len(users))
    assert seen[0] == list(passes.chain(elements, 16, 4, launches, later))


@settings(max_examples=100, deadline=None)
@given(chains())
def test_a_chain_asks_for_nothing_that_its_kernels_did_not(problem):
    _, operations, _, later, _ = problem
    _, (seen,) = fused(operations, later)
    apart = Counter(a[:3] for one in operations for launch in plan(one, GPU) for a in expand(launch.emit(0)))
    assert not Counter(seen) - apart
    writes = Counter(sector for sector, write, _ in seen if write)
    assert all(count <= 2 for count in writes.values())  # waves meet within a sector at most
    stored = {tensor for _, write, tensor in seen if write}
    computed = {view.tensor for one in operations for view in one.outputs}
    assert later & computed <= stored <= computed


def test_what_breaks_a_chain():
    memory = Memory()
    x, y, z = (memory.tensor(8, 8) for _ in range(3))
    relu = call("relu.default", x, outputs=(y,))
    turned = replace(y, stride=y.stride[::-1])
    half, across = replace(y, shape=(4, 8)), replace(x, stride=x.stride[::-1])
    for after in (
        call("add.Tensor", x, turned, outputs=(z,)),  # of another element
        call("relu.default", half, outputs=(memory.tensor(4, 8),)),  # of fewer elements
        call("relu_.default", across, outputs=(across,)),  # written where another thread reads
        replace(call("relu.default", y, outputs=(z,)), phase="backward"),
        call("cumsum.default", y, 0, outputs=(z,)),
    ):
        made, seen = fused([relu, after])
        assert [one.kernel.name for one in made] == [one.kernel.name for o in (relu, after) for one in plan(o, GPU)]
        assert seen[0] == [a[:3] for a in expand(plan(relu, GPU)[0].emit(0))]
    viewed = replace(y, shape=(64,), stride=(1,))
    made, _ = fused([relu, call("relu.default", viewed, outputs=(replace(z, shape=(64,), stride=(1,)),))])
    assert [one.kernel.operator for one in made] == ["aten.relu.default"]
    many = [call("relu_.default", x, outputs=(x,))] * (MOST + 2)
    assert len(fused(many)[0]) == 2


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 20), st.integers(2, 20), st.integers(1, 20), st.booleans(), st.sampled_from([0, 4, 20]))
def test_an_epilogue_is_the_twin(m, n, depth, kept, offset):
    """relu(a @ b) + vector + other: blocks read the vector and the other tensor as they end, and store the sum."""
    memory = Memory(offset)
    a, b, y, z, last = (memory.tensor(*s) for s in ((m, depth), (depth, n), (m, n), (m, n), (m, n)))
    vector, other = memory.tensor(n), memory.tensor(m, n, dtype="float16")
    operations = [
        call("mm.default", a, b, outputs=(y,)),
        call("relu_.default", y, outputs=(y,)),
        call("add.Tensor", y, vector, outputs=(z,)),
        call("add.Tensor", z, other, outputs=(last,)),
    ]

    def at(view, i, j):
        row = view.stride[0] if len(view.shape) == 2 else 0
        return [[view.address + (e * row + f) * view.itemsize for f in j] for e in i]

    def reading(view):
        return lambda _, i, j, __: naive.load([(0, x) for row in at(view, i, j) for x in row], view.itemsize,
                                              view.tensor)  # fmt: skip

    def writing(view):
        return lambda _, i, j, __: naive.store(at(view, i, j), view.itemsize, view.tensor)

    left = lambda _, i, __, k: reading(a)(_, i, k, __)  # noqa: E731
    right = lambda _, __, j, k: naive.load([(0, b.address + (t * n + f) * 4) for t in k for f in j], 4, b.tensor)  # noqa: E731
    ends = [reading(vector), reading(other), *([writing(y)] if kept else []), writing(last)]
    slabs = naive.chunks(list(range(depth)), 8)
    expected = naive.grid(m, n, slabs, (8, 8), 4, 1, 1, [left, right], ends)
    made, (seen,) = fused(operations, {y.tensor} if kept else (), small_gpu(), epilogues=True)
    assert seen == list(expected)
    assert made[0].kernel.name == "gemm"
    assert made[0].kernel.macs == m * n * depth
    assert len(fused(operations)[0]) == 2


@pytest.mark.parametrize("groups", [1, 2])
def test_a_convolution_stores_what_comes_of_its_epilogue(groups):
    """Its bias, a residual and an activation: as much is read as those hold, and the result is written once."""
    memory = Memory()
    forward = convolution(memory, 2, 8, 6, 6, 16, (3, 3), padding=(1, 1), groups=groups, bias=True)
    (y,), bias = forward.outputs, forward.arguments[2]
    assert isinstance(y, View)
    residual, out = memory.tensor(*y.shape), memory.tensor(*y.shape)
    after = [
        call("add_.Tensor", y, residual, outputs=(y,)),
        call("relu.default", y, outputs=(out,)),
    ]
    made, (seen,) = fused([forward, *after], gpu=small_gpu(8, 8), epilogues=True)
    assert [one.kernel.name for one in made] == ["implicit_gemm_forward"]
    counts = Counter((tensor, write) for _, write, tensor in seen)
    assert counts[residual.tensor, False] == counts[out.tensor, True] == y.numel // 8
    assert counts[bias.tensor, False] == made[0].kernel.blocks
    assert {sector for sector, _, tensor in seen if tensor == bias.tensor} == set(
        naive.sectors(bias.address, bias.address + 4 * 16 - 1)
    )
    assert (y.tensor, True) not in counts
    assert (y.tensor, False) not in counts


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x):
        y = self.two(self.one(x).relu())
        kept = y + x
        return kept, kept.relu() * 2


def test_results_are_stored_and_what_passes_between_kernels_is_not():
    """relu's and the sum's results: the first is only multiplied, the second is returned."""
    apart, joined = (
        capture(Residual(), torch.zeros(2, 8, 8, 8), "inference", options=Options(fusion=kind))
        for kind in ("none", "epilogue")
    )
    assert [one.name for one in joined.kernels] == ["implicit_gemm_forward"] * 2
    written = {joined.tensors[t].name for batch in joined.batches() for t in batch.tensor[batch.write].tolist()}
    assert written == {"relu", "add", "mul"}
    assert [one.address for one in joined.tensors] == [one.address for one in apart.tensors]
    assert any("8 kernels are fused to 2" in note for note in joined.header.notes)
    assert not any("fused to" in note for note in apart.header.notes)
