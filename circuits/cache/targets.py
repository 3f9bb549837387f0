"""What the search may minimise."""

from collections.abc import Callable
from typing import Any

from circuits.cache.modes import Totals


def _energy(t: Totals) -> Any:
    return (t.read_energy_J + t.write_energy_J) / 2


def _delay(t: Totals) -> Any:
    return (t.read_latency_s + t.write_latency_s) / 2


TARGETS: dict[str, tuple[str, Callable[[Totals], Any]]] = {
    "edap": ("mean dynamic energy of a read and a write x their mean latency x area",
             lambda t: _energy(t) * _delay(t) * t.area_m2),
    "edp": ("mean dynamic energy of a read and a write x their mean latency", lambda t: _energy(t) * _delay(t)),
    "read-latency": ("latency of a read hit", lambda t: t.read_latency_s),
    "write-latency": ("latency of a write hit", lambda t: t.write_latency_s),
    "read-energy": ("dynamic energy of a read hit", lambda t: t.read_energy_J),
    "write-energy": ("dynamic energy of a write hit", lambda t: t.write_energy_J),
    "read-edp": ("energy x latency of a read hit", lambda t: t.read_energy_J * t.read_latency_s),
    "write-edp": ("energy x latency of a write hit", lambda t: t.write_energy_J * t.write_latency_s),
    "leakage": ("leakage power", lambda t: t.leakage_W),
    "area": ("area", lambda t: t.area_m2),
}  # fmt: skip
