"""Both states' currents of cells whose parts scatter: arrays, one element a cell. Design and Monte Carlo share them."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from circuits.cells.scatter import Device, Draws, balance
from circuits.cells.spread import Spreads
from circuits.devices.junction import Junction
from circuits.devices.leakage import BOLTZMANN_V_PER_K

JUNCTION = ("diameter", "resistance_area", "magnetoresistance")
RESISTANCE = ("low_resistance", "high_resistance")
FILM = ("coercive_field", "low_state", "high_state")
CHIP = ("die.threshold", "die.fin_height", "die.wires")
DIE = {"stt": ("die.diameter", "die.resistance_area", "die.magnetoresistance"), "reram": ("die.resistance",),
       "pcm": ("die.resistance",), "fefet": ("die.film",)}  # fmt: skip
DIE["sot"] = DIE["stt"]


def wires(spread: Spreads, draws: Draws) -> Any:
    """Return a chip's wire resistance over the nominal one: it goes as one over width and thickness."""
    sigma = math.hypot(spread.die.wire_width, spread.die.wire_thickness)
    return np.maximum(1 + sigma * draws["die.wires"], 0.1)


@dataclass(frozen=True)
class ReadPath:
    """What a read puts on a cell: the gate's voltage, the clamp's bias, and the resistance of multiplexers and lines to
    the farthest row, whose reference has as long a way.
    """

    gate_V: float
    bias_V: float
    ohm: Any

    def drawn(self, spread: Spreads, draws: Draws) -> "ReadPath":
        return replace(self, ohm=self.ohm * wires(spread, draws))


def through(device: Device, gate_V: Any, supply_V: Any, ohm: Callable[[Any], Any], *, path_ohm: Any = 0.0,
            at_source: bool = False) -> Any:  # fmt: skip
    """Return the current [A] of an access device in series with a load; see `circuits.cells.mram.series_A`."""
    none = np.zeros_like(device.shift_V)

    def excess(across: Any) -> Any:
        current = across / ohm(across)
        return device.current(gate_V - (across if at_source else 0.0), supply_V - across - current * path_ohm) - current

    across = balance(none, none + supply_V, excess)
    return across / ohm(across)


def of_itself(spread: Spreads, name: str, draws: Draws) -> Any:
    """Return a figure over its nominal one, for neighbours and chips; never below a tenth."""
    by = getattr(spread.cell, name) * draws[name] + getattr(spread.die, name) * draws[f"die.{name}"]
    return np.maximum(1 + by, 0.1)


def junctions(first: Junction, spread: Spreads, draws: Draws) -> Junction:
    """Return junctions as one Junction of arrays; the barrier goes with the area and, if drawn, the anisotropy."""
    shift = spread.cell.diameter_m * draws["diameter"] + spread.die.diameter_m * draws["die.diameter"]
    diameter = np.maximum(first.diameter_m + shift, 0.1 * first.diameter_m)
    area = (diameter / first.diameter_m) ** 2
    anisotropy = np.maximum(1 + spread.cell.anisotropy * draws.get("anisotropy", 0.0), 0.1)
    figures = vars(first) | {
        "diameter_m": diameter,
        "resistance_area_ohm_m2": first.resistance_area_ohm_m2 * of_itself(spread, "resistance_area", draws),
        "magnetoresistance": first.magnetoresistance * of_itself(spread, "magnetoresistance", draws),
        "barrier_kT": first.barrier_kT * area * anisotropy,
    }
    return Junction(**figures)


def _both(device: Device, path: ReadPath, high: Callable[[Any], Any], low: Callable[[Any], Any]) -> tuple[Any, Any]:
    lesser, greater = (through(device, path.gate_V, path.bias_V, ohm, path_ohm=path.ohm) for ohm in (high, low))
    return lesser, greater


def of_junctions(junction: Junction, device: Device, path: ReadPath) -> tuple[Any, Any]:
    """Return the read currents [A] of anti-parallel and parallel junctions behind their access devices."""
    return _both(device, path, junction.antiparallel_ohm, lambda _: junction.parallel_ohm)


def of_resistances(low_ohm: float, high_ohm: float, spread: Spreads, device: Device, path: ReadPath,
                   draws: Draws) -> tuple[Any, Any]:  # fmt: skip
    """Return the read currents [A] of the high and the low resistance, both log-normal, behind their access devices."""
    shared = spread.die.resistance * draws["die.resistance"]
    high = high_ohm * np.exp(spread.cell.high_resistance * draws["high_resistance"] + shared)
    low = low_ohm * np.exp(spread.cell.low_resistance * draws["low_resistance"] + shared)
    return _both(device, path, lambda _: high, lambda _: low)


def switched(spread: Spreads, exponent: float, draws: Draws) -> tuple[Any, Any]:
    """Return a film's coercive field over the nominal one, and the part of it that a write pulse turns over.

    The pulse leaves a twentieth of a nominal film as it was, part = 1 - exp(-t/tau), which is then taken as whole; tau
    goes as exp(Ea/E) by Merz's law, whose `exponent` Ea/E grows with the field.
    """
    field = np.maximum(
        1 + spread.cell.coercive_field * draws["coercive_field"] + spread.die.film * draws["die.film"], 0.1
    )
    left = math.log(20) * np.exp(-exponent * (field - 1))
    return field, -np.expm1(-left) / (1 - 1 / 20)


def film_thresholds(low_V: float, window_V: float, exponent: float, spread: Spreads, draws: Draws) -> tuple[Any, Any]:
    """Return both states' thresholds [V]: the window goes with the coercive field, and with what was turned over."""
    field, part = switched(spread, exponent, draws)
    reach, apart = window_V / 2 * field * (2 * part - 1), spread.cell.state_threshold_V
    middle = low_V + window_V / 2
    return middle - reach + apart * draws["low_state"], middle + reach + apart * draws["high_state"]


def of_threshold(device: Device, path: ReadPath, threshold_V: Any, ideality: float) -> Any:
    """Return the read current [A] of a device at a threshold other than its node's, or below it."""
    node = device.node
    shift = threshold_V - node.transistors.threshold_V
    slope = ideality * BOLTZMANN_V_PER_K * node.temperature_K
    below = np.exp(np.minimum((path.gate_V - shift - device.shift_V) / slope, 0.0))
    off = node.off_current_A_per_m * device.width_m * below

    def current(drain_V: Any) -> Any:
        return np.maximum(device.current(path.gate_V - shift, drain_V), off)

    none = np.zeros_like(shift)
    return current(balance(none, none + path.bias_V, lambda v: path.bias_V - v - path.ohm * current(v)))
