"""Chances in place of choices: exact expectations, gradients, straight through, and draws."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.latency.query.closed import MOST_COLUMNS, closed_of, value_and_gradient
from hwmodel.latency.query.lookup import Lookup
from hwmodel.latency.query.relaxed import ExpectedCost, gumbel_chances, hard_choices
from tests.hwmodel.latency.forms import form_with, forms, told_whole
from tests.naive.latency import expected, mean_and_variance

ASKED = [("mean", None), ("low", 0.9), ("high", 0.5)]


def chances_of(form, networks, seed=0):
    drawn = np.random.default_rng(seed).gamma(1.0, size=(networks, *form.table.shape)) * form.space.present
    return drawn / drawn.sum(axis=2, keepdims=True)


@given(form=forms(most_layers=4, most_choices=4), seed=st.integers(0, 2**32))
def test_the_expectation_is_over_all_networks(form, seed):
    chances = chances_of(form, 3, seed)
    value, _ = value_and_gradient(form, chances)
    found = np.log(value) if form.link == "log" else value
    np.testing.assert_allclose(found, [expected(form, list(one)) for one in chances], rtol=1e-9, atol=1e-9)


@given(form=forms(most_layers=4, most_choices=4), link=st.sampled_from(["log", "identity"]))
def test_expectations_over_a_space_that_is_told_whole(form, link):
    whole = told_whole(form, link=link)
    chances = chances_of(whole, 3)
    value, _ = value_and_gradient(whole, chances)
    found = np.log(value) if link == "log" else value
    np.testing.assert_allclose(found, [expected(whole, list(one)) for one in chances], rtol=1e-9, atol=1e-9)
    codes = whole.space.sample(5, np.random.default_rng(0))
    ones = whole.space.one_hot(codes, np.float64)
    ends = [value_and_gradient(whole, ones, *one)[0] for one in (("mean", None), ("low", 0.9), ("high", 0.9))]
    np.testing.assert_allclose(ends, Lookup(whole).interval(codes, 0.9), rtol=1e-9)
    assert value_and_gradient(whole, chances[:0], "high", 0.9)[1].shape == (0, *whole.table.shape)


@given(form=forms(), seed=st.integers(0, 2**32))
def test_certain_choices_are_the_network(form, seed):
    codes = form.space.sample(5, np.random.default_rng(seed))
    ones = form.space.one_hot(codes, np.float64)
    lookup = Lookup(form)
    asked = [("mean", None), ("low", 0.9), ("high", 0.9)]
    found = [value_and_gradient(form, ones, *one)[0] for one in asked]
    np.testing.assert_allclose(found, lookup.interval(codes, 0.9), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("link", ["log", "identity"])
@pytest.mark.parametrize(("of", "level"), ASKED)
@pytest.mark.parametrize("more", [{}, {"which": []}, {"rank": 0}, {"relative": 0.0}, None])
def test_gradients_are_those_of_differences(link, of, level, more):
    form = told_whole(form_with((3, 2, 4)), link=link) if more is None else form_with((3, 2, 4), link=link, **more)
    cost = ExpectedCost(form, of, level, torch.float64)
    chances = torch.tensor(chances_of(form, 3), requires_grad=True)
    assert torch.autograd.gradcheck(cost, (chances,))
    cost(chances).sum().backward()
    value, gradient = value_and_gradient(form, chances.detach().numpy(), of, level)
    np.testing.assert_allclose(cost(chances).detach().numpy(), value, rtol=1e-12)
    np.testing.assert_allclose(chances.grad.numpy(), gradient, rtol=1e-12)


def test_single_precision_is_as_good_as_it_can_be():
    form = form_with((9,) * 22, seed=1, table=np.full((22, 9), 0.1), link="log")
    chances = chances_of(form, 3000).astype(np.float32)
    for of, level in ASKED:
        value, gradient = value_and_gradient(form, chances, of, level)
        assert value.dtype == gradient.dtype == np.float32
        exact, slope = value_and_gradient(form, chances.astype(np.float64), of, level)
        np.testing.assert_allclose(value, exact, rtol=1e-4)
        np.testing.assert_allclose(gradient, slope, rtol=1e-3, atol=1e-4 * np.abs(slope).max())


def test_the_log_link_gives_the_geometric_mean_which_is_no_larger():
    form = form_with((3, 3, 3), link="log")
    (chances,) = chances_of(form, 1)
    value, _ = value_and_gradient(form, chances[None])
    codes = form.space.all_codes()
    weights = np.prod(np.take_along_axis(chances, codes.T, axis=1), axis=0)
    means = np.exp([mean_and_variance(form, code)[0] for code in codes.tolist()])
    assert value[0] <= weights @ means
    assert value[0] == pytest.approx(np.exp(weights @ np.log(means)))


def test_straight_through_values_are_hard_and_gradients_soft():
    form = form_with((3, 2, 4))
    cost = ExpectedCost(form, "high", 0.9, torch.float64)
    chances = torch.tensor(chances_of(form, 6), requires_grad=True)
    codes = chances.detach().argmax(dim=2).numpy()
    value = cost.straight_through(chances)
    np.testing.assert_allclose(value.detach().numpy(), Lookup(form).interval(codes, 0.9)[2], rtol=1e-4)
    value.sum().backward()
    _, gradient = value_and_gradient(form, form.space.one_hot(codes, np.float64), "high", 0.9)
    np.testing.assert_allclose(chances.grad.numpy(), gradient, rtol=1e-12)
    assert set(hard_choices(chances).unique().tolist()) == {0.0, 1.0}


def test_shapes_before_the_layers_are_kept():
    form = form_with((3, 2))
    cost = ExpectedCost(form)
    chances = torch.tensor(chances_of(form, 6)).reshape(2, 3, 2, 3)
    assert cost(chances).shape == (2, 3)
    assert cost(chances[0, 0]).shape == ()
    assert cost(chances[:0]).shape == (0, 3)
    assert not cost.state_dict()
    with pytest.raises(InputError, match=r"give \(..., 2, 3\)"):
        cost(chances.transpose(2, 3))
    with pytest.raises(InputError, match="give \\(N, L, C\\)"):
        value_and_gradient(form, np.zeros((2, 3)))


def test_draws_follow_the_softmax_and_never_take_what_is_absent():
    form = form_with((3, 2))
    cost = ExpectedCost(form)
    logits = torch.tensor([[0.0, 1.0, -1.0], [0.5, 0.0, 9.0]]).expand(20_000, 2, 3)
    drawn = gumbel_chances(logits, cost.present, hard=True, generator=torch.Generator().manual_seed(0))
    wanted = torch.softmax(logits[0].masked_fill(~cost.present, -torch.inf), dim=1)
    torch.testing.assert_close(drawn.mean(dim=0), wanted, atol=0.015, rtol=0)
    soft = gumbel_chances(logits[:100], cost.present, 0.5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(soft.sum(dim=2), torch.ones(100, 2))
    assert (soft[:, 1, 2] == 0).all()
    with pytest.raises(InputError, match="temperature 0: not positive"):
        gumbel_chances(logits, cost.present, 0)


def test_descent_finds_the_quickest_network():
    form = form_with((4, 4, 4), seed=3, which=[])
    cost = ExpectedCost(form)
    logits = torch.zeros(3, 4, requires_grad=True)
    steps = torch.optim.Adam([logits], lr=0.1)
    for _ in range(200):
        steps.zero_grad()
        cost(torch.softmax(logits, dim=1)).backward()
        steps.step()
    codes = form.space.all_codes()
    assert logits.argmax(dim=1).tolist() == codes[Lookup(form).mean(codes).argmin()].tolist()


@settings(max_examples=20)
@given(form=forms())
def test_a_deviation_of_nothing_has_no_gradient_of_its_own(form):
    from dataclasses import replace

    still = replace(form, noise=0.0, relative=0.0, base=np.zeros_like(form.base), factor=np.zeros_like(form.factor))
    chances = chances_of(still, 2)
    value, gradient = value_and_gradient(still, chances, "high", 0.9)
    plain, slope = value_and_gradient(still, chances)
    np.testing.assert_array_equal(value, plain)
    np.testing.assert_array_equal(gradient, slope)


def test_what_cannot_be_asked():
    form = form_with((3, 2))
    for of, level in (("high", None), ("mean", 0.9), ("upper", 0.9)):
        with pytest.raises(InputError, match="give mean, or low or high and a level"):
            closed_of(form, of, level)
    with pytest.raises(InputError, match=r"level 0\.8: none of"):
        closed_of(form, "high", 0.8)
    large = form_with((127,) * 70, which=[], rank=0)
    assert large.table.size > MOST_COLUMNS
    with pytest.raises(InputError, match="more than 8192 for gradients"):
        closed_of(large)
