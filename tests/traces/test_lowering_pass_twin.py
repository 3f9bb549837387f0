"""Passes and multi-tensor steps against their twins: the same accesses in the same order."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.naive import passes as naive
from tests.traces.lowering_samples import Memory, accesses, call, of, small_gpu
from traces.gpus import load_gpu
from traces.lowering import plan
from traces.lowering.reductions import shared

# Waves of 4 blocks of 16 elements; lists in chunks of 64, 8 elements a step, 4 blocks a wave.
GPU = replace(small_gpu(), pass_threads_per_block=16, pass_elements_per_thread=1, threads_per_sm=32, blocks_per_sm=2,
              foreach_threads_per_block=8, foreach_elements_per_thread=1, foreach_elements_per_block=64)  # fmt: skip
OFFSETS = st.sampled_from([0, 4, 12, 20])


def step(view, written=False):
    return *of(view), view.itemsize, view.numel, written, "step"


def alone(view):
    return *of(view), view.itemsize, view.numel, True, "alone"


def again(view):
    return *of(view), view.itemsize, view.numel, False, "again"


def seen(operation, kernel=0, memory=None):
    return [a[:3] for a in accesses(operation, GPU, memory.allocate if memory else None) if a[3] == kernel]


def expected(elements, *operands):
    return list(naive.stream(elements, 16, 4, list(operands)))


@pytest.mark.parametrize("name", ["gelu", "silu", "hardswish", "hardsigmoid", "relu", "clone", "tanh"])
@given(st.integers(1, 300), OFFSETS, st.booleans())
def test_one_operand_is_the_twin(name, count, offset, half):
    memory = Memory(offset)
    x, y = (memory.tensor(count, dtype="float16" if half else "float32") for _ in range(2))
    assert seen(call(f"{name}.default", x, outputs=(y,))) == expected(count, step(x), step(y, True))


@given(st.integers(1, 300), OFFSETS)
def test_a_choice_by_mask_is_the_twin(count, offset):
    memory = Memory(offset)
    mask, x, y, z = memory.tensor(count, dtype="bool"), *(memory.tensor(count) for _ in range(3))
    operation = call("where.self", mask, x, y, outputs=(z,))
    assert seen(operation) == expected(count, step(mask), step(x), step(y), step(z, True))
    operation = call("masked_fill_.Scalar", x, mask, 0.0, outputs=(x,))
    assert seen(operation) == expected(count, step(x), step(mask), step(x, True))


@given(st.integers(2, 40), st.integers(2, 40), OFFSETS)
def test_a_vector_along_the_rows_is_read_by_every_block(rows, columns, offset):
    memory = Memory(offset)
    x, vector, y = memory.tensor(rows, columns), memory.tensor(columns), memory.tensor(rows, columns)
    operation = call("add.Tensor", x, vector, outputs=(y,))
    assert seen(operation) == expected(x.numel, step(x), again(vector), step(y, True))


@given(st.integers(2, 40), st.integers(2, 40), st.integers(1, 4), OFFSETS)
def test_a_short_vector_is_read_once_an_l1_and_together(rows, columns, merged, offset):
    memory = Memory(offset)
    x, vector, y = memory.tensor(rows, columns), memory.tensor(columns), memory.tensor(rows, columns)
    operation = call("add.Tensor", x, vector, outputs=(y,))
    gpu = replace(GPU, l1_holds_global_loads=True, merged_requests=merged)
    made = [a[:3] for a in accesses(operation, gpu)]
    assert made == list(naive.stream(x.numel, 16, 4, [step(x), again(vector), step(y, True)], gpu.sms, merged))


@given(st.integers(1, 400), st.integers(1, 1 << 20), st.booleans())
def test_blocks_that_share_a_result_have_enough_to_do(outputs, inputs, inner):
    """As Reduce.cuh has it: no thread adds up more than 256 values where blocks share, and none shares for fewer."""
    gpu = load_gpu("v100")
    width, groups, sharing = shared(gpu, outputs, inputs, inner)
    assert (groups - 1) * width < outputs <= groups * width
    assert 1 <= sharing <= -(-inputs // 16)
    if sharing > 1:
        assert inputs >= 256
        assert groups <= gpu.sms * gpu.threads_per_sm // 32


def test_a_sum_over_all_is_shared_by_as_many_blocks_as_the_machine_holds():
    memory, gpu = Memory(), load_gpu("v100")
    x, out = memory.tensor(1 << 24), memory.tensor()
    blocks = gpu.sms * gpu.threads_per_sm // 512
    assert shared(gpu, 1, x.numel, True) == (1, 1, blocks)
    made = list(accesses(call("sum.default", x, outputs=(out,)), gpu, memory.allocate))
    assert sum(write for _, write, *_ in made) == 1 + 2 * blocks  # the result; each block's part, and its count
    assert sum(not write for _, write, *_ in made) == x.numel // 8 + blocks + -(-blocks * 4 // 32)
    assert sum(write for _, write, *_ in accesses(call("sum.default", x, outputs=(out,)), gpu)) == 1  # no workspace


@given(st.integers(2, 40), st.integers(2, 40), OFFSETS)
def test_a_matrix_by_a_vector_is_the_twin(rows, columns, offset):
    memory = Memory(offset)
    a, v, x, y = memory.tensor(rows, columns), memory.tensor(columns), memory.tensor(rows), memory.tensor(rows)
    n = a.numel
    operation = call("mv.default", a, v, outputs=(y,))
    assert seen(operation) == expected(n, step(a), again(v), step(y, True))
    assert [one.kernel.macs for one in plan(operation, GPU)] == [n]
    assert seen(call("addmv.default", x, a, v, outputs=(y,))) == expected(n, step(a), again(v), step(x), step(y, True))


@given(st.integers(2, 40), st.integers(2, 40), OFFSETS)
def test_padding_backward_is_the_twin(rows, columns, offset):
    memory = Memory(offset)
    wide, dx = memory.tensor(rows, columns + 2), memory.tensor(rows, columns)
    operation = call("reflection_pad1d_backward.default", wide, dx, [1, 1], outputs=(dx,))
    assert seen(operation, 0) == expected(dx.numel, step(dx, True))
    assert seen(operation, 1) == expected(wide.numel, step(wide), step(dx), step(dx, True))


@given(st.integers(1, 40), st.integers(1, 40), OFFSETS)
def test_rows_that_are_normalised_or_reduced_are_the_twin(rows, columns, offset):
    memory = Memory(offset)
    x, y = memory.tensor(rows, columns), memory.tensor(rows, columns)
    total, weight = memory.tensor(rows), memory.tensor(columns)
    n = x.numel
    assert seen(call("_softmax.default", x, 1, False, outputs=(y,))) == expected(n, step(x), step(y, True))
    operation = call("_log_softmax_backward_data.default", x, y, 1, "float32", outputs=(x,))
    assert seen(operation) == expected(n, step(x), step(y), step(x, True))
    assert seen(call("sum.dim_IntList", x, [1], outputs=(total,))) == expected(n, step(x), step(total, True))
    if rows > 1 and columns > 1:
        mean, scale = memory.tensor(rows, 1), memory.tensor(rows, 1)
        operation = call("native_layer_norm.default", x, [columns], weight, weight, 1e-5, outputs=(y, mean, scale))
        writes = [step(y, True), alone(mean), alone(scale)]
        assert seen(operation) == expected(n, step(x), again(weight), *writes)


@given(st.integers(1, 3), st.integers(2, 12), st.integers(2, 20), OFFSETS)
def test_group_norm_is_the_twin(n, c, pixels, offset):
    memory = Memory(offset)
    x, y = memory.tensor(n, c, pixels, 1), memory.tensor(n, c, pixels, 1)
    mean, scale, weight, bias = memory.tensor(n, 1), memory.tensor(n, 1), memory.tensor(c), memory.tensor(c)
    operation = call("native_group_norm.default", x, weight, bias, n, c, pixels, 1, 1e-5, outputs=(y, mean, scale))
    names = [one.kernel.name for one in plan(operation, GPU, Memory().allocate)]
    assert names == ["group_norm_statistics", "group_norm_parameters", "group_norm"]
    statistics = expected(x.numel, step(x), step(mean, True), step(scale, True))
    assert seen(operation, 0, memory) == statistics
    last = [a for a in accesses(operation, GPU, memory.allocate) if a[3] == 2]
    assert [a[:3] for a in last if a[2] == x.tensor] == expected(x.numel, step(x))


@given(st.lists(st.sampled_from([1, 7, 64, 65, 150, 300]), min_size=1, max_size=4), OFFSETS)
def test_steps_over_lists_are_the_twin(lengths, offset):
    memory = Memory(offset)
    kinds = [[memory.tensor(n) for n in lengths] for _ in range(4)]
    steps = [memory.tensor() for _ in lengths]
    orders = {
        "_foreach_add_.List": (kinds[:2], kinds[:2], kinds[:1]),
        "_foreach_lerp_.List": (kinds[:3], kinds[:3], kinds[:1]),
        "_fused_sgd_.default": (kinds[:3], kinds[:3], [kinds[0], kinds[2]]),
        "_fused_adamw_.default": ([*kinds, [], steps], [*kinds, steps], [kinds[0], kinds[2], kinds[3]]),
    }
    for name, (arguments, reads, writes) in orders.items():
        sets = [
            [(*of(views[i]), 4, views[i].numel, written) for side, written in ((reads, False), (writes, True))
             for views in side] for i in range(len(lengths))
        ]  # fmt: skip
        assert seen(call(name, *arguments)) == list(naive.lists(sets, 64, 8, 4)), name


@given(st.integers(1, 3), st.lists(st.sampled_from([8, 16, 24]), min_size=1, max_size=3), st.integers(1, 30))
def test_joining_and_appending_to_a_cache_copy_rows_into_a_slice(n, lengths, pixels):
    """Joined images and keys appended to a cache are read once, and each row written at its place in the whole."""
    memory = Memory()
    parts, out = [memory.tensor(n, c, pixels, 1) for c in lengths], memory.tensor(n, sum(lengths), pixels, 1)
    made = list(accesses(call("cat.default", parts, 1, outputs=(out,)), GPU))
    at = 0
    for part, length in zip(parts, lengths, strict=True):
        assert [s for s, _, t, _ in made if t == part.tensor] == [s for s, *_ in expected(part.numel, step(part))]
        rows = [out.address + 4 * (pixel * sum(lengths) + at) for pixel in range(n * pixels)]
        mine = {s for row in rows for s in range(row // 32, (row + 4 * length) // 32)}
        assert mine <= {s for s, write, _, _ in made if write}
        at += length
    assert sum(write for _, write, _, _ in made) == out.numel // 8
    cache, keys = memory.tensor(n, 2, pixels + 3, 8), memory.tensor(n, 2, 1, 8)
    slot = replace(cache, address=cache.address + 4 * 8 * pixels, shape=keys.shape)
    written = [s for s, write, _, _ in accesses(call("copy_.default", slot, keys, outputs=(slot,)), GPU) if write]
    assert written == [(cache.address // 32 + head * (pixels + 3) + pixels) for head in range(2 * n)]
