"""libCacheSim's oracleGeneral traces: 24 bytes a request, with the time of the next one for the same object.

    u32 clock_time; u64 obj_id; u32 obj_size; i64 next_access_vtime       (little-endian, packed)

`next_access_vtime` counts requests from 1; -1 or 2**63 - 1 stands for never. Objects have names, not addresses, so
each takes one sector of its own, whatever its size (as libCacheSim's --ignore-obj-size), and every request reads.

Source: libCacheSim/traceReader/customizedReader/oracle/oracleGeneralBin.h, and traceConv.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from traces.errors import InputError
from traces.formats import source
from traces.formats.room import foreign, lone_kernel
from traces.stream import SECTOR_BYTES, Intervals
from traces.trace import Trace

RECORD = np.dtype([("clock_time", "<u4"), ("obj_id", "<u8"), ("obj_size", "<u4"), ("next_access_vtime", "<i8")])
NEVER = (-1, 2**63 - 1)
SECTORS = 1 << 57  # sectors whose addresses a replay can hold; ids, mostly hashes, are taken modulo this
NOTES = [
    "Read from libCacheSim oracleGeneral; an object is one 32 B sector, whatever its size, and is only read.",
    f"An object's sector is its id modulo 2**{SECTORS.bit_length() - 1}; one kernel: the format knows none.",
]


def read(path: Path) -> Trace:
    """Return an oracleGeneral trace; its requests are read as `batches` yields them.

    Raises:
        InputError: while batches are read, for a file that is no whole number of requests or holds what is none.
    """

    def stream() -> Iterator[Intervals]:
        done = 0
        for block in source.records(path, RECORD, "requests"):
            _check(path, block, done)
            done += len(block)
            yield _batch(block)

    return foreign(path, lone_kernel(path), stream, NOTES)


def _check(path: Path, block: np.ndarray, done: int) -> None:
    """Refuse requests that say their object was asked for again before they were made: another format, read as this."""
    then = block["next_access_vtime"]
    wrong = np.flatnonzero((then <= np.arange(done, done + len(block))) & (then != NEVER[0]))
    if len(wrong):
        place = int(wrong[0])
        raise InputError(
            f"{path}: request {done + place}: its next access is {int(then[place])}, before itself; "
            "give 24-byte oracleGeneral requests"
        )


def _batch(block: np.ndarray) -> Intervals:
    batch = Intervals.empty(len(block))
    batch.base[:] = (block["obj_id"] & np.uint64(SECTORS - 1)) * np.uint64(SECTOR_BYTES)
    batch.stride[:], batch.rows[:], batch.width[:] = 0, 1, SECTOR_BYTES
    batch.write[:], batch.tensor[:], batch.kernel[:] = False, 0, 0
    return batch
