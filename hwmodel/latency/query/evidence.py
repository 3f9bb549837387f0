"""What a predictor's file keeps of how it was fitted, so that a report can show how far it is to be believed.

Predictions here were made without what they are held against: a sample from the other samples, a block by the
corrections of the other kinds of blocks (prices of terms, and of many samples the weights, are those of all), a network
of the same session from blocks alone.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

MOST = 1000  # measurements that are kept; of more, as many spread evenly over all
_Positive = Annotated[float, Field(allow_inf_nan=False, gt=0)]
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Name = Annotated[str, Field(max_length=200)]
# From what an interval's reach was learned: other devices that play this one, what was left out itself, or nothing.
Reach = Literal["sources", "left out", "normal law"]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LeftOut(_Row):
    """A measurement, and what was predicted without it."""

    name: _Name
    group: _Name = ""  # a block's kind, a network's family
    measured: _Positive
    mean: _Positive
    deviation: Annotated[float, Field(allow_inf_nan=False, ge=0)]  # of the logarithm
    floor: _Positive | None = None  # what the simplest model says, without it too


class Source(_Row):
    """A device that was learned from."""

    name: _Name
    family: _Name
    kind: _Name = ""  # of sources that resemble each other; empty for none
    weight: _Finite | None = None  # its part of the predicted shape; with `without_sources` they add up to 1
    correlation: _Finite | None = None  # of the logarithms of its times with the samples'


class Next(_Row):
    """An architecture whose measurement would teach the most, and what is predicted of it."""

    name: _Name
    mean: _Positive
    deviation: Annotated[float, Field(allow_inf_nan=False, ge=0)]


class Evidence(_Row):
    """What a fit leaves behind to be shown."""

    left_out: Annotated[list[LeftOut], Field(max_length=MOST)]
    networks: Annotated[list[LeftOut], Field(max_length=MOST)] = []  # measured, and never learned from
    sources: Annotated[list[Source], Field(max_length=MOST)] = []
    kinds: dict[_Name, _Finite] = {}  # belief in each kind of sources; `all` is of all together
    next: Annotated[list[Next], Field(max_length=100)] = []
    floor: _Name = ""  # what the simplest model is
    reach: Reach = "normal law"


T = TypeVar("T")


def thinned(rows: Sequence[T]) -> list[T]:
    """Return MOST of the rows, spread evenly, where there are more."""
    if len(rows) <= MOST:
        return list(rows)
    return [rows[place] for place in np.linspace(0, len(rows) - 1, MOST).astype(int).tolist()]


def short(name: object) -> str:
    """Return a name as it is kept: one line, at most 200 characters."""
    return " ".join(str(name).split())[:200]


def line(quantity: np.ndarray, times: np.ndarray, groups: np.ndarray) -> list[float | None]:
    """Return what a straight line in one quantity says of each time (n,), its group left out; None where it cannot.

    The line is of least squares of relative errors, and not below a tenth of the least time.

    Args:
        quantity: (n,), such as multiply-accumulates.
        times: (n,), positive.
        groups: (n,), what is left out together.
    """
    found: list[float | None] = [None] * len(times)
    columns = np.stack([np.ones(len(times)), quantity / max(float(np.max(quantity, initial=0)), 1e-300)], axis=1)
    for group in np.unique(groups):
        kept = groups != group
        if len(np.unique(columns[kept, 1])) < 2:
            continue
        weights = np.linalg.lstsq(columns[kept] / times[kept, None], np.ones(kept.sum()), rcond=None)[0]
        for place in np.flatnonzero(~kept):
            found[place] = float(max(columns[place] @ weights, times.min() / 10))
    return found
