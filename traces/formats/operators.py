"""A PyTorch run as its operators' tensors: each operator reads its inputs once, then writes its outputs once."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from traces.errors import InputError
from traces.formats.room import foreign
from traces.stream import Intervals
from traces.trace import Kernel, Trace

Input = TypeVar("Input")
ROW = 1 << 20  # bytes; a tensor is rows of so many, and what is left
ROUND = 512  # bytes; where a tensor has no address in the file, it is given a multiple of this
MOST = 1 << 19  # operators and allocations; Python holds them at 1 to 1.5 KB each
LONGEST = 256  # characters kept of an operator's name
TOP = 1 << 61  # addresses stay below
BIGGEST = 1 << 44  # bytes of a tensor: 16 TiB, above any machine's memory

# Operators that make, shape or name a tensor, but touch none of its bytes.
_STILL = """
    alias as_strided as_strided_ broadcast_to chunk detach detach_ diagonal empty empty_like empty_strided expand
    expand_as flatten is_same_size item lift_fresh movedim narrow new_empty new_empty_strided numpy_T numel permute
    promote_types reshape reshape_as resize_ resolve_conj resolve_neg result_type select set_ size slice split
    split_with_sizes squeeze squeeze_ stride sym_numel sym_size sym_stride t t_ to transpose transpose_ unbind
    unflatten unfold unsafe_split unsqueeze unsqueeze_ view view_as _reshape_alias _unsafe_view
"""
STILL = frozenset(f"aten::{name}" for name in _STILL.split())


def counts(name: str) -> bool:
    """Return whether a call of that name may touch memory: one of an operator, not of autograd's own bookkeeping."""
    return "::" in name and name not in STILL and not name.startswith(("autograd::", "torch::autograd::"))


def held(name: str) -> str:
    """Return an operator's name as it is kept: once however often it is called, and not the whole of an endless one."""
    return sys.intern(name[:LONGEST])


def reads(name: str, inputs: tuple[Input, ...]) -> tuple[Input, ...]:
    """Return those of a call's inputs whose bytes it reads: not those it overwrites, or takes only the shape of."""
    if name.endswith("_like") or name.startswith("aten::new_"):
        return ()
    return inputs[1:] if name in {"aten::copy_", "aten::fill_", "aten::zero_"} else inputs


@dataclass(frozen=True, slots=True)
class Operator:
    """A call: its name, where the file has it, and the tensors it reads and writes as (address, bytes)."""

    name: str
    place: str
    reads: tuple[tuple[int, int], ...]
    writes: tuple[tuple[int, int], ...]


def as_trace(path: Path, operators: list[Operator], notes: list[str]) -> Trace:
    """Return the trace of operators, in their order, each a kernel.

    Raises:
        InputError: where there is none.
    """
    if not operators:
        raise InputError(
            f"{path}: holds no operator with tensors; record shapes (record_shapes=True) and give it again"
        )
    kernels = [Kernel(one.name, one.name, one.place, "forward", 1, 0) for one in operators]
    return foreign(path, kernels, lambda: _stream(operators), notes)


def _stream(operators: list[Operator]) -> Iterator[Intervals]:
    rows: list[tuple[int, int, int, bool, int]] = []
    for index, one in enumerate(operators):
        for tensors, write in ((one.reads, False), (one.writes, True)):
            for address, size in tensors:
                if size >= ROW:
                    rows.append((address, size // ROW, ROW, write, index))
                if size % ROW:
                    rows.append((address + size // ROW * ROW, 1, size % ROW, write, index))
        if len(rows) >= 1 << 14:
            yield _batch(rows)
            rows = []
    if rows:
        yield _batch(rows)


def _batch(rows: list[tuple[int, int, int, bool, int]]) -> Intervals:
    base, count, width, write, kernel = (list(column) for column in zip(*rows, strict=True))
    batch = Intervals.empty(len(rows))
    batch.base[:], batch.rows[:], batch.width[:], batch.write[:], batch.kernel[:] = base, count, width, write, kernel
    batch.stride[:], batch.tensor[:] = np.where(np.array(count) > 1, ROW, 0), 0
    return batch
