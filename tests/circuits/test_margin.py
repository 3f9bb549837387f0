"""The quantile of a read: closed forms of normal spreads, limits, and a state that conducts only far out."""

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from circuits.cells.margin import at_quantile, mismatch, reference_sigma_A, sigmas
from circuits.cells.sense import Amplifier, integrate_s, sample_s, settle_s
from circuits.cells.spread import read_spreads
from circuits.devices.node import load_node
from circuits.errors import InputError

NODE, SPREAD = load_node("16nm"), read_spreads()[0]
AMPLIFIER = Amplifier(clamp_overdrive_V=0.15, clamp_units=8, residual=0.2, sample_capacitance_F=20e-15,
                      sense_capacitance_F=5e-15, latch_fins=8, reference_cells=8, corner_sigmas=3)  # fmt: skip
NAMES = ("cell", "other", "die.shift")


def linear(low_A, high_A, spread_low, spread_high, die=0.0):
    """Return currents that go linearly with their sources."""

    def currents(draws):
        shared = 1 + die * draws["die.shift"]
        return (low_A * (1 + spread_low * draws["other"]) * shared, high_A * (1 + spread_high * draws["cell"]) * shared)

    return currents


def designed(currents, error_rate=1e-6, amplifier=AMPLIFIER):
    return at_quantile(currents, NAMES, NODE, SPREAD, amplifier, 0.1, error_rate, "x")


@pytest.mark.parametrize("error_rate", [1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("die", [0.0, 0.03])
def test_either_state_of_normal_currents_errs_at_the_rate_asked_for(error_rate, die):
    margin = designed(linear(8e-6, 18e-6, 0.03, 0.05, die), error_rate)
    low, high = 8e-6 * (1 - 3 * die), 18e-6 * (1 - 3 * die)
    own = np.array([low * 0.03, high * 0.05])
    beside = mismatch(NODE, SPREAD, AMPLIFIER, 0.1) * np.array([low, high])
    sigma = np.sqrt(own**2 + beside**2 + reference_sigma_A(own, AMPLIFIER) ** 2)
    timed = margin.offset_sigma_V * margin.signal_A / margin.offset_V  # C sigma_offset / T
    reference = low + margin.reference_share * (high - low)
    for away, one in zip((reference - low, high - reference), sigma, strict=True):
        assert NormalDist().cdf(-away / math.hypot(one, timed)) == pytest.approx(error_rate, rel=1e-3)
    assert margin.half_difference_A == pytest.approx(5e-6)


def test_without_spread_the_whole_signal_is_left_and_the_offset_is_the_quantiles():
    margin = designed(linear(8e-6, 18e-6, 0.0, 0.0), amplifier=replace(AMPLIFIER, residual=1e-12))
    assert margin.signal_A == pytest.approx(5e-6)
    assert margin.offset_V == pytest.approx(sigmas(1e-6) * margin.offset_sigma_V)
    assert margin.reference_share == pytest.approx(0.5)


def test_the_reference_stands_nearer_to_the_state_that_scatters_less():
    assert designed(linear(8e-6, 18e-6, 0.01, 0.06)).reference_share < 0.45
    assert designed(linear(8e-6, 18e-6, 0.10, 0.01)).reference_share > 0.55


def test_a_state_that_conducts_only_far_out_is_found():
    """A hinge: flat at the design and as far as three sigma, whatever its slope there."""

    def hinged(draws):
        low = 1e-6 + 3e-6 * np.maximum(draws["other"] - 3, 0.0)
        return low + 0 * draws["die.shift"], 18e-6 * (1 + 0.03 * draws["cell"])

    assert designed(hinged).signal_A < 0.9 * designed(linear(1e-6, 18e-6, 0.0, 0.03)).signal_A


def test_a_margin_that_is_gone_says_what_to_change():
    with pytest.raises(InputError, match=r"x: no signal is left at read\.error_rate 1e-06, 4\.75 sigma.*TMR.*bias_V"):
        designed(linear(8e-6, 18e-6, 0.1, 0.15))
    assert designed(linear(8e-6, 18e-6, 0.1, 0.15), 1e-2).signal_A > 0


def test_phases_of_a_read():
    margin = designed(linear(8e-6, 18e-6, 0.03, 0.05))
    figures = margin.figures(AMPLIFIER)
    gm = 2 * 13e-6 / 0.15
    left = math.log(10 * 13e-6 / margin.signal_A)
    assert settle_s(13e-6, margin.signal_A, 0.15, 60e-15) == pytest.approx(60e-15 / gm * left)
    assert sample_s(AMPLIFIER, 13e-6, margin.signal_A) == pytest.approx(20e-15 / gm * left)
    assert integrate_s(figures, margin.signal_A) == pytest.approx(5e-15 * margin.offset_V / margin.signal_A)
