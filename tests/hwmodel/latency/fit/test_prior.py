"""The evidence against scipy's normal law and finite differences, and what sources teach."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from hwmodel.latency.fit.kernel import Shapes, components
from hwmodel.latency.fit.outliers import evidences
from hwmodel.latency.fit.prior import FIRMNESS, HIGHEST, LINKS, LOWEST, evidence, learn, most_evident, start
from tests.hwmodel.latency.fit.made import devices
from tests.hwmodel.latency.fit.test_kernel import drawn
from tests.naive import fit as naive


def problem(seed, link):
    draw, sources, features = drawn(seed)
    shapes = Shapes.of(sources, link)
    terms, rows = components(shapes, features), draw.permutation(9)[:6]
    weights = draw.normal(-1, 1, len(terms) + 1)
    parts = [term.between(rows, rows) for term in terms]
    return shapes, features, weights, rows, parts, draw.normal(size=6)


@given(st.integers(0, 2**32), st.sampled_from(LINKS))
def test_the_evidence_is_the_normal_laws(seed, link):
    shapes, features, weights, rows, parts, residual = problem(seed, link)
    among, noise = naive.matrix(shapes, features, weights, rows, rows), np.exp(weights[-1])
    trouble, added = np.array([1.0, 1, 2, 0.5, 1, 1]), np.array([0.0, 0, 0, 0, 0.1, 0])
    for own in ((), (trouble, added)):
        total = among + noise * np.eye(6) if not own else among + np.diag(noise * trouble + added)
        expected = multivariate_normal.logpdf(residual, np.zeros(6), total)
        assert evidence(weights, parts, residual, *own)[0] == pytest.approx(expected, rel=1e-6)


@given(st.integers(0, 2**32), st.sampled_from(LINKS))
def test_the_slopes_are_finite_differences(seed, link):
    _, _, weights, _, parts, residual = problem(seed, link)
    more = (np.array([1.0, 1, 2, 0.5, 1, 1]), np.array([0.0, 0, 0, 0, 0.1, 0]))
    slopes = evidence(weights, parts, residual, *more)[1]
    for place, slope in enumerate(slopes):
        step = np.zeros_like(weights)
        step[place] = 1e-5
        sides = [evidence(weights + way * step, parts, residual, *more)[0] for way in (1, -1)]
        assert slope == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-3, abs=1e-4)


def test_a_covariance_that_floats_cannot_hold_has_no_evidence():
    ones = [np.full((4, 4), 1e30)]
    weights = np.array([0.0, -14.0])
    assert evidences(weights[None], ones, np.arange(4.0), np.ones(4))[0] == -np.inf
    found, value = most_evident(ones, np.arange(4.0), weights, FIRMNESS)
    assert np.isfinite(found).all()
    assert value == -np.inf


@pytest.mark.parametrize("link", LINKS)
def test_found_weights_are_more_evident_than_the_first(link):
    made = devices(0, networks=80)
    prior = learn(made.sources, made.sources, made.families, made.features, link)
    assert prior.weights.shape == (6, len(prior.names))
    assert (prior.weights >= LOWEST).all()
    assert (prior.weights <= HIGHEST).all()
    shapes = Shapes.of(made.sources[2:], link)
    terms = components(shapes, made.features)
    residual, _, _ = shapes.residual(made.sources[0], np.arange(80))
    parts = [term.between(np.arange(80), np.arange(80)) for term in terms]
    assert evidence(prior.weights[0], parts, residual)[0] > evidence(start(terms), parts, residual)[0]


def test_of_one_family_each_device_is_left_out_alone():
    made = devices(1, networks=40)
    told = []
    same = learn(made.sources[:3], made.sources[:3], ["x"] * 3, made.features, "log", report=lambda: told.append(1))
    each = learn(made.sources[:3], made.sources[:3], ["x", "y", "z"], made.features, "log")
    np.testing.assert_array_equal(same.weights, each.weights)
    assert len(told) == 3


def test_the_noise_that_is_learned_is_the_sources():
    quiet, loud = (devices(2, networks=200, noise=noise) for noise in (0.005, 0.1))
    learned = [learn(made.sources, made.sources, made.families, made.features, "log") for made in (quiet, loud)]
    deviations = [np.exp(prior.weights[:, -1] / 2).mean() for prior in learned]
    assert deviations[0] < 0.02
    assert 3 * deviations[0] < deviations[1] < 0.12
