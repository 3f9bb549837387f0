"""What a hierarchy is: levels of caches from the cores down, and a DRAM with rows below them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from circuits.errors import InputError
from hwmodel.cache.config import SECTOR_BYTES, CacheConfig

HOLDS = ("neither", "inclusive", "exclusive")
FIELDS = ("column", "channel", "rank", "bank", "row")
_ADDRESS_BITS = 64
_MOST_BANKS = _MOST_UNITS = 1 << 20


@dataclass(frozen=True)
class Level:
    """Caches of one level.

    Args:
        cache: what each of them is.
        units: how many there are: one a core or SM, or 1 where all share it.
        holds: what it holds of the level above: `inclusive`, all of it, so that a line that goes here goes there too;
            `exclusive`, only what was evicted there, and no line that is there; `neither` of the two.
    """

    cache: CacheConfig
    units: int = 1
    holds: str = "neither"

    def __post_init__(self) -> None:
        if not isinstance(self.cache, CacheConfig):
            raise InputError(f"level: {self.cache!r} is no CacheConfig; give CacheConfig(capacity, ways, line)")
        if self.cache.hybrid is not None:
            raise InputError("level: hybrid caches are replayed alone; give one without hybrid")
        if self.cache.byte_masks:
            raise InputError("level: byte masks are known of caches replayed alone; give one without")
        if self.cache.retention is not None:
            raise InputError("level: caches that forget are replayed alone; give one without retention")
        if not isinstance(self.units, int) or isinstance(self.units, bool) or not 1 <= self.units <= _MOST_UNITS:
            raise InputError(f"units {self.units!r}: give a whole number from 1 to {_MOST_UNITS}")
        if self.holds not in HOLDS:
            raise InputError(f"holds {self.holds!r}: give {', '.join(HOLDS[:-1])} or {HOLDS[-1]}")


@dataclass(frozen=True)
class Dram:
    """Banks that each keep one row open until another of theirs is asked for.

    Args:
        mapping: what the bits of a byte address mean, from the lowest: `name:bits` with column, channel, rank, bank or
            row, each as often as needed; the last, `row`, takes the rest. Columns are bytes of a row, and the lowest
            five bits are of a column, so that a sector lies in one row.
        hashed: a bank's number is xored with the row's low bits. Z. Zhang, Z. Zhu, X. Zhang, A permutation-based page
            interleaving scheme, MICRO 2000.
    """

    mapping: str = "column:8 channel:3 column:3 bank:4 row"
    hashed: bool = False
    pieces: tuple[tuple[int, int, int], ...] = field(init=False, repr=False, compare=False)  # field, shift, bits

    def __post_init__(self) -> None:
        right = "give name:bits from the lowest, the last row alone, such as column:8 channel:3 column:3 bank:4 row"
        words = self.mapping.split() if isinstance(self.mapping, str) else []
        if not words or words[-1] != "row":
            raise InputError(f"mapping {self.mapping!r}: {right}")
        pieces, shift = [], 0
        for word in words[:-1]:
            name, _, bits = word.partition(":")
            if name not in FIELDS or not (bits.isascii() and bits.isdigit()) or not 1 <= int(bits) < _ADDRESS_BITS:
                raise InputError(f"mapping {self.mapping!r}: {word!r}; {right}")
            pieces.append((FIELDS.index(name), shift, int(bits)))
            shift += int(bits)
        if shift >= _ADDRESS_BITS:
            raise InputError(f"mapping {self.mapping!r}: {shift} bits before the row; give at most {_ADDRESS_BITS - 1}")
        if not pieces or pieces[0][0] != 0 or 1 << pieces[0][2] < SECTOR_BYTES:
            raise InputError(f"mapping {self.mapping!r}: the lowest 5 bits must be of a column: begin with column:5")
        pieces.append((FIELDS.index("row"), shift, _ADDRESS_BITS - shift))
        object.__setattr__(self, "pieces", tuple(pieces))
        if self.banks > _MOST_BANKS:
            raise InputError(f"mapping {self.mapping!r}: {self.banks} banks; give at most {_MOST_BANKS}")

    def bits(self, *names: str) -> int:
        """Return how many bits of an address are of the named fields."""
        return sum(bits for number, _, bits in self.pieces if FIELDS[number] in names)

    @property
    def banks(self) -> int:
        """Banks of all ranks and channels."""
        return 1 << self.bits("channel", "rank", "bank")

    @property
    def row_bytes(self) -> int:
        return 1 << self.bits("column")


@dataclass(frozen=True)
class Hierarchy:
    """Levels from the one next to the cores down, and the DRAM below them.

    The access of source s goes to unit s of the first level; a level of fewer units is shared by neighbours. Private
    copies are not kept coherent, as the first-level caches of GPUs are not.

    Raises:
        InputError: for lines of unlike sizes, units that do not divide those of the level above, and an exclusive level
            that writes through or is below one that does.
    """

    levels: tuple[Level, ...]
    dram: Dram = Dram()

    def __init__(self, levels: Sequence[Level], dram: Dram | None = None) -> None:
        object.__setattr__(self, "levels", tuple(levels))
        object.__setattr__(self, "dram", dram or Dram())
        if not self.levels or not all(isinstance(level, Level) for level in self.levels):
            raise InputError("levels: give at least one Level(CacheConfig(capacity, ways, line))")
        if self.levels[0].holds != "neither":
            raise InputError(f"holds {self.levels[0].holds!r}: the first level has none above it; give neither")
        for number, (above, below) in enumerate(pairwise(self.levels), 2):
            if above.cache.line != below.cache.line:
                raise InputError(
                    f"level {number}: lines of {below.cache.line} B below lines of {above.cache.line} B; give one size"
                )
            if above.units % below.units:
                raise InputError(f"level {number}: {below.units} units do not divide the {above.units} above it")
            if below.holds == "exclusive" and "through" in (above.cache.write, below.cache.write):
                raise InputError(f"level {number}: exclusive, yet it or the level above writes through; give back")
