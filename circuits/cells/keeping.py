"""How long a cell keeps its bit: charge that leaks away, or a state that heat turns over."""

import math
from dataclasses import dataclass

from circuits.devices.leakage import BOLTZMANN_V_PER_K

LONGEST_S = 1e30  # beyond any meaning; keeps an exponential finite


@dataclass(frozen=True)
class Leak:
    """What leaks from a storage node at a known temperature, and how many kelvins double it."""

    leak_A: float
    temperature_K: float
    doubling_K: float

    def at(self, temperature_K: float) -> float:
        return self.leak_A * 2.0 ** ((temperature_K - self.temperature_K) / self.doubling_K)


def droop_s(storage_F: float, droop_V: float, leak_A: float) -> float:
    """Return the time [s] in which a storage node loses a voltage: C V / I."""
    return storage_F * droop_V / leak_A


@dataclass(frozen=True)
class Keeping:
    """Retention known at a temperature, and the energy that activates its loss."""

    retention_s: float
    retention_temperature_K: float
    activation_V: float
    endurance_cycles: float

    def at(self, temperature_K: float) -> float:
        """Return the retention [s] at a temperature: Arrhenius's law."""
        spread = 1 / temperature_K - 1 / self.retention_temperature_K
        exponent = self.activation_V / BOLTZMANN_V_PER_K * spread
        return min(self.retention_s * math.exp(min(exponent, 500.0)), LONGEST_S)
