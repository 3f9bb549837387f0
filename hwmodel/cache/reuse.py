"""Every capacity at once, exactly, from LRU stack distances."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from circuits.errors import InputError
from hwmodel.cache import stack
from hwmodel.cache.accesses import Accesses, accesses_of, parts_of
from hwmodel.cache.config import LINES, SECTOR_BYTES
from hwmodel.cache.distances import Distances, distances_of
from hwmodel.cache.progress import batches_of
from hwmodel.cache.set_reuse import SetReuse
from traces.stream import Intervals

if TYPE_CHECKING:
    from traces.trace import Trace

_FIRST_LINES = 1 << 12
_MOST_LINES = 1 << 28  # moments are int32


class Reuse:
    """Stack distances of accesses fed piece by piece; memory is some 80 B a distinct line, and 8 B a sector.

    Args:
        line: bytes of a line: 32, 64, 128 or 256.
        sector: None for caches that fill whole lines, 32 for sectored ones, see CacheConfig.

    Raises:
        InputError: for another line or sector.
    """

    def __init__(self, line: int = 128, sector: int | None = None) -> None:
        if line not in LINES:
            raise InputError(f"line {line!r}: give 32, 64, 128 or 256 bytes")
        if sector not in (None, SECTOR_BYTES):
            raise InputError(f"sector {sector!r}: give {SECTOR_BYTES}, or None for whole lines")
        self.line = int(line)
        self._stack = stack.Stack.empty(_FIRST_LINES, self.line // SECTOR_BYTES if sector else 0)

    def feed(self, batch: Intervals) -> None:
        """Take in a batch of intervals.

        Raises:
            InputError: for intervals that cannot be, and for more distinct lines than memory holds.
        """
        for part in accesses_of(batch):
            self._follow(part)

    def feed_addresses(self, address: Any, is_write: Any) -> None:
        """Take in sector accesses given as byte addresses and kinds (true for a write).

        Raises:
            InputError: for addresses that are no whole numbers from 0, kinds that are not true or false, and lengths
                that differ.
        """
        for part in parts_of(address, is_write):
            self._follow(part)

    def _follow(self, part: Accesses) -> None:
        done, line_bits = 0, self.line.bit_length() - 1
        while True:
            done += stack.follow(part.address[done:], part.write[done:], part.whole[done:], line_bits, self._stack)
            if done == len(part.address):
                return
            room = 2 * len(self._stack.last)
            if room > _MOST_LINES:
                raise InputError(f"line {self.line}: more than {_MOST_LINES} distinct lines; give a longer line")
            try:
                self._stack = self._stack.grown()
            except MemoryError:
                raise InputError(f"line {self.line}: no memory for {room} distinct lines; give a longer line") from None

    def result(self) -> Distances:
        """Return what the accesses so far say."""
        return distances_of(self._stack, self.line)


def reuse_distances(address: Any, line: int = 128, is_write: Any = None, sector: int | None = None) -> Distances:
    """Return the LRU stack distances of sector accesses.

    Args:
        address: byte addresses, whole numbers from 0, shape (accesses,); each is one access to a sector.
        line: bytes of a line: 32, 64, 128 or 256.
        is_write: booleans, or 0 and 1, of the same shape; None where all are reads.
        sector: None for caches that fill whole lines, 32 for sectored ones.

    Raises:
        InputError: for addresses, kinds and lines that cannot be, and arrays that do not match.
    """
    run = Reuse(line, sector)
    run.feed_addresses(address, is_write)
    return run.result()


def feed_trace(trace: "Trace", into: Reuse | SetReuse, on_progress: Callable[[float], None] | None = None) -> None:
    """Take in a whole trace.

    Args:
        trace: what was captured or read.
        into: Reuse(line) or SetReuse(sets, line, index).
        on_progress: called after each batch with the fraction done, 0 to 1, by kernels.

    Raises:
        InputError: for intervals that no trace may hold, and for more distinct lines than memory holds.
    """
    for batch in batches_of(trace, on_progress):
        into.feed(batch)
