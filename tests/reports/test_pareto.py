import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.pareto import front, hypervolume, progress
from tests.naive import pareto as naive

POINTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=25)


@given(POINTS)
def test_the_front_is_that_of_the_twin(points: list[tuple[int, int]]) -> None:
    assert front(np.array(points, float)).tolist() == naive.front(points)


@given(POINTS, st.tuples(st.integers(1, 11), st.integers(1, 11)))
def test_the_hypervolume_is_that_of_the_twin(points: list[tuple[int, int]], reference: tuple[int, int]) -> None:
    assert hypervolume(np.array(points, float), reference) == naive.hypervolume(points, reference)


@given(POINTS, st.floats(0.1, 1e3), st.floats(-5, 5))
def test_progress_grows_and_does_not_depend_on_units(points: list[tuple[int, int]], scale: float, shift: float) -> None:
    found = progress(np.array(points, float))
    assert len(found) == len(points)
    assert (np.diff(found) >= -1e-12).all()
    assert found[0] >= 0
    assert found[-1] <= 1 + 1e-12
    again = progress(np.array(points, float) * [scale, 1.0] + [shift, 0.0])
    assert again == pytest.approx(found, abs=1e-6)


def test_a_best_corner_rules_the_box() -> None:
    assert progress(np.array([[2.0, 2.0], [1.0, 2.0], [1.0, 1.0]])).tolist() == [0, 0, 1]
