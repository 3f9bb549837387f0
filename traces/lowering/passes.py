"""Passes over whole tensors: elementwise kernels, reductions, copies, optimiser steps.

A pass cuts its elements into as many pieces as waves of thread blocks need. The blocks of a wave advance together, so
within a piece the operands follow one another: all reads of the first, all reads of the second, the writes.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from traces.gpus import Gpu
from traces.lowering.cover import Dims, Row, cover, joined, often
from traces.lowering.grid import BATCH_INTERVALS
from traces.operation import View
from traces.stream import COLUMNS, SECTOR_BYTES, Intervals

MAX_WIDTH = (1 << 32) - SECTOR_BYTES


@dataclass(frozen=True)
class Operand:
    """A tensor a pass walks, in order: `dims` over runs of `run` contiguous bytes."""

    tensor: int
    base: int
    dims: Dims
    run: int
    itemsize: int
    write: bool
    repeated: bool = False  # small, and read anew by every block, such as a bias

    @property
    def numel(self) -> int:
        return math.prod(length for length, _ in self.dims) * self.run // self.itemsize


def operand(view: View, write: bool = False, leader: View | None = None) -> Operand:
    """Return the walk over a view's elements, each once.

    The walk follows the view's own memory; where a leader of the same shape lies in memory in another order, it follows
    the leader's. A view that is broadcast along the leader's outermost dimension is read anew by each block.
    """
    pairs = list(zip(view.shape, view.stride, strict=True))
    pairs = [(1, 0)] * (len(leader.shape) - len(pairs)) + pairs if leader else pairs
    order = sorted(range(len(pairs)), key=lambda d: -pairs[d][1])
    repeated = False
    if leader and len(leader.shape) == len(pairs):
        moving = [d for d in memory_order(leader) if pairs[d][0] != 1 and pairs[d][1] != 0]
        if moving != [d for d in order if d in moving]:
            order = moving
        outermost = memory_order(leader)[:1]
        repeated = not write and bool(outermost) and outermost[0] not in moving
    merged: list[tuple[int, int]] = []
    for length, stride in (pairs[d] for d in order if pairs[d][0] != 1 and pairs[d][1] != 0):
        if merged and merged[-1][1] == length * stride:
            merged[-1] = (merged[-1][0] * length, stride)
        else:
            merged.append((length, stride))
    run = view.itemsize
    if view.numel == 0:
        merged = [(0, 1)]
    elif merged and merged[-1][1] == 1:
        run *= merged.pop()[0]
    dims = tuple((length, stride * view.itemsize) for length, stride in merged)
    return Operand(view.tensor, view.address, dims, run, view.itemsize, write, repeated)


def alone(o: Operand) -> Operand:
    """Return the walk of a dense operand element by element, as blocks touch it that have one each."""
    return replace(o, dims=((o.numel, o.itemsize),), run=o.itemsize) if not o.dims and o.numel > 1 else o


def memory_order(view: View) -> list[int]:
    """Return the dimensions longer than 1 from the outermost in memory to the innermost."""
    lengths = [d for d, length in enumerate(view.shape) if length != 1]
    return sorted(lengths, key=lambda d: -view.stride[d])


@dataclass(frozen=True)
class Pass:
    """Operands walked side by side in as many pieces as the kernel has waves.

    An operand of fewer elements advances in proportion: a reduction's result is written as its terms have been read.
    A vector that every block reads anew is asked of L2 by each, or once an SM where L1 holds what is loaded and the
    vector is short against what the SM's blocks have in hand: the first blocks of all SMs ask for it together.
    """

    operands: tuple[Operand, ...]
    elements: int  # of the walk
    block: int  # elements of a thread block
    resident: int  # blocks of a wave
    l1s: int = 0  # SMs whose L1 keeps a vector that their blocks read anew; 0 where loads bypass it
    merged: int = 1  # requests of one sector, made together, that L2 is asked for as one

    @property
    def blocks(self) -> int:
        return max(1, -(-self.elements // self.block))

    def emit(self, index: int) -> Iterator[Intervals]:
        """Yield the stream, piece by piece."""
        return batches(self._rows(), index)

    def _rows(self) -> Iterator[tuple[Row, Operand]]:
        pieces = -(-self.blocks // self.resident)
        for piece in range(pieces):
            first = piece * self.resident * self.block
            last = min(self.elements, first + self.resident * self.block)
            for o in self.operands:
                for row in self.part(o, first, last):
                    yield row, o

    def part(self, o: Operand, first: int, last: int) -> Iterator[Row]:
        """Yield what the blocks of elements `first` to `last` touch of an operand."""
        if o.repeated:
            rows = self._again(o, first, last)
        else:
            rows = cover(o.base, o.dims, o.run, self._reached(o, first), self._reached(o, last))
        for row in rows:
            yield row if o.write else joined(row)

    def _reached(self, o: Operand, element: int) -> int:
        """Return the bytes of an operand that are done when the walk reaches `element`: whole sectors until its end."""
        if self.elements in (element, o.numel):
            return min(element, o.numel) * o.itemsize
        return o.numel * element // self.elements * o.itemsize // SECTOR_BYTES * SECTOR_BYTES

    def _again(self, o: Operand, first: int, last: int) -> Iterator[Row]:
        """Yield what the blocks of elements `first` to `last` read of an operand that repeats along the walk."""
        period = o.numel
        if not period:
            return
        if self.l1s and period * self.l1s <= self.block * self.resident:
            if first == 0:  # later blocks of an SM find it in L1
                readers = -(-last // self.block) if period <= self.block else -(-last // period)
                times = -(-min(readers, self.l1s) // self.merged)
                yield from often(cover(o.base, o.dims, o.run, 0, period * o.itemsize), times)
            return
        if period <= self.block:
            blocks = -(-(last - first) // self.block)
            yield from often(cover(o.base, o.dims, o.run, 0, period * o.itemsize), blocks)
            return
        while first < last:
            start = first % period
            if start == 0 and last - first >= 2 * period and not o.dims:
                yield o.base, 0, (last - first) // period, o.run
                first += (last - first) // period * period
                continue
            stop = min(period, start + last - first)
            yield from cover(o.base, o.dims, o.run, start * o.itemsize, stop * o.itemsize)
            first += stop - start


def batches(rows: Iterable[tuple[Row, Operand]], index: int) -> Iterator[Intervals]:
    """Yield rows as batches of intervals of kernel `index`; rows wider than an interval may be are cut."""
    held: list[tuple[int, int, int, int, bool, int]] = []
    for (base, stride, count, width), o in rows:
        if width > MAX_WIDTH:
            held += [
                (base + at + i * stride, 0, 1, min(MAX_WIDTH, width - at), o.write, o.tensor)
                for i in range(count)
                for at in range(0, width, MAX_WIDTH)
            ]
        else:
            held.append((base, stride, count, width, o.write, o.tensor))
        if len(held) >= BATCH_INTERVALS // 4:
            yield _batch(held, index)
            held = []
    if held:
        yield _batch(held, index)


def _batch(held: list[tuple[int, int, int, int, bool, int]], index: int) -> Intervals:
    columns = [*zip(*held, strict=True), [index] * len(held)]
    return Intervals(*(np.array(c, t) for c, t in zip(columns, COLUMNS.values(), strict=True)))


def walk(gpu: Gpu, reads: Sequence[View], writes: Sequence[View], leader: View | None = None) -> Pass:
    """Return the pass of an elementwise kernel: reads, each once, then writes.

    Args:
        gpu: gives threads a block and elements a thread.
        reads: tensors read; the same view named twice is read once.
        writes: tensors written.
        leader: the tensor whose elements the threads count; by default the largest.
    """
    reads = list(dict.fromkeys(reads))
    leader = leader or max((*writes, *reads), key=lambda v: v.numel)
    operands = [operand(v, False, leader) for v in reads] + [operand(v, True, leader) for v in writes]
    block = gpu.pass_threads_per_block * gpu.pass_elements_per_thread
    l1s = gpu.sms if gpu.l1_holds_global_loads else 0
    return Pass(
        tuple(operands), leader.numel, block, gpu.resident(gpu.pass_threads_per_block), l1s, gpu.merged_requests
    )
