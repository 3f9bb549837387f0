"""The sensitivity of a cache to every assumption that it rests on: leakage school first, then each assumed figure."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from circuits.array.assumptions import SETS
from circuits.cache.banks import WIRES
from circuits.cache.design import FIELDS, CacheDesign, design_cache
from circuits.devices.node import leakage_schools, load_node
from circuits.errors import InputError
from circuits.overrides import Figure, overridden
from circuits.variation.spread import load_spread

if TYPE_CHECKING:
    from pandas import DataFrame

Progress = Callable[[float, float, str], None]  # what is done, of how much; a name
LEAKAGE, GLOBAL_WIRES = "leakage school", "global wires"
ORGANIZATIONS = ("fixed", "free")
BASES = ("assumed", "calibrated")
COLUMNS = ("assumption", "output", "organization", "basis", "low_at", "base_at", "high_at", "low", "base", "high",
           "swing", "elasticity", "note")  # fmt: skip


@dataclass(frozen=True)
class _Trial:
    """A design under one changed assumption; none where the change leaves nothing that can be designed."""

    at: float | str
    size: float
    design: CacheDesign | None
    note: str = ""


def _try(at: float | str, size: float, make: Callable[[], CacheDesign]) -> _Trial:
    try:
        return _Trial(at, size, make())
    except InputError as error:
        return _Trial(at, size, None, str(error))


def _rows(name: str, basis: str, organization: str, base: _Trial, trials: list[_Trial]) -> Iterable[dict[str, Any]]:
    """Yield a row an output. Numbers keep their order; of named choices the one with the least output is `low`."""
    for output in FIELDS:
        value = getattr(base.design, output)
        found = [(t, getattr(t.design, output) if t.design else math.nan) for t in trials]
        if isinstance(base.at, str):
            found = sorted([*found, (base, value)], key=lambda pair: (math.isnan(pair[1]), pair[1]))
            found = [found[0], [pair for pair in found if not math.isnan(pair[1])][-1]]
        (low, least), (high, most) = found[0], found[-1]
        reached = [v for v in (least, value, most) if not math.isnan(v)]
        ends = [(t.size, v) for t, v in ((low, least), (base, value), (high, most)) if not math.isnan(v)]
        run = math.log(ends[-1][0] / ends[0][0]) if ends[0][0] else 0.0
        yield dict(zip(COLUMNS, (
            name, output, organization, basis, low.at, base.at, high.at, least, value, most,
            (max(reached) - min(reached)) / value, math.log(ends[-1][1] / ends[0][1]) / run if run else math.nan,
            "; ".join(dict.fromkeys(t.note for t in trials if t.note)),
        ), strict=True))  # fmt: skip


def _alike(trials: list[_Trial], base: CacheDesign) -> bool:
    return all(t.design is not None and all(getattr(t.design, f) == getattr(base, f) for f in FIELDS) for t in trials)


def _moved(name: str, figure: Figure, swing: float, make: Callable[[], CacheDesign], base: CacheDesign) -> list[_Trial]:
    """Return designs with a figure moved down and up; a whole number that rounds back moves by one.

    A share of the array model's rules (`circuits/array/assumptions`) is left out and counted in full, its two ends: it
    says whether something is counted, where a share of a cell or of a column is a size.
    """

    def ends(low: float, high: float) -> list[_Trial]:
        def at(value: float) -> _Trial:
            def changed() -> CacheDesign:
                with overridden({name: value}):
                    return make()

            return _try(value, value, changed)

        return [at(low), at(high)]

    if name.endswith("_share") and name.split(".", maxsplit=1)[0] in SETS and figure.value <= 1:
        return ends(0.0, 1.0)
    trials = ends(figure.value * (1 - swing), figure.value * (1 + swing))
    if figure.value.is_integer() and _alike(trials, base):
        trials = ends(max(figure.value - 1, 1.0), figure.value + 1)
    return trials


def tornado(cell: str = "sram", node: str = "16nm", capacity: int | str = 1 << 20, ways: int = 16,
            line: int | str = 128, target: str = "edap", *, swing: float | None = None,
            organizations: Iterable[str] = ORGANIZATIONS, on_progress: Progress | None = None,
            **options: Any) -> "DataFrame":  # fmt: skip
    """Return how far each assumption moves each output of `design_cache`.

    Args:
        cell: as `design_cache` takes it, and so are the next five.
        node: a node's name, or a .yaml file.
        capacity: bytes, or text.
        ways: ways.
        line: bytes.
        target: what the organisation is best for.
        swing: the part of itself that every assumed or calibrated figure moves down and up, between 0 and 1; None takes
            the one in `spread.yaml`.
        organizations: `fixed` keeps the organisation that is best under the assumptions as they stand; `free` searches
            again under each change.
        on_progress: called with how much is done, of how much, and the assumption moved last.
        **options: as `design_cache` takes them: mode, temperature_K, leakage, wires.

    Returns:
        A row an assumption, output and organisation; the rows of the leakage school come first, over all schools of the
        node, then those under which nothing can be designed at one end, then the others, by falling `swing` =
        (largest - smallest) / base. `low`, `base`, `high` are the output [SI]
        with the assumption at `low_at`, `base_at`, `high_at`; `elasticity` = d ln output / d ln figure over that range,
        for the school over its off-current, NaN for the wires. NaN and a `note` where nothing can be designed.

    Raises:
        InputError: a value that cannot be used.
    """
    import pandas as pd

    part = load_spread(swing).swing
    chosen = list(organizations)
    if not chosen or set(chosen) - set(ORGANIZATIONS):
        raise InputError(f"organizations {chosen!r}: give fixed, free or both")
    with overridden() as figures:
        base = design_cache(cell, node, capacity, ways, line, target, **options)
    assumed = {name: figure for name, figure in figures.items() if figure.basis in BASES}
    rows: list[dict[str, Any]] = []
    whole = len(chosen) * len(FIELDS) * (len(assumed) + 2)

    def add(name: str, basis: str, organization: str, standing: _Trial, trials: list[_Trial]) -> None:
        rows.extend(_rows(name, basis, organization, standing, trials))
        if on_progress:
            on_progress(len(rows), whole, name)

    for organization in chosen:
        kept: dict[str, Any] = {"organization": base.organization} if organization == "fixed" else {}

        def make(extra: Mapping[str, Any] = MappingProxyType({}), kept: Mapping[str, Any] = kept) -> CacheDesign:
            return design_cache(cell, node, capacity, ways, line, target, **{**options, **kept, **extra})

        def off(school: str) -> float:
            return load_node(node, base.temperature_K, school).off_current_A_per_m

        standing = _Trial(base.leakage, off(base.leakage), base)
        others = [_try(s, off(s), lambda s=s: make({"leakage": s})) for s in leakage_schools(node) if s != base.leakage]
        add(LEAKAGE, "named", organization, standing, others)
        others = [_try(w, 1.0, lambda w=w: make({"wires": w})) for w in WIRES if w != base.wires]
        add(GLOBAL_WIRES, "named", organization, _Trial(base.wires, 1.0, base), others)
        for name, figure in assumed.items():
            trials = _moved(name, figure, part, make, base)
            add(name, figure.basis, organization, _Trial(figure.value, figure.value, base), trials)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    keys = pd.DataFrame({"rank": table["assumption"] != LEAKAGE, "whole": table["note"] == "", "less": -table["swing"]})
    return table.loc[keys.sort_values(list(keys), kind="stable").index].reset_index(drop=True)
