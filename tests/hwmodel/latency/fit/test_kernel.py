"""The covariance against double loops, and the two links there and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.latency.fit.features import Features, of_codes, of_quantities
from hwmodel.latency.fit.kernel import Shapes, components, covariance
from hwmodel.latency.fit.prior import LINKS, without_sources
from tests.naive import fit as naive


def drawn(seed, networks=9, devices=3):
    draw = np.random.default_rng(seed)
    sources = np.exp(draw.normal(size=(devices, networks)))
    codes = draw.integers(0, 3, (networks, 5))
    of = draw.integers(4)
    if of == 0:
        features = of_codes(codes)
    elif of == 1:
        features = of_codes(codes, np.where(codes == 2, 0, codes))
    elif of == 2:
        features = of_quantities(np.exp(draw.normal(size=(networks, 2))))
    else:
        features = Features()
    return draw, sources, features


@given(st.integers(0, 2**32), st.sampled_from(LINKS))
def test_covariances_are_those_of_double_loops(seed, link):
    draw, sources, features = drawn(seed)
    count = features.additive["choices"].shape[1] // 5 if "choices" in features.additive else 0
    shapes = Shapes.of(sources, link, draw.gamma(1.0, 1.0, (3, 5, count)) if count else None)
    terms = components(shapes, features)
    weights = draw.normal(size=len(terms) + 1)
    left, right = draw.integers(0, 9, 4), draw.integers(0, 9, 6)
    found = covariance([term.between(left, right) for term in terms], weights)
    expected = naive.matrix(shapes, features, weights, left, right)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    alone = covariance([term.alone(left) for term in terms], weights)
    np.testing.assert_allclose(alone, np.diag(naive.matrix(shapes, features, weights, left, left)), rtol=1e-9)


@given(st.integers(0, 2**32), st.sampled_from(LINKS), st.integers(0, 3), st.floats(-30, 30))
def test_a_residual_taken_back_is_the_time(seed, link, devices, scale):
    draw, sources, _ = drawn(seed, devices=devices)
    shapes = Shapes.of(sources, link)
    rows = draw.permutation(9)[:5]
    # So that none falls below the twentieth where the linear link ends.
    times = (
        np.exp(scale)
        * np.exp(0.3 * draw.normal(size=5))
        * (np.exp(shapes.base) if link == "log" else shapes.base)[rows]
    )
    residual, taken, _ = shapes.residual(times, rows)
    assert np.median(residual) == pytest.approx(0, abs=1e-9)
    mean, variance = shapes.logarithm(residual, np.full(5, 0.04), taken, rows)
    np.testing.assert_allclose(mean, np.log(times), atol=1e-9)
    np.testing.assert_allclose(variance, 0.04 if link == "log" else 0.04 / (1 + residual) ** 2, rtol=1e-9)


@given(st.integers(0, 2**32), st.sampled_from(LINKS), st.floats(1e-9, 1e9))
def test_the_unit_of_times_moves_all_densities_alike(seed, link, factor):
    draw, sources, _ = drawn(seed)
    shapes, rows, times = Shapes.of(sources, link), np.arange(7), np.exp(draw.normal(size=7))
    residual, _, jacobian = shapes.residual(times, rows)
    same, _, moved = shapes.residual(factor * times, rows)
    np.testing.assert_allclose(same, residual, atol=1e-6)
    assert moved - jacobian == pytest.approx(-7 * np.log(factor), abs=1e-6)


@pytest.mark.parametrize("link", LINKS)
def test_the_jacobian_is_that_of_the_residual(link):
    _, sources, _ = drawn(3)
    shapes, rows, times = Shapes.of(sources, link), np.arange(4), np.array([1.0, 2.0, 3.0, 9.0])
    _, scale, jacobian = shapes.residual(times, rows)

    def given_the_scale(times):
        return np.log(times) if link == "log" else times / shapes.base[rows] / scale

    step = 1e-6 * times
    slopes = (given_the_scale(times + step) - given_the_scale(times - step)) / (2 * step)
    assert jacobian == pytest.approx(np.log(slopes).sum(), abs=1e-6)


@pytest.mark.parametrize("link", LINKS)
def test_a_relative_time_below_zero_is_still_a_time(link):
    _, sources, _ = drawn(1)
    mean, variance = Shapes.of(sources, link).logarithm(np.array([-3.0]), np.array([1.0]), 1.0, np.array([0]))
    assert np.isfinite(mean).all()
    assert (variance > 0).all()


@pytest.mark.parametrize("link", LINKS)
def test_one_source_departs_from_nothing(link):
    _, sources, features = drawn(0, devices=1)
    assert not Shapes.of(sources, link).departures.any()
    shapes, terms, first = without_sources(9, features, link)
    assert len(np.unique(shapes.base)) == 1
    assert not {"shape", "sources"} & {term.name for term in terms}
    assert len(first) == len(terms) + 1


def test_features_of_constant_quantities_are_finite():
    features = of_quantities(np.array([[2.0, 5.0], [2.0, 7.0], [2.0, 9.0]]))
    assert np.isfinite(features.smooth["smooth"]).all()
    assert not features.smooth["smooth"][:, 0].any()
