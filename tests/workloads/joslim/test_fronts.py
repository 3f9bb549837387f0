import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.studies.pareto import hypervolume as known
from workloads.joslim.fronts import Network, accuracy_at, hypervolume


def test_one_network_has_the_area_of_its_rectangle():
    assert hypervolume([0.25], [0.1], 0.9) == pytest.approx(0.75 * 0.8)


def test_networks_worse_than_the_reference_add_nothing():
    assert hypervolume([0.25, 0.5], [0.95, 0.4], 0.9) == pytest.approx(0.5 * 0.5)


@given(
    st.lists(st.tuples(st.floats(0.01, 0.99), st.floats(0, 0.89)), min_size=1, max_size=8, unique_by=lambda one: one[0])
)
def test_errors_that_fall_with_costs_give_the_fronts_hypervolume(points):
    costs = sorted(cost for cost, _ in points)
    errors = sorted((error for _, error in points), reverse=True)
    ours = hypervolume(costs, errors, 0.9)
    assert ours == pytest.approx(known(np.stack([costs, errors], axis=1), np.array([1.0, 0.9])))


def test_a_choice_that_is_worse_on_other_images_counts_as_it_is():
    assert hypervolume([0.0, 0.5], [0.1, 0.3], 0.9) == pytest.approx(0.5 * 0.8 + 0.5 * 0.6)


def test_accuracy_is_that_of_the_last_network_that_is_affordable():
    row = np.array([1])
    front = [Network(row, 0.2, 1.0, 0.3), Network(row, 0.5, 0.5, 0.1)]
    assert accuracy_at(front, 0.1) is None
    assert accuracy_at(front, 0.49) == pytest.approx(0.7)
    assert accuracy_at(front, 1.0) == pytest.approx(0.9)
