"""What a cache is: capacity, ways, line, how a set is chosen, what is replaced, and what becomes of writes."""

from dataclasses import dataclass

from circuits.errors import InputError
from hwmodel.cache.checks import bytes_of, one_of, whole

INDICES = ("hashed", "modulo", "xor", "ipoly")
POLICIES = ("lru", "fifo", "plru", "srrip", "drrip", "random")
WRITES = ("back", "through")
WRITE_MISSES = ("fetch", "validate", "around")
POWERS = ("xor", "ipoly")  # indices that mix bits, so that their sets are a power of two
MAX_SLICES = 1 << 10
SECTOR_BYTES = 32  # the unit of an access and of a sector's valid and dirty bits; traces.stream counts in it too
MAX_WAYS = 64
MAX_MIGRATE_AFTER = 1 << 20
MAX_SEED = (1 << 63) - 1
MAX_RETENTION = 1 << 60  # accesses; two may be added
LINES = (32, 64, 128, 256)
SLOTS = 16  # ways are stored in groups of this many slots
SPREAD = 64  # and sets in groups of this many: see hwmodel.cache.index.spread
MAX_STATE_BYTES = 16 << 30  # far above any cache studied, so that a slip of a unit is a clear error


@dataclass(frozen=True)
class Hybrid:
    """Ways of two kinds of memory: the first `sram_ways` of a set are SRAM, the others MRAM.

    A line that a write brings in goes to an SRAM way, any other to an MRAM way: to the lowest empty one of the kind, or
    in place of the one used longest ago. A line written `migrate_after` times in an MRAM way (0: however often) changes
    places with the SRAM line used longest ago. After G. Sun et al., A novel architecture of the 3D stacked MRAM L2
    cache for CMPs, HPCA 2009.
    """

    sram_ways: int
    migrate_after: int = 2

    def __post_init__(self) -> None:
        whole(self.sram_ways, "sram_ways", MAX_WAYS)
        whole(self.migrate_after, "migrate_after", MAX_MIGRATE_AFTER, 0)


@dataclass(frozen=True)
class Retention:
    """Cells that forget: what is written into a line's slot lasts for so many accesses of the cache.

    A line written by access w serves those up to w + `accesses`; then, before the next, it is refreshed if it is among
    the `refresh_ways` of its set that were used last, and else goes, written back where it is dirty. None refreshes all
    lines: C. W. Smullen et al., Relaxing non-volatility for fast and energy-efficient STT-RAM caches, HPCA 2011; with a
    counter a line, as here, Z. Sun et al., Multi retention level STT-RAM cache designs with a dynamic refresh scheme,
    MICRO 2011. 0 refreshes none. A number between is after A. Jog et al., Cache revive, DAC 2012.

    A write renews the whole line, as wear counts it: arrays write lines. See hwmodel.cache.retention.
    """

    accesses: int
    refresh_ways: int | None = None

    def __post_init__(self) -> None:
        whole(self.accesses, "retention", MAX_RETENTION)
        if self.refresh_ways is not None:
            whole(self.refresh_ways, "refresh_ways", MAX_WAYS, 0)

    @classmethod
    def of(cls, retention_s: float, accesses_per_s: float, refresh_ways: int | None = None) -> "Retention":
        """Return the retention of so many seconds where the cache is accessed at a constant rate.

        Raises:
            InputError: for less than one access, and for what is no positive number.
        """
        for name, value in (("retention_s", retention_s), ("accesses_per_s", accesses_per_s)):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
                raise InputError(f"{name} {value!r}: give a positive number")
        accesses = retention_s * accesses_per_s
        if not 1 <= accesses <= MAX_RETENTION:
            raise InputError(
                f"retention_s {retention_s:g}: {accesses:.3g} accesses at {accesses_per_s:g} a second; "
                f"give from 1 to {MAX_RETENTION:.3g}"
            )
        return cls(int(accesses), refresh_ways)


@dataclass(frozen=True)
class CacheConfig:
    """A set-associative cache; as it comes: exact LRU, write-back, write-allocate.

    Args:
        capacity: bytes of data, as a whole number or as text such as `3MiB`; capacity / (ways * line), the number of
            sets, is whole but need not be a power of two.
        ways: lines a set holds, 1 to 64.
        line: bytes of a line, 32, 64, 128 or 256, as a number or as text.
        index: how a line's set is chosen, see hwmodel.cache.index: `hashed`, `modulo` (line number % sets), or, where
            the sets of a slice are a power of two, `xor` or `ipoly`.
        sector: None for the classic cache, which fills a whole line at any miss; 32 for the sectored cache of GPUs,
            which keeps valid and dirty bits a 32 B sector, fetches only sectors that are read, and fetches nothing for
            a write.
        slices: parts of equal size, of whole sets, between which lines are spread.
        policy: which line of a full set goes: `lru`, `fifo`, `plru` (a tree; ways a power of two), `srrip`, `drrip` or
            `random`, see hwmodel.cache.policies. All but LRU take each access by itself, and take longer.
        seed: of `random`, and of the rare insertions of `drrip`.
        write: `back`, or `through`: every write goes on to memory, and no line is dirty.
        write_miss: what a write does whose line is not there, see hwmodel.cache.writes: `fetch`, `validate` or
            `around`; None for `fetch` where lines are whole and `validate` where they have sectors.
        wear: count the writes of each slot of the array, fills among them: lines then keep their slots.
        hybrid: some ways SRAM and the others MRAM; needs `lru`, and counts wear as well.
        byte_masks: know each byte of a sector written in part, so that writes that cover it together make it whole;
            without, such a sector always waits for a fetch. Not with `hybrid`.
        retention: how long cells keep what is written, and what becomes of lines then; None for ever. Not with hybrid;
            refreshing some ways alone needs `lru`.

    Raises:
        InputError: for a value outside these ranges.
    """

    capacity: int
    ways: int = 16
    line: int = 128
    index: str = "hashed"
    sector: int | None = None
    slices: int = 1
    policy: str = "lru"
    seed: int = 0
    write: str = "back"
    write_miss: str | None = None
    wear: bool = False
    hybrid: Hybrid | None = None
    byte_masks: bool = False
    retention: Retention | None = None

    def __init__(
        self,
        capacity: int | str,
        ways: int = 16,
        line: int | str = 128,
        index: str = "hashed",
        sector: int | str | None = None,
        slices: int = 1,
        policy: str = "lru",
        seed: int = 0,
        write: str = "back",
        write_miss: str | None = None,
        wear: bool = False,
        hybrid: Hybrid | None = None,
        byte_masks: bool = False,
        retention: Retention | None = None,
    ) -> None:
        values = {
            "capacity": bytes_of(capacity, "capacity"),
            "ways": whole(ways, "ways", MAX_WAYS),
            "line": bytes_of(line, "line"),
            "index": index,
            "sector": None if sector is None else bytes_of(sector, "sector"),
            "slices": whole(slices, "slices", MAX_SLICES),
            "policy": policy,
            "seed": whole(seed, "seed", MAX_SEED, 0),
            "write": write,
            "write_miss": write_miss,
            "wear": wear or hybrid is not None,
            "hybrid": hybrid,
            "byte_masks": byte_masks,
            "retention": retention,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        if self.line not in LINES:
            raise InputError(f"line {self.line}: give 32, 64, 128 or 256 bytes")
        one_of(self.index, "index", INDICES)
        one_of(self.policy, "policy", POLICIES)
        one_of(self.write, "write", WRITES)
        if self.write_miss is not None:
            one_of(self.write_miss, "write_miss", WRITE_MISSES)
        if not isinstance(self.wear, bool):
            raise InputError(f"wear {self.wear!r}: give True or False")
        if not isinstance(self.byte_masks, bool):
            raise InputError(f"byte_masks {self.byte_masks!r}: give True or False")
        if self.policy == "plru" and self.ways & (self.ways - 1):
            raise InputError(f"policy 'plru': needs a power of two of ways, not {self.ways}; give srrip or lru")
        if self.sector not in (None, SECTOR_BYTES):
            raise InputError(f"sector {self.sector}: give {SECTOR_BYTES}, or none for whole lines")
        if self.hybrid is not None:
            self._check_hybrid(self.hybrid)
        if self.retention is not None:
            self._check_retention(self.retention)
        if self.capacity % (self.ways * self.line):
            raise InputError(
                f"capacity {self.capacity}: {self.ways} ways of {self.line} B leave no whole number of sets; "
                f"give a multiple of {self.ways * self.line} B"
            )
        if self.sets % self.slices:
            raise InputError(f"slices {self.slices}: do not divide the {self.sets} sets; give a number that does")
        own = self.sets // self.slices
        if self.index in POWERS and own & (own - 1):
            raise InputError(f"index {self.index!r}: needs a power of two of sets a slice, not {own}; give hashed")
        if self.state_bytes > MAX_STATE_BYTES:
            raise InputError(
                f"capacity {self.capacity}: its replay would need {self.state_bytes / 2**30:.0f} GiB of memory; "
                f"give a smaller capacity, more ways or longer lines"
            )

    def _check_hybrid(self, hybrid: Hybrid) -> None:
        if not isinstance(hybrid, Hybrid):
            raise InputError(f"hybrid {hybrid!r}: give Hybrid(sram_ways, migrate_after), or None")
        if hybrid.sram_ways >= self.ways:
            raise InputError(f"sram_ways {hybrid.sram_ways}: leave no MRAM of {self.ways} ways; give fewer")
        if self.policy != "lru":
            raise InputError(f"hybrid: goes with policy 'lru', not {self.policy!r}")
        if self.byte_masks:
            raise InputError("byte_masks: not known of hybrid caches; give one of the two")

    def _check_retention(self, retention: Retention) -> None:
        if not isinstance(retention, Retention):
            raise InputError(f"retention {retention!r}: give Retention(accesses, refresh_ways), or None")
        if self.hybrid is not None:
            raise InputError("retention: does not go with hybrid ways; give one of the two")
        if 0 < self.refreshed_ways < self.ways and self.policy != "lru":
            raise InputError(f"refresh_ways {retention.refresh_ways}: goes with policy 'lru', not {self.policy!r}")

    @property
    def refreshed_ways(self) -> int:
        """How many lines of a set, those used last, are refreshed when their time has come."""
        if self.retention is None or self.retention.refresh_ways is None:
            return self.ways
        return min(self.retention.refresh_ways, self.ways)

    @property
    def sets(self) -> int:
        """Number of sets."""
        return self.capacity // (self.ways * self.line)

    @property
    def slots(self) -> int:
        """Ways rounded up to whole groups of slots: how a set lies in memory during a replay."""
        return -(-self.ways // SLOTS) * SLOTS

    @property
    def stored_slots(self) -> int:
        """Slots of all sets, which are rounded up to whole groups too."""
        return -(-self.sets // SPREAD) * SPREAD * self.slots

    @property
    def state_bytes(self) -> int:
        """Bytes of memory a replay may need for this cache.

        At most an 8 B tag and two bytes of sector bits a slot; where they keep their slots, an age and two counts too;
        where they forget, three numbers more; and four bytes a sector for which bytes of it are there.
        """
        slot = 10 if self.plain else 30 if self.retention is None else 54
        return self.stored_slots * (slot + (4 * self.sectors_per_line if self.byte_masks else 0))

    @property
    def on_write_miss(self) -> str:
        """What a write miss does, None resolved."""
        return self.write_miss or ("fetch" if self.sector is None else "validate")

    @property
    def plain(self) -> bool:
        """Whether the cache is one that hwmodel.cache.lru knows, the fastest to replay."""
        usual = "fetch" if self.sector is None else "validate"
        kind = (self.policy, self.write, self.on_write_miss, self.wear, self.byte_masks, self.retention)
        return kind == ("lru", "back", usual, False, False, None)

    @property
    def writes_lines(self) -> bool:
        """Whether an evicted dirty line is written whole, rather than its dirty sectors."""
        return self.sector is None and self.on_write_miss != "validate"

    @property
    def sectors_per_line(self) -> int:
        return self.line // SECTOR_BYTES
