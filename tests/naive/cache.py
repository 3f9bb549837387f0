"""Slow, obvious twins of hwmodel.cache: one access at a time, a list of ways a set, nothing clever."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache

from hwmodel.cache import CacheConfig
from tests.naive.policies import POLICIES
from traces.stream import Intervals

SECTOR = 32


def mix(number: int, bound: int) -> int:
    """0 .. bound - 1, by the mixer of hwmodel.cache.index in whole numbers of any size."""
    mixed = (number ^ (number >> 32)) % 2**32
    mixed = mixed * 0x9E3779B1 % 2**32
    mixed = (mixed ^ (mixed >> 15)) * 0x85EBCA77 % 2**32
    mixed ^= mixed >> 13
    return mixed * bound // 2**32


def remainder(a: int, b: int) -> int:
    """What a leaves when divided by b, both polynomials over GF(2)."""
    for shift in range(a.bit_length() - b.bit_length(), -1, -1):
        if a >> (shift + b.bit_length() - 1) & 1:
            a ^= b << shift
    return a


@cache
def divisor(sets: int) -> int:
    """The first polynomial over GF(2) of degree log2(sets) that no lower one divides."""
    found = sets
    while any(remainder(found, factor) == 0 for factor in range(2, sets)):
        found += 1
    return found


def set_of(line: int, config: CacheConfig) -> int:
    """The number of the set of a line, those of the first slice first."""
    sets = config.sets // config.slices
    group, lane = divmod(line, config.slices)
    lane = (lane + mix(group, config.slices)) % config.slices
    quotient, rest = divmod(group, sets)
    place = {
        "modulo": lambda: rest,
        "hashed": lambda: (rest + mix(quotient, sets)) % sets,
        "xor": lambda: rest ^ (quotient % sets),
        "ipoly": lambda: remainder(group, divisor(sets)),
    }[config.index]()
    return lane * sets + place


def sectors(batch: Intervals) -> Iterator[tuple[int, bool, bool, int]]:
    """Every access of a batch: (byte address of the sector, write?, over its whole length?, kernel)."""
    for base, stride, rows, width, write, _, kernel in zip(*(column.tolist() for column in batch), strict=True):
        for row in range(rows):
            start = base + row * stride
            end = start + width
            for sector in range(start // SECTOR, (end - 1) // SECTOR + 1):
                whole = start <= sector * SECTOR and (sector + 1) * SECTOR <= end
                yield sector * SECTOR, write, whole, kernel


def bytes_written(batch: Intervals) -> Iterator[range]:
    """Of every access of a batch, in the order of `sectors`, the bytes of its sector."""
    for base, stride, rows, width in zip(*(column.tolist() for column in batch[:4]), strict=True):
        for row in range(rows):
            start = base + row * stride
            end = start + width
            for sector in range(start // SECTOR, (end - 1) // SECTOR + 1):
                yield range(max(start - sector * SECTOR, 0), min(end - sector * SECTOR, SECTOR))


class Line:
    """A line in its way: which sectors are whole here, and which are newer than memory's."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.valid: set[int] = set()
        self.dirty: set[int] = set()
        self.bytes: dict[int, set[int]] = {}  # written of a sector, where masks are kept


class Cache:
    """One cache: per set a list of ways, each a line or None."""

    def __init__(self, config: CacheConfig) -> None:
        self.config = config
        self.ways: list[list[Line | None]] = [[None] * config.ways for _ in range(config.sets)]
        self.policy = POLICIES[config.policy](config.sets, config.ways, config.seed)
        self.wear = [[0] * config.ways for _ in range(config.sets)]
        self.counts: Counter[str] = Counter()
        self.every = set(range(config.line // SECTOR))

    def access(self, address: int, write: bool, whole: bool = True) -> None:
        config, counts = self.config, self.counts
        number, sector = address // config.line, address % config.line // SECTOR
        place = set_of(number, config)
        ways = self.ways[place]
        way = next((way for way, line in enumerate(ways) if line and line.number == number), None)
        line = None if way is None else ways[way]
        hit = line is not None and (sector in line.valid or (write and sector in line.dirty))
        counts["accesses"] += 1
        counts[("write" if write else "read") + ("_hits" if hit else "_misses")] += 1
        if write and (config.write == "through" or (line is None and config.on_write_miss == "around")):
            counts["through_sectors"] += 1
            counts["dram_write_sectors"] += 1
        if write and line is None and config.on_write_miss == "around":
            return
        if line is None or way is None:
            way, line = self.bring(place, number)
        else:
            self.policy.used(place, way)
        fetched = self.fetched(line, sector, write, whole)
        counts["fill_sectors"] += len(fetched)
        self.wear[place][way] += bool(fetched) + write
        line.valid |= fetched
        if whole or not write:
            line.valid.add(sector)
        if write and config.write == "back":
            line.dirty.add(sector)

    def bring(self, place: int, number: int) -> tuple[int, Line]:
        ways = self.ways[place]
        return self.enter(place, number, ways.index(None) if None in ways else self.policy.victim(place))

    def enter(self, place: int, number: int, way: int) -> tuple[int, Line]:
        ways = self.ways[place]
        gone, line = ways[way], Line(number)
        if gone:
            self.gone(gone)
        ways[way] = line
        self.policy.filled(place, way)
        return way, line

    def gone(self, line: Line) -> None:
        if line.dirty:
            self.counts["writebacks"] += 1
            self.counts["writeback_sectors"] += len(line.dirty)
            self.counts["dram_write_sectors"] += len(self.every if self.config.writes_lines else line.dirty)

    def fetched(self, line: Line, sector: int, write: bool, whole: bool) -> set[int]:
        if write and self.config.on_write_miss != "fetch":
            return set()
        if self.config.sector:
            return {sector} - line.valid if not (write and whole) else set()
        return set() if sector in line.valid else self.every - line.valid

    def left(self) -> dict[str, int]:
        dirty = [line.dirty for ways in self.ways for line in ways if line]
        return {"dirty_lines_left": sum(map(bool, dirty)), "dirty_sectors_left": sum(map(len, dirty))}


def counts_by_kernel(twin: Cache, stream: Iterable[Intervals], kernels: int) -> list[Counter[str]]:
    """Take a cache through a stream; return what it counted during each kernel, and leave it with the sums."""
    counts: list[Counter[str]] = [Counter() for _ in range(kernels)]
    for batch in stream:
        for address, write, whole, kernel in sectors(batch):
            twin.counts = counts[kernel]
            twin.access(address, write, whole)
    twin.counts = sum(counts, Counter())
    return counts


class MaskedCache(Cache):
    """A cache that knows which bytes of a sector were written while its line was there."""

    def write_bytes(self, address: int, written: range) -> None:
        """After an access that wrote these bytes of its sector: it is whole once all of them are."""
        number, sector = address // self.config.line, address % self.config.line // SECTOR
        for line in self.ways[set_of(number, self.config)]:
            if line and line.number == number:
                line.bytes.setdefault(sector, set()).update(written)
                if len(line.bytes[sector]) == SECTOR:
                    line.valid.add(sector)


class HybridCache(Cache):
    """A cache of LRU whose first ways are SRAM: writes bring lines there, reads to the others."""

    def __init__(self, config: CacheConfig) -> None:
        super().__init__(config)
        assert config.hybrid
        self.sram, self.after = config.hybrid.sram_ways, config.hybrid.migrate_after
        self.since: Counter[int] = Counter()  # by line, writes since it came to its MRAM way
        self.write = False

    def access(self, address: int, write: bool, whole: bool = True) -> None:
        number, sector = address // self.config.line, address % self.config.line // SECTOR
        place, self.write = set_of(number, self.config), write
        way = next((way for way, line in enumerate(self.ways[place]) if line and line.number == number), None)
        line = None if way is None else self.ways[place][way]
        if line and way is not None:
            if not write and sector in line.valid:
                self.counts["mram_read_hits" if way >= self.sram else "sram_read_hits"] += 1
            if write and way >= self.sram:
                self.since[number] += 1
                if self.since[number] == self.after:
                    self.swap(place, way)
        super().access(address, write, whole)
        if any(line and line.number == number for line in self.ways[place][self.sram :]):
            self.counts["mram_write_accesses" if write else "mram_read_accesses"] += 1

    def swap(self, place: int, way: int) -> None:
        ways, order = self.ways[place], self.policy.order[place]
        other = self.way_for(place, range(self.sram))
        ways[way], ways[other] = ways[other], ways[way]
        self.policy.order[place] = [{way: other, other: way}.get(one, one) for one in order]
        self.wear[place][other] += 1
        back = ways[way]
        if back:
            self.wear[place][way] += 1
            self.since[back.number] = 0
        self.counts["migrations"] += 1

    def way_for(self, place: int, among: range) -> int:
        empty = [way for way in among if self.ways[place][way] is None]
        return empty[0] if empty else next(way for way in self.policy.order[place] if way in among)

    def bring(self, place: int, number: int) -> tuple[int, Line]:
        self.since[number] = 0
        among = range(self.sram) if self.write else range(self.sram, self.config.ways)
        return self.enter(place, number, self.way_for(place, among))


class ForgetfulCache(Cache):
    """A cache whose lines last for so many accesses: all of them are looked at before each access."""

    def __init__(self, config: CacheConfig) -> None:
        super().__init__(config)
        assert config.retention
        self.lasts, self.keeps = config.retention.accesses, config.retention.refresh_ways
        self.now = 0
        self.written: dict[tuple[int, int], int] = {}

    def access(self, address: int, write: bool, whole: bool = True) -> None:
        for place, way in [slot for slot, time in self.written.items() if time + self.lasts < self.now]:
            self.fall_due(place, way)
        place = set_of(address // self.config.line, self.config)
        before = list(self.wear[place])
        super().access(address, write, whole)
        for way, (old, new) in enumerate(zip(before, self.wear[place], strict=True)):
            if new > old:
                self.written[place, way] = self.now
        self.now += 1

    def fall_due(self, place: int, way: int) -> None:
        line = self.ways[place][way]
        assert line
        if self.keeps is None or self.later(place, way) < self.keeps:
            self.counts["refreshes"] += 1
            self.wear[place][way] += 1
            self.written[place, way] += self.lasts
            return
        self.counts["expired_lines"] += 1
        self.counts["expired_writebacks"] += bool(line.dirty)
        self.gone(line)
        self.ways[place][way] = None
        del self.written[place, way]

    def later(self, place: int, way: int) -> int:
        """How many lines of the set were used after this one, where some are told from others."""
        if not self.keeps:
            return 0
        order = getattr(self.policy, "order", [])
        if self.keeps >= self.config.ways:
            return 0
        return sum(self.ways[place][other] is not None for other in order[place][order[place].index(way) + 1 :])
