"""Replay of addresses, batches of intervals and whole traces, and the table of what each cache did."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.errors import InputError
from hwmodel.cache import crew, index, lru, records
from hwmodel.cache.attribution import TENSORS, Attribution
from hwmodel.cache.block import BLOCK, Block
from hwmodel.cache.config import INDICES, SLOTS, CacheConfig
from hwmodel.cache.fixed import FixedCache
from hwmodel.cache.given import PART_INTERVALS, addresses_of, intervals_of, kinds_of
from hwmodel.cache.progress import batches_of
from traces.stream import Intervals

if TYPE_CHECKING:
    import pandas as pd

    from traces.trace import Trace

MAX_THREADS = 64
_CHUNK = 1 << 22  # sector accesses between two chances for Ctrl-C
COUNTS = ("accesses", "read_hits", "read_misses", "write_hits", "write_misses", "writebacks", "writeback_sectors",
          "fill_sectors", "dram_read_sectors", "dram_write_sectors", "through_sectors")  # fmt: skip


class Replay:
    """Caches that see the same stream, fed piece by piece; memory is bounded by the caches, not by the stream.

    Args:
        configs: the caches; each keeps its own state, and counts what it would count alone.
        kernels: None for one row of counts a cache; a number of kernels for a row a cache and kernel. More rows are
            made for intervals that are fed as another's.
        threads: how many take part, 1 to MAX_THREADS; no count depends on it. Caches of another policy than LRU, and
            those with wear, are replayed by one.

    Raises:
        InputError: where `configs` is empty or holds anything but CacheConfig.
    """

    def __init__(self, configs: Sequence[CacheConfig], kernels: int | None = None, threads: int = 1) -> None:
        self.configs = _checked(configs)
        self._crew = _crew_of(threads, [config for config in self.configs if config.plain])
        self.kernels = kernels
        self._groups: dict[tuple[int, bool], np.ndarray] = {}  # caches that see the same records
        for kind in dict.fromkeys(_kind(config) for config in self.configs if config.plain):
            members = [i for i, config in enumerate(self.configs) if config.plain and _kind(config) == kind]
            self._groups[kind] = np.array(members, np.int64)
        rows = 1 if kernels is None else max(kernels, 1)
        self._fixed = {i: FixedCache(config, rows) for i, config in enumerate(self.configs) if not config.plain}
        self._wide = [config.ways > SLOTS or config.line > 128 for config in self.configs]
        shape, packed, tags, bits = _laid_out(self.configs, self._wide)
        tables = np.zeros((len(shape), *index.remainders(1).shape), np.uint32)
        for number, config in enumerate(self.configs):
            if config.index == "ipoly":
                tables[number] = index.remainders(config.sets // config.slices)
        misses = np.zeros((len(shape), rows, lru.COUNTERS), np.uint64)
        self._caches = records.Caches(shape, tables, packed, tags, bits, misses)
        # Reads and writes by kernel, counted while intervals are unrolled into lines, so once a group.
        self._accesses = {kind: np.zeros((rows, 2), np.uint64) for kind in self._groups}
        self._block = Block.empty()
        self._nought = np.zeros(PART_INTERVALS, np.uint32)

    @property
    def accesses(self) -> int:
        """Sector accesses seen so far."""
        return sum(self.counted(0, row)["accesses"] for row in range(self._caches.misses.shape[1]))

    def feed(self, batch: Intervals, owner: np.ndarray | None = None) -> None:
        """Replay a batch of intervals.

        Args:
            batch: the intervals.
            owner: int64, the row each counts in; where None, its kernel's, or, without kernels, the only one.

        Raises:
            InputError: for columns of unlike lengths, an interval without bytes or below address 0, and, where counts
                are kept by kernel, a kernel's number that is out of range.
        """
        if owner is not None and len(owner):
            self._extend(int(owner.max()) + 1)
            # `intervals_of` cuts a batch, and its rows, into parts; the column it does not need carries the rows along.
            batch = batch._replace(kernel=owner.astype(np.uint32))
        for part, top in intervals_of(batch):
            self._widen(top)
            kernel = part.kernel
            if owner is None and self.kernels is None:
                kernel = self._nought[: len(part.base)]
            elif owner is None and int(kernel.max()) >= (self.kernels or 0):
                raise InputError(f"kernel {int(kernel.max())}: the trace has only {self.kernels} kernels")
            columns = (part.base, part.stride, part.rows, part.width, part.write, kernel)
            for kind, members in self._groups.items():
                line, accesses = kind[0].bit_length() - 1, self._accesses[kind]
                if self._crew and crew.much(part):
                    self._crew.intervals(columns, line, members, self._caches, accesses)
                else:
                    records.feed_intervals(*columns, line, members, self._block, self._caches, accesses)
            for cache in self._fixed.values():
                cache.feed(columns, self._block)

    def _extend(self, rows: int) -> None:
        """Make room to count in so many rows."""
        held = self._caches.misses.shape[1]
        if rows <= held:
            return
        more = max(rows, 2 * held) - held
        self._caches = self._caches._replace(misses=np.pad(self._caches.misses, ((0, 0), (0, more), (0, 0))))
        self._accesses = {kind: np.pad(counts, ((0, more), (0, 0))) for kind, counts in self._accesses.items()}

    def feed_addresses(self, address: Any, is_write: Any) -> None:
        """Replay sector accesses given as byte addresses (integers, a sector each) and kinds (true for a write).

        Raises:
            InputError: for addresses that are no whole numbers from 0 to 2**64 - 1, kinds that are not true or false,
                and lengths that differ.
        """
        address = addresses_of(address)
        is_write = kinds_of(is_write, len(address))
        for start in range(0, len(address), _CHUNK):
            part = np.require(address[start : start + _CHUNK], np.uint64, ["C", "A", "W"])
            kinds = np.require(is_write[start : start + _CHUNK], np.bool_, ["C", "W"])
            for kind, members in self._groups.items():
                self._feed_group(part, kinds, kind, members)
            for cache in self._fixed.values():
                cache.feed_addresses(part, kinds, self._block)

    def _feed_group(
        self, address: np.ndarray, is_write: np.ndarray, kind: tuple[int, bool], members: np.ndarray
    ) -> None:
        """Replay accesses through the caches that see the same records."""
        line, accesses, done = kind[0].bit_length() - 1, self._accesses[kind], 0
        while done < len(address):
            limit = self._limit(members)
            if self._crew and len(address) - done >= crew.LEAST:
                rest = address[done:], is_write[done:]
                done += self._crew.addresses(*rest, line, kind[1], limit, members, self._caches, accesses)
            else:
                caches = members, self._block, self._caches, accesses
                done = records.feed_addresses(address, is_write, line, kind[1], done, limit, *caches)
            if done < len(address):
                self._widen(max(int(address[done : done + BLOCK].max()), int(limit) + 1))

    def _limit(self, members: np.ndarray) -> np.uint64:
        """Return the highest byte address for which some caches need not be laid out wide."""
        return np.uint64(min((_reach(self.configs[i]) for i in members if not self._wide[i]), default=2**64) - 1)

    def _widen(self, top: int) -> None:
        """Lay out wide each cache that needs it for a byte address as high as `top`."""
        high = [top >= _reach(config) for config in self.configs]
        wide = [old or new for old, new in zip(self._wide, high, strict=True)]
        if wide == self._wide:
            return
        shape, packed, tags, bits = _laid_out(self.configs, wide)
        for number, start in enumerate(shape[:, records.START]):
            old_tags, old_bits = self._slots(number)
            here = slice(start, start + len(old_tags))
            if wide[number]:
                tags[here], bits[here] = old_tags, old_bits
            else:
                packed[here] = (old_tags << 8) | (old_bits >> 4) | (old_bits & 0xF)
        self._caches = self._caches._replace(shape=shape, packed=packed, tags=tags, bits=bits)
        self._wide = wide

    def _slots(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a cache's tags and sector bits (dirty in the high byte, valid in the low one), as wide caches do."""
        start, end = self._caches.shape[number][[records.START, records.END]]
        here = slice(start, end)
        if self._wide[number]:
            return self._caches.tags[here], self._caches.bits[here]
        packed = self._caches.packed[here]
        return (packed >> 8).astype(np.uint64), (((packed & 0xF0) << 4) | (packed & 0xF)).astype(np.uint16)

    def settle(self) -> None:
        """Count all that was fed; here that is done as it comes."""

    def result(self) -> "pd.DataFrame":
        """Return the counts so far: a row a cache, or, by kernel, a row a cache and kernel (column `kernel`)."""
        import pandas as pd

        self.settle()
        rows = []
        for number, config in enumerate(self.configs):
            for kernel in range(self._caches.misses.shape[1]):
                row = _described(config)
                if self.kernels is not None:
                    row["kernel"] = kernel
                row |= self.counted(number, kernel)
                if self.kernels is None:
                    row |= self._left(number)
                    row |= self._fixed[number].figures() if self.configs[number].wear else {}
                rows.append(row)
        return pd.DataFrame(rows[: 0 if self.kernels == 0 else None])

    def wear(self, number: int) -> np.ndarray:
        """Return how often each slot of a cache with `wear` was written, uint64, shape (sets, ways).

        Raises:
            InputError: for a cache without.
        """
        if not self.configs[number].wear:
            raise InputError(f"wear: not counted for cache {number}; give CacheConfig(..., wear=True)")
        return self._fixed[number].wear()

    def counted(self, number: int, kernel: int) -> dict[str, int]:
        """Return the counts of a cache, by its place among `configs`, and a row."""
        config = self.configs[number]
        if number in self._fixed:
            return dict(zip(COUNTS, self._fixed[number].counted(kernel), strict=True)) | self._fixed[number].more(
                kernel
            )
        reads, writes = map(int, self._accesses[_kind(config)][kernel])
        read_misses, write_misses, writebacks, writeback_sectors = map(int, self._caches.misses[number, kernel])
        classic = config.sector is None
        fills = (read_misses + write_misses) * config.sectors_per_line if classic else read_misses
        written = writebacks * config.sectors_per_line if classic else writeback_sectors
        counts = (reads + writes, reads - read_misses, read_misses, writes - write_misses, write_misses, writebacks,
                  writeback_sectors, fills, fills, written, 0)  # fmt: skip
        return dict(zip(COUNTS, counts, strict=True))

    def _left(self, number: int) -> dict[str, int]:
        dirty = self._fixed[number].dirty() if number in self._fixed else self._slots(number)[1] >> 8
        return {"dirty_lines_left": int(np.count_nonzero(dirty)), "dirty_sectors_left": int(_ones(dirty))}


def replay(
    address: Any, is_write: Any, configs: Sequence[CacheConfig] | CacheConfig, threads: int = 1
) -> "pd.DataFrame":
    """Replay sector accesses through each of `configs`, each cache starting empty; return a row a configuration.

    Args:
        address: byte addresses, uint64 or any array-like of whole numbers from 0, shape (accesses,); each is one access
            to the 32 B sector it falls in, a write to the whole of it.
        is_write: booleans, or 0 and 1, of the same shape.
        configs: the caches.
        threads: how many take part; no count depends on it.

    Columns: capacity_bytes, ways, line_bytes, sector_bytes (0: whole lines), index, policy, write, write_miss;
    accesses, read_hits, read_misses, write_hits, write_misses; writebacks (dirty lines evicted), writeback_sectors
    (dirty sectors in them), fill_sectors (32 B sectors fetched), dram_read_sectors, dram_write_sectors (of whole lines
    where sector_bytes is 0, else of dirty sectors; and all that is written on at once), through_sectors (what is
    written on at once, through or around the cache); dirty_lines_left and dirty_sectors_left (still in the cache at
    the end, not written back); where a configuration counts wear, also what hwmodel.cache.wear.figures returns;
    where it is hybrid, of its MRAM, and sram_writes, mram_writes, sram_read_hits, mram_read_hits, migrations, and
    mram_read_accesses and mram_write_accesses (sector accesses that an MRAM way served, after any move); where it
    forgets, expired_lines, expired_writebacks (of them, the dirty ones, among writebacks too) and refreshes.

    Raises:
        InputError: for addresses that are negative or no integers, and arrays that do not match.
    """
    run = Replay([configs] if isinstance(configs, CacheConfig) else configs, threads=threads)
    run.feed_addresses(address, is_write)
    return run.result()


def replay_trace(
    trace: "Trace",
    configs: Sequence[CacheConfig] | CacheConfig,
    by: str | Sequence[str] | None = None,
    on_progress: Callable[[float], None] | None = None,
    threads: int = 1,
    exact: bool = True,
) -> "pd.DataFrame":
    """Replay a trace through each of `configs`, each cache starting empty and staying warm from kernel to kernel.

    Args:
        trace: what was captured or read.
        configs: the caches.
        by: None for a row a configuration, with the columns of `replay`. Else what counts are told apart by, one or
            several of "kernel", "name", "operator", "layer", "phase" (of the kernel), "tensor" and "kind" (of the
            tensor), for a row a configuration and each of these, with columns that name it (a tensor's are tensor,
            tensor_name, tensor_kind), and without what is left dirty at the end. A write-back counts with the access
            that evicts the line. By tensor, rows are those that occur; else every kernel has its part.
        on_progress: called after each batch with the fraction done, 0 to 1, by thread blocks launched.
        threads: how many take part; no count depends on it. Fast-forward uses one.
        exact: whether each access is replayed. Else LRU caches with write-back fast-forward over what has become
            steady (hwmodel.cache.forward), and the columns of `Forward.counted` say how much, and give bounds.

    Raises:
        InputError: for another `by`, for intervals that no trace may hold, and, unless `exact`, for counts by tensor.
    """
    chosen = [configs] if isinstance(configs, CacheConfig) else configs
    names = [by] if isinstance(by, str) else list(by or ())
    parts = Attribution(trace, names) if names else None
    if not exact and set(names) & set(TENSORS):
        raise InputError(f"by {', '.join(names)}: fast-forward counts by kernel, not by tensor; replay exactly")
    rows = int(parts.rows) if parts else None
    run = Replay(chosen, rows, threads) if exact else _forward()(chosen, rows)
    for batch in batches_of(trace, on_progress):
        run.feed(batch, parts.of(batch) if parts else None)
    if parts is None:
        return run.result()
    run.settle()
    return _labelled(run, parts)


def _forward() -> type[Replay]:
    from hwmodel.cache.forward import Forward  # which is made of Replay

    return Forward


def _labelled(run: Replay, parts: Attribution) -> "pd.DataFrame":
    """Return a row a cache and each of the parts that counts are told apart by, in the order of kernels and tensors."""
    import pandas as pd

    labels = parts.labels()
    order = [name for name in ("kernel", "tensor") if name in labels]
    places = labels.sort_values(order).index if order else labels.index
    found = labels.to_dict("records")
    rows = [
        {**_described(config), **found[place], **run.counted(number, place)}
        for number, config in enumerate(run.configs)
        for place in map(int, places)
    ]
    return pd.DataFrame(rows)


def _checked(configs: Sequence[CacheConfig]) -> list[CacheConfig]:
    chosen = list(configs)
    if not chosen:
        raise InputError("configs: empty; give at least one CacheConfig")
    for config in chosen:
        if not isinstance(config, CacheConfig):
            raise InputError(f"configs: {config!r} is no CacheConfig; give CacheConfig(capacity, ways, line)")
    return chosen


def _crew_of(threads: int, configs: list[CacheConfig]) -> crew.Crew | None:
    if isinstance(threads, bool) or not isinstance(threads, int) or not 1 <= threads <= MAX_THREADS:
        raise InputError(f"threads {threads!r}: give a whole number from 1 to {MAX_THREADS}")
    return crew.Crew(threads) if threads > 1 and configs else None


def _kind(config: CacheConfig) -> tuple[int, bool]:
    """Return what caches that share records have in common: bytes of a line, and whether they fill whole lines."""
    return config.line, config.sector is None


def _reach(config: CacheConfig) -> int:
    """Return from which byte address on the packed layout's tags are too short."""
    return min(config.line * config.sets * index.PACKED_QUOTIENTS, 2**64)


def _described(config: CacheConfig) -> dict[str, Any]:
    return {
        "capacity_bytes": config.capacity,
        "ways": config.ways,
        "line_bytes": config.line,
        "sector_bytes": config.sector or 0,
        "index": config.index,
        "policy": config.policy,
        "write": config.write,
        "write_miss": config.on_write_miss,
    }


def _laid_out(configs: Sequence[CacheConfig], wide: Sequence[bool]) -> tuple[np.ndarray, ...]:
    """Return (shape, packed, tags, bits) of hwmodel.cache.records.Caches for empty caches."""
    shape = np.zeros((len(configs), records.SHAPE), np.int64)
    ends = [0, 0]
    for row, config, is_wide in zip(shape, configs, wide, strict=True):
        start, end = ends[is_wide], ends[is_wide] + (config.stored_slots if config.plain else 0)
        kind = INDICES.index(config.index)
        row[:] = config.sets, config.slices, config.ways, start, end, kind, config.sector is not None, is_wide
        ends[is_wide] = end
    return shape, _aligned(ends[0], np.uint32), _aligned(ends[1], np.uint64), _aligned(ends[1], np.uint16)


def _aligned(count: int, kind: type[np.generic]) -> np.ndarray:
    """Return zeros that begin at a multiple of 64 B, so that a set's tags are one cache line of this machine."""
    size = np.dtype(kind).itemsize
    try:
        room = np.zeros(count * size + 64, np.uint8)
    except MemoryError:
        raise InputError(
            f"configs: no {count * size / 2**30:.1f} GiB of memory for them; give fewer or smaller"
        ) from None
    begin = -room.ctypes.data % 64
    return room[begin : begin + count * size].view(kind)


def _ones(values: np.ndarray) -> int:
    return sum(int(np.count_nonzero(values & (1 << bit))) for bit in range(8))
