"""The magnetic tunnel junction: resistance, critical current, switching time, error and retention.

Macrospin with perpendicular anisotropy. Symbols: Delta = energy barrier over kT, i = current over critical current,
tau0 = (1 + alpha^2) / (alpha gamma mu0 Hk), the time constant of the free layer's precession cone.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from circuits.devices.spin import law

if TYPE_CHECKING:
    from circuits.devices.spin.macrospin import Macrospin

ELECTRON_C = 1.602176634e-19
HBAR_JS = 1.054571817e-34
BOLTZMANN_J_PER_K = 1.380649e-23
GAMMA_RAD_PER_TS = 1.76085963e11


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

    def overdrive(self, current_A: float) -> float:
        return current_A / self.critical_A

    def escape_per_s(self, current_A: float, temperature_K: float) -> float:
        """Return the rate [1/s] of thermal flips under a current; a negative one holds the junction."""
        return law.escape_rate(self.stability(temperature_K), self.overdrive(current_A)) / self.time_constant_s

    def retention_s(self, temperature_K: float) -> float:
        """Return the mean time to a thermal flip of one junction at rest."""
        return 1 / max(self.escape_per_s(0.0, temperature_K), 1e-300)

    def read_disturb(self, current_A: float, pulse_s: float, temperature_K: float) -> float:
        """Return the probability that a read pulse below the critical current flips the junction.

        The settled rate over the whole pulse: an upper bound, since flips start only after a few time constants.
        """
        return -math.expm1(-pulse_s * self.escape_per_s(current_A, temperature_K))

    def write_error(self, current_A: float, pulse_s: float, temperature_K: float) -> float:
        """Return the probability that a rectangular pulse above the critical current leaves the junction as it was."""
        return law.write_error_rate(self.stability(temperature_K), self.overdrive(current_A),
                                    pulse_s / self.time_constant_s)  # fmt: skip

    def macrospin(self, current_A: float, temperature_K: float) -> "Macrospin":
        """Return the free layer under a current whose spins drive it from +z to -z, for simulation."""
        from circuits.devices.spin.macrospin import Macrospin

        torque = self.overdrive(current_A) * self.damping * self.anisotropy_T
        return Macrospin(self.anisotropy_T, self.damping, self.stability(temperature_K), (0.0, 0.0, -torque))

    def sun_s(self, overdrive: float, temperature_K: float) -> float:
        """Return Sun's precessional switching time [s] from the thermal angle, for i = `overdrive` > 1.

        tau0 / (i - 1) ln(pi / (2 theta0)), theta0 = 1 / sqrt(2 Delta). J. Z. Sun, Phys. Rev. B 62, 570 (2000).
        """
        angle = 1 / math.sqrt(2 * self.stability(temperature_K))
        return self.time_constant_s / (overdrive - 1) * math.log(math.pi / (2 * angle))


def pulse_for_error(junction: Junction, overdrive: float, error_rate: float, temperature_K: float) -> float:
    """Return the pulse [s] at i = `overdrive` > 1 that leaves a write-error rate: `circuits.devices.spin.law`."""
    return law.pulse_time(junction.stability(temperature_K), overdrive, error_rate) * junction.time_constant_s
