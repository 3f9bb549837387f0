"""Where a GPU's tensors lie: a model of PyTorch's caching allocator for CUDA.

Requests are rounded up to 512 B. Those of at most 1 MiB are served from segments of 2 MiB, the others from segments
of 20 MiB, or, from 10 MiB on, from one of their own size rounded up to 2 MiB. The smallest free block that fits is
taken, the one of the lowest address among equals; it is split where what is left is of use; a freed block merges with
the free blocks beside it, and segments are never given back.

Source: c10/cuda/CUDACachingAllocator.cpp of PyTorch 2.x with its default settings (no expandable segments, no
max_split_size, one stream). Assumed: cudaMalloc hands out addresses one after another, 2 MiB aligned, from `BASE` on.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass

from traces.errors import InputError

ROUND = 512  # bytes; every block is a multiple of it
SMALL = 1 << 20  # the largest request of the small pool
SMALL_SEGMENT = 2 << 20
LARGE_SEGMENT = 20 << 20
OWN_SEGMENT = 10 << 20  # from this size on a request gets a segment of its own
SEGMENT_ROUND = 2 << 20
BASE = 1 << 32  # low, so that the number of any line of a trace fits in 32 bits up to 500 GiB
LIMIT = 1 << 44  # 16 TiB reserved: far above any GPU's memory, far below what overflows


@dataclass(eq=False)
class Block:
    """A stretch of a segment, in use or free, between its neighbours there."""

    address: int
    size: int
    small: bool
    free: bool = True
    before: "Block | None" = None
    after: "Block | None" = None


def segment_size(size: int) -> int:
    """Return the bytes of the new segment that serves a rounded request of `size` bytes."""
    if size <= SMALL:
        return SMALL_SEGMENT
    if size < OWN_SEGMENT:
        return LARGE_SEGMENT
    return -(-size // SEGMENT_ROUND) * SEGMENT_ROUND


class Allocator:
    """The allocator's state: which addresses are in use, which are cached free, which were never asked for."""

    def __init__(self) -> None:
        self.reserved_bytes = 0  # in segments
        self.allocated_bytes = 0  # in blocks in use
        self.peak_bytes = 0  # the most ever in use
        self._used: dict[int, Block] = {}
        self._free: dict[bool, list[tuple[int, int]]] = {True: [], False: []}  # small pool? -> sorted (size, address)
        self._idle: dict[int, Block] = {}  # free blocks by address

    def allocate(self, size: int) -> int:
        """Return the address of a new block of at least `size` bytes; 0 for a size of 0, which takes no memory.

        Raises:
            InputError: when more than 16 TiB would have to be reserved.
        """
        if size <= 0:
            return 0
        size = -(-size // ROUND) * ROUND
        small = size <= SMALL
        pool = self._free[small]
        found = bisect_left(pool, (size, 0))
        block = self._idle[pool[found][1]] if found < len(pool) else self._segment(size, small)
        self._unlist(block)
        left = block.size - size
        if left >= ROUND if small else left > SMALL:
            rest = Block(block.address + size, left, small, before=block, after=block.after)
            if block.after:
                block.after.before = rest
            block.after, block.size = rest, size
            self._list(rest)
        block.free = False
        self._used[block.address] = block
        self.allocated_bytes += block.size
        self.peak_bytes = max(self.peak_bytes, self.allocated_bytes)
        return block.address

    def release(self, address: int) -> None:
        """Free the block at `address`, as `allocate` returned it.

        Raises:
            KeyError: where no block in use begins at `address`.
        """
        if address == 0:
            return
        block = self._used.pop(address)
        self.allocated_bytes -= block.size
        block.free = True
        if block.before and block.before.free:
            self._unlist(block.before)
            block = self._merge(block.before, block)
        if block.after and block.after.free:
            self._unlist(block.after)
            block = self._merge(block, block.after)
        self._list(block)

    def blocks(self) -> list[tuple[int, int]]:
        """Return (address, bytes) of the blocks in use, by address."""
        return sorted((block.address, block.size) for block in self._used.values())

    def _segment(self, size: int, small: bool) -> Block:
        length = segment_size(size)
        if self.reserved_bytes + length > LIMIT:
            raise InputError(f"tensors: more than {LIMIT >> 40} TiB of device memory; give a smaller batch or model")
        block = Block(BASE + self.reserved_bytes, length, small)
        self.reserved_bytes += length
        self._list(block)
        return block

    def _list(self, block: Block) -> None:
        self._idle[block.address] = block
        insort(self._free[block.small], (block.size, block.address))

    def _unlist(self, block: Block) -> None:
        del self._idle[block.address]
        pool = self._free[block.small]
        del pool[bisect_left(pool, (block.size, block.address))]

    @staticmethod
    def _merge(low: Block, high: Block) -> Block:
        low.size += high.size
        low.after = high.after
        if high.after:
            high.after.before = low
        return low
