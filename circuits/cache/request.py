"""A cache that is asked for, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from circuits.array.cache import MODES, Shape
from circuits.array.search import Target
from circuits.cache.targets import TARGETS, limited, weighted
from circuits.ecc import Protection
from circuits.errors import InputError
from circuits.quantity import parse_bytes

LINES = (16, 512)
MOST_WAYS = 64
MOST_BYTES = 1 << 33  # beyond, no bank of at most 1024 x 1024 mats holds it


@dataclass(frozen=True)
class Request:
    """A cache asked for. `limits` are on figures of `Totals`."""

    capacity_bytes: int
    ways: int
    line_bytes: int
    name: str
    target: Target
    modes: tuple[str, ...]
    limits: Mapping[str, float]
    organization: Mapping[str, Any] | None = None
    protection: Protection | None = None

    @property
    def shape(self) -> Shape:
        """Return the cache's sets, ways and words, check bits included."""
        check_bits = self.protection.check_bits if self.protection else 0
        sets = self.capacity_bytes // (self.ways * self.line_bytes)
        return Shape(sets, self.ways, 8 * self.line_bytes + check_bits, self.line_bytes)


def check(capacity: int | str, ways: int, line: int | str, target: str | Mapping[str, float], mode: str | None,
          limits: Mapping[str, float] | None = None) -> Request:  # fmt: skip
    """Return a checked request.

    Raises:
        InputError: for the first value that cannot be used.
    """
    size, line_bytes = parse_bytes(capacity), parse_bytes(line, "line")
    if isinstance(ways, bool) or not isinstance(ways, Integral) or not 1 <= ways <= MOST_WAYS:
        raise InputError(f"ways {ways!r}: give a whole number from 1 to {MOST_WAYS}")
    if not LINES[0] <= line_bytes <= LINES[1] or line_bytes & (line_bytes - 1):
        raise InputError(f"line {line!r}: give a power of two from {LINES[0]} to {LINES[1]} bytes")
    if size < ways * line_bytes:
        raise InputError(
            f"capacity {capacity!r}: less than one set of {ways} ways x {line_bytes} B; give at least that"
        )
    if size % (ways * line_bytes):
        raise InputError(
            f"capacity {capacity!r}: not a whole number of sets of {ways} ways x {line_bytes} B = {ways * line_bytes} B"
        )
    if size > MOST_BYTES:
        raise InputError(f"capacity {capacity!r}: more than {MOST_BYTES >> 30} GiB")
    if mode is not None and mode not in MODES:
        raise InputError(f"mode {mode!r}: unknown; known are {', '.join(MODES)}, or none for the best of the three")
    if isinstance(target, Mapping):
        name, chosen = "weighted", weighted(target)
    elif target in TARGETS:
        name, chosen = target, TARGETS[target][1]
    else:
        raise InputError(f"target {target!r}: unknown; known are {', '.join(TARGETS)}")
    return Request(size, int(ways), line_bytes, name, chosen, (mode,) if mode else MODES, limited(limits))
