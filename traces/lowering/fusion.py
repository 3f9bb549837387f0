"""Pointwise kernels made one with their neighbours, as torch.compile, cuBLASLt and cuDNN do.

A chain is of launches that follow one another, each a pass over as many elements, whose threads own an element each. A
thread keeps what it read or computed in registers: a tensor is read once, unless the chain wrote it before, and written
once, unless nothing after the chain uses it. A tensor that the chain writes must be used by the same element everywhere
in it. An epilogue is a chain that begins with a product, whose blocks hold their results as they store them.

What is no longer stored keeps its address: the fusion does not change where other tensors lie.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from traces.lowering import rows as r
from traces.lowering.elementwise import tensors
from traces.lowering.grid import matrix
from traces.lowering.launch import Launch, Pointwise, Product
from traces.lowering.passes import Operand, Pass
from traces.operation import Operation, View

MOST = 64  # launches of a chain: torch/_inductor/config.py, max_fusion_size


@dataclass
class Fusion:
    """Fuses a run's launches; counts what it fused and the bytes of the results that are no longer stored."""

    epilogues: bool  # whether a chain may begin with a product
    launches: int = 0  # that were fused
    kernels: int = 0  # that they became
    unstored_bytes: int = 0

    def of(self, plans: Sequence[tuple[Operation, list[Launch]]], kept: Iterable[int]) -> list[Launch]:
        """Return the launches of a run, in order.

        Args:
            plans: each operation of the run, in order, with its launches.
            kept: tensors that something after the run may use.
        """
        used = dict.fromkeys(kept, len(plans))  # tensor -> the last operation that has it among its arguments
        for index, (operation, _) in enumerate(plans):
            for view in tensors([*operation.arguments, *operation.options.values()]):
                used[view.tensor] = max(index, used.get(view.tensor, 0))
        made: list[Launch] = []
        chain = _Chain(self.epilogues)
        for index, (_, launches) in enumerate(plans):
            for launch in launches:
                if not chain.joins(launch):
                    made += self._close(chain, used, index - 1)
                    chain = _Chain(self.epilogues)
                    if not chain.joins(launch):
                        made.append(launch)
                        continue
                chain.add(launch)
        return made + self._close(chain, used, len(plans) - 1)

    def _close(self, chain: "_Chain", used: dict[int, int], done: int) -> list[Launch]:
        """Return a chain as one launch; `done` is the last operation whose launches have all been made."""
        if len(chain.launches) < 2:
            return chain.launches
        unstored = {t for t, read in chain.written.items() if read and used.get(t, done + 1) <= done}
        self.launches += len(chain.launches)
        self.kernels += 1
        self.unstored_bytes += sum(v.numel * v.itemsize for t, v in chain.targets.items() if t in unstored)
        return [chain.launch(unstored)]


@dataclass
class _Chain:
    epilogues: bool
    launches: list[Launch] = field(default_factory=list)
    product: Product | None = None  # that it begins with
    elements: int = 0
    walk: Pass = field(default_factory=lambda: Pass((), 0, 1, 1))  # of the last pass
    loads: dict[Operand, View] = field(default_factory=dict)
    stores: dict[int, Operand] = field(default_factory=dict)  # tensor -> how it is written
    targets: dict[int, View] = field(default_factory=dict)  # tensor -> what of it is written
    written: dict[int, bool] = field(default_factory=dict)  # tensor -> whether it was read since it was written
    forms: dict[int, set[tuple[object, ...]]] = field(default_factory=dict)  # tensor -> how it is walked

    def joins(self, launch: Launch) -> bool:
        """Return whether a launch may come next."""
        work = launch.work
        if not self.launches:
            return isinstance(work, Pointwise) or (self.epilogues and isinstance(work, Product))
        if not isinstance(work, Pointwise) or launch.kernel.phase != self.launches[0].kernel.phase:
            return False
        if work.walk.elements != self.elements or len(self.launches) == MOST:
            return False
        if self.product and not self._ends(self.product, work):
            return False
        return all(
            self.forms[view.tensor] == {form(view)}
            for view, operand in zip(work.views, work.walk.operands, strict=True)
            if view.tensor in self.written or (operand.write and view.tensor in self.forms)
        )

    def _ends(self, product: Product, work: Pointwise) -> bool:
        """Return whether a product's blocks can do a pass on their results: operand by operand in step, or a row's."""
        if len(self.launches) == 1 and product.out.tensor not in {view.tensor for view in work.views}:
            return False
        whole = form(product.out)[1:]
        return all(
            form(view)[1:] == whole or (not o.write and _vector(product, o))
            for view, o in zip(work.views, work.walk.operands, strict=True)
        )

    def add(self, launch: Launch) -> None:
        self.launches.append(launch)
        work = launch.work
        if isinstance(work, Product):
            self.product, self.elements = work, work.out.numel
            self._write(work.out, None)
        elif work:
            self.elements, self.walk = work.walk.elements, work.walk
            self._pass(work)

    def _pass(self, work: Pointwise) -> None:
        for view, operand in zip(work.views, work.walk.operands, strict=True):
            if operand.write:
                self._write(view, operand)
                continue
            self.forms.setdefault(view.tensor, set()).add(form(view))
            if view.tensor in self.written:
                self.written[view.tensor] = True
            else:
                self.loads.setdefault(operand, view)

    def _write(self, view: View, operand: Operand | None) -> None:
        self.forms.setdefault(view.tensor, set()).add(form(view))
        self.targets[view.tensor] = view
        self.written[view.tensor] = False
        if operand:
            self.stores[view.tensor] = operand

    def launch(self, unstored: set[int]) -> Launch:
        """Return the one launch that the chain is, without the stores to some tensors."""
        operator = " + ".join(dict.fromkeys(one.kernel.operator for one in self.launches))
        kernel = replace(self.launches[0].kernel, operator=operator)
        if self.product:
            grid = self.product.grid
            ends = [_end(self.product, o, v, r.READ_AT_END) for o, v in self.loads.items()]
            ends += [_end(self.product, None, v, r.WRITE_AT_END) for t, v in self.targets.items() if t not in unstored]
            return Launch(kernel, replace(grid, operands=(*grid.operands[:-1], *ends)).emit)
        stores = [operand for tensor, operand in self.stores.items() if tensor not in unstored]
        return Launch(replace(kernel, name="fused"), replace(self.walk, operands=(*self.loads, *stores)).emit)


def form(view: View) -> tuple[object, ...]:
    """Return how a view's elements, in the order of its indices, lie in memory: address, then lengths and strides."""
    merged: list[tuple[int, int]] = []
    for length, stride in zip(view.shape, view.stride, strict=True):
        if length == 1:
            continue
        if merged and merged[-1][1] == length * stride:
            merged[-1] = (merged[-1][0] * length, stride)
        else:
            merged.append((length, stride))
    return view.address, *merged


def _vector(product: Product, operand: Operand) -> bool:
    """Return whether an operand has a number for each column of a product's result (each filter, of a convolution)."""
    grid = product.grid
    return operand.repeated and not operand.dims and operand.numel in {grid.n, grid.n * product.groups}


def _end(product: Product, operand: Operand | None, view: View, role: int) -> np.ndarray:
    """Describe what a product's blocks touch as they end: a vector, or a tensor that lies as the result does."""
    if operand and _vector(product, operand):
        step = product.grid.n if operand.numel > product.grid.n else 0
        return matrix(view, (r.NO_AXIS, r.N_AXIS), (0, 1), role, step)
    end = product.grid.operands[-1].copy()
    strides = [r.ROW_STRIDE, r.COLUMN_STRIDE, r.FILTER_STRIDE, r.SPLIT_STRIDE, r.BATCH_STRIDE]
    end[strides] = end[strides] // end[r.ITEM] * view.itemsize
    end[[r.ROLE, r.TENSOR, r.BASE, r.ITEM]] = role, view.tensor, view.address, view.itemsize
    return end
