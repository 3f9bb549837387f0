"""Whom an access counts for: the kernel that makes it, the layer of that, the tensor it touches, or several."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.errors import InputError
from hwmodel.cache.compiled import Whole, kernel

if TYPE_CHECKING:
    import pandas as pd

    from traces.stream import Intervals
    from traces.trace import Trace

# What counts may be told apart by, and the fields of a kernel or a tensor that come with it.
KERNELS = {
    "kernel": ("name", "operator", "layer", "phase"),
    "name": ("name",),
    "operator": ("operator",),
    "layer": ("layer",),
    "phase": ("phase",),
}
TENSORS = {"tensor": ("name", "kind"), "kind": ("kind",)}
_NOBODY = np.uint64(2**64 - 1)  # marks an empty place; no pair of 32-bit numbers below 2**32 - 1 has this key
_SHIFT, _MIXER = np.uint64(32), np.uint64(0x9E3779B97F4A7C15)


class Attribution:
    """Gives each interval of a trace the number of a row, in the order in which rows are first met.

    Args:
        trace: whose kernels and tensors intervals name.
        by: names among those of KERNELS and TENSORS, at least one.

    Raises:
        InputError: for names that are none of these.
    """

    def __init__(self, trace: "Trace", by: Sequence[str]) -> None:
        known = [*KERNELS, *TENSORS]
        for name in by:
            if name not in known:
                raise InputError(f"by {name!r}: unknown; give some of {', '.join(known)}, or None for totals")
        self.by = tuple(dict.fromkeys(by))
        self._kernels, self._kernel_of = _groups(trace.kernels, [name for name in self.by if name in KERNELS], KERNELS)
        self._tensors, self._tensor_of = _groups(trace.tensors, [name for name in self.by if name in TENSORS], TENSORS)
        self._keys = np.full(1 << 10, _NOBODY, np.uint64)
        self._values = np.zeros(len(self._keys), np.int64)
        self._apart = bool(set(self.by) & set(TENSORS))  # else rows are groups of kernels, with or without an access
        self.rows = 0 if self._apart else len(self._kernels)

    def of(self, batch: "Intervals") -> np.ndarray:
        """Return each interval's row, int64.

        Raises:
            InputError: for a kernel or a tensor that the trace has not.
        """
        _within(batch.kernel, self._kernel_of, "kernel")
        if not self._apart:
            return self._kernel_of[batch.kernel].astype(np.int64)
        _within(batch.tensor, self._tensor_of, "tensor")
        owner = np.empty(len(batch.kernel), np.int64)
        kernels, tensors = (np.require(c, np.uint32, ["C", "A", "W"]) for c in (batch.kernel, batch.tensor))
        done = 0
        while True:
            done, self.rows = _number(
                kernels, tensors, self._kernel_of, self._tensor_of, done, self.rows, self._keys, self._values, owner
            )
            if done == len(owner):
                return owner
            self._grow()

    def _grow(self) -> None:
        full = self._keys != _NOBODY
        keys, values = self._keys[full], self._values[full]
        self._keys = np.full(4 * len(self._keys), _NOBODY, np.uint64)
        self._values = np.zeros(len(self._keys), np.int64)
        _enter(keys, values, self._keys, self._values)

    def labels(self) -> "pd.DataFrame":
        """Return what each row stands for: the numbers and the names of its kernel, layer, tensor, ..., a row each."""
        import pandas as pd

        if not self._apart:
            return pd.DataFrame(self._kernels)
        pairs = np.empty(self.rows, np.uint64)
        full = self._keys != _NOBODY
        pairs[self._values[full]] = self._keys[full]
        return pd.DataFrame(
            [self._kernels[int(pair >> _SHIFT)] | self._tensors[int(pair & np.uint64(0xFFFFFFFF))] for pair in pairs]
        )


def _within(column: np.ndarray, known: np.ndarray, what: str) -> None:
    if len(column) and int(column.max()) >= len(known):
        raise InputError(f"{what} {int(column.max())}: the trace has only {len(known)} {what}s")


def _groups(
    items: Sequence[Any], by: list[str], fields: dict[str, tuple[str, ...]]
) -> tuple[list[dict[str, object]], np.ndarray]:
    """Return the labels of each group of items that `by` does not tell apart, and each item's group."""
    found: dict[tuple[tuple[str, object], ...], int] = {}
    group = np.zeros(max(len(items), 1), np.uint32)
    for number, item in enumerate(items):
        label: dict[str, object] = {}
        for name in by:
            if name == "kernel":
                label["kernel"] = number
            if name == "tensor":
                label["tensor"] = number
            tensor = fields is TENSORS
            label |= {f"tensor_{field}" if tensor else field: getattr(item, field) for field in fields[name]}
        group[number] = found.setdefault(tuple(label.items()), len(found))
    return [dict(label) for label in found] or [{}], group[: len(items)]


@kernel
def _place(key: np.uint64, keys: np.ndarray) -> Whole:
    """Return where a key is, or would be, in a table that is a power of two long and not full."""
    mask = np.uint64(keys.size - 1)
    place = ((key * _MIXER) >> _SHIFT) & mask
    while keys[place] != key and keys[place] != _NOBODY:
        place = (place + np.uint64(1)) & mask
    return np.int64(place)


@kernel
def _number(
    kernels: np.ndarray, tensors: np.ndarray, kernel_of: np.ndarray, tensor_of: np.ndarray, begin: Whole, rows: Whole,
    keys: np.ndarray, values: np.ndarray, owner: np.ndarray,
) -> tuple[Whole, Whole]:  # fmt: skip
    """Fill `owner` from `begin` on; stop where the table is half full. Return where, and the rows there are now."""
    last, row = _NOBODY, np.int64(0)
    for i in range(begin, kernels.size):
        key = (np.uint64(kernel_of[kernels[i]]) << _SHIFT) | np.uint64(tensor_of[tensors[i]])
        if key != last:
            place = _place(key, keys)
            if keys[place] == _NOBODY:
                if 2 * rows >= keys.size:
                    return i, rows
                keys[place] = key
                values[place] = rows
                rows += 1
            last, row = key, values[place]
        owner[i] = row
    return np.int64(kernels.size), np.int64(rows)


@kernel
def _enter(some: np.ndarray, numbers: np.ndarray, keys: np.ndarray, values: np.ndarray) -> None:
    """Enter keys and their values in a table that has room for them."""
    for i in range(some.size):
        place = _place(some[i], keys)
        keys[place] = some[i]
        values[place] = numbers[i]
