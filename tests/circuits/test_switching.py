"""Error rates three ways - closed law, Fokker-Planck, trajectories - and thermal escape."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.devices.spin import fokker_planck, law, rare
from circuits.devices.spin.macrospin import Macrospin, Pulse, switching_probability
from tests.naive import macrospin as naive

BK, ALPHA = 0.2887, 0.012
MEDIANS = {1.5: 5.7e-9, 2: 3.5e-9, 3: 2.0e-9, 4: 1.4e-9}


def stt(overdrive: float, stability: float = 60.0) -> Macrospin:
    return Macrospin(BK, ALPHA, stability, damping_like_T=(0, 0, -overdrive * ALPHA * BK))


def test_the_fokker_planck_equation_is_its_twin():
    ours = fokker_planck.unswitched(12.0, 2.0, np.array([1.0, 2.0]))
    for time, one in zip((1.0, 2.0), ours, strict=True):
        assert one == pytest.approx(naive.unswitched(12.0, 2.0, time, 150), rel=0.03)


def test_probability_is_kept_and_boltzmann_is_at_rest():
    matrix = fokker_planck.generator(40.0, 0.0)
    rho = fokker_planck.boltzmann(40.0, len(matrix))
    assert 2 * rho[0] == pytest.approx(1)
    assert np.abs(matrix[0]).max() == 0
    assert fokker_planck.unswitched(40.0, 0.0, np.array([0.0, 5.0])) == pytest.approx([1, 1], abs=1e-9)


@pytest.mark.parametrize(("overdrive", "median_s"), MEDIANS.items())
def test_the_fokker_planck_medians_are_the_known_ones(overdrive, median_s):
    """Given to two digits, from a finite sample: 2 % and the last digit."""
    found = fokker_planck.median(60, overdrive) * stt(2).time_constant_s
    assert found == pytest.approx(median_s, abs=0.02 * median_s + 0.05e-9)


@pytest.mark.parametrize("stability", [30, 60])
@pytest.mark.parametrize(("overdrive", "off"), [(1.3, 0.04), (1.5, 0.01), (2, 0.005), (4, 0.005)])
def test_the_law_gives_the_fokker_planck_pulse(stability, overdrive, off):
    """The pulse that the law asks for and the one that the equation does, at error rates of 1e-2, 1e-4 and 1e-8."""
    pulses = [law.pulse_time(stability, overdrive, rate) for rate in (1e-2, 1e-4, 1e-8)]
    step = pulses[-1] / 400
    grid = np.arange(401) * step
    left = fokker_planck.unswitched(stability, overdrive, grid)
    for pulse, rate in zip(pulses, (1e-2, 1e-4, 1e-8), strict=True):
        assert np.interp(-math.log(rate), -np.log(left), grid) == pytest.approx(pulse, rel=off)


@given(st.floats(20, 100), st.floats(1.05, 8), st.floats(-9, -1))
def test_the_law_inverts_and_a_longer_pulse_errs_less(stability, overdrive, exponent):
    rate = 10**exponent
    pulse = law.pulse_time(stability, overdrive, rate)
    assert law.write_error_rate(stability, overdrive, pulse) == pytest.approx(rate, rel=1e-6)
    assert law.write_error_rate(stability, overdrive, pulse * 1.1) < rate
    assert law.pulse_time(stability, overdrive * 1.05, rate) < pulse


@pytest.mark.parametrize(("overdrive", "rate"), [(2, 1e-2), (3, 1e-6)])
def test_trajectories_and_the_equation_agree_on_rare_errors(overdrive, rate):
    spin = stt(overdrive)
    pulse = law.pulse_time(60, overdrive, rate)
    exact = fokker_planck.unswitched(60, overdrive, np.array([pulse]))[0]
    found = rare.write_error_rate(spin, pulse * spin.time_constant_s, 2048, step_s=1e-12)
    assert found.value == pytest.approx(exact, abs=4.5 * found.error)  # eight groups: Student's t
    assert found.error < 0.6 * exact


def test_the_rare_and_the_plain_estimate_agree_where_both_can_be_had():
    spin = stt(2)
    width = law.pulse_time(60, 2, 0.05) * spin.time_constant_s
    plain = switching_probability(spin, Pulse(width), 1500, step_s=2e-12, settle_s=2e-12)
    found = rare.write_error_rate(spin, width, 1500, step_s=2e-12)
    assert found.value == pytest.approx(1 - plain.value, abs=4 * math.hypot(found.error, plain.error))
    with pytest.raises(ValueError, match="overdrive"):
        rare.write_error_rate(stt(0.9), width)


@pytest.mark.parametrize(("stability", "overdrive"), [(20, 0.0), (25, 0.2), (51, 0.6)])
def test_escape_is_browns_and_the_equations(stability, overdrive):
    """The asymptote is good to order one over the barrier that is left."""
    left = fokker_planck.unswitched(stability, overdrive, np.array([30.0, 35.0]))
    slope = -math.log(left[1] / left[0]) / 5
    found = law.escape_rate(stability, overdrive)
    assert found == pytest.approx(slope, rel=1.6 / (stability * (1 - overdrive) ** 2))
    assert found > slope


@given(st.floats(20, 100), st.floats(-0.9, 0.9))
def test_current_and_heat_help_the_escape(stability, overdrive):
    assert law.escape_rate(stability, overdrive + 0.05) >= law.escape_rate(stability, overdrive)
    if stability * (1 - overdrive) ** 2 > 5:
        assert law.escape_rate(stability * 0.9, overdrive) > law.escape_rate(stability, overdrive)
