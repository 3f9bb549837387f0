"""Maps interpolated to twice their size, halfway between neighbours (`workloads.vip`): stored, or computed by readers.

As a kernel of its own an interpolation reads the small map once and writes the full one. Fused, it launches nothing and
the full map is a view that is nowhere stored: what a reader's blocks would load of it, they load of the small map.
That holds of every reader (convolutions, poolings, additions, their backward), but not of a map that something writes
to, or that outlives the run: such a map is stored all the same. A gradient is that of a full map, stored as usual.
Where a library lays images out anew for a convolution, as planes, that pass is the reader, and its planes are stored.

Blocks of a fused reader interpolate anew what several of them need, and in each slab. A pixel at an odd place takes two
small ones, or four: a reader that itself takes steps of two may ask L2 for more than of a stored one. Loads a model
of L1 serves are told apart after that for grids, before it for other kernels.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from traces.lowering import rows as r
from traces.lowering.elementwise import is_dense, stream
from traces.lowering.grid import BATCH_INTERVALS, Grid
from traces.lowering.launch import Call, Launch, lowers, packet
from traces.lowering.midpoints import SEEN, rewrite
from traces.operation import Operation, View
from traces.stream import COLUMNS, Intervals

UPSAMPLING = "hwmodel.midpoint_upsample2d"
Plans = Sequence[tuple[Operation, list[Launch]]]


@lowers(UPSAMPLING)
def interpolate(call: Call) -> list[Launch]:
    """Read the small map once, write the full one once: what a wave reads twice, its registers hold."""
    return stream(call, "interpolate", [call.view(0)], [v for v in call.operation.outputs if v is not None])


@lowers(f"{UPSAMPLING}_backward")
def gather(call: Call) -> list[Launch]:
    """Read the full map's gradient once, write the small one's once."""
    return stream(call, "interpolate_backward", [call.view(0)], [v for v in call.operation.outputs if v is not None])


def is_fused(operation: Operation) -> bool:
    """Return whether an operation is an interpolation that its readers are to do."""
    fused = operation.arguments[3] if len(operation.arguments) > 3 else operation.options.get("fused", False)
    return packet(operation.operator) == UPSAMPLING and bool(fused)


@dataclass(frozen=True)
class Unstored:
    """A full map that is a view, and the small one that it is a view of."""

    full: View
    small: View

    def describe(self, operand: np.ndarray | None = None) -> np.ndarray:
        """Return an operand's description with where its pixels come from."""
        o = np.zeros(r.COLUMNS, np.int64) if operand is None else operand.copy()
        channels, height, width = self.full.shape[-3:]
        o[r.TENSOR], o[r.MIDPOINTS] = self.full.tensor, True
        o[r.FULL_BASE : r.FULL_WIDTH + 1] = self.full.address, channels * self.full.itemsize, height, width
        o[r.SMALL_BASE : r.SMALL_WIDTH + 1] = self.small.address, self.small.tensor, *self.small.shape[-2:]
        return o


def unstored(plans: Plans, kept: Iterable[int]) -> tuple[dict[int, Unstored], int]:
    """Return the full maps that need no storage, by their tensors, and how many were to be but need it.

    Args:
        plans: each operation of a run, in order, with its launches.
        kept: tensors that outlive the run.
    """
    asked: dict[int, Unstored] = {}
    written = set(kept)
    for operation, _ in plans:
        outputs = [view for view in operation.outputs if view is not None]
        if is_fused(operation) and isinstance(small := operation.arguments[0], View):
            asked[outputs[0].tensor] = Unstored(outputs[0], small)
            if not is_dense(small) or not is_dense(outputs[0]):
                written.add(outputs[0].tensor)
        else:
            written.update(view.tensor for view in outputs)
    return {tensor: one for tensor, one in asked.items() if tensor not in written}, len(asked.keys() & written)


def without(plans: Plans, maps: dict[int, Unstored]) -> Plans:
    """Return the plans without the launches that would store the maps; who reads a full one reads the small one."""
    left: list[tuple[Operation, list[Launch]]] = []
    for operation, launches in plans:
        if is_fused(operation) and any(view.tensor in maps for view in operation.outputs if view):
            launches = []
        views = [view for view in operation.arguments if isinstance(view, View) and view.tensor in maps]
        smalls = (*operation.arguments, *(maps[view.tensor].small for view in views))
        left.append((replace(operation, arguments=smalls) if views else operation, launches))
    return left


def reading(launch: Launch, maps: dict[int, Unstored]) -> Launch:
    """Return a launch that loads from the small maps what it would load from the full ones."""
    work = getattr(launch.emit, "__self__", None)  # what a stream's generator is a method of
    if not isinstance(work, Grid):
        return replace(launch, emit=_rewritten(launch.emit, maps))
    loads = [int(o[r.TENSOR]) in maps and o[r.ROLE] != r.WRITE_AT_END for o in work.operands]
    if not any(loads):
        return launch
    pairs = zip(work.operands, loads, strict=True)
    operands = tuple(maps[int(o[r.TENSOR])].describe(o) if load else o for o, load in pairs)
    return replace(launch, emit=replace(work, operands=operands).emit)


Emit = Callable[[int], Iterator[Intervals]]


def _rewritten(emit: Emit, maps: dict[int, Unstored]) -> Emit:
    """Return a generator of a stream's batches, their reads of full maps rewritten, an interval at a time."""

    def stream_of(index: int) -> Iterator[Intervals]:
        for batch in emit(index):
            found = [maps[tensor] for tensor in np.unique(batch.tensor).tolist() if tensor in maps]
            batches = [batch]
            for one in found:
                batches = [made for held in batches for made in _rewrite(held, one, index)]
            yield from batches

    return stream_of


def _rewrite(batch: Intervals, one: Unstored, index: int) -> Iterator[Intervals]:
    o, seen = one.describe(), np.empty((SEEN, 5), np.int64)
    columns = np.zeros((7, len(batch.base)), np.int64)
    for place, column in enumerate(batch[:6]):
        columns[place] = column
    line = prod(one.full.shape[-1:]) * int(o[r.PIXEL_BYTES])
    room = np.where(columns[r.TENSORS] == one.full.tensor,
                    columns[r.ROWS] * (4 * (columns[r.WIDTHS] // line) + 16), 1)  # fmt: skip
    position = np.zeros(1, np.int64)
    while position[0] < columns.shape[1]:
        out = np.zeros((7, max(BATCH_INTERVALS, int(room.max()))), np.int64)
        count = int(rewrite(out, position, columns, o, room, seen))
        made = [column[:count].astype(kind) for column, kind in zip(out, COLUMNS.values(), strict=True)]
        yield Intervals(*made)._replace(kernel=np.full(count, index, COLUMNS["kernel"]))
