"""Evaluate a part once for each distinct form of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np


def _dense(values: Any) -> tuple[Any, int]:
    """Return whole numbers from 0 in the order of non-negative whole values, and how many there are."""
    if values.max(initial=0) > 4 * len(values):  # most are small numbers times a power of two
        low = np.maximum(values & -values, 1)
        values = values // low * 64 + np.log2(low).astype(np.int64)
    if values.max(initial=0) > 4 * len(values):
        found, index = np.unique(values, return_inverse=True)
        return index, len(found)
    table = np.zeros(int(values.max(initial=0)) + 1, dtype=np.int64)
    table[values] = 1
    count = np.cumsum(table)
    return (count - 1)[values], int(count[-1])


@dataclass(frozen=True)
class Groups:
    """Indices of the first of each distinct combination, and to which of these each belongs."""

    first: Any
    of: Any

    def take(self, part: Any) -> Any:
        """Return a part's figures, held for the distinct combinations, for all."""
        return type(part)(*(np.broadcast_to(v, self.first.shape)[self.of] for v in vars(part).values()))


def groups(*keys: Any) -> Groups:
    """Return the distinct combinations of arrays of whole, non-negative numbers, each below some ten millions."""
    code, size = _dense(np.asarray(keys[0]).astype(np.int64))
    for key in keys[1:]:
        more, count = _dense(np.asarray(key).astype(np.int64))
        code, size = _dense(code * count + more)
    first = np.empty(size, dtype=np.int64)
    first[code[::-1]] = np.arange(len(code))[::-1]
    return Groups(first, code)
