"""A trace as libCacheSim's oracleGeneral: each sector access a request, with the number of its sector's next one.

The next access of a sector is known only once it comes, so requests are linked backwards: a table holds each sector's
last request. When the table is full, half of its sectors are dropped from it and linked in a further pass of their
own; so memory is bounded, whatever the trace touches.
"""

import tempfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from traces.formats.compiled import kernel
from traces.formats.expand import accesses
from traces.formats.oracle import RECORD
from traces.formats.sink import opened
from traces.trace import Trace

SLOTS = 1 << 24  # of the table: 256 MiB
PIECE = 1 << 20  # requests read at a time
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio: spreads neighbours over the table
_NONE = np.uint64(2**64 - 1)  # no sector has this number


@kernel
def _link(
    ids: np.ndarray, at: int, begun: int, then: np.ndarray, keys: np.ndarray, last: np.ndarray, room: np.ndarray,
    parts: int, part: int,
) -> int:  # fmt: skip
    """Link requests from `at` on, the first of `ids` being number `begun`; return where the table was full.

    Args:
        ids: sectors, uint64.
        at: the place in `ids` to begin at.
        begun: the number of requests before `ids`.
        then: int64, a request each: takes the number, from 1, of the next one for the same sector.
        keys: the table's sectors.
        last: their last requests, from 0.
        room: one number, the slots that may still be filled.
        parts: only sectors whose hash is `part` modulo this are linked.
        part: see `parts`.
    """
    mask = np.uint64(len(keys) - 1)
    for i in range(at, len(ids)):
        mixed = ids[i] * _MIX
        mixed ^= mixed >> np.uint64(32)
        if mixed & np.uint64(parts - 1) != np.uint64(part):
            continue
        slot = (mixed >> np.uint64(24)) & mask
        while keys[slot] != ids[i] and keys[slot] != _NONE:
            slot = (slot + np.uint64(1)) & mask
        if keys[slot] == _NONE:
            if room[0] == 0:
                return i
            room[0] -= 1
            keys[slot] = ids[i]
        else:
            then[last[slot]] = begun + i + 1
        last[slot] = begun + i
    return len(ids)


@kernel
def _halve(keys: np.ndarray, last: np.ndarray, parts: int, part: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sectors and last requests of those in the table whose hash is `part` modulo `parts`."""
    count = 0
    kept, when = np.empty_like(keys), np.empty_like(last)
    for slot in range(len(keys)):
        mixed = keys[slot] * _MIX
        mixed ^= mixed >> np.uint64(32)
        if keys[slot] != _NONE and mixed & np.uint64(parts - 1) == np.uint64(part):
            kept[count], when[count] = keys[slot], last[slot]
            count += 1
    return kept[:count].copy(), when[:count].copy()


@kernel
def _fill(kept: np.ndarray, when: np.ndarray, keys: np.ndarray, last: np.ndarray) -> None:
    mask = np.uint64(len(keys) - 1)
    for i in range(len(kept)):
        mixed = kept[i] * _MIX
        mixed ^= mixed >> np.uint64(32)
        slot = (mixed >> np.uint64(24)) & mask
        while keys[slot] != _NONE:
            slot = (slot + np.uint64(1)) & mask
        keys[slot], last[slot] = kept[i], when[i]


def _linked(ids: BinaryIO, then: np.ndarray, slots: int) -> None:
    """Fill in `then` for all requests in the file `ids`."""
    todo = [(1, 0)]
    while todo:
        parts, part = todo.pop()
        keys, last = np.full(slots, _NONE, np.uint64), np.empty(slots, np.int64)
        room = np.array([slots * 3 // 4], np.int64)
        ids.seek(0)
        begun = 0
        while begun < len(then):
            piece = np.frombuffer(ids.read(8 * PIECE), np.uint64)
            at = 0
            while (at := int(_link(piece, at, begun, then, keys, last, room, parts, part))) < len(piece):
                todo.append((2 * parts, part + parts))
                parts *= 2
                kept, when = _halve(keys, last, parts, part)
                keys[:] = _NONE
                _fill(kept, when, keys, last)
                room[0] = slots * 3 // 4 - len(kept)
            begun += len(piece)


def write(trace: Trace, path: Path, slots: int = SLOTS) -> None:
    """Write a trace as oracleGeneral: obj_id is the sector's number, clock_time the kernel's.

    Whether an access writes is lost.

    Args:
        trace: the trace.
        path: the file.
        slots: of the table of sectors, a power of two.

    Raises:
        InputError: for a path that cannot be written.
    """
    bits = np.uint64(trace.header.sector_bytes.bit_length() - 1)
    with (
        opened(path) as file,
        tempfile.TemporaryFile(dir=path.parent) as ids,
        tempfile.TemporaryFile(dir=path.parent) as times,
        tempfile.TemporaryFile(dir=path.parent) as links,
    ):
        count = 0
        for found in accesses(trace):
            ids.write((found.address >> bits).tobytes())
            times.write(found.kernel.tobytes())
            links.write(np.full(len(found.address), -1, np.int64).tobytes())
            count += len(found.address)
        if not count:
            return
        links.flush()
        then = np.memmap(links, np.int64, "r+", shape=(count,))
        _linked(ids, then, slots)
        ids.seek(0)
        times.seek(0)
        for start in range(0, count, PIECE):
            block = np.zeros(min(PIECE, count - start), RECORD)
            block["clock_time"] = np.frombuffer(times.read(4 * len(block)), np.uint32)
            block["obj_id"] = np.frombuffer(ids.read(8 * len(block)), np.uint64)
            block["obj_size"] = trace.header.sector_bytes
            block["next_access_vtime"] = then[start : start + len(block)]
            file.write(block.tobytes())
