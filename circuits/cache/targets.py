"""What the search may minimise, and the figures that a user may limit or weigh."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from circuits.array.cache import Totals
from circuits.array.search import Target
from circuits.errors import InputError

# a design's fields and the same in `Totals`
FIGURES = {"read_latency_s": "read_s", "write_latency_s": "write_s", "read_energy_J": "read_J",
           "write_energy_J": "write_J", "leakage_W": "leakage_W", "area_m2": "area_m2"}  # fmt: skip


def _energy(t: Totals) -> Any:
    return (t.read_J + t.write_J) / 2


def _delay(t: Totals) -> Any:
    return (t.read_s + t.write_s) / 2


_FOUR = ("read_s", "write_s", "read_J", "write_J")
TARGETS: dict[str, tuple[str, Target]] = {
    "edap": ("mean dynamic energy of a read and a write x their mean latency x area",
             Target((*_FOUR, "area_m2"), lambda t: _energy(t) * _delay(t) * t.area_m2)),
    "edp": ("mean dynamic energy of a read and a write x their mean latency",
            Target(_FOUR, lambda t: _energy(t) * _delay(t))),
    "read-latency": ("latency of a read hit", Target.product("read_s")),
    "write-latency": ("latency of a write hit", Target.product("write_s")),
    "read-energy": ("dynamic energy of a read hit", Target.product("read_J")),
    "write-energy": ("dynamic energy of a write hit", Target.product("write_J")),
    "read-edp": ("energy x latency of a read hit", Target.product("read_J", "read_s")),
    "write-edp": ("energy x latency of a write hit", Target.product("write_J", "write_s")),
    "leakage": ("leakage power", Target.product("leakage_W")),
    "area": ("area", Target.product("area_m2")),
}  # fmt: skip


def weighted(weights: Mapping[str, float]) -> Target:
    """Return the target figure1^weight1 x figure2^weight2 ...: of twice the weight, a figure counts twice as much.

    Raises:
        InputError: an unknown figure, a weight that is no positive number, or none at all.
    """
    checked = _named("weight", weights)
    names, most = tuple(checked), max(checked.values(), default=1.0)
    whole = sum(weight / most for weight in checked.values())

    def score(totals: Totals) -> Any:
        # the mean figure, so that no weight is too large: a root of the product ranks as the product does
        return np.exp(sum(weight / most / whole * np.log(getattr(totals, name)) for name, weight in checked.items()))

    if not names:
        raise InputError(f"weight: none given; give figures such as {next(iter(FIGURES))} with positive numbers")
    return Target(names, score)


def limited(limits: Mapping[str, float] | None) -> dict[str, float]:
    """Return limits on a design's fields as limits on `Totals`.

    Raises:
        InputError: an unknown figure, or a limit that is no positive number.
    """
    return _named("limit", limits or {})


def _named(what: str, values: Mapping[str, float]) -> dict[str, float]:
    found = {}
    for name, value in values.items():
        if name not in FIGURES:
            raise InputError(f"{what} {name!r}: unknown; known are {', '.join(FIGURES)}")
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if isinstance(value, bool) or not 0 < number < math.inf:
            raise InputError(f"{what} {name}={value!r}: give a positive number, in SI units")
        found[FIGURES[name]] = number
    return found
