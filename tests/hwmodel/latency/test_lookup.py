"""Kernels beside their twin, on forms of every shape."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.latency.query.groups import terms_of
from hwmodel.latency.query.lookup import BLOCK, Lookup
from hwmodel.latency.spaces import load_space
from tests.hwmodel.latency.forms import form_with, forms, told_whole
from tests.naive.latency import predict


@given(forms(), st.integers(0, 2**32), st.booleans())
def test_means_and_intervals_are_the_twins(form, seed, tabulate):
    codes = form.space.sample(20, np.random.default_rng(seed))
    lookup = Lookup(form, tabulate=tabulate)
    low, high = form.reach(0.9)
    expected = np.array([predict(form, code, low, high) for code in codes.tolist()]).T
    np.testing.assert_allclose(lookup.mean(codes), expected[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(lookup.interval(codes, 0.9), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("networks", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
@pytest.mark.parametrize("counts", [(9,) * 22, (127, 127), (2,) * 40, (5, 1, 3)])
def test_any_number_of_networks(networks, counts):
    form = form_with(counts)
    codes = form.space.sample(networks, np.random.default_rng(1))
    lookup = Lookup(form, tabulate=False)
    whole = lookup.interval(codes, 0.5)
    assert whole.shape == (3, networks)
    one_by_one = [lookup.interval(codes[n], 0.5)[:, 0] for n in range(networks)]
    np.testing.assert_array_equal(whole, np.array(one_by_one).reshape(networks, 3).T)
    assert (whole[1] <= whole[0]).all()
    assert (whole[0] <= whole[2]).all()


@given(forms(most_layers=4, most_choices=5), st.sampled_from(["log", "identity"]))
def test_a_space_that_is_told_whole_is_looked_up(form, link):
    whole = told_whole(form, link=link)
    codes = whole.space.sample(20, np.random.default_rng(1))
    expected = np.array([predict(whole, code, *whole.reach(0.9)) for code in codes.tolist()]).T
    np.testing.assert_allclose(Lookup(whole, tabulate=False).interval(codes, 0.9), expected, rtol=1e-12)
    np.testing.assert_allclose(Lookup(whole).mean(codes), expected[0], rtol=1e-12)


def test_layers_are_grouped_where_tables_stay_small():
    assert len(terms_of(form_with((9,) * 22)).one_at) == 11
    assert len(terms_of(form_with((9,) * 22)).two_at) == sum(range(2, 22, 2))
    assert len(terms_of(form_with((30,) * 30)).one_at) == 30
    assert len(terms_of(form_with((2,) * 14)).one_at) == 2
    assert len(terms_of(form_with((9,) * 22, which=[0])).two_at) == 0  # within the first group


def test_sums_of_layers_alone_are_exact():
    form = form_with((4,) * 10, which=[], rank=0, link="identity")
    codes = form.space.sample(100, np.random.default_rng(0))
    expected = [predict(form, code, 0, 0)[0] for code in codes.tolist()]
    np.testing.assert_allclose(Lookup(form).mean(codes), expected, rtol=1e-14)


def test_what_is_given_is_written_into_and_not_changed():
    form = form_with((5,) * 8)
    lookup = Lookup(form)
    codes = form.space.sample(50, np.random.default_rng(0))
    before, out, three = codes.copy(), np.empty(50), np.empty((3, 50))
    assert lookup.mean(codes, out) is out
    assert lookup.interval(codes, 0.9, three) is three
    np.testing.assert_array_equal(three[0], out)
    np.testing.assert_array_equal(codes, before)
    for same in (codes.view(np.uint8), codes.astype(np.int64), np.asfortranarray(codes), codes.tolist()):
        np.testing.assert_array_equal(lookup.mean(same), out)
    for wrong in (np.empty(49), np.empty(50, np.float32), np.empty(100)[::2]):
        with pytest.raises(InputError, match="out: no writable, contiguous float64 array"):
            lookup.mean(codes, wrong)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int64])
def test_codes_of_no_network_reach_no_table(kind):
    lookup = Lookup(form_with((5, 3)))
    with pytest.raises(InputError, match="network 1: 3 is no choice of layer 'l1'"):
        lookup.mean(np.array([[4, 2], [0, 3]], kind))
    with pytest.raises(InputError, match="shape"):
        lookup.interval(np.zeros((2, 3), kind), 0.9)


def test_levels_are_those_of_the_form():
    lookup = Lookup(form_with((5, 3)))
    with pytest.raises(InputError, match=r"level 0.8: none of drawn's; give 0.5, 0.9"):
        lookup.interval(np.array([[0, 0]]), 0.8)
    with pytest.raises(InputError, match="it has no intervals"):
        Lookup(form_with((5, 3), quantiles=())).interval(np.array([[0, 0]]), 0.9)


def test_a_space_of_cells_is_one_table():
    space = load_space("nasbench201")
    form = form_with((5,) * 6)
    whole, each = Lookup(form), Lookup(form, tabulate=False)
    codes = space.all_codes()
    np.testing.assert_array_equal(whole.interval(codes, 0.9), each.interval(codes, 0.9))
