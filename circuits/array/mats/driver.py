"""Chains of drivers: sized for least delay, for a trade of area, or for least area; delay by Horowitz's equation."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.array.gates import horowitz
from circuits.array.mats.assumptions import Assumptions
from circuits.array.mats.logic import drain_F, inverter_leak_A, size
from circuits.array.mats.process import Process

LATENCY, BALANCED, AREA = 0, 1, 2
STYLES = {"Latency-Optimized": LATENCY, "Balanced": BALANCED, "Area-Optimized": AREA}
LONGEST = 20  # stages


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
class Chain:
    """Inverters from the first (row 0 of `n_m`) to the last; columns are organisations, `count` their stages."""

    process: Process
    given: Assumptions
    n_m: Any
    count: Any
    load_F: Any
    load_ohm: Any
    fits: Any

    @property
    def input_F(self) -> Any:
        return self._gate_F[0]

    @property
    def _gate_F(self) -> Any:
        return self.process.gate_F_per_m * self.n_m * (1 + self.process.p_to_n)

    @property
    def _drain_F(self) -> Any:
        region = self.given.drain_region_features * self.process.feature_m
        return drain_F(self.process, self.given, self.n_m, self.n_m * self.process.p_to_n, region)

    @property
    def first_F(self) -> Any:
        """Gate and drain capacitance of the first stage."""
        return self._gate_F[0] + self._drain_F[0]

    def _loads(self) -> Any:
        gates, drains = self._gate_F, self._drain_F
        loads = np.empty_like(gates)
        loads[:-1] = gates[1:]
        at = np.arange(len(gates))[:, None]
        last = at == self.count - 1
        return np.where(last, self.load_F, loads if len(gates) else 0.0) + drains, at < self.count, last

    def cost(self, ramp_per_s: Any) -> Part:
        """Return the chain's cost when its input rises at a ramp."""
        process, given = self.process, self.given
        loads, used, last = self._loads()
        taus = process.resistance(self.n_m) * loads + np.where(last, self.load_F * self.load_ohm / 2, 0.0)
        delay, ramp = 0.0, ramp_per_s * np.ones_like(self.count, dtype=float)
        for tau, on in zip(taus, used, strict=True):
            step = horowitz(tau, process.gain, ramp)
            delay = delay + np.where(on, step, 0.0)
            ramp = np.where(on, 0.5 / step, ramp)
        p_m = self.n_m * process.p_to_n
        high, wide = size(process, given, self.n_m, p_m, given.gate_region_features * process.feature_m)
        return Part(
            delay,
            ramp,
            np.where(used, loads, 0.0).sum(0) * process.vdd_V**2,
            np.where(used, inverter_leak_A(process, self.n_m, p_m), 0.0).sum(0) * process.vdd_V,
            np.where(used, high, 0.0).max(0),
            np.where(used, wide, 0.0).sum(0),
        )


def chain(process: Process, given: Assumptions, effort: float, input_F: float, load_F: Any, load_ohm: Any = 0.0,
          style: Any = LATENCY, least_A: Any = 0.0) -> Chain:  # fmt: skip
    """Return an inverting chain from a gate of `input_F` and logical effort `effort` to a load.

    For least delay the stages share the path's effort, about `stage_effort` each, and the last is as wide as the load
    asks. Where that is too narrow for `least_A`, and in the balanced style, the last stage is as wide as the current
    asks and the chain before it is sized for that; for least area this stage stands alone.
    """
    load_F, load_ohm, style, least_A = (np.atleast_1d(x) for x in np.broadcast_arrays(load_F, load_ohm, style, least_A))
    f = process.feature_m
    least, most = given.minimum_width_features * f, given.maximum_width_features * f
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
