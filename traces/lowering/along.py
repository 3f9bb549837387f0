"""Kernels whose threads go along the elements of one tensor and touch rows of others, as indices name them.

A kernel's threads go over the elements of the result (of a scatter: over what it writes), 512 a block. A wave reads its
part of the indices, the rows they name and, of a scatter, the source; then it writes. Source: PyTorch,
aten/src/ATen/native/cuda: Indexing.cu, IndexKernel.cu, ScatterGatherKernel.cu.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from traces.gpus import Gpu
from traces.lowering.indices import WARP, Rows
from traces.lowering.l1 import AROUND, L1
from traces.lowering.launch import Call, Launch
from traces.lowering.march import joined, told
from traces.lowering.options import DEFAULTS, Options
from traces.lowering.rows import BASES, WIDTHS
from traces.operation import View
from traces.stream import Intervals


@dataclass(frozen=True)
class Walk:
    """A kernel over `elements` of `itemsize` bytes: operands in order, each (rows, written or not)."""

    elements: int
    itemsize: int
    operands: tuple[tuple[Rows, bool], ...]
    block: int
    resident: int
    options: Options = DEFAULTS
    gpu: Gpu | None = None  # gives L1, where the options have one

    @property
    def blocks(self) -> int:
        return -(-self.elements // self.block)

    def emit(self, index: int) -> Iterator[Intervals]:
        """Yield the stream, a batch an operand and wave; where L1 keeps apart what blocks ask for, block by block."""
        cache = L1.chosen(self.options, self.gpu, 0, self.resident)
        step = self.block * self.resident
        for first in range(0, self.elements, step):
            last = min(self.elements, first + step)
            for rows, write in self.operands:
                each = self.block if cache and not write else step
                parts = [
                    self._part(rows, write, start, min(last, start + each), number)
                    for number, start in enumerate(range(first, last, each))
                ]
                batch = np.concatenate(parts, 1)
                yield from told(batch if cache or write else self._together(rows, batch), index, cache)

    def _together(self, rows: Rows, batch: np.ndarray) -> np.ndarray:
        """Return a wave's reads without those of rows named often that an SM's L1 or the coalescer before L2 serves.

        A row is asked for by as many SMs as name it, together. Rows shorter than a warp's elements stay as they are.
        """
        gpu = self.gpu
        if gpu is None or not gpu.l1_holds_global_loads or rows.atomic or rows.width < WARP * rows.view.itemsize:
            return batch
        _, which, counts = np.unique(batch[[BASES, WIDTHS]], axis=1, return_inverse=True, return_counts=True)
        which = which.reshape(-1)
        order = np.argsort(which, kind="stable")
        turn = np.empty_like(order)
        turn[order] = np.arange(len(order)) - (np.cumsum(counts) - counts)[which[order]]
        return batch[:, turn < -(-np.minimum(counts, gpu.sms) // gpu.merged_requests)[which]]

    def _part(self, rows: Rows, write: bool, first: int, last: int, block: int) -> np.ndarray:
        """Return what elements `first` to `last` touch of an operand, int64 (7, intervals)."""
        start, stop = rows.reached(first, self.elements), rows.reached(last, self.elements)
        if rows.width * len(rows.at) == self.elements * self.itemsize:  # walked element by element
            start, stop = first * self.itemsize, last * self.itemsize
        if start >= stop:
            return np.empty((7, 0), np.int64)
        base, width = rows.touched(start, stop, write)
        ones = np.ones_like(base)
        of = AROUND if rows.atomic else block
        return joined(base, ones, ones, width, ones * write, ones * rows.view.tensor, ones * of)


def launch(call: Call, name: str, leader: View, operands: list[tuple[Rows, bool]]) -> list[Launch]:
    """Return the launch of a kernel whose threads go over the elements of `leader`."""
    if not leader.numel:
        return []
    gpu = call.gpu
    block = gpu.pass_threads_per_block * gpu.pass_elements_per_thread
    kept = tuple((rows, write) for rows, write in operands if len(rows.at) and rows.width)
    resident = gpu.resident(gpu.pass_threads_per_block)
    walk = Walk(leader.numel, leader.itemsize, kept, block, resident, call.options, gpu)
    return [Launch(call.kernel(name, walk.blocks), walk.emit)]
