"""Off-current against temperature, under a named school: whose figure one believes."""

import math
from dataclasses import dataclass

BOLTZMANN_V_PER_K = 8.617333262e-5  # k/e, CODATA 2018


@dataclass(frozen=True)
class School:
    """Off-current per metre of gated width, at one or more of three temperatures."""

    off_current_300K_A_per_m: float = 0.0
    off_current_350K_A_per_m: float = 0.0
    off_current_400K_A_per_m: float = 0.0

    def points(self) -> list[tuple[float, float]]:
        given = ((300.0, self.off_current_300K_A_per_m), (350.0, self.off_current_350K_A_per_m),
                 (400.0, self.off_current_400K_A_per_m))  # fmt: skip
        return [(t, i) for t, i in given if i > 0]


@dataclass(frozen=True)
class ThermalLaw:
    """What moves an off-current to another temperature or supply: diffusion over the barrier below threshold.

    The drain lowers the barrier by `drain_lowering_V_per_V` of its voltage.
    """

    threshold_current_A_per_m: float
    subthreshold_ideality: float
    threshold_drift_V_per_K: float
    drain_lowering_V_per_V: float = 0.0


def thermal(law: ThermalLaw, known_A_per_m: float, known_K: float, temperature_K: float) -> float:
    """Return the off-current [A/m] at a temperature from its value at another.

    I = I_th (T/T0)^2 exp(-V_th/(n kT/e)); V_th at T0 follows from the known value and falls linearly with temperature.
    """
    slope0 = law.subthreshold_ideality * BOLTZMANN_V_PER_K * known_K
    barrier0 = max(math.log(law.threshold_current_A_per_m / known_A_per_m), 0.0)
    threshold = barrier0 * slope0 - law.threshold_drift_V_per_K * (temperature_K - known_K)
    slope = law.subthreshold_ideality * BOLTZMANN_V_PER_K * temperature_K
    return known_A_per_m * (temperature_K / known_K) ** 2 * math.exp(barrier0 - max(threshold, 0.0) / slope)


def off_current(school: School, law: ThermalLaw, temperature_K: float) -> float:
    """Return the off-current [A/m]: log-linear between a school's points, by the thermal law beyond them."""
    points = school.points()
    below = [p for p in points if p[0] <= temperature_K]
    above = [p for p in points if p[0] >= temperature_K]
    if not below or not above:
        known_K, known = below[-1] if below else above[0]
        return thermal(law, known, known_K, temperature_K)
    (t0, i0), (t1, i1) = below[-1], above[0]
    part = 0.0 if t1 == t0 else (temperature_K - t0) / (t1 - t0)
    return math.exp(math.log(i0) * (1 - part) + math.log(i1) * part)


def at_supply(law: ThermalLaw, temperature_K: float, rise_V: float) -> float:
    """Return the factor on the off-current where the supply is `rise_V` above the one that the current is given for.

    exp(sigma rise / (n kT/e)), sigma the drain-induced lowering of the barrier.
    """
    slope = law.subthreshold_ideality * BOLTZMANN_V_PER_K * temperature_K
    return math.exp(law.drain_lowering_V_per_V * rise_V / slope)
