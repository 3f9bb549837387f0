"""Closed laws of the axially symmetric macrospin: write-error rate, pulse, thermal escape. Times are over tau0.

Near the pole noise and torque spread a Gaussian cone, <theta^2> = (i exp(2 (i-1) tau) - 1) / (Delta (i-1)). Beyond it a
spin follows the torque to the equator without noise, d theta/d tau = (i - cos theta) sin theta, which maps the equator
back on theta^2 = K exp(-2 (i-1) tau), K = 2 * 2^((i-1)/(i+1)) ((i-1)/i)^(2/(i+1)). Hence

    WER = 1 - exp(-K Delta (i-1) / (i exp(lambda tau) - 1))

W. H. Butler et al., IEEE Trans. Magn. 48(12), 4684 (2012), has it with K = pi^2/4 and lambda = 2 (i-1). Here lambda is
the slowest rate of the Fokker-Planck equation to first order in 1/Delta, 2 (i-1) + (3-i)/(Delta (i-1)), carried on to
i = 1, and the pulse is longer by a fitted delay. Against that equation the pulse is within 1 % from i = 1.5 and 4 %
from i = 1.3, at Delta 30-100 and error rates of 1e-2 to 1e-8.
"""

import math


def _spread(stability: float, overdrive: float) -> tuple[float, float]:
    """Return K Delta (i-1) and lambda."""
    i = overdrive
    reach = 2 * 2 ** ((i - 1) / (i + 1)) * ((i - 1) / i) ** (2 / (i + 1))
    slowest = (i - 1) + math.sqrt(max((i - 1) ** 2 + 2 * (3 - i) / stability, (i - 1) ** 2 / 4))
    return reach * stability * (i - 1), slowest


def _delay(stability: float, overdrive: float) -> float:
    """Return what noise on the way to the equator costs: of order 1/(Delta (i-1)^3).

    The two numbers are fitted to the Fokker-Planck equation at Delta 30-100 and i 1.2-6.
    """
    return (3.68 - 1.38 * overdrive) / (stability * ((overdrive - 1) ** 2 + 1 / stability) ** 1.5)


def write_error_rate(stability: float, overdrive: float, time: float) -> float:
    """Return the probability that a pulse of i = `overdrive` > 1 leaves the spin where it was."""
    spread, slowest = _spread(stability, overdrive)
    growth = overdrive * math.exp(min(slowest * (time - _delay(stability, overdrive)), 700.0)) - 1
    return -math.expm1(-spread / growth) if growth > 0 else 1.0


def pulse_time(stability: float, overdrive: float, error_rate: float) -> float:
    """Return the pulse that leaves an error rate, for i = `overdrive` > 1."""
    spread, slowest = _spread(stability, overdrive)
    growth = math.log((1 + spread / -math.log1p(-error_rate)) / overdrive)
    return max(growth / slowest + _delay(stability, overdrive), 0.0)


def median_time(stability: float, overdrive: float) -> float:
    """Return the time within which half of the spins switch, for i = `overdrive` > 1."""
    return pulse_time(stability, overdrive, 0.5)


def escape_rate(stability: float, overdrive: float = 0.0) -> float:
    """Return the rate of thermal flips out of one well, for i < 1; negative currents hold the spin.

    Brown's asymptote, sqrt(Delta/pi) (1 - i^2) (1 - i) exp(-Delta (1 - i)^2), with the torque in the field's place:
    along the easy axis both tilt the same effective potential. W. F. Brown, Phys. Rev. 130, 1677 (1963). The
    asymptote wants a barrier above kT; where less is left, its greatest value holds.
    """
    i = max(min(overdrive, 1 - 1 / math.sqrt(stability)), -1.0)
    barrier = stability * (1 - i) ** 2
    return math.sqrt(stability / math.pi) * (1 - i * i) * (1 - i) * math.exp(-min(barrier, 700.0))
