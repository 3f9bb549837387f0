"""ChampSim's binary traces: 64 bytes an instruction, with the addresses it reads and writes.

    u64 ip; u8 is_branch, branch_taken; u8 destination_registers[2], source_registers[4];
    u64 destination_memory[2]; u64 source_memory[4]        (little-endian; an address of 0 is none)

An instruction reads its sources, then writes its destinations. The format has no sizes: an access is of 8 bytes, or
of as many as are left in its sector. Instruction fetches are left out: a file holds one an instruction, and no first-
level cache that would serve nearly all of them.

Source: inc/trace_instruction.h of ChampSim.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from traces.errors import InputError
from traces.formats import source
from traces.formats.room import foreign, lone_kernel
from traces.stream import SECTOR_BYTES, Intervals
from traces.trace import Trace

SIZE = 8  # bytes of an access
RECORD = np.dtype(
    [("ip", "<u8"), ("is_branch", "u1"), ("branch_taken", "u1"), ("destination_registers", "u1", 2),
     ("source_registers", "u1", 4), ("destination_memory", "<u8", 2), ("source_memory", "<u8", 4)]
)  # fmt: skip
NOTES = [
    f"Read from ChampSim instructions: accesses of {SIZE} bytes within their sector; instruction fetches are left out.",
    "One kernel: the format knows none.",
]


def read(path: Path) -> Trace:
    """Return a ChampSim trace; its instructions are read as `batches` yields them.

    Raises:
        InputError: while batches are read, for a file that is no whole number of instructions or holds what is none.
    """

    def stream() -> Iterator[Intervals]:
        done = 0
        for block in source.records(path, RECORD, "instructions"):
            _check(path, block, done)
            done += len(block)
            yield _batch(block)

    return foreign(path, lone_kernel(path), stream, NOTES)


def _check(path: Path, block: np.ndarray, done: int) -> None:
    """Refuse what is no instruction; zeros, as of a file with holes, would else be read on and on for nothing."""
    wrong, why = (
        np.flatnonzero((block["is_branch"] > 1) | (block["branch_taken"] > 1)),
        "branch flags are neither 0 nor 1",
    )
    if not len(wrong) and (nowhere := np.flatnonzero(block["ip"] == 0)).size:
        words = np.frombuffer(block[nowhere].tobytes(), np.uint64).reshape(-1, RECORD.itemsize // 8)
        wrong, why = nowhere[~words.any(axis=1)], "64 bytes are all zero"
    if len(wrong):
        raise InputError(f"{path}: instruction {done + int(wrong[0])}: its {why}; give 64-byte ChampSim instructions")


def _batch(block: np.ndarray) -> Intervals:
    """Return the accesses of instructions, in their order."""
    address = np.concatenate([block["source_memory"], block["destination_memory"]], axis=1).astype(np.uint64)
    write = np.broadcast_to(np.arange(6) >= 4, address.shape)
    made = address != 0
    base = address[made]
    left = SECTOR_BYTES - (base & np.uint64(SECTOR_BYTES - 1)).astype(np.int64)
    batch = Intervals.empty(len(base))
    batch.base[:], batch.width[:], batch.write[:] = base, np.minimum(left, SIZE), write[made]
    batch.stride[:], batch.rows[:], batch.tensor[:], batch.kernel[:] = 0, 1, 0, 0
    return batch
