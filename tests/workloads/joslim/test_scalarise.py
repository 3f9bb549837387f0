import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive import tchebyshev
from workloads.joslim.scalarise import bisect, confidence, scalarise

VALUES = st.floats(-2.5, 2.5, allow_nan=False)
CANDIDATES = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=12)


@given(CANDIDATES, st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_the_scalarisation_is_its_twin(candidates, weight):
    loss, cost = np.array(candidates).T
    ours = scalarise(loss, cost, weight, -3.0)
    assert ours == pytest.approx([tchebyshev.scalarise(one, weight, -3.0) for one in candidates], abs=1e-12)


def test_all_of_the_weight_on_one_side_leaves_its_best():
    loss, cost = np.array([0.0, 1.0, 2.0]), np.array([2.0, 1.0, 0.0])
    assert scalarise(loss, cost, 0.0, -3.0).argmax() == 0
    assert scalarise(loss, cost, 1.0, -3.0).argmax() == 2
    assert scalarise(loss, cost, 0.5, -3.0).argmax() == 1


def test_what_is_only_weakly_better_wins():
    assert scalarise(np.array([1.0, 0.0]), np.array([1.0, 1.0]), 0.9, -3.0).argmax() == 1


@pytest.mark.parametrize("target", [0.1, 0.15, 0.3, 0.5, 0.77, 0.99])
def test_a_dense_front_is_hit_within_the_tolerance(target):
    share = np.linspace(0.05, 1, 2000)
    loss, cost = 1 / share, share
    standard = [(one - one.mean()) / one.std() for one in (loss, cost)]
    found = bisect(*standard, lambda place: share[place], target, base=-3.0, tolerance=0.02)
    assert abs(found.cost - target) <= 0.02 * target
    assert found.cost == share[found.place]
    assert found.steps <= 10


@given(CANDIDATES, st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_a_coarse_front_gives_the_nearest_that_any_weight_gives(candidates, target):
    loss, cost = np.array(candidates).T
    true = (cost + 2.5) / 5
    found = bisect(loss, cost, lambda place: float(true[place]), target, base=-3.0, tolerance=0.0, steps=60)
    near = tchebyshev.nearest_cost(candidates, true.tolist(), target, -3.0, 300)
    assert abs(found.cost - target) <= near + 1e-5


def test_bounds_lie_on_either_side_of_the_mean():
    mean, deviation = np.array([1.0, 2.0]), np.array([0.0, 3.0])
    assert confidence(mean, deviation, 4.0, "optimistic").tolist() == [1.0, -4.0]
    assert confidence(mean, deviation, 4.0, "pessimistic").tolist() == [1.0, 8.0]
