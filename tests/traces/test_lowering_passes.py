"""Passes over whole tensors: what they touch, in which order, and grids that are filled a little at a time."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise, product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive.lowering import SECTOR, expand, load, sectors
from tests.traces.lowering_samples import Memory, accesses, call, convolution, convolution_backward, small_gpu
from traces.gpus import load_gpu
from traces.lowering import UnknownOperator, grid, known_operators, plan
from traces.lowering.cover import cover
from traces.lowering.passes import batches, operand
from traces.operation import View

GPU = load_gpu("gtx1080ti")


def compulsory(views):
    return {(v.tensor, s) for v in views for s in sectors(v.address, v.address + v.numel * v.itemsize - 1)}


def samples():
    """(operator, arguments, outputs, what it reads, what it writes), tensors by shape."""
    memory = Memory()
    x, y, z, dy = (memory.tensor(4, 24, 6, 6) for _ in range(4))
    vectors = [memory.tensor(24) for _ in range(6)]
    rows, out = memory.tensor(50, 40), memory.tensor(50, 40)
    weights = [memory.tensor(40) for _ in range(4)]
    saved = [memory.tensor(50, 1) for _ in range(2)]
    small, mask = memory.tensor(4, 24, 3, 3), memory.tensor(4, 24, 6, 6, dtype="bool")
    scalar = memory.tensor()
    big, halves = memory.tensor(4, 24, 12, 12), memory.tensor(4, 12, 6, 6)
    many, integers = memory.tensor(4, 96, 3, 3), memory.tensor(4, 24, 3, 3, dtype="int64")
    groups = [memory.tensor(4, 3) for _ in range(2)]
    lists = [[memory.tensor(9), memory.tensor(70_000)] for _ in range(4)]
    flat, steps = [v for views in lists for v in views], [memory.tensor(), memory.tensor()]
    padded, deep, window = memory.tensor(4, 24, 8, 8), memory.tensor(4, 24, 6, 6, 6), memory.tensor(50, 40, 3)
    places, at = memory.tensor(4, 5, 5, 2), [memory.tensor(4, 24, 5, 5), memory.tensor(4, 5, 5, 2)]
    slopes, picked = memory.tensor(4, 24, 6, 6), memory.tensor(50, dtype="int64")
    line = [memory.tensor(50) for _ in range(2)]
    return [
        ("hypot.default", (x, y), (z,), [x, y], [z]),
        ("mul.out", (x, y), (z,), [x, y], [z], {"out": z}),
        ("softshrink_backward.default", (dy, x, 0.5), (y,), [dy, x], [y]),
        ("rrelu_with_noise.default", (x, slopes, 0.1, 0.3, True), (y,), [x], [y, slopes]),
        ("rrelu_with_noise.default", (x, slopes, 0.1, 0.3, False), (y,), [x], [y]),
        ("reflection_pad2d.default", (x, [1, 1, 1, 1]), (padded,), [x], [padded]),
        ("replication_pad2d_backward.default", (padded, x, [1, 1, 1, 1]), (y,), [padded, y], [y]),
        ("unfold_backward.default", (window, [50, 40], 1, 3, 1), (out,), [window], [out]),
        ("diag_embed.default", (x,), (deep,), [x], [deep]),
        ("grid_sampler_2d.default", (x, places, 0, 0, False), (at[0],), [x, places], [at[0]]),
        ("grid_sampler_2d_backward.default", (at[0], x, places, 0, 0, False, [True, True]), (y, at[1]),
         [at[0], x, places, y], [y, at[1]]),
        ("mv.default", (rows, weights[0]), (line[0],), [rows, weights[0]], [line[0]]),
        ("addmv.default", (line[1], rows, weights[0]), (line[0],), [line[1], rows, weights[0]], [line[0]]),
        ("dot.default", (weights[0], weights[1]), (scalar,), weights[:2], [scalar]),
        ("cummax.default", (rows, 1), (out, picked), [rows], [out, picked]),
        ("_weight_norm_interface.default", (rows, line[0], 0), (out, line[1]), [rows, line[0]], [out, line[1]]),
        ("_upsample_nearest_exact2d.default", (small, [6, 6]), (y,), [small], [y]),
        ("multi_margin_loss.default", (rows, picked), (scalar,), [rows, picked], [scalar]),
        ("relu_.default", (x,), (x,), [x], [x]),
        ("threshold_backward.default", (dy, x, 0), (y,), [dy, x], [y]),
        ("add.Tensor", (x, y), (z,), [x, y], [z]),
        ("mul.Tensor", (x, x), (z,), [x], [z]),
        ("mul.Tensor", (x, scalar), (z,), [x, scalar], [z]),
        ("zero_.default", (x,), (x,), [], [x]),
        ("bernoulli_.float", (x, 0.5), (x,), [], [x]),
        ("zeros_like.default", (x,), (y,), [], [y]),
        ("copy_.default", (x, y), (x,), [y], [x]),
        ("native_dropout.default", (x, 0.5, True), (y, mask), [x], [y, mask]),
        ("native_dropout_backward.default", (dy, mask, 2.0), (y,), [dy, mask], [y]),
        ("sum.dim_IntList", (rows, [0], True), (weights[0],), [rows], [weights[0]]),
        ("mean.default", (rows,), (scalar,), [rows], [scalar]),
        ("_softmax.default", (rows, 1, False), (out,), [rows], [out]),
        ("_log_softmax_backward_data.default", (rows, out, 1, "float32"), (rows,), [rows, out], [rows]),
        ("avg_pool2d.default", (x, [2, 2], [2, 2]), (small,), [x], [small]),
        ("avg_pool2d_backward.default", (small, x, [2, 2], [2, 2], [0, 0], False, True, None), (y,), [small], [y]),
        ("_adaptive_avg_pool2d.default", (x, [3, 3]), (small,), [x], [small]),
        (
            "native_layer_norm.default",
            (rows, [40], *weights[:2], 1e-5), (out, *saved), [rows, *weights[:2]], [out, *saved],
        ),
        (
            "native_layer_norm_backward.default",
            (rows, out, [40], *saved, *weights[:2], [True] * 3),
            (out, *weights[2:]), [rows, out, *saved, *weights[:2]], [out, *weights[2:]],
        ),
        (
            "native_batch_norm_backward.default",
            (dy, x, vectors[0], None, None, *vectors[1:3], True, 1e-5, [True] * 3),
            (y, *vectors[3:5]), [dy, x, *vectors[:3]], [y, *vectors[3:5]],
        ),
        ("_safe_softmax.default", (rows, 1), (out,), [rows], [out]),
        ("_softmax_backward_data.default", (rows, out, 1, "float32"), (rows,), [rows, out], [rows]),
        ("gelu.default", (x,), (y,), [x], [y]),
        ("silu_backward.default", (dy, x), (y,), [dy, x], [y]),
        ("hardswish_backward.default", (dy, x), (y,), [dy, x], [y]),
        ("hardsigmoid.default", (x,), (y,), [x], [y]),
        ("glu.default", (x, 1), (halves,), [x], [halves]),
        ("_prelu_kernel.default", (x, vectors[0]), (y,), [x, vectors[0]], [y]),
        ("where.self", (mask, x, y), (z,), [mask, x, y], [z]),
        ("masked_fill.Scalar", (x, mask, 0.0), (y,), [x, mask], [y]),
        ("mean.dim", (x, [2, 3]), (rows,), [x], [rows]),
        ("upsample_bilinear2d.default", (x, None, False, [2.0, 2.0]), (big,), [x], [big]),
        ("upsample_nearest2d_backward.default", (big, [12, 12], [4, 24, 6, 6]), (x,), [big], [x]),
        ("adaptive_max_pool2d.default", (x, [3, 3]), (small, integers), [x], [small, integers]),
        ("adaptive_max_pool2d_backward.default", (small, x, integers), (y,), [small, integers], [y]),
        ("_adaptive_avg_pool2d_backward.default", (small, x), (y,), [small], [y]),
        ("pixel_unshuffle.default", (x, 2), (many,), [x], [many]),
        ("split_with_sizes.default", (x, [12, 12], 1), (halves,), [], []),
        (
            "native_group_norm.default",
            (x, *vectors[:2], 4, 24, 36, 3, 1e-5), (y, *groups), [x, *vectors[:2]], [y, *groups],
        ),
        (
            "native_group_norm_backward.default",
            (dy, x, *groups, vectors[0], 4, 24, 36, 3, [True] * 3),
            (y, *vectors[1:3]), [dy, x, *groups], [y, *vectors[1:3]],
        ),
        (
            "_fused_rms_norm_backward.default",
            (rows, out, [40], saved[0], weights[0], [True] * 2),
            (out, weights[2]), [rows, out, saved[0], weights[0]], [out, weights[2]],
        ),
        ("_fused_adagrad_.default", (*lists[:3], steps), (), flat[:6] + steps, lists[0] + lists[2]),
        ("_amp_foreach_non_finite_check_and_unscale_.default", (lists[0], scalar, scalar), (), lists[0], lists[0]),
        ("_foreach_mul_.Scalar", (lists[0], 0.9), (), lists[0], lists[0]),
        ("_foreach_addcmul_.Scalar", (*lists[:3], 0.1), (), [v for one in lists[:3] for v in one], lists[0]),
        ("_foreach_sqrt.default", (lists[0],), tuple(lists[1]), lists[0], lists[1]),
        ("_fused_adam_.default", (*lists, [], steps), (), flat + steps, lists[0] + lists[2] + lists[3]),
        ("_fused_sgd_.default", tuple(lists[:3]), (), flat[:6], lists[0] + lists[2]),
    ]  # fmt: skip


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample[0])
def test_operators_touch_their_tensors_whole_and_nothing_else(sample):
    name, arguments, outputs, reads, writes, *options = sample
    seen = list(accesses(call(name, *arguments, outputs=outputs, **dict(*options)), GPU))
    assert {(t, s) for s, write, t, _ in seen if not write} == compulsory(reads)
    assert {(t, s) for s, write, t, _ in seen if write} == compulsory(writes)


@pytest.mark.parametrize("offset", [-2, 0, 3])
def test_a_diagonal_is_walked_alone(offset):
    memory = Memory()
    x = memory.tensor(3, 40, 50)
    named = torch.arange(x.numel).view(x.shape).diagonal(offset, 1, 2)
    expected = {(x.address + 4 * e) // SECTOR for e in named.flatten().tolist()}
    line = memory.tensor(*named.shape)
    copied = accesses(call("diagonal_copy.default", x, offset, 1, 2, outputs=(line,)), GPU)
    assert {s for s, write, _, _ in copied if not write} == expected
    operation = call("diagonal_backward.default", line, [3, 40, 50], offset, 1, 2, outputs=(x,))
    assert [one.kernel.name for one in plan(operation, GPU)] == ["fill", "copy"]
    assert {s for s, write, _, kernel in accesses(operation, GPU) if kernel == 1 and write} == expected


@st.composite
def views(draw):
    """A view of up to four dimensions of a larger tensor: permuted, cut, some dimensions broadcast."""
    shape = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    kept = [draw(st.integers(1, length)) for length in shape]
    strides, step = [], 1
    for length in reversed(shape):
        strides.insert(0, step)
        step *= length
    order = draw(st.permutations(range(len(shape))))
    strides = [draw(st.sampled_from([s, s, s, 0])) for s in strides]
    address = 4096 + 4 * draw(st.integers(0, 9))
    return View(3, address, tuple(kept[d] for d in order), tuple(strides[d] for d in order), 4, "float32")


@settings(max_examples=200, deadline=None)
@given(views(), st.integers(1, 5))
def test_a_walk_visits_each_element_once_in_memory_order(view, pieces):
    one = operand(view)
    addresses = sorted(
        {view.address + 4 * sum(i * s for i, s in zip(index, view.stride, strict=True))
         for index in product(*map(range, view.shape))}
    )  # fmt: skip
    assert one.numel == len(addresses)
    cuts = [one.numel * 4 * piece // pieces // 4 * 4 for piece in range(pieces + 1)]
    walked = [
        base + row * stride + byte
        for start, stop in pairwise(cuts)
        for base, stride, rows, width in cover(one.base, one.dims, one.run, start, stop)
        for row in range(rows)
        for byte in range(0, width, 4)
    ]
    assert walked == addresses


@settings(max_examples=100, deadline=None)
@given(views())
def test_a_pass_asks_for_the_sectors_of_a_strided_view_and_no_others(view):
    target = View(4, 1 << 20, view.shape, tuple(_dense(view.shape)), 4, "float32")
    seen = [a[:3] for a in accesses(call("clone.default", view, outputs=(target,)), GPU) if a[2] == 3]
    everything = product(*map(range, view.shape))
    found = [
        (0, view.address + 4 * sum(i * s for i, s in zip(index, view.stride, strict=True))) for index in everything
    ]
    assert set(seen) == set(load(found, 4, 3))


def _dense(shape):
    step, strides = 1, []
    for length in reversed(shape):
        strides.insert(0, step)
        step *= length
    return strides


@pytest.mark.parametrize("groups", [1, 2])
def test_a_stream_does_not_depend_on_where_its_batches_end(monkeypatch, groups):
    memory = Memory(12)
    forward = convolution(memory, 2, 6, 9, 8, 10, (3, 3), (2, 1), (1, 1), groups=groups)
    backward, gpu = convolution_backward(forward, memory), small_gpu()
    whole = [list(accesses(operation, gpu)) for operation in (forward, backward)]
    monkeypatch.setattr(grid, "BATCH_INTERVALS", 1)
    parts = [sum(1 for launch in plan(operation, gpu) for _ in launch.emit(0)) for operation in (forward, backward)]
    assert [list(accesses(operation, gpu)) for operation in (forward, backward)] == whole
    assert min(parts) > 3


def test_a_launch_emits_the_same_stream_each_time():
    (launch,) = plan(convolution(Memory(), 1, 8, 6, 6, 8, (3, 3)), GPU)
    assert list(expand(launch.emit(0))) == list(expand(launch.emit(0)))


def test_rows_too_wide_for_an_interval_are_cut():
    view = View(0, 64, (5 << 30,), (1,), 1, "uint8")
    (batch,) = batches([((64, 0, 1, 5 << 30), operand(view))], 0)
    assert batch.base.tolist() == [64, 64 + (1 << 32) - SECTOR]
    assert sum(batch.width.tolist()) == 5 << 30


def test_depthwise_blocks_read_windows_and_weights_and_write_pixels():
    memory = Memory()
    forward = convolution(memory, 1, 256, 4, 4, 256, (3, 3), padding=(1, 1), groups=256)
    (launch,) = plan(forward, GPU)
    x, w = forward.arguments[:2]
    counts = Counter((t, write) for _, write, t, _ in expand(launch.emit(0)))
    assert launch.kernel.name == "depthwise_forward"
    assert launch.kernel.macs == 16 * 256 * 9
    # 16 pixels a block, all of the image, for each of 8 slices of 32 channels: 128 B a pixel.
    assert launch.kernel.blocks == 8
    assert counts[w.tensor, False] == w.numel // 8
    assert counts[x.tensor, False] == 8 * (3 + 4 + 3) * 4 * 4  # 3, 4 and 3 rows of 4 pixels for the three filter rows
    assert counts[forward.outputs[0].tensor, True] == 16 * 256 // 8


@pytest.mark.parametrize("transposed", [False, True])
def test_one_dimension_and_transposed_convolutions_touch_whole_tensors(transposed):
    memory = Memory()
    x, w = memory.tensor(2, 8, 20), memory.tensor(8, 8, 3)
    y = memory.tensor(2, 8, 22 if transposed else 18)
    rest = ([1], [0], [1], transposed, [0], 1)
    seen = list(accesses(call("convolution.default", x, w, None, *rest, outputs=(y,)), GPU))
    assert {(t, s) for s, _, t, _ in seen} == compulsory([x, w, y])
    gradients = tuple(memory.tensor(*v.shape) for v in (x, w))
    backward = call(
        "convolution_backward.default", y, x, w, None, *rest, [True, True, False], outputs=(*gradients, None)
    )
    seen = list(accesses(backward, GPU))
    assert {(t, s) for s, _, t, _ in seen} == compulsory([x, w, y, *gradients])


def test_a_steps_count_is_read_once_a_block():
    memory = Memory()
    lists = [[memory.tensor(200_000)] for _ in range(4)]
    step = memory.tensor()
    seen = list(accesses(call("_fused_adam_.default", *lists, [], [step], outputs=()), GPU))
    assert sum(t == step.tensor for _, _, t, _ in seen) == 4  # chunks of 65536


@pytest.mark.parametrize("expanded", [False, True])
def test_a_tensor_that_is_not_dense_is_copied_before_a_convolution(expanded):
    memory = Memory()
    whole = memory.tensor(1) if expanded else memory.tensor(2, 24, 6, 6)
    stride = (0, 0, 0, 0) if expanded else whole.stride
    dy = replace(whole, shape=(2, 8, 6, 6), stride=stride)
    x, w, dx = memory.tensor(2, 8, 6, 6), memory.tensor(8, 8, 3, 3), memory.tensor(2, 8, 6, 6)
    arguments = (dy, x, w, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, [True, False, False])
    operation = call("convolution_backward.default", *arguments, outputs=(dx, None, None))
    assert [one.kernel.name for one in plan(operation, GPU, memory.allocate)] == ["copy", "implicit_gemm_data_gradient"]
    seen = list(accesses(operation, GPU, memory.allocate))
    for sector, _, tensor, _ in seen:
        address, size = memory.bytes[tensor]
        assert address // SECTOR <= sector <= (address + size - 1) // SECTOR
    with pytest.raises(UnknownOperator, match="not dense"):
        plan(operation, GPU)


def test_the_table_names_what_networks_need():
    known = set(known_operators())
    assert {"aten.convolution", "aten.addmm", "aten.native_batch_norm_backward", "aten._foreach_addcdiv_"} <= known


def test_a_gpu_with_more_sms_has_longer_waves():
    memory = Memory()
    x, y = memory.tensor(1 << 20), memory.tensor(1 << 20)
    operation = call("clone.default", x, outputs=(y,))
    lengths = [sum(len(b.base) for b in plan(operation, gpu)[0].emit(0)) for gpu in (GPU, replace(GPU, sms=280))]
    assert lengths[0] > lengths[1] == 2
