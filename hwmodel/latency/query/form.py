"""The compiled form of a predictor over a search space: tables, and nothing to do but add.

For a network x of L layers, with F_l,c rows of R numbers:

    m(x) = offset + sum_l table[l, x_l] + sum_p pair[p, x_i(p), x_j(p)]
    v(x) = noise + || base + sum_l factor[l, x_l] ||^2

With the link `log` the mean is exp(m) and the interval exp(m - low sqrt(v)) to exp(m + high sqrt(v)); with `identity`
they are m and m -+ q sqrt(v + (relative m)^2). What comes out is in seconds or joules, as `quantity` says.

A small space may be told whole instead: m and v of every network, which need be no sums at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from circuits.errors import InputError
from hwmodel.latency.query.container import Container, read_container, write_container
from hwmodel.latency.query.evidence import Evidence
from hwmodel.latency.spaces import Space, make_space

KIND = "space"
MOST_NUMBERS = 1 << 25  # of one array
Quantity = Literal["latency_s", "energy_J"]
MOST_WHOLE = 1 << 20  # networks of a space that is told whole
_ARRAYS = ("table", "pairs", "pair", "base", "factor", "whole")
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Positive = Annotated[float, Field(allow_inf_nan=False, ge=0)]


class Numbers(BaseModel):
    """What a form says beside its arrays, as it stands in its file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    device: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
    quantity: Quantity
    link: Literal["log", "identity"]
    offset: _Finite = 0.0
    noise: _Positive = 0.0
    relative: _Positive = 0.0
    quantiles: list[Annotated[list[_Positive], Field(min_length=3, max_length=3)]] = []  # level, low, high
    conditions: dict[str, Any] = {}
    provenance: dict[str, Any] = {}
    evidence: Evidence | None = None

    def said(self) -> dict[str, Any]:
        """Return what stands in a file: evidence only where there is some, for readers that know of none."""
        return self.model_dump(exclude={"evidence"} if self.evidence is None else None)


def _nothing() -> np.ndarray:
    return np.zeros(0)  # takes the shape that is due


@dataclass(frozen=True, eq=False)
class Form:
    """A predictor over a space; checked when it is made.

    Args:
        space: of L layers and at most C choices.
        device: the name of what was measured.
        quantity: `latency_s` or `energy_J`.
        link: `log` or `identity`.
        table: shape (L, C), 0 where a layer has fewer choices.
        offset, noise, relative: see above; noise and relative are not negative.
        pairs: places of layers, shape (P, 2), the lower first, none twice.
        pair: shape (P, C, C).
        base: shape (R,).
        factor: shape (L, C, R).
        whole: m and v of every network in the order of `space.all_codes()`, shape (2, S), in place of all sums: offset,
            noise and the other arrays are then 0.
        quantiles: (level, low, high) in rising levels; such an interval reaches so many deviations down and up.
            Without any, there are no intervals.
        conditions: under which was measured, as JSON may hold it.
        provenance: from what it was made, as JSON may hold it.
        evidence: how near it is to what was measured, for a report.

    Raises:
        InputError: where arrays are of other shapes or hold what is not finite.
    """

    space: Space
    device: str
    quantity: Quantity
    link: Literal["log", "identity"]
    table: np.ndarray
    offset: float = 0.0
    noise: float = 0.0
    relative: float = 0.0
    pairs: np.ndarray = field(default_factory=_nothing)
    pair: np.ndarray = field(default_factory=_nothing)
    base: np.ndarray = field(default_factory=_nothing)
    factor: np.ndarray = field(default_factory=_nothing)
    whole: np.ndarray = field(default_factory=_nothing)
    quantiles: tuple[tuple[float, float, float], ...] = ()
    conditions: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    evidence: Evidence | None = None

    def __post_init__(self) -> None:
        make_numbers(self._said())
        length, width = len(self.space.layers), self.space.choices
        for name in _ARRAYS:
            array: np.ndarray = np.asarray(getattr(self, name))
            kinds, kind = ("iu", np.int64) if name == "pairs" else ("iuf", np.float64)
            if array.size > MOST_NUMBERS or (array.size and array.dtype.kind not in kinds):
                raise InputError(f"{name}: no array of up to {MOST_NUMBERS} numbers")
            object.__setattr__(self, name, np.ascontiguousarray(array, kind))
        count, rank = len(self.pairs), self.base.size
        listed = self.space.size if self.whole.size else 0
        if listed > MOST_WHOLE:
            raise InputError(f"whole: {self.space.name} has {listed:.3g} networks, more than {MOST_WHOLE}")
        shapes = {"table": (length, width), "pairs": (count, 2), "pair": (count, width, width), "base": (rank,),
                  "factor": (length, width, rank), "whole": (2, listed)}  # fmt: skip
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.size == 0 and 0 in shape:
                object.__setattr__(self, name, np.zeros(shape, array.dtype))
            elif array.shape != shape:
                raise InputError(f"{name}: shape {array.shape}, not {shape} as {self.space.name} and the rest have it")
            if not np.isfinite(array).all():
                raise InputError(f"{name}: holds what is no finite number")
        self._check_values()
        if self.whole.size:
            self._check_whole()

    def _check_values(self) -> None:
        length, absent = len(self.space.layers), ~self.space.present
        if self.table[absent].any() or self.factor[absent].any():
            raise InputError("table and factor: not 0 where a layer has no such choice")
        if len(self.pairs):
            first, second = self.pairs.T
            if first.min() < 0 or second.max() >= length or (first >= second).any():
                raise InputError(f"pairs: not two layers, the lower first, of {length}")
            if len(np.unique(self.pairs, axis=0)) < len(self.pairs):
                raise InputError("pairs: one is given twice")
            if self.pair[absent[first][:, :, None] | absent[second][:, None, :]].any():
                raise InputError("pair: not 0 where a layer has no such choice")
        levels_of(self.quantiles)

    def _check_whole(self) -> None:
        if self.offset or self.noise or any(getattr(self, name).any() for name in ("table", "pair", "factor", "base")):
            raise InputError("whole: takes the place of sums, which are not 0")
        if (self.whole[1] < 0).any():
            raise InputError("whole: a variance is negative")

    def _said(self) -> dict[str, Any]:
        """Return what stands beside the arrays."""
        said = {name: getattr(self, name) for name in Numbers.model_fields}
        mappings = {name: dict(said[name]) for name in ("conditions", "provenance")}
        numbers = {name: float(said[name]) for name in ("offset", "noise", "relative")}
        return said | mappings | numbers | {"quantiles": [list(map(float, one)) for one in self.quantiles]}

    @property
    def levels(self) -> list[float]:
        """The levels of intervals there are."""
        return [level for level, _, _ in self.quantiles]

    def reach(self, level: float) -> tuple[float, float]:
        """Return how many deviations an interval of a level reaches down and up.

        Raises:
            InputError: for a level that the predictor has no interval of.
        """
        return reach(self.quantiles, level, self.device)


def levels_of(quantiles: Sequence[Sequence[float]]) -> list[float]:
    """Return the levels of (level, low, high), which rise between 0 and 1; raises InputError where they do not."""
    levels = [level for level, _, _ in quantiles]
    if any(not 0 < level < 1 for level in levels) or sorted(set(levels)) != levels:
        raise InputError("quantiles: levels rise, between 0 and 1")
    return levels


def reach(quantiles: Sequence[Sequence[float]], level: float, device: str) -> tuple[float, float]:
    """Return how many deviations an interval of a level reaches down and up, of (level, low, high) a level.

    Raises:
        InputError: for a level that is none of them, naming the device.
    """
    for known, low, high in quantiles:
        if 0 < level < 1 and abs(known - level) < 1e-9:
            return low, high
    have = f"give {', '.join(f'{known:g}' for known, _, _ in quantiles)}" if quantiles else "it has no intervals"
    raise InputError(f"level {level!r}: none of {device}'s; {have}")


def make_numbers(said: Mapping[str, Any]) -> Numbers:
    """Return what stands beside a predictor's arrays, checked; raises InputError for the first that cannot be."""
    try:
        return Numbers.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def write_form(form: Form, path: str | Path) -> None:
    """Write a form to a file, whole or not at all; raises InputError where that cannot be."""
    about = make_numbers(form._said()).said() | {"space": form.space.model_dump(exclude_none=True)}
    write_container(Path(path), Container(KIND, about, {name: getattr(form, name) for name in _ARRAYS}))


def read_form(path: str | Path) -> Form:
    """Return the form that a file holds; raises InputError for a file that holds none."""
    return form_of(read_container(Path(path)), str(path))


def form_of(container: Container, where: str) -> Form:
    """Return the form that a file's contents are.

    Raises:
        InputError: naming `where` and what is not as it must be.
    """
    said = dict(container.about)
    if container.kind != KIND:
        raise InputError(f"{where}: a predictor of kind {container.kind[:40]!r}, not {KIND!r}")
    declared = said.pop("space", None)
    if not isinstance(declared, dict) or not {"table"} <= set(container.arrays) <= set(_ARRAYS):
        raise InputError(f"{where}: holds no space, or other arrays than {', '.join(_ARRAYS)}")
    space = make_space(declared, where)
    try:
        said["evidence"] = make_numbers(said).evidence
        said["quantiles"] = tuple((level, low, high) for level, low, high in said.get("quantiles", []))
        given: dict[str, Any] = said | dict(container.arrays)
        return Form(space=space, **given)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
