"""Tiled lowerings against their element-by-element twins: the same accesses in the same order."""

from collections import Counter
from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.naive import lowering as naive
from tests.traces.lowering_samples import (
    Memory,
    accesses,
    call,
    convolution_backward,
    convolve,
    of,
    small_gpu,
    transposed,
)
from traces.gpus import Tile
from traces.lowering import plan

OFFSETS = st.sampled_from([0, 4, 12, 20])


@st.composite
def convolutions(draw, grouped=True, dims=2):
    """Images, size, channels, filters, window, stride, padding, dilation, groups."""
    groups = draw(st.sampled_from([1, 1, 2])) if grouped else 1
    c = draw(st.integers(2, 12)) * groups
    window, stride, dilation, padding, size = (
        tuple(draw(st.integers(low, high)) for _ in range(dims))
        for low, high in ((1, 3), (1, 2), (1, 2), (0, 2), (1, 7 if dims == 2 else 4))
    )
    for length, reach, pad, gap in zip(size, window, padding, dilation, strict=True):
        assume(length + 2 * pad >= gap * (reach - 1) + 1)
    k = draw(st.integers(1, 10)) * groups
    return draw(st.integers(1, 2)), size, c, k, window, stride, padding, dilation, groups


EITHER = st.one_of(convolutions(), convolutions(dims=3))


def built(sizes, memory, dtype="float32"):
    return convolve(memory, *sizes, dtype=dtype), naive.Convolution(*sizes)


def ours(operation, gpu, kernel=0, allocate=None):
    return [a[:3] for a in accesses(operation, gpu, allocate) if a[3] == kernel]


@settings(max_examples=50, deadline=None)
@given(EITHER, OFFSETS, st.sampled_from([(8, 8), (16, 4), (4, 16)]), st.sampled_from(["float32", "float16"]))
def test_forward_is_the_twin(sizes, offset, tile, dtype):
    operation, twin = built(sizes, Memory(offset), dtype)
    x, w = operation.arguments[:2]
    expected = twin.forward(tile, 32 // x.itemsize, 4, of(x), of(w), of(operation.outputs[0]), x.itemsize)
    assert ours(operation, small_gpu(*tile)) == list(expected)


@settings(max_examples=100, deadline=None)
@given(convolutions(grouped=False), OFFSETS, st.sampled_from([(8, 8), (16, 4), (4, 16)]))
def test_a_convolution_by_planes_is_the_twin(sizes, offset, tile):
    """Images and filters are laid out plane by plane, multiplied, and the result laid out as it was."""
    memory, gpu = Memory(offset), replace(small_gpu(*tile), float_images="nchw")
    sizes = (*sizes[:2], max(8, sizes[2]), *sizes[3:])
    gaps = sizes[5][1] > sizes[4][1] or sizes[7][1] > 1  # that windows of a row leave: not across the padding
    assume(not gaps or sizes[6][1] == 0)
    operation, twin = built(sizes, memory)
    (x, w), (y,) = operation.arguments[:2], operation.outputs
    before = len(memory.bytes)
    made = list(accesses(operation, gpu, memory.allocate))
    lent = [(index, address) for index, (address, _) in enumerate(memory.bytes)][before:]
    images, results, *filters = lent
    expected = twin.by_planes(tile, 8, 4, images, filters[0] if filters else of(w), results, 4)
    names = [one.kernel.name for one in plan(operation, gpu, Memory().allocate)]
    at = names.index("implicit_gemm_forward")
    assert names == ["nhwc_to_nchw"] * (1 + len(filters)) + ["implicit_gemm_forward", "nchw_to_nhwc"]
    assert [a[:3] for a in made if a[3] == at] == list(expected)
    for number, (source, target) in enumerate([(of(x), images), *[(of(w), one) for one in filters]]):
        laid_out(made, number, source, target, (x, w)[number].numel)
    laid_out(made, at + 1, results, of(y), y.numel)
    assert ours(operation, gpu) == ours(operation, small_gpu(*tile))  # without memory for a workspace


def laid_out(made, kernel, source, target, count):
    """Each byte of one is read, and each of the other written, and nothing else."""
    sides = [{s for s, write, t, k in made if (k, write, t) == (kernel, side, tensor)}
             for side, (tensor, _) in ((False, source), (True, target))]  # fmt: skip
    assert sides == [set(naive.sectors(address, address + 4 * count - 1)) for _, address in (source, target)]
    assert {t for _, _, t, k in made if k == kernel} == {source[0], target[0]}


@settings(max_examples=50, deadline=None)
@given(EITHER, OFFSETS, st.sampled_from([(8, 8), (16, 4), (4, 16)]))
def test_data_gradient_is_the_twin(sizes, offset, tile):
    memory = Memory(offset)
    forward, twin = built(sizes, memory)
    operation = convolution_backward(forward, memory, (True, False, False))
    dy, _, w = operation.arguments[:3]
    expected = twin.data_gradient(tile, 8, 4, of(dy), of(w), of(operation.outputs[0]), 4)
    assert ours(operation, small_gpu(*tile)) == list(expected)


@settings(max_examples=50, deadline=None)
@given(EITHER, OFFSETS, st.sampled_from([(8, 8), (16, 4), (4, 16)]))
def test_weight_gradient_is_the_twin(sizes, offset, tile):
    memory = Memory(offset)
    forward, twin = built(sizes, memory)
    operation = convolution_backward(forward, memory, (False, True, False))
    dy, x = operation.arguments[:2]
    expected = twin.weight_gradient(tile, 8, 4, of(x), of(dy), of(operation.outputs[1]), 4)
    assert ours(operation, small_gpu(*tile)) == list(expected)


@settings(max_examples=50, deadline=None)
@given(EITHER, OFFSETS)
def test_split_weight_gradient_is_the_twin_and_its_sum_reads_all_slices(sizes, offset):
    memory = Memory(offset)
    forward, twin = built(sizes, memory)
    operation = convolution_backward(forward, memory, (False, True, False))
    dy, x = operation.arguments[:2]
    before, gpu = len(memory.bytes), small_gpu(16, 16, sms=8)
    stream = list(accesses(operation, gpu, memory.allocate))
    if len(memory.bytes) == before:
        assert {a[3] for a in stream} == {0}
        return
    address, size = memory.bytes[before]
    results = operation.outputs[1].numel
    splits = size // 4 // results
    expected = twin.weight_gradient((16, 16), 8, 16, of(x), of(dy), (before, address), 4, splits)
    assert [a[:3] for a in stream if a[3] == 0] == list(expected)
    second = [a for a in stream if a[3] == 1]
    read = {a[0] for a in second if not a[1]}
    assert read == set(naive.sectors(address, address + size - 1))
    assert {a[2] for a in second if a[1]} == {operation.outputs[1].tensor}


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 20), st.integers(1, 20), st.integers(1, 20), st.integers(1, 3), st.booleans(), st.booleans(), OFFSETS
)
def test_products_are_the_twin(m, n, depth, batches, turn_a, turn_b, offset):
    memory = Memory(offset)
    a = transposed(memory.tensor(batches, depth, m)) if turn_a else memory.tensor(batches, m, depth)
    b = transposed(memory.tensor(batches, n, depth)) if turn_b else memory.tensor(batches, depth, n)
    c = memory.tensor(batches, m, n)
    described = [(*of(v), v.stride) for v in (a, b, c)]
    expected = naive.product_stream(m, n, depth, (8, 8), 8, 4, *described, 4, batches)
    assert ours(call("bmm.default", a, b, outputs=(c,)), small_gpu()) == list(expected)


@settings(max_examples=50, deadline=None)
@given(st.integers(8, 70), st.integers(8, 40), st.integers(8, 20), st.integers(1, 3), st.integers(2, 3), OFFSETS)
def test_blocks_abreast_load_together(m, n, depth, batches, abreast, offset):
    """Two blocks an SM, 16 a wave: what an earlier block of the same SMs loads in a step is not loaded again."""
    memory, gpu = Memory(offset), replace(small_gpu(sms=8), abreast_sms=abreast)
    a, b, c = memory.tensor(batches, m, depth), memory.tensor(batches, depth, n), memory.tensor(batches, m, n)
    described = [(*of(v), v.stride) for v in (a, b, c)]
    expected = naive.product_stream(m, n, depth, (8, 8), 8, 16, *described, 4, batches, sms=8, abreast=abreast)
    assert ours(call("bmm.default", a, b, outputs=(c,)), gpu) == list(expected)


@settings(max_examples=25, deadline=None)
@given(EITHER, OFFSETS, st.integers(1, 20), st.integers(1, 20))
def test_what_rounds_to_tf32_takes_its_own_tiles(sizes, offset, m, n):
    """Tiles of 16 x 4 and slabs of 64 B, where the machine has them and the operator asks."""
    memory, gpu = Memory(offset), replace(small_gpu(), tf32_tiles=(Tile(16, 4, 64, 256, 128),))
    forward, twin = built(sizes, memory)
    backward = [
        convolution_backward(forward, memory, wanted) for wanted in ((True, False, False), (False, True, False))
    ]
    (x, w), (y,) = map(of, forward.arguments[:2]), map(of, forward.outputs)
    expected = [
        twin.forward((16, 4), 16, 4, x, w, y, 4),
        twin.data_gradient((16, 4), 16, 4, y, w, of(backward[0].outputs[0]), 4),
        twin.weight_gradient((16, 4), 16, 4, x, y, of(backward[1].outputs[1]), 4),
    ]
    for operation, stream in zip((forward, *backward), expected, strict=True):
        assert ours(replace(operation, products="tf32"), gpu) == list(stream)
    a, b, c = memory.tensor(m, 20), memory.tensor(20, n), memory.tensor(m, n)
    described = [(*of(v), (0, *v.stride)) for v in (a, b, c)]
    product = replace(call("mm.default", a, b, outputs=(c,)), products="tf32")
    assert ours(product, gpu) == list(naive.product_stream(m, n, 20, (16, 4), 16, 4, *described, 4))
    assert ours(product, replace(gpu, tf32_tiles=())) == ours(replace(product, products=""), gpu)


@settings(max_examples=50, deadline=None)
@given(st.one_of(convolutions(grouped=False), convolutions(grouped=False, dims=3)), OFFSETS)
def test_pooling_is_the_twin(sizes, offset):
    n, size, c, _, window, stride, padding, dilation, _ = sizes
    memory, twin = Memory(offset), naive.Convolution(n, size, c, c, window, stride, padding, dilation)
    x, y = memory.tensor(n, c, *size), memory.tensor(n, c, *twin.out_size)
    indices, dx = memory.tensor(n, c, *twin.out_size, dtype="int64"), memory.tensor(n, c, *size)
    name = f"max_pool{len(size)}d_with_indices"
    sliding = (list(window), list(stride), list(padding), list(dilation), False)
    gpu = small_gpu()
    share, resident = max(1, 256 // c), gpu.resident(256)
    forward = call(f"{name}.default", x, *sliding, outputs=(y, indices))
    outputs = [(*of(v), v.itemsize) for v in (y, indices)]
    assert ours(forward, gpu) == list(twin.pool(share, resident, of(x), outputs))
    backward = call(f"{name}_backward.default", y, x, *sliding, indices, outputs=(dx,))
    assert ours(backward, gpu) == list(twin.pool_backward(share, resident, outputs, of(dx)))
    if set(dilation) == {1}:
        average = call(f"avg_pool{len(size)}d.default", x, *sliding[:3], outputs=(y,))
        assert ours(average, gpu) == list(twin.pool(share, resident, of(x), outputs[:1]))
        average = call(f"avg_pool{len(size)}d_backward.default", y, x, *sliding[:3], outputs=(dx,))
        assert ours(average, gpu) == list(twin.pool_backward(share, resident, outputs[:1], of(dx)))


@settings(max_examples=50, deadline=None)
@given(convolutions(grouped=False), OFFSETS)
def test_a_maximum_reads_what_a_blocks_windows_reach_once(sizes, offset):
    """Where L1 holds loads, blocks have rows of an image: of a small one all rows."""
    n, size, c, _, window, stride, padding, _, _ = sizes
    assume(stride[1] <= window[1])
    memory, twin = Memory(offset), naive.Convolution(n, size, c, c, window, stride, padding, (1, 1))
    x, y = memory.tensor(n, c, *size), memory.tensor(n, c, *twin.out_size)
    numbers = memory.tensor(n, c, *twin.out_size, dtype="int64")
    sliding = [list(one) for one in (window, stride, padding, (1, 1))]
    operation = call("max_pool2d_with_indices.default", x, *sliding, False, outputs=(y, numbers))
    made = ours(operation, replace(small_gpu(), l1_holds_global_loads=True))
    expected: Counter = Counter()
    for image in range(n):
        found = {twin.x(pixel, at, e) for pixel in twin.out if pixel[0] == image for at in twin.positions()
                 for e in range(c)} - {None}  # fmt: skip
        expected.update(set(naive.load([(0, x.address + 4 * e) for e in found], 4, x.tensor)))
    assert Counter(a for a in made if not a[1]) == expected
    for view in (y, numbers):
        last = view.address + view.numel * view.itemsize - 1
        assert {s for s, write, t in made if write and t == view.tensor} == set(naive.sectors(view.address, last))


def test_blocks_of_a_maximum_have_two_rows_a_thread():
    """1024 threads hold a row of 32 pixels by 32 channels: blocks have two rows of a wide image, and read two more."""
    memory, gpu = Memory(), replace(small_gpu(), l1_holds_global_loads=True)
    x, y, numbers = (memory.tensor(2, 32, 20, 64) for _ in range(3))
    sliding = ([3, 3], [1, 1], [1, 1], [1, 1], False)
    operation = call("max_pool2d_with_indices.default", x, *sliding, outputs=(y, numbers))
    assert plan(operation, gpu)[0].kernel.blocks == 2 * 10
    reads = sum(not write for _, write, _ in ours(operation, gpu))
    assert reads == 2 * (10 * 4 - 2) * 64 * 4  # the first and the last block have a row in the padding


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 20), st.integers(1, 5), st.integers(1, 4), OFFSETS)
def test_a_product_with_weights_of_four_bits_is_the_twin(m, eights, sixteens, offset):
    """Of eight outputs the weights lie side by side, half a byte each: a product of eights of outputs."""
    memory, n, depth = Memory(offset), 8 * eights, 16 * sixteens
    x, out = memory.tensor(m, depth, dtype="float16"), memory.tensor(m, n, dtype="float16")
    w, scales = memory.tensor(eights, sixteens, 32, 2, dtype="int32"), memory.tensor(1, n, 2, dtype="float16")
    operation = call("_weight_int4pack_mm.default", x, w, 16 * sixteens, scales, outputs=(out,))
    gpu = small_gpu(8, 16)

    def images(_, i, __, terms):
        return naive.load([(0, x.address + (e * depth + k) * 2) for e in i for k in terms], 2, x.tensor)

    def weights(_, __, j, terms):
        return naive.load([(0, w.address + (e * depth + k) * 4) for e in j for k in terms], 4, w.tensor)

    def results(_, i, j, __):
        return naive.store([[out.address + (e * n + f) * 2 for g in j for f in range(8 * g, 8 * g + 8)] for e in i],
                           2, out.tensor)  # fmt: skip

    slabs = naive.chunks(list(range(depth)), 16)
    expected = naive.grid(m, eights, slabs, (8, 2), 4, 1, 1, [images, weights], [results])
    assert ours(operation, gpu, 1) == list(expected)
    assert {s for s, *_ in ours(operation, gpu, 0)} == set(naive.sectors(scales.address, scales.address + 4 * n - 1))


@st.composite
def depthwise(draw):
    n, size, _, _, window, stride, padding, dilation, _ = draw(convolutions(False, draw(st.integers(2, 3))))
    c = draw(st.sampled_from([3, 8, 16, 20, 32]))
    return n, size, c, c * draw(st.integers(1, 2)), window, stride, padding, dilation, c


SLOW = replace(small_gpu(), pass_threads_per_block=64, pass_elements_per_thread=1, threads_per_sm=128)


@settings(max_examples=50, deadline=None)
@given(depthwise(), OFFSETS)
def test_depthwise_convolution_is_the_twin(sizes, offset):
    memory = Memory(offset)
    forward, twin = built(sizes, memory)
    x, w, y = forward.arguments[0], forward.arguments[1], forward.outputs[0]
    lanes, filters = slices(sizes)
    expected = twin.depthwise(lanes, max(1, 64 // filters), 4, of(x), of(w), of(y))
    assert ours(forward, SLOW) == list(expected)
    backward = convolution_backward(forward, memory, (True, False, False))
    expected = twin.depthwise_data_gradient(lanes, max(1, 64 // lanes), 4, of(y), of(w), of(backward.outputs[0]))
    assert ours(backward, SLOW) == list(expected)


@settings(max_examples=50, deadline=None)
@given(depthwise(), OFFSETS, st.booleans())
def test_depthwise_weight_gradient_is_the_twin(sizes, offset, lends):
    memory = Memory(offset)
    forward, twin = built(sizes, memory)
    operation = convolution_backward(forward, memory, (False, True, False))
    before, (lanes, filters) = len(memory.bytes), slices(sizes)
    dy, x = operation.arguments[:2]
    made = list(accesses(operation, SLOW, memory.allocate if lends else None))
    target, splits = of(operation.outputs[1]), 1
    if len(memory.bytes) > before:
        address, size = memory.bytes[before]
        target, splits = (before, address), size // 4 // operation.outputs[1].numel
        assert {s for s, write, t, k in made if k == 1 and not write} == set(naive.sectors(address, address + size - 1))
    expected = twin.depthwise_weight_gradient(lanes, max(1, 64 // filters), 4, of(x), of(dy), target, splits)
    assert [a[:3] for a in made if a[3] == 0] == list(expected)


def slices(sizes):
    c, k = sizes[2:4]
    lanes = next((n for n in (32, 16, 8) if c % n == 0), c)
    return lanes, lanes * k // c
