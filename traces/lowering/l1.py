"""A model of L1: which loads of a launch's blocks do not reach L2.

Each SM has a fully associative cache of lines with a valid bit a sector, replaced least recently used. Block b of a
wave runs on SM b mod SMs. A load fetches the sectors that are not valid; a store writes through and neither takes a
line nor renews one; what L2 does itself, an atomic addition, passes it by. It begins each launch empty. Real L1s have
few sets and undocumented replacement (Z. Jia et al., Dissecting the NVIDIA Volta GPU Architecture via
Microbenchmarking, arXiv:1804.06826: four sets); full associativity is assumed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from traces import stream
from traces.compiled import kernel, stamp_of
from traces.gpus import Gpu
from traces.lowering import rows
from traces.lowering.options import Options
from traces.lowering.rows import BASES, BLOCKS, ROWS, STRIDES, TENSORS, WIDTHS, WRITES
from traces.stream import SECTOR_BYTES

BATCH_INTERVALS = 1 << 18
AROUND = -1  # block of what passes L1 by

# Columns of a line's slot: its number, its valid sectors, its neighbours by recency and the next of its hash chain.
_LINE, _VALID, _OLDER, _NEWER, _CHAIN = range(5)

_STAMP = stamp_of(*(Path(str(one)) for one in (__file__, rows.__file__, stream.__file__)))


@dataclass
class L1:
    """The caches of all SMs: slots (sms, lines + 1, 5), the last slot holding newest and oldest; heads of chains."""

    slots: np.ndarray
    heads: np.ndarray
    used: np.ndarray  # slots in use, an SM
    line_bytes: int

    @classmethod
    def chosen(cls, options: Options, gpu: Gpu | None, shared_bytes: int, resident: int) -> "L1 | None":
        """Return the empty caches that options ask for, if any.

        Args:
            options: of the lowering.
            gpu: the machine; None has no L1.
            shared_bytes: of a block.
            resident: blocks that the whole machine holds at once.
        """
        if options.l1 == "bypass" or gpu is None:
            return None
        return cls.of(gpu, shared_bytes * -(-resident // gpu.sms))

    @classmethod
    def of(cls, gpu: Gpu, shared_bytes: int) -> "L1":
        """Return empty caches of what `shared_bytes` an SM leave of L1, at least one line.

        Shared memory is taken from L1 where the GPU's is the smaller of the two, as since Volta.
        """
        left = gpu.l1_bytes - (shared_bytes if gpu.shared_bytes_per_sm < gpu.l1_bytes else 0)
        return cls.empty(gpu.sms, max(1, left // gpu.line_bytes), gpu.line_bytes)

    @classmethod
    def empty(cls, sms: int, lines: int, line_bytes: int) -> "L1":
        """Return empty caches of `lines` lines each."""
        heads = np.full((sms, 1 << max(4, lines.bit_length())), -1, np.int64)
        slots = np.zeros((sms, lines + 1, 5), np.int64)
        slots[:, lines, _OLDER] = slots[:, lines, _NEWER] = lines
        return cls(slots, heads, np.zeros(sms, np.int64), line_bytes)

    def missed(self, batch: np.ndarray) -> Iterator[np.ndarray]:
        """Yield what of a batch, int64 (7, intervals), reaches L2, in its order: int64 (6, intervals) parts."""
        widest = int(batch[WIDTHS].max(initial=0)) // SECTOR_BYTES + 2
        position = np.zeros(2, np.int64)
        while position[0] < batch.shape[1]:
            out = np.empty((6, max(BATCH_INTERVALS, widest)), np.int64)
            count = _filter(batch, out, position, widest, self.slots, self.heads, self.used, self.line_bytes)
            yield out[:, :count]


@kernel(_STAMP)
def _unlink(slots: np.ndarray, slot: int) -> None:
    older, newer = slots[slot, _OLDER], slots[slot, _NEWER]
    slots[newer, _OLDER] = older
    slots[older, _NEWER] = newer


@kernel(_STAMP)
def _renew(slots: np.ndarray, slot: int) -> None:
    """Put a slot before the newest; the last slot is both ends of the ring."""
    end = slots.shape[0] - 1
    newest = slots[end, _OLDER]
    slots[slot, _OLDER], slots[slot, _NEWER] = newest, end
    slots[newest, _NEWER] = slot
    slots[end, _OLDER] = slot


@kernel(_STAMP)
def _find(slots: np.ndarray, heads: np.ndarray, line: int) -> Any:
    slot = heads[line & (heads.shape[0] - 1)]
    while slot >= 0 and slots[slot, _LINE] != line:
        slot = slots[slot, _CHAIN]
    return slot


@kernel(_STAMP)
def _take(slots: np.ndarray, heads: np.ndarray, used: np.ndarray, sm: int, line: int) -> int:
    """Return a slot for a line that is not there: a fresh one, or the oldest line's."""
    end, mask = slots.shape[0] - 1, heads.shape[0] - 1
    if used[sm] < end:
        slot = used[sm]
        used[sm] += 1
    else:
        slot = slots[end, _NEWER]
        _unlink(slots, slot)
        chain = slots[slot, _LINE] & mask
        if heads[chain] == slot:
            heads[chain] = slots[slot, _CHAIN]
        else:
            before = heads[chain]
            while slots[before, _CHAIN] != slot:
                before = slots[before, _CHAIN]
            slots[before, _CHAIN] = slots[slot, _CHAIN]
    slots[slot, _LINE], slots[slot, _VALID] = line, 0
    slots[slot, _CHAIN] = heads[line & mask]
    heads[line & mask] = slot
    return slot


@kernel(_STAMP)
def _emit(out: np.ndarray, n: int, first: int, base: int, width: int, tensor: int) -> int:
    """Append a row that was missed; rows of one interval at a constant stride stay one interval."""
    if n > first and out[WIDTHS, n - 1] == width:
        step = base - out[BASES, n - 1] - out[STRIDES, n - 1] * (out[ROWS, n - 1] - 1)
        if step > 0 and (out[ROWS, n - 1] == 1 or step == out[STRIDES, n - 1]):
            out[STRIDES, n - 1] = step
            out[ROWS, n - 1] += 1
            return n
    out[BASES, n], out[STRIDES, n], out[ROWS, n], out[WIDTHS, n] = base, 0, 1, width
    out[WRITES, n], out[TENSORS, n] = 0, tensor
    return n + 1


@kernel(_STAMP)
def _filter(
    batch: np.ndarray, out: np.ndarray, position: np.ndarray, widest: int, slots: np.ndarray, heads: np.ndarray,
    used: np.ndarray, line_bytes: int,
) -> int:  # fmt: skip
    """Fill `out` with what reaches L2 from `position` (interval, row) on; return how many, and leave the position."""
    per_line, n = line_bytes // SECTOR_BYTES, 0
    interval, row = position[0], position[1]
    while interval < batch.shape[1]:
        base, stride, rows, width = batch[0, interval], batch[1, interval], batch[2, interval], batch[3, interval]
        if batch[WRITES, interval] or batch[BLOCKS, interval] == AROUND:
            if n == out.shape[1]:
                break
            out[:, n] = batch[:6, interval]
            n += 1
            interval += 1
            continue
        sm, first = batch[BLOCKS, interval] % slots.shape[0], n
        while row < rows:
            if n + widest > out.shape[1]:
                position[0], position[1] = interval, row
                return n
            start = base + row * stride
            end = start + width
            begun = -1  # byte where a stretch of missed sectors began
            sector, last = start // SECTOR_BYTES, (end - 1) // SECTOR_BYTES
            while sector <= last:
                line = sector // per_line
                slot = _find(slots[sm], heads[sm], line)
                if slot < 0:
                    slot = _take(slots[sm], heads[sm], used, sm, line)
                else:
                    _unlink(slots[sm], slot)
                _renew(slots[sm], slot)
                stop = min(last + 1, (line + 1) * per_line)
                while sector < stop:
                    bit = 1 << (sector - line * per_line)
                    if slots[sm, slot, _VALID] & bit:
                        if begun >= 0:
                            n = _emit(out, n, first, begun, sector * SECTOR_BYTES - begun, batch[TENSORS, interval])
                            begun = -1
                    else:
                        slots[sm, slot, _VALID] |= bit
                        if begun < 0:
                            begun = max(start, sector * SECTOR_BYTES)
                    sector += 1
            if begun >= 0:
                n = _emit(out, n, first, begun, end - begun, batch[TENSORS, interval])
            row += 1
        row = 0
        interval += 1
    position[0], position[1] = interval, row
    return n
