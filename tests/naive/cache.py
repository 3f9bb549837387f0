"""Slow, obvious twins of hwmodel.cache: one access at a time, a dictionary a set, nothing clever."""

from collections import Counter, OrderedDict
from collections.abc import Iterator

from hwmodel.cache import CacheConfig
from traces.stream import Intervals

SECTOR = 32


def mix(number: int, bound: int) -> int:
    """0 .. bound - 1, by the mixer of hwmodel.cache.index in whole numbers of any size."""
    mixed = (number ^ (number >> 32)) % 2**32
    mixed = mixed * 0x9E3779B1 % 2**32
    mixed = (mixed ^ (mixed >> 15)) * 0x85EBCA77 % 2**32
    mixed ^= mixed >> 13
    return mixed * bound // 2**32


def polynomial(number: int, sets: int) -> int:
    """The number modulo the first polynomial over GF(2) of degree log2(sets) that no lower one divides."""

    def remainder(a: int, b: int) -> int:
        for shift in range(a.bit_length() - b.bit_length(), -1, -1):
            if a >> (shift + b.bit_length() - 1) & 1:
                a ^= b << shift
        return a

    divisor = sets
    while any(remainder(divisor, factor) == 0 for factor in range(2, sets)):
        divisor += 1
    return remainder(number, divisor)


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
        "ipoly": lambda: polynomial(group, sets),
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


class Cache:
    """One cache: per set, from line to (valid sectors, dirty sectors), the least recently used first."""

    def __init__(self, config: CacheConfig) -> None:
        self.config = config
        self.sets: list[OrderedDict[int, tuple[set[int], set[int]]]] = [OrderedDict() for _ in range(config.sets)]
        self.counts: Counter[str] = Counter()

    def access(self, address: int, write: bool, whole: bool = True) -> None:
        config, counts = self.config, self.counts
        line, sector = address // config.line, address % config.line // SECTOR
        lines = self.sets[set_of(line, config)]
        present = line in lines
        if not present:
            if len(lines) == config.ways:
                _, (_, dirty) = lines.popitem(last=False)
                if dirty:
                    counts["writebacks"] += 1
                    counts["writeback_sectors"] += len(dirty)
                    counts["dram_write_sectors"] += len(dirty) if config.sector else config.line // SECTOR
            lines[line] = (set(), set())
        lines.move_to_end(line)
        valid, dirty = lines[line]
        if config.sector is None:
            hit = present
            counts["fill_sectors"] += 0 if hit else config.line // SECTOR
        elif write:
            hit = sector in valid or sector in dirty
            if whole:
                valid.add(sector)
        else:
            hit = sector in valid
            counts["fill_sectors"] += 0 if hit else 1
            valid.add(sector)
        if write:
            dirty.add(sector)
        counts["accesses"] += 1
        counts[("write" if write else "read") + ("_hits" if hit else "_misses")] += 1

    def left(self) -> dict[str, int]:
        dirty = [dirty for lines in self.sets for _, dirty in lines.values()]
        return {"dirty_lines_left": sum(map(bool, dirty)), "dirty_sectors_left": sum(map(len, dirty))}
