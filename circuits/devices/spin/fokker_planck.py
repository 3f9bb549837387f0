"""The Fokker-Planck equation of the axially symmetric macrospin, in Legendre polynomials of x = cos(theta).

    d rho/d tau = d/dx [ (1 - x^2) ( (i - x) rho + 1/(2 Delta) d rho/dx ) ],  tau = t / tau0

W. F. Brown, Phys. Rev. 130, 1677 (1963), with spin transfer as in W. H. Butler et al., IEEE Trans. Magn. 48(12), 4684
(2012). The basis resolves the thermal cone at either pole, whose width in x is 1/(2 Delta (1 + i)).
"""

import math

import numpy as np
from numpy.polynomial import legendre

from circuits.devices.spin.law import median_time

SMALLEST = 1e-11  # what rounding leaves of a probability of one


def _order(stability: float, overdrive: float) -> int:
    return math.ceil(math.sqrt(112 * stability * (1 + abs(overdrive)))) + 12


def generator(stability: float, overdrive: float) -> np.ndarray:
    """Return the (n, n) matrix that turns Legendre coefficients of rho into those of d rho/d tau."""
    n = _order(stability, overdrive)
    x, weight = legendre.leggauss(n + 4)
    values = legendre.legvander(x, n - 1)
    order = np.arange(n)
    slopes = np.zeros_like(values)  # (1 - x^2) P_m'
    slopes[:, 1:] = order[1:] * (values[:, :-1] - x[:, None] * values[:, 1:])
    flow = -(slopes * ((overdrive - x) * weight)[:, None]).T @ values
    return (2 * order[:, None] + 1) / 2 * flow - np.diag(order * (order + 1.0)) / (2 * stability)


def boltzmann(stability: float, order: int) -> np.ndarray:
    """Return the Legendre coefficients of thermal equilibrium around x = 1."""
    x, weight = legendre.leggauss(2 * order)
    density = np.where(x > 0, np.exp(stability * (x * x - 1)), 0.0)
    density /= weight @ density
    return (2 * np.arange(order) + 1) / 2 * (legendre.legvander(x, order - 1).T @ (weight * density))


def _upper(order: int) -> np.ndarray:
    """Return the integral of every polynomial from 0 to 1."""
    x, weight = legendre.leggauss(order)
    return legendre.legvander((x + 1) / 2, order - 1).T @ (weight / 2)


def unswitched(stability: float, overdrive: float, times: np.ndarray) -> np.ndarray:
    """Return the probability that the spin is still on its side of the equator after a pulse.

    Args:
        stability: Delta at the pulse's temperature.
        overdrive: i = I / I_c0, of either sign.
        times: (n,) pulse lengths over tau0, ascending. Probabilities below 1e-11 drown in rounding.
    """
    from scipy.linalg import expm

    matrix = generator(stability, overdrive)
    rho, upper = boltzmann(stability, len(matrix)), _upper(len(matrix))
    found, at = np.empty(len(times)), 0.0
    carry: dict[float, np.ndarray] = {}
    for k, time in enumerate(times):
        gap = round(float(time) - at, 9)
        if gap > 0:
            if gap not in carry:
                carry[gap] = expm(matrix * gap)
            rho = carry[gap] @ rho
        at = float(time)
        found[k] = upper @ rho
    return found


def median(stability: float, overdrive: float) -> float:
    """Return the time over tau0 by which half of the spins have crossed the equator, for i > 1."""
    times = np.linspace(0, 3 * median_time(stability, overdrive), 193)
    logs = np.log(np.maximum(unswitched(stability, overdrive, times), SMALLEST))
    return float(np.interp(-math.log(0.5), -logs, times))
