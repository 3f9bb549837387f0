"""How long a cell keeps its bit: charge that leaks away, or a state that heat turns over."""

import math
from dataclasses import dataclass

from circuits.cells.margin import sigmas
from circuits.cells.scatter import pelgrom_V
from circuits.cells.spread import Spreads
from circuits.devices.leakage import BOLTZMANN_V_PER_K
from circuits.devices.node import Node

LONGEST_S = 1e30  # beyond any meaning; keeps an exponential finite


@dataclass(frozen=True)
class Leak:
    """What leaks from a storage node at a known temperature, and how many kelvins double it.

    It is that of the weakest cell that a published retention allows for, one of `error_rate` of the cells of a chip
    `corner_sigmas` off; the writing device's threshold scatters it by its subthreshold slope.
    """

    leak_A: float
    temperature_K: float
    doubling_K: float
    subthreshold_ideality: float
    error_rate: float
    corner_sigmas: float

    def at(self, temperature_K: float) -> float:
        return self.leak_A * 2.0 ** ((temperature_K - self.temperature_K) / self.doubling_K)

    def weakest(self, node: Node, spread: Spreads, width_m: float) -> float:
        """Return the leakage of that cell over the nominal one's, through a writing device so wide.

        N. Edri et al., IEEE TCAS-I 63(2), 2016: log-normal.
        """
        slope = self.subthreshold_ideality * BOLTZMANN_V_PER_K * node.temperature_K
        own = math.hypot(spread.cell.leak, pelgrom_V(node, spread, width_m) / slope, spread.cell.storage)
        shared = math.hypot(spread.die.leak, spread.die.threshold_V / slope, spread.die.storage)
        return math.exp(sigmas(self.error_rate) * own + self.corner_sigmas * shared)


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
