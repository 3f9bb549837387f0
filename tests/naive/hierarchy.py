"""A slow, obvious twin of hwmodel.cache.hierarchy: levels of lists of ways, sectors as sets, a method a message."""

from collections import Counter

from hwmodel.cache.levels import FIELDS, Dram, Hierarchy
from tests.naive.cache import SECTOR, Line, set_of
from tests.naive.policies import POLICIES


class Memory:
    """DRAM: a dictionary from a bank to its open row."""

    def __init__(self, dram: Dram, line: int) -> None:
        self.dram, self.line = dram, line
        self.open: dict[tuple, int] = {}
        self.counts: Counter[str] = Counter()

    def access(self, number: int, sectors: set[int], kind: str) -> None:
        for sector in sorted(sectors):
            place = self.place(number * self.line + sector * SECTOR)
            row, bank = place["row"], place["bank"]
            if self.dram.hashed:
                bank ^= row % 2 ** self.dram.bits("bank")
            key = (place["channel"], place["rank"], bank)
            self.counts[kind] += 1
            if self.open.get(key) == row:
                self.counts["row_hits"] += 1
            else:
                self.counts["activations"] += 1
                self.counts["precharges"] += key in self.open
                self.open[key] = row

    def place(self, address: int) -> dict[str, int]:
        found = dict.fromkeys(FIELDS, (0, 0))
        for word in self.dram.mapping.split():
            name, _, bits = word.partition(":")
            size = int(bits) if bits else address.bit_length()
            value, width = found[name]
            found[name] = value + (address % 2**size << width), width + size
            address >>= size
        return {name: value for name, (value, _) in found.items()}


class Caches:
    """The units of one level, the level below, and the ones above as they need to be told."""

    def __init__(self, hierarchy: Hierarchy, number: int, memory: Memory) -> None:
        self.level = hierarchy.levels[number]
        self.config = config = self.level.cache
        self.memory = memory
        self.below: Caches | None = None
        self.above: Caches | None = None
        units = range(self.level.units)
        self.ways: list[list[list[Line | None]]] = [[[None] * config.ways for _ in range(config.sets)] for _ in units]
        self.wear = [[[0] * config.ways for _ in range(config.sets)] for _ in units]
        policy = POLICIES[config.policy]
        self.policies = [policy(config.sets, config.ways, config.seed, unit * config.sets) for unit in units]
        self.every = set(range(config.line // SECTOR))
        self.counts: Counter[str] = Counter()

    def find(self, unit: int, number: int) -> tuple[int, int | None, Line | None]:
        place = set_of(number, self.config)
        ways = self.ways[unit][place]
        way = next((way for way, line in enumerate(ways) if line and line.number == number), None)
        return place, way, None if way is None else ways[way]

    def remove(self, unit: int, number: int) -> Line | None:
        place, way, line = self.find(unit, number)
        if way is not None:
            self.ways[unit][place][way] = None
        return line

    def read(self, unit: int, number: int, sectors: set[int]) -> None:
        line = self.find(unit, number)[2]
        if sectors:
            self.counts["reads"] += 1
            self.counts["read_misses"] += line is None or not sectors <= line.valid
        valid = line.valid if line else set()
        lacks = sectors - valid
        fetched = (lacks if self.config.sector else self.every - valid) if lacks else set()
        self.install(unit, number, fetched, sectors, set(), 0)

    def write(self, unit: int, number: int, sectors: set[int], whole: set[int]) -> None:
        line = self.find(unit, number)[2]
        self.counts["writes"] += 1
        self.counts["write_misses"] += line is None or not sectors <= line.valid | line.dirty
        around = self.config.on_write_miss == "around" or self.level.holds == "exclusive"
        if line is None and around:
            self.write_on(unit, number, sectors, whole)
            return
        valid = line.valid if line else set()
        fetched: set[int] = set()
        if self.config.on_write_miss == "fetch" and self.config.sector:
            fetched = sectors - whole - valid
        elif self.config.on_write_miss == "fetch" and (whole != self.every or len(self.every) == 1):
            fetched = self.every - valid
        back = self.config.write == "back"
        self.install(unit, number, fetched, whole, sectors if back else set(), 1)
        if not back:
            self.write_on(unit, number, sectors, whole)

    def write_on(self, unit: int, number: int, sectors: set[int], whole: set[int]) -> None:
        self.counts["through_sectors"] += len(sectors)
        self.write_below(unit, number, sectors, whole)

    def write_below(self, unit: int, number: int, sectors: set[int], whole: set[int]) -> None:
        if self.below:
            self.below.write(self.below_unit(unit), number, sectors, whole)
        else:
            self.memory.access(number, sectors, "write_sectors")

    def below_unit(self, unit: int) -> int:
        assert self.below
        return unit // (self.level.units // self.below.level.units)

    def fetch_below(self, unit: int, number: int, sectors: set[int], enters: bool) -> Line | None:
        """Get sectors from below, and tell it of a line that enters here where it has to know."""
        self.counts["fill_sectors"] += len(sectors)
        if self.below and self.below.level.holds == "exclusive" and (enters or sectors):
            return self.below.take_up(self.below_unit(unit), number, sectors)
        if self.below and (sectors or (enters and self.below.level.holds == "inclusive")):
            self.below.read(self.below_unit(unit), number, sectors)
        elif sectors:
            self.memory.access(number, sectors, "read_sectors")
        return None

    def take_up(self, unit: int, number: int, sectors: set[int]) -> Line:
        """This exclusive level hands its line up, with what it lacks of these sectors from further down."""
        line = self.remove(unit, number)
        self.counts["moved_up"] += line is not None
        moved = line or Line(number)
        lacks = sectors - moved.valid
        if sectors:
            self.counts["reads"] += 1
            self.counts["read_misses"] += bool(lacks)
        passes = self.below and self.below.level.holds == "exclusive"
        if lacks or passes:
            more = self.fetch_below(unit, number, lacks, enters=line is None and bool(passes))
            if more:
                moved.valid |= more.valid
                moved.dirty |= more.dirty
        return moved

    def give_down(self, unit: int, line: Line) -> None:
        """A line evicted above comes into this exclusive level."""
        self.counts["moved_down"] += 1
        self.install(unit, line.number, set(), line.valid, line.dirty, 0, given=True)

    def install(
        self,
        unit: int,
        number: int,
        fetched: set[int],
        valid: set[int],
        dirty: set[int],
        writes: int,
        given: bool = False,
    ) -> None:
        enters = self.find(unit, number)[2] is None
        moved = self.fetch_below(unit, number, fetched, enters)
        place, way, line = self.find(unit, number)
        gone = None
        if line is None or way is None:
            ways = self.ways[unit][place]
            way = ways.index(None) if None in ways else self.policies[unit].victim(place)
            gone, line = ways[way], Line(number)
            ways[way] = line
            self.policies[unit].filled(place, way)
        else:
            self.policies[unit].used(place, way)
        line.valid |= valid | fetched | (moved.valid if moved else set())
        line.dirty |= dirty | (moved.dirty if moved else set())
        filled = given or fetched or (moved and (moved.valid or moved.dirty))
        self.wear[unit][place][way] += bool(filled) + writes
        if gone:
            self.evict(unit, gone)

    def evict(self, unit: int, gone: Line) -> None:
        if self.level.holds == "inclusive" and self.above:
            units = self.level.units
            above: Caches | None = self.above
            while above:
                share = above.level.units // units
                for other in range(unit * share, (unit + 1) * share):
                    copy = above.remove(other, gone.number)
                    if copy:
                        self.counts["back_invalidations"] += 1
                        gone.valid |= copy.valid
                        gone.dirty |= copy.dirty
                above = above.above if above.level.holds == "inclusive" else None
        out = set(gone.dirty)
        if gone.dirty and self.config.writes_lines and gone.valid == self.every:
            out = self.every
        self.counts["writebacks"] += bool(out)
        self.counts["writeback_sectors"] += len(out)
        if self.below and self.below.level.holds == "exclusive":
            self.below.give_down(self.below_unit(unit), gone)
        elif out:
            self.write_below(unit, gone.number, out, out & gone.valid)


class Twin:
    def __init__(self, hierarchy: Hierarchy) -> None:
        self.line = hierarchy.levels[0].cache.line
        self.memory = Memory(hierarchy.dram, self.line)
        self.levels = [Caches(hierarchy, number, self.memory) for number in range(len(hierarchy.levels))]
        for above, below in zip(self.levels, self.levels[1:], strict=False):
            above.below, below.above = below, above

    def access(self, address: int, write: bool, source: int, whole: bool = True) -> None:
        number, sector = address // self.line, {address % self.line // SECTOR}
        if write:
            self.levels[0].write(source, number, sector, sector if whole else set())
        else:
            self.levels[0].read(source, number, sector)
