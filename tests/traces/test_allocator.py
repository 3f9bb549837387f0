"""The laws of the caching allocator: what holds after any sequence of requests and frees."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traces.allocator import BASE, LIMIT, ROUND, Allocator, segment_size
from traces.errors import InputError

KIB, MIB = 1 << 10, 1 << 20
SIZES = st.one_of(st.integers(1, 4 * KIB), st.integers(1, 2 * MIB), st.integers(1, 64 * MIB))
# A number chooses the block to free, out of those in use; a size asks for one.
STEPS = st.lists(st.one_of(SIZES.map(lambda size: ("allocate", size)), st.integers(0).map(lambda n: ("free", n))))


def run(steps, allocator):
    """Yield the blocks in use, address -> bytes asked for, after each step."""
    live = {}
    for what, number in steps:
        if what == "allocate":
            address = allocator.allocate(number)
            assert address not in live
            live[address] = number
        elif live:
            address = sorted(live)[number % len(live)]
            allocator.release(address)
            del live[address]
        yield live


@given(STEPS)
def test_live_blocks_are_aligned_large_enough_and_apart(steps):
    allocator = Allocator()
    for live in run(steps, allocator):
        blocks = allocator.blocks()
        assert {address for address, _ in blocks} == set(live)
        for address, size in blocks:
            assert address % ROUND == 0
            assert size % ROUND == 0
            assert size >= live[address]
        for (low, size), (high, _) in pairwise(blocks):
            assert low + size <= high


@given(STEPS)
def test_reserved_covers_allocated_and_allocated_is_the_sum_of_blocks(steps):
    allocator = Allocator()
    reserved = 0
    for _ in run(steps, allocator):
        assert allocator.allocated_bytes == sum(size for _, size in allocator.blocks())
        assert allocator.allocated_bytes <= allocator.peak_bytes <= allocator.reserved_bytes
        assert allocator.reserved_bytes >= reserved
        assert all(BASE <= address < BASE + allocator.reserved_bytes for address, _ in allocator.blocks())
        reserved = allocator.reserved_bytes


@given(STEPS)
def test_freeing_everything_merges_everything(steps):
    """Once all is free each segment is one block again, so the same requests need no new memory."""
    allocator = Allocator()
    for _ in run(steps, allocator):
        pass
    for address, _ in allocator.blocks():
        allocator.release(address)
    assert allocator.allocated_bytes == 0
    reserved = allocator.reserved_bytes
    for _ in run(steps, allocator):
        pass
    assert allocator.reserved_bytes == reserved


@given(STEPS)
def test_addresses_depend_on_the_steps_alone(steps):
    first = [sorted(live) for live in run(steps, Allocator())]
    assert first == [sorted(live) for live in run(steps, Allocator())]


@given(SIZES)
def test_freed_memory_is_reused(size):
    allocator = Allocator()
    address = allocator.allocate(size)
    allocator.release(address)
    assert allocator.allocate(size) == address


@pytest.mark.parametrize(
    ("size", "segment"),
    [(1, 2 * MIB), (MIB, 2 * MIB), (MIB + ROUND, 20 * MIB), (10 * MIB - ROUND, 20 * MIB), (10 * MIB, 10 * MIB),
     (11 * MIB, 12 * MIB), (100 * MIB + 512, 102 * MIB)],
)  # fmt: skip
def test_segments_are_those_of_pytorch(size, segment):
    """kSmallBuffer, kLargeBuffer, kMinLargeAlloc and kRoundLarge of c10/cuda/CUDACachingAllocator.cpp."""
    assert segment_size(size) == segment
    allocator = Allocator()
    allocator.allocate(size)
    assert allocator.reserved_bytes == segment


def test_a_large_block_is_split_only_where_more_than_a_mebibyte_is_left():
    allocator = Allocator()
    allocator.allocate(19 * MIB)  # of a 20 MiB segment: 1 MiB is left, which goes with it
    assert allocator.blocks()[0][1] == 20 * MIB
    other = Allocator()
    other.allocate(9 * MIB)
    other.allocate(9 * MIB)
    assert other.reserved_bytes == 20 * MIB


def test_the_smallest_free_block_that_fits_is_taken():
    allocator = Allocator()
    large, _, small, _ = (allocator.allocate(size) for size in (8 * KIB, 512, 4 * KIB, 512))
    allocator.release(large)
    allocator.release(small)
    assert allocator.allocate(4 * KIB) == small
    assert allocator.allocate(4 * KIB) == large


def test_small_and_large_pools_are_apart():
    allocator = Allocator()
    large = allocator.allocate(2 * MIB)
    small = allocator.allocate(512)
    assert not large <= small < large + 20 * MIB


def test_nothing_takes_no_memory():
    allocator = Allocator()
    assert allocator.allocate(0) == 0
    allocator.release(0)
    assert allocator.reserved_bytes == 0


def test_a_request_beyond_any_gpu_is_refused_and_a_wrong_free_is_an_error():
    allocator = Allocator()
    with pytest.raises(InputError, match="device memory"):
        allocator.allocate(LIMIT + 1)
    with pytest.raises(KeyError):
        allocator.release(BASE)
