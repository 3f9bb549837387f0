"""Laws every lowering keeps: closed forms, compulsory traffic, nothing outside a tensor, the counters of a real GPU."""

from collections import Counter
from dataclasses import replace
from math import ceil, prod

import numpy as np
import pytest

from hwmodel.cache import CacheConfig
from hwmodel.cache.run import Replay
from tests.naive.lowering import SECTOR, sectors
from tests.traces.lowering_samples import (
    Memory,
    accesses,
    call,
    convolution,
    convolution_backward,
    convolve,
    small_gpu,
    transposed,
)  # fmt: skip
from traces.gpus import load_gpu
from traces.lowering import UnknownOperator, plan
from traces.lowering.tiles import choose
from traces.stream import COLUMNS

GPU = load_gpu("gtx1080ti")


def traffic(operation, gpu=GPU, allocate=None):
    """Sectors read and written of each tensor, counted from the intervals; strides must keep rows in step."""
    counts = Counter()
    for index, launch in enumerate(plan(operation, gpu, allocate)):
        for batch in launch.emit(index):
            base, width, rows = (c.astype(np.int64) for c in (batch.base, batch.width, batch.rows))
            assert np.all((batch.stride % SECTOR == 0) | (rows == 1))
            touched = ((base + width - 1) // SECTOR - base // SECTOR + 1) * rows
            for write in (False, True):
                for tensor in np.unique(batch.tensor):
                    chosen = (batch.tensor == tensor) & (batch.write == write)
                    counts[int(tensor), write] += int(touched[chosen].sum())
    return counts


def whole(memory, view):
    address, size = memory.bytes[view.tensor]
    return set(sectors(address, address + size - 1))


@pytest.mark.parametrize(("m", "n", "k"), [(1024, 1024, 256), (384, 2048, 64), (4096, 512, 1000), (256, 3584, 40)])
@pytest.mark.parametrize("turned", [False, True])
def test_gemm_traffic_is_the_closed_form(m, n, k, turned):
    memory = Memory()
    a, b, c = memory.tensor(m, k), memory.tensor(k, n), memory.tensor(m, n)
    if turned:
        a, b = transposed(memory.tensor(k, m)), transposed(memory.tensor(n, k))
    counts = traffic(call("mm.default", a, b, outputs=(c,)))
    tile = choose(GPU, m, n, 0, 4).tile
    assert counts[a.tensor, False] == m * k // 8 * ceil(n / tile.n)
    assert counts[b.tensor, False] == k * n // 8 * ceil(m / tile.m)
    assert counts[c.tensor, True] == m * n // 8


def test_a_convolution_one_frame_deep_is_that_of_flat_images():
    flat, deep = Memory(), Memory()
    plain = convolve(flat, 2, (9, 8), 6, 10, (3, 2), (2, 1), (1, 0), (1, 2), 2)
    frames = convolve(deep, 2, (1, 9, 8), 6, 10, (1, 3, 2), (1, 2, 1), (0, 1, 0), (1, 1, 2), 2)
    for one, other in ((plain, frames), (convolution_backward(plain, flat), convolution_backward(frames, deep))):
        assert list(accesses(one, GPU)) == list(accesses(other, GPU))
        assert [a.kernel.macs for a in plan(one, GPU)] == [a.kernel.macs for a in plan(other, GPU)]


def test_macs_of_products_and_convolutions():
    memory = Memory()
    product = call("mm.default", memory.tensor(6, 5), memory.tensor(5, 7), outputs=(memory.tensor(6, 7),))
    assert [one.kernel.macs for one in plan(product, GPU)] == [6 * 5 * 7]
    forward = convolution(memory, 2, 8, 9, 9, 16, (3, 3), groups=2, bias=True)
    assert [one.kernel.macs for one in plan(forward, GPU)] == [2 * 7 * 7 * 16 * 4 * 9, 0]
    backward = convolution_backward(forward, memory)
    assert [one.kernel.macs for one in plan(backward, GPU)] == [2 * 7 * 7 * 16 * 4 * 9] * 2 + [0]


def test_a_product_says_how_it_is_launched():
    memory = Memory()
    m, n, k = 300, 130, 50
    (product,) = plan(call("mm.default", memory.tensor(m, k), memory.tensor(k, n), outputs=(memory.tensor(m, n),)), GPU)
    tile, kernel = choose(GPU, m, n, 0, 4).tile, product.kernel
    slab = tile.depth_bytes // 4
    assert (kernel.threads, kernel.registers) == (tile.threads_per_block, tile.registers_per_thread)
    assert kernel.rounds == ceil(k / slab)
    assert kernel.issued_macs == ceil(m / tile.m) * tile.m * ceil(n / tile.n) * tile.n * kernel.rounds * slab
    image = plan(convolution(memory, 2, 8, 9, 9, 16, (3, 3)), GPU)[0].kernel
    assert image.rounds == 9  # filter positions of eight channels, a slab each
    assert image.issued_macs >= image.macs


@pytest.mark.parametrize(("pixels", "c", "k"), [((8, 28, 28), 64, 128), ((2, 56, 56), 40, 96)])
def test_convolution_of_one_by_one_is_the_product(pixels, c, k):
    n, h, w = pixels
    memory, other = Memory(), Memory()
    x, weight, y = other.tensor(n * h * w, c), other.tensor(k, c), other.tensor(n * h * w, k)
    convolved = list(accesses(convolution(memory, n, c, h, w, k, (1, 1)), GPU))
    assert convolved == list(accesses(call("mm.default", x, transposed(weight), outputs=(y,)), GPU))


SHAPES = [
    (2, 3, 17, 17, 24, (11, 11), (4, 4), (2, 2), (1, 1), 1),
    (2, 3, 12, 10, 16, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    (1, 24, 9, 7, 40, (3, 3), (2, 2), (1, 1), (1, 1), 1),
    (2, 16, 8, 8, 16, (3, 3), (1, 1), (2, 2), (2, 2), 2),
    (2, 20, 9, 9, 20, (3, 3), (1, 1), (1, 1), (1, 1), 20),
]


DEEP = [
    (2, (4, 9, 8), 3, 16, (3, 3, 3), (1, 2, 2), (1, 1, 1), (1, 1, 1), 1),
    (1, (5, 6, 7), 24, 20, (2, 3, 1), (1, 1, 1), (0, 2, 0), (2, 1, 1), 2),
    (2, (3, 5, 5), 16, 16, (3, 3, 3), (1, 1, 1), (1, 1, 1), (1, 1, 1), 16),
]


@pytest.mark.parametrize("sizes", [*((n, (h, w), c, *rest) for n, c, h, w, *rest in SHAPES), *DEEP])
def test_convolutions_touch_whole_tensors_and_nothing_else(sizes):
    memory = Memory()
    forward = convolve(memory, *sizes, bias=True)
    backward = convolution_backward(forward, memory)
    for operation, reads, writes in (
        (forward, forward.arguments[:3], forward.outputs),
        (backward, backward.arguments[:3], backward.outputs),
    ):
        seen = list(accesses(operation, GPU, memory.allocate))
        for views, write in ((reads, False), (writes, True)):
            for view in views:
                touched = {s for s, w, tensor, _ in seen if tensor == view.tensor and w == write}
                assert touched == whole(memory, view)
        for sector, _, tensor, _ in seen:
            address, size = memory.bytes[tensor]
            assert address // SECTOR <= sector <= (address + size - 1) // SECTOR


@pytest.mark.parametrize("sizes", SHAPES[:4])
def test_each_result_is_written_once(sizes):
    memory = Memory()
    forward = convolution(memory, *sizes, bias=False)
    n, k = sizes[0], sizes[4]
    y = forward.outputs[0]
    writes = Counter(s for s, w, _, _ in accesses(forward, small_gpu(16, max(8, k))) if w)
    assert y.numel == n * k * prod(y.shape[2:])
    if sizes[9] == 1:  # rows of all channels lie one after another, so that blocks meet within a sector at most
        assert sum(writes.values()) <= len(writes) + ceil(n * prod(y.shape[2:]) / 16)


def test_a_copy_of_64_mib_is_what_a_gpu_counts():
    """RTX 5070 Ti, read 64 MiB and write 64 MiB: 2,098,821 and 2,098,083 sectors in its L2's counters."""
    memory = Memory()
    x, y = memory.tensor(1 << 24), memory.tensor(1 << 24)
    counts = traffic(call("clone.default", x, outputs=(y,)))
    assert +counts == {(x.tensor, False): 2_097_152, (y.tensor, True): 2_097_152}
    assert counts[x.tensor, False] == pytest.approx(2_098_821, rel=0.02)
    assert counts[y.tensor, True] == pytest.approx(2_098_083, rel=0.02)


def test_a_stream_of_28_gib_is_what_a_gpu_counts():
    """P100: 939,525,566 sectors read from L2, 922,662,756 from DRAM; what is read once is fetched once."""
    memory = Memory()
    x, total = memory.tensor(28 << 28), memory.tensor()
    counts = traffic(call("sum.default", x, outputs=(total,)))
    assert counts[x.tensor, False] == 28 << 25 == 939_524_096
    assert counts[x.tensor, False] == pytest.approx(939_525_566, rel=0.02)
    assert counts[x.tensor, False] == pytest.approx(922_662_756, rel=0.02)


def replayed(operations, capacity):
    run = Replay([CacheConfig(capacity, sector=32)])
    for operation in operations:
        for launch in plan(operation, GPU):
            for batch in launch.emit(0):
                run.feed(batch)
    return run.result().to_dict("records")[0]


def test_what_a_48_mib_cache_makes_of_the_copy_is_what_a_gpu_counts():
    """RTX 5070 Ti, the copy above: 67,132,160 B read from DRAM and 47,039,488 B written, so about 20 MB stay dirty.

    Plain LRU ends with the last 24 MiB of either half in the cache: it has written 40 MiB, 11 % less than was counted.
    """
    memory = Memory()
    row = replayed([call("clone.default", memory.tensor(1 << 24), outputs=(memory.tensor(1 << 24),))], "48MiB")
    assert row["dram_read_sectors"] * SECTOR == pytest.approx(67_132_160, rel=0.02)
    assert row["dram_write_sectors"] * SECTOR == pytest.approx(40 << 20, rel=0.02)
    assert row["dram_write_sectors"] * SECTOR == pytest.approx(47_039_488, rel=0.12)


def test_whole_sectors_are_written_without_a_fetch():
    """Results that fill sectors fetch nothing when they are read; of those that two kernels fill by halves, each is."""
    memory = Memory()
    a, b, c = memory.tensor(256, 64), memory.tensor(64, 64), memory.tensor(256, 64)
    product, after = call("mm.default", a, b, outputs=(c,)), call("relu_.default", c, outputs=(c,))
    assert replayed([product, after], "16MiB")["read_misses"] == (a.numel + b.numel) // 8
    x, out = memory.tensor(256, 4), memory.tensor(256, 8)
    halves = [replace(out, address=out.address + at, shape=(256, 4)) for at in (0, 16)]
    copies = [call("copy_.default", half, x, outputs=(half,)) for half in halves]
    row = replayed([*copies, call("relu_.default", out, outputs=(out,))], "16MiB")
    assert row["read_misses"] == x.numel // 8 + 256


def test_a_pass_interleaves_its_operands_wave_by_wave():
    memory = Memory()
    a, b, c = (memory.tensor(1 << 20) for _ in range(3))
    (launch,) = plan(call("add.Tensor", a, b, outputs=(c,)), GPU)
    (batch,) = launch.emit(3)
    wave = 28 * 16 * 512 * 4  # SMs, blocks an SM, elements a block, bytes
    assert launch.kernel.blocks == (1 << 20) // 512
    assert batch.tensor.tolist()[:6] == [a.tensor, b.tensor, c.tensor] * 2
    assert batch.write.tolist()[:3] == [False, False, True]
    assert set(batch.kernel.tolist()) == {3}
    assert all(width <= wave for width in batch.width.tolist())
    assert len(batch.base) == 3 * ceil(4 * (1 << 20) / wave)


def test_columns_have_the_agreed_types():
    memory = Memory()
    for operation in (
        call("relu.default", memory.tensor(100), outputs=(memory.tensor(100),)),
        convolution(memory, 1, 8, 5, 5, 8, (3, 3)),
    ):
        for launch in plan(operation, GPU):
            for batch in launch.emit(0):
                assert [column.dtype for column in batch] == [np.dtype(t) for t in COLUMNS.values()]


def test_a_bias_is_read_by_every_block():
    memory = Memory()
    forward = convolution(memory, 4, 8, 32, 32, 64, (1, 1), bias=True)
    y, bias = forward.outputs[0], forward.arguments[2]
    counts = Counter((t, w) for _, w, t, k in accesses(forward, GPU) if k == 1)
    blocks = plan(forward, GPU)[1].kernel.blocks
    assert counts == {(y.tensor, False): y.numel // 8, (y.tensor, True): y.numel // 8, (bias.tensor, False): blocks * 8}


def test_joining_images_writes_channels_innermost():
    memory = Memory()
    a, b, out = memory.tensor(2, 8, 3, 3), memory.tensor(2, 16, 3, 3), memory.tensor(2, 24, 3, 3)
    seen = list(accesses(call("cat.default", [a, b], 1, outputs=(out,)), GPU))
    first = [s for s, w, _, _ in seen if w][: 2 * 3 * 3]
    assert first == [out.address // SECTOR + pixel * 3 for pixel in range(18)]
    assert {s for s, w, _, _ in seen if w} == whole(memory, out)
    assert sum(w for _, w, _, _ in seen) == out.numel // 8


@pytest.mark.parametrize("lengths", [(10, 300_000, 65_536, 1), (2_000_000,), (70_000, 70_000), (3,)])
def test_lists_of_tensors_are_read_and_written_once(lengths):
    memory = Memory()
    parameters, gradients = ([memory.tensor(n) for n in lengths] for _ in range(2))
    seen = list(accesses(call("_foreach_add_.List", parameters, gradients, alpha=-0.1), GPU))
    reads = Counter((t, s) for s, w, t, _ in seen if not w)
    writes = Counter((t, s) for s, w, t, _ in seen if w)
    assert set(reads.values()) == set(writes.values()) == {1}
    for views, counted in ((parameters + gradients, reads), (parameters, writes)):
        expected = {(v.tensor, s) for v in views for s in whole(memory, v)}
        assert set(counted) == expected


def test_training_batch_norm_reads_its_input_twice():
    memory = Memory()
    x, y = memory.tensor(4, 16, 8, 8), memory.tensor(4, 16, 8, 8)
    vectors = [memory.tensor(16) for _ in range(6)]
    for training, saved, passes in ((True, vectors[4:], 2), (False, [None, None], 1)):
        arguments = (x, *vectors[:4], training, 0.1, 1e-5)
        normalised = call("native_batch_norm.default", *arguments, outputs=(y, *saved))
        counts = Counter((t, w) for _, w, t, _ in accesses(normalised, GPU))
        assert counts[x.tensor, False] == passes * x.numel // 8
        assert counts[y.tensor, True] == y.numel // 8


def test_views_launch_nothing_and_unknown_operators_are_named():
    memory = Memory()
    x = memory.tensor(4, 4)
    assert plan(call("t.default", x, outputs=(transposed(x),)), GPU) == []
    with pytest.raises(UnknownOperator, match=r"aten\.no_such_thing\.default") as caught:
        plan(call("no_such_thing.default", x), GPU)
    assert caught.value.operator == "aten.no_such_thing.default"


def test_tile_rule():
    large = choose(GPU, 4096, 4096, 512, 4, split=True)
    assert (large.tile.m, large.tile.n, large.slab, large.splits) == (128, 128, 8, 1)
    middling = choose(GPU, 676, 384, 432, 4)
    assert (middling.tile.n, middling.splits) == (64, 1)
    short = choose(GPU, 64, 27, 401_408, 4, split=True)
    assert short.splits == 56
    shallow = choose(GPU, 64, 27, 40, 4, split=True)
    assert shallow.splits == 1


def test_empty_tensors_and_large_ones():
    memory = Memory()
    empty = memory.tensor(0, 5)
    assert plan(call("relu.default", empty, outputs=(memory.tensor(0, 5),)), GPU) == []
    huge = memory.tensor(3 << 30)
    (launch,) = plan(call("zero_.default", huge, outputs=(huge,)), GPU)
    total = sum(int(batch.width.astype(np.int64).sum()) for batch in launch.emit(0))
    assert total == 3 * 4 << 30
