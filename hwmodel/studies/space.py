"""The designs a search may choose from: a list of choices for each factor, and which of their combinations are one."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from circuits.errors import InputError

MAX_DESIGNS = 1 << 22  # all are numbered in memory


@dataclass(frozen=True)
class Design:
    """A last-level cache, and the GPU it serves. A cache with `sram_ways` has its other ways of `cell`."""

    node: str
    cell: str
    capacity: int  # bytes, of all ways
    ways: int
    line: int  # bytes
    sram_ways: int
    gpu: str


FACTORS = tuple(field.name for field in fields(Design))
UNORDERED = ("cell", "gpu")  # the choices of other factors come in an order that says which are near
CELL, WAYS, SRAM_WAYS = (FACTORS.index(name) for name in ("cell", "ways", "sram_ways"))


class Space:
    """Every combination of choices that is a design, numbered.

    Some ways of SRAM leave some of another cell, and are pointless beside a volatile one: such combinations are none.

    Args:
        choices: of each factor, in the order of FACTORS.
        volatile: cells that go with `sram_ways` 0 alone.

    Raises:
        InputError: for no design at all, more than MAX_DESIGNS, and a choice that no design has.
    """

    def __init__(self, choices: Sequence[Sequence[str | int]], volatile: set[str]) -> None:
        self.choices = [list(values) for values in choices]
        self.shape = tuple(len(values) for values in self.choices)
        whole = int(np.prod(np.array(self.shape, dtype=object)))
        if whole > MAX_DESIGNS:
            raise InputError(f"explore: {whole} combinations, more than {MAX_DESIGNS}; give shorter lists")
        codes = np.stack(np.unravel_index(np.arange(whole), self.shape), axis=1).astype(np.int16)
        ways = np.array(self.choices[WAYS])[codes[:, WAYS]]
        sram = np.array(self.choices[SRAM_WAYS])[codes[:, SRAM_WAYS]]
        alone = np.array([cell in volatile for cell in self.choices[CELL]])[codes[:, CELL]]
        valid = (sram == 0) | ((sram < ways) & ~alone)
        self.codes: np.ndarray = codes[valid]  # int16, shape (designs, factors): places among the choices
        self._number = np.full(whole, -1, np.int64)
        self._number[valid] = np.arange(len(self.codes))
        for place, name in enumerate(FACTORS):
            missing = set(range(self.shape[place])) - set(np.unique(self.codes[:, place]).tolist())
            if missing:
                value = self.choices[place][min(missing)]
                right = "SRAM ways are fewer than all, and go with cells that keep their bits without power"
                raise InputError(f"explore: {name} {value!r} is of no design; {right}")

    def __len__(self) -> int:
        return len(self.codes)

    def design(self, number: int) -> Design:
        """Return a design by its number."""
        return Design(*(values[place] for values, place in zip(self.choices, self.codes[number], strict=True)))  # type: ignore[arg-type]

    def numbers(self, codes: np.ndarray) -> np.ndarray:
        """Return the number of each row of places, or of the design nearest to it in cell, ways and SRAM ways."""
        codes = np.asarray(codes, dtype=np.int64).copy()
        mended = self._nearest[codes[:, CELL], codes[:, WAYS], codes[:, SRAM_WAYS]]
        codes[:, [CELL, WAYS, SRAM_WAYS]] = mended
        return self._number[np.ravel_multi_index(tuple(codes.T), self.shape)]

    @cached_property
    def _nearest(self) -> np.ndarray:
        """Return the valid (cell, ways, SRAM ways) nearest to each: other SRAM ways rather than ways, those rather
        than another cell; shape (cells, ways, splits, 3).
        """
        three = [CELL, WAYS, SRAM_WAYS]
        valid = np.unique(self.codes[:, three], axis=0).astype(np.int64)
        every = np.stack(np.unravel_index(np.arange(np.prod([self.shape[place] for place in three])),
                                          [self.shape[place] for place in three]), axis=1)  # fmt: skip
        apart = np.abs(every[:, None] - valid[None]) @ np.array([1 << 20, 1 << 10, 1])
        return valid[apart.argmin(axis=1)].reshape(*(self.shape[place] for place in three), 3)
