"""Room for a block of records (visits to lines, see hwmodel.cache.lru), made once and filled again and again.

Records are counted in rows, such as one a kernel: `ends` and `rows` say up to which record each row reaches.
"""

from typing import NamedTuple

import numpy as np

from hwmodel.cache.words import SLACK, WORD

BLOCK = 2048  # records; with where they fall and what they find 64 KiB
INTERVAL, ROW, LINE, PLACES = range(4)  # where in a batch the next block begins: interval, row of it, line of that


class Block(NamedTuple):
    """Room for a block of records, and for where they fall and what they find in the cache at hand."""

    line: np.ndarray  # uint64
    what: np.ndarray  # uint32
    places: np.ndarray  # uint32
    seen: np.ndarray  # uint32
    quotients: np.ndarray  # uint64
    wanted: np.ndarray  # uint32, slots of a packed cache
    ends: np.ndarray  # int64, past the last record of each run of records that count in one row
    rows: np.ndarray  # int64, that row
    at: np.ndarray  # int64 (PLACES,), where the next block begins
    rest: np.ndarray  # uint64 (65,), the last addresses
    rest_writes: np.ndarray  # bool (65,), and kinds of an array, which no whole word follows

    @classmethod
    def empty(cls, size: int = BLOCK) -> "Block":
        """Return room for so many records."""
        kinds = (np.uint64, np.uint32, np.uint32, np.uint32, np.uint64, np.uint32, np.int64, np.int64)
        records = [np.empty(size + SLACK, kind) for kind in kinds]
        rest = np.zeros(WORD + 1, np.uint64), np.zeros(WORD + 1, np.bool_)
        return cls(*[*records, np.zeros(PLACES, np.int64), *rest])
