"""The simulation and the closed form say what their slow twins say."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.balance.model.demands import columns
from hwmodel.balance.model.fixed_point import flows, solve
from hwmodel.balance.model.simulate import run, typed
from tests.hwmodel.balance.model.settings import at_random, demands
from tests.naive import balance, balance_closed

POOLS = st.one_of(
    st.just([1.0]),
    st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=2, max_size=7),
    st.lists(st.floats(0.05, 3), min_size=2, max_size=40),
)


@settings(max_examples=100)
@given(demands(), POOLS)
def test_the_simulation_goes_as_its_twin(asked, pool):
    found = run(typed(asked), np.array(pool), 120)
    np.testing.assert_allclose(found, balance.simulate(asked, pool, 120), rtol=1e-9, atol=1e-12)


@settings(max_examples=12)
@given(st.lists(demands(most=300), min_size=1, max_size=6))
def test_the_closed_form_is_that_of_its_twin(asked):
    np.testing.assert_allclose(solve(columns(asked)), balance_closed.solve(columns(asked)), rtol=1e-6, atol=1e-9)


def test_settings_together_are_each_as_alone():
    asked = at_random(40)
    together = solve(columns(asked))
    for one, row in zip(asked, together, strict=True):
        np.testing.assert_array_equal(flows([one])[0], row)
