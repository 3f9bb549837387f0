"""The magnetic tunnel junction: resistance, critical current, switching time, error and retention.

Macrospin with perpendicular anisotropy. Symbols: Delta = energy barrier over kT, i = current over critical current,
tau0 = (1 + alpha^2) / (alpha gamma mu0 Hk), the time constant of the free layer's precession cone.
"""

import math
from dataclasses import dataclass

ELECTRON_C = 1.602176634e-19
HBAR_JS = 1.054571817e-34
BOLTZMANN_J_PER_K = 1.380649e-23
GAMMA_RAD_PER_TS = 1.76085963e11
ATTEMPT_S = 1e-9  # the usual attempt time of thermal switching


@dataclass(frozen=True)
class Junction:
    """Figures of a junction at 300 K; `pitch_m` is the least distance between two of them."""

    diameter_m: float
    resistance_area_ohm_m2: float
    magnetoresistance: float
    half_bias_V: float
    barrier_kT: float
    damping: float
    polarization: float
    saturation_A_per_m: float
    free_layer_m: float
    pitch_m: float

    @property
    def area_m2(self) -> float:
        return math.pi / 4 * self.diameter_m**2

    @property
    def parallel_ohm(self) -> float:
        return self.resistance_area_ohm_m2 / self.area_m2

    def antiparallel_ohm(self, bias_V: float = 0.0) -> float:
        """Return the high resistance; TMR falls as 1/(1 + (V/Vh)^2) with the voltage across the junction."""
        return self.parallel_ohm * (1 + self.magnetoresistance / (1 + (bias_V / self.half_bias_V) ** 2))

    @property
    def barrier_J(self) -> float:
        return self.barrier_kT * BOLTZMANN_J_PER_K * 300.0

    def stability(self, temperature_K: float) -> float:
        """Return Delta at a temperature (the barrier itself is taken as constant)."""
        return self.barrier_J / (BOLTZMANN_J_PER_K * temperature_K)

    @property
    def anisotropy_T(self) -> float:
        """The effective anisotropy field mu0 Hk that gives the barrier: Delta kT = Ms Hk V / 2."""
        return 2 * self.barrier_J / (self.saturation_A_per_m * self.area_m2 * self.free_layer_m)

    @property
    def time_constant_s(self) -> float:
        return (1 + self.damping**2) / (self.damping * GAMMA_RAD_PER_TS * self.anisotropy_T)

    @property
    def critical_A(self) -> float:
        """The critical current for spin transfer: (4 e alpha / (hbar P)) Delta kT."""
        return 4 * ELECTRON_C * self.damping / (HBAR_JS * self.polarization) * self.barrier_J

    def retention_s(self, temperature_K: float) -> float:
        """Return the mean time to a thermal flip of one junction at rest."""
        return ATTEMPT_S * math.exp(min(self.stability(temperature_K), 500.0))

    def read_disturb(self, current_A: float, pulse_s: float, temperature_K: float) -> float:
        """Return the probability that a read pulse below the critical current flips the junction."""
        barrier = self.stability(temperature_K) * max(1 - current_A / self.critical_A, 0.0)
        return -math.expm1(-pulse_s / ATTEMPT_S * math.exp(-barrier))


def sun_time(junction: Junction, overdrive: float, temperature_K: float = 300.0) -> float:
    """Return Sun's precessional switching time [s] from the thermal angle, for i = `overdrive` > 1.

    tau0 / (i - 1) ln(pi / (2 theta0)), theta0 = 1 / sqrt(2 Delta). J. Z. Sun, Phys. Rev. B 62, 570 (2000).
    """
    angle = 1 / math.sqrt(2 * junction.stability(temperature_K))
    return junction.time_constant_s / (overdrive - 1) * math.log(math.pi / (2 * angle))


def pulse_for_error(junction: Junction, overdrive: float, error_rate: float, temperature_K: float) -> float:
    """Return the pulse [s] at i = `overdrive` > 1 that leaves a write-error rate.

    Inverts WER = 1 - exp(-(pi^2/4) Delta (i-1) / (i exp(2 (i-1) t/tau0) - 1)); W. H. Butler et al., IEEE Trans. Magn.
    48(12), 4684 (2012).
    """
    spread = math.pi**2 / 4 * junction.stability(temperature_K) * (overdrive - 1)
    ratio = 1 + spread / -math.log1p(-error_rate)
    return max(junction.time_constant_s / (2 * (overdrive - 1)) * math.log(ratio / overdrive), 0.0)
