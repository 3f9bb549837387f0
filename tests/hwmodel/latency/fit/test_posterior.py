"""The posterior against dense formulas, at its limits, and as a mixture."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.latency.fit.condition import MANY, condition
from hwmodel.latency.fit.features import Features
from hwmodel.latency.fit.kernel import Shapes, components
from hwmodel.latency.fit.posterior import Posterior, member
from hwmodel.latency.fit.prior import LINKS
from hwmodel.latency.fit.transfer import prepare
from tests.hwmodel.latency.fit.made import devices, error
from tests.hwmodel.latency.fit.test_kernel import drawn
from tests.naive import fit as naive


def alone(shapes, features, weights, rows, times):
    """A posterior of one member."""
    terms = components(shapes, features)
    residual, scale, _ = shapes.residual(times, rows)
    parts = [term.between(rows, rows) for term in terms]
    return Posterior([member(1.0, shapes, terms, weights, scale, parts, residual, rows)], rows), residual, scale


@given(st.integers(0, 2**32), st.sampled_from(LINKS))
def test_one_member_is_the_dense_formula(seed, link):
    draw, sources, features = drawn(seed)
    shapes = Shapes.of(sources, link)
    weights = draw.normal(-2, 0.5, len(components(shapes, features)) + 1)
    rows, asked = draw.integers(0, 9, 4), draw.permutation(9)
    posterior, residual, scale = alone(shapes, features, weights, rows, np.exp(draw.normal(size=4)))
    mean, variance = naive.posterior(shapes, features, weights, rows, residual, asked)
    expected = shapes.logarithm(mean, variance, scale, asked)
    for found, other in zip(posterior.logarithm(asked), expected, strict=True):
        np.testing.assert_allclose(found, other, rtol=1e-6, atol=1e-8)
    mean, among, noise = posterior.joint(asked)
    np.testing.assert_allclose(mean, expected[0], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(among, among.T, atol=1e-9)
    if link == "log":
        np.testing.assert_allclose(np.diag(among) + noise, expected[1], rtol=1e-6, atol=1e-8)


def test_far_from_all_samples_stands_the_prior():
    features = Features(smooth={"smooth": np.array([[0.0], [0.1], [50.0]])})
    shapes = Shapes.of(np.zeros((0, 3)), "log")
    weights = np.array([-30.0, -30.0, -30.0, np.log(0.04), np.log(1e-4)])
    posterior, _, scale = alone(shapes, features, weights, np.array([0, 1]), np.array([2.0, 3.0]))
    mean, variance = posterior.logarithm(np.array([2]))
    assert mean[0] == pytest.approx(scale)
    assert variance[0] == pytest.approx(0.04 + 1e-4)


def test_many_quiet_runs_of_a_network_tell_it():
    _, sources, features = drawn(4)
    for link in LINKS:
        shapes = Shapes.of(sources, link)
        weights = np.full(len(components(shapes, features)) + 1, -2.0)
        weights[-1] = np.log(1e-8)
        rows = np.array([0, 0, 0, 1, 5, 5])
        times = np.array([2.0, 2.0, 2.0, 3.0, 5.0, 5.0])
        posterior, _, _ = alone(shapes, features, weights, rows, times)
        mean, variance = posterior.logarithm(np.array([0, 1, 5]))
        np.testing.assert_allclose(np.exp(mean), [2, 3, 5], rtol=1e-3)
        assert (variance < 1e-5).all()


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.sampled_from([1, 2, 5]))
def test_a_mixture_has_its_members_moments(seed, samples):
    made = devices(seed, networks=30, of_family=1)
    draw = np.random.default_rng(seed)
    rows = draw.permutation(30)[:samples]
    posterior = prepare(made.sources[:2], made.families[:2], made.features).fit(rows, made.target[rows])
    shares = np.array([one.share for one in posterior.members])
    assert shares.sum() == pytest.approx(1)
    asked = np.arange(30)
    each = np.array([Posterior([one], rows).logarithm(asked) for one in _whole(posterior)])
    mean = shares @ each[:, 0]
    variance = shares @ (each[:, 1] + each[:, 0] ** 2) - mean**2
    np.testing.assert_allclose(posterior.logarithm(asked), [mean, variance], rtol=1e-6, atol=1e-9)


def _whole(posterior):
    return [
        member(1.0, one.shapes, one.terms, one.weights, one.scale, *_of(one, posterior.rows), one.trouble, one.added)
        for one in posterior.members
    ]


def _of(one, rows):
    parts = [term.between(rows, rows) for term in one.terms]
    return parts, one.lower @ one.lower.T @ one.fitted, rows


@pytest.mark.parametrize("samples", [1, 2, 7, MANY + 5])
@pytest.mark.parametrize("sources", [0, 1, 2, 6])
def test_the_unit_of_times_changes_nothing(samples, sources):
    made = devices(5, networks=120)
    rows = np.random.default_rng(1).permutation(120)[:samples]
    first = made.transfer(sources).fit(rows, made.target[rows])
    other = made.transfer(sources).fit(rows, 1e6 * made.target[rows])
    mean, variance = first.logarithm(np.arange(120))
    moved, same = other.logarithm(np.arange(120))
    np.testing.assert_allclose(moved - mean, np.log(1e6), atol=1e-5)
    np.testing.assert_allclose(same, variance, rtol=1e-3)


def test_the_unit_of_a_source_changes_nothing():
    made = devices(6, networks=60)
    rows = np.arange(8)
    factors = np.array([[1e-6], [1.0], [1e3], [7.0], [1e5], [1e-2]])
    found = [
        prepare(sources, made.families, made.features).fit(rows, made.target[rows]).logarithm(np.arange(60))
        for sources in (made.sources, factors * made.sources)
    ]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4, atol=1e-6)


def test_more_samples_are_nearer():
    made = devices(7)
    transfer, order = made.transfer(), np.random.default_rng(0).permutation(300)
    errors = [error(transfer.fit(order[:n], made.target[order[:n]]), made.target) for n in (3, 10, 59, 100)]
    assert errors[0] > errors[2]
    assert errors[1] > errors[3]
    assert errors[3] < 0.04


@pytest.mark.parametrize("samples", [12, 30, MANY + 5])
def test_a_disturbed_sample_is_not_believed(samples):
    """One run that took twice as long, of a phone that was busy, leaves the others' say as it was."""
    made = devices(9)
    rows = np.random.default_rng(3).permutation(300)[:samples]
    disturbed = made.target[rows].copy()
    disturbed[2] *= 2
    transfer, rest = made.transfer(), np.setdiff1d(np.arange(300), rows)
    found = {name: transfer.fit(rows, times) for name, times in (("as it is", made.target[rows]), ("busy", disturbed))}
    assert sum(one.share for one in found["busy"].members if one.added[2]) > 0.95
    mean, deviation = found["as it is"].logarithm(rest)[0], np.sqrt(found["as it is"].logarithm(rest)[1])
    assert (np.abs(found["busy"].logarithm(rest)[0] - mean) < 2 * deviation).mean() > 0.9
    assert error(found["busy"], made.target) < 1.5 * error(found["as it is"], made.target)


def test_networks_in_trouble_are_less_sure():
    features = Features(smooth={"smooth": np.arange(6.0)[:, None]})
    shapes = Shapes.of(np.zeros((0, 6)), "log")
    terms, rows, trouble = components(shapes, features), np.array([0, 1]), np.array([1.0, 9.0, 1.0, 1.0, 9.0, 1.0])
    weights = np.array([-30.0, -30.0, -30.0, -30.0, np.log(0.01)])
    parts, residual = [term.between(rows, rows) for term in terms], np.array([0.1, 0.2])
    posterior = Posterior([member(1.0, shapes, terms, weights, 0.0, parts, residual, rows, trouble)], rows)
    np.testing.assert_allclose(posterior.logarithm(np.array([3, 4]))[1], [0.01, 0.09], rtol=1e-6)


def test_what_no_model_explains():
    """No covariance that holds such features is one to the precision of floats."""
    features = Features({"counts": np.full((3, 1), 1e120)})
    with pytest.raises(InputError, match="samples: no model explains them"):
        condition((), np.zeros((0, 3)), features, np.arange(3), np.array([1.0, 5.0, 2.0]))
