"""Interpolated maps that are nowhere stored: what their readers load instead, and what a run then writes."""

from collections import Counter
from dataclasses import replace
from itertools import groupby

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.naive.lowering import SECTOR, expand, sectors
from tests.traces.lowering_samples import Memory, call, convolution, convolution_backward, small_gpu
from traces import capture
from traces.lowering import Options, plan
from traces.lowering.interpolation import Unstored, is_fused, reading, unstored, without
from traces.operation import Operation
from workloads.vip import virtual_pool

GPU = replace(small_gpu(), pass_threads_per_block=16, pass_elements_per_thread=1, threads_per_sm=32, blocks_per_sm=2)


def small_pixels(i, j, height, width):
    """The pixels of a small map that pixel (i, j) of the full one lies between."""
    rows = {min(row, (height - 1) // 2) for row in (i // 2, (i + 1) // 2)}
    columns = {min(column, (width - 1) // 2) for column in (j // 2, (j + 1) // 2)}
    return [(row, column) for row in sorted(rows) for column in sorted(columns)]


def needed(sector, one):
    """Sectors of the small map that a sector of the full one is made of."""
    (_, channels, height, width), item = one.full.shape, one.full.itemsize
    h, w = one.small.shape[2:]
    found = set()
    for address in range(sector * SECTOR, (sector + 1) * SECTOR, item):
        place, c = divmod((address - one.full.address) // item, channels)
        if not 0 <= place < one.full.numel // channels:
            continue
        n, i, j = place // (height * width), place // width % height, place % width
        for row, column in small_pixels(i, j, height, width):
            at = one.small.address + (((n * h + row) * w + column) * channels + c) * item
            found.update(sectors(at, at + item - 1))
    return found


def both(operation, one, gpu=GPU, allocate=None, options=None):
    """A run's accesses before and after the full map is a view."""
    launches = plan(operation, gpu, allocate, options)
    return [[list(expand(launch.emit(0))) for launch in made]
            for made in (launches, [reading(launch, {one.full.tensor: one}) for launch in launches])]  # fmt: skip


def mapped(memory, full, offset=0):
    n, c, height, width = full.shape
    small = memory.tensor(n, c, (height + 1) // 2, (width + 1) // 2)
    return Unstored(full, replace(small, address=small.address + offset))


@st.composite
def convolutions(draw):
    pairs = st.tuples(st.integers(1, 3), st.integers(1, 2))
    memory, groups = Memory(), draw(st.sampled_from([1, 2]))
    size, window = draw(st.tuples(st.integers(5, 9), st.integers(5, 9))), draw(st.tuples(*[st.integers(1, 3)] * 2))
    made = convolution(memory, 2, 8 * groups, *size, 8 * groups, window, draw(pairs), draw(pairs),
                       draw(st.sampled_from([(1, 1), (1, 2)])), groups)  # fmt: skip
    return made, mapped(memory, made.arguments[0])


@settings(max_examples=40)
@given(convolutions())
def test_a_block_loads_in_a_slab_what_its_pixels_lie_between_each_sector_once(case):
    operation, one = case
    (before,), (after,) = both(operation, one)
    groups = [[(tensor, list(group)) for tensor, group in groupby(stream, lambda a: a[2])]
              for stream in (before, after)]  # fmt: skip
    assert len(groups[0]) == len(groups[1])
    steps = operation.arguments[3]
    for (tensor, wanted), (other, made) in zip(*groups, strict=True):
        if tensor != one.full.tensor:
            assert wanted == made
            continue
        assert other == one.small.tensor
        assert {a[0] for a in made} == set().union(*(needed(a[0], one) for a in wanted))
        assert not any(a[1] for a in made)
        if steps[0] == 1:  # rows follow one another: only where stretches of one meet may a sector come twice
            assert len(made) - len({a[0] for a in made}) <= 2


def reads(streams, tensor):
    return Counter(a[0] for stream in streams for a in stream if a[2] == tensor and not a[1])


@pytest.mark.parametrize("odd", [0, 1])
@pytest.mark.parametrize("gpu", [GPU, replace(GPU, l1_holds_global_loads=True)])
def test_readers_of_any_kind(gpu, odd):
    memory = Memory()
    x, other = memory.tensor(2, 8, 8 + odd, 6 + odd), memory.tensor(2, 8, 8 + odd, 6 + odd)
    pooled, indices = (memory.tensor(2, 8, 4, 3, dtype=kind) for kind in ("float32", "int64"))
    depthwise = convolution(memory, 2, 8, 8 + odd, 6 + odd, 8, (3, 3), padding=(1, 1), groups=8)
    one = mapped(memory, x)
    readers = (
        call("add.Tensor", x, other, outputs=(memory.tensor(*x.shape),)),
        call("max_pool2d_with_indices.default", x, [2, 2], [2, 2], [0, 0], [1, 1], outputs=(pooled, indices)),
        replace(depthwise, arguments=(x, *depthwise.arguments[1:])),
        call("mean.dim", x, [2, 3], outputs=(memory.tensor(2, 8),)),
    )
    for operation in readers:
        before, after = both(operation, one, gpu, memory.allocate)
        full, small = reads(before, x.tensor), reads(after, one.small.tensor)
        assert full
        assert not reads(after, x.tensor)
        assert set(small) == set().union(*(needed(sector, one) for sector in full))
        assert sum(small.values()) <= sum(full.values())
        kept = [[[a for a in stream if a[2] not in (x.tensor, one.small.tensor)] for stream in streams]
                for streams in (before, after)]  # fmt: skip
        assert kept[0] == kept[1]


@settings(max_examples=30)
@given(st.integers(1, 7), st.sampled_from([0, 4, 20]), st.integers(4, 9), st.sampled_from([1, 2]))
def test_awkward_channels_and_addresses(channels, offset, side, step):
    memory = Memory(offset)
    operation = convolution(memory, 2, channels, side, side, 8, (3, 3), (step, step), (1, 1))
    one = mapped(memory, operation.arguments[0])
    (before,), (after,) = both(operation, one)
    first, last = one.small.address, one.small.address + one.small.numel * 4 - 1
    made = set(reads([after], one.small.tensor))
    assert made <= set(sectors(first, last))
    used = set(reads([before], one.full.tensor))
    assert set().union(*(needed(sector, one) for sector in used)) >= made
    assert not reads([after], one.full.tensor)


def test_with_a_model_of_l1():
    memory = Memory()
    operation = convolution(memory, 2, 8, 9, 9, 8, (3, 3), padding=(1, 1))
    one = mapped(memory, operation.arguments[0])
    gpu = replace(GPU, l1_bytes=4096, shared_bytes_per_sm=1 << 16)
    (plain,), (with_l1,) = (both(operation, one, gpu, options=options)[1] for options in (None, Options(l1="lru")))
    made = reads([with_l1], one.small.tensor)
    assert set(made) == set(reads([plain], one.small.tensor))
    assert sum(made.values()) < sum(reads([plain], one.small.tensor).values())


def test_a_weight_gradient_reads_the_small_map():
    memory = Memory()
    forward = convolution(memory, 2, 8, 8, 8, 8, (3, 3), padding=(1, 1))
    backward = convolution_backward(forward, memory, (True, True, False))
    one = mapped(memory, forward.arguments[0])
    before, after = both(backward, one, allocate=None)
    assert reads(before, one.full.tensor)
    assert not reads(after, one.full.tensor)
    assert reads(after, one.small.tensor)


def upsampling(small, full, fused=True):
    return Operation("hwmodel.midpoint_upsample2d.default", (small, *full.shape[2:], fused), {}, (full,), "", "forward")


def test_what_is_written_to_or_kept_is_stored():
    memory = Memory()
    small, full = memory.tensor(1, 8, 3, 3), memory.tensor(1, 8, 6, 6)
    made = upsampling(small, full)
    assert is_fused(made)
    assert not is_fused(upsampling(small, full, fused=False))
    plans = [(made, plan(made, GPU)), (call("relu.default", full, outputs=(memory.tensor(1, 8, 6, 6),)), [])]
    maps, stored = unstored(plans, [])
    assert (maps, stored) == ({full.tensor: Unstored(full, small)}, 0)
    (operation, launches), (reader, _) = without(plans, maps)
    assert (operation, launches) == (made, [])
    assert reader.arguments == (full, small)  # which lives until then
    changed = [*plans, (call("relu_.default", full, outputs=(full,)), [])]
    assert unstored(plans, [full.tensor]) == unstored(changed, []) == ({}, 1)


def network(fused):
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
              nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.Flatten(), nn.Linear(16 * 16, 5))  # fmt: skip
    return virtual_pool(nn.Sequential(*layers), ["0", "3", "6"], example=torch.zeros(1, 3, 8, 8), fused=fused)


def traffic(trace):
    """Bytes of sectors read and written of each tensor, and of all."""
    counts = Counter()
    for sector, write, tensor, _ in expand(trace.batches()):
        counts[trace.tensors[tensor].name, write] += SECTOR
        counts["all", "written" if write else "read"] += SECTOR
        first, size = trace.tensors[tensor].address, trace.tensors[tensor].bytes
        assert first // SECTOR <= sector <= (first + size - 1) // SECTOR
    return counts


@pytest.mark.parametrize("fusion", ["none", "epilogue"])
def test_an_inference_writes_small_maps_only(fusion):
    options = Options(fusion=fusion)
    plain, fused = (traffic(capture(network(which), torch.zeros(1, 3, 8, 8), "inference", options=options))
                    for which in (False, True))  # fmt: skip
    full = (8 * 64 * 2 + 16 * 16) * 4
    assert plain["all", "written"] - fused["all", "written"] == full
    assert fused["all", "read"] <= plain["all", "read"]
    assert not any("midpoint" in key[0] for key in fused)
    assert sum(size for key, size in plain.items() if "midpoint" in key[0] and key[1] is True) == full


def test_a_training_step_reads_small_maps_in_its_backward_too():
    plain, fused = (traffic(capture(network(which), torch.zeros(1, 3, 8, 8))) for which in (False, True))
    assert plain["all", "written"] - fused["all", "written"] == (8 * 64 * 2 + 16 * 16) * 4
    assert fused["all", "read"] < plain["all", "read"]


def test_a_map_that_is_returned_is_stored_and_said_so():
    module = virtual_pool(nn.Sequential(nn.Conv2d(3, 8, 3)), ["0"], fused=True)
    trace = capture(module, torch.zeros(1, 3, 8, 8), "inference")
    (note,) = (note for note in trace.header.notes if "interpolated" in note)
    assert note.endswith("0 interpolated maps, 0 bytes, are not stored: their readers interpolate; 1 are, as something "
                         "changes or keeps them.")  # fmt: skip
    assert traffic(trace)["midpoint_upsample2d", True] == 6 * 6 * 8 * 4
