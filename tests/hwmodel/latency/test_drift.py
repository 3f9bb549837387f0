"""The course of a machine's slowness, from anchors whose times are known."""

import numpy as np
import pytest

from hwmodel.latency.profile.drift import LEAST_VISITS, QUICK, course

TIMES = np.linspace(0, 300, 150)
WHICH = np.arange(150) % 3
COSTS = np.array([1e-3, 4e-3, 2e-4])


def anchors(slowness: np.ndarray, noise: float, seed: int = 0) -> np.ndarray:
    return COSTS[WHICH] * slowness * np.exp(noise * np.random.default_rng(seed).standard_normal(150))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("slowness", [
    1 + 0.1 * np.sin(TIMES / 20), np.where(TIMES < 100, 1.0, 1.2), 1 + TIMES / 1500,
], ids=["wave", "step", "slope"])  # fmt: skip
def test_a_known_course_is_found(slowness, seed):
    found = course(TIMES, anchors(slowness, 0.01, seed), WHICH).slowness(TIMES)
    right = slowness / np.quantile(slowness, QUICK)
    off = found / right
    assert np.std(off) < 0.008 + (0.012 if slowness[0] == 1.0 and slowness[-1] == 1.2 else 0)
    assert np.median(off) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_noise_alone_is_no_drift(seed):
    found = course(TIMES, anchors(np.ones(150), 0.01, seed), WHICH)
    assert np.ptp(found.slowness(TIMES)) < 0.008
    assert found.noise == pytest.approx(0.01, rel=0.3)


def test_a_few_visits_that_something_interrupted_change_little():
    slowness = 1 + 0.1 * np.sin(TIMES / 20)
    times = anchors(slowness, 0.01)
    times[[20, 71, 110]] *= 3
    found = course(TIMES, times, WHICH).slowness(TIMES)
    assert np.std(found / slowness) < 0.02


def test_anchors_of_other_costs_are_one_course():
    slowness = 1 + 0.1 * np.sin(TIMES / 20)
    one = course(TIMES, anchors(slowness, 0.005), WHICH).slowness(TIMES)
    other = course(TIMES, anchors(slowness, 0.005) * np.array([5, 0.1, 70])[WHICH], WHICH).slowness(TIMES)
    assert one == pytest.approx(other, rel=1e-6)


def test_times_since_1970_are_as_good_as_any():
    times = anchors(1 + 0.1 * np.sin(TIMES / 20), 0.005)
    late = course(TIMES + 1.7e9, times, WHICH).slowness(TIMES + 1.7e9)
    assert late == pytest.approx(course(TIMES, times, WHICH).slowness(TIMES), rel=1e-4)


def test_too_few_visits_correct_nothing():
    few = course(TIMES[: LEAST_VISITS - 1], anchors(np.ones(150), 0.1)[: LEAST_VISITS - 1], WHICH[: LEAST_VISITS - 1])
    assert (few.slowness(TIMES) == 1).all()
    assert few.reason == f"{LEAST_VISITS - 1} visits to anchors; {LEAST_VISITS} are needed"


def test_the_course_within_a_day_is_found_though_another_day_lies_between():
    slowness = 1 + 0.1 * np.sin(TIMES / 20)
    at_s = np.concatenate([TIMES, TIMES + 86400])
    times = np.concatenate([anchors(slowness, 0.01), 1.3 * anchors(slowness, 0.01, 1)])
    found = course(at_s, times, np.tile(WHICH, 2)).slowness(at_s)
    assert np.std(found / np.concatenate([slowness, 1.3 * slowness])) < 0.012
