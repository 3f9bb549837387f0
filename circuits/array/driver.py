"""Chains of drivers: sized for least delay, for a trade of area, or for least area; delay by Horowitz's equation."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.array.assumptions import Assumptions
from circuits.array.gates import horowitz, steady
from circuits.array.logic import inverter_drain_F, inverter_leak_A, size
from circuits.array.process import Process

LATENCY, BALANCED, AREA = 0, 1, 2
STYLES = {"Latency-Optimized": LATENCY, "Balanced": BALANCED, "Area-Optimized": AREA}
LONGEST = 20  # stages


def fan_out_4_s(process: Process, given: Assumptions) -> float:
    """Return the delay [s] of the narrowest inverter in a long chain of which each drives four like itself."""
    gate_F, drain_F = inverter_F(process, given)
    ohm = process.resistance(given.minimum_width_units * process.unit_m)
    return float(steady(ohm * (4 * gate_F + drain_F), process.gain))


def inverter_F(process: Process, given: Assumptions) -> tuple[float, float]:
    """Return the input and the output capacitance [F] of the narrowest inverter."""
    n_m = given.minimum_width_units * process.unit_m
    drain = inverter_drain_F(process, given, n_m, given.layout(process).drain_region_m)
    return process.gate_F_per_m * (1 + process.p_to_n) * n_m, float(drain)


@dataclass(frozen=True)
class Part:
    """What a part costs: delay [s], the ramp it leaves [1/s], energy [J] of one switching, leakage [W], size [m]."""

    delay_s: Any
    ramp_per_s: Any
    energy_J: Any
    leakage_W: Any
    height_m: Any
    width_m: Any


@dataclass(frozen=True)
class Drive:
    """What a chain costs, but for its size."""

    delay_s: Any
    ramp_per_s: Any
    energy_J: Any
    leakage_W: Any


@dataclass(frozen=True)
class Chain:
    """Inverters from the first (row 0 of `n_m`) to the last; columns are organisations, `count` their stages."""

    process: Process
    given: Assumptions
    n_m: Any
    count: Any
    load_F: Any
    load_ohm: Any
    fits: Any

    @functools.cached_property
    def _gate_F(self) -> Any:
        return self.process.gate_F_per_m * self.n_m * (1 + self.process.p_to_n)

    @functools.cached_property
    def _drain_F(self) -> Any:
        region = self.given.layout(self.process).drain_region_m
        return inverter_drain_F(self.process, self.given, self.n_m, region)

    @property
    def input_F(self) -> Any:
        return self._gate_F[0]

    @property
    def first_F(self) -> Any:
        """Gate and drain capacitance of the first stage."""
        return self._gate_F[0] + self._drain_F[0]

    def size(self) -> tuple[Any, Any]:
        """Return height and width [m]: the stages stand side by side."""
        region = self.given.layout(self.process).gate_region_m
        high, wide = size(self.process, self.given, self.n_m, self.n_m * self.process.p_to_n, region)
        used = np.arange(len(self.n_m))[:, None] < self.count
        return np.where(used, high, 0.0).max(0), np.where(used, wide, 0.0).sum(0)

    @functools.cached_property
    def _own(self) -> tuple[Any, Any, Any, Any]:
        """Time constants of the stages and which are used; energy and leakage: what does not depend on the ramp."""
        process, at = self.process, np.arange(len(self.n_m))[:, None]
        used, last = at < self.count, at == self.count - 1
        loads = np.zeros_like(self.n_m)
        loads[:-1] = self._gate_F[1:]
        loads = np.where(last, self.load_F, loads) + self._drain_F
        taus = process.resistance(self.n_m) * loads + np.where(last, self.load_F * self.load_ohm / 2, 0.0)
        leak_A = inverter_leak_A(process, self.given, 1.0, process.p_to_n) * np.where(used, self.n_m, 0.0).sum(0)
        return taus, used, np.where(used, loads, 0.0).sum(0) * process.vdd_V**2, leak_A * process.vdd_V

    def spread(self, of: Any) -> "Spread":
        """Return chains for many organisations, each like the one here that `of` names."""
        return Spread(self, of)

    def cost(self, ramp_per_s: Any, of: Any = slice(None)) -> Drive:
        """Return the chain's cost when its input rises at a ramp."""
        taus, used, energy, leak = self._own
        delay, ramp = 0.0, ramp_per_s * np.ones_like(self.count[of], dtype=float)
        for tau, on in zip(taus, used, strict=True):
            step = horowitz(tau[of], self.process.gain, ramp)
            if on.all():
                delay, ramp = delay + step, 0.5 / step
                continue
            here = on[of]
            delay = delay + np.where(here, step, 0.0)
            ramp = np.where(here, 0.5 / step, ramp)
        return Drive(delay, ramp, energy[of], leak[of])


@dataclass(frozen=True)
class Spread:
    """Chains for many organisations, of few distinct ones."""

    chain: Chain
    of: Any

    @property
    def input_F(self) -> Any:
        return self.chain.input_F[self.of]

    @property
    def fits(self) -> Any:
        return self.chain.fits[self.of]

    def cost(self, ramp_per_s: Any) -> Drive:
        return self.chain.cost(ramp_per_s, self.of)


def chain(process: Process, given: Assumptions, effort: Any, input_F: Any, load_F: Any, load_ohm: Any = 0.0,
          style: Any = LATENCY, least_A: Any = 0.0) -> Chain:  # fmt: skip
    """Return an inverting chain from a gate of `input_F` and logical effort `effort` to a load.

    For least delay the stages share the path's effort, about `stage_effort` each, and the last is as wide as the load
    asks. Where that is too narrow for `least_A`, and in the balanced style, the last stage is as wide as the current
    asks and the chain before it is sized for that; for least area this stage stands alone.
    """
    load_F, load_ohm, style, least_A = (np.atleast_1d(x) for x in np.broadcast_arrays(load_F, load_ohm, style, least_A))
    least, most = (units * process.unit_m for units in (given.minimum_width_units, given.maximum_width_units))
    gate_F = process.gate_F_per_m * (1 + process.p_to_n)  # of an inverter, a metre of its N device
    needed = np.maximum(least, least_A / process.on_n_A_per_m)

    def stages(path: Any) -> Any:
        return np.maximum(np.floor(np.log(path) / np.log(given.stage_effort) + 0.5) - 1, 0.0)

    path = np.maximum(effort * load_F / input_F, 1.0)
    fast = np.minimum(stages(path) + (stages(path) % 2 == 0), LONGEST)
    step = path ** (1 / (fast + 1))
    last = np.maximum(least, load_F / step / gate_F)
    step = np.where(last > most, (effort * gate_F * most / input_F) ** (1 / fast), step)
    last = np.minimum(last, most)
    path = np.maximum(effort * gate_F * needed / input_F, 1.0)
    traded = np.minimum(stages(path) + stages(path) % 2, LONGEST)
    trade = (style == BALANCED) | ((style == LATENCY) & (last < needed))
    small = style == AREA
    count = np.where(small, 1, np.where(trade, traded + 1, fast)).astype(int)
    step = np.where(trade, path ** (1 / (traded + 1)), step)
    last = np.where(trade | small, needed, last)
    before = np.maximum(count - 1 - np.arange(count.max(initial=1))[:, None], 0)
    widths = np.maximum(last / step**before, np.where(before > 0, least, 0.0))
    return Chain(process, given, widths, count, load_F, load_ohm, needed <= most)
