"""Rare write errors of the axially symmetric macrospin, by sequential importance sampling of whole trajectories.

The spins that end unswitched are those that noise held near the pole. The ensemble is drawn again at checkpoints, with
weights G(z) = exp(-Delta (i - 1) (1 - z)), the root of the form that the chance to stay falls with; a spin divides by
the weight that it was drawn with, so that the product of the mean weights is an unbiased estimate whatever G is.
P. Del Moral, J. Garnier, Ann. Appl. Probab. 15(4), 2496 (2005).
"""

import math

import numpy as np

from circuits.devices.spin.law import median_time
from circuits.devices.spin.macrospin import STEP_S, Ensemble, Estimate, Macrospin, Pulse, equilibrium, run
from circuits.devices.spin.noise import stream

GROUPS = 8


def overdrive(spin: Macrospin) -> float:
    """Return i, the damping-like torque over the one that the damping balances."""
    return -spin.damping_like_T[2] / (spin.damping * spin.anisotropy_T)


def _redrawn(ensemble: Ensemble, weights: np.ndarray, random: np.random.Generator, seed: int) -> Ensemble:
    """Return an ensemble drawn by weight (systematic resampling), with fresh streams."""
    count = len(weights)
    at = (np.arange(count) + random.random()) * weights.sum() / count
    drawn = np.minimum(np.searchsorted(np.cumsum(weights), at), count - 1)
    states = np.array([stream(np.uint64(seed), np.uint64(n)) for n in range(count)], dtype=np.uint64)
    return Ensemble(np.ascontiguousarray(ensemble.spins[drawn]), states)


def _one(spin: Macrospin, width_s: float, count: int, seed: int, step_s: float) -> float:
    random = np.random.Generator(np.random.Philox(key=[seed, 1]))
    excess = overdrive(spin) - 1
    fall = spin.stability * excess
    unit = spin.time_constant_s
    free = width_s - unit * median_time(spin.stability, 1 + excess)  # the last leg decides, without a checkpoint
    stage = unit / (4 * excess)
    stops = [free - k * stage for k in range(max(math.ceil(free / stage), 0))][::-1]
    pulse, ensemble = Pulse(2 * width_s), equilibrium(spin, count, seed)
    rate, at, log_drawn = 1.0, 0.0, np.zeros(count)
    for k, stop in enumerate([*stops, width_s]):
        run(spin, pulse, ensemble, stop, start_s=at, step_s=step_s)
        z, at = ensemble.spins[:, 2], stop
        log_wish = -fall * (1 - z) if stop < width_s else np.zeros(count)
        weights = np.where(z > 0, np.exp(log_wish - log_drawn), 0.0)
        rate *= float(weights.mean())
        if rate == 0 or stop == width_s:
            return rate
        ensemble = _redrawn(ensemble, weights, random, (seed << 16) + k + 1)
        log_drawn = -fall * (1 - ensemble.spins[:, 2])
    return rate


def write_error_rate(spin: Macrospin, width_s: float, count: int = 4096, seed: int = 1,
                     step_s: float = STEP_S) -> Estimate:  # fmt: skip
    """Return the probability that a rectangular pulse towards -z leaves the spin above the equator.

    The error is the standard error of eight independent groups' mean.

    Raises:
        ValueError: the overdrive is not above one, or there is no thermal field.
    """
    if overdrive(spin) <= 1 or spin.stability <= 0:
        raise ValueError("rare errors: needs an overdrive above one towards -z, and a temperature")
    found = [_one(spin, width_s, max(count // GROUPS, 1), seed * GROUPS + g, step_s) for g in range(GROUPS)]
    return Estimate(float(np.mean(found)), float(np.std(found, ddof=1)) / math.sqrt(GROUPS))
