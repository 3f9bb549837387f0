"""The macrospin against its plain-Python twin, closed forms, the Boltzmann distribution and published medians."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.devices.spin.kernel import GAMMA_RAD_PER_TS, shape
from circuits.devices.spin.macrospin import (
    Ensemble,
    Macrospin,
    Pulse,
    equilibrium,
    median,
    run,
    switching_probability,
    switching_times,
)
from circuits.devices.spin.noise import normal, stream
from tests.naive import macrospin as naive

BK, ALPHA = 0.2887, 0.012
vectors = st.tuples(*[st.floats(-0.3, 0.3)] * 3)


def stt(overdrive: float, stability: float = 60.0) -> Macrospin:
    """The 40 nm junction of array_model's medians: precession cone of 1.64 ns."""
    return Macrospin(BK, ALPHA, stability, damping_like_T=(0, 0, -overdrive * ALPHA * BK))


def start(*spins: tuple[float, float, float]) -> Ensemble:
    given = np.array(spins, dtype=float)
    given /= np.linalg.norm(given, axis=1)[:, None]
    return Ensemble(given, np.arange(len(given), dtype=np.uint64))


@settings(max_examples=30, deadline=None)
@given(vectors, vectors, vectors, st.floats(0, 1), st.floats(0.1, 3), st.floats(0, 6.2),
       st.tuples(*[st.floats(0, 4e-11)] * 4))  # fmt: skip
def test_the_kernel_is_its_twin(damping_like, field_like, applied, damping, polar, azimuth, edges):
    begin = (math.sin(polar) * math.cos(azimuth), math.sin(polar) * math.sin(azimuth), math.cos(polar))
    spin = Macrospin(BK, damping, 0.0, damping_like, field_like, applied)
    pulse = Pulse(edges[2], edges[1], edges[3], edges[0])
    ours = start(begin)
    crossed = run(spin, pulse, ours, 80e-12, step_s=1e-12)
    figures = {"anisotropy": BK, "damping": damping, "damping_like": list(damping_like),
               "field_like": list(field_like), "applied": list(applied)}  # fmt: skip
    theirs, when = naive.trajectory(list(begin), figures, (edges[0], edges[1], edges[2], edges[3]), 80, 1e-12,
                                    [[0.0] * 3] * 80)  # fmt: skip
    assert ours.spins[0] == pytest.approx(theirs, abs=1e-9)
    assert crossed[0] == pytest.approx(when, rel=1e-6, abs=1e-18)


def test_the_noise_is_added_as_the_twin_adds_it():
    spin = stt(2.0)
    ensemble = equilibrium(spin, 3, seed=5)
    begin, states = ensemble.spins.copy(), ensemble.states.copy()
    run(spin, Pulse(1.0), ensemble, 50e-12)
    kick = spin.thermal_T_root_s / math.sqrt(1e-12)
    for n in range(3):
        state, noise = states[n], []
        for _ in range(50):
            drawn = []
            for _ in range(3):
                state, value = normal(np.uint64(state))
                drawn.append(kick * value)
            noise.append(drawn)
        figures = {"anisotropy": BK, "damping": ALPHA, "damping_like": list(spin.damping_like_T),
                   "field_like": [0.0] * 3, "applied": [0.0] * 3}  # fmt: skip
        theirs, _ = naive.trajectory(list(begin[n]), figures, (0.0, 0.0, 1.0, 0.0), 50, 1e-12, noise)
        assert ensemble.spins[n] == pytest.approx(theirs, abs=1e-9)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_streams_are_the_twins(seed, index):
    assert int(stream(np.uint64(seed), np.uint64(index))) == naive.stream(seed, index)


def test_normals_are_normal():
    state, drawn = stream(np.uint64(1), np.uint64(2)), np.empty(100_000)
    for n in range(len(drawn)):
        state, drawn[n] = normal(np.uint64(state))
    from scipy import stats

    assert stats.kstest(drawn, "norm").pvalue > 1e-3
    beyond = np.mean(np.abs(drawn) > 3)  # includes what lies beyond the layers, in the tail
    assert beyond == pytest.approx(2.7e-3, abs=4 * math.sqrt(2.7e-3 / len(drawn)))


@given(st.floats(-1, 5), st.floats(0, 1), st.floats(0, 2), st.floats(0, 1))
def test_the_pulse_has_linear_edges(time, rise, width, fall):
    height = shape(time, np.array([0.0, rise, width, fall]))
    assert height == pytest.approx(naive.height(time, 0.0, rise, width, fall), abs=1e-9)
    assert 0 <= height <= 1


def test_precession_frequency_and_energy_at_zero_damping():
    """f = gamma Bk cos(theta) / (2 pi); neither energy nor z changes."""
    spin = Macrospin(BK, 0.0, 0.0)
    theta = 0.7
    ensemble = start((math.sin(theta), 0, math.cos(theta)))
    period = 2 * math.pi / (GAMMA_RAD_PER_TS * BK * math.cos(theta))
    run(spin, Pulse(1.0), ensemble, period, step_s=period / 4000)
    assert ensemble.spins[0] == pytest.approx([math.sin(theta), 0, math.cos(theta)], abs=1e-4)
    tilted = Macrospin(BK, 0.0, 0.0, applied_T=(0.05, 0.02, -0.03))
    ensemble = start((1, 0.3, 0.8))

    def energy() -> float:
        m = ensemble.spins[0]
        return -BK / 2 * m[2] ** 2 - float(m @ np.array(tilted.applied_T))

    before = energy()
    run(tilted, Pulse(1.0), ensemble, 5e-9, step_s=0.2e-12)
    assert energy() == pytest.approx(before, abs=1e-5 * BK)


def test_damping_closes_the_cone_at_its_rate():
    """tan(theta) falls as exp(-t / tau0) on the easy axis."""
    spin = Macrospin(BK, ALPHA, 0.0)
    ensemble = start((math.sin(0.5), 0, math.cos(0.5)))
    run(spin, Pulse(1.0), ensemble, 2e-9, step_s=0.2e-12)
    m = ensemble.spins[0]
    assert math.hypot(m[0], m[1]) / m[2] == pytest.approx(
        math.tan(0.5) * math.exp(-2e-9 / spin.time_constant_s), rel=2e-3
    )


@pytest.mark.parametrize(("overdrive", "opens"), [(0.98, False), (1.02, True)])
def test_the_cone_opens_above_the_critical_current(overdrive, opens):
    ensemble = start((math.sin(0.02), 0, math.cos(0.02)))
    run(Macrospin(BK, ALPHA, 0.0, (0, 0, -overdrive * ALPHA * BK)), Pulse(1.0), ensemble, 20e-9, step_s=0.5e-12)
    assert (ensemble.spins[0, 2] < math.cos(0.02)) == opens


def test_without_heat_the_switching_time_is_the_integral_of_the_torque():
    """tau = integral of d theta / ((i - cos theta) sin theta) from the first angle to the equator."""
    i, first = 2.5, 0.1
    x = math.cos(first)
    parts = (math.log((i - x) / i) / (i * i - 1), -math.log(1 - x) / (2 * (i - 1)), math.log(1 + x) / (2 * (i + 1)))
    spin = Macrospin(BK, ALPHA, 0.0, (0, 0, -i * ALPHA * BK))
    crossed = run(spin, Pulse(1.0), start((math.sin(first), 0, x)), 20e-9, step_s=0.5e-12, stop_at_equator=True)
    assert crossed[0] / spin.time_constant_s == pytest.approx(sum(parts), rel=2e-3)


@pytest.mark.parametrize("step_s", [0.5e-12, 1e-12, 2e-12])
def test_heat_alone_reaches_boltzmanns_distribution_at_every_step(step_s):
    """The mean of sin^2(theta) in a well of Delta, from spins that start at the pole; damped, to be there soon."""
    spin = Macrospin(BK, 0.2, 20.0)
    ensemble = equilibrium(spin, 4000, seed=3)
    theirs = np.mean(1 - equilibrium(spin, 200_000, seed=9).spins[:, 2] ** 2)
    ensemble.spins[:] = (0, 0, 1)
    run(spin, Pulse(0.0), ensemble, 0.5e-9, step_s=step_s)
    ours = 1 - ensemble.spins[:, 2] ** 2
    z = np.linspace(0, 1, 100_001)
    weight = np.exp(20 * (z * z - 1))
    exact = float(np.sum((1 - z * z) * weight) / np.sum(weight))
    assert theirs == pytest.approx(exact, rel=0.01)
    assert np.mean(ours) == pytest.approx(exact, abs=4 * np.std(ours) / math.sqrt(len(ours)))


@pytest.mark.parametrize(("overdrive", "median_s"), [(1.5, 5.7e-9), (2, 3.5e-9), (3, 2.0e-9), (4, 1.4e-9)])
def test_the_known_medians(overdrive, median_s):
    """A 40 nm junction of Delta 60, alpha 0.012, P 0.6; the figures are given to two digits."""
    found = median(switching_times(stt(overdrive), 1200, 40e-9, seed=2))
    assert found.value == pytest.approx(median_s, abs=3 * found.error + 0.05e-9)


def test_the_median_does_not_depend_on_the_step():
    found = [median(switching_times(stt(3), 1500, 20e-9, seed=4, step_s=s)) for s in (0.5e-12, 1e-12, 2e-12)]
    for one in found[1:]:
        assert one.value == pytest.approx(found[0].value, abs=3 * math.hypot(one.error, found[0].error))


def test_a_seed_gives_the_same_trajectories_in_any_grouping():
    spin = stt(3)
    whole, parts = equilibrium(spin, 6, seed=7), equilibrium(spin, 6, seed=7)
    run(spin, Pulse(1.0), whole, 1e-9)
    for part in (slice(3, 6), slice(0, 3)):
        run(spin, Pulse(1.0), Ensemble(parts.spins[part], parts.states[part]), 1e-9)
    assert np.array_equal(whole.spins, parts.spins)
    assert not np.array_equal(whole.spins, equilibrium(spin, 6, seed=8).spins)


def test_a_longer_pulse_and_more_current_switch_more():
    shares = [switching_probability(stt(2), Pulse(w), 600, step_s=2e-12).value for w in (2e-9, 4e-9, 8e-9)]
    assert shares == sorted(shares)
    assert shares[0] + 0.2 < shares[2]
    assert switching_probability(stt(3), Pulse(2e-9), 600, step_s=2e-12).value > shares[0] + 0.2
