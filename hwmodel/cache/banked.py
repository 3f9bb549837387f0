"""What a banked cache and the memory behind it are, in seconds; and the same as the kernels read it."""

from dataclasses import dataclass, fields

import numpy as np

from circuits.errors import InputError
from hwmodel.cache import banks
from hwmodel.cache.config import SECTOR_BYTES, CacheConfig

MAX_BANKS, MAX_DEPTH, MAX_OUTSTANDING = 1 << 16, 1 << 16, 1 << 20
LONGEST_S = 1e-4  # of any one figure, so that no sum of a part's times overflows
MOST_S = 4e3  # of the whole, for the same reason
FS = 1e15  # femtoseconds of a second


@dataclass(frozen=True)
class BankedCache:
    """How a cache's banks, its requests and the memory behind it work.

    Args:
        banks: banks in all, slices times banks of a slice.
        read_latency_s: from a read's turn at its bank to its data.
        write_latency_s: from a write's turn at its bank until it is written.
        outstanding: accesses between the oldest not done and the newest issued, as the machine's queues allow.
        read_cycle_s, write_cycle_s: how long each keeps its bank; None for its latency.
        buffer: entries of a bank's write buffer; 0 for none.
        interval_s: at least so long between two accesses' issue, as the crossbar allows.
        tag_latency_s: from issue until a miss leaves for DRAM.
        dram_latency_s: from there, DRAM being idle, to the first data.
        dram_bytes_per_s: DRAM's bandwidth, read and written; infinite for none to wait for.
        forwards: reads of what a write buffer holds are served from there.

    Raises:
        InputError: for a value that cannot be.
    """

    banks: int
    read_latency_s: float
    write_latency_s: float
    outstanding: int
    read_cycle_s: float | None = None
    write_cycle_s: float | None = None
    buffer: int = 0
    interval_s: float = 0.0
    tag_latency_s: float = 0.0
    dram_latency_s: float = 0.0
    dram_bytes_per_s: float = float("inf")
    forwards: bool = True

    def __post_init__(self) -> None:
        for name, least, most in (("banks", 1, MAX_BANKS), ("outstanding", 1, MAX_OUTSTANDING),
                                  ("buffer", 0, MAX_DEPTH)):  # fmt: skip
            value = getattr(self, name)
            if isinstance(value, bool) or not hasattr(value, "__index__") or not least <= value <= most:
                raise InputError(f"{name} {value!r}: give a whole number from {least} to {most}")
        if not isinstance(self.forwards, bool):
            raise InputError(f"forwards {self.forwards!r}: give True or False")
        for field in fields(self):
            if field.name.endswith("_s") and field.name != "dram_bytes_per_s":
                self._check_seconds(field.name)
        rate = self.dram_bytes_per_s
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not rate >= SECTOR_BYTES / LONGEST_S:
            raise InputError(f"dram_bytes_per_s {rate!r}: give bytes a second, {SECTOR_BYTES / LONGEST_S:g} or more")

    def _check_seconds(self, name: str) -> None:
        value = getattr(self, name)
        if value is None and name in ("read_cycle_s", "write_cycle_s"):
            return
        least = 1 / FS if name.startswith(("read", "write")) else 0.0
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= LONGEST_S:
            raise InputError(f"{name} {value!r}: give seconds from {least:g} to {LONGEST_S:g}")

    def figures(self, config: CacheConfig) -> np.ndarray:
        """Return what the kernels read, in femtoseconds: int64, shape (FIGURES,)."""
        read = self.read_latency_s if self.read_cycle_s is None else self.read_cycle_s
        write = self.write_latency_s if self.write_cycle_s is None else self.write_cycle_s
        out = np.zeros(banks.FIGURES, np.int64)
        for place, value in ((banks.READ, self.read_latency_s), (banks.READ_CYCLE, read),
                             (banks.WRITE, self.write_latency_s), (banks.WRITE_CYCLE, write),
                             (banks.TAG, self.tag_latency_s), (banks.INTERVAL, self.interval_s),
                             (banks.DRAM, self.dram_latency_s),
                             (banks.DRAM_SECTOR, SECTOR_BYTES / self.dram_bytes_per_s)):  # fmt: skip
            out[place] = round(value * FS)
        out[banks.DEPTH], out[banks.OUTSTANDING] = self.buffer, self.outstanding
        out[banks.FORWARDS] = self.forwards and self.buffer > 0
        out[banks.LINE_BITS] = config.line.bit_length() - 1
        out[banks.UNIT_BITS] = (config.sector or config.line).bit_length() - 1
        return out
